"""Results as tables of means and spread, and as files to take away."""

import base64
import html

import pandas as pd

from srnet.data.tasks import TASKS
from srnet.figures.style import DATASETS, label_of
from srnet.study.choice import ALL, COLUMNS, PARTS
from srnet.study.summary import mean_and_std


def means(table: pd.DataFrame) -> pd.DataFrame:
    """Return headline scores in %, curve and sparsity by data set, as mean ± standard deviation over seeds.

    Where a figure has further labels, several pre-trained models, or starts of the search, these tell rows apart too.

    Args:
        table: a figure's results.
    """
    return _cells(table, _points(table), ["dataset"])


def score_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return headline scores in % of all tasks side by side (Tables 5 and 6), as mean ± deviation over seeds.

    Args:
        table: a table's results.

    Returns:
        A row per sparsity and curve, and first of all per pre-trained model where there are several; a column per task
        and data set.
    """
    rows = rows_of(table)
    cells = _cells(table, rows, ["task", "split", "dataset"])
    cells = cells.sort_index(level=rows[:-1], sort_remaining=False, kind="stable")
    cells.columns = pd.MultiIndex.from_tuples(
        [(TASKS[task].title, f"{split}: {DATASETS.get(dataset, dataset)}") for task, split, dataset in cells.columns]
    )
    cells.index = pd.MultiIndex.from_tuples(
        [(*plm, f"{100 * sparsity:g} %", label_of(curve)) for *plm, sparsity, curve in cells.index], names=rows
    )
    return cells


def subset_means(table: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Return accuracy in % on one data set by curve and sparsity (rows) and subset and class (columns).

    Args:
        table: a figure's results, with parts.
        dataset: id of a data set with subsets, such as "hans".
    """
    cells = _cells(parts_of(table, dataset), ["curve", "sparsity"], PARTS)
    return cells.rename(columns=lambda name: name.replace("_", " "))


def records(table: pd.DataFrame) -> pd.DataFrame:
    """Return the key of the experiment behind each point of a figure."""
    points = [*_points(table), "seed"]
    return table[[*points, "key"]].drop_duplicates().set_index(points)


def csv_link(table: pd.DataFrame, name: str) -> str:
    """Return HTML of a link that downloads a figure's results as CSV.

    The file is in the link itself, so that it works in a notebook, and in a book opened from a disk.

    Args:
        table: a figure's results.
        name: what the file is called, without its ending.
    """
    text = base64.b64encode(table.to_csv(index=False, lineterminator="\n").encode()).decode()
    file = html.escape(f"{name}.csv", quote=True)
    address = f"data:text/csv;charset=utf-8;base64,{text}"
    return f'<a class="csv" download="{file}" href="{address}">{file}</a> ({len(table):,} rows)'


def rows_of(table: pd.DataFrame) -> list[str]:
    """Return the columns that tell the rows of a table apart: sparsity and curve, and model where there are several."""
    return [*(["plm"] if table.plm.nunique() > 1 else []), "sparsity", "curve"]


def parts_of(table: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Return the rows of the classes of a data set's subsets."""
    return table[(table.dataset == dataset) & (table[PARTS] != ALL).all(axis="columns")]


def _points(table: pd.DataFrame) -> list[str]:
    """Return the columns that tell the points of a figure apart, seeds and data sets aside."""
    labels = [name for name in table.columns if name not in (*COLUMNS, *PARTS)]
    points = ["task", "curve", "sparsity", *labels]
    groups = table.groupby(points)
    return [*points, *(name for name in ("plm", "start") if (groups[name].nunique() > 1).any())]


def _cells(table: pd.DataFrame, rows: list[str], columns: list[str]) -> pd.DataFrame:
    scores = (100 * table.set_index([*rows, *columns]).score).groupby(level=[*rows, *columns], sort=False)
    text = scores.agg(lambda values: mean_and_std(values.mean(), values.std()))
    return text.unstack(columns, sort=False).rename_axis(columns=[None] * len(columns))
