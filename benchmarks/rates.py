"""Learning rates of a profile's trainings, by scores in distribution alone.

    python benchmarks/rates.py --profile pocket --store /tmp/rates

For each task, method and rate: the mean ID development score of subnetworks at 70 %, found in the full model with
cross-entropy and with the product of experts, with seeds that the study does not use; of fine-tuning, that of the full
models. Where rates of fine-tuning are tried, subnetworks are found in the model of the best one. One line of JSON for
each is added to the trail. Nothing is read of OOD test sets. What the store has is not computed again.

Of a search that is interrupted the lines have the losses that are there for all rates of a task and method.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Annotated

import typer

from srnet.commands.options import Scheduler, Sources
from srnet.data import TASKS
from srnet.environment import Inputs
from srnet.executor import run
from srnet.experiments import FineTuned, IterativePruning, MaskTraining, Pruned
from srnet.store import Store
from srnet.study import choose
from srnet.study.points import Setting
from srnet.training import Recipe

LOSSES, SPARSITY = ("std", "poe"), 0.7


@dataclass(frozen=True)
class Search:
    """What is tried for one profile.

    Attributes:
        seeds: repetitions, which the study does not use.
        rates: learning rates by method: "full", "mask" or "imp".
    """

    seeds: tuple[int, ...]
    rates: Mapping[str, tuple[float, ...]]


POCKET = (1.25e-4, 2.5e-4, 5e-4, 1e-3, 2e-3, 4e-3)
SMALL_FULL, SMALL = (5e-5, 1e-4, 2e-4), (1e-4, 2e-4, 5e-4, 1e-3)
SEARCHES = {
    "pocket": Search((5, 6), {"mask": POCKET, "imp": POCKET}),
    "small": Search((5,), {"full": SMALL_FULL, "mask": SMALL, "imp": SMALL}),
}

Tried = FineTuned | Pruned
Grid = Mapping[tuple[str, str, float], list[Tried]]
"""What is judged of a method, a task and a rate: of each seed one model for each loss."""


def recipe(setting: Setting, method: str, rate: float) -> Recipe:
    """Return how long and how fast a method trains, at another learning rate."""
    training = setting.training
    usual = {"full": training.full, "mask": training.mask, "imp": training.imp}[method]
    if usual is None:
        raise ValueError(f"the profile has no {method}")
    return replace(usual, lr=rate)


def with_full(setting: Setting, rate: float) -> Setting:
    """Return a setting whose full models are fine-tuned at another learning rate."""
    training = setting.training
    full, debiased = replace(training.full, lr=rate), replace(training.full_debiased, lr=rate)
    return replace(setting, training=replace(training, full=full, full_debiased=debiased))


def tried(setting: Setting, method: str, rate: float, loss: str) -> Tried:
    """Return what a learning rate is judged by, of one seed and loss."""
    if method == "full":
        return with_full(setting, rate).full(loss)
    how = recipe(setting, method, rate)
    way = MaskTraining(how, setting.training.interval) if method == "mask" else IterativePruning(how)
    return Pruned(setting.full(), setting.data, setting.seed, SPARSITY, way, loss)


def grid(search: Search, methods: Iterable[str], settings: Mapping[str, list[Setting]]) -> Grid:
    """Return all that is tried of methods, each task's settings being those of the seeds."""
    return {
        (method, task, rate): [tried(each, method, rate, loss) for each in of_seeds for loss in LOSSES]
        for method in methods
        for task, of_seeds in settings.items()
        for rate in search.rates[method]
    }


def stages(found: Grid) -> list[list[Tried]]:
    """Return what is tried, one loss after the other, and of each task after task, the shortest trainings first."""
    return [
        [each for (_, of, _), models in found.items() if of == task for each in models[at :: len(LOSSES)]]
        for at in range(len(LOSSES))
        for task in reversed(list(TASKS))
    ]


def scores(found: Grid, store: Store) -> dict[tuple[str, str, float], dict[str, float]]:
    """Return the mean ID development scores in per cent by loss, of the losses that all rates of a line's grid have."""
    whole = {key: [store.has(each) for each in models] for key, models in found.items()}
    lines = {}
    for key, models in found.items():
        method, task, _ = key
        there = [has for (of, on, _), has in whole.items() if (of, on) == (method, task)]
        dev, metric = TASKS[task].dev_name, TASKS[task].metric
        lines[key] = {
            loss: round(100 * mean(store.record(each)["metrics"][dev][metric] for each in models[at :: len(LOSSES)]), 2)
            for at, loss in enumerate(LOSSES)
            if all(all(has[at :: len(LOSSES)]) for has in there)
        }
    return lines


def main(
    store: Annotated[Path, typer.Option(help="Folder of results.")],
    profile: Annotated[str, typer.Option(help=f"One of {', '.join(SEARCHES)}.")] = "pocket",
    trail: Annotated[Path | None, typer.Option(help="File to add lines to; that of the profile if not given.")] = None,
    workers: Annotated[int, typer.Option(help="Processes.")] = 1,
    scheduler: Scheduler = None,
    data_dir: Annotated[Path | None, typer.Option(help="Official data files.")] = None,
    plm: Annotated[str | None, typer.Option(help="Model folder.")] = None,
) -> None:
    """Try every rate and add the scores, in percent, to the trail."""
    search, results, inputs = SEARCHES[profile], Store(store), Sources(data_dir=data_dir, plm=plm).inputs
    settings = {
        task: [choose(profile, [task], inputs=inputs).setting(task, seed) for seed in search.seeds] for task in TASKS
    }
    trail = trail or Path(f"results/{profile}-rates.jsonl")
    if "full" in search.rates:
        best = compute(search, ["full"], settings, results, inputs, trail, workers, scheduler)
        settings = {task: [with_full(each, best["full", task]) for each in settings[task]] for task in TASKS}
    others = [method for method in search.rates if method != "full"]
    compute(search, others, settings, results, inputs, trail, workers, scheduler)


def compute(
    search: Search,
    methods: list[str],
    settings: Mapping[str, list[Setting]],
    store: Store,
    inputs: Inputs,
    trail: Path,
    workers: int,
    scheduler: str | None,
) -> dict[tuple[str, str], float]:
    """Try every rate of methods, add lines to the trail, and return the best rate by method and task."""
    found = grid(search, methods, settings)
    try:
        run([each for models in found.values() for each in models], store, inputs, workers, scheduler, stages(found))
    finally:
        by_loss = scores(found, store)
        with trail.open("a", encoding="utf-8") as file:
            for (method, task, rate), ids in by_loss.items():
                line = {
                    "task": task,
                    "method": method,
                    "sparsity": 0.0 if method == "full" else SPARSITY,
                    "lr": rate,
                    "steps": recipe(settings[task][0], method, rate).steps,
                    "seeds": list(search.seeds),
                    "id": ids,
                }
                if ids:
                    file.write(json.dumps(line) + "\n")
                    typer.echo(f"{method} {task} {rate:g}: {ids}")
    sums = {key: sum(ids.values()) for key, ids in by_loss.items()}
    return {
        (method, task): max(search.rates[method], key=lambda rate: sums[method, task, rate])
        for method in methods
        for task in settings
    }


if __name__ == "__main__":
    typer.run(main)
