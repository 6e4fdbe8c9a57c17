"""What findings are tested by: comparisons of curves, whose margins are positive where the finding holds.

A comparison has a margin in each cell, which is a level (of sparsity, of training) on a data set. A finding has to hold
in each of them, so its margin is the smallest; where the paper says "most" or "in general" it is the share of cells, or
their mean. Each margin is had as measured and once for each draw of seeds and examples (`srnet.claims.bootstrap`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from srnet.claims.bootstrap import drawn, interval, seed_weights
from srnet.data.tasks import DATASETS
from srnet.paper import KEPT
from srnet.pruning.mask_training import WINDOW
from srnet.study.catalogue import FIGURES

ID, OOD = "ID", "OOD"
# Where the paper gives words, not numbers (it does for what counts as kept), these stand for them.
NEAR = 2.0  # points within which two scores count as comparable; "clearly" and "obviously" are more than that
FOR_SPREAD = 3  # seeds: of two, half of all draws have one seed alone, and no spread
MANY = 8  # scores that are not listed one by one
STEADIER = 2  # times smaller is a spread over seeds that counts as low beside a high one
EACH, EARLY, LAST, SPREAD = "", "over the first half of training", "at the end of training", "spread of"
PLMS = ("RoBERTa-base", "BERT-large")  # in their order in Table 6; the pocket has others in their places

Scores = NDArray[np.float64]
Results = Mapping[str, pd.DataFrame]
"""Tables (`srnet.study.choice.Study.table`) of one task by name of the figure."""


class UntestableError(Exception):
    """The tables lack the runs that a claim is about."""


@dataclass(frozen=True)
class Line:
    """Points of a curve.

    Attributes:
        figure: name of the figure that the curve is in.
        curve: its name; empty where `start` tells it.
        levels: the points on `axis`; all that there are, if empty.
        where: `ID`, `OOD` or names of data sets.
        axis: the column that tells the points apart.
        taken: the mean over seeds of each score (`EACH`); of its mean over the first half of the evaluations of mask
            training (`EARLY`), or of the last one (`LAST`); or the standard deviation over seeds (`SPREAD`).
        start: least and greatest share of fine-tuning after which the search starts, if that is asked.
        plm: which of `PLMS`, in a figure that has several.
    """

    figure: str
    curve: str = ""
    levels: tuple[float, ...] = (0.0,)
    where: tuple[str, ...] = (ID, OOD)
    axis: str = "sparsity"
    taken: str = EACH
    start: tuple[float, float] | None = None
    plm: str = ""

    def at(self, *levels: float) -> "Line":
        """Return the curve at other points."""
        return replace(self, levels=levels)

    def on(self, where: Sequence[str]) -> "Line":
        """Return the curve on other data sets."""
        return replace(self, where=tuple(where))

    @property
    def place(self) -> str:
        """What the paper calls the figure."""
        return FIGURES[self.figure].label

    def __str__(self) -> str:
        words = [self.taken if self.taken == SPREAD else "", self.curve or "searches"]
        words += [f"of {self.plm}"] if self.plm else []
        if self.start:
            low, high = self.start
            words += [f"started after {100 * low:.0f} to {100 * high:.0f} % of fine-tuning"]
        words += [f"at {percentages(self.levels)}"] if any(self.levels) else []
        words += ["" if self.taken == SPREAD else self.taken]
        return " ".join(word for word in words if word)

    def rows(self, results: Results) -> pd.DataFrame:
        """Return the headline scores at the line's points, in %.

        Returns:
            Indexed by seed, level, split and data set: column "score" as measured, and a column for each resampled
            test set.

        Raises:
            UntestableError: if a point is missing.
        """
        if self.figure not in results:
            raise UntestableError(f"no results of {self.place}")
        table = results[self.figure]
        wanted = table.split.isin(self.where) | table.dataset.isin(self.where)
        if self.curve:
            wanted &= table.curve == self.curve
        if self.start:
            wanted &= table.start.between(*self.start)
        if self.plm:
            wanted &= table.plm == dict(zip(PLMS, table.plm.unique(), strict=False)).get(self.plm)
        if self.axis in table and self.levels:
            wanted &= table[self.axis].isin(self.levels)
        rows = table[wanted]
        found = set(rows[self.axis]) if self.axis in rows else set()
        lacking = [level for level in self.levels if level not in found]
        if lacking or not found:
            raise UntestableError(f"no score of {replace(self, levels=tuple(lacking))} in {self.place}")
        index = ["seed", self.axis, "split", "dataset"]
        if self.taken in (EARLY, LAST):
            rows = _of_training(rows, index, self.taken)
        return 100 * rows.set_index(index)[["score", *drawn(rows)]].sort_index()


@dataclass(frozen=True)
class Effect:
    """What tables say of a claim.

    Attributes:
        margins: what the tested quantity exceeds by what it has to: as measured, then in each draw, float [1 + B].
        seeds: number of seeds that it is the mean of.
        numbers: the figures behind it, in words.
    """

    margins: Scores
    seeds: int
    numbers: str

    @property
    def margin(self) -> float:
        """The margin as measured."""
        return float(self.margins[0])

    @property
    def interval(self) -> tuple[float, float] | None:
        """The 95 % interval of the margin (`srnet.claims.bootstrap.interval`); None of one seed without its logits."""
        return interval(self.margins) if len(self.margins) > 1 else None


class Sample:
    """The scores at some lines' points, as measured and in each draw of seeds and examples.

    Seeds that lack one of the points are left out. Where a line has records alone, only seeds are drawn.

    Args:
        lines: which.
        results: tables of one task.

    Raises:
        UntestableError: if a point is missing, or no seed has them all.
    """

    def __init__(self, lines: Sequence[Line], results: Results) -> None:
        rows = {line: line.rows(results) for line in lines}
        open_axes = {line.axis for line in lines if not line.levels}
        for axis in open_axes:  # at whatever levels there are, if all have them
            of_axis = [line for line in lines if line.axis == axis and not line.levels]
            common = set.intersection(*(set(rows[line].index.unique(axis)) for line in of_axis))
            for line in of_axis:
                rows[line] = rows[line][rows[line].index.isin(common, level=axis)]
        complete = [_complete(of_line) for of_line in rows.values()]
        self.seeds = sorted(set.intersection(*complete))
        if not self.seeds:
            raise UntestableError("no seed has all the runs that are compared")
        draws = set.intersection(*(set(drawn(of_line)) for of_line in rows.values()))
        self._rows = {
            line: of_line.loc[self.seeds, ["score", *sorted(draws)]].sort_index() for line, of_line in rows.items()
        }
        self._weights = seed_weights(len(self.seeds), len(draws))

    def __call__(self, line: Line) -> Scores:
        """Return scores in %, float [levels, data sets, 1 + B]."""
        rows = self._rows[line]
        datasets = len(rows.index.unique("dataset"))
        values = rows.to_numpy().reshape(len(self.seeds), -1, datasets, rows.shape[1])
        weights = self._weights[:, None, None, :]
        mean = (weights * values).sum(axis=0)
        if line.taken != SPREAD:
            return np.asarray(mean)
        if len(self.seeds) < FOR_SPREAD:
            raise UntestableError(f"a spread needs {FOR_SPREAD} seeds, and {len(self.seeds)} are there")
        freedom = 1 - 1 / len(self.seeds)
        return np.asarray(np.sqrt((weights * (values - mean) ** 2).sum(axis=0) / freedom))

    def words(self, line: Line) -> str:
        """Return the scores as measured, in words."""
        datasets = self._rows[line].index.droplevel(["seed", line.axis]).unique().get_level_values("dataset")
        scores = self(line)[..., 0]
        each = (f"{DATASETS[name]} {_listed(scores[:, place])}" for place, name in enumerate(datasets))
        return f"{line}: {', '.join(each)}"


@dataclass(frozen=True)
class Measure:
    """A comparison that stands for a finding.

    Attributes:
        says: what is compared, in words.
        lines: the curves that are needed.
        margins: gives the margins in each cell, float [cells, 1 + B], of a sample.
        unit: of the margins.
    """

    says: str
    lines: tuple[Line, ...]
    margins: Callable[[Sample], Scores]
    unit: str = "points"

    def effect(self, results: Results) -> Effect:
        """Return the smallest margin for one task.

        Raises:
            UntestableError: if its results lack what is compared.
        """
        sample = Sample(self.lines, results)
        margins = self.margins(sample).min(axis=0)
        return Effect(margins, len(sample.seeds), "; ".join(map(sample.words, self.lines)))


def exceeds(line: Line, than: Line, where: Sequence[str], by: float = 0.0) -> Measure:
    """Test whether `line` is above `than`, by more than `by` points."""
    says = f"{{0}} is above {{1}} ({_words(where)})" + (f" by more than {by:g} points" if by else "")
    return _pair(says, line, than, where, lambda value, base: value - base - by)


def clearly_exceeds(line: Line, than: Line, where: Sequence[str]) -> Measure:
    """Test whether `line` is above `than` by more than what counts as comparable."""
    return exceeds(line, than, where, NEAR)


def reaches(line: Line, other: Line, where: Sequence[str]) -> Measure:
    """Test whether `line` is above `other`, or comparable with it."""
    says = f"{{0}} is no more than {NEAR:g} points below {{1}} ({_words(where)})"
    return _pair(says, line, other, where, lambda value, base: value - base + NEAR)


def comparable(line: Line, other: Line, where: Sequence[str]) -> Measure:
    """Test whether two lines are near each other."""
    says = f"{{0}} and {{1}} are within {NEAR:g} points of each other ({_words(where)})"
    return _pair(says, line, other, where, lambda value, base: NEAR - np.abs(value - base))


def slightly_below(line: Line, other: Line, where: Sequence[str]) -> Measure:
    """Test whether `line` is below another, and comparable with it."""
    says = f"{{0}} is below {{1}} by no more than {NEAR:g} points ({_words(where)})"
    return _pair(says, line, other, where, lambda value, base: np.minimum(base - value, value - base + NEAR))


def keeps(line: Line, full: Line) -> Measure:
    """Test whether `line` keeps the ID score of a full model."""
    says = f"{{0}} is above {100 * KEPT:g} % of {{1}} (ID)"
    return _pair(says, line, full, (ID,), lambda value, base: value - KEPT * base)


def robust(line: Line, full: Line) -> Measure:
    """Test whether `line` is a sparse and robust subnetwork: above the full model OOD, its ID score kept."""
    return both(exceeds(line, full, (OOD,)), keeps(line, full))


def at_least(line: Line, score: float, where: Sequence[str]) -> Measure:
    """Test whether `line` is above a score in %."""
    line = line.on(where)
    return Measure(f"{line} is above {score:g} % ({_words(where)})", (line,), lambda of: _cells(of(line) - score))


def drops(line: Line) -> Measure:
    """Test whether the full model `line` is far worse out of distribution than in distribution."""
    inside, outside = line.on((ID,)), line.on((OOD,))
    says = f"the OOD scores of {line} are more than {NEAR:g} points below its ID score"
    return Measure(says, (inside, outside), lambda of: _cells(of(inside) - of(outside) - NEAR))


def declines(line: Line, where: Sequence[str]) -> Measure:
    """Test whether `line` falls by more than `NEAR` points from the first of its two levels to the second."""
    line = line.on(where)
    says = f"{line.curve} falls by more than {NEAR:g} points from {percentages(line.levels, ' to ')} ({_words(where)})"
    return Measure(says, (line,), lambda of: _cells(of(line)[:1] - of(line)[1:] - NEAR))


def jumps(line: Line) -> Measure:
    """Test whether `line` rises on an OOD set where it falls in distribution, between its two levels."""
    inside, outside = line.on((ID,)), line.on((OOD,))

    def margins(of: Sample) -> Scores:
        rise = (of(outside)[1] - of(outside)[0]).max(axis=0)
        fall = (of(inside)[0] - of(inside)[1]).max(axis=0)
        return np.stack([rise, fall]) - NEAR

    change = f"from {percentages(line.levels, ' to ')}"
    says = f"{line.curve} rises by more than {NEAR:g} points on an OOD set {change} and falls as far in distribution"
    return Measure(says, (inside, outside), margins)


def narrows(line: Line, full: Line, where: Sequence[str]) -> Measure:
    """Test whether the gap between a model's ID and OOD scores is far smaller than the full model's."""
    inside, outside = (line.on((ID,)), full.on((ID,))), (line.on(where), full.on(where))

    def margins(of: Sample) -> Scores:
        gap, full_gap = (of(id_) - of(ood) for id_, ood in zip(inside, outside, strict=True))
        return _cells(full_gap - gap - NEAR)

    says = f"the gap from ID to {_words(where)} is more than {NEAR:g} points smaller in {line} than in {full}"
    return Measure(says, (*inside, *outside), margins)


def steadier(line: Line, than: Line, where: Sequence[str]) -> Measure:
    """Test whether scores vary far less over seeds in `line` than in `than`."""
    says = f"{STEADIER} times the {{0}} is below the {{1}} ({_words(where)})"
    line, than = (replace(each, taken=SPREAD) for each in (line, than))
    return _pair(says, line, than, where, lambda value, base: base - STEADIER * value)


def rises(line: Line, where: Sequence[str]) -> Measure:
    """Test whether `line` is higher at the last of its levels than at the first."""
    line = line.on(where)

    def margins(of: Sample) -> Scores:
        _two_levels(of(line), line)
        return _cells(of(line)[-1:] - of(line)[:1])

    says = f"{line} is higher after the most epochs than after the fewest ({_words(where)})"
    return Measure(says, (line,), margins)


def cheaper(line: Line, than: Line, where: Sequence[str]) -> Measure:
    """Test whether `line` is above `than` where `than` is a level further."""

    def margins(value: Scores, base: Scores) -> Scores:
        _two_levels(value, line)
        return value[:-1] - base[1:]

    says = f"{{0}} is above {{1}} of the next greater number of epochs ({_words(where)})"
    return _pair(says, line, than, where, margins)


def wider_at(level: float, line: Line, than: Line) -> Measure:
    """Test whether the mean lead of `line` is larger at one level than at the others."""
    place = line.levels.index(level)

    def margins(value: Scores, base: Scores) -> Scores:
        lead = (value - base).mean(axis=1)
        return lead[place] - np.delete(lead, place, axis=0)

    others = percentages([each for each in line.levels if each != level])
    says = f"the mean lead of {line.curve} over {than.curve} is larger at {100 * level:g} % than at {others}"
    return _pair(says, line, than, (ID, OOD), margins)


def larger_on(dataset: str, other: str, line: Line, than: Line) -> Measure:
    """Test whether the lead of `line` is larger on one data set than on another."""
    lines = tuple(each.on((name,)) for name in (dataset, other) for each in (line, than))

    def margins(of: Sample) -> Scores:
        here, base_here, there, base_there = map(of, lines)
        return _cells((here - base_here) - (there - base_there))

    says = f"the lead of {line} over {than} is larger on {DATASETS[dataset]} than on {DATASETS[other]}"
    return Measure(says, lines, margins)


def peaks_early(line: Line) -> Measure:
    """Test whether the ID score is best before masks become candidates, and the OOD scores rise from there to the end.

    Args:
        line: scores during mask training, at all of its evaluations.
    """
    inside, outside = line.on((ID,)), line.on((OOD,))

    def margins(of: Sample) -> Scores:
        id_, ood = of(inside)[:, 0], of(outside)
        window = int(WINDOW * len(id_))
        if window == 0:
            raise UntestableError(f"{line.place} has but one evaluation")
        peak = id_[:window].argmax(axis=0)
        at_peak = np.take_along_axis(ood, peak[None, None], axis=0)[0]
        return np.concatenate([(id_[:window].max(axis=0) - id_[window:].max(axis=0))[None], ood[-1] - at_peak])

    says = f"in {line.curve}, ID scores are best before {WINDOW:g} of the steps; from there to the end OOD scores rise"
    return Measure(says, (inside, outside), margins)


def some_reach(line: Line, other: Line, where: Sequence[str]) -> Measure:
    """Test whether `line` reaches another at one of its levels at least, on all data sets."""
    every = reaches(line, other, where)
    value, base = every.lines

    def margins(of: Sample) -> Scores:
        return np.asarray((of(value) - of(base) + NEAR).min(axis=1).max(axis=0, keepdims=True))

    return Measure(f"of {line}, one is no more than {NEAR:g} points below {other}", every.lines, margins)


def best_of(lines: Sequence[Line], than: Line, where: Sequence[str]) -> Measure:
    """Test whether, on each data set, the best of several lines is above another."""
    those, base = tuple(line.on(where) for line in lines), than.on(where)

    def margins(of: Sample) -> Scores:
        return _cells(np.max([of(line) for line in those], axis=0) - of(base))

    names = ", ".join(line.curve for line in lines)
    return Measure(f"the best of {names} is above {than} ({_words(where)})", (*those, base), margins)


def both(*measures: Measure) -> Measure:
    """Test several comparisons at once."""
    says = "; and ".join(measure.says for measure in measures)
    return _joined(says, measures, lambda of: np.concatenate([measure.margins(of) for measure in measures]))


def either(*measures: Measure) -> Measure:
    """Test whether one of several comparisons holds."""

    def margins(of: Sample) -> Scores:
        return np.asarray(np.max([measure.margins(of).min(axis=0) for measure in measures], axis=0)[None])

    return _joined("; or ".join(measure.says for measure in measures), measures, margins)


def never(measure: Measure) -> Measure:
    """Test whether a comparison does not hold."""
    says = f"not so: {measure.says}"
    return _joined(says, [measure], lambda of: -measure.margins(of).min(axis=0, keepdims=True))


def mostly(measure: Measure, share: float = 0.5) -> Measure:
    """Test whether a comparison holds in more than a share of the cells."""

    def margins(of: Sample) -> Scores:
        return np.asarray(100 * ((measure.margins(of) > 0).mean(axis=0, keepdims=True) - share))

    return replace(_joined(f"in more than {100 * share:g} % of cases: {measure.says}", [measure], margins), unit=CELLS)


def on_average(measure: Measure) -> Measure:
    """Test whether a comparison holds on the mean over cells."""
    says = f"on the mean: {measure.says}"
    return _joined(says, [measure], lambda of: measure.margins(of).mean(axis=0, keepdims=True))


CELLS = "% of cases"


def _pair(
    says: str, line: Line, than: Line, where: Sequence[str], margins: Callable[[Scores, Scores], Scores]
) -> Measure:
    """Return a comparison of two lines on the same data sets; `says` has a place for each."""
    one, two = line.on(where), than.on(where)
    names = [f"{each} ({each.place})" if one.figure != two.figure else str(each) for each in (one, two)]
    return Measure(says.format(*names), (one, two), lambda of: _cells(margins(of(one), of(two))))


def _joined(says: str, measures: Sequence[Measure], margins: Callable[[Sample], Scores]) -> Measure:
    lines = tuple(dict.fromkeys(line for measure in measures for line in measure.lines))
    return Measure(says, lines, margins, measures[0].unit)


def _cells(margins: Scores) -> Scores:
    return margins.reshape(-1, margins.shape[-1])


def _two_levels(values: Scores, line: Line) -> None:
    if len(values) < 2:
        raise UntestableError(f"{line.place} has but one length of training")


def _of_training(rows: pd.DataFrame, index: list[str], taken: str) -> pd.DataFrame:
    """Return what is taken of each run's evaluations during training: one row for each."""
    ordered, columns = rows.sort_values("step"), ["score", *drawn(rows)]
    if taken == LAST:
        return ordered.groupby(index, as_index=False)[columns].last()
    place, length = ordered.groupby(index).cumcount(), ordered.groupby(index).score.transform("size")
    return ordered[place < (length + 1) // 2].groupby(index, as_index=False)[columns].mean()


def _complete(rows: pd.DataFrame) -> set[int]:
    """Return the seeds that have all points."""
    points = rows.index.droplevel("seed").nunique()
    sizes = rows.groupby(level="seed").size()
    return set(sizes[sizes == points].index)


def _words(where: Sequence[str]) -> str:
    return ", ".join(DATASETS.get(name, name) for name in where)


def _listed(values: Scores) -> str:
    if len(values) > MANY:
        return f"{values[0]:.1f} at first, at best {values.max():.1f}, {values[-1]:.1f} in the end"
    return "/".join(f"{value:.1f}" for value in values)


def percentages(shares: Sequence[float], last: str = " and ") -> str:
    """Return shares as text, such as "20, 50 and 70 %"."""
    texts = [f"{100 * share:g}" for share in shares]
    return last.join(part for part in (", ".join(texts[:-1]), texts[-1]) if part) + " %"
