"""How right a model's logits are, and on which examples its biases are no help."""

from torch import Tensor


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


def correct_two_way(logits: Tensor, labels: Tensor) -> Tensor:
    """Return which examples a three-class NLI model gets right on a two-class set such as HANS (McCoy et al., 2019).

    The predicted class is the arg max over three classes; neutral and contradiction then both count as
    non-entailment.

    Args:
        logits: float [N, K], class 0 being entailment.
        labels: int64 [N], 0 for entailment and 1 for non-entailment.

    Returns:
        bool [N].
    """
    return (logits.argmax(dim=-1) != 0) == (labels != 0)


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
