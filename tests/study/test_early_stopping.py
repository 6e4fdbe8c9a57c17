"""When fine-tuning would be stopped."""

import pytest

from srnet.study.early_stopping import stop


@pytest.mark.parametrize(
    ("scores", "wanted"),
    [
        ([0.5, 0.6, 0.7, 0.8, 0.9], 50),  # gains to the end
        ([0.5, 0.7, 0.705, 0.708, 0.709, 0.9], 50),  # three in a row that gain too little
        ([0.5, 0.7, 0.6, 0.6, 0.8, 0.7, 0.7, 0.7], 80),  # a gain in time starts the count anew
        ([0.9, 0.5, 0.5, 0.5, 0.99], 40),
        ([0.5], 10),
    ],
)
def test_fine_tuning_stops_after_three_evaluations_without_a_gain(scores: list[float], wanted: int) -> None:
    assert stop([(10 * (place + 1), score) for place, score in enumerate(scores)]) == wanted


def test_small_gains_do_not_add_up_but_are_measured_from_the_best_that_counted() -> None:
    slow = [(step, 0.5 + 0.004 * step) for step in range(1, 11)]
    assert stop(slow) == 10  # every third evaluation is a point above the one that counted last
    assert stop(slow, patience=2) == 3
