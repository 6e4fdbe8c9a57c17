"""How far a claim's effect hangs on which examples are in the test sets: a paired bootstrap.

Each test set is drawn anew, with replacement and of its own size, and every model is scored on the same draw. A claim
compares models on the same examples, so what makes an example easy for all of them cancels out.

The seeds stay as they are: an interval says nothing of other seeds, which the spread is for. Where an effect is the
smallest of several, its interval lies too low.
"""

import zlib

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from srnet.data.tasks import TASKS
from srnet.errors import InputError
from srnet.experiments.expressions import tokenised
from srnet.store.results import examples, logits
from srnet.store.store import Store
from srnet.study.choice import Study
from srnet.training.metrics import Gold, hits

SEED = 0  # of the draws
BLOCK = 100  # draws at a time, which bounds the memory that the counts of HANS's 30,000 examples need


def resampled(table: pd.DataFrame, study: Study, figure: str, store: Store, draws: int = 1000) -> pd.DataFrame:
    """Return a figure's headline scores with those in resampled test sets beside them.

    Args:
        table: the figure's results (`Study.table`).
        study: the choice that they are of.
        figure: its name.
        store: where the logits are.
        draws: number of resampled test sets, B; the same draws for every figure, so that claims may compare figures.

    Returns:
        The rows of `table`, with B more columns 0 to B - 1: the score in each draw, a share in [0, 1]. Without those
        columns, if the store has the records alone.
    """
    overall = table.reset_index(drop=True)
    points = {(run.experiment.key, run.start): run for run in study.runs(figure)}
    scores = np.empty((len(overall), draws))
    try:
        found = {point: logits(run.experiment, store) for point, run in points.items()}
        for (task, dataset), rows in overall.groupby(["task", "dataset"]):
            of_rows = [found[point][dataset] for point in zip(rows.key, rows.start, strict=True)]
            tokens = tokenised(points[rows.key.iloc[0], rows.start.iloc[0]].experiment)
            rng = np.random.default_rng([SEED, zlib.crc32(dataset.encode())])
            gold = examples(tokens, dataset, store).gold
            scores[rows.index] = resampled_scores(of_rows, gold, TASKS[task].metric, draws, rng)
    except InputError:  # records that came without the files that belong to them
        return overall
    return overall.join(pd.DataFrame(scores))


def resampled_scores(
    logits: list[torch.Tensor], gold: Gold, metric: str, draws: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return the headline score of models in resampled test sets, the same for all.

    Args:
        logits: of each of R models, float [N, K].
        gold: of the N examples.
        metric: the task's headline score, "accuracy" or "weighted_f1".
        draws: number of resampled test sets, B.
        rng: where the draws come from.

    Returns:
        float64 [R, B], shares in [0, 1].
    """
    labels = gold.labels.numpy()
    score = _weighted_f1 if metric == "weighted_f1" else _accuracy
    right = np.stack([hits(each, gold).numpy() for each in logits])
    predicted = np.stack([each.argmax(dim=-1).numpy() for each in logits])
    even = np.full(len(labels), 1 / len(labels))
    blocks = [min(BLOCK, draws - start) for start in range(0, draws, BLOCK)]
    counts = (rng.multinomial(len(labels), even, size=size).astype(np.float32) for size in blocks)
    return np.concatenate([score(right, predicted, labels, weights) for weights in counts], axis=1)


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
