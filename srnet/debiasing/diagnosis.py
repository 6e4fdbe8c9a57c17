"""How biased a task is, from its data alone: what a bias model finds out that the majority class does not tell."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import zip_longest
from textwrap import shorten
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from srnet.data.tables import read_examples
from srnet.debiasing.bias import BiasModel
from srnet.debiasing.known import Bias, KnownBias, bias_of, has_two_texts, one_text
from srnet.debiasing.typical_words import TypicalWord, typical_words
from srnet.debiasing.word_vectors import WordVectors

if TYPE_CHECKING:
    from datasets import Dataset

    from srnet.data.columns import Source

TRAIN, HELD_OUT, DEV = "train", "train, cross-validated", "dev"
FOLDS = 5
SEED = 0  # of the folds
MOST_EXAMPLES = 10
MOST_LETTERS = 200  # of a text that is printed
FEW = 30  # examples, with fewer of which there is no verdict
INTERVAL = 1.96  # standard errors to either side: 95 % of a normal distribution


@dataclass(frozen=True)
class Split:
    """A bias model beside the best answer that is the same for all examples.

    Attributes:
        examples: their number N.
        majority: share of the most frequent class, in [0, 1].
        accuracy: share of bias-aligned examples, whose most probable class by the bias model is the gold one; the
            others are bias-conflicting.
        entropy: of the labels, in bits: the least cross-entropy of one answer for all.
        cross_entropy: of the bias model, in bits.
        accuracy_gain: `accuracy` - `majority`, with the ends of its 95 % interval over examples.
        bits_gain: `entropy` - `cross_entropy`, with the ends of its 95 % interval over examples.
        aligned: the share of bias-aligned examples by gold class.
    """

    examples: int
    majority: float
    accuracy: float
    entropy: float
    cross_entropy: float
    accuracy_gain: tuple[float, float, float]
    bits_gain: tuple[float, float, float]
    aligned: Mapping[str, float]


@dataclass(frozen=True)
class Feature:
    """A feature of the bias model.

    Attributes:
        name: what it is.
        weights: what one standard deviation more of it adds to the logit of each class, by name; over classes with
            examples they sum to 0.
    """

    name: str
    weights: Mapping[str, float]


@dataclass(frozen=True)
class Conflict:
    """A training example whose label the bias model does not expect.

    Attributes:
        row: among the training examples, from 0.
        premise: its first text.
        hypothesis: its second; "" if there is none.
        label: its gold class.
        expected: the bias model's class.
        probability: that the bias model gives to that class.
    """

    row: int
    premise: str
    hypothesis: str
    label: str
    expected: str
    probability: float


@dataclass(frozen=True)
class Diagnosis:
    """How much a bias tells about the labels of a task.

    Attributes:
        bias: its name.
        classes: names of the K classes.
        splits: the bias model on the training examples that it is fitted to (`TRAIN`), on each fifth of them when
            fitted to the others (`HELD_OUT`; there is none where a class is too rare for it, or the bias comes as
            log-probabilities), and on the development examples (`DEV`), if given.
        features: of the bias model, those with the greatest weights first; none where it sees vectors of words.
        words: the most typical words of each class, where it sees vectors of words.
        conflicts: training examples that the bias model is wrong about, the surest first.
        coverage: share of words with a vector; None where the bias needs none.
        notes: what was decided in reading the examples.
    """

    bias: str
    classes: tuple[str, ...]
    splits: Mapping[str, Split]
    features: tuple[Feature, ...]
    words: Mapping[str, tuple[TypicalWord, ...]]
    conflicts: tuple[Conflict, ...]
    coverage: float | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def judged_on(self) -> str:
        """The split that the verdict is about: not what the bias model is fitted to, where there is another."""
        return next(name for name in (DEV, HELD_OUT, TRAIN) if name in self.splits)

    @property
    def verdict(self) -> str:
        """What the splits say, in a sentence; what is uncertain at 95 % over examples is not said."""
        split = self.splits[self.judged_on]
        if split.examples < FEW:
            return f"Too few examples to tell, {split.examples} ({self.judged_on}); give {FEW} or more."
        bits = f"{split.bits_gain[0]:.3f} of {split.entropy:.3f} bits"
        scores = f"{100 * split.accuracy:.1f} % of the labels, the majority class {100 * split.majority:.1f} %"
        where = f"({self.judged_on})"
        if split.bits_gain[1] > 0 and split.accuracy_gain[1] > 0:
            return f"A bias of this kind is there: it finds {scores}, and tells {bits} {where}."
        if split.bits_gain[1] > 0 or split.accuracy_gain[1] > 0:
            return f"A weak bias of this kind is there: it finds {scores}, and tells {bits} {where}."
        return f"No bias of this kind is to be seen: the bias model is no better than the majority {where}."

    def __str__(self) -> str:
        """Return all of it as text, for a terminal."""
        return "\n".join(_told(self))

    def to_json(self) -> dict[str, Any]:
        """Return all of it as what JSON can hold."""
        return {**asdict(self), "judged_on": self.judged_on, "verdict": self.verdict}


def diagnose(
    train: "Source",
    dev: "Source | None" = None,
    *,
    bias: Bias,
    text: str | Sequence[str] = ("premise", "hypothesis"),
    label: str = "label",
    names: Sequence[str] | None = None,
    vectors: WordVectors | None = None,
) -> Diagnosis:
    """Tell how much a bias says about the labels of a task.

    Args:
        train: training examples, as `srnet.data.tables.read_examples` takes them.
        dev: in-distribution development examples, in the same form.
        bias: as `srnet.debiasing.known.bias_of` takes it.
        text: the column of the text, or the two of premise and hypothesis.
        label: the column of the label.
        names: the classes, in the model's order; those of the training examples if not given.
        vectors: vectors of words; trained on the texts if needed and not given.

    Raises:
        InputError: the examples cannot be read, have one class only, or the bias does not fit them.
    """
    notes: list[str] = []
    examples = read_examples(train, text, label, names, TRAIN, least_classes=2, notes=notes)
    classes = tuple(examples.features["label"].names)
    held = None if dev is None else read_examples(dev, text, label, classes, DEV, notes=notes)
    known = bias_of(bias, examples, vectors, len(classes))
    labels = np.array(examples["label"][:])
    splits = {TRAIN: _split(known.log_probs, labels, classes)}
    if (apart := _cross_validated(known, labels, len(classes))) is not None:
        splits[HELD_OUT] = _split(apart, labels, classes)
    if held is not None:
        splits[DEV] = _split(known.log_probs_of(held), np.array(held["label"][:]), classes)
    words: Mapping[str, tuple[TypicalWord, ...]] = {}
    if known.features is not None and not known.feature_names:
        words = typical_words(one_text(examples, has_two_texts(examples)), labels, classes)
    return Diagnosis(
        known.name,
        classes,
        splits,
        _features(known, classes),
        words,
        _conflicts(examples, known.log_probs, labels, classes),
        known.coverage,
        tuple(notes),
    )


def _split(log_probs: NDArray[np.floating], labels: NDArray[np.integer], classes: Sequence[str]) -> Split:
    shares = np.bincount(labels, minlength=len(classes)) / len(labels)
    right = log_probs.argmax(axis=1) == labels
    surprise = -log_probs[np.arange(len(labels)), labels].astype(np.float64) / np.log(2)
    constant = -np.log2(shares[labels])
    return Split(
        len(labels),
        float(shares.max()),
        float(right.mean()),
        float(constant.mean()),
        float(surprise.mean()),
        _interval(right.astype(np.float64) - (labels == shares.argmax())),
        _interval(constant - surprise),
        {name: float(right[labels == k].mean()) for k, name in enumerate(classes) if shares[k]},
    )


def _interval(gains: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the mean over examples, and the ends of its 95 % interval; of one example, the mean alone is known."""
    mean, error = float(gains.mean()), float(gains.std() / max(1, len(gains) - 1) ** 0.5)
    return mean, mean - INTERVAL * error, mean + INTERVAL * error


