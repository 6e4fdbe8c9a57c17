"""Scores as curves: against sparsity, against the length of mask training, and during mask training."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from matplotlib.transforms import ScaledTranslation

from srnet.data.tasks import TASKS
from srnet.figures.panels import Panel, lowest, panels, require_scores, spread
from srnet.figures.style import GREY, GRID, METRICS, SEEDS, SEEDS_OF_FULL, canvas, is_full, label_of, legend, styles
from srnet.study.guessing import guesses

GUESSES: tuple[dict[str, Any], ...] = ({"linestyle": (0, (1, 2.5))}, {"linestyle": (0, (7, 3))})
APART = 1.6  # points between the seeds of one curve and of the next
MARKS = 8  # markers on a curve of many points


def sparsity_curves(table: pd.DataFrame, source: str) -> Figure:
    """Draw headline scores against sparsity (Figures 2 to 6), a row of panels for each task: ID, then OOD.

    Lines are means over seeds, shaded bands one standard deviation to either side, cut at 0 and 100 %, and small points
    single seeds, those of one curve a little beside those of another. A full model, which has no sparsity to vary, is a
    horizontal line, and its seeds are dashes at its right end. Thin grey lines on PAWS are what a guess is expected to
    score (`srnet.study.guessing`). OOD data sets of a task share a scale.

    Args:
        table: a figure's results.
        source: what the results are results of, written into the figure so that it cannot be taken for another's.

    Raises:
        InputError: if a curve has no style, or there is nothing to draw.
    """
    shares = table.assign(sparsity=100 * table.sparsity)
    return _curves(shares, source, "sparsity", "sparsity (% of weights removed)")


def epoch_curves(table: pd.DataFrame, source: str) -> Figure:
    """Draw headline scores against the length of mask training (Figure 8); all else as in `sparsity_curves`.

    Args:
        table: results of the figure "figure-8".
        source: what the results are results of.

    Raises:
        InputError: if a curve has no style, or there is nothing to draw.
    """
    return _curves(table, source, "epochs", "mask training (epochs)")


def step_curves(table: pd.DataFrame, source: str) -> Figure:
    """Draw headline scores during mask training (Figure 7: a curve for each point of fine-tuning where it starts).

    Each task has a row of panels with its own steps and curves. Lines and bands are as in `sparsity_curves`; single
    seeds are points where a line has its markers.

    Args:
        table: results of a figure that is drawn by step (`srnet.study.catalogue.Figure.by_step`).
        source: what the results are results of.

    Raises:
        InputError: if a curve has no style, or there is nothing to draw.
    """
    require_scores(table)
    tasks = list(table.task.unique())
    with canvas(0.3 + 3.0 * len(tasks), source) as figure:
        for part, task in zip(figure.subfigures(len(tasks), 1, squeeze=False)[:, 0], tasks, strict=True):
            own = table[table.task == task]
            for panel in panels(part, own, ["curve", "step"], guesses)[0]:
                _draw(panel, "step", styles(own.curve))
                panel.axis.set_xlabel("steps of mask training")
                panel.axis.set_xlim(left=0)
                panel.axis.xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
            legend(part, rows=2)
    return figure


def _curves(table: pd.DataFrame, source: str, x: str, x_label: str) -> Figure:
    require_scores(table)
    looks = styles(table.curve)
    with canvas(_height(table), source) as figure:
        shown, unused = panels(figure, table, ["curve", x], guesses)
        for panel in shown:
            _draw(panel, x, looks)
            panel.axis.set_xticks(sorted(table[~table.curve.map(is_full)][x].unique()))
        for axis in lowest(shown):
            axis.set_xlabel(x_label)
        legend(figure, unused)
    return figure


def _height(scores: pd.DataFrame) -> float:
    """Return a figure's height in inches: panels are squarer where there are two in a row."""
    widest = scores.groupby("task").dataset.nunique().max()
    return 1.1 + (2.1 if widest > 2 else 2.5) * scores.task.nunique()


def _draw(panel: Panel, x: str, looks: Mapping[str, Mapping[str, Any]]) -> None:
    axis, scores = panel.axis, panel.scores
    there = [curve for curve in looks if (scores.curve == curve).any()]
    full, pruned = list(filter(is_full, there)), [curve for curve in there if not is_full(curve)]
    for curve in there:
        own, style = scores[scores.curve == curve], looks[curve]
        points = spread(own, [x])
        if is_full(curve):
            _level(axis, curve, points, style)
            _seeds(axis, None, own, style, 2 * APART * full.index(curve))
        else:
            every = max(1, len(points) // MARKS)
            _line(axis, curve, points, style, every)
            marked = own[own[x].isin(points.index[::every])]
            _seeds(axis, x, marked, style, APART * (pruned.index(curve) - (len(pruned) - 1) / 2))
    for (name, level), dashes in zip(guesses(scores.dataset.iloc[0]).items(), GUESSES, strict=False):
        axis.axhline(100 * level, label=name, color=GREY, linewidth=0.9, zorder=1.7, **dashes)
    axis.set_ylim(*panel.range)
    axis.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    axis.grid(axis="y", **GRID)
    axis.set_axisbelow(True)
    if panel.first:
        task = TASKS[scores.task.iloc[0]]
        axis.set_ylabel(f"{task.title}\n{METRICS[task.metric]}")


def _level(axis: Axes, curve: str, points: pd.DataFrame, style: Mapping[str, Any]) -> None:
    mean, low, high = points.iloc[0]
    axis.axhline(mean, label=label_of(curve), zorder=1.8, **style)
    axis.axhspan(low, high, color=style["color"], alpha=0.08, linewidth=0)


def _line(axis: Axes, curve: str, points: pd.DataFrame, style: Mapping[str, Any], every: int) -> None:
    x = points.index.to_numpy()
    axis.plot(x, points["mean"], label=label_of(curve), clip_on=False, zorder=3, markevery=every, **style)
    if len(points) > 1:
        axis.fill_between(x, points.low, points.high, color=style["color"], alpha=0.13, linewidth=0)
    else:
        axis.vlines(x, points.low, points.high, color=style["color"], linewidth=1)


def _seeds(axis: Axes, x: str | None, scores: pd.DataFrame, style: Mapping[str, Any], aside: float) -> None:
    """Draw the score of each seed `aside` (points) from its place on `x`; without that, from the panel's right end."""
    shift = ScaledTranslation(aside / 72, 0, axis.figure.dpi_scale_trans)
    if x is None:
        places, looks = [1.0] * len(scores), {**SEEDS_OF_FULL, "transform": axis.get_yaxis_transform() + shift}
    else:
        places, looks = list(scores[x]), {**SEEDS, "transform": axis.transData + shift}
    axis.scatter(places, 100 * scores.score, color=style["color"], **looks)
