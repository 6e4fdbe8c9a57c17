"""Sentence pairs as tensors of token ids, and batches that waste little on padding."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from srnet.errors import InputError
from srnet.machine import sent

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedTokenizerBase

MAX_LENGTH = 128  # tokens per pair, Table 3 of the paper's supplement
CHUNK = 4096  # pairs tokenised at once
NO_PADDING = (
    "the tokenizer has no padding token: give it one (tokenizer.pad_token = tokenizer.eos_token), and name it in the "
    "model's configuration (model.config.pad_token_id = tokenizer.pad_token_id)"
)
POOL = 100  # batches whose examples are sorted by length together


@dataclass(frozen=True)
class Encoded:
    """N tokenised sentence pairs, padded on the right to a common width T.

    Attributes:
        input_ids: token ids, int32 [N, T].
        token_type_ids: 0 for the premise and 1 for the hypothesis, int32 [N, T]; None for models without them, such as
            RoBERTa, whose pairs are told apart by two separator tokens.
        lengths: number of real tokens, int64 [N].
        labels: gold classes, int64 [N].
    """

    input_ids: Tensor
    token_type_ids: Tensor | None
    lengths: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def packed(self) -> dict[str, Tensor]:
        """Return the examples without their padding, for saving: token ids one after another in one row."""
        real = self._real()
        packed = {
            "input_ids": self.input_ids[real],
            "padding": self.input_ids[~real][:1],
            "lengths": self.lengths,
            "labels": self.labels,
        }
        if self.token_type_ids is not None:
            packed["token_type_ids"] = self.token_type_ids[real].to(torch.uint8)
        return packed

    @classmethod
    def unpacked(cls, packed: Mapping[str, Tensor]) -> "Encoded":
        """Return what was `packed`."""
        lengths = packed["lengths"]
        shape = len(lengths), int(lengths.max())
        fill = int(packed["padding"][0]) if len(packed["padding"]) else 0
        types = torch.zeros(shape, dtype=torch.int32) if "token_type_ids" in packed else None
        encoded = cls(torch.full(shape, fill, dtype=torch.int32), types, lengths, packed["labels"])
        real = encoded._real()
        encoded.input_ids[real] = packed["input_ids"]
        if types is not None:
            types[real] = packed["token_type_ids"].to(torch.int32)
        return encoded

    def _real(self) -> Tensor:
        return torch.arange(self.input_ids.shape[1]) < self.lengths[:, None]

    def inputs(self, index: Tensor, device: torch.device) -> dict[str, Tensor]:
        """Return the model's inputs for the examples `index` (int64 [B]), cut to the longest of them.

        Where all are of one length, which length-grouped batches mostly are, there is nothing to mask and no mask.
        """
        lengths = self.lengths[index]
        width = int(lengths.max())
        batch = {"input_ids": self.input_ids[index, :width]}
        if int(lengths.min()) < width:
            batch["attention_mask"] = (torch.arange(width) < lengths[:, None]).long()
        if self.token_type_ids is not None:
            batch["token_type_ids"] = self.token_type_ids[index, :width]
        return {name: sent(tensor, device) for name, tensor in batch.items()}


def encode(data: "Dataset", tokenizer: "PreTrainedTokenizerBase") -> Encoded:
    """Tokenise the columns ``premise`` and ``hypothesis``.

    A pair of more than `MAX_LENGTH` tokens, or of more than the tokenizer says its model can read, is cut, its longer
    side first. Where the tokenizer puts nothing between two texts, as GPT-2's, the second begins in a new line.

    Args:
        data: a table with the columns premise, hypothesis and label.
        tokenizer: the tokenizer of the model that will read the pairs.

    Raises:
        InputError: if a column is missing, there are no rows, a pair has no token, or the tokenizer has no padding
            token.
    """
    if tokenizer.pad_token_id is None:
        raise InputError(f"{tokenizer.name_or_path}: {NO_PADDING}")
    missing = {"premise", "hypothesis", "label"} - set(data.column_names)
    if missing or not len(data):
        raise InputError(f"a table of pairs needs the columns premise, hypothesis and label, and rows: {data}")
    premises, hypotheses = data["premise"][:], data["hypothesis"][:]
    if tokenizer.num_special_tokens_to_add(pair=True) == tokenizer.num_special_tokens_to_add(pair=False):
        hypotheses = [f"\n{text}" if text else text for text in hypotheses]
    chunks = [
        tokenizer(
            premises[start : start + CHUNK],
            hypotheses[start : start + CHUNK],
            truncation="longest_first",
            max_length=min(MAX_LENGTH, tokenizer.model_max_length),
            padding="longest",
            padding_side="right",
            return_tensors="np",
        )
        for start in range(0, len(premises), CHUNK)
    ]
    types = None
    if "token_type_ids" in tokenizer.model_input_names:
        types = _stack([chunk["token_type_ids"] for chunk in chunks], 0)
    lengths = np.concatenate([chunk["attention_mask"].sum(axis=1) for chunk in chunks])
    if not lengths.all():
        raise InputError(
            f"the pair in row {int(lengths.argmin())} (from 0) has no token: give it text, or leave it out"
        )
    return Encoded(
        input_ids=_stack([chunk["input_ids"] for chunk in chunks], tokenizer.pad_token_id),
        token_type_ids=types,
        lengths=torch.from_numpy(lengths.astype(np.int64)),
        labels=torch.tensor(data["label"][:], dtype=torch.int64),
    )


def length_grouped(lengths: Tensor, batch_size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield batches of example indices for ever, epoch after epoch, each batch of examples of similar length.

    Examples are shuffled, sorted by length within pools of `POOL` batches, cut into batches, and the batches shuffled,
    so that unlike with a sampler that leaves each pool sorted, length does not drift during an epoch.

    Args:
        lengths: number of tokens of each example, int64 [N].
        batch_size: examples per batch; the last batch of an epoch may be smaller.
        generator: source of the shuffles.
    """
    while True:
        shuffled = torch.randperm(len(lengths), generator=generator)
        pools = shuffled.split(batch_size * POOL)
        ordered = torch.cat([pool[lengths[pool].argsort(stable=True)] for pool in pools])
        batches = ordered.split(batch_size)
        for position in torch.randperm(len(batches), generator=generator).tolist():
            yield batches[position]


def _stack(chunks: list[np.ndarray], fill: int) -> Tensor:
    width = max(chunk.shape[1] for chunk in chunks)
    padded = [np.pad(chunk, ((0, 0), (0, width - chunk.shape[1])), constant_values=fill) for chunk in chunks]
    return torch.from_numpy(np.concatenate(padded).astype(np.int32))
