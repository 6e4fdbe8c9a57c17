"""How well the study's graph can be spread over workers: makespans of list schedules, against what none can beat.

Run as ``python benchmarks/simulated_workers.py [PROFILE]``; it takes some seconds, needs neither text nor model and
computes no experiment. Durations are those of `srnet plan`: sizes of the data sets times the speed of this machine.
The bound is the larger of the critical path and the total divided by the number of workers. Of the experiments that
can start, the first is that with the longest chain before it, in seconds or in `srnet.costs.effort`, which is known
without measuring anything; or the first of the list.
"""

import sys

import torch

from srnet.calibration import speed_for
from srnet.costs import cost, effort, model_size
from srnet.environment import Inputs
from srnet.experiments import Experiment, closure
from srnet.schedule import critical_path, makespan, urgency
from srnet.study import choose

WORKERS = (1, 4, 16, 64, 256)


def main(profile: str = "paper") -> None:
    torch.set_num_threads(1)
    inputs = Inputs()
    experiments = closure(choose(profile, inputs=inputs).experiments())
    costs = {each: cost(each, inputs) for each in experiments}
    speed = speed_for(costs, inputs)
    seconds = {each: speed.seconds(costs[each], model_size(each, inputs)) for each in experiments}
    orders: dict[str, dict[Experiment, float]] = {
        "by seconds": urgency(experiments, seconds.__getitem__),
        "by effort": urgency(experiments, lambda each: effort(each, inputs)),
        "first come": {each: -number for number, each in enumerate(experiments)},
    }
    longest, total = critical_path(experiments, seconds.__getitem__), sum(seconds.values())
    print(f"{profile}: {len(experiments):,} experiments, in all {total / 3600:,.1f} h of one worker of this machine")
    print(f"critical path {longest / 3600:,.1f} h: {total / longest:.0f} workers could be busy on average")
    print("workers        bound" + "".join(f"  {name:>13}  ratio" for name in orders))
    for workers in WORKERS:
        bound = max(longest, total / workers)
        times = [makespan(experiments, seconds.__getitem__, workers, order) for order in orders.values()]
        columns = "".join(f"  {taken / 3600:>11,.1f} h  {taken / bound:.3f}" for taken in times)
        print(f"{workers:>7} {bound / 3600:>10,.1f} h{columns}")


if __name__ == "__main__":
    main(*sys.argv[1:])
