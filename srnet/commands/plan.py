"""The command that says what a part of the study would take."""

import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated

import typer

from srnet.agenda import missing
from srnet.calibration import Speed, speed_for
from srnet.commands.options import Choice, Places, grouped
from srnet.commands.printing import console, say, show, size
from srnet.costs import Cost, Passes, cost, model_size
from srnet.experiments import Experiment, closure
from srnet.inputs import Inputs
from srnet.lengths import is_at_hand
from srnet.machine import places as processes
from srnet.schedule import critical_path, makespan
from srnet.store import Store

MANY = 64  # workers of a cluster, for which the time is told beside that on this machine
SAVED = 2 * 3  # weights and AdamW's two moments; twice, for the last state stays until the next one is whole
# Counted in the scripts of llyx97/sparse-and-robust-PLM, 207 for each of four seeds: runs, optimiser steps, tokens
# processed in training and evaluation, where every pair is padded to 128, and how many of them are real.
RELEASED = (828, 42.2e6, 413e9, 116e9)
PASSES = ("steps", "examples", "tokens", "padding")

Workers = Annotated[
    list[int] | None, typer.Option("--on", min=1, help="Also tell the time on so many workers; may be repeated.")
]
EachOne = Annotated[bool, typer.Option("--experiments", help="Also list what is to be computed, one by one.")]


@grouped
def plan(choice: Choice, places: Places, on: Workers = None, experiments: EachOne = False) -> None:
    """Say what `run` would compute, and what that takes: steps, examples, tokens, hours and disk."""
    study, kept = choice.study(places), places.results()
    figures = {name: study.experiments([name]) for name in choice.figure or study.figures}
    everything = list(dict.fromkeys(each for part in figures.values() for each in part))
    parts = {name: Part.of(wanted, kept) for name, wanted in figures.items()}
    whole = Part.of(everything, kept)
    with console.status("counting tokens and measuring the speed of this machine"):
        estimate = Estimate.of(whole, study.inputs)
    _tell_figures(parts, whole, estimate)
    if whole.todo:
        _tell_time(whole.todo, estimate, {1, processes(study.inputs.device), MANY, *(on or ())})
        _tell_disk(whole.todo, estimate, kept)
    if choice == Choice("paper"):
        _tell_released(whole, estimate)
    if experiments:
        _tell_each(whole.todo, estimate)


@dataclass(frozen=True)
class Estimate:
    """What experiments take on this machine.

    Attributes:
        inputs: where text and models lie.
        costs: of each experiment.
        speed: of one process.
    """

    inputs: Inputs
    costs: Mapping[Experiment, Cost]
    speed: Speed

    @classmethod
    def of(cls, part: "Part", inputs: Inputs) -> "Estimate":
        """Count what experiments cost, and measure how fast this machine is at what is to be done."""
        costs = {each: cost(each, inputs) for each in part.all}
        return cls(inputs, costs, speed_for({each: costs[each] for each in part.todo}, inputs))

    def seconds(self, experiment: Experiment) -> float:
        """Return how long one process takes for an experiment."""
        return self.speed.seconds(self.costs[experiment], model_size(experiment, self.inputs))

    def total(self, experiments: Iterable[Experiment]) -> Cost:
        """Return what experiments cost together."""
        return sum((self.costs[each] for each in experiments), Cost())


@dataclass(frozen=True)
class Part:
    """A part of the study.

    Attributes:
        all: its experiments and what they need, operands first.
        there: how many of them need not be computed; None if that cannot be told, because the text is not at hand.
        todo: what is to be computed, operands first.
    """

    all: list[Experiment]
    there: int | None
    todo: list[Experiment]

    @classmethod
    def of(cls, wanted: Sequence[Experiment], kept: Store) -> "Part":
        """Look up in a store what is wanted."""
        needed = closure(list(wanted))
        if not all(is_at_hand(each.data) for each in needed):
            return cls(needed, None, needed)
        todo = missing(wanted, kept)
        return cls(needed, len(needed) - len(todo), todo)


