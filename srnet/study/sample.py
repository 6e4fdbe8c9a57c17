"""A sample of the study, to be computed from nothing and held against what is published.

For each task it is a chain of experiments of one seed: the full model, the mask that is trained in it, what this mask
leaves of the pre-trained model fine-tuned in isolation, and the subnetwork that iterative magnitude pruning finds in
the full model. Each is a point of a figure of the paper.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd

from srnet.data.tasks import TASKS
from srnet.executor.agenda import Report
from srnet.executor.workers import run
from srnet.store.published import published_in
from srnet.store.store import Store, read_only
from srnet.study.choice import Study, tabulated
from srnet.study.comparison import in_all, in_words, points, tested
from srnet.study.points import Run

CHAIN: Mapping[str, str] = {
    "full bert (std)": "figure-2",
    "mask train (poe)": "figure-2",
    "mask train (poe) -> ft (poe)": "figure-4",
    "imp (poe)": "figure-2",
}
"""The figure that each step is a point of, by the name of its curve there, in the order of computing."""
SPARSITY = 0.7  # of the subnetworks; where the profile does not have it, the nearest that it has


@dataclass(frozen=True)
class Sample:
    """A sample that all of is published.

    Attributes:
        study: what it is a sample of.
        published: where it is published.
        runs: one chain for each task that has one, in the order of tasks and of `CHAIN`.
    """

    study: Study
    published: Store
    runs: tuple[Run, ...]

    def compute(self, here: Store, workers: int | None = None, scheduler: str | None = None) -> Report:
        """Compute what a store lacks of the sample (`Study.compute`)."""
        return run([each.experiment for each in self.runs], here, self.study.inputs, workers, scheduler)

    def points(self, here: Store) -> pd.DataFrame:
        """Return the scores that are in a store and published ones (`srnet.study.comparison.points`)."""
        return points("figure-2", self.runs, here, self.published)

    def of_all_seeds(self) -> pd.DataFrame:
        """Return the published scores of all seeds of the profile at the same points, as `Study.table` does."""
        tasks = dict.fromkeys(run.task for run in self.runs)
        runs = [run for task in tasks for seed in self.study.profile.seeds for run in chain(self.study, task, seed)]
        return tabulated("figure-2", in_all(runs, self.published), self.published)

    def compared(self, here: Store) -> pd.DataFrame:
        """Return whether what is in a store differs from what is published, and by more than seeds do.

        Returns:
            The rows of `srnet.study.comparison.compared`: one for each task of which there is something, whose title
            stands in the column ``figure``, and if there are several one for all of them.
        """
        found, theirs = _by_task(self.points(here)), _by_task(self.of_all_seeds())
        return tested(found, {title: theirs[title] for title in found})


def sample_of(study: Study, folders: Sequence[Path]) -> Sample | None:
    """Return a sample of a study whose results are among those that are published; None if no chain of it is.

    Args:
        study: the choice; the sample has the chain of the first seed of its profile that is published whole.
        folders: folders of results; those that are published count (`srnet.store.published.published_in`).

    Raises:
        DamagedError: if a published record is not what was written.
        InputError: if a manifest or a file is not what was published.
    """
    roots = [each.root for each in published_in(folders)]
    if not roots:
        return None
    published = read_only(roots)
    runs: list[Run] = []
    for task in study.tasks:
        chains = (chain(study, task, seed) for seed in study.profile.seeds)
        runs += next((each for each in chains if len(in_all(each, published)) == len(each)), [])
    return Sample(study, published, tuple(runs)) if runs else None


def chain(study: Study, task: str, seed: int) -> list[Run]:
    """Return the chain of one task and seed, as far as the profile has the figures that its steps are points of."""
    sparsity = min(study.profile.sparsities, key=lambda each: abs(each - SPARSITY))
    part = replace(study, tasks=(task,), sparsities=(sparsity,), seeds=(seed,))
    return [
        run
        for curve, figure in CHAIN.items()
        if figure in study.figures
        for run in part.runs(figure)
        if run.curve == curve
    ]


def told(sample: Sample, here: Store) -> str:
    """Return how a sample compares with what is published, in a sentence or two."""
    table = sample.compared(here)
    row = table.iloc[-1]
    text = (
        f"{len(sample.runs)} experiments computed anew, {row.points} scores held against the published ones: "
        f"{row.equal} of them equal bit for bit."
    )
    if row.equal == row.points:
        return text
    seeds = "" if pd.isna(row.between_seeds) else f", two published seeds by {row.between_seeds:.2f}"
    return (
        f"{text} The others differ by {row['mean']:.2f} points on the mean, {row.largest:.2f} at most{seeds}. "
        f"More than seeds do? {in_words(row)}"
    )


def _by_task(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    return {TASKS[str(task)].title: rows for task, rows in table.groupby("task", sort=False)}
