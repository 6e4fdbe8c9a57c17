"""A grid of panels: a row for each task, a column for each of its data sets."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from srnet.data.tasks import DATASETS
from srnet.errors import InputError
from srnet.figures.style import limits
from srnet.study.summary import band


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
    figure: Figure | SubFigure,
    table: pd.DataFrame,
    points: Sequence[str],
    levels: Callable[[str], Mapping[str, float]] = lambda dataset: {},
) -> tuple[list[Panel], Axes | None]:
    """Divide a figure into titled panels; OOD data sets of a task have one scale, its ID data set another.

    Args:
        figure: an empty figure.
        table: a figure's results.
        points: columns that tell the points of the figure apart, seeds aside.
        levels: scores in [0, 1] by name that a data set's panel has lines at, which its scale covers.

    Returns:
        The panels, and an axis without one for the legend, where the grid has it.

    Raises:
        InputError: as `require_scores`.
    """
    require_scores(table)
    tasks = {task: list(part.dataset.unique()) for task, part in table.groupby("task", sort=False)}
    columns = max(map(len, tasks.values()))
    axes = figure.subplots(len(tasks), columns, squeeze=False)
    found, unused = [], None
    for row, (task, datasets) in zip(axes, tasks.items(), strict=True):
        for axis, dataset in zip(row, datasets, strict=False):
            own = table[(table.task == task) & (table.dataset == dataset)]
            split = own.split.iloc[0]
            peers = table[(table.task == task) & (table.split == split)]
            spans = [(each.low, each.high) for each in spread(peers, ["dataset", *points]).itertuples()]
            spans.append((100 * peers.score.min(), 100 * peers.score.max()))
            spans += [(100 * level, 100 * level) for peer in peers.dataset.unique() for level in levels(peer).values()]
            axis.set_title(f"{split}: {DATASETS.get(dataset, dataset)}", loc="left")
            found.append(Panel(axis, own, limits(spans), axis is row[0]))
        for axis in row[len(datasets) :]:
            axis.axis("off")
            unused = unused or axis
    return found, unused


def lowest(shown: Sequence[Panel]) -> Iterator[Axes]:
    """Yield the lowest panel of each column."""
    by_column = {panel.axis.get_subplotspec().colspan.start: panel.axis for panel in shown}  # type: ignore[union-attr]
    yield from by_column.values()


def require_scores(table: pd.DataFrame) -> None:
    """Raise an error unless a table holds headline scores, and these alone.

    Raises:
        InputError: if it is empty, or has scores on parts of the data sets.
    """
    if table.empty:
        raise InputError("nothing to draw: the table has no scores")
    if "subset" in table:
        raise InputError(
            "the table has scores on parts of the data sets: draw one without (srnet.study.choice.Study.table)"
        )


def spread(scores: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return mean and spread over seeds (`srnet.study.summary.band`) of headline scores in %.

    Args:
        scores: rows of a figure's results.
        by: columns that tell points apart; they become the index.
    """
    return band(100 * scores.set_index(list(by)).score)
