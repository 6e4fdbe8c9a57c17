"""Losses: their limit cases, and agreement with their formulas written out example by example."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import exp, inf, log

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from srnet.debiasing import losses
from srnet.debiasing.losses import confidence_regularisation, cross_entropy, product_of_experts, reweighting
from srnet.errors import InputError


@dataclass(frozen=True)
class Batch:
    """Logits of the main model, labels, log-probabilities of the bias model and probabilities of the teacher."""

    logits: Tensor
    labels: Tensor
    bias: Tensor
    teacher: Tensor

    def with_gold_bias(self, log_prob: float) -> "Batch":
        return replace(self, bias=self.bias.scatter(1, self.labels[:, None], log_prob))

    def rows(self, index: Tensor) -> "Batch":
        return Batch(self.logits[index], self.labels[index], self.bias[index], self.teacher[index])


LOSSES: dict[str, Callable[[Batch], Tensor]] = {
    "std": lambda batch: cross_entropy(batch.logits, batch.labels),
    "poe": lambda batch: product_of_experts(batch.logits, batch.labels, batch.bias),
    "reweight": lambda batch: reweighting(batch.logits, batch.labels, batch.bias),
    "reweight-normalised": lambda batch: reweighting(batch.logits, batch.labels, batch.bias, normalised=True),
    "confreg": lambda batch: confidence_regularisation(batch.logits, batch.labels, batch.bias, batch.teacher),
}
every_loss = pytest.mark.parametrize("loss", LOSSES)
reweightings = pytest.mark.parametrize("loss", ["reweight", "reweight-normalised"])


@st.composite
def batches(draw: st.DrawFn, precision: torch.dtype = torch.float64) -> Batch:
    """1 to 9 examples of 2 to 4 classes, of models that are unsure or very sure."""
    size, classes = draw(st.integers(1, 9)), draw(st.integers(2, 4))
    sharpness = draw(st.sampled_from([0.1, 1.0, 5.0, 20.0]))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**31)))
    logits, bias, teacher = sharpness * torch.randn(3, size, classes, generator=generator, dtype=precision)
    labels = torch.randint(0, classes, (size,), generator=generator)
    return Batch(logits, labels, bias.log_softmax(dim=1), teacher.softmax(dim=1))


def log_softmax(values: list[float]) -> list[float]:
    peak = max(values)
    normaliser = peak + log(sum(exp(value - peak) for value in values))
    return [value - normaliser for value in values]


def example_by_example(loss: str, batch: Batch) -> float:
    """The paper's formulas in Python's floats."""
    losses, weights = [], []
    for i, gold in enumerate(batch.labels.tolist()):
        main, bias, teacher = log_softmax(batch.logits[i].tolist()), batch.bias[i].tolist(), batch.teacher[i].tolist()
        beta = exp(bias[gold])
        weights.append(1 - beta)
        if loss == "std":
            losses.append(-main[gold])
        elif loss == "poe":
            losses.append(-log_softmax([m + b for m, b in zip(main, bias, strict=True)])[gold])
        elif loss == "confreg":
            flat = [p ** (1 - beta) for p in teacher]
            losses.append(-sum(f / sum(flat) * m for f, m in zip(flat, main, strict=True)))
        else:
            losses.append(-(1 - beta) * main[gold])
    return sum(losses) / (sum(weights) if loss == "reweight-normalised" else len(losses))


def gradient(loss: str, batch: Batch) -> Tensor:
    logits = batch.logits.clone().requires_grad_()
    return torch.autograd.grad(LOSSES[loss](replace(batch, logits=logits)), logits)[0]


@every_loss
@given(batches())
def test_equals_its_formula_example_by_example(loss: str, batch: Batch) -> None:
    batch = replace(batch, bias=batch.bias.clamp(max=-1e-3))  # the formula's 1 - β has no correct digits nearer to 0
    assert LOSSES[loss](batch).item() == pytest.approx(example_by_example(loss, batch), rel=1e-9, abs=1e-12)


@every_loss
@given(st.sampled_from([torch.float32, torch.float64]).flatmap(batches))
def test_is_a_scalar_of_the_precision_of_the_logits(loss: str, batch: Batch) -> None:
    value = LOSSES[loss](batch)
    assert value.dtype == gradient(loss, batch).dtype == batch.logits.dtype
    assert value.shape == ()


@every_loss
@given(batches())
def test_gradient_is_that_of_finite_differences(loss: str, batch: Batch) -> None:
    logits = (batch.logits / batch.logits.abs().max()).requires_grad_()
    assert torch.autograd.gradcheck(lambda logits: LOSSES[loss](replace(batch, logits=logits)), logits)


@every_loss
@given(batches(), st.integers(0, 100))
def test_the_order_of_the_examples_does_not_matter(loss: str, batch: Batch, seed: int) -> None:
    order = torch.randperm(len(batch.labels), generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(LOSSES[loss](batch.rows(order)), LOSSES[loss](batch))
    torch.testing.assert_close(gradient(loss, batch.rows(order)), gradient(loss, batch)[order])


@pytest.mark.parametrize("loss", ["std", "poe", "reweight", "confreg"])
@given(batches())
def test_is_the_mean_over_examples(loss: str, batch: Batch) -> None:
    alone = [LOSSES[loss](batch.rows(torch.tensor([i]))) for i in range(len(batch.labels))]
    torch.testing.assert_close(LOSSES[loss](batch), torch.stack(alone).mean())


@every_loss
@given(batches())
def test_adding_a_constant_to_an_examples_logits_changes_nothing(loss: str, batch: Batch) -> None:
    shifted = replace(batch, logits=batch.logits + 100 * torch.arange(len(batch.labels))[:, None])
    torch.testing.assert_close(LOSSES[loss](shifted), LOSSES[loss](batch), rtol=1e-9, atol=1e-10)


@every_loss
def test_no_gradient_reaches_the_bias_model_or_the_teacher(loss: str) -> None:
    logits = torch.zeros(2, 3, requires_grad=True)
    bias = torch.full((2, 3), 1 / 3).log().requires_grad_()
    teacher = torch.tensor([[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]], requires_grad=True)
    LOSSES[loss](Batch(logits, torch.tensor([0, 1]), bias, teacher)).backward()
    assert logits.grad is not None
    assert logits.grad.abs().sum() > 0
    assert bias.grad is None
    assert teacher.grad is None


@given(batches())
def test_a_uniform_bias_model_makes_product_of_experts_cross_entropy(batch: Batch) -> None:
    batch = replace(batch, bias=torch.zeros_like(batch.bias).log_softmax(dim=1))
    torch.testing.assert_close(LOSSES["poe"](batch), LOSSES["std"](batch))
    torch.testing.assert_close(gradient("poe", batch), gradient("std", batch))


@given(batches())
def test_product_of_experts_learns_little_from_what_the_bias_model_is_sure_and_right_of(batch: Batch) -> None:
    batch = replace(batch, logits=batch.logits.clamp(-3, 3))
    sure = replace(batch, bias=torch.full_like(batch.bias, -20.0)).with_gold_bias(-1e-9)
    assert gradient("poe", sure).abs().max() < 1e-5
    assert gradient("poe", sure).abs().sum() < 0.01 * gradient("std", batch).abs().sum()


@given(batches())
def test_product_of_experts_learns_more_than_cross_entropy_from_what_the_bias_model_gets_wrong(batch: Batch) -> None:
    wrong = replace(batch, bias=torch.zeros_like(batch.bias)).with_gold_bias(-5.0)
    gold = batch.labels[:, None]
    assert (gradient("poe", wrong).gather(1, gold) <= gradient("std", batch).gather(1, gold)).all()  # steeper descent


@reweightings
@pytest.mark.parametrize("log_prob", [-1e9, -inf])
@given(batch=batches())
def test_without_a_biased_example_reweighting_is_cross_entropy(loss: str, log_prob: float, batch: Batch) -> None:
    batch = batch.with_gold_bias(log_prob)
    torch.testing.assert_close(LOSSES[loss](batch), LOSSES["std"](batch))
    torch.testing.assert_close(gradient(loss, batch), gradient("std", batch))


@reweightings
@pytest.mark.parametrize("log_prob", [0.0, 1e-6])  # rounding may lift a log-probability above 0
@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
@given(data=st.data())
def test_where_the_bias_model_is_certain_reweighting_is_zero(
    loss: str, log_prob: float, precision: torch.dtype, data: st.DataObject
) -> None:
    batch = data.draw(batches(precision)).with_gold_bias(log_prob)
    assert LOSSES[loss](batch).item() == 0
    assert not gradient(loss, batch).any()


@given(batches())
def test_normalised_reweighting_is_the_mean_weighted_by_the_weights(batch: Batch) -> None:
    batch = replace(batch, bias=batch.bias.clamp(max=-1e-3))
    weights = 1 - batch.bias.gather(1, batch.labels[:, None]).squeeze(1).exp()
    alone = torch.stack([LOSSES["std"](batch.rows(torch.tensor([i]))) for i in range(len(weights))])
    torch.testing.assert_close(LOSSES["reweight-normalised"](batch), (weights * alone).sum() / weights.sum())


@given(batches())
def test_normalised_and_plain_reweighting_differ_by_the_mean_weight(batch: Batch) -> None:
    mean = -torch.expm1(batch.bias.gather(1, batch.labels[:, None])).mean()
    torch.testing.assert_close(mean * LOSSES["reweight-normalised"](batch), LOSSES["reweight"](batch))


def test_weights_of_a_nearly_certain_bias_model_keep_their_digits() -> None:
    batch = Batch(torch.zeros(1, 2), torch.tensor([0]), torch.tensor([[-1e-9, log(1e-9)]]), torch.full((1, 2), 0.5))
    assert LOSSES["reweight"](batch).item() == pytest.approx(1e-9 * log(2), rel=1e-5)  # 1 - exp(-1e-9) is 0 in float32
    assert LOSSES["reweight-normalised"](batch).item() == pytest.approx(log(2), rel=1e-5)


@given(batches())
def test_where_the_bias_model_is_certain_the_regularised_target_is_uniform(batch: Batch) -> None:
    batch = batch.with_gold_bias(0.0)
    uniform = -batch.logits.log_softmax(dim=1).mean()
    torch.testing.assert_close(LOSSES["confreg"](batch), uniform)


@pytest.mark.parametrize("log_prob", [-1e9, -inf])
@given(batch=batches())
def test_without_a_biased_example_the_regularised_target_is_the_teacher(log_prob: float, batch: Batch) -> None:
    distilled = -(batch.teacher * batch.logits.log_softmax(dim=1)).sum(dim=1).mean()
    torch.testing.assert_close(LOSSES["confreg"](batch.with_gold_bias(log_prob)), distilled)


@given(batches(), st.floats(-5, -0.1), st.floats(-5, -0.1))
def test_a_surer_bias_model_flattens_the_regularised_target(batch: Batch, one: float, other: float) -> None:
    entropies = []
    for log_prob in sorted((one, other)):
        biased = batch.with_gold_bias(log_prob)
        size = len(batch.labels)
        target = batch.logits.softmax(dim=1) - size * gradient("confreg", biased)
        entropies.append(torch.special.entr(target.clamp(min=0)).sum(dim=1))
    assert (entropies[1] >= entropies[0] - 1e-9).all()


@pytest.mark.parametrize("precision", [torch.float32, torch.float64])
@pytest.mark.parametrize("log_prob", [-inf, -1.0, log(0.95), log(0.99), 0.0])
@given(data=st.data())
def test_a_teacher_that_is_certain(precision: torch.dtype, log_prob: float, data: st.DataObject) -> None:
    """Its zeros have no logarithm: 0 to a positive power is 0, and 0 to the power 0 is 1."""
    batch = data.draw(batches(precision)).with_gold_bias(log_prob)
    certain = replace(batch, teacher=torch.eye(batch.logits.shape[1], dtype=precision)[batch.labels])
    value = LOSSES["confreg"](certain)
    expected = -batch.logits.log_softmax(dim=1).mean() if log_prob == 0 else LOSSES["std"](batch)
    torch.testing.assert_close(value, expected)
    assert gradient("confreg", certain).isfinite().all()


@every_loss
@given(batches())
def test_a_class_that_the_bias_model_rules_out(loss: str, batch: Batch) -> None:
    """A wrong class of log-probability minus infinity is the limit of ever smaller ones."""
    wrong = (batch.labels[:, None] + 1) % batch.logits.shape[1]
    ruled_out = replace(batch, bias=batch.bias.scatter(1, wrong, -inf))
    nearly = replace(batch, bias=batch.bias.scatter(1, wrong, -1e4))
    torch.testing.assert_close(LOSSES[loss](ruled_out), LOSSES[loss](nearly))
    torch.testing.assert_close(gradient(loss, ruled_out), gradient(loss, nearly))


@given(batches())
def test_product_of_experts_is_infinite_where_the_bias_model_rules_out_the_gold_class(batch: Batch) -> None:
    assert LOSSES["poe"](batch.with_gold_bias(-inf)).item() == inf


@pytest.mark.parametrize("loss", losses.LOSSES)
def test_objectives_read_the_rows_of_their_examples(loss: str) -> None:
    generator = torch.Generator().manual_seed(0)
    logits, bias, teacher = torch.randn(3, 20, 3, generator=generator)
    bias, teacher = bias.log_softmax(dim=1), teacher.softmax(dim=1)
    labels, index = torch.randint(0, 3, (20,), generator=generator), torch.tensor([17, 3, 3, 8, 0])
    batch = logits[index], labels[index]
    expected = {
        "std": lambda: cross_entropy(*batch),
        "poe": lambda: product_of_experts(*batch, bias[index]),
        "reweight": lambda: reweighting(*batch, bias[index]),
        "reweight-normalised": lambda: reweighting(*batch, bias[index], normalised=True),
        "confreg": lambda: confidence_regularisation(*batch, bias[index], teacher[index]),
    }
    value = losses.make_objective(loss, bias, teacher)(*batch, index)
    assert torch.equal(value, expected[loss]())
    assert sum(torch.equal(value, other()) for other in expected.values()) == 1


def test_objectives_that_lack_something() -> None:
    bias, teacher = torch.zeros(4, 3), torch.full((4, 3), 1 / 3)
    for loss in set(losses.LOSSES) - {"std"}:
        with pytest.raises(InputError, match=f"loss '{loss}' needs bias_log_probs"):
            losses.make_objective(loss, teacher_probs=teacher)
    with pytest.raises(InputError, match="loss 'confreg' needs teacher_probs"):
        losses.make_objective("confreg", bias)
    with pytest.raises(InputError, match="unknown loss 'focal': choose one of std, poe, reweight, confreg"):
        losses.make_objective("focal", bias, teacher)
