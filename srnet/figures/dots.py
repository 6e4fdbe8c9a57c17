"""Scores as dots, a line for each row of a table (Tables 5 and 6)."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from srnet.data.tasks import TASKS
from srnet.figures.panels import panels, require_scores, spread
from srnet.figures.style import GRID, METRICS, SEEDS, canvas, styles
from srnet.figures.tables import row_names, rows_of

BELOW = 0.27  # of the seeds under their mean, in rows


def score_dots(table: pd.DataFrame, source: str) -> Figure:
    """Draw a table's headline scores, a row of panels for each task: a dot is a mean over seeds.

    Bars reach one standard deviation to either side, and are cut at 0 and 100 %; small points below are single seeds.
    Rows are those of `srnet.figures.score_table`. OOD data sets of a task share a scale.

    Args:
        table: a table's results.
        source: what the results are results of.

    Raises:
        InputError: if a curve has no style, or there is nothing to draw.
    """
    require_scores(table)
    rows, looks, names = rows_of(table), styles(table.curve), row_names(table)
    order = list(table[rows].drop_duplicates().itertuples(index=False))
    with canvas(0.4 + table.task.nunique() * (0.95 + 0.19 * len(order)), source) as figure:
        for panel in panels(figure, table, rows)[0]:
            axis, task = panel.axis, TASKS[panel.scores.task.iloc[0]]
            points, seeds = spread(panel.scores, rows), panel.scores.set_index(rows).score
            for place, row in enumerate(order):
                mean, low, high = points.loc[tuple(row)]
                style: dict[str, Any] = {"marker": "|", "markersize": 9, "markeredgewidth": 2} | dict(looks[row.curve])
                axis.hlines(place, low, high, color=style["color"], linewidth=1.2)
                own = 100 * seeds.loc[[tuple(row)]]
                axis.scatter(own, [place + BELOW] * len(own), color=style["color"], **SEEDS)
                axis.plot(
                    [mean], [place], clip_on=False, zorder=3, label=names[tuple(row)], **{**style, "linestyle": "none"}
                )
            axis.set(xlim=panel.range, ylim=(len(order) - 0.5, -0.5), xlabel=METRICS[task.metric])
            axis.set_yticks(range(len(order)), [names[tuple(row)] for row in order] if panel.first else [])
            axis.tick_params(axis="y", length=0)
            axis.grid(**GRID)
            axis.set_axisbelow(True)
            if panel.first:
                axis.set_ylabel(task.title)
            for place in range(1, len(order)):
                if rows[0] == "plm" and order[place][0] != order[place - 1][0]:
                    axis.axhline(place - 0.5, color="0.6", linewidth=0.6)
    return figure
