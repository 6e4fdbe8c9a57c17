"""Biases of a task by name, by a function of its text, or as log-probabilities: what the debiasing losses take."""

import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from srnet.debiasing.bias import BiasModel, claim_features, pair_features
from srnet.debiasing.word_vectors import MIN_COUNT, WordVectors, words_of
from srnet.errors import InputError

if TYPE_CHECKING:
    from datasets import Dataset
    from torch import Tensor

FeatureFunction: TypeAlias = Callable[[list[str], list[str]], Any]
Bias: TypeAlias = "str | FeatureFunction | NDArray[Any] | Tensor | Sequence[Sequence[float]]"

OVERLAP, LENGTH = "overlap", "length"
ONE_TEXT = ("hypothesis-only", "claim-only")
BIASES = (OVERLAP, *ONE_TEXT, LENGTH)
"""Names of biases: the words that two texts share; the words of the second, or only, text, by two names; lengths."""

OVERLAP_FEATURES = (
    "every word of the second text is in the first",
    "the second text stands in the first as it is",
    "share of the second text's words that are in the first",
    "mean similarity of the second text's words to the first's",
    "least similarity of a word of the second text",
)
LENGTH_FEATURES = ("words of the first text", "words of the second text", "difference of the two, either way")
FEW_KNOWN = 0.5  # share of words with a vector below which a warning is due
TOLERANCE = 1e-3  # of a sum of probabilities
OTHER_VECTORS = "give vectors of the text's language, of words in lower case"
MORE_TEXT = f"a word that occurs fewer than {MIN_COUNT} times has none: give more text, or vectors from a file"


@dataclass(frozen=True, eq=False)
class KnownBias:
    """What a bias says about the labels of N training examples with K classes.

    Attributes:
        name: one of `BIASES`, "features" for a function, "log-probabilities" for an array.
        log_probs: log p_b of the training examples, float32 [N, K].
        model: the bias model fitted to them; None for an array.
        features: what it sees, float64 [N, F]; None for an array.
        feature_names: F names; for vectors of words, which have none, empty.
        coverage: the share, in (0, 1], of the words it looks at that have a vector; None where it needs no vectors.
        features_of: returns the features of other examples.
    """

    name: str
    log_probs: NDArray[np.float32]
    model: BiasModel | None = None
    features: NDArray[np.float64] | None = None
    feature_names: tuple[str, ...] = ()
    coverage: float | None = None
    features_of: "Callable[[Dataset], NDArray[np.float64]] | None" = None

    def log_probs_of(self, data: "Dataset") -> NDArray[np.float32]:
        """Return log p_b of M other examples, float32 [M, K].

        Args:
            data: a data set with the columns `premise` and `hypothesis`.

        Raises:
            InputError: the bias is given as log-probabilities of the training examples, so of no others; or their
                features are not finite, or of another number.
        """
        if self.model is None or self.features_of is None:
            raise InputError("bias: log-probabilities of the training examples tell nothing of others; name a bias")
        return self.model.log_probs(self.features_of(data))


def bias_of(kind: Bias, train: "Dataset", vectors: WordVectors | None, num_labels: int) -> KnownBias:
    """Return what a bias says about N training examples.

    Args:
        kind: one of `BIASES`; or a function of N premises and N hypotheses (each "" if there is one text) that returns
            features, [N, F], of which a frame's columns are the names; or log-probabilities, [N, K].

            - ``overlap``: `srnet.debiasing.bias.pair_features` of the two texts.
            - ``hypothesis-only`` and ``claim-only``: `srnet.debiasing.bias.claim_features` of the second text, or of
              the only one.
            - ``length``: the numbers of words of the texts and, of two, the absolute value of their difference; the
              plain difference would tell a linear model nothing new.
        train: the training examples, with the columns `premise`, `hypothesis` and `label`.
        vectors: vectors of words, for ``overlap`` and ``hypothesis-only``; trained on the texts if not given.
        num_labels: K.

    Raises:
        InputError: the bias is unknown, needs two texts where there is one, or does not fit the examples; all its
            features are the same for every example; no word has a vector.
    """
    if isinstance(kind, str):
        return _by_name(kind, train, vectors, num_labels)
    if callable(kind):
        features, names = _called(kind, train)
        return _fitted("features", train, num_labels, features, lambda data: _called(kind, data)[0], names)
    values = check_log_probs(kind, (len(train), num_labels), "bias log-probabilities")
    return KnownBias("log-probabilities", values)


