"""When fine-tuning would be stopped for the search to start (Appendix E.1)."""

from collections.abc import Iterable

PATIENCE = 3
"""Evaluations in a row without a gain; the paper leaves the number to one's budget."""
GAIN = 0.01
"""What counts as a gain; the paper says that it be significant."""


def stop(selection: Iterable[tuple[int, float]], patience: int = PATIENCE, gain: float = GAIN) -> int:
    """Return the step after which fine-tuning stops for want of gains in distribution.

    Args:
        selection: steps and scores on the ID development set, in [0, 1], of all evaluations of a fine-tuning; at least
            one, in rising order.
        patience: how many evaluations in a row may bring no gain.
        gain: by how much a score has to exceed the best one before.

    Returns:
        The step of the evaluation at which patience ends, or else the last one.
    """
    best, waited, last = float("-inf"), 0, 0
    for step, score in selection:
        last = step
        if score >= best + gain:
            best, waited = score, 0
        else:
            waited += 1
        if waited == patience:
            break
    return last
