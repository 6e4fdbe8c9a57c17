"""Bias models: what an example's known spurious features alone say about its label (Appendix B.3.1 of the paper).

The debiasing losses take the bias model's log-probabilities, log p_b, of every training example.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from srnet.errors import InputError
from srnet.vectors import WordVectors, words_of

if TYPE_CHECKING:
    from datasets import Dataset

_FLOATS_AT_ONCE = 1 << 20  # vector components gathered at once: some megabytes, so that they stay in the cache


def overlap_features(premises: Iterable[str], hypotheses: Iterable[str]) -> NDArray[np.float64]:
    """Return the word-overlap features of N pairs: the first three of `pair_features`, which need no vectors.

    Args:
        premises: N sentences.
        hypotheses: N sentences.

    Returns:
        float64 [N, 3], one row per pair.

    Raises:
        InputError: there are not as many premises as hypotheses.
    """
    return _Pairs.of(premises, hypotheses).overlap()


def pair_features(premises: Iterable[str], hypotheses: Iterable[str], vectors: WordVectors) -> NDArray[np.float64]:
    """Return the spurious features of N pairs (Appendix B.3.1 of the paper, after Clark et al., 2019).

    A sentence's words are those of `srnet.vectors.words_of`. The similarity of two words is 1 if they are the same,
    else the cosine of their vectors, -1 to 1; 0 if either is unknown to `vectors`.

    Args:
        premises: N sentences.
        hypotheses: N sentences.
        vectors: vectors of words; asked once for all words of the N pairs.

    Returns:
        float64 [N, 5], one row per pair:
        1 if every hypothesis word occurs in the premise, else 0;
        1 if the hypothesis's words occur in the premise one directly after the other, else 0;
        the share, 0 to 1, of the hypothesis's words (repeated words counted each time) that occur in the premise;
        the mean over the hypothesis's words (repeated ones counted each time) of the greatest similarity to a word of
        the premise, which is 0 where the premise has no words;
        the minimum of the same.
        For a hypothesis of one word mean and minimum are equal; for one without words all five features are 0.

    Raises:
        InputError: there are not as many premises as hypotheses, or the file of `vectors` is malformed.
    """
    pairs = _Pairs.of(premises, hypotheses)
    return np.hstack([pairs.overlap(), pairs.similarity(vectors)])


def claim_features(claims: Iterable[str], vectors: WordVectors) -> NDArray[np.float64]:
    """Return the max-pooled word vectors of N claims, all that a claim-only bias model sees (Appendix B.3.1).

    Args:
        claims: N sentences, whose words are those of `srnet.vectors.words_of`.
        vectors: vectors of words, of dimension d; asked once for all words of the N claims.

    Returns:
        float64 [N, d]: the element-wise maximum over the unit vectors of the claim's words that are known, so a single
        word's own vector for a claim of one; 0 for a claim without known words.

    Raises:
        InputError: the file of `vectors` is malformed.
    """
    vocabulary: dict[str, int] = {}
    text = _Text.of(claims, vocabulary)
    unit = vectors.words(list(vocabulary))
    owner, tokens = text.tokens()
    known = np.any(unit, axis=1)[tokens]
    owner, tokens = owner[known], tokens[known]
    counts = np.bincount(owner, minlength=len(text.index))
    starts = np.cumsum(counts) - counts
    features = np.zeros((len(text.index), vectors.dimension))
    for rows in _alike(np.flatnonzero(counts), vectors.dimension, counts):
        features[rows] = unit[tokens[_ranges(rows, starts, counts)]].max(axis=1)
    return features


def bias_features(data: "Dataset", kind: str, vectors: WordVectors) -> NDArray[np.float64]:
    """Return the spurious features of the N examples of a data set.

    Args:
        data: a data set with the columns `premise` and `hypothesis`.
        kind: what the bias model sees, `Task.bias`: "pair" for `pair_features`, "claim" for `claim_features` of the
            hypothesis, which is the claim in fact verification.
        vectors: vectors of words.

    Returns:
        float64 [N, F]; F is 5 for pairs, the vectors' dimension for claims.

    Raises:
        InputError: the kind is unknown, or the file of `vectors` is malformed.
    """
    if kind == "pair":
        return pair_features(data["premise"][:], data["hypothesis"][:], vectors)
    if kind == "claim":
        return claim_features(data["hypothesis"][:], vectors)
    raise InputError(f"unknown kind of bias features {kind!r}; known are pair, claim")


@dataclass(frozen=True, eq=False)
class _Text:
    """N sentences as numbers of words in a vocabulary; sentences that are equal (many premises are) are split once.

    Attributes:
        spaced: words of each distinct sentence, with a space before, between and after them.
        index: int64 [N], the distinct sentence that each sentence is.
        words: words of all distinct sentences, one sentence after the other.
        starts: where each distinct sentence starts in `words`.
        counts: number of its words.
    """

    spaced: list[str]
    index: NDArray[np.int64]
    words: NDArray[np.int64]
    starts: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, sentences: Iterable[str], vocabulary: dict[str, int]) -> "_Text":
        """Split sentences; words that are new to the vocabulary are added to it."""
        distinct: dict[str, int] = {}
        index = np.array([distinct.setdefault(sentence, len(distinct)) for sentence in sentences], dtype=np.int64)
        words: list[int] = []
        spaced, counts = [], []
        for sentence in distinct:
            split = words_of(sentence)
            words.extend([vocabulary.setdefault(word, len(vocabulary)) for word in split])
            spaced.append(f" {' '.join(split)} ")
            counts.append(len(split))
        lengths = np.array(counts, dtype=np.int64)
        return cls(spaced, index, np.array(words, dtype=np.int64), np.cumsum(lengths) - lengths, lengths)

    def tokens(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return all words of the N sentences in order: the sentence that each belongs to, and its number."""
        counts = self.counts[self.index]
        owner = np.repeat(np.arange(len(counts)), counts)
        first = np.cumsum(counts) - counts
        return owner, self.words[np.arange(len(owner)) + np.repeat(self.starts[self.index] - first, counts)]


