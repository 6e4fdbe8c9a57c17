"""What findings are tested by: comparisons of curves, one number per seed, positive where the finding holds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
import pandas as pd

from srnet.study.catalogue import FIGURES

ID, OOD = "ID", "OOD"
KEPT = 0.95  # share of the full model's score that counts as kept
NEAR = 2.0  # points within which two scores count as comparable
UNBIASED = 0.9  # share of the gap between ID and OOD whose closing counts as almost unbiased
STALLED = 1.0  # points of ID score between two checkpoints below which fine-tuning counts as about to end

# Shares of fine-tuning after which a search can start; both ends belong to it.
STARTS: Mapping[str, tuple[float, float]] = {
    "in the raw model": (0.0, 0.0),
    "in the first half of fine-tuning": (1e-9, 0.5 - 1e-9),
    "in the second half of fine-tuning": (0.5, 1 - 1e-9),
    "at the end of fine-tuning": (1.0, 1.0),
}
RAW, EARLY, LATE, END = STARTS

Results = Mapping[str, pd.DataFrame]
"""Tables (`srnet.study.choice.Study.table`) of one task by name of the figure."""


class UntestableError(Exception):
    """The tables lack the runs that a claim is about."""


@dataclass(frozen=True)
class Effect:
    """What tables say of a claim.

    Attributes:
        values: by seed (rows), the tested quantity minus what it has to exceed: in column "score" as measured, in the
            others, if there are any, in resampled test sets (`srnet.claims.bootstrap`).
        numbers: the figures behind it, in words.
    """

    values: pd.DataFrame
    numbers: str

    @property
    def size(self) -> pd.Series:
        """The effect as measured, by seed."""
        return self.values["score"]

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the mean over seeds under resampling of the examples; None without it."""
        drawn = self.values.drop(columns="score").mean()
        return (float(drawn.quantile(0.025)), float(drawn.quantile(0.975))) if len(drawn) else None


@dataclass(frozen=True)
class Line:
    """Points of a curve.

    Attributes:
        figures: names of the figures that the curve is in; of a task, one has it.
        curve: its name.
        sparsities: the points, whose mean is taken.
        start: a key of `STARTS`; empty where the figure is not about when a search starts.
        plm: name of the pre-trained model; empty where the figure has but one.
    """

    figures: tuple[str, ...]
    curve: str
    sparsities: tuple[float, ...] = (0.0,)
    start: str = ""
    plm: str = ""

    def at(self, *sparsities: float) -> "Line":
        """Return the curve at other points."""
        return replace(self, sparsities=sparsities)

    def started(self, start: str) -> "Line":
        """Return the curve of searches that start at another time, a key of `STARTS`."""
        return replace(self, start=start)

    @property
    def place(self) -> str:
        """What the paper calls the figures."""
        return " or ".join(FIGURES[name].label for name in self.figures)

    def __str__(self) -> str:
        plm = f" of {self.plm}" if self.plm else ""
        sparsities = f" at {_percentages(self.sparsities)}" if any(self.sparsities) else ""
        started = (" started " if any(self.sparsities) else " ") + self.start if self.start else ""
        return f"{self.curve}{plm}{sparsities}{started}"

    def rows(self, results: Results, split: str) -> pd.DataFrame:
        """Return the headline scores at the line's points.

        Raises:
            UntestableError: if a point is missing.
        """
        table = next((results[name] for name in self.figures if name in results), None)
        if table is None:
            raise UntestableError(f"no results of {self.place}")
        rows = table[(table.split == split) & (table.curve == self.curve)]
        if self.plm:
            rows = rows[rows.plm == self.plm]
        if self.start:
            rows = rows[rows.start.between(*STARTS[self.start])]
        lacking = [sparsity for sparsity in self.sparsities if sparsity not in set(rows.sparsity)]
        if lacking:
            raise UntestableError(f"no {split} score of {replace(self, sparsities=tuple(lacking))} in {self.place}")
        return rows[rows.sparsity.isin(self.sparsities)]

    def scores(self, results: Results, split: str) -> pd.DataFrame:
        """Return the mean over points and data sets in % by seed (rows), as measured and in resampled test sets.

        Seeds that lack one of the points are left out.

        Raises:
            UntestableError: if no seed has them all.
        """
        rows = self.rows(results, split)
        points = rows[["dataset", "sparsity", "start"]].drop_duplicates()
        complete = rows.groupby("seed").filter(lambda of_seed: len(of_seed) == len(points))
        if complete.empty:
            raise UntestableError(f"no seed has all of {self} in {self.place}")
        return 100 * complete.groupby("seed")[["score", *drawn(rows)]].mean()


