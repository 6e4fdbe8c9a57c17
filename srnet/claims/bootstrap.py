"""How far a claim's margin hangs on which seeds were run and which examples are in the test sets.

In each draw of the bootstrap, the seeds are drawn anew with replacement, and so are the examples of each test set. The
draws are the same for all models and figures: a claim compares models on the same seeds and examples, so what makes one
of them easy for all models cancels out. All seeds are tested on the same examples, so both are drawn once and not
examples within seeds.

`scipy.stats.bootstrap` is not used: it draws along one axis, while a claim has two of them, and it pairs what stands in
one call, while claims share draws across figures, which makes scoring 30,000 examples a thousand times affordable.
"""

import zlib
from statistics import NormalDist

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from srnet.claims.guessing import guesses
from srnet.data.tasks import TASKS
from srnet.errors import InputError
from srnet.experiments.expressions import tokenised
from srnet.store.layout import gold, predictions
from srnet.store.store import Store
from srnet.study.choice import Study
from srnet.training.metrics import Gold, hits

SEED = 0  # of the draws
DRAWS = 1000
BLOCK = 100  # draws at a time, which bounds the memory that the counts of HANS's 30,000 examples need
CONFIDENCE = 0.95


def resampled(table: pd.DataFrame, study: Study, figure: str, store: Store, draws: int = DRAWS) -> pd.DataFrame:
    """Return a figure's headline scores with those in resampled test sets beside them.

    Args:
        table: the figure's results (`Study.table`).
        study: the choice that they are of.
        figure: its name.
        store: where the models' predictions are.
        draws: number of resampled test sets, B; the same draws for every figure, so that claims may compare figures.

    Returns:
        The rows of `table` and those of `srnet.claims.guessing.guesses`, with B more columns 0 to B - 1: the score in
        each draw, a share in [0, 1]. Without those columns, if the store has the records alone, or if the figure shows
        scores during training, of which no predictions are kept.
    """
    overall = table.reset_index(drop=True)
    if "step" in overall:
        return overall
    guessed = guesses(overall, store)
    points = {(run.experiment.key, run.start): run for run in study.runs(figure)}
    scores = np.empty((len(overall), draws))
    try:
        found = {point: predictions(run.experiment, store) for point, run in points.items()}
        for (task, dataset), rows in overall.groupby(["task", "dataset"]):
            of_rows = [found[point][dataset] for point in zip(rows.key, rows.start, strict=True)]
            tokens = tokenised(points[rows.key.iloc[0], rows.start.iloc[0]].experiment)
            rng = np.random.default_rng([SEED, zlib.crc32(dataset.encode())])
            of_set = gold(tokens, dataset, store)
            scores[rows.index] = resampled_scores(of_rows, of_set, TASKS[task].metric, draws, rng)
        overall = overall.join(pd.DataFrame(scores))
        guessed = guessed.join(pd.DataFrame(dict.fromkeys(range(draws), guessed.score)))
    except InputError:  # records that came without the files that belong to them
        pass
    return overall if guessed.empty else pd.concat([overall, guessed], ignore_index=True)


def drawn(table: pd.DataFrame) -> list[int]:
    """Return the columns of a table that hold scores in resampled test sets."""
    return [column for column in table.columns if isinstance(column, int)]


def seed_weights(seeds: int, draws: int) -> NDArray[np.float64]:
    """Return the weight of each seed in a mean: the same for all as measured, then how often each draw has it.

    Args:
        seeds: number of seeds, S.
        draws: number of resampled test sets, B; if there are none, seeds alone are drawn, `DRAWS` times, if there are
            several.

    Returns:
        float64 [S, 1 + B], each column of the sum 1; the same for the same S and B, whatever the figure.
    """
    even, rng = np.full(seeds, 1 / seeds), np.random.default_rng([SEED, seeds])
    count = draws or (DRAWS if seeds > 1 else 0)
    return np.column_stack([even, (rng.multinomial(seeds, even, size=count) / seeds).T])


def interval(margins: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 95 % interval of a margin, which always has the margin in it.

    The bias-corrected percentile interval (Efron, 1981): the smallest of several margins comes out lower in the draws
    than as measured, and plain percentiles would pass that off as evidence against a finding. What is left of it makes
    findings fail: of twelve margins that are each truly 1.25 standard errors above the border, the smallest comes out
    as negative in 11 % of cases (with plain percentiles in 35 %).

    Args:
        margins: as measured, then in each draw, float [1 + B], B at least 1.
    """
    measured, draws = margins[0], margins[1:]
    below = ((draws < measured).mean() + (draws <= measured).mean()) / 2
    normal, least = NormalDist(), 0.5 / len(draws)
    shift, tail = 2 * normal.inv_cdf(float(np.clip(below, least, 1 - least))), normal.inv_cdf((1 + CONFIDENCE) / 2)
    low, high = np.quantile(draws, [normal.cdf(shift - tail), normal.cdf(shift + tail)])
    return float(min(low, measured)), float(max(high, measured))


def resampled_scores(
    predicted: list[torch.Tensor], gold: Gold, metric: str, draws: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the headline score of models in resampled test sets, the same for all.

    Args:
        predicted: classes of each of R models, int64 [N].
        gold: of the N examples.
        metric: the task's headline score, "accuracy" or "weighted_f1".
        draws: number of resampled test sets, B.
        rng: where the draws come from.

    Returns:
        float64 [R, B], shares in [0, 1].
    """
    labels = gold.labels.numpy()
    score = _weighted_f1 if metric == "weighted_f1" else _accuracy
    right = np.stack([hits(each, gold).numpy() for each in predicted])
    classes = np.stack([each.numpy() for each in predicted])
    even = np.full(len(labels), 1 / len(labels))
    blocks = [min(BLOCK, draws - start) for start in range(0, draws, BLOCK)]
    counts = (rng.multinomial(len(labels), even, size=size).astype(np.float32) for size in blocks)
    return np.concatenate([score(right, classes, labels, weights) for weights in counts], axis=1)


def _accuracy(
    right: NDArray[np.bool_], predicted: NDArray[np.int64], labels: NDArray[np.int64], weights: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return accuracies [R, B] of right [R, N] under how often each example was drawn, [B, N]."""
    return (right @ weights.T).astype(np.float64) / len(labels)


def _weighted_f1(
    right: NDArray[np.bool_], predicted: NDArray[np.int64], labels: NDArray[np.int64], weights: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Return `srnet.training.metrics.weighted_f1` [R, B] under how often each example was drawn."""
    total = np.zeros((len(right), len(weights)))
    for name in np.unique(labels):
        gold, given = (labels == name) @ weights.T, (predicted == name) @ weights.T
        found = (right & (labels == name)) @ weights.T
        total += gold / len(labels) * 2 * found / np.maximum(gold + given, 1)  # neither gold nor given: no share in it
    return total
