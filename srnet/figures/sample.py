"""Scores that were computed anew beside those that are published (`srnet.study.sample`)."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from srnet.data.tasks import DATASETS, TASKS
from srnet.figures.panels import panels
from srnet.figures.style import BLACK, GREY, GRID, METRICS, RED, canvas, label_of, legend
from srnet.study.comparison import in_words
from srnet.study.sample import CHAIN
from srnet.study.summary import mean_and_std

SEEDS: dict[str, Any] = {"color": GREY, "marker": "|", "markersize": 10, "markeredgewidth": 1}
SAME_SEED: dict[str, Any] = {"color": BLACK, "marker": "o", "markersize": 8.5, "markerfacecolor": "none"}
HERE: dict[str, Any] = {"color": RED, "marker": "D", "markersize": 4}


def sample_dots(points: pd.DataFrame, seeds: pd.DataFrame, source: str) -> Figure:
    """Draw each score of a sample over those that are published, a row of panels for each task.

    OOD data sets of a task share a scale.

    Args:
        points: `srnet.study.sample.Sample.points`.
        seeds: `srnet.study.sample.Sample.of_all_seeds`.
        source: what the results are results of.

    Raises:
        InputError: if there is nothing to draw.
    """
    steps = [curve for curve in CHAIN if curve in set(points.curve)]
    drawn = pd.concat([points, seeds])

    def ends(dataset: str) -> dict[str, float]:
        scores = drawn[drawn.dataset == dataset].score
        return {"low": scores.min(), "high": scores.max()}

    with canvas(0.5 + points.task.nunique() * (0.75 + 0.29 * len(steps)), source) as figure:
        for panel in panels(figure, points, ["curve"], ends)[0]:
            axis, own = panel.axis, panel.scores
            task, dataset = own.task.iloc[0], own.dataset.iloc[0]
            published = seeds[(seeds.task == task) & (seeds.dataset == dataset)]
            for (name, style), (scores, shown) in zip(
                (("published, each seed", SEEDS), ("published, the same seed", SAME_SEED), ("computed here", HERE)),
                ((published, "score"), (own, "published"), (own, "score")),
                strict=True,
            ):
                places = [steps.index(curve) for curve in scores.curve]
                axis.plot(100 * scores[shown], places, linestyle="none", clip_on=False, zorder=3, label=name, **style)
            axis.set(xlim=panel.range, ylim=(len(steps) - 0.5, -0.5), xlabel=METRICS[TASKS[task].metric])
            axis.set_yticks(range(len(steps)), [label_of(curve) for curve in steps] if panel.first else [])
            axis.tick_params(axis="y", length=0, pad=7)  # a ring at the end of the scale sticks out
            axis.grid(**GRID)
            axis.set_axisbelow(True)
            if panel.first:
                axis.set_ylabel(TASKS[task].title)
        legend(figure)
    return figure


def sample_table(points: pd.DataFrame, seeds: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of a sample in %, and beside each what is published of its seed and of all.

    Args:
        points: `srnet.study.sample.Sample.points`.
        seeds: `srnet.study.sample.Sample.of_all_seeds`.

    Returns:
        A row per task, step of the chain and data set. Differences are in points; "equal" is bit for bit, and "same
        setup" whether both were computed with the same libraries on processors of the same name
        (`srnet.store.records.same_setup`).
    """
    where = ["task", "curve", "dataset"]
    published = (100 * seeds.set_index(where).score).groupby(level=where)
    rows = []
    for point in points.itertuples():
        of_seeds = published.get_group((point.task, point.curve, point.dataset))
        rows.append(
            {
                "task": TASKS[point.task].title,
                "step": label_of(point.curve),
                "data set": DATASETS.get(point.dataset, point.dataset),
                "seed": point.seed,
                "here": f"{100 * point.score:.1f}",
                "published": f"{100 * point.published:.1f}",
                "difference": f"{100 * (point.score - point.published):+.2f}",
                f"{len(of_seeds)} published seeds": mean_and_std(of_seeds.mean(), of_seeds.std()),
                "from – to": f"{of_seeds.min():.1f} – {of_seeds.max():.1f}",
                "equal": "yes" if point.equal else "no",
                "same setup": "yes" if point.same_setup else "no",
            }
        )
    return pd.DataFrame(rows).set_index(["task", "step", "data set"])


def sample_tests(compared: pd.DataFrame) -> pd.DataFrame:
    """Return how a sample compares with what is published, task by task.

    Args:
        compared: `srnet.study.sample.Sample.compared`.

    Returns:
        A row per task, and one for all: the number of scores and of those that are equal bit for bit; of the others the
        mean and the largest difference, and the mean one of two published seeds, in points; and what the test says.
    """
    numbers = {"mean": "mean", "largest": "largest", "between_seeds": "two seeds"}
    text = compared[list(numbers)].map(lambda value: "" if pd.isna(value) else f"{value:.2f}")
    shown = compared[["points", "equal"]].rename(columns={"points": "scores"})
    shown = shown.join(text.rename(columns=numbers)).set_axis(compared.figure.rename(None))
    return shown.assign(**{"more than seeds do?": compared.apply(in_words, axis=1).to_numpy()})
