"""What answers that look at nothing would score on PAWS, whose classes are unequal (Section 4.2.2, item 5)."""

from collections.abc import Mapping

from srnet.paper import EVALUATED, TABLE_2

EVEN, PRIOR = "even guess", "guess with the training prior"
GUESSED = ("paws-qqp", "paws-wiki")


def expected_f1(share: float, guessed: float = 0.5) -> float:
    """Return the weighted F1 that a guess between two classes is expected to have.

    Args:
        share: of one class in the data set, in [0, 1].
        guessed: how often the guess is that class, in (0, 1). Its recall is this, its precision the share.
    """
    classes = ((share, guessed), (1 - share, 1 - guessed))
    return sum(own * 2 * own * told / (own + told) for own, told in classes)


def guesses(dataset: str) -> dict[str, float]:
    """Return the weighted F1, in [0, 1], of an even guess and of one with QQP's prior; none for sets other than PAWS.

    Shares of classes are the paper's (Table 2). The pocket world's evaluated PAWS-like sets have the same.

    Args:
        dataset: its id.
    """
    if dataset not in GUESSED:
        return {}
    share, prior = (_duplicates(dataset, EVALUATED[dataset]), _duplicates("qqp", "train"))
    return {EVEN: expected_f1(share), PRIOR: expected_f1(share, prior)}


def _duplicates(dataset: str, split: str) -> float:
    classes: Mapping[str, float] = TABLE_2[dataset, split]
    return classes["duplicate"] / sum(classes.values())