def check_log_probs(values: Any, shape: tuple[int, int], what: str) -> NDArray[np.float32]:
    """Return log-probabilities as float32 [N, K], if they are such.

    Args:
        values: an array, a tensor or lists.
        shape: N and K.
        what: what they are called in an error.

    Raises:
        InputError: they have another shape, one is not finite, or the exponentials of a row do not sum to 1 within
            `TOLERANCE`. The message names the first such row, from 0.
    """
    found = _numbers(values, shape, what)
    finite = np.isfinite(found).all(axis=1)
    if not finite.all():
        row = int(np.flatnonzero(~finite)[0])
        remedy = "give every class a probability above 0, such as 1e-6, before taking logarithms"
        raise InputError(f"{what}: row {row} is {_row(found[row])}, not finite; {remedy}")
    with np.errstate(over="ignore"):
        sums = np.exp(found).sum(axis=1)
    off = np.flatnonzero(~(np.abs(sums - 1) <= TOLERANCE))
    if off.size:
        row = int(off[0])
        probabilities = (found[row] >= 0).all() and abs(found[row].sum() - 1) <= TOLERANCE
        remedy = "give the logarithms of these probabilities" if probabilities else "give log_softmax of the scores"
        raise InputError(f"{what}: the exponentials of row {row}, {_row(found[row])}, sum to {sums[row]:.4g}; {remedy}")
    return found.astype(np.float32)


def check_probs(values: Any, shape: tuple[int, int], what: str) -> None:
    """Raise an error unless values are probabilities of N examples and K classes.

    Args:
        values: an array, a tensor or lists.
        shape: N and K.
        what: what they are called in an error.

    Raises:
        InputError: they have another shape, one is not in [0, 1], or a row does not sum to 1 within `TOLERANCE`. The
            message names the first such row, from 0.
    """
    found = _numbers(values, shape, what)
    fits = ((found >= 0) & (found <= 1)).all(axis=1) & (np.abs(found.sum(axis=1) - 1) <= TOLERANCE)
    if not fits.all():
        row = int(np.flatnonzero(~fits)[0])
        raise InputError(f"{what}: row {row} is {_row(found[row])}, no probabilities; give the softmax of the logits")


def _numbers(values: Any, shape: tuple[int, int], what: str) -> NDArray[np.float64]:
    """Return values as float64 [N, K], if they are numbers of that shape."""
    if hasattr(values, "detach"):
        values = values.detach().cpu().double().numpy()
    try:
        found = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"{what}: not numbers ({error}); give an array with a row for each example") from error
    if found.shape != shape:
        needed = f"{list(shape)}, a row for each example and a column for each class"
        raise InputError(f"{what}: the shape is {list(found.shape)}; give {needed}")
    return found


def _row(values: NDArray[np.float64]) -> str:
    return f"[{', '.join(f'{value:.4g}' for value in values[:8])}{', ...' if len(values) > 8 else ''}]"


def _by_name(kind: str, train: "Dataset", vectors: WordVectors | None, num_labels: int) -> KnownBias:
    if kind not in BIASES:
        raise InputError(f"bias {kind!r} is unknown: choose one of {', '.join(BIASES)}")
    two = has_two_texts(train)
    if kind == LENGTH:
        names: tuple[str, ...] = LENGTH_FEATURES if two else ("words of the text",)
        return _fitted(kind, train, num_labels, _lengths(train, two), lambda data: _lengths(data, two), names)
    if kind == OVERLAP and not two:
        raise InputError("bias overlap: it needs two texts in each example; name two text columns, or another bias")
    every = WordVectors.train(_both(train)) if vectors is None else vectors
    texts = _both(train) if kind == OVERLAP else one_text(train, two)
    known, coverage = known_words(texts, every, MORE_TEXT if vectors is None else OTHER_VECTORS)
    if kind == OVERLAP:
        features, names = _overlap(train, known), OVERLAP_FEATURES
        return _fitted(kind, train, num_labels, features, lambda data: _overlap(data, every), names, coverage)

    features = claim_features(one_text(train, two), known)
    return _fitted(
        kind, train, num_labels, features, lambda data: claim_features(one_text(data, two), every), (), coverage
    )


