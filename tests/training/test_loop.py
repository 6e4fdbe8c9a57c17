"""The loop: batches, prediction, determinism, clipping, restarts and objectives."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.optim.optimizer import Optimizer, register_optimizer_step_pre_hook
from transformers import BertForSequenceClassification

from srnet.debiasing.losses import make_objective
from srnet.errors import InputError
from srnet.training.encoding import Encoded, length_grouped
from srnet.training.loop import DivergedError, Objective, Trace, TrainingRun, fit, predict, shuffled_batches
from srnet.training.recipe import Recipe

STD = make_objective("std")


@given(size=st.integers(1, 500), batch_size=st.integers(1, 40), seed=st.integers(0, 1000))
def test_an_epoch_of_batches_holds_every_example_once(size: int, batch_size: int, seed: int) -> None:
    lengths = torch.randint(1, 30, (size,), generator=torch.Generator().manual_seed(seed))
    batches = length_grouped(lengths, batch_size, torch.Generator().manual_seed(seed))
    count = -(-size // batch_size)
    for _ in range(2):
        epoch = [next(batches) for _ in range(count)]
        assert sorted(torch.cat(epoch).tolist()) == list(range(size))
        assert max(len(batch) for batch in epoch) <= batch_size


def test_batches_are_of_similar_length_and_not_in_order_of_length() -> None:
    lengths = torch.randint(1, 129, (3200,), generator=torch.Generator().manual_seed(0))
    batches = length_grouped(lengths, 32, torch.Generator().manual_seed(0))
    epoch = [lengths[next(batches)] for _ in range(100)]
    padded = sum(int(batch.max()) * len(batch) for batch in epoch)
    assert padded < 1.05 * lengths.sum()
    firsts = torch.stack([batch.max() for batch in epoch[:50]])
    assert not torch.equal(firsts, firsts.sort().values)
    assert not torch.equal(firsts, firsts.sort(descending=True).values)


def test_inputs_are_cut_to_the_longest_example(pairs: Encoded) -> None:
    order = pairs.lengths.argsort(stable=True)
    index = torch.cat([order[:5], order[len(order) // 2 :][:1]])
    assert len(set(pairs.lengths[index].tolist())) > 1
    inputs = pairs.inputs(index, torch.device("cpu"))
    assert inputs["input_ids"].shape == (6, int(pairs.lengths[index].max()))
    assert inputs["attention_mask"].sum(1).tolist() == pairs.lengths[index].tolist()


def test_examples_of_one_length_have_no_mask(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    index = (pairs.lengths == pairs.lengths[0]).nonzero().flatten()[:4]
    inputs = pairs.inputs(index, torch.device("cpu"))
    assert "attention_mask" not in inputs
    tiny_bert.eval()
    with torch.no_grad():
        masked = tiny_bert(**inputs, attention_mask=torch.ones_like(inputs["input_ids"])).logits
        torch.testing.assert_close(tiny_bert(**inputs).logits, masked)


def test_prediction_does_not_depend_on_order_or_padding(
    tiny_bert: BertForSequenceClassification, pairs: Encoded
) -> None:
    logits = predict(tiny_bert, pairs)
    for row in (0, 17, 63):
        alone = tiny_bert(**pairs.inputs(torch.tensor([row]), torch.device("cpu"))).logits[0]
        torch.testing.assert_close(logits[row], alone, atol=1e-6, rtol=1e-5)


def train(model: BertForSequenceClassification, pairs: Encoded, steps: int = 60) -> list[float]:
    recipe = Recipe(steps=steps, batch_size=16, lr=3e-3, warmup=5)
    return fit(model, list(model.parameters()), TrainingRun(pairs, recipe, make_objective("std"), seed=1)).losses


def test_training_learns_and_repeats_bit_for_bit(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    start = {name: tensor.clone() for name, tensor in tiny_bert.state_dict().items()}
    first = train(tiny_bert, pairs)
    assert sum(first[-10:]) < 0.8 * sum(first[:10])
    end = {name: tensor.clone() for name, tensor in tiny_bert.state_dict().items()}
    tiny_bert.load_state_dict(start)
    torch.rand(5)
    assert train(tiny_bert, pairs) == first
    assert all(torch.equal(tensor, end[name]) for name, tensor in tiny_bert.state_dict().items())


def test_tokens_are_counted(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    recipe = Recipe(steps=4, batch_size=16)
    batches = list(pairs.lengths.argsort().split(16))
    trace = fit_all(tiny_bert, pairs, batches, recipe)
    assert trace.tokens == pairs.lengths.sum()
    assert trace.tokens + trace.padding == sum(16 * int(pairs.lengths[batch].max()) for batch in batches)


@dataclass
class Steps:
    """What the optimiser was given at every step: clipped gradients, learning rate, steps in its state before."""

    gradients: list[list[Tensor]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    ages: list[int] = field(default_factory=list)

    def see(self, optimiser: Optimizer, args: object, kwargs: object) -> None:
        (group,) = optimiser.param_groups
        (whole,) = group["params"]
        self.gradients.append(list(whole.grad.clone().split(self.sizes)))
        self.rates.append(group["lr"])
        self.ages.append(max((int(state["step"]) for state in optimiser.state.values()), default=0))


@pytest.fixture
def steps(tiny_bert: BertForSequenceClassification) -> Iterator[Steps]:
    seen = Steps(sizes=[parameter.numel() for parameter in tiny_bert.parameters()])
    handle = register_optimizer_step_pre_hook(seen.see)
    yield seen
    handle.remove()


@pytest.fixture
def steady(tiny_bert: BertForSequenceClassification) -> BertForSequenceClassification:
    """Without dropout, so that a loss depends on weights and batch alone."""
    for module in tiny_bert.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return tiny_bert


def fit_all(
    model: BertForSequenceClassification,
    pairs: Encoded,
    batches: list[Tensor],
    recipe: Recipe,
    restarts: tuple[int, ...] = (),
    objective: Objective = STD,
    after_step: Callable[[int], None] = lambda step: None,
) -> Trace:
    """Train on these batches and no others; where they end, the training ends."""
    run = TrainingRun(pairs, recipe, objective, 1, after_step)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("srnet.training.loop.shuffled_batches", lambda *_: iter(batches))
        return fit(model, list(model.parameters()), run, restarts)


def weights_of(model: nn.Module) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(tensor, other[name]) for name, tensor in one.items())


def test_gradients_are_clipped_together_or_each_by_itself(
    steady: BertForSequenceClassification, pairs: Encoded, steps: Steps
) -> None:
    start, batch = weights_of(steady), [torch.arange(16)]
    free = Recipe(steps=1, batch_size=16, clip=1e9)
    fit_all(steady, pairs, batch, free)
    raw = steps.gradients[0]
    norms = torch.stack([gradient.norm() for gradient in raw])
    clip = norms.median().item()  # above half of the tensors' norms, and below the norm of all together
    assert norms.min() < clip < norms.max() < norms.norm()
    for each in (False, True):
        steady.load_state_dict(start)
        fit_all(steady, pairs, batch, replace(free, clip=clip, clip_each=each))
    together, by_themselves = steps.gradients[1:]
    for before, norm, common, own in zip(raw, norms, together, by_themselves, strict=True):
        torch.testing.assert_close(common, before * (clip / (norms.norm() + 1e-6)))  # as torch divides
        torch.testing.assert_close(own, before * (clip / (norm + 1e-6)).clamp(max=1.0))


def test_clipping_each_tensor_changes_what_is_learned(steady: BertForSequenceClassification, pairs: Encoded) -> None:
    start, batches, recipe = weights_of(steady), list(torch.arange(64).split(16)), Recipe(steps=4, clip=0.1, lr=1e-3)
    fit_all(steady, pairs, batches, recipe)
    together = weights_of(steady)
    steady.load_state_dict(start)
    fit_all(steady, pairs, batches, replace(recipe, clip_each=True))
    assert not equal(weights_of(steady), together)


@pytest.mark.parametrize("raw_epsilon", [False, True])
def test_a_restart_is_a_second_training(
    steady: BertForSequenceClassification, pairs: Encoded, steps: Steps, raw_epsilon: bool
) -> None:
    start, batches = weights_of(steady), list(torch.arange(64).split(8))
    recipe = Recipe(steps=8, batch_size=8, lr=1e-2, warmup=2, raw_epsilon=raw_epsilon)
    losses = fit_all(steady, pairs, batches[:5], recipe).losses + fit_all(steady, pairs, batches[5:], recipe).losses
    end = weights_of(steady)
    steady.load_state_dict(start)
    assert fit_all(steady, pairs, batches, recipe, restarts=(5,)).losses == losses
    assert equal(weights_of(steady), end)
    steady.load_state_dict(start)
    assert fit_all(steady, pairs, batches, recipe).losses[:5] == losses[:5]
    assert not equal(weights_of(steady), end)

    rates = [1e-2 * rate for rate in (0, 1 / 2, 1, 5 / 6, 4 / 6, 3 / 6, 2 / 6, 1 / 6)]
    assert steps.rates == pytest.approx(2 * (rates[:5] + rates[:3]) + rates)
    assert steps.ages == 2 * [0, 1, 2, 3, 4, 0, 1, 2] + [0, 1, 2, 3, 4, 5, 6, 7]


def test_several_restarts_make_a_saw_tooth(steady: BertForSequenceClassification, pairs: Encoded, steps: Steps) -> None:
    fit_all(steady, pairs, list(torch.arange(64).split(8)), Recipe(steps=8, lr=8e-3), restarts=(3, 6, 8))
    assert steps.rates == pytest.approx([8e-3, 7e-3, 6e-3, 8e-3, 7e-3, 6e-3, 8e-3, 7e-3])
    assert steps.ages == [0, 1, 2, 0, 1, 2, 0, 1]


def test_a_run_that_ends_early_has_the_schedule_of_all_its_steps(
    steady: BertForSequenceClassification, pairs: Encoded, steps: Steps
) -> None:
    seen: list[int] = []
    run = TrainingRun(pairs, Recipe(steps=8, batch_size=8, lr=8e-3), STD, 1, seen.append)
    trace = fit(steady, list(steady.parameters()), run, last_step=3)
    assert seen == [1, 2, 3]
    assert len(trace.losses) == 3
    assert steps.rates == pytest.approx([8e-3, 7e-3, 6e-3])


def test_the_order_of_examples_is_that_of_the_seed(steady: BertForSequenceClassification, pairs: Encoded) -> None:
    recipe, seen = Recipe(steps=30, batch_size=8), list[list[int]]()

    def watched(logits: Tensor, labels: Tensor, index: Tensor) -> Tensor:
        seen.append(index.tolist())
        return STD(logits, labels, index)

    for seed in (1, 1, 2):
        fit(steady, list(steady.parameters()), TrainingRun(pairs, recipe, watched, seed))
    assert seen[:30] == seen[30:60] == [each.tolist() for each in islice(shuffled_batches(pairs, recipe, 1), 30)]
    assert seen[60:] != seen[:30]


def test_only_the_parameters_given_move(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    before, state = weights_of(tiny_bert), torch.get_rng_state()
    recipe = Recipe(steps=3, batch_size=8, lr=1e-2, weight_decay=0.1)
    fit(tiny_bert, [tiny_bert.get_parameter("classifier.weight")], TrainingRun(pairs, recipe, STD, seed=1))
    moved = [name for name, tensor in weights_of(tiny_bert).items() if not torch.equal(tensor, before[name])]
    assert moved == ["classifier.weight"]
    assert not tiny_bert.training
    assert torch.equal(torch.get_rng_state(), state)


def test_a_loss_that_diverges_is_an_error(steady: BertForSequenceClassification, pairs: Encoded) -> None:
    ruled_out = torch.zeros(64, 3)
    ruled_out[8:16] = -torch.inf
    batches, recipe = list(torch.arange(64).split(8)), Recipe(steps=8)
    objective = make_objective("poe", ruled_out)
    with pytest.raises(DivergedError, match=r"training loss is (nan|inf) at step 2"):
        fit_all(steady, pairs, batches, recipe, objective=objective)


@pytest.mark.parametrize("values", [{"steps": 2.5}, {"warmup": -1}, {"lr": float("nan")}, {"weight_decay": -0.1}])
def test_recipes_that_cannot_be_followed(values: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="recipe: "):
        replace(Recipe(steps=10), **values)
