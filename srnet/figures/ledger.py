"""The whole ledger as a picture: the margin of each finding in each task, with its interval."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from srnet.claims import FAILS, HOLDS, UNDECIDED, UNTESTABLE
from srnet.data.tasks import TASKS
from srnet.figures.findings import TOPICS, WORDS, part_and_mark
from srnet.figures.style import BLUE, GREY, GRID, RED, canvas

# Filled, crossed, hollow: they differ in print and for colour-blind readers too.
STYLES: dict[str, dict[str, Any]] = {
    HOLDS: {"color": BLUE, "marker": "o", "markersize": 4.5},
    FAILS: {"color": RED, "marker": "X", "markersize": 6, "markeredgecolor": "white", "markeredgewidth": 0.5},
    UNDECIDED: {"color": GREY, "marker": "o", "markersize": 4, "markerfacecolor": "white"},
}
UNTESTED: dict[str, Any] = {"color": "0.92", "linewidth": 0}
REACH = 20.0  # of the scale to either side of zero; one for all findings, so that margins can be compared by eye
EDGE = 0.97 * REACH  # where the arrow of an interval ends that goes on
ROW, SMALL = 0.125, 7  # inches, points
POINTS = "points"
Row = tuple[str, str]  # a finding's part and its number there


def ledger_margins(claims: pd.DataFrame, source: str) -> Figure:
    """Draw all findings by effect: a panel for each task, a row for each finding, under the part of the paper it is in.

    A mark is the margin by which the finding's comparison exceeds what it has to (`srnet.claims.judged`), a line its
    interval, and both have the look of the verdict; right of zero is for the finding, left of it against. The scale is
    cut at `REACH`: what goes on beyond it ends in an arrow, with the margin as a number if that lies beyond too.
    Margins that are not in points have the same scale, and their findings the unit beside them. A finding that cannot
    be tested in a task is grey there, and one that is not about the task has nothing. The legend counts the verdicts.

    Args:
        claims: verdicts on all claims (`srnet.claims.ledger`), of one task or more.
        source: what the results are results of.
    """
    named = [part_and_mark(*names) for names in zip(claims.section, claims["item"], strict=True)]
    claims = claims.assign(part=[part for part, _ in named], mark=[mark for _, mark in named])
    rows: list[Row] = []
    for part, of_part in claims.groupby("part", sort=False):
        rows += [(str(part), ""), *((str(part), mark) for mark in of_part.mark.unique())]
    place = {row: number for number, row in enumerate(rows)}
    tasks = list(claims.task.unique())
    with canvas(1.15 + ROW * len(rows), source) as figure:
        names, *axes = figure.subplots(1, 1 + len(tasks), sharey=True, width_ratios=[1.3, *[1] * len(tasks)])
        _name(names, claims, place)
        for axis, task in zip(axes, tasks, strict=True):
            _set_panel(axis, TASKS[task].title)
            for row in claims[claims.task == task].itertuples():
                _draw(axis, place[row.part, row.mark], row)
        names.set_ylim(len(rows) - 0.4, -0.6)
        figure.legend(handles=_keys(claims.verdict), loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return figure


def _name(axis: Axes, claims: pd.DataFrame, place: Mapping[Row, int]) -> None:
    """Write what the rows are: parts of the paper in bold, findings by number and in few words."""
    axis.axis("off")
    style: dict[str, Any] = {"fontsize": SMALL, "va": "center_baseline"}
    for (part, mark), height in place.items():
        if not mark:
            axis.text(0, height, f"{part}  {TOPICS.get(part, '')}", fontweight="bold", **style)
    for row in claims.drop_duplicates(["part", "mark"]).itertuples():
        unit = "" if row.unit == POINTS else f" ({row.unit})"
        axis.text(0.08, height := place[row.part, row.mark], row.mark, ha="right", **style)
        axis.text(0.11, height, WORDS[row.section, row.item] + unit, **style)


def _set_panel(axis: Axes, title: str) -> None:
    axis.set_title(title.replace(" ", "\n", 1), loc="left", fontsize=8)
    axis.axvline(0, color="0.35", linewidth=0.8, zorder=1)
    axis.set_xlim(-REACH, REACH)
    axis.set_xticks([-REACH, -REACH / 2, 0, REACH / 2, REACH])
    axis.tick_params(axis="x", labelsize=SMALL, top=True, labeltop=True, length=2, pad=2)
    axis.tick_params(axis="y", left=False, labelleft=False)
    axis.spines[:].set_visible(False)
    axis.set_xlabel("against it  ←   → for it\nmargin (points)", fontsize=SMALL)


def _draw(axis: Axes, height: int, row: Any) -> None:
    """Draw one finding in one task."""
    if row.verdict == UNTESTABLE:
        axis.axhspan(height - 0.4, height + 0.4, zorder=0.6, **UNTESTED)
        return
    axis.axhline(height, zorder=0.5, **GRID)
    style = STYLES[row.verdict]
    color = style["color"]
    low, high = np.clip([row.low, row.high], -EDGE, EDGE)  # missing, and so not drawn, where there is no interval
    axis.hlines(height, low, high, color=color, linewidth=1.3, zorder=2)
    for side, end in ((-1, row.low), (1, row.high)):
        if side * end > EDGE:
            axis.plot(side * EDGE, height, marker="<" if side < 0 else ">", markersize=3.5, color=color, clip_on=False)
    if abs(row.margin) <= EDGE:
        axis.plot(row.margin, height, linestyle="none", zorder=4, **style)
    else:
        aside: dict[str, Any] = {"ha": "left" if row.margin > 0 else "right", "va": "center_baseline"}
        axis.text(
            math.copysign(1.06 * REACH, row.margin), height, f"{row.margin:+.0f}", fontsize=6.5, color=color, **aside
        )


def _keys(verdicts: pd.Series) -> list[Line2D | Patch]:
    """Return the entries of the legend, with how often each verdict is there."""
    counts = verdicts.value_counts()
    marks = [
        Line2D([], [], linewidth=1.3, label=f"{name}: {counts.get(name, 0)}", **style) for name, style in STYLES.items()
    ]
    return [*marks, Patch(**UNTESTED, label=f"{UNTESTABLE}: {counts.get(UNTESTABLE, 0)}")]
