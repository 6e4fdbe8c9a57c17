"""Both readings of each deviation of the authors' released code from the paper, side by side."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from srnet.deviations import DEVIATIONS, PAPER, RELEASED, by_side
from srnet.figures.panels import panels, spread
from srnet.figures.style import BLUE, GRID, METRICS, RED, canvas, legend
from srnet.tasks import TASKS

SIDES: dict[str, dict[str, Any]] = {
    PAPER: {"color": BLUE, "marker": "o", "markersize": 5},
    RELEASED: {"color": RED, "marker": "D", "markersize": 5, "markerfacecolor": "white"},
}
APART = 0.17  # half of the distance between the two sides of a row, in rows


def deviation_dots(table: pd.DataFrame, source: str) -> Figure:
    """Draw both readings of each deviation, a row of panels for each task: a dot is a mean over seeds.

    Bars reach one standard deviation to either side, and are cut at 0 and 100 %. OOD data sets of a task share a scale.

    Args:
        table: results of the figure "deviations".
        source: what the results are results of.

    Raises:
        InputError: if there is nothing to draw.
    """
    names = [deviation.name for deviation in DEVIATIONS]
    with canvas(0.5 + table.task.nunique() * (0.75 + 0.29 * len(names)), source) as figure:
        for panel in panels(figure, table, (), ["curve"])[0]:
            axis, task = panel.axis, TASKS[panel.scores.task.iloc[0]]
            points = spread(by_side(panel.scores), ["side", "deviation"])
            for (side, style), shift in zip(SIDES.items(), (-APART, APART), strict=True):
                own = points.loc[side].loc[names]
                rows = [place + shift for place in range(len(names))]
                axis.hlines(rows, own.low, own.high, color=style["color"], linewidth=1.2)
                axis.plot(own["mean"], rows, linestyle="none", clip_on=False, zorder=3, label=side, **style)
            axis.set(xlim=panel.range, ylim=(len(names) - 0.5, -0.5), xlabel=METRICS[task.metric])
            axis.set_yticks(range(len(names)), names if panel.first else [])
            axis.tick_params(axis="y", length=0)
            axis.grid(axis="x", **GRID)
            axis.set_axisbelow(True)
            for place in range(1, len(names)):
                axis.axhline(place - 0.5, color="0.88", linewidth=0.6)
            if panel.first:
                axis.set_ylabel(task.title)
        legend(figure)
    return figure
