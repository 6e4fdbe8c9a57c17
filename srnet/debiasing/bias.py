"""Bias models: what an example's known spurious features alone say about its label (Appendix B.3.1 of the paper).

The debiasing losses take the bias model's log-probabilities, log p_b, of every training example.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from srnet.debiasing.word_vectors import WordVectors, words_of
from srnet.errors import InputError

if TYPE_CHECKING:
    from datasets import Dataset


def pair_features(premises: Iterable[str], hypotheses: Iterable[str], vectors: WordVectors) -> NDArray[np.float64]:
    """Return the spurious features of N pairs (Appendix B.3.1 of the paper, after Clark et al., 2019).

    A sentence's words are those of `srnet.debiasing.word_vectors.words_of`. The similarity of two words is 1 if they
    are the same, else the cosine of their vectors, -1 to 1; 0 if either is unknown to `vectors`.

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
    vocabulary: dict[str, int] = {}
    first, second = _numbered(premises, vocabulary), _numbered(hypotheses, vocabulary)
    if len(first) != len(second):
        given = f"{len(first)} premises and {len(second)} hypotheses"
        raise InputError(f"bias features: {given} differ in number; give one of each per pair")
    unit = vectors.words(list(vocabulary))
    features = np.zeros((len(first), 5))
    for row, premise, hypothesis in zip(features, first, second, strict=True):
        if hypothesis:
            row[:] = _of_pair(premise, hypothesis, unit)
    return features


def claim_features(claims: Iterable[str], vectors: WordVectors) -> NDArray[np.float64]:
    """Return the max-pooled word vectors of N claims, all that a claim-only bias model sees (Appendix B.3.1).

    Args:
        claims: N sentences, whose words are those of `srnet.debiasing.word_vectors.words_of`.
        vectors: vectors of words, of dimension d; asked once for all words of the N claims.

    Returns:
        float64 [N, d]: the element-wise maximum over the unit vectors of the claim's words that are known, so a single
        word's own vector for a claim of one; 0 for a claim without known words.

    Raises:
        InputError: the file of `vectors` is malformed.
    """
    vocabulary: dict[str, int] = {}
    sentences = _numbered(claims, vocabulary)
    unit = vectors.words(list(vocabulary))
    known = np.any(unit, axis=1)
    features = np.zeros((len(sentences), vectors.dimension))
    for row, sentence in zip(features, sentences, strict=True):
        if words := [word for word in sentence if known[word]]:
            row[:] = unit[words].max(axis=0)
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


def _numbered(sentences: Iterable[str], vocabulary: dict[str, int]) -> list[list[int]]:
    """Return each sentence's words as numbers in a vocabulary, to which words that are new to it are added."""
    return [[vocabulary.setdefault(word, len(vocabulary)) for word in words_of(sentence)] for sentence in sentences]


def _of_pair(premise: list[int], hypothesis: list[int], unit: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the five features of a pair of word numbers from unit vectors [V, d]; the hypothesis has words."""
    known = dict.fromkeys(premise)
    present = np.array([word in known for word in hypothesis])
    greatest = np.zeros(len(hypothesis))
    if known:
        greatest[:] = (unit[hypothesis] @ unit[list(known)].T).max(axis=1).clip(-1, 1)
    greatest[present] = 1
    size = len(hypothesis)
    follows = any(premise[start : start + size] == hypothesis for start in range(len(premise) - size + 1))
    return np.array([present.all(), follows, present.mean(), greatest.mean(), greatest.min()])


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
        from sklearn.linear_model import LogisticRegression
        from sklearn.preprocessing import StandardScaler

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
