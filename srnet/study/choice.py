"""A choice from the study: which experiments it needs, and its results as tidy tables."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from srnet import pocket
from srnet.data.tasks import TASKS, find_task
from srnet.environment import Inputs
from srnet.errors import InputError
from srnet.executor.agenda import Report
from srnet.executor.plms import find_plm
from srnet.executor.text import data_folder, file_digest, text_digest
from srnet.executor.workers import run
from srnet.experiments.expressions import Data, Experiment
from srnet.store.store import Store
from srnet.study.catalogue import FIGURES
from srnet.study.points import Run, Setting
from srnet.study.profiles import Profile, find_profile

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ["task", "dataset", "split", "curve", "plm", "start", "sparsity", "seed", "score", "key"]
PARTS, ALL = ["subset", "class"], "all"


@dataclass(frozen=True)
class Study:
    """A choice from the study: a profile, and of its tasks, sparsities and seeds those that are wanted.

    Attributes:
        profile: the size of the study.
        inputs: where text and models lie.
        tasks: names of tasks.
        sparsities: shares of weights removed, in (0, 1), of figures drawn against all of them.
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
        fewer = self.profile.fewer_sparsities.get(figure, self.sparsities)
        drawn = replace(self, sparsities=tuple(each for each in self.sparsities if each in fewer))
        return [run for task in tasks for seed in self.seeds for run in shown.runs(drawn.setting(task, seed))]

    def experiments(self, figures: Sequence[str] | None = None) -> list[Experiment]:
        """Return what figures (all of the profile, if not given) need, each experiment once."""
        names = self.figures if figures is None else figures
        return list(dict.fromkeys(run.experiment for figure in names for run in self.runs(figure)))

    def stages(self, figures: Sequence[str] | None = None) -> list[list[Experiment]]:
        """Return what figures need seed after seed, and of each seed task after task, in the order that was given."""
        parts = [replace(self, tasks=(task,), seeds=(seed,)) for seed in self.seeds for task in self.tasks]
        return [part.experiments(figures) for part in parts]

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
        in_order: bool = False,
    ) -> Report:
        """Compute what the store lacks of figures (all of the profile, if not given), with a progress bar.

        Args:
            store: where results are kept.
            figures: names of figures and tables.
            workers: number of processes of this machine (`srnet.executor.workers.run`).
            scheduler: address of a Dask scheduler whose workers are used instead.
            in_order: compute in the order of `stages`, and not what takes longest first.

        Raises:
            InputError: if the official files are needed and no folder of them is given.
        """
        self.require_text()
        stages = self.stages(figures) if in_order else ()
        return run(self.experiments(figures), store, self.inputs, workers, scheduler, stages)

    def table(self, figure: str, store: Store, parts: bool = False) -> "pd.DataFrame":
        """Return a figure's results, computing what is missing.

        Args:
            figure: name of the figure.
            store: where results are kept.
            parts: whether scores on parts of the data sets are wanted too.

        Returns:
            One row per run and data set, with the columns `COLUMNS` and one for each of the run's labels: `split` is
            "ID" or "OOD"; `score` is the task's headline score (`Task.metric`), a share in [0, 1]; `start` and `plm`
            are those of `srnet.study.points.Run`. Of a figure that is drawn by step (`Figure.by_step`), a row per
            evaluation during mask training, with the column ``step``, the steps of mask training done.

            With `parts`, the columns `PARTS` and a row for each part of a data set beside the row of all of it, which
            has `ALL` in both; the score of a part is accuracy. `subset` is a subset of the data set (a heuristic of
            HANS), or, of ID development sets, "bias-aligned" or "bias-conflicting" (`srnet.training.metrics.scores`);
            `class` is the gold class.

        Raises:
            InputError: if an experiment failed; the message names it. If the run stopped before its end.
        """
        report = self.compute(store, [figure])
        if report.failed:
            experiment, reason = next(iter(report.failed.items()))
            raise InputError(f"{len(report.failed)} experiments failed; the first, {experiment.title}: {reason}")
        if report.stopped:
            raise InputError(f"the run stopped before its end: {report.stopped}")
        return tabulated(figure, self.runs(figure), store, parts)

    def setting(self, task: str, seed: int) -> Setting:
        """Return what the experiments of one task and one repetition have in common."""
        return Setting(
            training=self.profile.training[task],
            plm=find_plm(self.inputs.plm or self.profile.plm),
            data=_data(self, task),
            seed=seed,
            sparsities=self.sparsities,
            other_plms=tuple(find_plm(name) for name in self.profile.other_plms),
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
        sparsities: shares of weights removed from each matrix, in (0, 1).
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
        if isinstance(sparsity, bool) or not isinstance(sparsity, int | float) or not 0 < sparsity < 1:
            raise InputError(f"sparsities: {sparsity!r} is not a share of weights to remove, between 0 and 1")
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


def tabulated(figure: str, runs: Sequence[Run], store: Store, parts: bool = False) -> "pd.DataFrame":
    """Return the results of runs of a figure, as `Study.table` does, out of what is in the store: nothing is computed.

    Raises:
        InputError: if the record of a run is not there.
    """
    import pandas as pd

    by_step = FIGURES[figure].by_step
    rows_of = _evaluations if by_step else _rows
    rows = [row for run in runs for row in rows_of(run, store.record(run.experiment), parts)]
    labels = dict.fromkeys(name for run in runs for name in run.labels)
    return pd.DataFrame(rows, columns=[*COLUMNS, *(["step"] if by_step else []), *labels, *(PARTS if parts else [])])


def _rows(run: Run, record: Mapping[str, Any], parts: bool) -> Iterator[dict[str, Any]]:
    """Yield a row for each data set, of a full model or of the subnetwork that is chosen."""
    task = TASKS[run.task]
    for dataset, metrics in record["metrics"].items():
        point = _point(run, record, dataset)
        whole = (ALL, ALL, metrics[task.metric])
        for subset, label, score in (whole, *_parts(metrics)) if parts else (whole,):
            yield point | {"subset": subset, "class": label, "score": score}


def _evaluations(run: Run, record: Mapping[str, Any], parts: bool) -> Iterator[dict[str, Any]]:
    """Yield a row for each evaluation during mask training and each data set; these have no parts."""
    for step, scores in record["evaluations"].items():
        for dataset, score in scores.items():
            point = _point(run, record, dataset) | {"step": int(step), "score": score}
            yield point | (dict.fromkeys(PARTS, ALL) if parts else {})


def _point(run: Run, record: Mapping[str, Any], dataset: str) -> dict[str, Any]:
    split = "ID" if dataset == TASKS[run.task].dev_name else "OOD"
    point = {"task": run.task, "dataset": dataset, "split": split, "curve": run.curve, "plm": run.plm}
    return point | {"start": run.start, "sparsity": run.sparsity, "seed": run.seed, "key": record["key"], **run.labels}


def _parts(metrics: Mapping[str, Any]) -> Iterator[tuple[str, str, float]]:
    """Yield subset, class and accuracy of each part of a data set."""
    for label, accuracy in metrics["classes"].items():
        yield ALL, label, accuracy
    for name, accuracy in metrics.get("subsets", {}).items():
        subset, _, label = name.partition("/")
        yield subset, label, accuracy
    for name, group in metrics.get("bias", {}).items():
        yield f"bias-{name}", ALL, group["accuracy"]


def _data(study: Study, task: str) -> Data:
    vectors = file_digest(study.inputs.vectors) if study.inputs.vectors else ""
    if study.profile.world is not None:
        return Data(task, pocket.FINGERPRINTS[task], study.profile.world, vectors)
    folder = study.inputs.data_dir
    return Data(task, text_digest(task, folder) if folder else "", vectors=vectors)
