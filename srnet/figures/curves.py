"""Scores as curves: against sparsity, and against the point of fine-tuning at which the search starts."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from srnet.data.tasks import TASKS
from srnet.figures.panels import Panel, lowest, panels, require_scores, spread
from srnet.figures.style import CURVES, GRID, METRICS, canvas, is_full, label_of, legend, style_of


def sparsity_curves(table: pd.DataFrame, source: str) -> Figure:
    """Draw headline scores against sparsity (Figures 2 to 6 and 8), a row of panels for each task: ID, then OOD.

    Lines are means over seeds and shaded bands one standard deviation to either side, cut at 0 and 100 %; a full model,
    which has no sparsity to vary, is a horizontal line. OOD data sets of a task share a scale.

    Args:
        table: a figure's results.
        source: what the results are results of, written into the figure so that it cannot be taken for another's.

    Raises:
        InputError: if a curve has no style, or there is nothing to draw.
    """
    return _curves(table, source, "sparsity", "sparsity (% of weights removed)", level=True)


def start_curves(table: pd.DataFrame, source: str) -> Figure:
    """Draw headline scores against when the search starts (Figure 7), a row of panels for each task: ID, then OOD.

    A subnetwork's point stands where the search for it started: 0 is the pre-trained model, 100 % the fine-tuned one.
    A full model's stands where it was tested. Lines, bands and scales are as in `sparsity_curves`.

    Args:
        table: a figure's results.
        source: what the results are results of.

    Raises:
        InputError: if a curve has no style, or there is nothing to draw.
    """
    return _curves(table, source, "start", "fine-tuning done (%)", level=False)


def _curves(table: pd.DataFrame, source: str, x: str, x_label: str, level: bool) -> Figure:
    require_scores(table)
    for curve in table.curve.unique():
        style_of(curve)
    with canvas(_height(table), source) as figure:
        shown, unused = panels(figure, table, ["curve", x])
        for panel in shown:
            _draw(panel, x, level)
        for axis in lowest(shown):
            axis.set_xlabel(x_label)
        legend(figure, unused)
    return figure


def _height(scores: pd.DataFrame) -> float:
    """Return a figure's height in inches: panels are squarer where there are two in a row."""
    widest = scores.groupby("task").dataset.nunique().max()
    return 0.9 + (2.1 if widest > 2 else 2.5) * scores.task.nunique()


def _draw(panel: Panel, x: str, level: bool) -> None:
    axis, scores = panel.axis, panel.scores
    for curve in CURVES:
        own = scores[scores.curve == curve]
        if own.empty:
            continue
        points = spread(own, [x])
        if level and is_full(curve):
            _level(axis, curve, points)
        else:
            _line(axis, curve, points)
    shares = sorted(scores[~scores.curve.map(is_full)].sparsity.unique())
    ticks = shares if level else [0.0, 0.25, 0.5, 0.75, 1.0]
    axis.set_xticks([100 * tick for tick in ticks], [f"{100 * tick:g}" for tick in ticks])
    axis.set_ylim(*panel.range)
    axis.yaxis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10]))
    axis.grid(axis="y", **GRID)
    axis.set_axisbelow(True)
    if panel.first:
        task = TASKS[scores.task.iloc[0]]
        axis.set_ylabel(f"{task.title}\n{METRICS[task.metric]}")


def _level(axis: Axes, curve: str, points: pd.DataFrame) -> None:
    mean, low, high = points.iloc[0]
    style = style_of(curve)
    axis.axhline(mean, label=label_of(curve), zorder=1.8, **style)
    axis.axhspan(low, high, color=style["color"], alpha=0.08, linewidth=0)


def _line(axis: Axes, curve: str, points: pd.DataFrame) -> None:
    x, style = 100 * points.index.to_numpy(), style_of(curve)
    marker = {"marker": "x", "markersize": 5} if is_full(curve) else {}
    axis.plot(x, points["mean"], label=label_of(curve), clip_on=False, zorder=3, **{**style, **marker})
    if len(points) > 1:
        axis.fill_between(x, points.low, points.high, color=style["color"], alpha=0.13, linewidth=0)
    else:
        axis.vlines(x, points.low, points.high, color=style["color"], linewidth=1)