@dataclass(frozen=True, eq=False)
class _Pairs:
    """N pairs, and which words of a hypothesis occur in its premise.

    Attributes:
        vocabulary: words of all sentences, by number.
        premise: the premises.
        hypothesis: the hypotheses.
        pair: pair of each of T hypothesis words, int64 [T], ascending.
        word: number of each of these words, int64 [T].
        kept: keys `premise * V + word` of the distinct words of each distinct premise, int64, ascending.
        present: bool [T], whether the word occurs in the pair's premise.
    """

    vocabulary: list[str]
    premise: _Text
    hypothesis: _Text
    pair: NDArray[np.int64]
    word: NDArray[np.int64]
    kept: NDArray[np.int64]
    present: NDArray[np.bool_]

    @classmethod
    def of(cls, premises: Iterable[str], hypotheses: Iterable[str]) -> "_Pairs":
        numbers: dict[str, int] = {}
        premise, hypothesis = _Text.of(premises, numbers), _Text.of(hypotheses, numbers)
        if len(premise.index) != len(hypothesis.index):
            given = f"{len(premise.index)} premises and {len(hypothesis.index)} hypotheses"
            raise InputError(f"bias features: {given} differ in number; give one of each per pair")
        sentence = np.repeat(np.arange(len(premise.counts)), premise.counts)
        kept = np.unique(sentence * len(numbers) + premise.words)
        pair, word = hypothesis.tokens()
        keys = premise.index[pair] * len(numbers) + word
        # A key beyond the last kept one is compared with that one, which is smaller.
        present = np.zeros(len(keys), dtype=bool)
        if len(kept):
            present = kept[np.minimum(np.searchsorted(kept, keys), len(kept) - 1)] == keys
        return cls(list(numbers), premise, hypothesis, pair, word, kept, present)

    def __len__(self) -> int:
        return len(self.premise.index)

    def overlap(self) -> NDArray[np.float64]:
        """Return the first three features, float64 [N, 3]."""
        counts = self.hypothesis.counts[self.hypothesis.index]
        occur = np.bincount(self.pair[self.present], minlength=len(self))
        features = np.zeros((len(self), 3))
        features[:, 0] = (occur == counts) & (counts > 0)
        features[:, 2] = occur / np.maximum(counts, 1)
        for row in np.flatnonzero(features[:, 0]):
            # Words hold no space, so text that starts and ends with one starts and ends at a word's boundary.
            part = self.hypothesis.spaced[self.hypothesis.index[row]]
            features[row, 1] = part in self.premise.spaced[self.premise.index[row]]
        return features

    def similarity(self, vectors: WordVectors) -> NDArray[np.float64]:
        """Return mean and minimum over the hypothesis's words of the greatest similarity, float64 [N, 2]."""
        greatest = self.present.astype(np.float64)
        self._compare(greatest, vectors.words(self.vocabulary))
        counts = np.bincount(self.pair, minlength=len(self))
        features = np.zeros((len(self), 2))
        features[:, 0] = np.bincount(self.pair, weights=greatest, minlength=len(self)) / np.maximum(counts, 1)
        if len(greatest):
            features[counts > 0, 1] = np.minimum.reduceat(greatest, (np.cumsum(counts) - counts)[counts > 0])
        return features

    def _compare(self, greatest: NDArray[np.float64], unit: NDArray[np.float32]) -> None:
        """Set the greatest similarity of each word that does not occur in its premise, from unit vectors [V, d]."""
        size = len(self.vocabulary)
        ends = np.searchsorted(self.kept, np.arange(1, len(self.premise.counts) + 1) * size)
        distinct = np.diff(ends, prepend=0)
        others, starts = distinct[self.premise.index], (ends - distinct)[self.premise.index]
        absent = np.flatnonzero(~self.present)
        missing = np.bincount(self.pair[absent], minlength=len(self))
        firsts = np.cumsum(missing) - missing
        # Pairs alike in both numbers of words make one product of stacks of matrices, without padding.
        for rows in _alike(np.flatnonzero((missing > 0) & (others > 0)), unit.shape[1], missing, others):
            words = absent[_ranges(rows, firsts, missing)]
            premise = self.kept[_ranges(rows, starts, others)] % size
            cosines = unit[self.word[words]] @ unit[premise].swapaxes(1, 2)
            greatest[words] = cosines.max(axis=2).clip(-1, 1)


