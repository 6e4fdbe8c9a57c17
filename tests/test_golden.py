"""Parity with values computed by the paper's official code, where its reading and the paper's coincide.

The values in tests/golden were produced with llyx97/sparse-and-robust-PLM at commit 773dab1 on torch 2.13, CPU.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from transformers import BertConfig, BertForSequenceClassification, get_linear_schedule_with_warmup

from srnet.debiasing.losses import (
    confidence_regularisation,
    cross_entropy,
    make_objective,
    product_of_experts,
    reweighting,
)
from srnet.masking import solve
from srnet.pruning.learned import MatrixMask
from srnet.pruning.mask_training import (
    INITIAL_SCALE,
    INITIAL_THRESHOLD,
    Gradual,
    MaskPlan,
    cubic_sparsity,
    initial_masks,
    train_mask,
)
from srnet.training.encoding import Encoded
from srnet.training.families import prunable_weights
from srnet.training.loop import TrainingRun, predict
from srnet.training.recipe import Recipe

GOLDEN = Path(__file__).parent / "golden"
LOSSES = np.load(GOLDEN / "losses.npz")
MASKS, FACTS = np.load(GOLDEN / "mask_init.npz"), json.loads((GOLDEN / "mask_init.json").read_text())
SCHEDULE = json.loads((GOLDEN / "schedule.json").read_text())
RUN = np.load(GOLDEN / "tiny_bert_mask_training.npz")
SPARSITIES = [0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99]
PRECISIONS = [("", torch.float32), ("_f64", torch.float64)]
LABELS = torch.from_numpy(LOSSES["C3_labels"])


def given(name: str, precision: torch.dtype = torch.float64) -> Tensor:
    return torch.from_numpy(LOSSES[f"C3_{name}"]).to(precision)


def compute(loss: str, logits: Tensor) -> Tensor:
    bias, teacher = given("bias_logprobs", logits.dtype), given("teacher_probs", logits.dtype)
    match loss:
        case "ce_plain":
            return cross_entropy(logits, LABELS)
        case "poe":
            return product_of_experts(logits, LABELS, bias)
        case "reweight":
            return reweighting(logits, LABELS, bias, normalised=True)
        case "confreg":
            return confidence_regularisation(logits, LABELS, bias, teacher)
    never_right = bias.scatter(1, LABELS[:, None], -1e9)  # β = 0: the teacher's probabilities as they are
    return confidence_regularisation(logits, LABELS, never_right, teacher)


@pytest.mark.parametrize(("name", "precision"), PRECISIONS)
@pytest.mark.parametrize("loss", ["ce_plain", "poe", "reweight", "confreg", "distill"])
def test_losses_and_their_gradients(loss: str, name: str, precision: torch.dtype) -> None:
    logits = given("logits", precision).requires_grad_()
    value = compute(loss, logits)
    (gradient,) = torch.autograd.grad(value, logits)
    assert value.dtype == gradient.dtype == precision
    assert value.item() == pytest.approx(float(LOSSES[f"C3_{loss}{name}"]), abs=1e-6)
    np.testing.assert_allclose(gradient.numpy(), LOSSES[f"C3_{loss}_grad{name}"], atol=1e-6, rtol=0)


def test_weights_of_reweighting() -> None:
    """Without normalisation, an example's gradient is that of its cross-entropy times w / B."""
    logits = given("logits").requires_grad_()
    (gradient,) = torch.autograd.grad(reweighting(logits, LABELS, given("bias_logprobs")), logits)
    of_cross_entropy = logits.softmax(dim=1) - torch.eye(3)[LABELS]
    weights = len(LABELS) * gradient.norm(dim=1) / of_cross_entropy.norm(dim=1)
    np.testing.assert_allclose(weights.detach().numpy(), LOSSES["C3_reweight_weights"], atol=1e-6, rtol=0)


