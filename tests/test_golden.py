"""Parity with values computed by the paper's official code, where its reading and the paper's coincide.

The values in tests/golden were produced with llyx97/sparse-and-robust-PLM at commit 773dab1 on torch 2.13, CPU.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from transformers import BertConfig, BertForSequenceClassification, get_linear_schedule_with_warmup

from srnet.encoding import Encoded
from srnet.losses import cross_entropy, product_of_experts
from srnet.masks import keep_largest
from srnet.models import prunable_weights
from srnet.pruning import INITIAL_SCALE, INITIAL_THRESHOLD, MaskedWeight, train_mask
from srnet.training import Recipe, make_objective, predict

GOLDEN = Path(__file__).parent / "golden"
LOSSES = np.load(GOLDEN / "losses.npz")
MASKS = json.loads((GOLDEN / "mask_init.json").read_text())
RUN = np.load(GOLDEN / "tiny_bert_mask_training.npz")
SPARSITIES = [0.0, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99]


@pytest.mark.parametrize(("name", "precision"), [("", torch.float32), ("_f64", torch.float64)])
@pytest.mark.parametrize("loss", ["ce_plain", "poe"])
def test_losses_and_their_gradients(loss: str, name: str, precision: torch.dtype) -> None:
    logits = torch.from_numpy(LOSSES["C3_logits"]).to(precision).requires_grad_()
    labels, bias = torch.from_numpy(LOSSES["C3_labels"]), torch.from_numpy(LOSSES["C3_bias_logprobs"]).to(precision)
    value = product_of_experts(logits, labels, bias) if loss == "poe" else cross_entropy(logits, labels)
    value.backward()
    assert value.item() == pytest.approx(float(LOSSES[f"C3_{loss}{name}"]), abs=1e-6)
    assert logits.grad is not None
    np.testing.assert_allclose(logits.grad.numpy(), LOSSES[f"C3_{loss}_grad{name}"], atol=1e-6, rtol=0)


@pytest.mark.parametrize("sparsity", SPARSITIES)
def test_hard_initialisation_of_masks(sparsity: float) -> None:
    weight, expected = torch.from_numpy(LOSSES_W := np.load(GOLDEN / "mask_init.npz")["gauss_W"]), f"{sparsity}"
    packed = np.load(GOLDEN / "mask_init.npz")[f"gauss_magnitude_{expected}_packedmask"]
    keep = np.unpackbits(packed, count=LOSSES_W.size).astype(bool).reshape(LOSSES_W.shape)
    facts = MASKS[f"gauss_magnitude_{sparsity}"]
    masked = MaskedWeight(weight, sparsity)
    np.testing.assert_array_equal(keep_largest(weight.abs(), sparsity).numpy(), keep)
    np.testing.assert_array_equal((masked.scores > masked.cut).numpy(), keep)
    assert masked.cut.item() == pytest.approx(facts["threshold"], abs=1e-9)
    assert sorted(set(masked.scores.flatten().tolist())) == facts["weight_mask_values"]
    assert masked.cut.item() == pytest.approx(INITIAL_THRESHOLD)
    assert masked.scores.max().item() == pytest.approx(INITIAL_THRESHOLD * INITIAL_SCALE)


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

    def test_trajectory(self, model: BertForSequenceClassification, data: Encoded) -> None:
        matrices = [str(name) for name in RUN["std50/masked_modules"]]
        cuts: list[list[float]] = []

        def watch(step: int) -> None:
            masked = [model.get_submodule(f"{name}.parametrizations.weight.0") for name in matrices]
            cuts.append([matrix.cut.item() for matrix in masked if isinstance(matrix, MaskedWeight)])

        found = train_mask(
            model,
            data,
            data,
            torch.arange(48).split(8),
            Recipe(steps=6, batch_size=8, lr=5e-3, warmup=2, raw_epsilon=True),
            make_objective("std"),
            sparsity=0.5,
            interval=3,
            seed=0,
            pooler=True,
            after_step=watch,
        )
        np.testing.assert_allclose(found.trace.losses, RUN["std50/losses"], atol=1e-5, rtol=0)
        np.testing.assert_allclose(cuts, RUN["std50/thresholds"], atol=1e-5, rtol=0)
        assert set(found.mask) == {f"{name}.weight" for name in matrices} == set(prunable_weights(model, pooler=True))
        for name in matrices:
            np.testing.assert_array_equal(found.mask[f"{name}.weight"].numpy(), RUN[f"std50/final_mask/{name}"])
        found.mask.apply_to(model)
        np.testing.assert_allclose(predict(model, data)[:8].numpy(), RUN["std50/final_eval_logits_b0"], atol=1e-5)