def has_two_texts(data: "Dataset") -> bool:
    """Tell whether any example has a second text."""
    return any(data["hypothesis"][:])


def one_text(data: "Dataset", two: bool) -> list[str]:
    """Return each example's second of two texts, or its only one."""
    return list(data["hypothesis" if two else "premise"][:])


def _fitted(
    name: str,
    train: "Dataset",
    num_labels: int,
    features: NDArray[np.float64],
    features_of: "Callable[[Dataset], NDArray[np.float64]]",
    names: tuple[str, ...],
    coverage: float | None = None,
) -> KnownBias:
    model = BiasModel.fit(features, np.array(train["label"][:]), num_labels)
    if not features.std(axis=0).any():
        raise InputError(f"bias {name}: the features are the same for every example, so they tell nothing")
    return KnownBias(name, model.log_probs(features), model, features, names, coverage, features_of)


def _called(function: FeatureFunction, data: "Dataset") -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return the features of examples, and their names."""
    found = function(list(data["premise"][:]), list(data["hypothesis"][:]))
    try:
        features = np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"bias features: the function does not return numbers ({error}); return [N, F]") from error
    if features.ndim != 2 or len(features) != len(data) or not features.shape[1]:
        needed = f"[{len(data)}, F], a row for each example and a column for each feature"
        raise InputError(f"bias features: the function returns the shape {list(features.shape)}; return {needed}")
    names = getattr(found, "columns", [f"feature {index}" for index in range(features.shape[1])])
    return features, tuple(map(str, names))


def _overlap(data: "Dataset", vectors: WordVectors) -> NDArray[np.float64]:
    return pair_features(data["premise"][:], data["hypothesis"][:], vectors)


def _lengths(data: "Dataset", two: bool) -> NDArray[np.float64]:
    first = np.array([len(words_of(text)) for text in data["premise"][:]], dtype=np.float64)
    if not two:
        return first[:, None]
    second = np.array([len(words_of(text)) for text in data["hypothesis"][:]], dtype=np.float64)
    return np.stack([first, second, np.abs(first - second)], axis=1)


def _both(data: "Dataset") -> list[str]:
    return [*data["premise"][:], *data["hypothesis"][:]]


class FewKnownWarning(UserWarning):
    """Few of a text's words have a vector."""


def known_words(texts: Iterable[str], vectors: WordVectors, remedy: str = OTHER_VECTORS) -> tuple[WordVectors, float]:
    """Return the vectors of the words of texts, and the share, in (0, 1], of these words that has one of its own.

    A repeated word counts each time. One that fastText has a vector of only because it is spelt like others counts as
    one without.

    Args:
        texts: where the words stand.
        vectors: of words.
        remedy: what to do where few words have one.

    Warns:
        FewKnownWarning: the share is below `FEW_KNOWN`.

    Raises:
        InputError: no word has a vector, so that they are of another language, or of words in another case.
    """
    counts = Counter(word for text in texts for word in words_of(text))
    known = vectors.kept(list(counts))
    there = known.known(list(counts))
    share = float(np.array(list(counts.values()))[there].sum() / max(1, counts.total()))
    if not share:
        reason = f"none of the {len(counts):,} words of the text has a vector, such as {', '.join(list(counts)[:5])}"
        raise InputError(f"{vectors.name}: {reason}; {remedy}")
    if share < FEW_KNOWN:
        found = f"only {_percent(share)} of the words of the text have a vector"
        warnings.warn(f"{vectors.name}: {found}; {remedy}", FewKnownWarning, stacklevel=2)
    return known, share


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.01 else "less than 1 %"
