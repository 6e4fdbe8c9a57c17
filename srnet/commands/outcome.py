"""What is said at the end of a run."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

import typer

from srnet.agenda import Report
from srnet.commands.printing import say
from srnet.experiments import Experiment
from srnet.store import Store

NAMED = 10  # of the experiments that were skipped; `srnet status` lists all


def tell(report: Report, kept: Store) -> None:
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
        _name([each for each, why in report.failed.items() if why == reason], kept)
    if report.skipped:
        say(f"\n{len(report.skipped):,} skipped, because they need what failed", style="red")
        _name(report.skipped, kept, NAMED)
    if report.stopped:
        say(f"\nThe run stopped: {report.stopped}; {len(report.not_tried):,} experiments not tried", style="red")
    traces = "The files named hold whole tracebacks. " if report.failed else ""
    say(f"\n{traces}To try again:\n  {shlex.join(_typed())}")
    raise typer.Exit(1)


def _name(experiments: Sequence[Experiment], kept: Store, most: int | None = None) -> None:
    for experiment in experiments[:most]:
        recorded = kept.failure_file(experiment.key)
        say(f"  {experiment.title} ({recorded if recorded.exists() else experiment.key})")
    if most and len(experiments) > most:
        say(f"  and {len(experiments) - most:,} more")


def _typed() -> list[str]:
    """Return the command that was typed."""
    return sys.orig_argv if Path(sys.argv[0]).name == "__main__.py" else sys.argv
