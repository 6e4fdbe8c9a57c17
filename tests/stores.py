"""Stores with made-up records, as if figures had been computed."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from srnet.data.tasks import TASKS
from srnet.store.store import Store
from srnet.study.choice import Study
from srnet.study.points import Run

MACHINE = {"device": "cpu", "processor": "a processor"}

Score = Callable[[Run, str], float]
"""Gives the accuracy of a run on a data set."""


def made_up(root: Path, study: Study, figures: Sequence[str], score: Score, weight: float = 1.0) -> Store:
    """Write a record with one file for each run of figures; the first figure that has an experiment gives its scores.

    Args:
        root: folder of the store.
        study: the choice.
        figures: names of figures.
        score: of a run.
        weight: what is in the file.
    """
    store = Store(root)
    for run in (run for figure in figures for run in study.runs(figure)):
        task = TASKS[run.task]
        with store.writing(run.experiment) as entry:
            if entry is None:
                continue
            entry.save("weights", {"w": torch.full((4,), weight)})
            scores = {name: score(run, name) for name in (task.dev_name, *task.ood)}
            found = {
                name: {"accuracy": value, task.metric: value, "examples": 100, "classes": {}}
                for name, value in scores.items()
            }
            entry.record |= {"metrics": found, "machine": MACHINE, "train_loss": [[12, weight]]}
            entry.record["evaluations"] = {"4": scores, "8": scores}
    return store
