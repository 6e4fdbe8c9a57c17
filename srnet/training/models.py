"""Pre-trained language models: loading them with a fresh classifier, and finding the matrices that are pruned."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from srnet.errors import InputError
from srnet.files import digest

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

MATRICES_PER_LAYER = 6  # query, key, value, attention output, feed-forward in, feed-forward out


def load_classifier(source: Path | str, num_labels: int, seed: int) -> "PreTrainedModel":
    """Load a BERT-like encoder with a freshly drawn classifier, ``f(θ_pt)``, in float32 and evaluation mode.

    Weights are read from safetensors; where there is only a pickle (``.bin``) it is read as tensors and nothing else,
    so that no code in it can run (``weights_only``, transformers' default).

    Args:
        source: a local folder in Hugging Face form, or a name on the Hugging Face hub.
        num_labels: number of classes K.
        seed: seed of the classifier's weights; the caller's random state is left as it was.

    Raises:
        InputError: if there is no loadable model at `source`.
    """
    from transformers import AutoModelForSequenceClassification

    with _quiet(), torch.random.fork_rng(), _loading(source):
        torch.manual_seed(seed)
        model, info = AutoModelForSequenceClassification.from_pretrained(
            source,
            num_labels=num_labels,
            dtype=torch.float32,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
        encoder, new = f"{model.base_model_prefix}.", {str(name) for name in info["missing_keys"]}
        lacking = sorted(name for name in new if name.startswith(encoder) and ".pooler." not in name)
        if lacking:
            raise InputError(
                f"{source}: {len(lacking)} weights of the encoder are missing, the first is {lacking[0]!r}"
            )
        for name, module in model.named_modules():
            if isinstance(module, nn.Linear) and not name.startswith(encoder) and f"{name}.weight" not in new:
                # A classifier came with the encoder; transformers' own initialisation would leave it as it is.
                module.weight.data.normal_(0.0, model.config.initializer_range)
                module.bias.data.zero_()
    return model.eval()


def load_tokenizer(source: Path | str) -> "PreTrainedTokenizerBase":
    """Load the tokenizer that lies beside a model.

    Args:
        source: a local folder in Hugging Face form, or a name on the Hugging Face hub.

    Raises:
        InputError: if there is no loadable tokenizer at `source`, or one without a vocabulary.
    """
    from transformers import AutoTokenizer

    with _quiet(), _loading(source):
        tokenizer = AutoTokenizer.from_pretrained(source, use_fast=True)
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):  # what transformers makes up where the files are missing
        raise InputError(f"{source}: no vocabulary beside the model (tokenizer.json, or vocab.txt, is missing)")
    return tokenizer


def prunable_weights(model: "PreTrainedModel", pooler: bool = False) -> dict[str, Tensor]:
    """Return the matrices of ``θ_pr`` by name: six per encoder layer, then the classifier's (Section 3.1).

    They are found by structure, not by name: the linear maps of each encoder layer, and those of the model outside
    its encoder. Embeddings, biases and layer normalisation are never pruned. BERT's classifier is one matrix; that of
    RoBERTa is the two of its classification head, ``dense`` and ``out_proj``.

    Args:
        model: a sequence classifier of the BERT or RoBERTa family.
        pooler: also include BERT's pooler, as the authors' released code does; RoBERTa has none.

    Raises:
        InputError: if the model is not built of layers with six matrices each, or has no classifier.
    """
    layers = getattr(getattr(model.base_model, "encoder", None), "layer", None)
    if not isinstance(layers, nn.ModuleList):
        raise InputError(f"{type(model).__name__} has no encoder layers: use a model of the BERT or RoBERTa family")
    in_layers = {id(linear) for layer in layers for linear in _linear_maps(layer)}
    in_base = {id(linear) for linear in _linear_maps(model.base_model)}
    if len(in_layers) != MATRICES_PER_LAYER * len(layers):
        raise InputError(
            f"{type(model).__name__} has {len(in_layers)} matrices in {len(layers)} encoder layers, not "
            f"{MATRICES_PER_LAYER} in each: use a model of the BERT or RoBERTa family"
        )
    if in_base == {id(linear) for linear in _linear_maps(model)}:
        raise InputError(f"{type(model).__name__} has no classifier: load it for sequence classification")
    return {
        f"{name}.weight": module.weight
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear) and (id(module) in in_layers or id(module) not in in_base or pooler)
    }


def weights_digest(weights: dict[str, Tensor]) -> str:
    """Return the SHA-256 of named weights: names, dtypes, shapes and values, in the order of their names."""
    hashed = hashlib.sha256()
    for name, weight in sorted(weights.items()):
        hashed.update(f"{name} {weight.dtype} {list(weight.shape)}\n".encode())
        hashed.update(weight.detach().cpu().contiguous().numpy().tobytes())
    return hashed.hexdigest()


def folder_digest(folder: Path) -> str:
    """Return the SHA-256 of a model folder: names and contents of its files, hidden ones left out.

    Raises:
        InputError: if there is no model in the folder.
    """
    if not (folder / "config.json").exists():
        raise InputError(f"{folder}: no model in this folder (config.json is missing)")
    if not [*folder.glob("*.safetensors"), *folder.glob("*.bin")]:
        raise InputError(f"{folder}: no weights in this folder (model.safetensors is missing)")
    return digest(sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")), folder)


def _linear_maps(module: nn.Module) -> list[nn.Linear]:
    return [child for child in module.modules() if isinstance(child, nn.Linear)]


@contextmanager
def _loading(source: Path | str) -> Iterator[None]:
    if Path(source).is_dir() and not (Path(source) / "config.json").exists():
        raise InputError(f"{source}: no model in this folder (config.json is missing)")
    try:
        yield
    except InputError:
        raise
    except UnpicklingError as error:
        reason = "its weights (.bin) are damaged or hold more than tensors; nothing in them was run"
        raise InputError(f"{source}: {reason}; save the model as safetensors") from error
    except Exception as error:  # a damaged file can fail in any way
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{source}: neither a folder with a model nor loadable by name ({reason})") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the report that the classifier is new: here it always is."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()
