"""The recipe of a mask where none is given."""

from dataclasses import replace

import pytest
import torch
from transformers import BertForSequenceClassification

from srnet import Recipe
from srnet.debiasing.losses import make_objective
from srnet.own import rates
from srnet.own.rates import LOOK, MARGIN, RATES, choose_rate, guessing, usual_recipe
from srnet.pruning.mask_training import MaskPlan
from srnet.training.encoding import Encoded
from srnet.training.loop import DivergedError, TrainingRun
from srnet.training.models import weights_digest

PLAN = MaskPlan(0.7, 5)


@pytest.mark.parametrize(("examples", "steps"), [(100, 1000), (6400, 1000), (32_000, 5000), (392_702, 61_359)])
def test_steps_follow_the_number_of_examples_within_bounds(examples: int, steps: int) -> None:
    recipe = usual_recipe(examples)
    assert (recipe.steps, recipe.warmup) == (steps, steps // 10)
    assert usual_recipe(10_000_000).steps == 80_000
    assert usual_recipe(examples, 70).steps == 70


def test_guessing_is_the_entropy_of_the_classes_where_there_is_no_bias(pairs: Encoded) -> None:
    shares = (pairs.labels.bincount() + 1) / (len(pairs) + 3)
    expected = -(shares.log()[pairs.labels]).mean()
    assert guessing(make_objective("std"), pairs, 3) == pytest.approx(float(expected))


def test_a_bias_that_knows_all_leaves_nothing_to_guess(pairs: Encoded) -> None:
    sure = torch.full((64, 3), 1e-6)
    sure[torch.arange(64), pairs.labels] = 1 - 2e-6
    assert guessing(make_objective("poe", sure.log()), pairs, 3) == pytest.approx(0, abs=1e-4)


def run(pairs: Encoded) -> TrainingRun:
    return TrainingRun(pairs, Recipe(50, batch_size=8), make_objective("std"), 0)


def losses_at(monkeypatch: pytest.MonkeyPatch, found: dict[float, float]) -> None:
    monkeypatch.setattr(rates, "_loss", lambda model, run, plan: found[run.recipe.lr])


def test_the_largest_rate_that_learns_less_a_margin(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses_at(monkeypatch, dict(zip(RATES, (9.0, 1.2, 0.9, 0.5, 0.4, 0.3), strict=True)))
    look = choose_rate(tiny_bert, run(pairs), PLAN)
    assert look.rate == RATES[2] / MARGIN
    assert look.steps == 3 * LOOK
    assert look.learns


def test_where_nothing_learns_the_lowest_loss_is_taken(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, monkeypatch: pytest.MonkeyPatch
) -> None:
    losses_at(monkeypatch, dict(zip(RATES, (9.0, 8.0, 7.0, 2.0, 3.0, 4.0), strict=True)))
    look = choose_rate(tiny_bert, run(pairs), PLAN)
    assert look.rate == RATES[3]
    assert not look.learns


def test_a_look_repeats_and_leaves_the_model(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    before = weights_digest(tiny_bert.state_dict())
    first, second = (choose_rate(tiny_bert, run(pairs), PLAN) for _ in range(2))
    assert first == second
    assert weights_digest(tiny_bert.state_dict()) == before


def test_a_loss_that_diverges_is_none_that_learns(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, monkeypatch: pytest.MonkeyPatch
) -> None:
    def diverge(*_: object) -> None:
        raise DivergedError("the training loss is inf")

    monkeypatch.setattr(rates, "train_mask", diverge)
    short = replace(run(pairs), recipe=Recipe(50, batch_size=8, lr=1.0))
    assert rates._loss(tiny_bert, short, PLAN) == float("inf")
