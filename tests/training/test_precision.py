"""Products in bfloat16 and by oneDNN: what is rounded, what is not, and that the model is left as it was."""

import os
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from transformers import BertConfig, BertForSequenceClassification

from srnet.data import load_task
from srnet.debiasing.losses import make_objective
from srnet.errors import InputError
from srnet.machine import emulates_bfloat16, one_thread
from srnet.pruning.mask_training import MaskPlan, train_mask
from srnet.training import precision as kernels
from srnet.training.encoding import Encoded, encode
from srnet.training.loop import TrainingRun, fit, predict
from srnet.training.metrics import Gold, headline
from srnet.training.models import load_classifier, load_tokenizer
from srnet.training.precision import computing
from srnet.training.recipe import PRECISIONS, Recipe

RECIPE = Recipe(steps=12, batch_size=8, lr=3e-3)
STD = make_objective("std")


def classes(model: nn.Module) -> list[type]:
    return [type(module) for module in model.modules()]


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("before", [True, False])
def test_on_a_gpu_attention_is_kept_from_cudnn_and_the_setting_is_given_back(precision: str, before: bool) -> None:
    flags, usual = torch.backends.cuda, torch.backends.cuda.cudnn_sdp_enabled()
    config = BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, vocab_size=9)
    with torch.device("meta"):
        elsewhere = BertForSequenceClassification(config)  # like a GPU's, not on the CPU
    try:
        flags.enable_cudnn_sdp(before)
        with computing(elsewhere, precision):
            assert not flags.cudnn_sdp_enabled()
        assert flags.cudnn_sdp_enabled() == before
    finally:
        flags.enable_cudnn_sdp(usual)


