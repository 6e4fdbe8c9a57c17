"""When experiments of a graph would be computed: what is urgent, and how long some number of workers would take."""

from collections.abc import Callable, Mapping, Sequence
from heapq import heapify, heappop, heappush
from math import inf

from srnet.experiments import Experiment

Duration = Callable[[Experiment], float]
"""How long an experiment takes, in any unit of time; not negative."""


def urgency(experiments: Sequence[Experiment], duration: Duration) -> dict[Experiment, float]:
    """Return how long each experiment and the longest chain of what needs it take together.

    No schedule can end sooner after an experiment starts; computing the most urgent first keeps long chains moving.

    Args:
        experiments: in topological order (`srnet.experiments.closure`); operands that are not among them are done.
        duration: of one experiment.
    """
    return dict(zip(experiments, _urgency(_operands(experiments), _durations(experiments, duration)), strict=True))


def critical_path(experiments: Sequence[Experiment], duration: Duration) -> float:
    """Return how long the longest chain of experiments takes, so the graph on any number of workers; see `urgency`."""
    return max(_urgency(_operands(experiments), _durations(experiments, duration)), default=0.0)


def makespan(
    experiments: Sequence[Experiment],
    duration: Duration,
    workers: float,
    priority: Mapping[Experiment, float] | None = None,
) -> float:
    """Return how long `workers` take if each that is free takes the first of the experiments that can start.

    Such a list schedule takes at most ``total / workers + (1 - 1 / workers) · critical path`` (Graham, 1969).

    Args:
        experiments: as in `urgency`.
        duration: of one experiment.
        workers: how many experiments are computed at once, at least 1; infinity for no limit.
        priority: of experiments that can start, those of the greatest go first, in the order of `experiments` where
            equal; if not given, the most urgent.
    """
    operands, durations = _operands(experiments), _durations(experiments, duration)
    ranks = [priority[each] for each in experiments] if priority else _urgency(operands, durations)
    users: list[list[int]] = [[] for _ in experiments]
    for user, needed in enumerate(operands):
        for operand in needed:
            users[operand].append(user)
    waits_for = [len(needed) for needed in operands]
    ready = [(-ranks[index], index) for index, count in enumerate(waits_for) if not count]
    heapify(ready)
    running: list[tuple[float, int]] = []
    now = 0.0
    while ready or running:
        while ready and len(running) < workers:
            index = heappop(ready)[1]
            heappush(running, (now + durations[index], index))
        now = running[0][0]
        while running and running[0][0] == now:
            for user in users[heappop(running)[1]]:
                waits_for[user] -= 1
                if not waits_for[user]:
                    heappush(ready, (-ranks[user], user))
    return now


def _operands(experiments: Sequence[Experiment]) -> list[list[int]]:
    """Return the operands of each experiment as indices; nested expressions take long to hash, numbers do not."""
    index = {experiment: number for number, experiment in enumerate(experiments)}
    operands = [sorted({index[each] for each in experiment.operands if each in index}) for experiment in experiments]
    if any(needed and needed[-1] >= user for user, needed in enumerate(operands)):
        raise ValueError("experiments must be in topological order: operands first")
    return operands


def _durations(experiments: Sequence[Experiment], duration: Duration) -> list[float]:
    durations = [duration(experiment) for experiment in experiments]
    if not all(0 <= each < inf for each in durations):
        raise ValueError("durations must be finite and not negative")
    return durations


def _urgency(operands: list[list[int]], durations: list[float]) -> list[float]:
    longest = durations.copy()
    for user in reversed(range(len(durations))):
        for operand in operands[user]:
            longest[operand] = max(longest[operand], durations[operand] + longest[user])
    return longest
