"""What a part of the study takes on this machine: steps, tokens, time and disk of what is to be computed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from srnet.environment import Inputs
from srnet.executor.agenda import missing
from srnet.executor.plms import model_size
from srnet.executor.text import is_at_hand
from srnet.experiments.expressions import Experiment
from srnet.experiments.graph import closure, critical_path
from srnet.planning.costs import Cost, cost
from srnet.planning.speed import measure_speed
from srnet.store.store import Store

SAVED = 2 * 3  # weights and AdamW's two moments; twice, for the last state stays until the next one is whole


@dataclass(frozen=True)
class Lookup:
    """What a store has of a part of the study.

    Attributes:
        all: number of its experiments and what they need.
        there: how many of them need not be computed; None if that cannot be told, because the text is not at hand.
        todo: what is to be computed, operands first.
    """

    all: int
    there: int | None
    todo: list[Experiment]

    @classmethod
    def of(cls, wanted: Sequence[Experiment], store: Store) -> "Lookup":
        """Look up what is wanted."""
        needed = closure(list(wanted))
        if not all(is_at_hand(each.data) for each in needed):
            return cls(len(needed), None, needed)
        todo = missing(wanted, store)
        return cls(len(needed), len(needed) - len(todo), todo)


@dataclass(frozen=True)
class Estimate:
    """What experiments take on this machine.

    Attributes:
        costs: of each experiment, operands first.
        chain: seconds of the longest chain of experiments of which each needs the one before it.
        saved: bytes that a worker needs on disk while it runs.
    """

    costs: Mapping[Experiment, Cost]
    chain: float
    saved: int

    @classmethod
    def of(cls, todo: Sequence[Experiment], inputs: Inputs, store: Store) -> "Estimate":
        """Measure how fast this machine is at what is to be done, and count what it costs; arguments as in `cost`."""
        speed = measure_speed(todo, inputs, store)
        costs = {each: cost(each, inputs, store, speed) for each in todo}
        sizes = [model.bytes for each in todo if (model := model_size(each, inputs))]
        return cls(costs, critical_path(todo, lambda each: costs[each].seconds), SAVED * max(sizes, default=0))

    def total(self, experiments: Iterable[Experiment] | None = None) -> Cost:
        """Return what experiments cost together; all, if none are given."""
        return sum(map(self.costs.__getitem__, self.costs if experiments is None else experiments), Cost())

    def seconds(self, workers: int) -> float:
        """Return how long so many workers take: no less than one's share of the work, nor than the longest chain.

        A few per cent more in practice, as long as each worker takes what is most urgent; see
        ``benchmarks/simulated_workers.py``.
        """
        return max(self.chain, self.total().seconds / workers)
