"""Which weights or mask a training leaves: those that did best on the ID development set (Section 4.1.3, Table 3)."""

from collections.abc import Mapping

from torch import Tensor

from srnet.training.snapshots import Snapshot, State


def is_due(step: int, interval: int, steps: int) -> bool:
    """Tell whether something is due after `step` of `steps` steps: every `interval` steps and at the end."""
    return step % interval == 0 or step == steps


def times_due(interval: int, steps: int) -> int:
    """Return how often something is due in `steps` steps (`is_due`)."""
    return -(-steps // interval)


class Best:
    """A copy of the best that has been seen so far, the earliest of equals.

    Args:
        snapshot: of the run, if it has one; what an interrupted run had seen is taken up.

    Attributes:
        selection: (step, score) of all that has been seen.
        kept: tensors of the best.
    """

    def __init__(self, snapshot: Snapshot | None = None) -> None:
        self.selection: list[tuple[int, float]] = []
        self.kept: dict[str, Tensor] = {}
        if snapshot and (past := snapshot.keep("best", self._state)):
            self.selection, self.kept = [(step, score) for step, score in past["selection"]], past["kept"]

    def see(self, step: int, score: float, tensors: Mapping[str, Tensor]) -> None:
        """Take note of what there is after a step, and copy it if it is better than all before."""
        if not self.selection or score > max(past for _, past in self.selection):
            self.kept = {name: tensor.detach().clone() for name, tensor in tensors.items()}
        self.selection.append((step, score))

    @property
    def step(self) -> int:
        """After how many steps the best was there; `see` must have been called."""
        return max(self.selection, key=lambda seen: seen[1])[0]

    def _state(self) -> State:
        return {"selection": self.selection, "kept": self.kept}
