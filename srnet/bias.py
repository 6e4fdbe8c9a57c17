"""Bias models: what a pair's known spurious features alone say about its label (Appendix B.3.1 of the paper).

The debiasing losses take the bias model's log-probabilities, log p_b, of every training example.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from srnet.errors import InputError

_WORD = re.compile(r"[^\W_]+")


def _words(sentence: str) -> list[str]:
    return _WORD.findall(sentence.lower())


def _pair_features(premise: str, hypothesis: str) -> tuple[float, float, float]:
    premise_words, words = _words(premise), _words(hypothesis)
    if not words:
        return 0.0, 0.0, 0.0
    present = sum(map(set(premise_words).__contains__, words))
    all_present = present == len(words)
    # Words hold no space, so a substring that starts and ends with one starts and ends at a word's boundary.
    contiguous = all_present and f" {' '.join(words)} " in f" {' '.join(premise_words)} "
    return float(all_present), float(contiguous), present / len(words)


def overlap_features(premises: Iterable[str], hypotheses: Iterable[str]) -> NDArray[np.float64]:
    """Return the word-overlap features of N pairs, after the NLI bias model of Clark et al. (2019).

    A sentence's words are the maximal runs of letters and digits (`str.isalnum`) in its lower-cased text, in order;
    everything else separates words and is dropped. So "Don't, U.S.!" has the words don, t, u, s.

    Args:
        premises: N sentences.
        hypotheses: N sentences.

    Returns:
        float64 [N, 3], one row per pair:
        1 if every hypothesis word occurs in the premise, else 0;
        1 if the hypothesis's words occur in the premise one directly after the other, else 0;
        the share, 0 to 1, of the hypothesis's words (repeated words counted each time) that occur in the premise.
        All three are 0 for a hypothesis without words.

    Raises:
        InputError: there are not as many premises as hypotheses.
    """
    try:
        rows = [_pair_features(*pair) for pair in zip(premises, hypotheses, strict=True)]
    except ValueError as error:
        raise InputError(
            "overlap_features: premises and hypotheses differ in number; give one of each per pair"
        ) from error
    return np.array(rows, dtype=np.float64).reshape(-1, 3)


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
        """Fit a multinomial logistic regression (scikit-learn's, with its default L2 penalty).

        Args:
            features: float64 [N, F].
            labels: integers [N], each in 0..K-1.
            num_labels: K, at least 2.

        Raises:
            InputError: shapes do not fit, a feature is not finite, a label is out of range or absent.
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
        absent = np.setdiff1d(np.arange(num_labels), present)
        if absent.size:
            raise InputError(f"bias model: no example has the labels {absent.tolist()}; give at least one of each")
        regression = LogisticRegression(max_iter=1000).fit(features, labels)
        weights, intercept = regression.coef_, regression.intercept_
        if num_labels == 2:
            # scikit-learn keeps two classes as one logit, that of class 1 relative to class 0.
            weights, intercept = np.vstack([0 * weights, weights]), np.append(0 * intercept, intercept)
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
