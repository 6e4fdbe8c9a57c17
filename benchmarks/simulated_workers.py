"""How well the study's graph can be spread over workers: makespans of list schedules, against what none can beat.

Run as ``python benchmarks/simulated_workers.py [PROFILE]``; it takes some seconds, needs neither text nor model and
computes no experiment. Durations are those of `srnet plan`: sizes of the data sets times the speed of this machine.
The bound, which is what `srnet plan` tells, is the larger of the critical path and the total divided by the number of
workers. Of the experiments that can start, the first is that with the longest chain before it, in seconds or in
`srnet.executor.work.effort`, which is known without measuring anything; or the first of the list.
"""

import sys
from collections.abc import Mapping
from graphlib import TopologicalSorter
from heapq import heappop, heappush

from srnet.environment import Inputs, default_root
from srnet.executor.work import effort
from srnet.experiments.expressions import Experiment
from srnet.experiments.graph import closure, priorities
from srnet.planning.estimate import Estimate
from srnet.store.store import Store
from srnet.study.choice import choose

WORKERS = (1, 4, 16, 64, 256)


def main(profile: str = "paper") -> None:
    inputs, store = Inputs(), Store(default_root())
    experiments = closure(choose(profile, inputs=inputs).experiments())
    estimate = Estimate.of(experiments, inputs, store)
    seconds = {each: estimate.costs[each].seconds for each in experiments}
    orders: dict[str, Mapping[Experiment, float]] = {
        "by seconds": priorities(experiments, seconds.__getitem__),
        "by effort": priorities(experiments, lambda each: effort(each, inputs, store)),
        "first come": {each: -number for number, each in enumerate(experiments)},
    }
    longest, total = estimate.chain, estimate.total().seconds
    print(f"{profile}: {len(experiments):,} experiments, in all {total / 3600:,.1f} h of one worker of this machine")
    print(f"critical path {longest / 3600:,.1f} h: {total / longest:.0f} workers could be busy on average")
    print("workers        bound" + "".join(f"  {name:>13}  ratio" for name in orders))
    for workers in WORKERS:
        bound, columns = estimate.seconds(workers), ""
        for order in orders.values():
            taken = makespan(seconds, workers, order)
            assert bound <= taken * (1 + 1e-9) <= (total / workers + longest) * (1 + 2e-9)  # Graham (1969)
            columns += f"  {taken / 3600:>11,.1f} h  {taken / bound:.3f}"
        print(f"{workers:>7} {bound / 3600:>10,.1f} h{columns}")


def makespan(seconds: Mapping[Experiment, float], workers: int, order: Mapping[Experiment, float]) -> float:
    """Return how long workers take if each that is free takes the first of the experiments that can start.

    Args:
        seconds: what each experiment takes, operands first.
        workers: how many experiments are computed at once.
        order: those of the greatest go first, in the order of `seconds` where equal.
    """
    numbers = {experiment: number for number, experiment in enumerate(seconds)}  # experiments take long to hash
    durations, ranks = list(seconds.values()), [order[each] for each in seconds]
    graph = TopologicalSorter({numbers[each]: [numbers[operand] for operand in each.operands] for each in seconds})
    graph.prepare()
    ready: list[tuple[float, int]] = []
    running: list[tuple[float, int]] = []
    now = 0.0
    while graph.is_active():
        for number in graph.get_ready():
            heappush(ready, (-ranks[number], number))
        while ready and len(running) < workers:
            number = heappop(ready)[1]
            heappush(running, (now + durations[number], number))
        now = running[0][0]
        while running and running[0][0] == now:
            graph.done(heappop(running)[1])
    return now


if __name__ == "__main__":
    main(*sys.argv[1:])
