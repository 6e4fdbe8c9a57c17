"""Mask training: what is frozen, what moves, what is counted, what is chosen."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise, product
from math import floor

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from transformers import BertForSequenceClassification

from srnet.debiasing.losses import LOSSES, make_objective
from srnet.errors import InputError
from srnet.masking import count_zeros
from srnet.pruning.learned import LearnedMasks, MatrixMask, StraightThrough
from srnet.pruning.magnitude import magnitude_mask
from srnet.pruning.mask_training import (
    Gradual,
    MaskPlan,
    MaskSearch,
    Watch,
    cubic_sparsity,
    initial_masks,
    train_mask,
)
from srnet.training.encoding import Encoded
from srnet.training.families import prunable_weights
from srnet.training.flat import Flat
from srnet.training.loop import (
    DivergedError,
    Objective,
    TrainingRun,
    predict,
)
from srnet.training.metrics import Gold, headline
from srnet.training.recipe import Recipe

RECIPE = Recipe(steps=10, batch_size=8, lr=1e-2)
PLAN = MaskPlan(0.5, interval=2)
STD = make_objective("std")


def search(
    model: BertForSequenceClassification,
    pairs: Encoded,
    plan: MaskPlan = PLAN,
    recipe: Recipe = RECIPE,
    objective: Objective = STD,
    watch: Watch | None = None,
) -> MaskSearch:
    run = TrainingRun(pairs, recipe, objective, 1)
    return train_mask(model, run, lambda step: accuracy(model, pairs), plan, watch)


def accuracy(model: BertForSequenceClassification, pairs: Encoded) -> float:
    return headline(predict(model, pairs), Gold(pairs.labels), "accuracy")


def state(model: BertForSequenceClassification) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same(before: dict[str, Tensor], after: dict[str, Tensor]) -> bool:
    return before.keys() == after.keys() and all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("init", ["hard", "soft"])
@pytest.mark.parametrize("sparsity", [0.0, 0.29, 0.5, 0.9, 0.99])
def test_every_matrix_has_the_exact_count(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, sparsity: float, init: str
) -> None:
    found = search(tiny_bert, pairs, MaskPlan(sparsity, 2, init))
    assert set(found.mask) == set(prunable_weights(tiny_bert))
    for name, (removed, size) in found.mask.zeros().items():
        assert removed == count_zeros(sparsity, size), name


@pytest.mark.parametrize("loss", LOSSES)
def test_with_every_loss_no_weight_moves_and_the_mask_does(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, loss: str
) -> None:
    before, start = state(tiny_bert), magnitude_mask(prunable_weights(tiny_bert), 0.5)
    generator = torch.Generator().manual_seed(2)
    bias, teacher = (torch.randn(64, 3, generator=generator) for _ in range(2))
    objective = make_objective(loss, bias.log_softmax(1), teacher.softmax(1))
    scores: list[dict[str, Tensor]] = []
    found = search(
        tiny_bert,
        pairs,
        recipe=replace(RECIPE, lr=5e-2),
        objective=objective,
        watch=lambda step, masks: scores.append({name: mask.scores.clone() for name, mask in masks.items()}),
    )
    assert same(before, state(tiny_bert))
    assert all(parameter.requires_grad for parameter in tiny_bert.parameters())
    assert all(parameter.grad is None for parameter in tiny_bert.parameters())
    first = {name: mask.scores for name, mask in initial_masks(prunable_weights(tiny_bert), PLAN).items()}
    for name in start:
        assert not torch.equal(scores[0][name], first[name])
        assert not torch.equal(scores[9][name], scores[8][name])
        assert not torch.equal(start[name], found.mask[name])
    assert len(found.trace.losses) == 10


def test_every_loss_finds_another_mask(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    generator = torch.Generator().manual_seed(2)
    bias, teacher = (torch.randn(64, 3, generator=generator) for _ in range(2))
    objectives = [make_objective(loss, bias.log_softmax(1), teacher.softmax(1)) for loss in LOSSES]
    found = [search(tiny_bert, pairs, objective=objective) for objective in objectives]
    assert len({found[i].trace.losses[0] for i in range(len(LOSSES))}) == len(LOSSES)
    assert all(one.mask != other.mask for one in found for other in found if one is not other)


def test_the_model_s_own_weights_come_back(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    before = dict(tiny_bert.named_parameters())
    search(tiny_bert, pairs)
    after = dict(tiny_bert.named_parameters())
    assert before.keys() == after.keys()
    assert all(before[name] is after[name] for name in before)  # an optimiser made before holds them still


def test_what_was_frozen_before_is_frozen_after(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    tiny_bert.bert.embeddings.requires_grad_(False)
    before = {name: parameter.requires_grad for name, parameter in tiny_bert.named_parameters()}
    search(tiny_bert, pairs)
    assert {name: parameter.requires_grad for name, parameter in tiny_bert.named_parameters()} == before


def test_only_scores_are_trained(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    before, frozen = state(tiny_bert), list[bool]()

    def watch(step: int, masks: Mapping[str, MatrixMask]) -> None:
        frozen.append(not any(parameter.requires_grad for parameter in tiny_bert.parameters()))
        assert same(before, state(tiny_bert)), step

    search(tiny_bert, pairs, watch=watch)
    assert frozen == [True] * 10


def test_the_same_seed_finds_the_same_mask_and_leaves_the_random_state(
    tiny_bert: BertForSequenceClassification, pairs: Encoded
) -> None:
    torch.manual_seed(3)
    first = search(tiny_bert, pairs)
    torch.rand(7)
    random_state = torch.get_rng_state()
    second = search(tiny_bert, pairs)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert first.mask == second.mask
    assert first.trace == second.trace


def test_the_chosen_mask_is_the_best_of_the_last_steps(
    tiny_bert: BertForSequenceClassification, pairs: Encoded
) -> None:
    found = search(tiny_bert, pairs, MaskPlan(0.5, 1))
    assert [step for step, _ in found.selection] == [8, 9, 10]
    best = max(accuracy for _, accuracy in found.selection)
    assert found.step == next(step for step, accuracy in found.selection if accuracy == best)
    found.mask.apply_to(tiny_bert)
    assert accuracy(tiny_bert, pairs) == best


def test_of_equal_candidates_the_first_is_chosen(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    kept: dict[int, dict[str, Tensor]] = {}

    def watch(step: int, masks: Mapping[str, MatrixMask]) -> None:
        kept[step] = {name: mask.keep for name, mask in masks.items()}

    found = train_mask(tiny_bert, TrainingRun(pairs, RECIPE, STD, 1), lambda step: 0.0, MaskPlan(0.5, 1), watch)
    assert found.selection == [(8, 0.0), (9, 0.0), (10, 0.0)]
    assert found.step == 8
    assert all(torch.equal(found.mask[name], keep) for name, keep in kept[8].items())
    assert any(not torch.equal(found.mask[name], keep) for name, keep in kept[10].items())


def test_the_score_that_is_given_decides(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    run = TrainingRun(pairs, RECIPE, STD, 1)
    found = train_mask(tiny_bert, run, {8: 0.1, 9: 0.3, 10: 0.2}.__getitem__, MaskPlan(0.5, 1))
    assert (found.step, found.selection) == (9, [(8, 0.1), (9, 0.3), (10, 0.2)])


def test_with_curves_every_solved_mask_is_scored_and_the_same_is_chosen(
    tiny_bert: BertForSequenceClassification, pairs: Encoded
) -> None:
    seen: list[tuple[int, bool, Tensor]] = []
    plan = MaskPlan(0.5, 2)

    def score(step: int) -> float:
        value = accuracy(tiny_bert, pairs)
        seen.append((step, tiny_bert.training, next(iter(prunable_weights(tiny_bert).values())) != 0))
        return value

    found = train_mask(tiny_bert, TrainingRun(pairs, RECIPE, STD, 1), score, replace(plan, curves=True))
    assert [step for step, _, _ in seen] == [2, 4, 6, 8, 10]
    assert not any(training for _, training, _ in seen)
    assert all(int((~keep).sum()) == count_zeros(0.5, keep.numel()) for _, _, keep in seen)
    assert found == search(tiny_bert, pairs, plan)


@given(steps=st.integers(1, 300), interval=st.integers(1, 100))
def test_candidates_are_solved_steps_of_the_window(steps: int, interval: int) -> None:
    candidates = MaskPlan(0.5, interval).candidates(steps)
    assert candidates[-1] == steps
    assert all(10 * step > 7 * steps for step in candidates)
    assert all(step % interval == 0 for step in candidates[:-1])
    missed = set(range(interval, steps, interval)) - set(candidates)
    assert all(10 * step <= 7 * steps for step in missed)


@given(
    steps=st.integers(1, 300),
    interval=st.integers(1, 100),
    ramp=st.floats(0.01, 1),
    window=st.sampled_from([0.0, 0.3, 0.7]),
)
def test_candidates_of_a_gradual_run_have_the_target_sparsity(
    steps: int, interval: int, ramp: float, window: float
) -> None:
    plan = MaskPlan(0.9, interval, gradual=Gradual(0.2, ramp), window=window)
    candidates = plan.candidates(steps)
    assert candidates[-1] == steps
    assert all(plan.sparsity_after(step, steps) == 0.9 for step in candidates)
    assert set(candidates) <= set(MaskPlan(0.9, interval, window=window).candidates(steps))
    if ramp == 1:
        assert candidates == [steps]


def test_a_rise_to_the_end_leaves_the_last_mask_alone(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    plan = MaskPlan(0.9, 1, gradual=Gradual(0.5, ramp=1.0))
    assert plan.candidates(1000) == [1000]
    found = search(tiny_bert, pairs, plan)
    assert [step for step, _ in found.selection] == [found.step] == [10]
    assert found.mask.zeros() == {
        name: (count_zeros(0.9, weight.numel()), weight.numel()) for name, weight in prunable_weights(tiny_bert).items()
    }


def test_without_a_window_every_solved_step_is_a_candidate(
    tiny_bert: BertForSequenceClassification, pairs: Encoded
) -> None:
    assert MaskPlan(0.5, 30, window=0).candidates(100) == [30, 60, 90, 100]
    found = search(tiny_bert, pairs, MaskPlan(0.5, 3, window=0))
    assert [step for step, _ in found.selection] == [3, 6, 9, 10]


def test_straight_through_gradient() -> None:
    first, second = torch.tensor([[2.0, -3.0], [5.0, 1.0]]), torch.tensor([[1.0, 4.0]])
    weights = Flat([first, second])
    scores = torch.tensor([0.0, 0.02, 0.01, 0.02, 0.0, -2.0], requires_grad=True)
    cuts, slope = torch.tensor([[0.01], [0.01], [-1.0]]), torch.tensor([7.0, 8.0, 9.0, 1.0, 2.0, 3.0])
    masked = StraightThrough.apply(scores, cuts, weights.whole, weights, torch.float32)
    sum((part * each).sum() for part, each in zip(masked, weights.parts(slope), strict=True)).backward()
    assert [part.tolist() for part in masked] == [[[0, -3], [0, 1]], [[1, 0]]]  # a score at the threshold falls
    assert scores.grad is not None
    assert torch.equal(scores.grad, slope * weights.whole)


def test_rounded_masked_weights_are_those_of_autocast() -> None:
    generator = torch.Generator().manual_seed(1)
    weights, scores = (torch.randn(6, 5, generator=generator) for _ in range(2))
    layout = Flat([weights])
    (masked,) = StraightThrough.apply(scores.flatten(), torch.zeros(6, 1), layout.whole, layout, torch.bfloat16)
    assert torch.equal(masked, (weights * (scores > 0)).bfloat16())


def test_training_mode_follows_the_scores_and_evaluation_mode_the_last_solution(
    tiny_bert: BertForSequenceClassification, pairs: Encoded
) -> None:
    weights = prunable_weights(tiny_bert)
    before = {name: weight.detach().clone() for name, weight in weights.items()}
    masks = LearnedMasks(tiny_bert, weights, initial_masks(weights, PLAN))
    start = masks.kept()
    inputs = pairs.inputs(torch.arange(4), torch.device("cpu"))

    def kept_in(model: BertForSequenceClassification) -> dict[str, Tensor]:
        model(**inputs)
        return {name: weight != 0 for name, weight in prunable_weights(model).items()}

    with masks.applied(), torch.no_grad():
        masks.scores.whole.neg_()  # what was kept falls, and nothing rises above the threshold
        assert same(kept_in(tiny_bert.eval()), start)
        assert not any(keep.any() for keep in kept_in(tiny_bert.train()).values())
        assert same(kept_in(tiny_bert.eval()), start)
        masks.solve(0.25)
        solved = {name: mask.scores > mask.cut for name, mask in masks.matrices().items()}
        assert same(kept_in(tiny_bert), masks.kept())
        assert same(kept_in(tiny_bert.train()), solved)
    assert same(before, prunable_weights(tiny_bert))


def test_sparsity_zero_is_the_dense_model(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    dense = predict(tiny_bert, pairs)
    search(tiny_bert, pairs, MaskPlan(0.0, 2)).mask.apply_to(tiny_bert)
    assert torch.equal(predict(tiny_bert, pairs), dense)


def test_both_initialisations_start_from_the_magnitude_mask(tiny_bert: BertForSequenceClassification) -> None:
    weights = prunable_weights(tiny_bert)
    expected = magnitude_mask(weights, 0.7)
    hard = initial_masks(weights, MaskPlan(0.7, 1, "hard"))
    soft = initial_masks(weights, MaskPlan(0.7, 1, "soft"))
    for name, weight in weights.items():
        for mask in (hard[name], soft[name]):
            assert torch.equal(mask.keep, expected[name])
            assert torch.equal(mask.scores > mask.cut, expected[name])
        assert torch.equal(soft[name].scores, weight.abs())
        assert torch.equal(hard[name].scores, 0.02 * expected[name])
        assert hard[name].cut == torch.tensor(0.01)
    assert len({mask.cut.item() for mask in soft.values()}) == len(weights)


def test_soft_scores_are_trained_apart_from_the_weights(
    tiny_bert: BertForSequenceClassification, pairs: Encoded
) -> None:
    before = state(tiny_bert)
    soft = search(tiny_bert, pairs, MaskPlan(0.5, 2, "soft"))
    assert same(before, state(tiny_bert))
    assert soft.mask != magnitude_mask(prunable_weights(tiny_bert), 0.5)
    assert soft.mask != search(tiny_bert, pairs).mask


def test_the_pooler_is_masked_where_that_is_wanted(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    assert len(search(tiny_bert, pairs).mask) == 6 * 2 + 1
    mask = search(tiny_bert, pairs, MaskPlan(0.5, 2, pooler=True)).mask
    assert len(mask) == 6 * 2 + 2
    assert mask.zeros()["bert.pooler.dense.weight"] == (128, 256)


def test_a_rising_sparsity_is_solved_for_at_every_interval(
    tiny_bert: BertForSequenceClassification, pairs: Encoded
) -> None:
    recipe = Recipe(steps=20, batch_size=8, lr=1e-2)
    kept: list[dict[str, Tensor]] = []
    fits: list[bool] = []

    def watch(step: int, masks: Mapping[str, MatrixMask]) -> None:
        kept.append({name: mask.keep.clone() for name, mask in masks.items()})
        fits.append(all(torch.equal(mask.scores > mask.cut, mask.keep) for mask in masks.values()))

    plan = MaskPlan(0.9, 3, "soft", gradual=Gradual(0.25))
    first = {name: mask.keep for name, mask in initial_masks(prunable_weights(tiny_bert), plan).items()}
    found = search(tiny_bert, pairs, plan, recipe, watch=watch)
    assert all(int((~keep).sum()) == count_zeros(0.25, keep.numel()) for keep in first.values())
    for step in range(1, 21):
        before, now = first if step == 1 else kept[step - 2], kept[step - 1]
        if step % 3 and step != 20:
            assert same(before, now), f"solved at step {step}"
            continue
        # of 20 steps the sparsity rises for 14
        left = max(1 - Fraction(step, 14), Fraction(0))
        sparsity = Fraction(9, 10) + (Fraction(1, 4) - Fraction(9, 10)) * left**3
        assert fits[step - 1], f"threshold and mask disagree at step {step}"
        for name, keep in now.items():
            assert int((~keep).sum()) == floor(sparsity * keep.numel()), f"{name} at step {step}"
    assert [step for step, _ in found.selection] == [15, 18, 20]
    assert all(torch.equal(found.mask[name], keep) for name, keep in kept[found.step - 1].items())
    assert all(removed == count_zeros(0.9, size) for removed, size in found.mask.zeros().values())


def test_tied_scores_fall_in_the_exact_number(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    plan = MaskPlan(0.5, 2, gradual=Gradual(0.25))
    start = magnitude_mask(prunable_weights(tiny_bert), 0.25)
    mask = search(tiny_bert, pairs, plan, objective=lambda logits, labels, index: 0 * logits.sum()).mask
    assert all(removed == count_zeros(0.5, size) for removed, size in mask.zeros().values())
    assert all(not (mask[name] & ~start[name]).any() for name in mask)  # scores are 0 or α·φ still


def test_a_rise_that_is_none_is_fixed_sparsity(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    fixed = search(tiny_bert, pairs)
    flat = search(tiny_bert, pairs, replace(PLAN, gradual=Gradual(0.5)))
    rising = search(tiny_bert, pairs, replace(PLAN, gradual=Gradual(0.2)))
    assert flat == fixed
    assert rising.mask != fixed.mask


@given(initial=st.floats(0, 0.99), final=st.floats(0, 0.99), progress=st.lists(st.floats(-1, 2), min_size=2))
def test_the_cubic_rise_is_monotonous_and_meets_its_ends(initial: float, final: float, progress: list[float]) -> None:
    initial, final = sorted((initial, final))
    values = [cubic_sparsity(initial, final, each) for each in sorted(progress)]
    assert all(later - earlier > -1e-15 for earlier, later in pairwise(values))  # but for rounding
    assert (
        cubic_sparsity(initial, final, -0.5) == cubic_sparsity(initial, final, 0) == pytest.approx(initial, abs=1e-15)
    )
    assert cubic_sparsity(initial, final, 1.5) == cubic_sparsity(initial, final, 1) == final


def test_plans_out_of_range() -> None:
    with pytest.raises(InputError, match="sparsity is 1"):
        MaskPlan(1.0, 2)
    with pytest.raises(InputError, match="interval is 0"):
        MaskPlan(0.5, 0)
    with pytest.raises(InputError, match=r"init 'gentle' is unknown: choose one of hard, soft"):
        MaskPlan(0.5, 2, "gentle")
    with pytest.raises(InputError, match=r"from 0\.51 to 0\.5 falls"):
        MaskPlan(0.5, 2, gradual=Gradual(0.51))
    with pytest.raises(InputError, match=r"sparsity is -0\.1"):
        Gradual(-0.1)
    for ramp in (0.0, -0.5, 1.01, float("nan")):
        with pytest.raises(InputError, match="ramp is"):
            Gradual(0.5, ramp)


def test_divergence_leaves_the_model_whole(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    before = state(tiny_bert)
    objective = make_objective("poe", torch.full((64, 3), float("nan")))
    with pytest.raises(DivergedError, match="loss is nan at step 1"):
        search(tiny_bert, pairs, objective=objective)
    assert same(before, state(tiny_bert))
    assert all(parameter.requires_grad for parameter in tiny_bert.parameters())


def test_a_rising_sparsity_starts_with_the_exact_count() -> None:
    weights = {"w": torch.randn(10, 10, generator=torch.Generator().manual_seed(0))}
    for final, initial in product(range(1, 100, 7), range(99)):
        if initial <= final:
            start = initial_masks(weights, MaskPlan(final / 100, 1, gradual=Gradual(initial / 100)))["w"]
            assert int((~start.keep).sum()) == initial, (initial, final)


@pytest.mark.parametrize("window", [1.0, 1.5, float("nan"), -1.0])
def test_a_window_without_steps_is_refused(window: float) -> None:
    with pytest.raises(InputError, match="window is"):
        MaskPlan(0.5, 2, window=window)


@pytest.mark.parametrize("steps", range(10, 400, 10))
def test_the_window_opens_after_exactly_seven_tenths(steps: int) -> None:
    assert MaskPlan(0.5, 1).candidates(steps)[0] == 7 * steps // 10 + 1


def test_parameters_keep_their_order(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    before = list(tiny_bert.state_dict())
    search(tiny_bert, pairs)
    assert list(tiny_bert.state_dict()) == before
