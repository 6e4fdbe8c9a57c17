"""How right a model's logits are."""

from torch import Tensor


def correct(logits: Tensor, labels: Tensor) -> Tensor:
    """Return which examples are classified correctly.

    Args:
        logits: float [N, K].
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