def _cross_validated(known: KnownBias, labels: NDArray[np.integer], num_labels: int) -> NDArray[np.float32] | None:
    """Return log p_b of each fold by a bias model fitted to the others; None where they would lack classes."""
    counts = Counter(labels.tolist())
    if known.features is None or sum(count >= FOLDS for count in counts.values()) < 2:
        return None
    fold = np.empty(len(labels), dtype=np.int64)
    random = np.random.default_rng(SEED)
    for label in counts:  # a class's examples are dealt out in turn, so that no fold lacks it
        rows = random.permutation(np.flatnonzero(labels == label))
        fold[rows] = np.arange(len(rows)) % FOLDS
    found = np.empty((len(labels), num_labels), dtype=np.float32)
    for each in range(FOLDS):
        fitted = BiasModel.fit(known.features[fold != each], labels[fold != each], num_labels)
        found[fold == each] = fitted.log_probs(known.features[fold == each])
    return found


def _features(known: KnownBias, classes: Sequence[str]) -> tuple[Feature, ...]:
    if known.model is None or known.features is None or not known.feature_names:
        return ()
    weights = known.model.weights * known.features.std(axis=0)
    order = np.argsort(-np.ptp(weights, axis=0), kind="stable")
    return tuple(
        Feature(known.feature_names[each], dict(zip(classes, weights[:, each].tolist(), strict=True))) for each in order
    )


