"""How right a model's logits are on one data set, ``E_d(f(θ))``, and on which examples its biases are no help."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from srnet.data.tasks import HANS_LABELS

METRICS = ("accuracy", "weighted_f1")  # headline scores


@dataclass(frozen=True)
class Gold:
    """What a model's answers on the N examples of a data set are held against.

    Attributes:
        labels: gold classes, int64 [N].
        classes: names of the data set's own classes, which may be fewer than the task's.
        subsets: name of the part that each example belongs to, such as a heuristic of HANS, str [N]; "" where there
            are no parts. Neither is needed for a `headline`.
    """

    labels: Tensor
    classes: tuple[str, ...] = ()
    subsets: np.ndarray = field(default_factory=lambda: np.array(""))


def correct(logits: Tensor, labels: Tensor) -> Tensor:
    """Return which examples are classified correctly.

    FEVER-Symmetric has only two of three classes; the arg max is over all three there too, as in the official code.

    Args:
        logits: float [N, K]; of equal logits the first counts.
        labels: gold classes, int64 [N].

    Returns:
        bool [N].
    """
    return logits.argmax(dim=-1) == labels


def hits(predicted: Tensor, gold: Gold) -> Tensor:
    """Return which examples a model gets right, by the data set's own classes.

    On HANS, which has two for the model's three, the predicted class is the arg max over three; neutral and
    contradiction then both count as non-entailment (McCoy et al., 2019).

    Args:
        predicted: the model's classes, the arg max of its logits, int64 [N].
        gold: of the N examples.

    Returns:
        bool [N].
    """
    if gold.classes == HANS_LABELS:
        return (predicted != 0) == (gold.labels != 0)
    return predicted == gold.labels


def weighted_f1(logits: Tensor, labels: Tensor) -> float:
    """Return the F1 score averaged over classes with their shares among the gold labels (Section 4.1, paraphrases).

    A class that is never predicted has an F1 of 0.

    Args:
        logits: float [N, K], N at least 1.
        labels: gold classes, int64 [N].

    Returns:
        A share in [0, 1].
    """
    from sklearn.metrics import f1_score

    return float(f1_score(labels.cpu(), logits.argmax(dim=-1).cpu(), average="weighted", zero_division=0.0))


def headline(logits: Tensor, gold: Gold, metric: str) -> float:
    """Return the score that models are compared and chosen by, a share in [0, 1] (Section 4.1, Table 3).

    Args:
        logits: float [N, K], N at least 1.
        gold: of the N examples.
        metric: one of `METRICS`: the share of `hits`, or `weighted_f1`.
    """
    if metric == "weighted_f1":
        return weighted_f1(logits, gold.labels)
    return float(hits(logits.argmax(dim=-1), gold).numpy().mean())


def bias_aligned(bias_log_probs: Tensor, labels: Tensor) -> Tensor:
    """Return which examples are bias-aligned: the bias model's most probable class is the gold one.

    All others are bias-conflicting. Of equally probable classes the first counts, as in `correct`, so the share of
    aligned examples is the bias model's accuracy.

    Args:
        bias_log_probs: log p_b, float [N, K].
        labels: gold classes, int64 [N].

    Returns:
        bool [N].
    """
    return correct(bias_log_probs, labels)


def scores(logits: Tensor, gold: Gold, metric: str, bias_log_probs: Tensor | None = None) -> dict[str, Any]:
    """Return a model's scores on a data set, all shares in [0, 1].

    Args:
        logits: float [N, K].
        gold: of the N examples.
        metric: the task's headline score (`Task.metric`), given beside accuracy where it is another.
        bias_log_probs: the bias model's log-probabilities for an ID development set, float [N, K].

    Returns:
        ``accuracy`` (`hits`), ``examples``, the headline score under its name, ``classes`` (accuracy by gold class),
        ``subsets`` (accuracy by "subset/class", where there are subsets), and ``bias`` (accuracy and number of the
        examples whose label the bias model finds, ``aligned``, and of those it does not, ``conflicting``; a model that
        relies on the bias fails on the latter).
    """
    right = hits(logits.argmax(dim=-1), gold).numpy()
    result: dict[str, Any] = {"accuracy": float(right.mean()), "examples": len(right)}
    result[metric] = headline(logits, gold, metric)
    classes = np.array(gold.classes)[gold.labels.numpy()]
    result["classes"] = _by(right, classes)
    if (gold.subsets != "").any():
        result["subsets"] = _by(right, np.char.add(np.char.add(gold.subsets, "/"), classes))
    if bias_log_probs is not None:
        aligned = bias_aligned(bias_log_probs, gold.labels).numpy()
        result["bias"] = {
            name: {"accuracy": float(right[group].mean()), "examples": int(group.sum())}
            for name, group in (("aligned", aligned), ("conflicting", ~aligned))
            if group.any()
        }
    return result


def _by(right: NDArray[np.bool_], groups: NDArray[np.str_]) -> dict[str, float]:
    return {str(group): float(right[groups == group].mean()) for group in np.unique(groups)}
