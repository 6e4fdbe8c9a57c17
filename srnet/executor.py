"""Running many experiments: operands first, each once, in this process or on Dask workers."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import dask
import torch
from distributed import Client, LocalCluster, as_completed, get_worker
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from threadpoolctl import threadpool_limits

from srnet.compute import Advance, compute, work
from srnet.experiments import Experiment, closure
from srnet.inputs import Inputs
from srnet.store import Store

REPORT_EVERY = 0.5  # seconds between two reports of a worker
TOPIC = "srnet-progress"
PREFIX = "experiment"  # of task keys; told that such tasks are long, Dask spreads them over its workers
COMPUTED, SKIPPED = "computed", "skipped"


@dataclass
class Report:
    """What became of a run.

    Attributes:
        computed: experiments whose results were computed now.
        failed: experiments that failed, with the reason.
        skipped: experiments that need the result of one that failed.
    """

    computed: list[Experiment] = field(default_factory=list)
    failed: dict[Experiment, str] = field(default_factory=dict)
    skipped: list[Experiment] = field(default_factory=list)

    def note(self, experiment: Experiment, outcome: str) -> None:
        """Enter what `_attempt` returned."""
        if outcome == COMPUTED:
            self.computed.append(experiment)
        elif outcome == SKIPPED:
            self.skipped.append(experiment)
        else:
            self.failed[experiment] = outcome


def missing(experiments: Sequence[Experiment], store: Store) -> list[Experiment]:
    """Return what must be computed to have the results of `experiments`, operands first, each once."""
    wanted = [experiment for experiment in experiments if not store.has(experiment)]
    return [experiment for experiment in closure(wanted) if not store.has(experiment)]


def run(experiments: Sequence[Experiment], store: Store, inputs: Inputs, workers: int | None = None) -> Report:
    """Compute what is missing of the results of `experiments`, with a progress bar.

    An experiment that fails leaves a record of the failure; what needs it is skipped and the rest goes on. Every
    process computes with one thread, so that a result does not depend on how many there are.

    Args:
        experiments: the results that are wanted.
        store: where results are kept.
        inputs: where text and pre-trained models lie.
        workers: number of processes; if not given, one per core, or one where experiments run on a GPU.
    """
    store.remove_leftovers()
    todo = missing(experiments, store)
    if not todo:
        return Report()
    workers = min(workers or _places(inputs), len(todo))
    with _bar() as bar:
        watch = _Watch(bar, todo, inputs)
        if workers == 1:
            return _run_here(todo, store, inputs, watch)
        return _run_on_dask(todo, store, inputs, workers, watch)


class _Watch:
    """Advances a progress bar over the units of work of all experiments."""

    def __init__(self, bar: Progress, todo: list[Experiment], inputs: Inputs) -> None:
        self.bar, self.size = bar, len(todo)
        self.left = {experiment.key: work(experiment, inputs) for experiment in todo}
        self.row = bar.add_task("", total=sum(self.left.values()))
        self.finished = 0
        self._say(f"0 of {self.size} experiments")

    def advance(self, key: str, units: int) -> None:
        """Count units of work that an experiment has done."""
        units = min(units, self.left[key])
        self.left[key] -= units
        self.bar.advance(self.row, units)

    def finish(self, experiment: Experiment) -> None:
        """Count an experiment as ended."""
        self.advance(experiment.key, self.left[experiment.key])
        self.finished += 1
        text = f"{self.finished} of {self.size} experiments, last {experiment.title}"
        self._say(text)
        if not self.bar.console.is_terminal:  # in a log, a line for each experiment takes the place of the bar
            left = self.bar.tasks[self.row].time_remaining
            text += f", about {left:.0f} s left" if left else ""
            self.bar.console.print(text, highlight=False, soft_wrap=True)

    def _say(self, text: str) -> None:
        self.bar.update(self.row, description=text)


def _run_here(todo: list[Experiment], store: Store, inputs: Inputs, watch: _Watch) -> Report:
    report, threads = Report(), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for experiment in todo:

            def advance(units: int, key: str = experiment.key) -> None:
                watch.advance(key, units)

            report.note(experiment, _attempt(experiment, store, inputs, advance))
            watch.finish(experiment)
    finally:
        torch.set_num_threads(threads)
    return report


def _run_on_dask(todo: list[Experiment], store: Store, inputs: Inputs, workers: int, watch: _Watch) -> Report:
    report, waiting, open_keys = Report(), list(todo), _keys(todo)
    experiments = {f"{PREFIX}-{experiment.key}": experiment for experiment in todo}
    address = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    with (
        dask.config.set({"distributed.scheduler.default-task-durations": {PREFIX: "10m"}}),
        LocalCluster(n_workers=workers, threads_per_worker=1, silence_logs="ERROR", **address) as cluster,
        Client(cluster) as client,
    ):
        running = as_completed()

        def submit_ready() -> None:
            # Dask would send what depends on a task to the worker that ran it, and leave others idle.
            for experiment in [each for each in waiting if not open_keys.intersection(_keys(each.operands))]:
                waiting.remove(experiment)
                key = f"{PREFIX}-{experiment.key}"
                running.add(client.submit(_on_worker, experiment, store, inputs, key=key))

        client.subscribe_topic(TOPIC, lambda event: watch.advance(*event[1]))
        submit_ready()
        for future in running:
            experiment = experiments[future.key]
            finished = future.status == "finished"
            report.note(experiment, future.result() if finished else _died(experiment, store))
            watch.finish(experiment)
            open_keys.remove(experiment.key)
            submit_ready()
    return report


def _keys(experiments: Sequence[Experiment]) -> set[str]:
    return {experiment.key for experiment in experiments}


def _died(experiment: Experiment, store: Store) -> str:
    """Record that the process that computed an experiment died."""
    error = RuntimeError("its worker process died, most often for want of memory")
    store.fail(experiment, error)
    return str(error)


def _on_worker(experiment: Experiment, store: Store, inputs: Inputs) -> str:
    """Compute an experiment on a Dask worker and report its progress."""
    torch.set_num_threads(1)
    worker, pending, last = get_worker(), 0, time.monotonic()

    def advance(units: int) -> None:
        nonlocal pending, last
        pending += units
        if time.monotonic() - last > REPORT_EVERY:
            worker.log_event(TOPIC, (experiment.key, pending))
            pending, last = 0, time.monotonic()

    return _attempt(experiment, store, inputs, advance)


def _attempt(experiment: Experiment, store: Store, inputs: Inputs, advance: Advance) -> str:
    """Compute one experiment and return `COMPUTED`, `SKIPPED`, or why it failed; a failure is also recorded."""
    if not all(store.has(operand) for operand in experiment.operands):
        return SKIPPED
    try:
        with threadpool_limits(1):  # scikit-learn's and numpy's threads, which torch does not govern
            compute(experiment, store, inputs, advance)
    except Exception as error:
        store.fail(experiment, error)
        return f"{type(error).__name__}: {error}"
    return COMPUTED


def _places(inputs: Inputs) -> int:
    """Return how many experiments run best at once: one per core that this process may use, but one on a GPU."""
    if inputs.device.startswith("cuda"):
        return 1
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _bar() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    )
