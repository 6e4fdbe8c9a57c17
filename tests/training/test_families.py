"""Families of models: which matrices are pruned, masks and magnitude pruning in each, and what is refused."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import ByteLevelBPETokenizer
from torch import nn
from transformers import (
    AutoConfig,
    AutoModelForMaskedLM,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    GPT2Tokenizer,
    PreTrainedModel,
    ViTConfig,
    ViTForImageClassification,
)
from transformers.pytorch_utils import Conv1D

from srnet import InputError, Recipe, encode, search_mask
from srnet.data.pairs import pair_dataset
from srnet.data.tasks import NLI_LABELS
from srnet.debiasing.losses import make_objective
from srnet.masking import count_zeros
from srnet.pruning.magnitude import ImpPlan, magnitude_mask, prune_iteratively
from srnet.training.encoding import Encoded
from srnet.training.families import WORKS, prunable_weights
from srnet.training.fitting import check_fit
from srnet.training.loop import TrainingRun, predict

LAYERS = 2
ENCODER = dict(hidden_size=16, num_hidden_layers=LAYERS, num_attention_heads=2, intermediate_size=32, vocab_size=50)
TOKENS = dict(pad_token_id=0, bos_token_id=1, eos_token_id=2, cls_token_id=1, sep_token_id=2)
DISENTANGLED = ENCODER | dict(relative_attention=True, pos_att_type=["c2p", "p2c"], max_relative_positions=16)
DECODER = ENCODER | dict(num_key_value_heads=1, pad_token_id=0, bos_token_id=1, eos_token_id=2)
GPT = dict(n_embd=16, n_layer=LAYERS, n_head=2, vocab_size=50, pad_token_id=0, bos_token_id=1, eos_token_id=2)

FAMILIES: dict[str, tuple[dict[str, Any], int, int]] = {  # configuration; matrices of a layer; of the classifier
    "bert": (ENCODER, 6, 1),
    "roberta": (ENCODER, 6, 2),
    "xlm-roberta": (ENCODER, 6, 2),
    "electra": (ENCODER | dict(embedding_size=8), 6, 2),
    "deberta": (DISENTANGLED, 6, 2),  # query, key and value are one; two more are of positions
    "deberta-v2": (DISENTANGLED | dict(position_buckets=8, share_att_key=True), 6, 2),
    "mpnet": (ENCODER, 6, 2),
    "distilbert": (dict(dim=16, n_layers=LAYERS, n_heads=2, hidden_dim=32, vocab_size=50), 6, 2),
    "albert": (ENCODER | dict(embedding_size=8), 6, 1),  # one layer, used again and again
    "modernbert": (ENCODER | TOKENS, 4, 2),  # one of query, key and value, one of the feed-forward's gate and value
    "gpt2": (GPT, 4, 1),
    "llama": (DECODER, 7, 1),  # the feed-forward has a gate
    "mistral": (DECODER, 7, 1),
    "qwen2": (DECODER, 7, 1),
    "qwen3": (DECODER | dict(head_dim=8), 7, 1),
    "gemma": (DECODER | dict(head_dim=8), 7, 1),
    "phi3": (DECODER, 4, 1),
    "gpt_neox": (ENCODER | dict(pad_token_id=0), 4, 1),
}
REPEATED = {"albert"}
every_family = pytest.mark.parametrize("family", FAMILIES)


def make(family: str, **changes: Any) -> PreTrainedModel:
    torch.manual_seed(0)
    config = AutoConfig.for_model(family, num_labels=3, **FAMILIES[family][0] | changes)
    return AutoModelForSequenceClassification.from_config(config).eval()


def state(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(tensor, other[name]) for name, tensor in one.items())


@every_family
def test_the_matrices_of_a_family(family: str) -> None:
    model = make(family)
    _, per_layer, of_classifier = FAMILIES[family]
    weights = prunable_weights(model)
    assert len(weights) == per_layer * (1 if family in REPEATED else LAYERS) + of_classifier
    assert len({id(weight) for weight in weights.values()}) == len(weights)
    base = f"{model.base_model_prefix}."
    assert sum(not name.startswith(base) for name in weights) == of_classifier
    for name, weight in weights.items():
        assert weight is model.get_parameter(name)
        owner = model.get_submodule(name.removesuffix(".weight"))
        shape = (owner.in_features, owner.out_features)[::-1] if isinstance(owner, nn.Linear) else (owner.nx, owner.nf)
        assert isinstance(owner, nn.Linear | Conv1D)
        assert weight.shape == shape


@pytest.mark.parametrize("pooler", [False, True])
@pytest.mark.parametrize("family", ["bert", "roberta"])
def test_the_models_of_the_paper_keep_their_matrices_and_their_order(family: str, pooler: bool) -> None:
    model = make(family)
    parts = ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"]
    parts += ["intermediate.dense", "output.dense"]
    names = [f"{family}.encoder.layer.{layer}.{part}" for layer in range(LAYERS) for part in parts]
    names += ["bert.pooler.dense"] if pooler and family == "bert" else []
    names += ["classifier"] if family == "bert" else ["classifier.dense", "classifier.out_proj"]
    assert list(prunable_weights(model, pooler)) == [f"{name}.weight" for name in names]


@every_family
def test_a_mask_is_trained_and_no_weight_changes(family: str, pairs: Encoded) -> None:
    model = make(family)
    before, magnitudes = state(model), magnitude_mask(prunable_weights(model), 0.7)
    mask = search_mask(model, pairs, pairs, Recipe(steps=4, batch_size=8, lr=0.05), sparsity=0.7, interval=2)
    assert same(before, state(model))
    assert mask.zeros() == {
        name: (count_zeros(0.7, weight.numel()), weight.numel()) for name, weight in prunable_weights(model).items()
    }
    moved = [name for name in mask if not torch.equal(mask[name], magnitudes[name])]
    assert len(moved) > len(mask) / 2  # the scores of most matrices have had a gradient
    full = predict(model, pairs)
    mask.apply_to(model)
    assert not torch.equal(predict(model, pairs), full)


@every_family
def test_a_model_is_pruned_by_magnitude_step_by_step(family: str, pairs: Encoded) -> None:
    model, seen = make(family), list[float]()

    def at_level(level: float, mask: Any) -> None:
        seen.append(level)
        weights = prunable_weights(model)
        assert mask.zeros() == {name: (count_zeros(level, w.numel()), w.numel()) for name, w in weights.items()}
        assert all(not weights[name][~keep].any() for name, keep in mask.items())

    run = TrainingRun(pairs, Recipe(steps=10, batch_size=8, lr=1e-3), make_objective("std"), 0)
    prune_iteratively(model, run, ImpPlan(), at_level)
    assert len(seen) == 9


@every_family
def test_padding_changes_no_logit(family: str, pairs: Encoded) -> None:
    model = make(family)
    index = torch.arange(len(pairs))
    padded = pairs.inputs(index, model.device)
    assert "attention_mask" in padded
    for row in range(0, len(pairs), 16):
        alone = predict(model, Encoded(pairs.input_ids[row : row + 1, : pairs.lengths[row]], None, *_of(pairs, row)))
        with torch.no_grad():
            together = model(input_ids=padded["input_ids"], attention_mask=padded["attention_mask"]).logits[row]
        torch.testing.assert_close(together, alone[0], atol=1e-5, rtol=1e-5)


def _of(pairs: Encoded, row: int) -> tuple[torch.Tensor, torch.Tensor]:
    return pairs.lengths[row : row + 1], pairs.labels[row : row + 1]


def gpt2_tokenizer(folder: Path) -> GPT2Tokenizer:
    trained = ByteLevelBPETokenizer()
    trained.train_from_iterator(
        ["the cat sat", "a dog ran"],
        vocab_size=300,
        min_frequency=1,
        special_tokens=["<|endoftext|>", "<pad>"],
        show_progress=False,
    )
    folder.mkdir(exist_ok=True)
    trained.save_model(str(folder))
    return GPT2Tokenizer.from_pretrained(folder)


@pytest.mark.parametrize("padding", ["<pad>", "<|endoftext|>"])
@pytest.mark.parametrize("family", ["gpt2", "llama"])
def test_a_decoder_reads_the_last_token_of_an_encoded_text(family: str, padding: str, tmp_path: Path) -> None:
    tokenizer = gpt2_tokenizer(tmp_path)
    tokenizer.pad_token = padding
    model = make(family, vocab_size=300, pad_token_id=tokenizer.pad_token_id)
    check_fit(model, tokenizer)
    premises, hypotheses = ["the cat", "a dog ran " * 4], ["sat", ""]
    both = encode(pair_dataset(premises, hypotheses, [0, 1], NLI_LABELS), tokenizer)
    assert tokenizer.decode(both.input_ids[0, : both.lengths[0]]) == "the cat\nsat"
    alone = encode(pair_dataset(premises[:1], hypotheses[:1], [0], NLI_LABELS), tokenizer)
    assert both.input_ids.shape[1] > alone.input_ids.shape[1]
    with torch.no_grad():
        padded = model(**both.inputs(torch.tensor([0, 1]), model.device)).logits[0]
        unpadded = model(**alone.inputs(torch.tensor([0]), model.device)).logits[0]
    torch.testing.assert_close(padded, unpadded, atol=1e-5, rtol=1e-5)
    with pytest.raises(InputError, match=r"the pair in row 1 \(from 0\) has no token"):
        encode(pair_dataset(["the cat", ""], ["", ""], [0, 1], NLI_LABELS), tokenizer)


def test_padding_that_a_decoder_would_read_is_refused(tmp_path: Path) -> None:
    tokenizer = gpt2_tokenizer(tmp_path)
    tokenizer.pad_token = None
    with pytest.raises(InputError, match=r"has no padding token: give it one \(tokenizer\.pad_token = "):
        check_fit(make("gpt2", vocab_size=300), tokenizer)
    tokenizer.pad_token = "<pad>"
    model = make("gpt2", vocab_size=300, pad_token_id=None)
    with pytest.raises(InputError, match=r"has no pad_token_id: set it .*model\.config\.pad_token_id = 1\)"):
        check_fit(model, tokenizer)
    model.config.pad_token_id = 7
    with pytest.raises(InputError, match="padding is token 1, the model takes 7 for it"):
        check_fit(model, tokenizer)


@pytest.mark.parametrize(
    ("family", "config"),
    [
        ("t5", dict(d_model=16, num_layers=2, num_heads=2, d_kv=8, d_ff=32, vocab_size=50)),
        ("bart", dict(d_model=16, encoder_layers=2, decoder_layers=2, vocab_size=50, encoder_ffn_dim=32)),
        ("xlnet", dict(d_model=16, n_layer=2, n_head=2, d_inner=32, vocab_size=50)),
        ("flaubert", dict(emb_dim=16, n_layers=2, n_heads=2, n_words=50)),
        ("mixtral", DECODER | dict(num_local_experts=2)),  # its experts are no linear maps
        ("squeezebert", ENCODER | dict(embedding_size=16)),
    ],
)
def test_what_is_built_otherwise_is_refused(family: str, config: dict[str, Any]) -> None:
    with torch.device("meta"):
        model = AutoModelForSequenceClassification.from_config(AutoConfig.for_model(family, **config))
    with pytest.raises(InputError, match=r"^\w+ has .*: use a model of another family \(BERT, ") as error:
        prunable_weights(model)
    assert WORKS in str(error.value)


def test_a_model_of_images_is_refused() -> None:
    model = ViTForImageClassification(
        ViTConfig(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=32)
    )
    with pytest.raises(InputError, match="has 'pixel_values' as its input, not text"):
        prunable_weights(model)


@pytest.mark.parametrize(
    "kind", [AutoModelForMaskedLM, AutoModelForQuestionAnswering, AutoModelForTokenClassification, None]
)
def test_a_model_without_a_classifier_of_texts_is_refused(kind: Any) -> None:
    bert = make("bert")
    model: Any = kind.from_config(bert.config) if kind else bert.base_model
    with pytest.raises(InputError, match="has no classifier: load it for sequence classification"):
        prunable_weights(model)


def test_a_weight_that_two_maps_share_counts_once_and_is_masked_in_both(pairs: Encoded) -> None:
    model, name = make("bert"), "bert.encoder.layer.0.attention.self.query.weight"
    queries = [model.get_submodule(f"bert.encoder.layer.{layer}.attention.self.query") for layer in range(LAYERS)]
    queries[1].weight = queries[0].weight
    assert len(prunable_weights(model)) == 6 * LAYERS + 1 - 1
    seen = list[int]()

    def watch(module: nn.Module, *_: object) -> None:
        if not model.training:
            assert isinstance(module.weight, torch.Tensor)
            seen.append(int((module.weight == 0).int().sum()))

    for query in queries:
        query.register_forward_hook(watch)
    mask = search_mask(model, pairs, pairs, Recipe(steps=2, batch_size=8, lr=0.05), sparsity=0.5, interval=1)
    assert len(seen) >= LAYERS
    assert set(seen) == {mask.zeros()[name][0]}
