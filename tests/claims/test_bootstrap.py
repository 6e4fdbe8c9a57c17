"""Intervals over seeds and examples: paired, of the right width, and fair to the smallest of several margins."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from srnet.claims.bootstrap import DRAWS, interval, resampled_scores, seed_weights
from srnet.data.tasks import HANS_LABELS
from srnet.training.metrics import Gold, weighted_f1


def made_up_set(names: tuple[str, ...], labels: np.ndarray) -> Gold:
    return Gold(torch.from_numpy(labels), names, np.full(len(labels), ""))


def redrawn(size: int, draws: int, seed: int) -> list[np.ndarray]:
    """Return the examples of each resampled test set, drawn as `resampled_scores` does."""
    counts = np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), size=draws)
    return [np.repeat(np.arange(size), row) for row in counts]


@given(seed=st.integers(0, 1000))
def test_resampled_weighted_f1_is_that_of_the_drawn_examples(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels, logits = rng.integers(2, size=15), torch.from_numpy(rng.normal(size=(15, 2)))
    given, gold = [logits.argmax(dim=-1)], made_up_set(("no", "yes"), labels)
    scores = resampled_scores(given, gold, "weighted_f1", 5, np.random.default_rng(7))
    wanted = [weighted_f1(logits[each], torch.from_numpy(labels[each])) for each in redrawn(15, 5, 7)]
    assert scores[0] == pytest.approx(wanted)


def test_resampled_accuracy_is_two_way_on_hans() -> None:
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(2, size=40), rng.integers(3, size=40)
    given, gold = [torch.from_numpy(predicted)], made_up_set(HANS_LABELS, labels)
    scores = resampled_scores(given, gold, "accuracy", 3, np.random.default_rng(7))
    hits = (predicted != 0) == (labels != 0)
    assert scores[0] == pytest.approx([hits[each].mean() for each in redrawn(40, 3, 7)])


def test_models_share_the_draws() -> None:
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(3, size=50), torch.from_numpy(rng.integers(3, size=50))
    other = predicted.clone()
    other[0] = labels[0]
    data = made_up_set(("a", "b", "c"), labels)
    first, same, better = resampled_scores([predicted, predicted, other], data, "accuracy", 250, rng)
    assert first.shape == (250,)
    assert (first == same).all()
    assert (better >= first).all()
    assert first.std() == pytest.approx(np.sqrt(first.mean() * (1 - first.mean()) / 50), rel=0.2)


def test_seeds_are_drawn_with_replacement_and_alike_for_all_figures() -> None:
    weights = seed_weights(3, 500)
    assert weights.shape == (3, 501)
    assert weights.sum(axis=0) == pytest.approx(1)
    assert weights[:, 0] == pytest.approx(1 / 3)
    assert set(np.round(3 * weights[:, 1:]).astype(int).ravel()) == {0, 1, 2, 3}
    assert (weights == seed_weights(3, 500)).all()


def test_one_seed_is_never_drawn_apart_and_records_alone_are_drawn_by_seed() -> None:
    assert (seed_weights(1, 20) == 1).all()
    assert seed_weights(1, 0).shape == (1, 1)
    assert seed_weights(2, 0).shape == (2, 1 + DRAWS)


def study(rng: np.random.Generator, seeds: int, size: int, lead: float, noise: float) -> np.ndarray:
    """Return margins of one model over another, measured and drawn, where its true lead is known.

    Both models share how hard the examples are, and each seed has a lead of its own.
    """
    hard, leads = rng.normal(0, 1, size), rng.normal(lead, noise, seeds)
    base = hard + rng.normal(0, 0.3, (seeds, size)) > 0
    model = hard + leads[:, None] + rng.normal(0, 0.3, (seeds, size)) > 0
    counts = rng.multinomial(size, np.full(size, 1 / size), size=300)
    scores = [np.column_stack([each.mean(axis=1), each @ counts.T / size]) for each in (model, base)]
    return np.asarray((seed_weights(seeds, 300) * (scores[0] - scores[1])).sum(axis=0))


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(0)
    truth = np.mean([study(rng, 8, 20_000, 0.3, 0.1)[0] for _ in range(20)])
    found = [interval(study(rng, 8, 200, 0.3, 0.1)) for _ in range(200)]
    covered = np.mean([low <= truth <= high for low, high in found])
    assert 0.9 <= covered <= 0.995


def test_pairing_makes_intervals_narrow() -> None:
    rng = np.random.default_rng(0)
    low, high = interval(study(rng, 8, 500, 0.0, 0.0))
    alone = 2 * 1.96 * np.sqrt(2 * 0.25 / 500)  # of two models on different examples
    assert high - low < alone / 2


def test_seeds_that_differ_make_intervals_wide() -> None:
    rng = np.random.default_rng(0)
    (low, high), (low_alike, high_alike) = (interval(study(rng, 4, 500, 0.3, noise)) for noise in (0.5, 0.0))
    assert high - low > 2 * (high_alike - low_alike)


def test_the_smallest_of_many_true_margins_is_called_negative_far_less_often_than_by_plain_percentiles() -> None:
    rng = np.random.default_rng(0)
    wrong = {"corrected": 0, "plain": 0}
    for _ in range(200):
        measured = rng.normal(0.5, 0.4, 12)  # cells that are all positive in truth
        drawn = rng.normal(measured, 0.4, (500, 12))
        margins = np.array([measured.min(), *drawn.min(axis=1)])
        wrong["corrected"] += interval(margins)[1] < 0
        wrong["plain"] += np.quantile(margins[1:], 0.975) < 0
    assert 2 * wrong["corrected"] < wrong["plain"]


@given(st.lists(st.floats(-50, 50), min_size=2, max_size=40))
def test_an_interval_has_the_measured_margin_in_it(margins: list[float]) -> None:
    low, high = interval(np.array(margins))
    assert low <= margins[0] <= high
    assert low >= min(margins)
    assert high <= max(margins)
