"""Both readings of each deviation of the authors' released code from the paper, side by side, and their effects."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from srnet.data.tasks import TASKS
from srnet.figures.panels import panels, spread
from srnet.figures.style import BLUE, GRID, METRICS, RED, SEEDS, canvas, label_of, legend
from srnet.study.deviations import CHOICES, DEVIATIONS, DIFFERENCES, PAPER, RELEASED
from srnet.study.summary import mean_and_std

SIDES: dict[str, dict[str, Any]] = {
    PAPER: {"color": BLUE, "marker": "o", "markersize": 5},
    RELEASED: {"color": RED, "marker": "D", "markersize": 5, "markerfacecolor": "white"},
}
APART = 0.17  # half of the distance between the two sides of a row, in rows


def deviation_dots(table: pd.DataFrame, source: str) -> Figure:
    """Draw both readings of each deviation, a row of panels for each task: a dot is a mean over seeds.

    Bars reach one standard deviation to either side, and are cut at 0 and 100 %; small points beside are single seeds.
    OOD data sets of a task share a scale.

    Args:
        table: results of the figure "deviations".
        source: what the results are results of.

    Raises:
        InputError: if there is nothing to draw.
    """
    names = [deviation.name for deviation in DEVIATIONS]
    with canvas(0.5 + table.task.nunique() * (0.75 + 0.29 * len(names)), source) as figure:
        for panel in panels(figure, table, ["deviation", "side"])[0]:
            axis, task = panel.axis, TASKS[panel.scores.task.iloc[0]]
            points = spread(panel.scores, ["side", "deviation"])
            for (side, style), shift in zip(SIDES.items(), (-APART, APART), strict=True):
                own = points.loc[side].loc[names]
                rows = [place + shift for place in range(len(names))]
                axis.hlines(rows, own.low, own.high, color=style["color"], linewidth=1.2)
                seeds = panel.scores[panel.scores.side == side]
                heights = [names.index(name) + 2 * shift for name in seeds.deviation]
                axis.scatter(100 * seeds.score, heights, color=style["color"], **SEEDS)
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


def effects(table: pd.DataFrame) -> pd.DataFrame:
    """Return by how many points the released code's reading scores above the paper's.

    Scores of a task's OOD data sets are averaged.

    Args:
        table: results of the figure "deviations".

    Returns:
        A row per deviation, task and split ("ID" or "OOD"), with ``mean`` and ``std`` over seeds in points; ``std`` is
        missing where there is one seed.
    """
    points = ["deviation", "task", "split"]
    scores = 100 * table.groupby([*points, "seed", "side"], sort=False).score.mean().unstack("side")
    return (scores[RELEASED] - scores[PAPER]).groupby(points, sort=False).agg(["mean", "std"])


def as_markdown(table: pd.DataFrame | None = None) -> str:
    """Return all deviations as a table in Markdown, with their effects on each task where results are given.

    Args:
        table: results of the figure "deviations"; None where the profile has none.
    """
    tasks = [] if table is None else list(table.task.unique())
    cells = None if table is None else _told(effects(table))
    header = ["the released code and the paper", *(TASKS[task].title for task in tasks)]
    rows = ["".join(f"| {title} " for title in header) + "|", "|---" * len(header) + "|"]
    for each in DEVIATIONS:
        words = (
            f"**{each.name}** (*{label_of(each.shown)}* at {100 * each.sparsity:g}\N{NO-BREAK SPACE}%)",
            f"*Released code:* {each.released}",
            f"*Paper:* {each.paper}",
            f"*Here:* {each.default}. *Option:* {each.option}.",
        )
        found = [] if cells is None else [cells.loc[each.name, task] for task in tasks]
        rows.append("".join(f"| {cell} " for cell in ["<br>".join(words), *found]) + "|")
    return "\n".join(rows)


def differences_as_markdown() -> str:
    """Return what has no option here as a table in Markdown."""
    rows = ["| | released code | paper | here |", "|---|---|---|---|"]
    return "\n".join(rows + [f"| **{each.name}** | {' | '.join(each[1:])} |" for each in DIFFERENCES])


def choices_as_markdown() -> str:
    """Return what the paper leaves open as a table in Markdown."""
    rows = ["| left open | here |", "|---|---|"]
    return "\n".join(rows + [f"| **{each.name}** | {each.chosen} |" for each in CHOICES])


def _told(found: pd.DataFrame) -> pd.Series:
    """Return effects in words by deviation and task: ID, then OOD."""
    lines = [f"{index[-1]} {mean_and_std(mean, std, signed=True)}" for index, mean, std in found.itertuples()]
    words = pd.Series(lines, found.index).str.replace(" ", "\N{NO-BREAK SPACE}").str.replace("-", "−")
    return words.groupby(level=["deviation", "task"], sort=False).agg("<br>".join)
