"""What all generated data sets are made of: labelled pairs, in exact shares, none of them twice."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, NamedTuple

from srnet.data.pairs import pair_dataset

if TYPE_CHECKING:
    from datasets import Dataset

Text = tuple[str, str]
"""Premise and hypothesis."""


class Pair(NamedTuple):
    """A premise, a hypothesis, the label's name, and the subset where the data set has them."""

    premise: str
    hypothesis: str
    label: str
    subset: str = ""

    @property
    def text(self) -> Text:
        """What tells two pairs apart."""
        return self.premise, self.hypothesis


def labels_in_shares(rng: Random, number: int, shares: Mapping[str, float]) -> list[str]:
    """Return labels in random order, each as often as its share of `number` says, rounded; the first takes the rest."""
    first, *others = shares
    labels = [label for label in others for _ in range(round(number * shares[label]))]
    labels += [first] * (number - len(labels))
    rng.shuffle(labels)
    return labels


def unseen(pairs: Iterable[Pair], seen: set[Text]) -> Iterator[Pair]:
    """Leave out the pairs whose text is among those `seen`, to which the others are added."""
    for pair in pairs:
        if pair.text not in seen:
            seen.add(pair.text)
            yield pair


def draw_unseen(draw: Callable[[str], Pair], labels: Iterable[str], seen: set[Text]) -> list[Pair]:
    """Draw one pair for each label, again where its text is among those `seen`, to which the pairs are added."""
    pairs = []
    for label in labels:
        pair = draw(label)
        while pair.text in seen:
            pair = draw(label)
        seen.add(pair.text)
        pairs.append(pair)
    return pairs


def to_dataset(pairs: Sequence[Pair], label_names: Sequence[str]) -> "Dataset":
    """Return pairs as a data set with the columns of `TaskData`."""
    premises, hypotheses, labels, subsets = zip(*pairs, strict=True)
    return pair_dataset(premises, hypotheses, [label_names.index(label) for label in labels], label_names, subsets)
