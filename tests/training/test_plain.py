"""Models as users have them: wrapped, compiled, in part frozen, in training mode, of another precision."""

import math
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils import prune
from transformers import BertForSequenceClassification

from srnet import InputError, Mask, Recipe, search_mask
from srnet.debiasing.losses import make_objective
from srnet.masking import count_zeros
from srnet.pruning.magnitude import ImpPlan, magnitude_mask, prune_iteratively
from srnet.pruning.masked import train_masked
from srnet.training.encoding import Encoded
from srnet.training.families import prunable_weights
from srnet.training.loop import DivergedError, TrainingRun
from srnet.training.models import weights_digest
from srnet.training.plain import as_found, plain

FEW = Recipe(steps=4, batch_size=8, lr=0.05)


def find(model: object, pairs: Encoded) -> Mask:
    return search_mask(model, pairs, pairs, FEW, sparsity=0.5, interval=2)  # type: ignore[arg-type]


def test_a_wrapped_model_gives_the_mask_of_the_plain_one(
    tiny_bert: BertForSequenceClassification, pairs: Encoded
) -> None:
    expected = find(tiny_bert, pairs)
    compiled: Any = torch.compile(tiny_bert)
    for wrapped in (nn.DataParallel(tiny_bert), compiled, nn.DataParallel(compiled)):
        assert plain(wrapped) is tiny_bert
        found = find(wrapped, pairs)
        assert found == expected
        assert found.fingerprint == expected.fingerprint
        assert list(prunable_weights(plain(wrapped))) == list(expected)


def test_what_is_no_model_is_refused() -> None:
    for wrong in ("bert-base-uncased", nn.Linear(2, 2), nn.DataParallel(nn.Linear(2, 2)), None):
        with pytest.raises(InputError, match="not a model of transformers; give one that AutoModelForSequenceClass"):
            plain(wrong)


def test_models_of_peft_are_to_be_merged(tiny_bert: BertForSequenceClassification) -> None:
    class PeftModel(nn.Module):
        __module__ = "peft.peft_model"

    class LoraLinear(nn.Linear):
        __module__ = "peft.tuners.lora.layer"

    with pytest.raises(InputError, match=r"PeftModel: merge its adapters into the weights first \(model\.merge_and"):
        plain(PeftModel())
    tiny_bert.bert.encoder.layer[0].attention.self.query = LoraLinear(16, 16)
    with pytest.raises(InputError, match=r"'?bert\.encoder\.layer\.0\.attention\.self\.query'? is of PEFT: merge"):
        plain(tiny_bert)


def test_parts_compiled_in_place_are_refused(tiny_bert: BertForSequenceClassification) -> None:
    layer = tiny_bert.bert.encoder.layer
    layer[1] = torch.compile(layer[1])
    with pytest.raises(InputError, match=r"its part 'bert\.encoder\.layer\.1' is compiled in place: load the"):
        prunable_weights(tiny_bert)
    layer[1] = layer[1]._orig_mod
    tiny_bert.compile()
    with pytest.raises(InputError, match="it is compiled in place"):
        plain(tiny_bert)


def test_weights_that_are_not_plain_are_refused(tiny_bert: BertForSequenceClassification) -> None:
    value = tiny_bert.bert.encoder.layer[0].attention.self.value
    prune.l1_unstructured(value, "weight", 0.5)
    with pytest.raises(InputError, match=r"self\.value' is computed from others: make it permanent first"):
        prunable_weights(tiny_bert)
    prune.remove(value, "weight")
    prunable_weights(tiny_bert)
    value.weight = nn.Parameter(torch.zeros(16, 16, dtype=torch.int8), requires_grad=False)
    with pytest.raises(InputError, match=r"self\.value' is quantised \(torch\.int8\): load the model without"):
        prunable_weights(tiny_bert)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_what_is_found_does_not_depend_on_the_stored_precision(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, dtype: torch.dtype
) -> None:
    nn.Module.to(tiny_bert, torch.bfloat16 if dtype != torch.float16 else torch.float16)
    tiny_bert.float()
    expected = find(tiny_bert, pairs)
    nn.Module.to(tiny_bert, dtype)
    before = {name: (tensor, tensor.data_ptr()) for name, tensor in tiny_bert.state_dict().items()}
    found = find(tiny_bert, pairs)
    assert found == expected
    assert found.fingerprint == expected.fingerprint == weights_digest(prunable_weights(tiny_bert))
    after = tiny_bert.state_dict()
    assert before.keys() == after.keys()
    assert all(after[name].data_ptr() == place for name, (_, place) in before.items())
    assert {parameter.dtype for parameter in tiny_bert.parameters()} == {dtype}
    found.apply_to(tiny_bert)
    assert not prunable_weights(tiny_bert)["classifier.weight"][~found["classifier.weight"]].any()