@dataclass(frozen=True)
class Measure:
    """A comparison that stands for a finding.

    Attributes:
        says: what is compared, in words.
        lines: the curves that are needed; the first is in the figure that the finding is about.
        effect: gives the effect for one task; raises `UntestableError` where its results lack what it needs.
        unit: of the effect.
    """

    says: str
    lines: tuple[Line, ...]
    effect: Callable[[Results], Effect]
    unit: str = "points"


def exceeds(line: Line, than: Line, split: str) -> Measure:
    """Test whether `line` is above `than`."""
    says = f"the {split} score of {{0}} is above that of {{1}}"
    return _measure(says, [(line, split), (than, split)], lambda value, base: value - base)


def falls_short(line: Line, of: Line, split: str) -> Measure:
    """Test whether `line` is below another."""
    says = f"the {split} score of {{0}} is below that of {{1}}"
    return _measure(says, [(line, split), (of, split)], lambda value, base: base - value)


def reaches(line: Line, other: Line, split: str) -> Measure:
    """Test whether `line` is above `other`, or comparable with it."""
    says = f"the {split} score of {{0}} is no more than {NEAR:g} points below that of {{1}}"
    return _measure(says, [(line, split), (other, split)], lambda value, base: value - base + NEAR)


def comparable(line: Line, other: Line, split: str) -> Measure:
    """Test whether two lines are near each other."""
    says = f"the {split} scores of {{0}} and {{1}} are within {NEAR:g} points of each other"
    return _measure(says, [(line, split), (other, split)], lambda value, base: NEAR - (value - base).abs())


def keeps(line: Line, full: Line) -> Measure:
    """Test whether `line` keeps the ID score of a full model."""
    says = f"the ID score of {{0}} is above {100 * KEPT:g} % of that of {{1}}"
    return _measure(says, [(line, ID), (full, ID)], lambda value, base: value - KEPT * base)


def unbiased(line: Line, full: Line) -> Measure:
    """Test whether `line` closes most of the gap between a full model's scores in and out of distribution."""
    says = f"the OOD score of {{0}} closes {100 * UNBIASED:g} % of the gap between the OOD and the ID score of {{1}}"
    terms = [(line, OOD), (full, OOD), (full, ID)]
    return _measure(says, terms, lambda value, ood, id_: value - ood - UNBIASED * (id_ - ood))


def robust(line: Line, full: Line) -> Measure:
    """Test whether `line` is a sparse and robust subnetwork: above the full model OOD, its ID score kept."""
    return both(exceeds(line, full, OOD), keeps(line, full))


def both(*measures: Measure) -> Measure:
    """Test several comparisons at once; the effect is the smallest of theirs."""

    def effect(results: Results) -> Effect:
        effects = [measure.effect(results) for measure in measures]
        values = _in_common([each.values for each in effects])
        return Effect(reduce(np.minimum, values), "; ".join(each.numbers for each in effects))

    lines = tuple(dict.fromkeys(line for measure in measures for line in measure.lines))
    return Measure(", and ".join(measure.says for measure in measures), lines, effect)