def _tell_figures(parts: Mapping[str, Part], whole: Part, estimate: Estimate) -> None:
    rows = {**parts, "in all": whole} if len(parts) > 1 else parts
    columns = ["", "experiments", "there", "to do", "1 worker", "disk"]
    show(columns, [_experiments(name, part, estimate) for name, part in rows.items()], right=tuple(columns[1:]))
    if len(parts) > 1:
        say("What several figures need counts in each of them, and once in all.")
    if whole.there is None:
        say("The text is not at hand (--data-dir): sizes are the official ones; what is there cannot be told.")
    if whole.todo:
        total = estimate.total(whole.todo)
        passes = [_passes(name, estimate.total(part.todo)) for name, part in rows.items()]
        passes.append(_passes("in training", replace(total, evaluated=Passes())))
        passes.append(_passes("in evaluation", replace(total, steps=0, trained=Passes())))
        say("")
        show(["to do", *PASSES], passes, right=PASSES)


def _experiments(name: str, part: Part, estimate: Estimate) -> list[str]:
    there = "?" if part.there is None else f"{part.there:,}"
    seconds, disk = sum(map(estimate.seconds, part.todo)), estimate.total(part.todo).disk
    return [name, f"{len(part.all):,}", there, f"{len(part.todo):,}", _time(seconds), size(disk)]


def _passes(name: str, total: Cost) -> list[str]:
    passes = total.passes
    return [name, *map(_count, (total.steps, passes.examples, passes.tokens, passes.padding))]


def _tell_time(todo: list[Experiment], estimate: Estimate, workers: Collection[int]) -> None:
    durations = {each: estimate.seconds(each) for each in todo}
    longest, total = critical_path(todo, durations.__getitem__), sum(durations.values())
    rows = []
    for count in sorted(workers):
        taken, least = makespan(todo, durations.__getitem__, count), max(longest, total / count)
        rows.append([f"{count:,}", _time(taken), _time(least), f"{taken / least:.2f}" if least else ""])
    say("")
    show(["workers", "time", "at least", "ratio"], rows, right=("workers", "time", "at least", "ratio"))
    say(f"A worker is a process like this one, on {estimate.inputs.place}, whose speed has just been measured.")
    say(f"No number of workers takes less than {_time(longest)}: the longest chain of experiments.")


def _tell_disk(todo: list[Experiment], estimate: Estimate, kept: Store) -> None:
    needed, folder = estimate.total(todo).disk, kept.root
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    sizes = [model.bytes for each in todo if (model := model_size(each, estimate.inputs))]
    saved = f", and {size(SAVED * max(sizes))} a worker while they run" if sizes else ""
    say(f"\nDisk: {size(needed)} for the results{saved}; {size(free)} are free in {folder}.")
    if needed > free:
        say("That is not enough.", style="yellow")


def _tell_released(whole: Part, estimate: Estimate) -> None:
    total = estimate.total(whole.all)
    runs = sum(estimate.costs[each].steps > 0 for each in whole.all)
    own = (runs, total.steps, total.passes.processed, total.passes.tokens)
    columns = ["", "trained", "steps", "tokens and padding", "tokens"]
    rows = [["this study", *map(_count, own)], ["the released scripts", *map(_count, RELEASED)]]
    say("")
    show(columns, rows, right=tuple(columns[1:]))
    say("Measured from the authors' released scripts, evaluations included; they pad every pair to 128 tokens.")


def _tell_each(todo: list[Experiment], estimate: Estimate) -> None:
    rows = []
    for each in todo:
        total = estimate.costs[each]
        name, *counts = _passes(each.title, total)
        rows.append([name, each.key, *counts, _time(estimate.seconds(each)), size(total.disk)])
    say("")
    show(["to do", "key", *PASSES, "1 worker", "disk"], rows, right=(*PASSES, "1 worker", "disk"))


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
