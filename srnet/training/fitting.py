"""Whether model, tokenizer and text belong together; asked before anything is tokenised or trained."""

from typing import TYPE_CHECKING

from torch import nn

from srnet.errors import InputError
from srnet.training.encoding import MAX_LENGTH, NO_PADDING, Encoded
from srnet.training.families import known_types, reads_last_token
from srnet.training.plain import plain

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


def check_fit(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase") -> None:
    """Check that a model can read what a tokenizer writes: token numbers, token types, length and padding.

    Args:
        model: a sequence classifier; its weights are not looked at (they may be on the device ``meta``).
        tokenizer: the tokenizer that `srnet.training.encoding.encode` is to use.

    Raises:
        InputError: if the model cannot; the message says what the tokenizer gives and what the model knows.
    """
    model, name = plain(model), tokenizer.name_or_path or type(tokenizer).__name__
    _check_padding(model, tokenizer, name)
    token, number = max(tokenizer.get_vocab().items(), key=lambda item: item[1], default=("", -1))
    if number >= model.config.vocab_size:
        known = f"the model knows {model.config.vocab_size} (vocab_size)"
        raise InputError(f"{name}: token {token!r} has the number {number}, {known}: give the model's own tokenizer")
    types, longest = known_types(model), positions(model)
    if types and "token_type_ids" in tokenizer.model_input_names:
        given = max(tokenizer("a", "b")["token_type_ids"])
        if given >= types:
            known = f"the model knows {types} (type_vocab_size)"
            raise InputError(f"{name}: token type {given}, {known}: give the model's own tokenizer")
    length = min(MAX_LENGTH, tokenizer.model_max_length)
    if longest is not None and length > longest:
        raise InputError(
            f"{name}: texts of up to {length} tokens, the model reads {longest} (max_position_embeddings): "
            f"set model_max_length of the tokenizer to {longest}"
        )


def check_encoded(model: "PreTrainedModel", data: Encoded, what: str) -> None:
    """Check that a model can read examples that are tokenised already.

    Args:
        model: a sequence classifier.
        data: the examples.
        what: their name in a message.

    Raises:
        InputError: if it cannot; the first example is named, counted from 0.
    """
    model = plain(model)
    types, longest = known_types(model), positions(model)
    limits = [("token", data.input_ids, model.config.vocab_size, "vocab_size")]
    if types and data.token_type_ids is not None:
        limits.append(("token type", data.token_type_ids, types, "type_vocab_size"))
    for kind, numbers, known, setting in limits:
        wrong = (numbers < 0) | (numbers >= known)
        if wrong.any():
            row = int(wrong.any(1).int().argmax())
            number = int(numbers[row][wrong[row]][0])
            knows = f"the model knows {known} ({setting}): encode it with the model's own tokenizer"
            raise InputError(f"{what}: {kind} {number} in example {row}, {knows}")
    if longest is not None and len(data) and int(data.lengths.max()) > longest:
        row = int(data.lengths.argmax())
        reads = f"the model reads {longest} (max_position_embeddings)"
        raise InputError(f"{what}: example {row} has {int(data.lengths[row])} tokens, {reads}: encode it shorter")


def positions(model: "PreTrainedModel") -> int | None:
    """Return how many tokens a model has positions for; None if positions are relative and any length will do."""
    embedding = _position_embedding(model)
    if embedding is None:
        return None
    first = 0 if embedding.padding_idx is None else embedding.padding_idx + 1  # as in RoBERTa
    return embedding.num_embeddings - first


def _position_embedding(model: "PreTrainedModel") -> nn.Embedding | None:
    stored, words = getattr(model.config, "max_position_embeddings", None), model.get_input_embeddings()
    for module in model.base_model.modules():
        if isinstance(module, nn.Embedding) and module is not words and module.num_embeddings == stored:
            return module
    return None


def _check_padding(model: "PreTrainedModel", tokenizer: "PreTrainedTokenizerBase", name: str) -> None:
    padding, expected, last = tokenizer.pad_token_id, model.config.pad_token_id, reads_last_token(model)
    if padding is None:
        raise InputError(f"{name}: {NO_PADDING}")
    if last and expected is None:
        raise InputError(
            f"{type(model).__name__} reads the last token that is not padding, and its configuration has no "
            f"pad_token_id: set it to the tokenizer's (model.config.pad_token_id = {padding})"
        )
    embedding = _position_embedding(model)
    counts = embedding is not None and embedding.padding_idx is not None  # positions from the first that is no padding
    if (last or counts) and expected != padding:
        raise InputError(
            f"{name}: padding is token {padding}, the model takes {expected} for it (pad_token_id): give both the same"
        )
