"""Results as tables of means and spread, and as files to take away."""

import base64
import html
from collections.abc import Mapping

import pandas as pd
from pandas.io.formats.style import Styler

from srnet.data.tasks import DATASETS, TASKS
from srnet.figures.style import label_of
from srnet.paper import TABLE_5, TABLE_6, Score
from srnet.study.choice import ALL, COLUMNS, PARTS
from srnet.study.summary import mean_and_std

PAPER: Mapping[str, Mapping[str, Mapping[str, Mapping[str, Score]]]] = {
    "table-5": {"the paper, BERT-base": TABLE_5},
    "table-6": {
        "the paper, RoBERTa-base": TABLE_6["roberta-base"],
        "the paper, BERT-large": TABLE_6["bert-large"],
    },
}
ROWS = {  # names of rows in `srnet.paper`, and here
    "fixed hard": "fixed, hard",
    "fixed soft": "fixed, soft",
    "full std": "full (std)",
    "full poe": "full (poe)",
    "mask train 0.5": "mask train (poe), 50 %",
    "mask train 0.7": "mask train (poe), 70 %",
    "mask train 0.5~0.7": "gradual 0.5~0.7",
}


def means(table: pd.DataFrame) -> pd.DataFrame:
    """Return headline scores in %, as mean ± standard deviation over seeds.

    Args:
        table: a figure's results. Of scores during mask training, those of the last evaluation are taken.

    Returns:
        A row per point of the figure, told apart by as few columns as will do; a column per data set.
    """
    last = table[table.step == table.groupby("key").step.transform("max")] if "step" in table else table
    cells = _cells(last, _points(last), ["dataset"])
    return _named(cells).rename(columns=lambda dataset: DATASETS.get(dataset, dataset))


def score_table(name: str, table: pd.DataFrame | None) -> Styler:
    """Return Table 5 or 6 of the supplement, the paper's and ours: mean ± standard deviation over seeds, in %.

    Args:
        name: "table-5" or "table-6".
        table: our results; None where there are none.

    Returns:
        A row per row of the paper's table and a column per data set, in blocks: one for each pre-trained model of the
        paper's, then of ours. The best mean of each column of a block is bold.
    """
    scores = _of_paper(name) if table is None else pd.concat([_of_paper(name), _of_study(table)])
    columns = list(dict.fromkeys(scores.dataset))
    points = scores.set_index(["block", "row", "dataset"])
    order = points.index.droplevel("dataset").unique()
    means = points["mean"].unstack().reindex(index=order, columns=columns)
    shown = points.text.unstack().reindex(index=order, columns=columns).fillna("")
    shown = shown.rename(columns=DATASETS).rename_axis(index=[None, None], columns=None)
    best = means.eq(means.groupby(level="block").transform("max"))
    bold = best.map(lambda is_best: "font-weight: bold" if is_best else "").to_numpy()
    return shown.style.apply(lambda _: bold, axis=None).set_table_attributes('class="dataframe"')


def row_names(table: pd.DataFrame, plm: bool = True) -> dict[tuple, str]:
    """Return the names of a table's rows, by the values of the columns that tell them apart (`rows_of`).

    Args:
        table: a table's results.
        plm: whether the pre-trained model is part of the name, where there are several.
    """
    several = table.groupby("curve").sparsity.nunique() > 1
    names = {}
    for row in table[rows_of(table)].drop_duplicates().itertuples(index=False):
        share = f", {_percent(row.sparsity)}" if several[row.curve] else ""
        model = f"{_short(row.plm)} " if plm and "plm" in row._fields else ""
        names[tuple(row)] = f"{model}{label_of(row.curve)}{share}"
    return names


def subset_means(table: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Return accuracy in % on one data set by curve and sparsity (rows) and subset and class (columns).

    Args:
        table: a figure's results, with parts.
        dataset: id of a data set with subsets, such as "hans".
    """
    cells = _cells(parts_of(table, dataset), ["curve", "sparsity"], PARTS)
    return _named(cells).rename(columns=lambda name: name.replace("_", " "))


def records(table: pd.DataFrame) -> pd.DataFrame:
    """Return the key of the experiment behind each point of a figure."""
    points = ["task", *_points(table), "seed"]
    return _named(table[[*points, "key"]].drop_duplicates().set_index(points))


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
    """Return the columns that tell the rows of a table apart: curve and sparsity, and model where there are several."""
    return [*(["plm"] if table.plm.nunique() > 1 else []), "curve", "sparsity"]


def parts_of(table: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Return the rows of the classes of a data set's subsets."""
    return table[(table.dataset == dataset) & (table[PARTS] != ALL).all(axis="columns")]


def _points(table: pd.DataFrame) -> list[str]:
    """Return the columns that tell the points of a figure apart; tasks, seeds and data sets aside."""
    labels = [name for name in table.columns if name not in (*COLUMNS, *PARTS, "step")]
    if labels and not table.duplicated([*labels, "dataset", "seed"]).any():
        return labels
    varied = [name for name in ("sparsity", "plm") if table[name].nunique() > 1]
    steps = "step" in table  # where the curve tells how many weights are removed
    return ["curve", *(name for name in varied if not (steps and name == "sparsity")), *labels]


def _cells(table: pd.DataFrame, rows: list[str], columns: list[str]) -> pd.DataFrame:
    scores = (100 * table.set_index([*rows, *columns]).score).groupby(level=[*rows, *columns], sort=False)
    text = scores.agg(lambda values: mean_and_std(values.mean(), values.std()))
    return text.unstack(columns, sort=False).rename_axis(columns=[None] * len(columns))


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table whose rows are called by what people call them."""
    index = table.index.to_frame(index=False)
    spoken = {"curve": label_of, "sparsity": _percent, "share": _percent, "task": lambda task: TASKS[task].title}
    for name in spoken.keys() & set(index):
        index[name] = index[name].map(spoken[name])
    names = list(index)
    return table.set_axis(pd.MultiIndex.from_frame(index) if len(names) > 1 else pd.Index(index[names[0]]))


def _of_paper(name: str) -> pd.DataFrame:
    rows = [
        (block, ROWS.get(row, row), dataset, score.mean, f"{score.mean:.2f} ± {score.std:.2f}")  # as printed
        for block, scores_of in PAPER[name].items()
        for row, scores in scores_of.items()
        for dataset, score in scores.items()
    ]
    return pd.DataFrame(rows, columns=["block", "row", "dataset", "mean", "text"])


def _of_study(table: pd.DataFrame) -> pd.DataFrame:
    names, columns = row_names(table, plm=False), rows_of(table)
    rows = [names[row] for row in table[columns].itertuples(index=False, name=None)]
    labelled = table.assign(block="here, " + table.plm.map(_short), row=rows)
    scores = 100 * labelled.set_index(["block", "row", "dataset"]).score
    found = scores.groupby(level=["block", "row", "dataset"], sort=False).agg(["mean", "std"]).reset_index()
    return found.assign(text=[mean_and_std(mean, std) for mean, std in zip(found["mean"], found["std"], strict=True)])


def _short(plm: str) -> str:
    return plm.rsplit("/", 1)[-1]


def _percent(share: float) -> str:
    return f"{100 * share:g} %"
