"""The commands that compute the study, and that say how far it is."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from srnet.commands.options import Choice, InOrder, Places, Scheduler, SnapshotEvery, Workers, grouped
from srnet.commands.printing import say, show
from srnet.environment import SNAPSHOT_EVERY

if TYPE_CHECKING:
    from srnet.executor.agenda import Report
    from srnet.experiments.expressions import Experiment
    from srnet.store.store import Store

MOST_NAMED = 10  # of the experiments that were skipped; `srnet status` lists all


@grouped
def run(
    choice: Choice,
    places: Places,
    workers: Workers = None,
    scheduler: Scheduler = None,
    snapshot_every: SnapshotEvery = SNAPSHOT_EVERY,
    in_order: InOrder = False,
) -> None:
    """Compute what the store lacks of the study, or of the figures named."""
    store = places.results(snapshot_every)
    report_outcome(choice.study(places).compute(store, choice.figure, workers, scheduler, in_order), store)


@grouped
def status(choice: Choice, places: Places) -> None:
    """List the experiments of the study: done, failed, unfinished and how far, damaged, or missing."""
    from srnet.experiments.graph import closure

    study, states = choice.study(places), States(places.results())
    study.require_text()
    rows = [[each.title, each.key, *states.of(each)] for each in closure(study.experiments(choice.figure))]
    show(["experiment", "key", "state", ""], rows)
    say(f"{sum(row[2] == 'done' for row in rows):,} of {len(rows):,} experiments done")


def report_outcome(report: "Report", store: "Store") -> None:
    """Say what a run computed, and if anything failed: what, why, what was skipped, and how to try it again.

    Raises:
        typer.Exit: with status 1 if anything failed or was not tried.
    """
    elsewhere = f", {len(report.elsewhere):,} by another process" if report.elsewhere else ""
    say(f"{len(report.computed):,} experiments computed{elsewhere}")
    if not (report.failed or report.stopped):
        return
    for reason in dict.fromkeys(report.failed.values()):
        say(f"\nfailed: {reason}", style="red")
        _name([each for each, why in report.failed.items() if why == reason], store)
    if report.skipped:
        say(f"\n{len(report.skipped):,} skipped, because they need what failed", style="red")
        _name(report.skipped, store, MOST_NAMED)
    if report.stopped:
        say(f"\nThe run stopped: {report.stopped}; {len(report.not_tried):,} experiments not tried", style="red")
    traces = "The files named hold whole tracebacks. " if report.failed else ""
    say(f"\n{traces}To try again:\n  {shlex.join(_typed())}")
    raise typer.Exit(1)


class States:
    """What has become of experiments; the folders that tell are read once."""

    def __init__(self, store: "Store") -> None:
        self.store, self.failures = store, store.failures()
        self.unfinished, self.aside = set(store.unfinished()), {folder.name[:20] for folder in store.aside()}

    def of(self, experiment: "Experiment") -> tuple[str, str]:
        """Return the state of an experiment, and more about it."""
        key, store = experiment.key, self.store
        if store.has(experiment):
            return "done", "" if store.whole(experiment) else "record without its files"
        if key in self.failures:
            return "failed", self.failures[key]["failed"]
        if key in self.unfinished:
            return "unfinished", self._how_far(experiment)
        if store.folder(experiment).exists():
            return "damaged", "run computes it anew"
        return "missing", "a damaged result of it is set aside" if key in self.aside else ""

    def _how_far(self, experiment: "Experiment") -> str:
        from srnet.training.snapshots import steps_saved

        done = steps_saved(self.store.root / "unfinished" / experiment.key)
        recipe = getattr(experiment, "recipe", None)
        return f"saved after {done:,} of {recipe.steps:,} steps" if done is not None and recipe else ""


def _name(experiments: Sequence["Experiment"], store: "Store", most: int | None = None) -> None:
    for experiment in experiments[:most]:
        recorded = store.failure_file(experiment.key)
        say(f"  {experiment.title} ({recorded if recorded.exists() else experiment.key})")
    if most and len(experiments) > most:
        say(f"  and {len(experiments) - most:,} more")


def _typed() -> list[str]:
    """Return the command that was typed."""
    return sys.orig_argv if Path(sys.argv[0]).name == "__main__.py" else sys.argv
