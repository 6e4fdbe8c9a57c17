"""Accuracy on the parts of a data set, as a heatmap."""

import pandas as pd
from matplotlib.figure import Figure

from srnet.figures.style import canvas, label_of
from srnet.figures.tables import parts_of
from srnet.study.choice import PARTS


def subset_heatmap(table: pd.DataFrame, dataset: str, source: str) -> Figure:
    """Draw the mean accuracy on each subset and class of a data set, a row for each curve and sparsity.

    Args:
        table: a figure's results, with parts.
        dataset: id of a data set with subsets, such as "hans".
        source: what the results are results of.
    """
    import seaborn

    chosen = parts_of(table, dataset)
    means = 100 * chosen.groupby(["curve", "sparsity", *PARTS], sort=False).score.mean().unstack(PARTS)
    # By class: where the bias is right first.
    means = means.sort_index(axis="columns", level="class", sort_remaining=False, kind="stable")
    with canvas(1.4 + 0.22 * len(means), source) as figure:
        axis = figure.subplots()
        bar = {"label": "accuracy (%)", "pad": 0.01, "fraction": 0.03}
        seaborn.heatmap(means, ax=axis, vmin=0, vmax=100, cmap="cividis", annot=True, fmt=".0f", cbar_kws=bar)
        rows = [f"{label_of(curve)}, {100 * sparsity:g} %" for curve, sparsity in means.index]
        axis.set_yticks([place + 0.5 for place in range(len(rows))], rows, rotation=0)
        names = ["\n".join(name).replace("_", "\n") for name in means.columns]
        axis.set_xticks([place + 0.5 for place in range(len(names))], names, rotation=0)
        axis.set(xlabel="", ylabel="")
        curves = [curve for curve, _ in means.index]
        for place in range(1, len(curves)):
            if curves[place] != curves[place - 1]:
                axis.axhline(place, color="white", linewidth=2)
    return figure
