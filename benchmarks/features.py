"""What the bias features cost: of pairs and of claims, and as a ratio to a plain word-by-word computation.

Run as ``python benchmarks/features.py``; it takes some twenty seconds. The text is MNLI's training set where SRNET_DATA
is set, else the pocket world's. Vectors are random: speed does not depend on their values. Each figure is the median of
interleaved repetitions, so that a machine whose speed drifts, or that others share, does not favour one side.
"""

import os

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # read when NumPy is imported

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import numpy as np

from srnet.bias import claim_features, overlap_features, pair_features
from srnet.pocket import World, build_nli
from srnet.tasks import load_task
from srnet.vectors import WordVectors, words_of

REPETITIONS, PAIRS, PLAIN_PAIRS = 5, 20_000, 300


def seconds_each(action: Callable[[], object], items: int) -> float:
    start = time.perf_counter()
    action()
    return (time.perf_counter() - start) / items


def random_vectors(sentences: Sequence[str], dimension: int) -> tuple[WordVectors, dict[str, np.ndarray]]:
    vocabulary = sorted({word for sentence in sentences for word in words_of(sentence)})
    vectors = np.random.default_rng(0).standard_normal((len(vocabulary), dimension), dtype=np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    row = {word: index for index, word in enumerate(vocabulary)}
    return (
        WordVectors(dimension, lambda words: vectors[[row[word] for word in words]]),
        {word: vectors[index] for word, index in row.items()},
    )


def plain(premises: Sequence[str], hypotheses: Sequence[str], unit: dict[str, np.ndarray]) -> list[list[float]]:
    """Return mean and minimum of the greatest similarity, word pair by word pair."""
    features = []
    for premise, hypothesis in zip(premises, hypotheses, strict=True):
        greatest = [
            max((1.0 if word == other else float(unit[word] @ unit[other]) for other in words_of(premise)), default=0.0)
            for word in words_of(hypothesis)
        ] or [0.0]
        features.append([sum(greatest) / len(greatest), min(greatest)])
    return features


def measure(premises: Sequence[str], hypotheses: Sequence[str], dimension: int) -> str:
    vectors, unit = random_vectors([*premises, *hypotheses], dimension)
    few = premises[:PLAIN_PAIRS], hypotheses[:PLAIN_PAIRS]
    np.testing.assert_allclose(pair_features(*few, vectors)[:, 3:], plain(*few, unit), atol=1e-5)
    runs = [
        (
            seconds_each(lambda: pair_features(premises, hypotheses, vectors), len(premises)),
            seconds_each(lambda: claim_features(hypotheses, vectors), len(premises)),
            seconds_each(lambda: overlap_features(premises, hypotheses), len(premises)),
            seconds_each(lambda: plain(*few, unit), len(few[0])),
        )
        for _ in range(REPETITIONS)
    ]
    pairs, claims, overlap, _ = (median(run[side] for run in runs) for side in range(4))
    return (
        f"{dimension} dimensions: {1 / pairs:,.0f} pairs/s ({1e6 * pairs / 60:.1f} min a million), "
        f"{1 / claims:,.0f} claims/s; overlap alone {1 / overlap:,.0f} pairs/s; "
        f"plain / fast: {median(run[3] / run[0] for run in runs):.0f}"
    )


def main() -> None:
    folder = os.environ.get("SRNET_DATA")
    text = (load_task("nli", Path(folder)) if folder else build_nli(World())).train
    premises, hypotheses = text["premise"][:PAIRS], text["hypothesis"][:PAIRS]
    print(f"{len(premises)} pairs of {'MNLI' if folder else 'the pocket world'}, one thread")
    for dimension in (100, 300):
        print(measure(premises, hypotheses, dimension))


if __name__ == "__main__":
    main()
