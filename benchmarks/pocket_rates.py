"""Learning rates of mask training and of magnitude pruning in the pocket world, by scores in distribution alone.

    python benchmarks/pocket_rates.py --store /tmp/rates

For each task, method and rate: the mean ID development score of subnetworks at 70 %, found in the full model with
cross-entropy and with the product of experts, with seeds that the study does not use. One line of JSON for each is
added to the trail. Nothing is read of OOD test sets. What the store has is not computed again.
"""

import json
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Annotated

import typer

from srnet.data import TASKS
from srnet.environment import Inputs
from srnet.executor import run
from srnet.experiments import IterativePruning, MaskTraining, Pruned
from srnet.store import Store
from srnet.study import choose
from srnet.study.profiles import PROFILES
from srnet.training import Recipe

SEEDS, LOSSES, SPARSITY = (5, 6), ("std", "poe"), 0.7
METHODS, RATES = ("mask", "imp"), (1.25e-4, 2.5e-4, 5e-4, 1e-3, 2e-3, 4e-3)


def recipe(task: str, method: str, rate: float) -> Recipe:
    """Return how long and how fast a method trains in the pocket world, at another learning rate."""
    training = PROFILES["pocket"].training[task]
    usual = training.mask if method == "mask" else training.imp
    if usual is None:
        raise ValueError(f"the profile has no {method}")
    return replace(usual, lr=rate)


def subnetworks(task: str, method: str, rate: float) -> list[Pruned]:
    """Return the subnetworks that a learning rate is judged by."""
    how = recipe(task, method, rate)
    found = []
    for seed in SEEDS:
        setting = choose("pocket", [task], inputs=Inputs()).setting(task, seed)
        way = MaskTraining(how, setting.training.interval) if method == "mask" else IterativePruning(how)
        found += [Pruned(setting.full(), setting.data, seed, SPARSITY, way, loss) for loss in LOSSES]
    return found


def main(
    store: Annotated[Path, typer.Option(help="Folder of results.")],
    trail: Annotated[Path, typer.Option(help="File to add lines to.")] = Path("results/pocket-rates.jsonl"),
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
) -> None:
    """Try every rate and add the scores, in percent, to the trail."""
    results = Store(store)
    grid = {
        (method, task, rate): subnetworks(task, method, rate) for method in METHODS for task in TASKS for rate in RATES
    }
    run([each for tried in grid.values() for each in tried], results, Inputs(), workers=workers)
    for (method, task, rate), tried in grid.items():
        dev, metric = TASKS[task].dev_name, TASKS[task].metric
        scores = [results.record(each)["metrics"][dev][metric] for each in tried]
        line = {
            "task": task,
            "method": method,
            "sparsity": SPARSITY,
            "lr": rate,
            "steps": recipe(task, method, rate).steps,
            "seeds": list(SEEDS),
            "id": {loss: round(100 * mean(scores[at :: len(LOSSES)]), 2) for at, loss in enumerate(LOSSES)},
        }
        with trail.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        typer.echo(f"{method} {task} {rate:g}: {line['id']}")


if __name__ == "__main__":
    typer.run(main)
