"""What is to be computed, in which order, and what has become of it."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from srnet.experiments.expressions import Experiment
from srnet.experiments.graph import Duration, closure, priorities
from srnet.store.store import Store

LOOK_AGAIN = 1.0  # seconds between two looks at what another process is computing


@dataclass(frozen=True)
class Outcome:
    """How the computation of one experiment ended.

    Attributes:
        kind: "computed"; "elsewhere" if another process had computed it by then; "busy" if one is computing it;
            "damaged" if the result of an operand is not what was written, or is gone; "full" if there is no room for
            its result; else "failed".
        detail: the key of the damaged operand, or why it failed.
    """

    kind: str
    detail: str = ""


@dataclass
class Report:
    """What became of a run.

    Attributes:
        computed: experiments whose results were computed now.
        elsewhere: experiments whose results another process computed meanwhile.
        failed: experiments that failed, with the reason.
        skipped: experiments that need the result of one that failed.
        damaged: what was wrong with results that were set aside.
        stopped: why the run ended before all was tried, if it did.
        not_tried: experiments that were left for that reason.
    """

    computed: list[Experiment] = field(default_factory=list)
    elsewhere: list[Experiment] = field(default_factory=list)
    failed: dict[Experiment, str] = field(default_factory=dict)
    skipped: list[Experiment] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)
    stopped: str | None = None
    not_tried: list[Experiment] = field(default_factory=list)


def missing(experiments: Sequence[Experiment], store: Store) -> list[Experiment]:
    """Return what must be computed to have the records of `experiments`, operands first, each once.

    An operand is needed with all its files, an experiment that is only looked at with its record.
    """
    needed: dict[Experiment, None] = {}
    whole: dict[Experiment, bool] = {}

    def need(experiment: Experiment) -> None:
        for operand in experiment.operands:
            if operand not in whole:
                whole[operand] = store.whole(operand)
                if not whole[operand]:
                    need(operand)
        needed[experiment] = None

    for experiment in experiments:
        if experiment not in needed and not store.has(experiment):
            need(experiment)
    return list(needed)


class Agenda:
    """The experiments of a run: which wait, which can start, which run, and the report of those that have ended.

    Args:
        experiments: the results that are wanted.
        store: where results are; damaged ones are set aside and put on the agenda.
        duration: how long an experiment takes, in any unit: what a long chain depends on goes first.
        stages: sets of the experiments, what is needed of an earlier one before what is needed of a later one alone.

    Raises:
        InputError: if something is to be computed, and the store cannot be written.
    """

    def __init__(
        self,
        experiments: Sequence[Experiment],
        store: Store,
        duration: Duration,
        stages: Sequence[Sequence[Experiment]] = (),
    ) -> None:
        self.store, self.report, self._duration = store, Report(), duration
        self.todo = missing(experiments, store)
        if self.todo:
            store.check_writable()
        self._stages: dict[Experiment, int] = {}
        for number, stage in enumerate(stages):
            for experiment in closure(list(stage)):
                self._stages.setdefault(experiment, number)
        self._rank()
        self._waiting, self._busy = dict.fromkeys(self.todo), dict[Experiment, float]()
        self._open = {experiment.key for experiment in self.todo}
        self._repaired: set[str] = set()
        for experiment in self.todo:
            if problem := store.set_aside(experiment.key):
                self.report.damaged.append(problem)

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to be done."""
        return not self._open

    def take(self, limit: int | None = None) -> list[Experiment]:
        """Return what can be started now, the most urgent first, at most `limit`; it counts as running from now on."""
        ready = [each for each in self._waiting if not any(operand.key in self._open for operand in each.operands)]
        taken = sorted(ready, key=self.priority, reverse=True)[:limit]
        for experiment in taken:
            del self._waiting[experiment]
        return taken

    def priority(self, experiment: Experiment) -> float:
        """Return how urgent an experiment is.

        Within a stage it is how long it takes from the start of the experiment to the end of what needs it.
        """
        return self._priorities[experiment]

    def end(self, experiment: Experiment, outcome: Outcome) -> list[Experiment]:
        """Enter the outcome of an experiment that was running.

        Returns:
            The experiments that are done with: this one unless it must be tried again, and those skipped with it.
        """
        if outcome.kind == "busy":
            self._busy[experiment] = time.monotonic()
            return []
        if outcome.kind == "damaged" and self._repair(experiment, outcome.detail):
            return []
        if outcome.kind in ("computed", "elsewhere"):
            done = self.report.computed if outcome.kind == "computed" else self.report.elsewhere
            done.append(experiment)
            self._open.remove(experiment.key)
            return [experiment]
        over = self._fail(experiment, outcome.detail)
        if outcome.kind == "full":
            self.stop(outcome.detail, [*self._waiting, *self._busy])
        return over

    def stop(self, reason: str, left: Sequence[Experiment] | None = None) -> None:
        """End the run before its end.

        Args:
            reason: why.
            left: what is not tried; all that has not ended, if not given.
        """
        self.report.stopped = reason
        self.report.not_tried += [each for each in self.todo if each.key in self._open] if left is None else left
        self._open -= {experiment.key for experiment in self.report.not_tried}
        self._waiting, self._busy = {}, {}

    def look_again(self) -> list[Experiment]:
        """Return what another process has computed meanwhile; what it has given up will be tried here."""
        there = []
        for experiment, seen in list(self._busy.items()):
            if self.store.whole(experiment):
                self.report.elsewhere.append(experiment)
                self._open.remove(experiment.key)
                there.append(experiment)
                del self._busy[experiment]
            elif time.monotonic() - seen > LOOK_AGAIN:
                self._waiting[experiment] = None
                del self._busy[experiment]
        return there

    def _repair(self, experiment: Experiment, key: str) -> bool:
        """Put an experiment on the agenda again, after what was damaged; not twice for the same result."""
        problem = self.store.set_aside(key)
        if problem and key in self._repaired:
            return False
        if problem:
            self._repaired.add(key)
            self.report.damaged.append(problem)
        again = [each for each in missing([experiment], self.store) if each.key not in self._open]
        self._waiting |= dict.fromkeys([*again, experiment])
        self._open |= {each.key for each in again}
        self.todo += again
        self._rank()
        return True

    def _rank(self) -> None:
        """Find out what is urgent; what is there already is left alone, for nothing need be known of it."""
        todo = set(self.todo)
        chains = priorities([each for each in closure(self.todo) if each in todo], self._duration)
        apart = 1 + max(chains.values(), default=0)  # no chain of a later stage is longer
        last = len(self._stages)
        self._priorities = {each: chain - apart * self._stages.get(each, last) for each, chain in chains.items()}

    def _fail(self, experiment: Experiment, reason: str) -> list[Experiment]:
        self.report.failed[experiment] = reason
        failed, over = {experiment.key}, [experiment]
        for each in closure(list(self._waiting)):  # operands first, so that whole chains are found
            if each in self._waiting and any(operand.key in failed for operand in each.operands):
                failed.add(each.key)
                over.append(each)
                self.report.skipped.append(each)
                del self._waiting[each]
        self._open -= failed
        return over
