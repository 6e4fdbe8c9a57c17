"""Iterative magnitude pruning and training under a mask: when, which and how many weights fall, and what stays put."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise
from math import floor

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.optim.optimizer import register_optimizer_step_pre_hook
from transformers import BertForSequenceClassification

from srnet.debiasing.losses import make_objective
from srnet.errors import InputError
from srnet.masking import Mask, count_zeros
from srnet.pruning.magnitude import (
    LEVELS,
    ImpPlan,
    is_level,
    last_step,
    magnitude_mask,
    prune_iteratively,
)
from srnet.pruning.masked import holding, train_masked
from srnet.training.encoding import Encoded
from srnet.training.families import prunable_weights
from srnet.training.loop import (
    DivergedError,
    Objective,
    Trace,
    TrainingRun,
    fit,
    predict,
)
from srnet.training.recipe import Recipe

RECIPE = Recipe(steps=20, batch_size=8, lr=1e-2)
STD = make_objective("std")
DEFAULT = ImpPlan()
PLANS = [
    DEFAULT,
    ImpPlan(pooler=True),
    ImpPlan(rewind_each_round=True),
    ImpPlan(restart=True),
    ImpPlan(rewind_each_round=True, restart=True),
]
every_plan = pytest.mark.parametrize("plan", PLANS, ids=str)

State = dict[str, Tensor]


def state(model: BertForSequenceClassification) -> State:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same(one: State, other: State) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@dataclass
class Run:
    """What was seen of iterative pruning: events in order, and the weights at them.

    Attributes:
        levels: sparsities given to `at_level`.
        steps: steps that were done when they were given.
        masks: the masks given.
        weights: the model's weights then.
        seen: the weights that each step's forward pass used.
        losses: what the objective gave at each step.
        after: the weights after each step.
        trace: what was returned.
    """

    levels: list[float] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    masks: list[Mask] = field(default_factory=list)
    weights: list[State] = field(default_factory=list)
    seen: list[State] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    after: list[State] = field(default_factory=list)
    trace: Trace = field(default_factory=Trace)


def prune(
    model: BertForSequenceClassification,
    pairs: Encoded,
    plan: ImpPlan = DEFAULT,
    recipe: Recipe = RECIPE,
    objective: Objective = STD,
    seed: int = 1,
) -> Run:
    run = Run()

    def watched(logits: Tensor, labels: Tensor, index: Tensor) -> Tensor:
        assert torch.equal(labels, pairs.labels[index])
        run.seen.append(state(model))
        loss = objective(logits, labels, index)
        run.losses.append(loss.item())
        return loss

    def after_step(step: int) -> None:
        run.after.append(state(model))
        assert len(run.after) == step

    def at_level(level: float, mask: Mask) -> None:
        run.levels.append(level)
        run.steps.append(len(run.after))
        run.masks.append(mask)
        run.weights.append(state(model))

    run.trace = prune_iteratively(model, TrainingRun(pairs, recipe, watched, seed, after_step), plan, at_level)
    return run


def in_force(run: Run) -> Iterator[tuple[int, Mask]]:
    """Yield every step, from 1, with the mask under which it was done."""
    start = 0
    for mask, end in zip(run.masks, run.steps, strict=True):
        for step in range(start + 1, end + 1):
            yield step, mask
        start = end


@contextmanager
def rates() -> Iterator[list[tuple[float, bool]]]:
    """Record the learning rate of every optimiser step, and whether the optimiser has a state yet."""
    recorded: list[tuple[float, bool]] = []

    def record(optimiser: torch.optim.Optimizer, args: object, kwargs: object) -> None:
        recorded.append((optimiser.param_groups[0]["lr"], bool(optimiser.state)))

    handle = register_optimizer_step_pre_hook(record)
    try:
        yield recorded
    finally:
        handle.remove()


@pytest.mark.parametrize(
    ("steps", "ends"),
    [
        (10, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (20, [2, 4, 6, 8, 10, 12, 14, 16, 18]),
        (25, [2, 5, 7, 10, 12, 15, 17, 20, 22]),
    ],
)
def test_every_level_is_given_in_turn_after_a_tenth_of_the_steps(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, steps: int, ends: list[int]
) -> None:
    run = prune(tiny_bert, pairs, recipe=Recipe(steps=steps, batch_size=8, lr=1e-2))
    assert run.levels == [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert run.steps == ends
    assert len(run.trace.losses) == len(run.after) == ends[-1]


@every_plan
def test_counts_are_exact_and_masks_nested(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, plan: ImpPlan
) -> None:
    sizes = {name: weight.numel() for name, weight in prunable_weights(tiny_bert, plan.pooler).items()}
    run = prune(tiny_bert, pairs, plan)
    for level, mask in zip(run.levels, run.masks, strict=True):
        removed = {name: zeros for name, (zeros, _) in mask.zeros().items()}
        assert removed.keys() == sizes.keys()
        assert removed == {name: count_zeros(level, size) for name, size in sizes.items()}
    for before, after in pairwise(run.masks):
        assert all(not (after[name] & ~before[name]).any() for name in after)


def test_what_fell_falls_before_a_kept_weight_that_is_zero(
    tiny_bert: BertForSequenceClassification, pairs: Encoded
) -> None:
    masks: list[Mask] = []

    def at_level(level: float, mask: Mask) -> None:
        masks.append(mask)
        with torch.no_grad():
            for weight in prunable_weights(tiny_bert).values():
                weight.zero_()

    prune_iteratively(tiny_bert, TrainingRun(pairs, RECIPE, STD, 1), DEFAULT, at_level)
    for before, after in pairwise(masks):
        assert all(not (after[name] & ~before[name]).any() for name in after)
    assert [round(mask.sparsity, 2) for mask in masks] == pytest.approx(LEVELS, abs=0.01)


def test_the_pooler_is_pruned_where_that_is_wanted(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    plain, pooled = (prune(deepcopy(tiny_bert), pairs, ImpPlan(pooler=pooler)) for pooler in (False, True))
    assert len(plain.masks[0]) == 6 * 2 + 1
    assert set(pooled.masks[0]) - set(plain.masks[0]) == {"bert.pooler.dense.weight"}
    assert (plain.weights[8]["bert.pooler.dense.weight"] == 0).sum() == 0
    assert (pooled.weights[8]["bert.pooler.dense.weight"] == 0).sum() == 230  # of 256


@every_plan
def test_the_smallest_weights_of_the_moment_fall(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, plan: ImpPlan
) -> None:
    start = {name: weight.detach().clone() for name, weight in prunable_weights(tiny_bert, plan.pooler).items()}
    run = prune(tiny_bert, pairs, plan)
    assert run.masks[0] == magnitude_mask(start, 0.1)
    for level, mask, trained in zip(run.levels[1:], run.masks[1:], run.weights, strict=False):
        assert mask == magnitude_mask({name: trained[name] for name in mask}, level)
    assert run.masks[8] != magnitude_mask(start, 0.9)


@every_plan
def test_removed_weights_are_zero_at_every_step_from_the_first(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, plan: ImpPlan
) -> None:
    run = prune(tiny_bert, pairs, plan)
    steps = list(in_force(run))
    assert [step for step, _ in steps] == list(range(1, 19))
    for step, mask in steps:
        for name, keep in mask.items():
            assert (run.seen[step - 1][name][~keep] == 0).all(), f"{name} in the forward pass of step {step}"
            assert (run.after[step - 1][name][~keep] == 0).all(), f"{name} after step {step}"
    for mask, weights in zip(run.masks, run.weights, strict=True):
        assert all(torch.equal(weights[name] != 0, keep) for name, keep in mask.items())
    assert same(state(tiny_bert), run.weights[-1])


def test_what_is_kept_moves_and_so_does_all_else(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    start = state(tiny_bert)
    run = prune(tiny_bert, pairs)
    end = state(tiny_bert)
    for name, keep in run.masks[-1].items():
        moved = end[name][keep] != start[name][keep]
        assert moved.float().mean() > 0.99, name
    assert all(not torch.equal(start[name], end[name]) for name, _ in tiny_bert.named_parameters())
    # the kept are not scaled or put back when others fall: a step starts from where the last ended
    for step, mask in in_force(run):
        if step > 1:
            for name, weight in run.after[step - 2].items():
                assert torch.equal(run.seen[step - 1][name], weight * mask[name] if name in mask else weight)


@pytest.mark.parametrize("restart", [False, True])
def test_rewinding_goes_on_from_the_start_after_every_pruning(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, restart: bool
) -> None:
    start = state(tiny_bert)
    plain = prune(deepcopy(tiny_bert), pairs, ImpPlan(restart=restart))
    run = prune(tiny_bert, pairs, ImpPlan(rewind_each_round=True, restart=restart))
    firsts = {1, *(end + 1 for end in run.steps[:-1])}
    for step, mask in in_force(run):
        masked = {name: tensor * mask[name] if name in mask else tensor for name, tensor in start.items()}
        assert same(run.seen[step - 1], masked) == (step in firsts), f"step {step}"
        assert same(plain.seen[step - 1], masked) == (step == 1)
    # one step of AdamW without a past moves a weight by its learning rate at most
    if restart:
        for step, mask in in_force(run):
            if step in firsts:
                for name, keep in mask.items():
                    moved = (run.after[step - 1][name] - start[name])[keep].abs()
                    assert 0 < moved.max() <= RECIPE.lr * 1.001
    assert run.masks[0] == plain.masks[0]
    assert run.masks[1] == plain.masks[1]  # chosen by the first round's training, which is the same
    assert run.masks[2] != plain.masks[2]
    assert run.masks[8] != plain.masks[8]


@pytest.mark.parametrize("rewind", [False, True])
def test_restarting_makes_the_learning_rate_a_saw_tooth(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, rewind: bool
) -> None:
    recipe = Recipe(steps=25, batch_size=8, lr=1e-2)
    runs, recorded = [], []
    for restart in (False, True):
        with rates() as seen:
            runs.append(prune(deepcopy(tiny_bert), pairs, ImpPlan(rewind_each_round=rewind, restart=restart), recipe))
        recorded.append(seen)
    one, many = recorded
    ends = runs[0].steps
    firsts = [0, *ends[:-1]]
    since = [step - max(first for first in firsts if first <= step) for step in range(ends[-1])]
    assert [rate for rate, _ in one] == pytest.approx([1e-2 * (25 - step) / 25 for step in range(22)])
    assert [rate for rate, _ in many] == pytest.approx([1e-2 * (25 - step) / 25 for step in since])
    assert [moments for _, moments in one] == [step > 0 for step in range(22)]
    assert [moments for _, moments in many] == [step > 0 for step in since]
    assert runs[0].trace.losses[:3] == runs[1].trace.losses[:3]
    assert runs[0].trace.losses[3:] != runs[1].trace.losses[3:]
    assert runs[0].masks[8] != runs[1].masks[8]


@every_plan
def test_the_same_seed_prunes_the_same_and_leaves_the_random_state(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, plan: ImpPlan
) -> None:
    models = [deepcopy(tiny_bert) for _ in range(3)]
    torch.manual_seed(3)
    first = prune(models[0], pairs, plan)
    torch.rand(7)
    random_state = torch.get_rng_state()
    second = prune(models[1], pairs, plan)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert first.trace == second.trace
    assert first.masks == second.masks
    assert same(state(models[0]), state(models[1]))
    assert prune(models[2], pairs, plan, seed=2).masks != first.masks


def test_evaluating_on_the_way_changes_nothing(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    other = deepcopy(tiny_bert)
    expected = prune(tiny_bert, pairs)
    logits: list[Tensor] = []

    def evaluate(*_: object) -> None:
        logits.append(predict(other, pairs))

    trace = prune_iteratively(other, TrainingRun(pairs, RECIPE, STD, 1, evaluate), DEFAULT, evaluate)
    assert len(logits) == 18 + 9
    assert trace == expected.trace
    assert same(state(tiny_bert), state(other))
    assert not other.training


def informative_bias(pairs: Encoded) -> Tensor:
    """Return log-probabilities of a bias model that is sure, and right for half of the examples, [64, 3]."""
    guess = torch.where(torch.arange(64) % 2 == 0, pairs.labels, (pairs.labels + 1) % 3)
    return torch.full((64, 3), 0.01).scatter(1, guess[:, None], 0.98).log()


def test_the_debiasing_losses_are_used(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    bias, teacher = informative_bias(pairs), predict(tiny_bert, pairs).softmax(1)
    objectives = {loss: make_objective(loss, bias, teacher) for loss in ("std", "poe", "reweight", "confreg")}
    runs = {loss: prune(deepcopy(tiny_bert), pairs, objective=each) for loss, each in objectives.items()}
    assert all(run.trace.losses == run.losses for run in runs.values())
    assert len({run.losses[0] for run in runs.values()}) == len(runs)
    assert all(run.masks[0] == runs["std"].masks[0] for run in runs.values())  # no training has been done yet
    for level in range(1, 9):
        masks = [run.masks[level] for run in runs.values()]
        assert all(one != other for one in masks for other in masks if one is not other)


def test_a_uniform_bias_makes_poe_the_standard_loss(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    poe = make_objective("poe", torch.full((64, 3), 1 / 3).log())
    run = prune(deepcopy(tiny_bert), pairs, objective=poe)
    assert run.trace.losses[0] == pytest.approx(prune(tiny_bert, pairs).trace.losses[0], abs=1e-6)


def gradients(model: BertForSequenceClassification, pairs: Encoded) -> State:
    """Return the gradient of cross-entropy over all examples, without dropout."""
    model.zero_grad()
    everything = torch.arange(len(pairs))
    STD(model(**pairs.inputs(everything, torch.device("cpu"))).logits, pairs.labels, everything).backward()
    found = {name: parameter.grad.clone() for name, parameter in model.named_parameters() if parameter.grad is not None}
    model.zero_grad()
    return found


@pytest.mark.parametrize("loss", ["std", "diverging"])
def test_afterwards_removed_weights_may_be_trained_again(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, loss: str
) -> None:
    before = magnitude_mask(prunable_weights(tiny_bert), 0.1)
    if loss == "std":
        mask = prune(tiny_bert, pairs).masks[8]
    else:
        mask = before
        with pytest.raises(DivergedError, match="loss is nan at step 1"):
            prune(tiny_bert, pairs, objective=make_objective("poe", torch.full((64, 3), float("nan"))))
    assert all((prunable_weights(tiny_bert)[name][~keep] == 0).all() for name, keep in mask.items())
    found = gradients(tiny_bert, pairs)
    assert all(found[name][~keep].any() for name, keep in mask.items())
    assert all(parameter.requires_grad for parameter in tiny_bert.parameters())


@pytest.fixture
def half(tiny_bert: BertForSequenceClassification) -> Mask:
    """A mask that removes half of the weights, at random."""
    generator = torch.Generator().manual_seed(4)
    weights = prunable_weights(tiny_bert)
    return magnitude_mask(
        {name: torch.randn(weight.shape, generator=generator) for name, weight in weights.items()}, 0.5
    )


def train(
    model: BertForSequenceClassification,
    mask: Mask,
    pairs: Encoded,
    recipe: Recipe = RECIPE,
    after_step: Callable[[int], None] = lambda step: None,
    objective: Objective = STD,
) -> Trace:
    return train_masked(model, mask, TrainingRun(pairs, recipe, objective, 1, after_step))


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_training_under_a_mask(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, half: Mask, weight_decay: float
) -> None:
    start = state(tiny_bert)
    steps: list[int] = []
    seen: list[bool] = []

    def removed_are_zero() -> bool:
        weights = prunable_weights(tiny_bert)
        return all((weights[name][~keep] == 0).all() for name, keep in half.items())

    def objective(logits: Tensor, labels: Tensor, index: Tensor) -> Tensor:
        seen.append(removed_are_zero())
        return STD(logits, labels, index)

    def after_step(step: int) -> None:
        steps.append(step)
        seen.append(removed_are_zero())

    recipe = Recipe(steps=20, batch_size=8, lr=1e-2, weight_decay=weight_decay)
    trace = train(tiny_bert, half, pairs, recipe, after_step, objective)
    end = state(tiny_bert)
    assert steps == list(range(1, 21))
    assert seen == [True] * 40
    assert len(trace.losses) == 20
    for name, keep in half.items():
        assert torch.equal(end[name] != 0, keep)
        assert (end[name] != start[name])[keep].float().mean() > 0.99, name
    assert all(not torch.equal(start[name], end[name]) for name, _ in tiny_bert.named_parameters())
    assert not tiny_bert.training
    found = gradients(tiny_bert, pairs)
    assert all(found[name][~keep].any() for name, keep in half.items())


def test_what_the_removed_weights_were_does_not_matter(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, half: Mask
) -> None:
    other = deepcopy(tiny_bert)
    with torch.no_grad():
        for name, weight in prunable_weights(other).items():
            weight[~half[name]] = 7.0
    assert train(tiny_bert, half, pairs) == train(other, half, pairs)
    assert same(state(tiny_bert), state(other))


def test_a_mask_that_removes_nothing_is_plain_training(
    tiny_bert: BertForSequenceClassification, pairs: Encoded
) -> None:
    other = deepcopy(tiny_bert)
    everything = magnitude_mask(prunable_weights(tiny_bert), 0.0)
    expected = fit(other, list(other.parameters()), TrainingRun(pairs, RECIPE, STD, seed=1))
    assert train(tiny_bert, everything, pairs) == expected
    assert same(state(tiny_bert), state(other))


def test_a_mask_that_does_not_fit_changes_nothing(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, half: Mask
) -> None:
    before = state(tiny_bert)
    tall = torch.zeros(4, 16, dtype=torch.bool)
    with pytest.raises(InputError, match=r"'classifier\.weight' is \[4, 16\] in the mask and \[3, 16\] in the model"):
        train(tiny_bert, Mask({**half, "classifier.weight": tall}), pairs)
    with pytest.raises(InputError, match=r"no weight 'decoder\.weight'"):
        train(tiny_bert, Mask({**half, "decoder.weight": tall}), pairs)
    assert same(before, state(tiny_bert))
    found = gradients(tiny_bert, pairs)
    assert all(found[name][~keep].any() for name, keep in half.items())


def norm(gradients: State) -> float:
    return sum(float(gradient.double().square().sum()) for gradient in gradients.values()) ** 0.5


def test_held_gradients_are_those_of_the_masked_model(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, half: Mask
) -> None:
    weights = prunable_weights(tiny_bert)
    free = gradients(tiny_bert, pairs)
    with holding(weights, half) as (held, hold):
        masked = gradients(tiny_bert, pairs)
        for name, gradient in masked.items():
            assert torch.equal(gradient, free[name] * half[name] if name in half else free[name])
        assert norm(masked) < norm(free)
        assert all((weight != 0).all() for weight in weights.values())  # nothing is set until it is asked for
        hold()
        assert all(torch.equal(weight != 0, half[name]) for name, weight in weights.items())
        held["classifier.weight"] = torch.zeros_like(held["classifier.weight"])
        assert (gradients(tiny_bert, pairs)["classifier.weight"] == 0).all()
        hold()
        assert (weights["classifier.weight"] == 0).all()
    assert (gradients(tiny_bert, pairs)["classifier.weight"] != 0).all()


@pytest.mark.parametrize("method", ["train_masked", "prune_iteratively"])
def test_removed_weights_count_in_no_gradient_norm(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, half: Mask, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure, measured = torch.linalg.vector_norm, []

    def record(gradient: Tensor) -> Tensor:
        grads = {name: parameter.grad.clone() for name, parameter in tiny_bert.named_parameters()}  # type: ignore[union-attr]
        measured.append((grads, float(measure(gradient))))
        return measure(gradient)

    monkeypatch.setattr(torch.linalg, "vector_norm", record)
    if method == "train_masked":
        train(tiny_bert, half, pairs)
        masks = [half] * 20
    else:
        masks = [mask for _, mask in in_force(prune(tiny_bert, pairs))]
    monkeypatch.undo()
    assert len(measured) == len(masks)
    for (grads, total), mask in zip(measured, masks, strict=True):
        assert all((grads[name][~keep] == 0).all() for name, keep in mask.items())
        kept = {name: gradient[mask[name]] if name in mask else gradient for name, gradient in grads.items()}
        assert total == pytest.approx(norm(kept), rel=1e-5)


@pytest.mark.parametrize("steps", [1, 9])
def test_too_few_steps_are_refused(tiny_bert: BertForSequenceClassification, pairs: Encoded, steps: int) -> None:
    before = state(tiny_bert)
    with pytest.raises(InputError, match=f"{steps} steps are too few for iterative pruning: give at least 10"):
        prune(tiny_bert, pairs, recipe=Recipe(steps=steps, batch_size=8))
    assert same(before, state(tiny_bert))


@given(st.integers(-200, 200))
def test_levels_are_the_tenths_between_none_and_all(percent: int) -> None:
    assert is_level(percent / 100) == (percent in range(10, 100, 10))


def test_levels() -> None:
    assert LEVELS == (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    assert all(is_level(level) for level in LEVELS)
    assert not any(is_level(sparsity) for sparsity in (0, 1, 0.15, 0.301, 0.1 + 0.2))


@given(steps=st.integers(10, 200_000))
def test_last_steps_are_a_tenth_apart(steps: int) -> None:
    ends = [last_step(level, steps) for level in LEVELS]
    assert ends == [floor(Fraction(str(level)) * steps) for level in LEVELS]
    assert all(after - before in {steps // 10, -(-steps // 10)} for before, after in pairwise([0, *ends, steps]))
