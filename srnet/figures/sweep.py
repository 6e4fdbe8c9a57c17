"""Full models of the pocket world against the strength of its bias."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from srnet.figures.panels import headline
from srnet.figures.style import BLACK, BLUE, DATASETS, GRID, METRICS, RED, canvas, limits
from srnet.pocket import World
from srnet.sweep import KNOBS, by_share, gaps
from srnet.tasks import TASKS

OOD: tuple[dict[str, Any], ...] = ({"color": RED, "marker": "s"}, {"color": BLUE, "marker": "D", "linestyle": "--"})
ID: dict[str, Any] = {"color": BLACK, "marker": "o"}
GAP: dict[str, Any] = {"color": "0.35", "marker": "v"}


def bias_sweep(table: pd.DataFrame, source: str) -> Figure:
    """Draw ID and OOD scores, and below them their gap, against the share of counter-examples; a column for each task.

    Lines are means over seeds and bands one standard deviation to either side, of scores cut at 0 and 100 %. The gap is
    the ID score less the mean of the task's OOD scores. Distances along the horizontal axis are those of square roots.

    Args:
        table: results of the figure "pocket-world".
        source: what the results are results of.

    Raises:
        InputError: if there is nothing to draw.
    """
    headline(table)
    scores, differences = by_share(table), gaps(table)
    tasks = list(scores.task.unique())
    with canvas(5.8, source) as figure:
        axes = figure.subplots(2, len(tasks), squeeze=False, sharex="col", sharey="row", height_ratios=[3, 2])
        drawn: list[pd.DataFrame] = []
        for above, below, task in zip(*axes, tasks, strict=True):
            for name, style, own in _lines(scores[scores.task == task]):
                drawn.append(_draw(above, 100 * own.set_index("share").score, (0, 100), label=name, **style))
            _draw(below, differences[differences.task == task].set_index("share").gap, (-100, 100), **GAP)
            above.set_title(f"{TASKS[task].title},\n{METRICS[TASKS[task].metric]}", loc="left")
            for axis in (above, below):
                _set_shares(axis, task, scores[scores.task == task].share.unique())
            below.set_xlabel("counter-examples (%)")
            handles, labels = above.get_legend_handles_labels()
            below.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, -0.32), frameon=False)
        axes[0][0].set_ylim(*limits(pd.concat(drawn)[["low", "high"]].itertuples(index=False, name=None)))
        axes[0][0].set_ylabel("score (%)")
        axes[1][0].set_ylabel("ID − OOD (points)")
    return figure


def _lines(scores: pd.DataFrame) -> Iterator[tuple[str, dict[str, Any], pd.DataFrame]]:
    """Yield name, style and scores of each data set: the ID one first."""
    styles = iter(OOD)
    for (split, dataset), own in scores.groupby(["split", "dataset"], sort=False):
        yield f"{split}: {DATASETS[dataset]}", ID if split == "ID" else next(styles), own


def _draw(axis: Axes, values: pd.Series, ends: tuple[int, int], **style: Any) -> pd.DataFrame:
    """Draw the mean of values in % or points by share, and a standard deviation around it; return what is drawn."""
    points = values.groupby(level="share").agg(["mean", "std"]).fillna(0.0)
    points["low"] = (points["mean"] - points["std"]).clip(*ends)
    points["high"] = (points["mean"] + points["std"]).clip(*ends)
    axis.plot(points.index, points["mean"], clip_on=False, zorder=3, markersize=5, linewidth=1.6, **style)
    axis.fill_between(points.index, points.low, points.high, color=style["color"], alpha=0.13, linewidth=0)
    return points


def _set_shares(axis: Axes, task: str, shares: Iterable[float]) -> None:
    axis.set_xscale("function", functions=(lambda x: np.sqrt(np.maximum(x, 0)), np.square))
    axis.set_xlim(0, max(shares))
    axis.set_xticks(sorted(shares), [f"{100 * share:g}" for share in sorted(shares)])
    axis.grid(axis="y", **GRID)
    axis.set_axisbelow(True)
    axis.axvline(KNOBS[task].share(World()), color="0.6", linewidth=1, linestyle=":", zorder=1, label="the default")