def test_weights_of_half_precision_are_masked_but_not_trained(
    tiny_bert: BertForSequenceClassification, pairs: Encoded
) -> None:
    nn.Module.to(tiny_bert, torch.bfloat16)
    mask, before = magnitude_mask(prunable_weights(tiny_bert), 0.5), weights_digest(tiny_bert.state_dict())
    run = TrainingRun(pairs, Recipe(steps=10, batch_size=8, lr=0.05), make_objective("std"), 0)
    with pytest.raises(InputError, match=r"its weights are torch\.bfloat16: train it as model\.float\(\)"):
        prune_iteratively(tiny_bert, run, ImpPlan(), lambda level, mask: None)
    with pytest.raises(InputError, match=r"its weights are torch\.bfloat16: train it as model\.float\(\)"):
        train_masked(tiny_bert, mask, run)
    assert weights_digest(tiny_bert.state_dict()) == before


@pytest.mark.parametrize("fails", [False, True])
def test_a_model_is_left_as_it_was_found(
    tiny_bert: BertForSequenceClassification, pairs: Encoded, fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny_bert.train()
    tiny_bert.bert.embeddings.eval()
    tiny_bert.bert.embeddings.requires_grad_(False)
    modes = [module.training for module in tiny_bert.modules()]
    frozen = [parameter.requires_grad for parameter in tiny_bert.parameters()]
    if fails:
        monkeypatch.setattr(
            "srnet.pruning.search.make_objective", lambda *_: lambda logits, *_: logits.sum() * math.nan
        )
        with pytest.raises(DivergedError):
            search_mask(tiny_bert, pairs, pairs, FEW, sparsity=0.5)
    else:
        find(tiny_bert, pairs)
    assert [module.training for module in tiny_bert.modules()] == modes
    assert [parameter.requires_grad for parameter in tiny_bert.parameters()] == frozen
    assert all(parameter.grad is None for parameter in tiny_bert.parameters())


def test_frozen_weights_are_masked_all_the_same(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    expected = find(tiny_bert, pairs)
    tiny_bert.requires_grad_(False)
    assert find(tiny_bert, pairs) == expected


def test_frozen_weights_are_pruned_and_not_trained(tiny_bert: BertForSequenceClassification, pairs: Encoded) -> None:
    tiny_bert.bert.requires_grad_(False)
    before = {name: tensor.clone() for name, tensor in tiny_bert.state_dict().items()}
    run = TrainingRun(pairs, Recipe(steps=10, batch_size=8, lr=0.01, weight_decay=0.1), make_objective("std"), 0)
    masks = list[Mask]()
    prune_iteratively(tiny_bert, run, ImpPlan(), lambda level, mask: masks.append(mask))
    for name, keep in masks[-1].items():
        weight = tiny_bert.get_parameter(name)
        assert int((weight == 0).sum()) == count_zeros(0.9, weight.numel())
        assert torch.equal(weight[keep], before[name][keep]) == name.startswith("bert.")
    embeddings = "bert.embeddings.word_embeddings.weight"
    assert torch.equal(tiny_bert.get_parameter(embeddings), before[embeddings])
    tiny_bert.requires_grad_(False)
    with pytest.raises(InputError, match="all its weights are frozen"):
        train_masked(tiny_bert, masks[0], run)


def test_weights_that_are_not_in_memory_are_refused(tiny_bert: BertForSequenceClassification) -> None:
    nn.Module.to(tiny_bert, "meta")
    with pytest.raises(InputError, match=r"not in memory \(device 'meta'\)"), as_found(tiny_bert):
        pass
