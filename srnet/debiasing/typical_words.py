"""The words that are typical of a class: what a bias model that sees vectors of words goes by, in words."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from srnet.debiasing.word_vectors import words_of

MOST_WORDS = 10  # of each class
LEAST_Z = 1.96  # 95 % of a normal distribution


@dataclass(frozen=True)
class TypicalWord:
    """A word that is more frequent in the texts of one class than in the others.

    Attributes:
        word: as `srnet.debiasing.word_vectors.words_of` gives it.
        z: of its log-odds (`typical_words`).
        examples: how many have it.
        share: how many of these are of the class, in [0, 1].
    """

    word: str
    z: float
    examples: int
    share: float


def typical_words(
    texts: Sequence[str], labels: NDArray[np.integer], classes: Sequence[str]
) -> dict[str, tuple[TypicalWord, ...]]:
    """Return the words most typical of each class: at most `MOST_WORDS`, with z above `LEAST_Z`, the greatest first.

    The measure is the z-score of a word's log-odds in a class against all others, with an informative Dirichlet prior
    (Monroe, Colaresi and Quinn, 2008, *Fightin' Words*, equations 16, 20 and 22). A word counts once in each text. The
    prior is distributed as the words of all texts are, and weighs as much as one word for each in the vocabulary.

    Args:
        texts: N texts.
        labels: N indices into `classes`.
        classes: names of the K classes.
    """
    found: list[Counter[str]] = [Counter() for _ in classes]
    for text, label in zip(texts, labels.tolist(), strict=True):
        found[label].update(set(words_of(text)))
    words = sorted(set().union(*found))
    counts = np.array([[each[word] for each in found] for word in words], dtype=np.float64).reshape(-1, len(classes))
    total = counts.sum(axis=1, keepdims=True)
    prior = total * len(words) / max(1, total.sum())
    inside, outside = counts + prior, total - counts + prior
    odds = [np.log(part / (part.sum(axis=0) - part)) for part in (inside, outside)]
    z = (odds[0] - odds[1]) / np.sqrt(1 / inside + 1 / outside)
    return {
        name: tuple(
            TypicalWord(words[word], float(z[word, k]), int(total[word, 0]), float(counts[word, k] / total[word, 0]))
            for word in np.argsort(-z[:, k], kind="stable")[:MOST_WORDS]
            if z[word, k] > LEAST_Z
        )
        for k, name in enumerate(classes)
    }