def test_target_of_confidence_regularisation() -> None:
    """The gradient of a cross-entropy to a target is (softmax - target) / B."""
    logits = given("logits").requires_grad_()
    (gradient,) = torch.autograd.grad(compute("confreg", logits), logits)
    target = logits.softmax(dim=1) - len(LABELS) * gradient
    np.testing.assert_allclose(target.detach().numpy(), LOSSES["C3_confreg_smoothed_teacher"], atol=1e-6, rtol=0)


def official_mask(title: str) -> np.ndarray:
    shape = MASKS["gauss_W"].shape
    return np.unpackbits(MASKS[f"{title}_packedmask"], count=np.prod(shape)).astype(bool).reshape(shape)


def initialised(init: str, sparsity: float) -> MatrixMask:
    return initial_masks({"w": torch.from_numpy(MASKS["gauss_W"])}, MaskPlan(sparsity, 1, init))["w"]


@pytest.mark.parametrize("sparsity", SPARSITIES)
def test_hard_initialisation_of_masks(sparsity: float) -> None:
    facts, masked = FACTS[f"gauss_magnitude_{sparsity}"], initialised("hard", sparsity)
    keep = official_mask(f"gauss_magnitude_{sparsity}")
    ((_, found),) = solve({"w": torch.from_numpy(MASKS["gauss_W"]).abs()}, sparsity).values()
    np.testing.assert_array_equal(found.numpy(), keep)
    np.testing.assert_array_equal(masked.keep.numpy(), keep)
    np.testing.assert_array_equal((masked.scores > masked.cut).numpy(), keep)
    assert masked.cut.item() == facts["threshold"] == pytest.approx(INITIAL_THRESHOLD)
    assert sorted(set(masked.scores.flatten().tolist())) == facts["weight_mask_values"]
    assert masked.scores.max().item() == pytest.approx(INITIAL_THRESHOLD * INITIAL_SCALE)


@pytest.mark.parametrize("sparsity", SPARSITIES)
def test_soft_initialisation_of_masks(sparsity: float) -> None:
    facts, masked = FACTS[f"gauss_magnitude_soft_{sparsity}"], initialised("soft", sparsity)
    keep = official_mask(f"gauss_magnitude_soft_{sparsity}")
    np.testing.assert_array_equal(masked.keep.numpy(), keep)
    np.testing.assert_array_equal((masked.scores > masked.cut).numpy(), keep)
    assert (masked.keep.numel() - masked.keep.sum()).item() == facts["k"] == facts["zeros"]
    assert facts["weight_mask_values"] == "abs(W)"
    np.testing.assert_array_equal(masked.scores.detach().numpy(), np.abs(MASKS["gauss_W"]))
    if facts["k"]:
        assert masked.cut.item() == pytest.approx(facts["threshold"], abs=1e-9)
    else:  # where no weight falls the official threshold is 0, and a score that turns negative would fall
        assert (masked.cut.item(), facts["threshold"]) == (-torch.inf, 0.0)


@pytest.mark.parametrize("title", [title for title in SCHEDULE if title.startswith("final=")])
def test_cubic_sparsity_schedule(title: str) -> None:
    settings = dict(part.split("=") for part in title.split(","))
    final, epochs = float(settings["final"]), float(settings["final_epoch"])
    initial = final if settings["init"] == "None" else float(settings["init"])
    assert initial == SCHEDULE[title]["init_sparsity_attr"]
    for epoch, target in SCHEDULE[title]["values"]:
        assert cubic_sparsity(initial, final, epoch / epochs) == target


def test_sparsities_of_a_gradual_run() -> None:
    """MNLI as the official script runs it: 5 epochs of 12,272 steps, the target reached at the very end."""
    plan, steps = MaskPlan(0.9, interval=1000, gradual=Gradual(0.7, ramp=1.0)), 61_360
    solved = [step for step in range(1, steps + 1) if plan.is_solved(step, steps)]
    assert solved == [step for step, _ in SCHEDULE["mnli_script_every_1000"]] + [steps]
    for step, target in SCHEDULE["mnli_script_every_1000"]:
        assert plan.sparsity_after(step, steps) == pytest.approx(target, abs=1e-15)
    assert plan.sparsity_after(steps, steps) == 0.9