@pytest.fixture
def everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have oneDNN do even the smallest products."""
    if not torch.backends.mkldnn.is_available():
        pytest.skip("PyTorch is built without oneDNN")
    monkeypatch.setattr(kernels, "WORTHWHILE", 0)
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512")


@pytest.mark.usefixtures("everywhere")
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", [(7, 24), (3, 5, 24), (1, 1, 24)])
def test_a_product_of_onednn_and_its_gradients_are_those_of_pytorch(shape: tuple[int, ...], bias: bool) -> None:
    torch.manual_seed(0)
    linear, x = nn.Linear(24, 10, bias), torch.randn(shape)
    slope = torch.randn(*shape[:-1], 10)

    def results() -> list[Tensor]:
        given = x.clone().requires_grad_()
        value = linear(given)
        value.backward(slope)
        gradients = [given.grad, *(parameter.grad for parameter in linear.parameters())]
        linear.zero_grad()
        return [value.detach(), *(gradient for gradient in gradients if gradient is not None)]

    expected = results()
    linear.__class__ = kernels._Linear
    for found, wanted in zip(results(), expected, strict=True):
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)


@pytest.mark.usefixtures("everywhere")
def test_nothing_is_computed_for_what_is_frozen() -> None:
    linear = nn.Linear(4, 3)
    linear.__class__ = kernels._Linear
    linear.bias.requires_grad_(False)
    x = torch.ones(2, 4)
    linear(x).sum().backward()
    assert x.grad is None
    assert linear.bias.grad is None
    assert linear.weight.grad is not None
    assert torch.equal(linear.weight.grad, torch.full((3, 4), 2.0))


@pytest.mark.usefixtures("everywhere")
def test_training_with_onednn_repeats_bit_for_bit(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    start = {name: tensor.clone() for name, tensor in tiny_bert.state_dict().items()}
    losses = []
    for _ in range(2):
        tiny_bert.load_state_dict(start)
        losses.append(fit(tiny_bert, list(tiny_bert.parameters()), TrainingRun(pairs, RECIPE, STD, 1)).losses)
    assert losses[0] == losses[1]


@pytest.mark.usefixtures("everywhere")
@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_model_is_left_as_it_was(tiny_bert: BertForSequenceClassification, pairs: Encoded, precision: str) -> None:
    before, attention = classes(tiny_bert), tiny_bert.config._attn_implementation
    with computing(tiny_bert, precision):
        during = classes(tiny_bert), tiny_bert.config._attn_implementation
        predict(tiny_bert, pairs, precision)  # as a prediction within a training
        assert (classes(tiny_bert), tiny_bert.config._attn_implementation) == during
    assert during != (before, attention)
    with pytest.raises(IndexError), computing(tiny_bert, precision) as forward:
        forward({"input_ids": torch.full((1, 2), 10**6)})
    assert classes(tiny_bert) == before
    assert tiny_bert.config._attn_implementation == attention


def test_bfloat16_rounds_products_and_nothing_else(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    seen = dict[str, torch.dtype]()
    for name, module in tiny_bert.named_modules():
        module.register_forward_hook(
            lambda module, inputs, output, name=name: seen.update({name: getattr(output, "dtype", None)})
        )
    logits = predict(tiny_bert, pairs, "bfloat16")
    assert seen["bert.encoder.layer.0.attention.self.query"] == torch.bfloat16
    assert seen["bert.encoder.layer.0.output.LayerNorm"] == torch.float32
    assert logits.dtype == torch.float32
    exact = predict(tiny_bert, pairs)
    assert not torch.equal(logits, exact)
    torch.testing.assert_close(logits, exact, atol=2e-2, rtol=2e-2)  # bfloat16 has 8 bits: 4e-3 a product


def test_what_is_trained_stays_in_float32(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    rounded = replace(RECIPE, precision="bfloat16")
    losses = {}
    start = {name: tensor.clone() for name, tensor in tiny_bert.state_dict().items()}
    for recipe in (RECIPE, rounded):
        tiny_bert.load_state_dict(start)
        losses[recipe] = fit(tiny_bert, list(tiny_bert.parameters()), TrainingRun(pairs, recipe, STD, 1)).losses
        assert all(parameter.dtype == torch.float32 for parameter in tiny_bert.parameters())
    assert losses[RECIPE] != losses[rounded]
    assert losses[rounded] == pytest.approx(losses[RECIPE], abs=2e-2)


def test_a_mask_that_is_trained_in_bfloat16_has_the_exact_count(
    tiny_bert: BertForSequenceClassification, pairs: Encoded
) -> None:
    run = TrainingRun(pairs, replace(RECIPE, precision="bfloat16"), STD, 1)
    found = train_mask(tiny_bert, run, lambda step: -step, MaskPlan(0.7, 4, window=0))
    again = train_mask(tiny_bert, run, lambda step: -step, MaskPlan(0.7, 4, window=0))
    assert found == again
    assert all(removed == int(0.7 * size) for removed, size in found.mask.zeros().values())


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(InputError, match=r"precision 'float16' is unknown: choose one of float32, bfloat16"):
        Recipe(1, precision="float16")


def test_a_processor_without_the_instructions_is_recognised(monkeypatch: pytest.MonkeyPatch) -> None:
    for capabilities, emulates in (({"avx512_f": True}, True), ({"avx512_bf16": True}, False), ({"bf16": True}, False)):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda found=capabilities: found)
        assert emulates_bfloat16("cpu") == emulates


def test_attention_of_products_is_that_of_the_fused_kernel(
    tiny_bert: BertForSequenceClassification, pairs: Encoded
) -> None:
    expected = predict(tiny_bert, pairs)
    tiny_bert.set_attn_implementation("eager")
    torch.testing.assert_close(predict(tiny_bert, pairs), expected, atol=1e-5, rtol=1e-5)


@pytest.mark.filterwarnings("ignore::srnet.data.MissingDataWarning")
def test_on_real_text_a_mask_of_bfloat16_is_as_good_as_one_of_float32() -> None:
    folders = [os.environ.get(name) for name in ("SRNET_DATA", "SRNET_PLM")]
    if not all(folders):
        pytest.skip("SRNET_DATA and SRNET_PLM are not set: no real text, or no model to read it")
    data, plm = (Path(str(folder)) for folder in folders)
    text = load_task("paraphrase", data)
    train, dev = (encode(part, load_tokenizer(plm)) for part in (text.train, text.dev.select(range(1500))))
    model, scores = load_classifier(plm, 2, seed=1), {}
    recipe = Recipe(steps=150, batch_size=16, lr=1e-4, warmup=15, precision="bfloat16")
    with one_thread():
        fit(model, list(model.parameters()), TrainingRun(train, recipe, STD, 1))
        for precision in PRECISIONS:
            learning = TrainingRun(train, replace(recipe, steps=80, lr=2e-4, precision=precision), STD, 1)
            found = train_mask(model, learning, lambda step: step, MaskPlan(0.5, 20))
            pruned = deepcopy(model)
            found.mask.apply_to(pruned)
            scores[precision] = headline(predict(pruned, dev, precision), Gold(dev.labels), "accuracy")
    assert scores["float32"] > 0.7  # of examples; 0.64 are of the larger class
    assert scores["bfloat16"] == pytest.approx(scores["float32"], abs=0.02)