def _conflicts(
    train: "Dataset", log_probs: NDArray[np.float32], labels: NDArray[np.integer], classes: Sequence[str]
) -> tuple[Conflict, ...]:
    expected, surest = log_probs.argmax(axis=1), log_probs.max(axis=1)
    wrong = np.flatnonzero(expected != labels)
    rows = wrong[np.argsort(-surest[wrong], kind="stable")][:MOST_EXAMPLES].tolist()
    return tuple(
        Conflict(
            row,
            train[row]["premise"],
            train[row]["hypothesis"],
            classes[labels[row]],
            classes[expected[row]],
            float(np.exp(surest[row])),
        )
        for row in rows
    )


def _told(diagnosis: Diagnosis) -> Iterator[str]:
    """Yield the lines of the text."""
    yield f"Bias: {diagnosis.bias}. {diagnosis.verdict}"
    yield from (f"Note: {note}" for note in diagnosis.notes)
    if diagnosis.coverage is not None:
        yield f"Words with a vector: {100 * diagnosis.coverage:.1f} %"
    yield ""
    titles = ["", "examples", "majority class", "bias model", "entropy", "cross-entropy"]
    yield from _aligned([titles, *([name, *_scores(split)] for name, split in diagnosis.splits.items())])
    yield ""
    yield "Bias-aligned examples (the others are bias-conflicting):"
    rows = [
        [name, *(f"{k} {100 * share:.1f} %" for k, share in each.aligned.items())]
        for name, each in diagnosis.splits.items()
    ]
    yield from _aligned(rows)
    if diagnosis.features:
        yield "\nWhat carries it: what one standard deviation more of a feature adds to each class's logit"
        rows = [[each.name, *(f"{weight:+.2f}" for weight in each.weights.values())] for each in diagnosis.features]
        yield from _aligned([["", *diagnosis.classes], *rows])
    if diagnosis.words:
        yield "\nWords most typical of each class: z of the log-odds, and how often an example with it is of the class"
        for name, words in diagnosis.words.items():
            told = (f"{each.word} ({each.z:.1f}; {100 * each.share:.0f} % of {each.examples:,})" for each in words)
            yield f"{name}: {', '.join(told) or 'none'}"
    if diagnosis.conflicts:
        yield "\nTraining examples where bias and label disagree most:"
        for each in diagnosis.conflicts:
            yield f"row {each.row}: {each.label}; the bias model says {each.expected} ({100 * each.probability:.1f} %)"
            yield from (f"    {shorten(text, MOST_LETTERS)}" for text in (each.premise, each.hypothesis) if text)


def _scores(split: Split) -> list[str]:
    shares = [f"{100 * share:.1f} %" for share in (split.majority, split.accuracy)]
    return [f"{split.examples:,}", *shares, f"{split.entropy:.3f} bits", f"{split.cross_entropy:.3f} bits"]


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield rows of cells as lines, the first column to the left, the others to the right."""
    widths = [max(len(cell) for cell in column) for column in zip_longest(*rows, fillvalue="")]
    for first, *others in rows:
        cells = [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=False))]
        yield "  ".join(cells)
