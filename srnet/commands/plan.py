"""The command that says what a part of the study would take."""

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from srnet.commands.options import Choice, Places, grouped
from srnet.commands.printing import console, say, show, size

if TYPE_CHECKING:
    from srnet.planning.costs import Cost
    from srnet.planning.estimate import Estimate, Lookup
    from srnet.store.store import Store
    from srnet.study.choice import Study

MANY = 64  # workers of a cluster, for which the time is told beside that on this machine
COSTS = ("steps", "tokens", "1 worker", "disk")

Workers = Annotated[
    list[int] | None, typer.Option("--on", min=1, help="Also tell the time on so many workers; may be repeated.")
]
EachOne = Annotated[bool, typer.Option("--experiments", help="Also list what is to be computed, one by one.")]


@grouped
def plan(choice: Choice, places: Places, on: Workers = None, experiments: EachOne = False) -> None:
    """Say what `run` would compute, and what that takes: steps, tokens, hours and disk."""
    study, store = choice.study(places), places.results()
    whole, estimate = tell(study, choice.figure or study.figures, store, on or ())
    if choice == Choice("paper"):
        # Counted in the scripts of llyx97/sparse-and-robust-PLM, 207 for each of four seeds.
        say("The authors' released scripts: 828 trainings, 42.2 M steps, 116 G tokens (413 G, padded to 128 a pair).")
    if experiments:
        rows = [[each.title, each.key, *_costs(estimate.costs[each])] for each in whole.todo]
        say("")
        show(["to do", "key", *COSTS], rows, right=COSTS)


def tell(study: "Study", figures: Sequence[str], store: "Store", on: Sequence[int] = ()) -> "tuple[Lookup, Estimate]":
    """Say what computing figures would take that the store lacks, on this machine and on so many workers.

    Returns:
        What is to be computed, and what that takes.
    """
    from srnet.executor.work import emulated
    from srnet.machine import places as processes
    from srnet.planning.estimate import Estimate, Lookup

    parts = {name: Lookup.of(study.experiments([name]), store) for name in figures}
    whole = Lookup.of(study.experiments(figures), store)
    with console.status("measuring the speed of this machine"):
        estimate = Estimate.of(whole.todo, study.inputs, store)
    _tell_figures({**parts, "in all": whole} if len(parts) > 1 else parts, estimate)
    if whole.there is None:
        say("The text is not at hand (--data-dir): sizes are the official ones; what is there cannot be told.")
    if whole.todo:
        if problem := emulated(whole.todo, study.inputs):
            say(problem, style="yellow")
        _tell_time(estimate, sorted({1, processes(study.inputs.device), MANY, *on}), study.inputs.place)
        _tell_disk(estimate, store.root)
    return whole, estimate


def _tell_figures(parts: "Mapping[str, Lookup]", estimate: "Estimate") -> None:
    rows = []
    for name, part in parts.items():
        there = "?" if part.there is None else f"{part.there:,}"
        counts = [f"{part.all:,}", there, f"{len(part.todo):,}"]
        rows.append([name, *counts, *_costs(estimate.total(part.todo))])
    columns = ["", "experiments", "there", "to do", *COSTS]
    show(columns, rows, right=tuple(columns[1:]))
    if len(parts) > 1:
        say("What several figures need counts in each of them, and once in all.")


def _tell_time(estimate: "Estimate", workers: list[int], place: str) -> None:
    total = estimate.total()
    say(f"Tokens: {_count(total.trained)} in training, {_count(total.evaluated)} in evaluation.\n")
    rows = [[f"{count:,}", _time(estimate.seconds(count))] for count in workers]
    show(["workers", "time"], rows, right=("workers", "time"))
    say(f"A worker is a process like this one, on {place}, whose speed has just been measured.")
    say(f"No number of workers takes less than {_time(estimate.chain)}: the longest chain of experiments.")


def _tell_disk(estimate: "Estimate", folder: Path) -> None:
    while not folder.exists():
        folder = folder.parent
    needed, free = estimate.total().disk, shutil.disk_usage(folder).free
    saved = f", and {size(estimate.saved)} a worker while they run" if estimate.saved else ""
    say(f"\nDisk: {size(needed)} for the results{saved}; {size(free)} are free in {folder}.")
    if needed > free:
        say("That is not enough.", style="yellow")


def _costs(cost: "Cost") -> list[str]:
    return [_count(cost.steps), _count(cost.tokens), _time(cost.seconds), size(cost.disk)]


def _count(number: float) -> str:
    """Return a number with three digits that matter, such as "42.2 M"."""
    for power, sign in ((12, "T"), (9, "G"), (6, "M")):
        if number >= 0.9995 * 10**power:
            return f"{_three(number / 10**power)} {sign}"
    return f"{number:,.0f}"


def _time(seconds: float) -> str:
    """Return a time with three digits that matter at most, such as "12.3 h"."""
    if seconds < 100:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{_three(seconds / 3600)} h"


def _three(number: float) -> str:
    decimals = 2 if number < 9.995 else 1 if number < 99.95 else 0
    return f"{number:,.{decimals}f}"
