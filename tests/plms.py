"""Folders of random weights in each architecture of the paper, in the form in which the hub has them."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import ByteLevelBPETokenizer
from transformers import BertConfig, BertForPreTraining, RobertaConfig, RobertaForMaskedLM

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "sat", "dog", "ran", "."]
TEXT = ["The cat sat near the dog .", "Who ran ? The cats ran .", "A dog saw the bird sing ."]
LAYERS = {"bert": 2, "bert-large": 24, "roberta": 3}


def make_plm(folder: Path, name: str) -> Path:
    """Write a tiny ``bert``, ``bert-large`` (its 24 layers) or ``roberta``: half precision, with pre-training heads."""
    folder.mkdir(parents=True, exist_ok=True)
    layers = LAYERS[name]
    if name == "roberta":
        tokenizer = ByteLevelBPETokenizer()
        special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
        tokenizer.train_from_iterator(
            TEXT, vocab_size=300, min_frequency=1, special_tokens=special, show_progress=False
        )
        tokenizer.save_model(str(folder))
        config = RobertaConfig(
            vocab_size=tokenizer.get_vocab_size(),
            num_hidden_layers=layers,
            max_position_embeddings=514,
            type_vocab_size=1,
            hidden_size=16,
            num_attention_heads=2,
            intermediate_size=32,
        )
        _save(RobertaForMaskedLM(config), folder)
        (folder / "tokenizer_config.json").write_text(json.dumps({"model_max_length": 512}))
    else:
        bert = BertConfig(
            vocab_size=len(WORDS),
            num_hidden_layers=layers,
            hidden_size=16,
            num_attention_heads=2,
            intermediate_size=32,
        )
        _save(BertForPreTraining(bert), folder)
        (folder / "vocab.txt").write_text("\n".join(WORDS))
        (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True, "model_max_length": 512}))
    return folder


def stored_weights(folder: Path) -> dict[str, torch.Tensor]:
    """Return the weights as they lie in the folder, in single precision, under today's names."""
    names = {"LayerNorm.gamma": "LayerNorm.weight", "LayerNorm.beta": "LayerNorm.bias"}
    weights = {}
    for name, weight in load_file(folder / "model.safetensors").items():
        for old, new in names.items():
            name = name.replace(old, new)
        weights[name] = weight.float()
    return weights


def _save(model: BertForPreTraining | RobertaForMaskedLM, folder: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        parameter.data.add_(torch.randn(parameter.shape, generator=generator), alpha=0.2)
    model.half().save_pretrained(folder)
    if isinstance(model, BertForPreTraining):  # the hub's files of BERT are older than the names of today
        weights = load_file(folder / "model.safetensors")
        old = {
            name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): weight
            for name, weight in weights.items()
        }
        save_file(old, folder / "model.safetensors", {"format": "pt"})
