"""Full models of the pocket world against the strength of its bias, and what the shortcut costs them."""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from srnet.data.tasks import DATASETS, TASKS
from srnet.figures.panels import require_scores
from srnet.figures.style import (
    BLACK,
    BLUE,
    GRID,
    METRICS,
    RED,
    SEEDS,
    canvas,
    limits,
)
from srnet.study.bias_sweep import DEFAULT_SHARES
from srnet.study.summary import band, mean_and_std

OOD: tuple[dict[str, Any], ...] = ({"color": RED, "marker": "s"}, {"color": BLUE, "marker": "D", "linestyle": "--"})
ID: dict[str, Any] = {"color": BLACK, "marker": "o"}
GAP: dict[str, Any] = {"color": "0.35", "marker": "v"}


def share_curves(table: pd.DataFrame, source: str) -> Figure:
    """Draw ID and OOD scores, and below them their gap, against the share of counter-examples; a column for each task.

    Lines are means over seeds, bands one standard deviation to either side, of scores cut at 0 and 100 %, and small
    points single seeds. The gap is the ID score less the mean of the task's OOD scores. Distances along the horizontal
    axis are those of square roots.

    Args:
        table: results of the figure "pocket-world".
        source: what the results are results of.

    Raises:
        InputError: if there is nothing to draw.
    """
    require_scores(table)
    differences, tasks = gaps(table), list(table.task.unique())
    with canvas(5.8, source) as figure:
        axes = figure.subplots(2, len(tasks), squeeze=False, sharex="col", sharey="row", height_ratios=[3, 2])
        drawn: list[pd.DataFrame] = []
        for above, below, task in zip(*axes, tasks, strict=True):
            for name, style, own in _lines(table[table.task == task]):
                drawn.append(_draw(above, 100 * own.set_index("share").score, label=name, **style))
            _draw(below, differences[differences.task == task].set_index("share").gap, low=-100.0, **GAP)
            above.set_title(f"{TASKS[task].title},\n{METRICS[TASKS[task].metric]}", loc="left")
            for axis in (above, below):
                _set_shares(axis, task, table[table.task == task].share.unique())
            below.set_xlabel("counter-examples (%)")
            handles, labels = above.get_legend_handles_labels()
            below.legend(handles, labels, loc="upper center", bbox_to_anchor=(0.5, -0.32), frameon=False)
        axes[0][0].set_ylim(*limits(pd.concat(drawn)[["low", "high"]].itertuples(index=False, name=None)))
        axes[0][0].set_ylabel("score (%)")
        axes[1][0].set_ylabel("ID − OOD (points)")
    return figure


def gaps(table: pd.DataFrame) -> pd.DataFrame:
    """Return what the shortcut costs out of distribution: ID score less the mean of the task's OOD scores.

    Args:
        table: results of the figure "pocket-world".

    Returns:
        A row per task, share and seed, with the columns ``ID``, ``OOD`` and ``gap``, all in points.
    """
    points = ["task", "share", "seed"]
    scores = 100 * table.groupby([*points, "split"], sort=False).score.mean().unstack("split", sort=False)
    return scores.assign(gap=scores.ID - scores.OOD).reset_index().rename_axis(columns=None)


def gap_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return ID score, mean OOD score and gap in points, as mean ± standard deviation over seeds.

    Args:
        table: results of the figure "pocket-world".

    Returns:
        A row per task and share of counter-examples; the study's own share is marked as the default.
    """
    cells = gaps(table).set_index(["task", "share"]).drop(columns="seed").groupby(level=[0, 1], sort=False)
    text = cells.agg(lambda values: mean_and_std(values.mean(), values.std()))
    text.index = pd.MultiIndex.from_tuples(
        [
            (TASKS[task].title, f"{100 * share:g} %" + (", the default" if share == DEFAULT_SHARES[task] else ""))
            for task, share in text.index
        ],
        names=["task", "counter-examples"],
    )
    return text


def _lines(scores: pd.DataFrame) -> Iterator[tuple[str, dict[str, Any], pd.DataFrame]]:
    """Yield name, style and scores of each data set: the ID one first."""
    styles = iter(OOD)
    for (split, dataset), own in scores.groupby(["split", "dataset"], sort=False):
        yield f"{split}: {DATASETS[dataset]}", ID if split == "ID" else next(styles), own


def _draw(axis: Axes, values: pd.Series, low: float = 0.0, **style: Any) -> pd.DataFrame:
    """Draw values of seeds by share, their means and the band around them; return the least and greatest of it."""
    points = band(values, low)
    axis.scatter(values.index, values, color=style["color"], **SEEDS)
    axis.plot(points.index, points["mean"], clip_on=False, zorder=3, markersize=5, linewidth=1.6, **style)
    axis.fill_between(points.index, points.low, points.high, color=style["color"], alpha=0.13, linewidth=0)
    ends = values.groupby(level="share").agg(["min", "max"])
    return pd.DataFrame({"low": points.low.clip(upper=ends["min"]), "high": points.high.clip(lower=ends["max"])})


def _set_shares(axis: Axes, task: str, shares: Iterable[float]) -> None:
    axis.set_xscale("function", functions=(lambda x: np.sqrt(np.maximum(x, 0)), np.square))
    axis.set_xlim(0, max(shares))
    axis.set_xticks(sorted(shares), [f"{100 * share:g}" for share in sorted(shares)])
    axis.grid(axis="y", **GRID)
    axis.set_axisbelow(True)
    axis.axvline(DEFAULT_SHARES[task], color="0.6", linewidth=1, linestyle=":", zorder=1, label="the default")