def _alike(rows: NDArray[np.int64], dimension: int, *counts: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield `rows` in groups whose counts of words are the same, no group so large that its vectors fill the memory."""
    order = rows[np.lexsort([count[rows] for count in counts])]
    changes = np.zeros(max(len(order) - 1, 0), dtype=bool)
    for count in counts:
        changes |= np.diff(count[order]) != 0
    for group in np.split(order, np.flatnonzero(changes) + 1) if len(order) else []:
        size = max(_FLOATS_AT_ONCE // (dimension * sum(int(count[group[0]]) for count in counts)), 1)
        for start in range(0, len(group), size):
            yield group[start : start + size]


def _ranges(rows: NDArray[np.int64], starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return int64 [G, n]: start, start + 1, ... of each of G rows, which all have the same count n."""
    return starts[rows][:, None] + np.arange(counts[rows[0]])


@dataclass(frozen=True, eq=False)
class BiasModel:
    """A linear bias model: p_b(y | x) = softmax(W · features(x) + b).

    Attributes:
        weights: W, float64 [K, F].
        intercept: b, float64 [K].
    """

    weights: NDArray[np.float64]
    intercept: NDArray[np.float64]

    @classmethod
    def fit(cls, features: NDArray[np.float64], labels: NDArray[np.integer], num_labels: int) -> "BiasModel":
        """Fit a multinomial logistic regression (scikit-learn's, with its default L2 penalty) to standardised features.

        A class may have no examples (a sample of FEVER may lack NOT ENOUGH INFO): its row of W is 0 and its intercept
        -log N, so it gets a probability of at most 1 / (N P), where P is the number of classes with examples.

        Args:
            features: float64 [N, F].
            labels: integers [N], each in 0..K-1.
            num_labels: K, at least 2.

        Raises:
            InputError: shapes do not fit, a feature is not finite, a label is out of range, fewer than two classes have
                examples.
        """
        _check_features(features)
        if labels.shape != features.shape[:1]:
            raise InputError(
                f"bias model: labels have shape {labels.shape}, needed are {features.shape[:1]}, one per row"
            )
        present = np.unique(labels)
        outside = present[(present < 0) | (present >= num_labels)]
        if outside.size:
            raise InputError(f"bias model: labels {outside.tolist()} are outside 0..{num_labels - 1}")
        if present.size < 2:
            raise InputError(
                f"bias model: the only labels are {present.tolist()}; give examples of two classes or more"
            )
        from sklearn.linear_model import LogisticRegression
        from sklearn.preprocessing import StandardScaler

        scaler = StandardScaler().fit(features)
        regression = LogisticRegression(max_iter=1000).fit(scaler.transform(features), labels)
        fitted, constant = regression.coef_, regression.intercept_
        if present.size == 2:
            # scikit-learn keeps two classes as one logit, that of the second relative to the first.
            fitted, constant = np.vstack([-fitted, fitted]) / 2, np.append(-constant, constant) / 2
        # Logits of the classes present sum to 0, so their exponentials sum to P at least.
        fitted, constant = fitted - fitted.mean(axis=0), constant - constant.mean()
        fitted = fitted / scaler.scale_
        weights = np.zeros((num_labels, features.shape[1]))
        intercept = np.full(num_labels, -np.log(len(features)))
        weights[present], intercept[present] = fitted, constant - fitted @ scaler.mean_
        weights.setflags(write=False)
        intercept.setflags(write=False)
        return cls(weights, intercept)

    def log_probs(self, features: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return log p_b.

        Args:
            features: float64 [N, F].

        Returns:
            float32 [N, K]; finite, and each row's exponentials sum to 1.

        Raises:
            InputError: the features have another width than those fitted, or one is not finite.
        """
        _check_features(features)
        if features.shape[1] != self.weights.shape[1]:
            raise InputError(f"bias model: fitted to {self.weights.shape[1]} features, given {features.shape[1]}")
        logits = features @ self.weights.T + self.intercept
        return (logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)).astype(np.float32)


def _check_features(features: NDArray[np.float64]) -> None:
    if features.ndim != 2:
        raise InputError(f"bias model: features have shape {features.shape}; give one row per example, [N, F]")
    if not np.isfinite(features).all():
        row = int(np.flatnonzero(~np.isfinite(features).all(axis=1))[0])
        raise InputError(f"bias model: the features of example {row} are not finite; check how they were computed")
