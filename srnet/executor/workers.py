"""Running many experiments: operands first, each once, in this process or on Dask workers."""

import logging
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from math import inf
from multiprocessing import spawn
from queue import Empty, SimpleQueue
from typing import Any

import dask
from distributed import CancelledError, Client, Future, KilledWorker, LocalCluster, get_worker
from distributed.comm import CommClosedError
from distributed.protocol import deserialize_bytes
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from threadpoolctl import threadpool_limits

from srnet.data.official import MissingDataWarning
from srnet.debiasing.known import FewKnownWarning
from srnet.environment import Inputs
from srnet.errors import InputError
from srnet.executor.agenda import LOOK_AGAIN, Agenda, Outcome, Report
from srnet.executor.compute import Advance, compute
from srnet.executor.crew import Crew, parcel
from srnet.executor.text import check_vectors
from srnet.executor.work import effort, emulated, work
from srnet.experiments.expressions import Bias, Experiment, Tokenised
from srnet.machine import keep_memory, one_thread, own_gpu, places
from srnet.store.store import FULL, BusyError, DamagedError, Store
from srnet.terminal import spell_out

REPORT_EVERY = 0.5  # seconds between two reports of a worker
LINE_EVERY = 60.0  # seconds between two lines in a log, which has no bar
TOPIC = "srnet-progress"
PREFIX = "experiment"  # of task keys; told that such tasks are long, Dask spreads them over its workers
SHOWS_WITHIN = 60.0  # seconds after which a result that another machine has written must be seen here
MOST_TRIES = 5  # to have a worker take an experiment


def run(
    experiments: Sequence[Experiment],
    store: Store,
    inputs: Inputs,
    workers: int | None = None,
    scheduler: str | None = None,
    stages: Sequence[Sequence[Experiment]] = (),
) -> Report:
    """Compute what is missing of the results of `experiments`, with a progress bar.

    An experiment that fails leaves a record of the failure; what needs it is skipped and the rest goes on. A result
    that is not what was written is set aside and computed anew. What another process computes on the same store is
    waited for, not computed twice. Every process computes with one thread, so that a result does not depend on how
    many there are.

    Args:
        experiments: the results that are wanted.
        store: where results are kept.
        inputs: where text and pre-trained models lie.
        workers: number of processes of this machine; if not given, one per GPU, or one per core if there is none.
        scheduler: address of a Dask scheduler, whose workers are used instead. They must see the store, the data and
            the model under the same paths. If some of them declare the resource "GPU", one GPU is used by one
            training at a time.
        stages: sets of the experiments, what is needed of an earlier one before what is needed of a later one alone.
            Without any, what takes longest comes first, so that the whole ends soonest.

    Raises:
        InputError: if results cannot be written, if there is no scheduler at the address, if each of its workers lacks
            something, or if word vectors are needed that cannot be used.
    """
    agenda = Agenda(experiments, store, lambda experiment: effort(experiment, inputs, store), stages)
    if agenda.is_over:  # results that are there are read, and nothing else is: no text, no model, no lock
        return agenda.report
    check_vectors(agenda.todo, inputs)
    store.clear_up()
    with _bar() as bar:
        watch = _Watch(bar, agenda, inputs)
        if not scheduler and (problem := emulated(agenda.todo, inputs)):
            watch.warn(problem)
        if scheduler:
            with _client(scheduler) as client:
                try:
                    _on_dask(client, agenda, store, inputs, watch)
                except CommClosedError:
                    agenda.stop(f"the Dask scheduler {scheduler} is gone")
        elif (count := min(workers or places(inputs.device), len(agenda.todo))) > 1:
            with _local_client(count) as client:
                _on_dask(client, agenda, store, inputs, watch)
        else:
            _here(agenda, store, inputs, watch)
    return agenda.report


