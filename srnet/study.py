"""A choice from the study: which experiments it needs, and its results as tidy tables."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from srnet import pocket
from srnet.errors import InputError
from srnet.executor import Report, run
from srnet.experiments import Data, Experiment, Pretrained
from srnet.inputs import Inputs, data_folder, file_digest, text_digest
from srnet.models import folder_digest
from srnet.profiles import Profile, find_profile
from srnet.runs import FIGURES
from srnet.settings import Run, Setting
from srnet.store import Store
from srnet.tasks import TASKS, find_task

COLUMNS = ["task", "dataset", "split", "subset", "curve", "plm", "start", "sparsity", "seed", "score", "key"]


@dataclass(frozen=True)
class Study:
    """A choice from the study: a profile, and of its tasks, sparsities and seeds those that are wanted.

    Attributes:
        profile: the size of the study.
        inputs: where text and models lie.
        tasks: names of tasks.
        sparsities: shares of weights removed, in [0, 1), of figures drawn against all of them; 0 is the full model.
        seeds: repetitions.
    """

    profile: Profile
    inputs: Inputs
    tasks: tuple[str, ...]
    sparsities: tuple[float, ...]
    seeds: tuple[int, ...]

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of the figures and tables that the profile has."""
        return tuple(name for name in FIGURES if name not in self.profile.left_out)

    def runs(self, figure: str) -> list[Run]:
        """Return all runs that a figure shows.

        Where the official files are needed and no folder of them is given, the expressions name the text by an empty
        digest: they can be counted, not computed (`require_text`).

        Raises:
            InputError: if the profile has no such figure, or the text or the model it needs is not there.
        """
        if figure not in self.figures:
            why = f"profile {self.profile.name!r} leaves out" if figure in FIGURES else "unknown figure"
            raise InputError(f"{why} {figure!r}: choose one of {', '.join(self.figures)}")
        shown = FIGURES[figure]
        tasks = [task for task in self.tasks if task in shown.tasks]
        return [run for task in tasks for seed in self.seeds for run in shown.runs(self._setting(task, seed))]

    def experiments(self, figures: Sequence[str] | None = None) -> list[Experiment]:
        """Return what figures (all of the profile, if not given) need, each experiment once."""
        names = self.figures if figures is None else figures
        return list(dict.fromkeys(run.experiment for figure in names for run in self.runs(figure)))

    def require_text(self) -> None:
        """Raise an error if experiments of this study cannot be computed for want of a data folder.

        Raises:
            InputError: if the official files are needed and no folder of them is given.
        """
        if self.profile.world is None:
            data_folder(self.inputs)

    def compute(
        self,
        store: Store,
        figures: Sequence[str] | None = None,
        workers: int | None = None,
        scheduler: str | None = None,
    ) -> Report:
        """Compute what the store lacks of figures (all of the profile, if not given), with a progress bar.

        Args:
            store: where results are kept.
            figures: names of figures and tables.
            workers: number of processes of this machine (`srnet.executor.run`).
            scheduler: address of a Dask scheduler whose workers are used instead.

        Raises:
            InputError: if the official files are needed and no folder of them is given.
        """
        self.require_text()
        return run(self.experiments(figures), store, self.inputs, workers, scheduler)

    def table(self, figure: str, store: Store) -> pd.DataFrame:
        """Return a figure's results, computing what is missing.

        Returns:
            One row per run, data set and subset, with the columns `COLUMNS`: `split` is "ID" or "OOD"; `subset` is
            "all", for which `score` is the task's headline score (`Task.metric`), or a part of the examples, for which
            it is accuracy: "class NAME"; as in HANS, "heuristic/class"; for ID development sets "bias-aligned" and
            "bias-conflicting" (`srnet.evaluation.scores`). A score is a share in [0, 1]. `start` and `plm` are those
            of `srnet.settings.Run`.

        Raises:
            InputError: if an experiment failed; the message names it. If the run stopped before its end.
        """
        report = self.compute(store, [figure])
        if report.failed:
            experiment, reason = next(iter(report.failed.items()))
            raise InputError(f"{len(report.failed)} experiments failed; the first, {experiment.title}: {reason}")
        if report.stopped:
            raise InputError(f"the run stopped before its end: {report.stopped}")
        rows = [row for run in self.runs(figure) for row in _rows(run, store.record(run.experiment))]
        return pd.DataFrame(rows, columns=COLUMNS)

    def _setting(self, task: str, seed: int) -> Setting:
        return Setting(
            training=self.profile.training[task],
            plm=_pretrained(self),
            data=_data(self, task),
            seed=seed,
            sparsities=self.sparsities,
            other_plms=tuple(Pretrained(name) for name in self.profile.other_plms),
        )


