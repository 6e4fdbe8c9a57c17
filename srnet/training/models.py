"""Pre-trained language models: reading what they are, and loading them, with a fresh classifier or their own."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError
from typing import TYPE_CHECKING, Any

import torch
from safetensors import safe_open
from torch import Tensor, nn

from srnet.errors import InputError
from srnet.files import digest, refuse_pointer
from srnet.training.families import WORKS, layers, prunable_weights

if TYPE_CHECKING:
    from transformers import PretrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

LONGEST_REASON = 200  # characters of another library's message


def load_classifier(source: Path | str, num_labels: int, seed: int) -> "PreTrainedModel":
    """Load a model with a freshly drawn classifier, ``f(θ_pt)``, in float32 and evaluation mode.

    Weights are read from safetensors; where there is only a pickle (``.bin``) it is read as tensors and nothing else,
    so that no code in it can run (``weights_only``, transformers' default).

    Args:
        source: a local folder in Hugging Face form, or a name on the Hugging Face hub.
        num_labels: number of classes K.
        seed: seed of the classifier's weights; the caller's random state is left as it was.

    Raises:
        InputError: if there is no loadable model at `source`, it cannot be pruned, or its weights are not those that
            its configuration describes; only the classifier's may be missing or of another shape.
    """
    blank_classifier(source, num_labels)
    _require_weights(source)
    with _quiet(), torch.random.fork_rng(), _loading(source):
        torch.manual_seed(seed)
        model, info = _loaded(source, num_labels=num_labels)
        encoder, new = f"{model.base_model_prefix}.", {str(name) for name in info["missing_keys"]}
        for name, module in model.named_modules():
            if isinstance(module, nn.Linear) and not name.startswith(encoder) and f"{name}.weight" not in new:
                # A classifier came with the encoder; transformers' own initialisation would leave it as it is.
                module.weight.data.normal_(0.0, model.config.initializer_range)
                if module.bias is not None:
                    module.bias.data.zero_()
    return model.eval()


def load_stored(source: Path | str, num_labels: int | None = None) -> tuple["PreTrainedModel", frozenset[str]]:
    """Load a model with the classifier that is stored with it, in float32 and evaluation mode.

    Args:
        source: a local folder in Hugging Face form, or a name on the Hugging Face hub.
        num_labels: number of classes K; what its configuration says if not given.

    Returns:
        The model, and the names of those of its weights that are not stored, or in another shape, and so are random.

    Raises:
        InputError: as `load_classifier`.
    """
    config = read_config(source)
    blank(config, int(config.num_labels or 0) if num_labels is None else num_labels, str(source))
    _require_weights(source)
    with _quiet(), torch.random.fork_rng(), _loading(source):
        model, info = _loaded(source, config=config)
    return model.eval(), frozenset(info["missing_keys"]) | {name for name, *_ in info["mismatched_keys"]}


def _loaded(source: Path | str, **what: Any) -> tuple["PreTrainedModel", dict[str, Any]]:
    """Return a model in float32, and what transformers says of loading it; a classifier may be missing or other."""
    from transformers import AutoModelForSequenceClassification

    model, info = AutoModelForSequenceClassification.from_pretrained(
        source,
        dtype=torch.float32,
        ignore_mismatched_sizes=True,
        output_loading_info=True,
        trust_remote_code=False,
        **what,
    )
    _check_loaded(source, model, info)
    return model, info


def load_fine_tuned(source: Path | str) -> "PreTrainedModel":
    """Load a model that has been fine-tuned, with its own classifier, in float32 and evaluation mode.

    Args:
        source: a local folder in Hugging Face form, or a name on the Hugging Face hub.

    Raises:
        InputError: as `load_classifier`, or if its classifier is not stored with it.
    """
    model, absent = load_stored(source)
    if absent:
        name = min(absent)
        remedy = "fine-tune it first, or give a model with a fresh classifier (srnet.load_classifier)"
        raise InputError(f"{source}: the model has no classifier yet ({name!r} is not stored with it): {remedy}")
    return model


def blank_classifier(source: Path | str, num_labels: int = 2) -> "PreTrainedModel":
    """Return a model as `load_classifier` would load it, without its weights (on the device ``meta``), at once.

    Raises:
        InputError: if the configuration at `source` cannot be read, or no model of that kind can be pruned.
    """
    return blank(read_config(source), num_labels, str(source))


def blank(config: "PretrainedConfig", num_labels: int, name: str) -> "PreTrainedModel":
    """Return a sequence classifier without weights (on the device ``meta``).

    Args:
        config: the architecture.
        num_labels: number of classes K.
        name: of the model, in messages.

    Raises:
        InputError: if no model of that kind can be pruned.
    """
    from transformers import MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING, AutoModelForSequenceClassification

    if type(config) not in MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING:
        raise InputError(
            f"{name}: transformers has no text classifier of the kind {config.model_type!r}: use a model of another "
            f"family ({WORKS})"
        )
    config.num_labels = num_labels
    try:
        with torch.device("meta"):
            model = AutoModelForSequenceClassification.from_config(config, trust_remote_code=False)
    except Exception as error:  # whatever a wrong number in the configuration leads to
        raise InputError(f"{name}: no model can be built as its config.json says ({_reason(error)})") from error
    try:
        prunable_weights(model)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    return model


def read_config(source: Path | str) -> "PretrainedConfig":
    """Return the configuration of a model; code that lies beside it is never run.

    Args:
        source: a local folder in Hugging Face form, or a name on the Hugging Face hub.

    Raises:
        InputError: if there is none, it is not JSON, brings code of its own, or is of a kind that is unknown here.
    """
    import transformers
    from transformers import CONFIG_MAPPING, AutoConfig, PretrainedConfig

    path = Path(source) / "config.json"
    with _quiet(), _loading(source):
        if path.is_file():
            _require_json(path)
        raw, _ = PretrainedConfig.get_config_dict(source)
        _refuse_code(source, "config.json", raw)
        kind = raw.get("model_type")
        if kind is not None and kind not in CONFIG_MAPPING:
            known = f"transformers {transformers.__version__} does not know it"
            raise InputError(f"{source}: model_type is {kind!r} in config.json, and {known}: use another ({WORKS})")
        try:
            return AutoConfig.from_pretrained(source, trust_remote_code=False)
        except Exception as error:  # whatever a wrong value leads to
            raise InputError(f"{source}: its config.json cannot be used ({_reason(error)})") from error


def load_tokenizer(source: Path | str) -> "PreTrainedTokenizerBase":
    """Load the tokenizer that lies beside a model.

    Args:
        source: a local folder in Hugging Face form, or a name on the Hugging Face hub.

    Raises:
        InputError: if there is no loadable tokenizer at `source`, or one without a vocabulary.
    """
    from transformers import AutoTokenizer
    from transformers.models.auto.tokenization_auto import get_tokenizer_config

    read_config(source)
    with _quiet(), _loading(source):
        for name in ("tokenizer_config.json", "tokenizer.json"):
            if (Path(source) / name).is_file():
                _require_json(Path(source) / name)
        _refuse_code(source, "tokenizer_config.json", get_tokenizer_config(source))
        tokenizer = AutoTokenizer.from_pretrained(source, use_fast=True, trust_remote_code=False)
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):  # what transformers makes up where the files are missing
        raise InputError(f"{source}: no vocabulary beside the model (tokenizer.json, or vocab.txt, is missing)")
    return tokenizer


def weights_digest(weights: dict[str, Tensor]) -> str:
    """Return the SHA-256 of named weights: names, dtypes, shapes and values, in the order of their names.

    Values count as float32, whatever the precision they are stored in.
    """
    hashed = hashlib.sha256()
    for name, weight in sorted(weights.items()):
        if weight.is_floating_point():
            weight = weight.float()
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


def _check_loaded(source: Path | str, model: "PreTrainedModel", info: Mapping[str, Any]) -> None:
    """Refuse weights that are not the configuration's; from_pretrained draws at random what is missing."""
    encoder = f"{model.base_model_prefix}."
    lacking = sorted(name for name in info["missing_keys"] if name.startswith(encoder) and ".pooler." not in name)
    if lacking:
        raise InputError(f"{source}: {len(lacking)} weights of the encoder are missing, the first is {lacking[0]!r}")
    for name, stored, wanted in sorted(info["mismatched_keys"]):
        if name.startswith(encoder):
            raise _mismatch(source, name, stored, wanted)
    stack = layers(model)
    place = next(name for name, module in model.named_modules() if module is stack)
    numbered = re.compile(rf"({re.escape(encoder)})?{re.escape(place.removeprefix(encoder))}\.(\d+)\.")
    found = [match for name in sorted(info["unexpected_keys"]) if (match := numbered.match(name))]
    if any(int(match[2]) >= len(stack) for match in found):
        more = f"weights of a layer {max(int(match[2]) for match in found)}, from 0"
        raise InputError(
            f"{source}: the file has {more}, and config.json names {len(stack)} layers: "
            "give the configuration that belongs to the weights"
        )


def check_shapes(folder: Path, model: "PreTrainedModel") -> None:
    """Check that the weights in a folder have the shapes of the model's, by what its safetensors files say of them.

    `load_classifier` looks at more, but reads them all.

    Args:
        folder: a local folder in Hugging Face form.
        model: what `blank_classifier` makes of it.

    Raises:
        InputError: if a weight of the encoder has another shape; the first is named.
    """
    encoder, wanted = f"{model.base_model_prefix}.", model.state_dict()
    _require_weights(folder)
    for path in sorted(folder.glob("*.safetensors")):
        with _loading(folder), safe_open(path, framework="pt") as file:
            for stored in sorted(file.keys()):
                name = encoder + stored.removeprefix(encoder).replace(".gamma", ".weight").replace(".beta", ".bias")
                shape = file.get_slice(stored).get_shape()
                if name in wanted and shape != list(wanted[name].shape):
                    raise _mismatch(folder, name, shape, wanted[name].shape)


def _mismatch(source: Path | str, name: str, stored: Sequence[int], wanted: Sequence[int]) -> InputError:
    shapes = f"{list(stored)} in the file of weights and {list(wanted)} by config.json"
    return InputError(f"{source}: {name!r} is {shapes}: give the configuration that belongs to the weights")


def _require_json(path: Path) -> None:
    refuse_pointer(path)
    content = path.read_bytes()
    try:
        right = isinstance(json.loads(content), dict)
    except ValueError:
        right = False
    if not right:
        begins = content[:20].decode(errors="replace").strip()
        raise InputError(f"{path}: not JSON of a model, it begins with {begins!r}: download it anew")


def _refuse_code(source: Path | str, file: str, raw: Mapping[str, Any]) -> None:
    if raw.get("auto_map"):
        raise InputError(
            f"{source}: the model has code of its own (auto_map in {file}), which is never run: "
            f"use a model that transformers itself has ({WORKS})"
        )


def _reason(error: Exception) -> str:
    reason = " ".join(str(error).split()) or type(error).__name__
    return reason if len(reason) <= LONGEST_REASON else f"{reason[:LONGEST_REASON]} ..."


def _require_weights(source: Path | str) -> None:
    folder = Path(source)
    for path in sorted([*folder.glob("*.safetensors"), *folder.glob("*.bin")]) if folder.is_dir() else []:
        refuse_pointer(path)


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
        raise InputError(f"{source}: neither a folder with a model nor loadable by name ({_reason(error)})") from error


def save_plain(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", folder: Path) -> None:
    """Write a model and its tokenizer into a folder, in Hugging Face form."""
    with _quiet():
        model.save_pretrained(folder)
        tokenizer.save_pretrained(folder)


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what transformers reports of loading and saving: that a classifier is new, and bars."""
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