class _Watch:
    """Advances a progress bar over the units of work of all experiments."""

    def __init__(self, bar: Progress, agenda: Agenda, inputs: Inputs) -> None:
        self.bar, self.agenda, self.inputs = bar, agenda, inputs
        self.left: dict[str, int] = {}
        self.row = bar.add_task("", total=0)
        self.finished = self.seen = self.told = 0
        self.last_line = -inf
        self.update()
        self._say(f"0 of {self.seen} experiments")

    def update(self) -> None:
        """Take up experiments that have come on the agenda, and say which results were damaged."""
        for experiment in self.agenda.todo[self.seen :]:
            self.left[experiment.key] = work(experiment, self.inputs, self.agenda.store)
            self.seen += 1
        self.bar.update(self.row, total=self.bar.tasks[self.row].completed + sum(self.left.values()))
        for problem in self.agenda.report.damaged[self.told :]:
            self.warn(f"set aside, computed anew: {problem}")
            self.told += 1

    def warn(self, text: str) -> None:
        """Print a line above the bar."""
        self.bar.console.print(text, style="yellow", soft_wrap=True, markup=False, highlight=False)

    def advance(self, key: str, units: int) -> None:
        """Count units of work that an experiment has done."""
        units = min(units, self.left.get(key, 0))
        if units:
            self.left[key] -= units
            self.bar.advance(self.row, units)

    def finish(self, experiment: Experiment) -> None:
        """Count an experiment as ended."""
        self.advance(experiment.key, self.left[experiment.key])
        self.finished += 1
        text = f"{self.finished} of {self.seen} experiments, last {experiment.title}"
        self._say(text)
        due = time.monotonic() - self.last_line >= LINE_EVERY or self.finished == self.seen
        if due and not self.bar.console.is_terminal:  # in a log, a line from time to time takes the place of the bar
            self.last_line = time.monotonic()
            left = self.bar.tasks[self.row].time_remaining
            text += f", about {left:.0f} s left" if left else ""
            self.bar.console.print(text, highlight=False, soft_wrap=True)

    def _say(self, text: str) -> None:
        self.bar.update(self.row, description=text)


def _here(agenda: Agenda, store: Store, inputs: Inputs, watch: _Watch) -> None:
    """Compute what is on the agenda in this process, one experiment after another."""
    keep_memory()
    with one_thread():
        while not agenda.is_over:
            for experiment in agenda.take(1):

                def advance(units: int, key: str = experiment.key) -> None:
                    watch.advance(key, units)

                _enter(experiment, _attempt(experiment, store, inputs, advance), agenda, watch)
                break
            else:
                time.sleep(LOOK_AGAIN)  # all that is left is being computed by another process
            _look_again(agenda, watch)


def _on_dask(client: Client, agenda: Agenda, store: Store, inputs: Inputs, watch: _Watch) -> None:
    """Compute what is on the agenda on Dask workers.

    What can start is given to Dask with its priority; where and when it runs is Dask's affair. What waits
    for an operand is held back: Dask would send it to the worker that computed that operand, and leave others idle.
    """
    running, tries, begun = dict[Future, Experiment](), Counter[str](), dict[str, str]()
    ended: SimpleQueue[Future] = SimpleQueue()

    def hear(event: tuple[float, tuple[str, str, int]]) -> None:
        key, worker, units = event[1]
        begun[key] = worker
        watch.advance(key, units)

    client.subscribe_topic(TOPIC, hear)
    crew = Crew(client, store, inputs, watch.warn)
    crew.gather()
    while not agenda.is_over:
        if crew.look():  # what no worker has begun may now be for others
            for future in [each for each in running if not crew.works(begun.get(running[each].key))]:
                agenda.end(running.pop(future), Outcome("busy"))
                future.cancel()
        for experiment in agenda.take() if crew.able else ():
            on_gpu = crew.has_gpus and not isinstance(experiment, Bias | Tokenised)
            begun.pop(experiment.key, None)
            future = client.submit(
                deserialize_bytes,
                parcel(_on_worker, experiment, store, inputs),
                key=_task(experiment, tries),
                priority=agenda.priority(experiment),
                resources={"GPU": 1} if on_gpu else None,
                workers=crew.chosen,
            )
            running[future] = experiment
            future.add_done_callback(ended.put)
        with suppress(Empty):
            future = ended.get(timeout=LOOK_AGAIN)
            if future in running:  # and not given to others meanwhile
                experiment = running.pop(future)
                outcome = _outcome(future, experiment, store, last=tries[experiment.key] >= MOST_TRIES)
                _enter(experiment, outcome, agenda, watch)
        _look_again(agenda, watch)


def _task(experiment: Experiment, tries: Counter[str]) -> str:
    """Return the name of a task for Dask, another one for each time an experiment is tried."""
    tries[experiment.key] += 1
    again = f"-{tries[experiment.key]}" if tries[experiment.key] > 1 else ""
    return f"{PREFIX}-{experiment.key}{again}"


def _enter(experiment: Experiment, outcome: Outcome, agenda: Agenda, watch: _Watch) -> None:
    for ended in agenda.end(experiment, outcome):
        watch.finish(ended)
    watch.update()


def _look_again(agenda: Agenda, watch: _Watch) -> None:
    for ended in agenda.look_again():
        watch.finish(ended)


