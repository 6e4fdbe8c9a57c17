"""Figures and tables of the study, drawn from tidy tables (`srnet.study.Study.table`)."""

from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import seaborn
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from srnet.tasks import TASKS

# Okabe and Ito's colours, which colour-blind readers can tell apart; markers and dashes tell curves apart in print.
STYLES: dict[str, dict[str, Any]] = {
    "full bert (std)": {"color": "#000000", "linestyle": "--"},
    "full bert (poe)": {"color": "#009E73", "linestyle": ":"},
    "mask train (std)": {"color": "#0072B2", "marker": "o", "linestyle": "-"},
    "mask train (poe)": {"color": "#D55E00", "marker": "s", "linestyle": "-"},
    "imp (std)": {"color": "#56B4E9", "marker": "^", "linestyle": "-."},
    "imp (poe)": {"color": "#CC79A7", "marker": "D", "linestyle": "-."},
}
DATASETS = {
    "mnli-m": "MNLI-m",
    "hans": "HANS",
    "qqp": "QQP",
    "paws-qqp": "PAWS-QQP",
    "paws-wiki": "PAWS-Wiki",
    "fever": "FEVER",
    "sym1": "FEVER-Symmetric v1",
    "sym2": "FEVER-Symmetric v2",
}
METRICS = {"accuracy": "accuracy (%)", "weighted_f1": "weighted F1 (%)"}
STYLE: Any = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.dpi": 150,
    "savefig.dpi": 300,
}


def sparsity_curves(table: pd.DataFrame, source: str) -> Figure:
    """Draw headline scores against sparsity, a column of panels per task: in distribution above, OOD below.

    Lines are means over seeds and shaded bands one standard deviation to either side; a full model, which has no
    sparsity to vary, is a horizontal line.

    Args:
        table: a figure's results.
        source: what the results are results of, written into the figure so that it cannot be taken for another's.
    """
    overall = table[table.subset == "all"]
    tasks = list(overall.task.unique())
    height = max(overall[overall.task == task].dataset.nunique() for task in tasks)
    with plt.rc_context(STYLE):
        size = (5.2 * len(tasks), 2.9 * height + 0.6)
        figure, axes = plt.subplots(height, len(tasks), figsize=size, squeeze=False, sharex=True, layout="constrained")
        for column, task in zip(axes.T, tasks, strict=True):
            of_task = overall[overall.task == task]
            datasets = of_task.dataset.unique()
            for axis, dataset in zip(column, datasets, strict=False):
                _panel(axis, of_task[of_task.dataset == dataset])
            for unused in column[len(datasets) :]:
                unused.remove()
            lowest = column[len(datasets) - 1]
            lowest.set_xlabel("sparsity (% of weights removed)")
            lowest.xaxis.set_tick_params(labelbottom=True)
            column[0].set_title(TASKS[task].title)
        figure.suptitle(source, fontsize=8, color="0.35")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
        plt.close(figure)  # a notebook would show it a second time
    return figure


def means(table: pd.DataFrame) -> pd.DataFrame:
    """Return headline scores in %, curve and sparsity by data set, as mean ± standard deviation over seeds.

    Args:
        table: a figure's results.
    """
    return _spread(table[table.subset == "all"], ["task", "curve", "sparsity"], "dataset")


def subset_means(table: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Return accuracy in % on one data set by curve and sparsity (rows) and subset and label (columns).

    Args:
        table: a figure's results.
        dataset: id of a data set with subsets, such as "hans".
    """
    cells = _spread(_subsets(table, dataset), ["curve", "sparsity"], "subset")
    cells.columns = pd.MultiIndex.from_tuples([name.replace("_", " ").split("/") for name in cells.columns])
    return cells


def subset_heatmap(table: pd.DataFrame, dataset: str, source: str) -> Figure:
    """Draw the mean accuracy on each subset and label of a data set, a row for each curve and sparsity.

    Args:
        table: a figure's results.
        dataset: id of a data set with subsets, such as "hans".
        source: what the results are results of.
    """
    chosen = _subsets(table, dataset)
    means = 100 * chosen.groupby(["curve", "sparsity", "subset"], sort=False).score.mean().unstack("subset")
    means = means[
        sorted(means.columns, key=lambda name: name.split("/")[1:])
    ]  # by label: where the bias is right first
    with plt.rc_context(STYLE):
        figure, axis = plt.subplots(figsize=(6.4, 0.8 + 0.32 * len(means)), layout="constrained")
        seaborn.heatmap(
            means, ax=axis, vmin=0, vmax=100, cmap="cividis", annot=True, fmt=".0f", cbar_kws={"label": "accuracy (%)"}
        )
        axis.set_yticklabels([f"{curve}, {100 * sparsity:g} %" for curve, sparsity in means.index], rotation=0)
        names = [name.replace("_", " ").replace("/", "\n") for name in means.columns]
        axis.set_xticklabels(names, rotation=40, ha="right", rotation_mode="anchor")
        axis.set(xlabel="", ylabel="")
        axis.set_title(source, fontsize=8, color="0.35")
        plt.close(figure)
    return figure


def records(table: pd.DataFrame) -> pd.DataFrame:
    """Return which experiment each point of a figure comes from: curve, sparsity, seed and key."""
    points = table[["task", "curve", "sparsity", "seed", "key"]].drop_duplicates()
    return points.set_index(["task", "curve", "sparsity", "seed"])


def _panel(axis: Axes, table: pd.DataFrame) -> None:
    for curve, style in STYLES.items():
        values = 100 * table[table.curve == curve].groupby("sparsity").score.agg(["mean", "std"]).fillna(0.0)
        if values.empty:
            continue
        low, high = values["mean"] - values["std"], values["mean"] + values["std"]
        if curve.startswith("full"):
            axis.axhline(values["mean"].iloc[0], label=curve, linewidth=1.2, **style)
            axis.axhspan(low.iloc[0], high.iloc[0], color=style["color"], alpha=0.08, linewidth=0)
        else:
            sparsity = 100 * values.index.to_numpy()
            axis.plot(sparsity, values["mean"], label=curve, markersize=4, linewidth=1.6, **style)
            axis.fill_between(sparsity, low, high, color=style["color"], alpha=0.15, linewidth=0)
    name, split, metric = table.dataset.iloc[0], table.split.iloc[0], TASKS[table.task.iloc[0]].metric
    axis.set_ylabel(f"{split}: {DATASETS[name]}\n{METRICS[metric]}")
    axis.grid(axis="y", linewidth=0.4, alpha=0.5)


def _subsets(table: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Return the rows of a data set's own subsets, which are named "subset/class"."""
    return table[(table.dataset == dataset) & table.subset.str.contains("/")]


def _spread(table: pd.DataFrame, rows: list[str], columns: str) -> pd.DataFrame:
    cells = (100 * table.set_index([*rows, columns]).score).groupby(level=[*rows, columns], sort=False)
    text = cells.agg(lambda values: f"{values.mean():.1f}" + (f" ± {values.std():.1f}" if len(values) > 1 else ""))
    return text.unstack(columns, sort=False).rename_axis(columns=None)
