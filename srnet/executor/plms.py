"""Pre-trained models: which one is meant, where it lies, and how large it is, without loading it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from huggingface_hub import try_to_load_from_cache

from srnet import pocket
from srnet.data.tasks import TASKS
from srnet.errors import InputError
from srnet.experiments.expressions import Experiment, Pretrained, Teacher, Trained, pretrained
from srnet.training.families import prunable_weights
from srnet.training.fitting import check_fit
from srnet.training.models import blank, blank_classifier, check_shapes, folder_digest, load_tokenizer, read_config

if TYPE_CHECKING:
    from transformers import PretrainedConfig

    from srnet.environment import Inputs

NUMBER = 4  # bytes of a weight, a logit, a token id
TENSOR = 100  # bytes that safetensors writes beside each tensor, about

# Configurations of models on the hub, so that planning downloads nothing.
KNOWN: Mapping[str, Mapping[str, Any]] = {
    "bert-base-uncased": dict(model_type="bert"),
    "bert-large-uncased": dict(
        model_type="bert", hidden_size=1024, num_hidden_layers=24, num_attention_heads=16, intermediate_size=4096
    ),
    "roberta-base": dict(model_type="roberta", vocab_size=50265, max_position_embeddings=514, type_vocab_size=1),
    "all-MiniLM-L6-v2": dict(
        model_type="bert", hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
    ),
}


def find_plm(name: str) -> Pretrained:
    """Return the expression of a pre-trained model; that of a local folder names the content, not the place.

    Args:
        name: one of `srnet.pocket.PLMS`, a local folder, or a name on the Hugging Face hub.

    Raises:
        InputError: if it is a path and there is no such folder, or the folder holds no model that can be pruned with a
            tokenizer that fits it.
    """
    if name in pocket.PLMS:
        return Pretrained(name, _digest(pocket.plm_folder(name)))
    if Path(name).is_dir():
        _check(Path(name))
        written = os.fsencode(Path(name).resolve().name).decode(errors="replace")  # the same in every locale
        return Pretrained(written, _digest(Path(name)))
    if name[0] in "./~" or name.count("/") > 1:
        raise InputError(f"{name}: no such folder; give a folder with a model, or a name on the Hugging Face hub")
    return Pretrained(name)


@lru_cache
def _check(folder: Path) -> None:
    """Find out what can be known of a model before anything is trained; its weights are not read."""
    model = blank_classifier(folder)
    check_shapes(folder, model)
    check_fit(model, load_tokenizer(folder))


@lru_cache
def _digest(folder: Path) -> str:
    return folder_digest(folder)


@lru_cache
def plm_source(plm: Pretrained, inputs: Inputs) -> Path | str:
    """Return the folder, or the name on the hub, that a pre-trained model is loaded from.

    Raises:
        InputError: if neither the user's folder nor one that ships with the package holds the expression's model.
    """
    if not plm.sha256:
        return plm.name
    folders = [Path(inputs.plm)] if inputs.plm and Path(inputs.plm).is_dir() else []
    for folder in (*folders, *map(pocket.plm_folder, pocket.PLMS)):
        if _digest(folder) == plm.sha256:
            return folder
    where = f"{folders[0]}: not" if folders else "no folder is known with"
    raise InputError(f"{where} the model {plm.name!r} of the experiment, which --plm or SRNET_PLM must name")


@dataclass(frozen=True)
class Size:
    """How large a model is.

    Attributes:
        prunable: numbers in the matrices that are pruned.
        bytes: of its file.
        mask_bytes: of a mask's file.
    """

    prunable: int
    bytes: int
    mask_bytes: int


def model_size(experiment: Experiment, inputs: Inputs) -> Size | None:
    """Return how large an experiment's model is, None if it has none; raises as `size` does."""
    if not isinstance(experiment, Trained | Teacher):
        return None
    classes = len(TASKS[experiment.data.task].labels)
    return size(pretrained(experiment.of), classes, getattr(experiment, "pooler", False), inputs)


@lru_cache(maxsize=64)
def size(plm: Pretrained, num_labels: int, pooler: bool, inputs: Inputs) -> Size:
    """Return how large a pre-trained model with a classifier is, downloading and loading nothing.

    Args:
        plm: the model.
        num_labels: number of classes.
        pooler: whether BERT's pooler counts as prunable.
        inputs: where a local model lies.

    Raises:
        InputError: if nothing is known of the model.
    """
    model = blank(architecture(plm, inputs), num_labels, plm.name)
    weights = [tensor.numel() for tensor in model.state_dict().values()]
    prunable = [weight.numel() for weight in prunable_weights(model, pooler).values()]
    packed = sum(-(-count // 8) for count in prunable)
    return Size(
        prunable=sum(prunable),
        bytes=NUMBER * sum(weights) + TENSOR * len(weights),
        mask_bytes=packed + TENSOR * len(prunable),
    )


@lru_cache
def encoder_weights(plm: Pretrained, inputs: Inputs) -> int:
    """Return about how many weights a model's layers have, at once, for its configuration says it.

    A layer of BERT or RoBERTa has twelve times the square of its width. Raises as `architecture` does.
    """
    config = architecture(plm, inputs)
    return int(12 * config.num_hidden_layers * config.hidden_size**2)


def architecture(plm: Pretrained, inputs: Inputs) -> PretrainedConfig:
    """Return the configuration of a pre-trained model from its folder, or from what is known, never from the network.

    Raises:
        InputError: if nothing is known of the model, or its configuration cannot be used.
    """
    from transformers import AutoConfig

    name = plm.name.rsplit("/", 1)[-1]
    if plm.sha256:
        return read_config(plm_source(plm, inputs))
    if name in KNOWN:
        return AutoConfig.for_model(**KNOWN[name])
    config = try_to_load_from_cache(plm.name, "config.json")
    if not isinstance(config, str):
        raise InputError(f"{plm.name}: its size is not known here; download it, or give its folder with --plm")
    return read_config(Path(config).parent)
