"""A grid of panels: a row for each task, a column for each of its data sets."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from srnet.errors import InputError
from srnet.figures.style import DATASETS, limits

SPREAD = ["mean", "low", "high"]


class Panel(NamedTuple):
    """A data set's place in a figure.

    Attributes:
        axis: where it is drawn.
        scores: its headline scores.
        range: ends of the scale of scores in %.
        first: whether it is the leftmost of its row.
    """

    axis: Axes
    scores: pd.DataFrame
    range: tuple[float, float]
    first: bool


def panels(
    figure: Figure, table: pd.DataFrame, beside: Sequence[pd.DataFrame], points: Sequence[str], ratio: float = 1.0
) -> tuple[list[Panel], Axes | None]:
    """Divide a figure into titled panels; OOD data sets of a task have one scale, its ID data set another.

    Args:
        figure: an empty figure.
        table: a figure's results.
        beside: results of other figures whose scores the scales cover too, so that the figures can be compared.
        points: columns that tell the points of the figure apart, seeds aside.
        ratio: width of the first column to that of the others.

    Returns:
        The panels, and an axis without one for the legend, where the grid has it.

    Raises:
        InputError: if the table has no headline scores.
    """
    scores = headline(table)
    tasks = {task: list(part.dataset.unique()) for task, part in scores.groupby("task", sort=False)}
    columns = max(map(len, tasks.values()))
    ratios = [ratio, *[1.0] * (columns - 1)]
    axes = figure.subplots(len(tasks), columns, squeeze=False, gridspec_kw={"width_ratios": ratios})
    everything = pd.concat([scores, *map(headline, beside)])
    found, unused = [], None
    for row, (task, datasets) in zip(axes, tasks.items(), strict=True):
        for axis, dataset in zip(row, datasets, strict=False):
            own = scores[(scores.task == task) & (scores.dataset == dataset)]
            split = own.split.iloc[0]
            peers = everything[(everything.task == task) & (everything.split == split)]
            spans = spread(peers, ["dataset", *points])[["low", "high"]].itertuples(index=False)
            axis.set_title(f"{split}: {DATASETS.get(dataset, dataset)}", loc="left")
            found.append(Panel(axis, own, limits((each.low, each.high) for each in spans), axis is row[0]))
        for axis in row[len(datasets) :]:
            axis.axis("off")
            unused = unused or axis
    return found, unused


def lowest(shown: Sequence[Panel]) -> Iterator[Axes]:
    """Yield the lowest panel of each column."""
    by_column = {panel.axis.get_subplotspec().colspan.start: panel.axis for panel in shown}  # type: ignore[union-attr]
    yield from by_column.values()


def headline(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of a figure's results that hold headline scores.

    Raises:
        InputError: if there is none.
    """
    scores = table[table.subset == "all"]
    if scores.empty:
        raise InputError('nothing to draw: the table has no row whose subset is "all"')
    return scores


def spread(scores: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return mean, and mean less and plus one standard deviation over seeds, in %, in the possible range of 0 to 100.

    Args:
        scores: rows of a figure's results.
        by: columns that tell points apart; they become the index.

    Returns:
        A row per point, sorted, with the columns ``mean``, ``low`` and ``high``.
    """
    points = 100 * scores.groupby(list(by)).score.agg(["mean", "std"]).fillna(0.0)
    points["low"] = (points["mean"] - points["std"]).clip(lower=0.0)
    points["high"] = (points["mean"] + points["std"]).clip(upper=100.0)
    return points[SPREAD]
