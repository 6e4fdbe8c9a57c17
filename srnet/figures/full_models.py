"""What was asked of the pocket world's full models, and what they do."""

import pandas as pd

from srnet.data.tasks import DATASETS, TASKS
from srnet.study.summary import mean_and_std

ASKED = {"ID, std": 90.0, "gap": 10.0, "gain of poe": 5.0}
"""The least that was asked of the means, in points: the score in distribution after cross-entropy, how much lower the
mean of a task's OOD scores is, and how much higher that is after the product of experts."""


def asked_and_found(table: pd.DataFrame) -> pd.DataFrame:
    """Return what full models do, as mean ± standard deviation over seeds, in points.

    Args:
        table: results of Figure 2.

    Returns:
        A row per task, with a column for each of `ASKED`, where a mean that is less says so, and "ID lost by poe".
    """
    full = table[table.curve.isin(["full bert (std)", "full bert (poe)"])]
    scores = 100 * full.groupby(["task", "seed", "split", "curve"], sort=False).score.mean().unstack(["split", "curve"])
    std, poe = (scores.xs(f"full bert ({loss})", axis=1, level="curve") for loss in ("std", "poe"))
    found = pd.DataFrame(
        {
            "ID, std": std.ID,
            "gap": std.ID - std.OOD,
            "gain of poe": poe.OOD - std.OOD,
            "ID lost by poe": std.ID - poe.ID,
        }
    )
    tasks = found.groupby(level="task", sort=False)
    means, deviations = tasks.mean(), tasks.std()
    cells = {
        name: [_cell(mean, deviations.loc[task, name], ASKED.get(name)) for task, mean in means[name].items()]
        for name in found
    }
    return pd.DataFrame(cells, index=[TASKS[str(task)].title for task in means.index])


def spread_of_full_models(table: pd.DataFrame) -> pd.DataFrame:
    """Return how far full models of cross-entropy that differ in the seed alone lie apart out of distribution.

    Args:
        table: results of Figure 2.

    Returns:
        A row per OOD data set: mean, standard deviation, least and greatest score over seeds, in per cent.
    """
    full = table[(table.curve == "full bert (std)") & (table.split == "OOD")]
    rows = (100 * full.groupby(["task", "dataset"], sort=False).score.agg(["mean", "std", "min", "max"])).round(1)
    rows.index = pd.MultiIndex.from_tuples(
        [(TASKS[task].title, DATASETS[dataset]) for task, dataset in rows.index], names=["task", "data set"]
    )
    return rows.rename(columns={"std": "standard deviation", "min": "least", "max": "greatest"})


def _cell(mean: float, deviation: float, least: float | None) -> str:
    text = mean_and_std(mean, deviation)
    return text if least is None or mean >= least else f"{text}, less than the {least:g} asked"