def choose(
    profile: str,
    tasks: Sequence[str] | None = None,
    sparsities: Sequence[float] | None = None,
    seeds: Sequence[int] | None = None,
    inputs: Inputs | None = None,
) -> Study:
    """Return a choice from the study; what is not given is as in the profile.

    Args:
        profile: name of a profile.
        tasks: names of tasks.
        sparsities: shares of weights removed from each matrix, in [0, 1).
        seeds: repetitions.
        inputs: where text and models lie; from the environment if not given.

    Raises:
        InputError: if the profile or a task is unknown or a value out of range.
    """
    size = find_profile(profile)
    for name, values in (("tasks", tasks), ("sparsities", sparsities), ("seeds", seeds)):
        if values is not None and (not isinstance(values, list | tuple) or not values):
            raise InputError(f"{name} is {values!r}: give a list with at least one value")
        if values and len({repr(value) for value in values}) < len(values):
            raise InputError(f"{name} is {values!r}: give each value once")
    for task in tasks or ():
        if find_task(task).name not in size.training:
            raise InputError(f"profile {profile!r} has no task {task!r}: choose of {', '.join(size.training)}")
    for sparsity in sparsities or ():
        if isinstance(sparsity, bool) or not isinstance(sparsity, int | float) or not 0 <= sparsity < 1:
            raise InputError(f"sparsities: {sparsity!r} is not a share of weights to remove, from 0 up to but not 1")
    for seed in seeds or ():
        if isinstance(seed, bool) or not isinstance(seed, int) or seed < 0:
            raise InputError(f"seeds: {seed!r} is not a whole number from 0")
    return Study(
        profile=size,
        inputs=inputs or Inputs.from_environment(),
        tasks=tuple(tasks or size.training),
        sparsities=tuple(float(sparsity) for sparsity in sparsities or size.sparsities),
        seeds=tuple(seeds or size.seeds),
    )


def _rows(run: Run, record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for dataset, metrics in run.metrics(record).items():
        split = "ID" if dataset == TASKS[run.task].dev_name else "OOD"
        for subset, score in _scores(metrics, TASKS[run.task].metric).items():
            labels = (run.task, dataset, split, subset, run.curve, run.plm, run.start, run.sparsity, run.seed)
            yield dict(zip(COLUMNS, (*labels, score, record["key"]), strict=True))


def _scores(metrics: dict[str, Any], headline: str) -> dict[str, float]:
    return {
        "all": metrics[headline],
        **{f"class {name}": accuracy for name, accuracy in metrics["classes"].items()},
        **metrics.get("subsets", {}),
        **{f"bias-{name}": group["accuracy"] for name, group in metrics.get("bias", {}).items()},
    }


def _pretrained(study: Study) -> Pretrained:
    name = study.inputs.plm or study.profile.plm
    if name == pocket.PLM_NAME:
        return Pretrained(name, _digest_of_model(pocket.plm_folder()))
    if Path(name).is_dir():
        return Pretrained(Path(name).resolve().name, _digest_of_model(Path(name)))
    if name[0] in "./~" or name.count("/") > 1:
        raise InputError(f"{name}: no such folder; give a folder with a model, or a name on the Hugging Face hub")
    return Pretrained(name)


def _data(study: Study, task: str) -> Data:
    vectors = file_digest(study.inputs.vectors) if study.inputs.vectors else ""
    if study.profile.world is not None:
        return Data(task, pocket.fingerprint(task), study.profile.world, vectors)
    folder = study.inputs.data_dir
    return Data(task, text_digest(task, folder) if folder else "", vectors=vectors)


@lru_cache
def _digest_of_model(folder: Path) -> str:
    return folder_digest(folder)