def test_learning_rate_schedule() -> None:
    for title, rates in json.loads((GOLDEN / "lr_schedule.json").read_text()).items():
        settings = dict(part.split("=") for part in title.split(", ")[1:])
        optimiser = torch.optim.AdamW([nn.Parameter(torch.zeros(1))], lr=float(settings["base"]))
        schedule = get_linear_schedule_with_warmup(optimiser, int(settings["warmup"]), len(rates))
        used = []
        for _ in rates:
            used.append(schedule.get_last_lr()[0])
            optimiser.step()
            schedule.step()
        assert used == rates


class TestMaskTrainingOfATinyBert:
    """Six steps of mask training at 50 % with cross-entropy; the official code masks the pooler too."""

    @pytest.fixture
    def model(self) -> BertForSequenceClassification:
        config = BertConfig(
            vocab_size=50,
            hidden_size=16,
            num_hidden_layers=2,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=16,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            id2label={0: "0", 1: "1", 2: "2"},
        )
        model = BertForSequenceClassification(config).eval()
        weights = {name[3:]: torch.from_numpy(RUN[name]) for name in RUN.files if name.startswith("sd/")}
        missing, unexpected = model.load_state_dict(weights, strict=False)
        assert not unexpected
        assert all("position_ids" in name for name in missing)
        return model

    @pytest.fixture
    def data(self) -> Encoded:
        def rows(name: str) -> Tensor:
            return torch.from_numpy(RUN[name]).flatten(0, 1)

        lengths = rows("attention_mask").sum(dim=1)
        return Encoded(rows("input_ids"), rows("token_type_ids"), lengths, torch.from_numpy(RUN["labels"]).flatten())

    def test_dense_model(self, model: BertForSequenceClassification, data: Encoded) -> None:
        np.testing.assert_allclose(predict(model, data)[:8].numpy(), RUN["dense_logits_b0"], atol=1e-5)

    def test_trajectory(
        self, model: BertForSequenceClassification, data: Encoded, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        matrices = [str(name) for name in RUN["std50/masked_modules"]]
        cuts: list[list[float]] = []
        scores: list[np.ndarray] = []

        def watch(step: int, masks: Mapping[str, MatrixMask]) -> None:
            cuts.append([masks[f"{name}.weight"].cut.item() for name in matrices])
            scores[:] = [masks[f"{name}.weight"].scores.numpy().copy() for name in matrices]

        monkeypatch.setattr("srnet.training.loop.shuffled_batches", lambda *_: iter(torch.arange(48).split(8)))
        recipe = Recipe(steps=6, batch_size=8, lr=5e-3, warmup=2, raw_epsilon=True)
        run, plan = TrainingRun(data, recipe, make_objective("std"), 0), MaskPlan(0.5, interval=3, pooler=True)
        found = train_mask(model, run, lambda step: 0.0, plan, watch)
        np.testing.assert_allclose(found.trace.losses, RUN["std50/losses"], atol=1e-5, rtol=0)
        np.testing.assert_allclose(cuts, RUN["std50/thresholds"], atol=1e-5, rtol=0)
        assert set(found.mask) == {f"{name}.weight" for name in matrices} == set(prunable_weights(model, pooler=True))
        for name, learned in zip(matrices, scores, strict=True):
            np.testing.assert_allclose(learned, RUN[f"std50/final_weight_mask/{name}"], atol=1e-5, rtol=0)
            np.testing.assert_array_equal(found.mask[f"{name}.weight"].numpy(), RUN[f"std50/final_mask/{name}"])
        found.mask.apply_to(model)
        np.testing.assert_allclose(predict(model, data)[:8].numpy(), RUN["std50/final_eval_logits_b0"], atol=1e-5)