def _outcome(future: Future, experiment: Experiment, store: Store, last: bool) -> Outcome:
    """Return the outcome of an experiment from that of its task; its result must show in this process's store.

    Args:
        future: the task.
        experiment: what it computes.
        store: where its result is.
        last: whether an experiment that its worker could not even begin is given up; else it is tried again.

    Raises:
        CommClosedError: if the scheduler is gone.
    """
    if future.status in ("cancelled", "lost"):
        raise CommClosedError
    if future.status == "error":
        error = future.exception()
        if isinstance(error, KilledWorker):
            error = RuntimeError("its worker process died again and again, most often for want of memory")
        elif not last:  # `_attempt` catches what is the experiment's: the worker is new, and has not been looked at yet
            return Outcome("busy")
        store.fail(experiment, error)
        return Outcome("failed", str(error))
    try:
        outcome: Outcome = future.result()
    except CancelledError:
        raise CommClosedError from None
    if outcome.kind == "computed" and not _shows(experiment, store):
        reason = f"a worker has computed it, but {store.folder(experiment)} does not show here: is the folder shared?"
        return Outcome("failed", reason)
    return outcome


def _shows(experiment: Experiment, store: Store) -> bool:
    """Wait until a result can be seen: on network file systems, what another machine has written shows late."""
    end = time.monotonic() + SHOWS_WITHIN
    while not store.whole(experiment):
        if time.monotonic() > end:
            return False
        time.sleep(LOOK_AGAIN)
    return True


def _on_worker(experiment: Experiment, store: Store, inputs: Inputs) -> Outcome:
    """Compute an experiment on a Dask worker and report its progress."""
    keep_memory()
    for said in (MissingDataWarning, FewKnownWarning):  # by the process that asks
        warnings.simplefilter("ignore", said)
    worker, pending, last = get_worker(), 0, time.monotonic()

    def advance(units: int) -> None:
        nonlocal pending, last
        pending += units
        if time.monotonic() - last > REPORT_EVERY:
            worker.log_event(TOPIC, (experiment.key, worker.address, pending))
            pending, last = 0, time.monotonic()

    worker.log_event(TOPIC, (experiment.key, worker.address, 0))
    for operand in experiment.operands:
        _shows(operand, store)
    with one_thread():
        return _attempt(experiment, store, replace(inputs, device=own_gpu(inputs.device, worker.name)), advance)


def _attempt(experiment: Experiment, store: Store, inputs: Inputs, advance: Advance) -> Outcome:
    """Compute one experiment; a failure is recorded."""
    try:
        with threadpool_limits(1):  # scikit-learn's and numpy's threads, which torch does not govern
            here = compute(experiment, store, inputs, advance)
    except BusyError:
        return Outcome("busy")
    except DamagedError as error:
        return Outcome("damaged", error.key)
    except Exception as error:
        if gone := next((operand for operand in experiment.operands if not store.whole(operand)), None):
            return Outcome("damaged", gone.key)  # set aside while it was wanted here, because another found it damaged
        store.fail(experiment, error)
        return Outcome("full" if _is_full(error) else "failed", f"{type(error).__name__}: {error}")
    return Outcome("computed" if here else "elsewhere")


def _is_full(error: Exception) -> bool:
    """Tell whether there is no room on a disk; safetensors wraps the system's error in one of its own."""
    number = error.errno if isinstance(error, OSError) else None
    return number in FULL or any(f"os error {code})" in str(error) for code in FULL)


@contextmanager
def _local_client(workers: int) -> Iterator[Client]:
    """Yield a client of as many processes, reached through the loopback interface alone."""
    address = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    with (
        dask.config.set({"distributed.scheduler.default-task-durations": {PREFIX: "10m"}}),
        _script_left_alone(),
        LocalCluster(n_workers=workers, threads_per_worker=1, silence_logs="ERROR", **address) as cluster,
        Client(cluster) as client,
    ):
        yield client


@contextmanager
def _script_left_alone() -> Iterator[None]:
    """Start processes that do not run the caller's script again, as those of multiprocessing do.

    A script without a main guard would start processes of its own in each of them, and one from stdin is not found.
    """
    prepared = spawn.get_preparation_data

    def without_main(name: str) -> dict[str, Any]:
        return {what: value for what, value in prepared(name).items() if not what.startswith("init_main")}

    spawn.get_preparation_data = without_main
    try:
        yield
    finally:
        spawn.get_preparation_data = prepared


@contextmanager
def _client(scheduler: str) -> Iterator[Client]:
    try:
        client = Client(scheduler)
    except (OSError, ValueError) as error:
        raise InputError(f"{scheduler}: no Dask scheduler answers there: {error}") from None
    for name in ("distributed.client", "distributed.utils"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # a lost connection is said once, without tracebacks
    with client:
        yield client


def _bar() -> Progress:
    spell_out()  # also where a user's own script runs experiments
    return Progress(
        TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn(), TimeRemainingColumn()
    )