def stops_early(mask: Line, full: Line) -> Measure:
    """Test whether a search that starts when the full model's ID score stalls is as good as from the best start.

    Args:
        mask: subnetworks by start of the search.
        full: the full model by share of its fine-tuning.
    """

    def effect(results: Results) -> Effect:
        starts, scores = stalls(results, full), by_start(mask.rows(results, OOD))
        seeds = [seed for seed in starts.index if (seed, starts[seed]) in scores.index]
        if not seeds:
            raise UntestableError(f"no search of {mask} in {mask.place} starts where fine-tuning stalls")
        chosen = pd.DataFrame({seed: scores.loc[(seed, starts[seed])] for seed in seeds}).T
        best = scores.groupby("seed").max().loc[seeds]
        names = f"OOD {chosen.score.mean():.1f} at the start that the rule gives, {best.score.mean():.1f} at the best"
        return Effect(chosen - best + NEAR, names)

    says = f"the OOD score of {mask} is no more than {NEAR:g} points below that of the best start where it {_RULE}"
    return Measure(says, (mask, full), effect)


def saves(full: Line) -> Measure:
    """Test whether the ID score of the full model stalls before the end of fine-tuning."""

    def effect(results: Results) -> Effect:
        starts = stalls(results, full)
        saved = pd.DataFrame({"score": 100 * (1 - starts)})
        return Effect(saved, f"the search starts after {100 * starts.mean():.0f} % of fine-tuning")

    return Measure(f"a search that {_RULE} starts before the end", (full,), effect, "% of fine-tuning")


_RULE = f"starts at the first checkpoint whose ID score is less than {STALLED:g} point above that of the one before"


def drawn(table: pd.DataFrame) -> list[int]:
    """Return the columns of a table that hold scores in resampled test sets."""
    return [column for column in table.columns if isinstance(column, int)]


def _measure(says: str, terms: Sequence[tuple[Line, str]], size: Callable[..., pd.DataFrame]) -> Measure:
    """Return a comparison of the scores of lines, each on a split; `says` has a place for each."""
    lines = tuple(dict.fromkeys(line for line, _ in terms))
    several = len({line.figures for line in lines}) > 1
    names = [f"{line} ({line.place})" if several else str(line) for line, _ in terms]

    def effect(results: Results) -> Effect:
        values = _in_common([line.scores(results, split) for line, split in terms])
        means = [f"{split} {value.score.mean():.1f}" for (_, split), value in zip(terms, values, strict=True)]
        numbers = "; ".join(f"{name}: {mean}" for name, mean in zip(names, means, strict=True))
        return Effect(size(*values), numbers)

    return Measure(says.format(*names), lines, effect)


def _in_common(values: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """Return the seeds and the resampled test sets that all have."""
    seeds = reduce(pd.Index.intersection, (value.index for value in values))
    columns = [column for column in values[0].columns if all(column in value for value in values)]
    if seeds.empty:
        raise UntestableError("no seed has all the runs that are compared")
    return [value.loc[seeds, columns] for value in values]


def by_start(rows: pd.DataFrame) -> pd.DataFrame:
    """Return scores in %, the mean over data sets, by seed and start: in "score", and in resampled test sets."""
    return 100 * rows.groupby(["seed", "start"])[["score", *drawn(rows)]].mean()


def stalls(results: Results, full: Line) -> pd.Series:
    """Return the share of fine-tuning after which the full model's ID score stalls, by seed; 1 if it does not.

    It stalls at the first checkpoint whose score is less than `STALLED` points above that of the one before.

    Args:
        results: those of a figure about when a search starts.
        full: the full model by share of its fine-tuning.

    Raises:
        UntestableError: a seed has no two checkpoints.
    """
    scores = by_start(full.rows(results, ID)).score
    found = {}
    for seed, of_seed in scores.groupby("seed"):
        gains = of_seed.droplevel("seed").sort_index().diff().dropna()
        if gains.empty:
            raise UntestableError(f"no checkpoints of {full} in {full.place}")
        found[seed] = next((float(start) for start, gain in gains.items() if gain < STALLED), 1.0)
    return pd.Series(found, name="start")


def _percentages(shares: Sequence[float]) -> str:
    *first, last = [f"{100 * share:g}" for share in shares]
    return f"{', '.join(first)} and {last} %" if first else f"{last} %"
