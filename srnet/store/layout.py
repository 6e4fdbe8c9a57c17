"""How a result is laid out: which of its files holds what, and what its record says beside."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from srnet.experiments.expressions import Experiment, Tokenised
from srnet.store.store import Entry, Store
from srnet.training.encoding import Encoded
from srnet.training.metrics import Gold


@dataclass(frozen=True)
class Examples:
    """A data set without its text: all that training and evaluation need of it.

    Attributes:
        encoded: the token ids.
        gold: what answers are held against.
    """

    encoded: Encoded
    gold: Gold


def at_step(what: str, step: int | None) -> str:
    """Return the name of what ("weights", "logits") a fine-tuning kept after a step; None is its end."""
    return what if step is None else f"{what}-{step}"


def at_level(what: str, level: float) -> str:
    """Return the name of what ("weights", "mask") iterative pruning kept at a sparsity."""
    return f"{what}-{100 * level:.0f}"


def steps_with_logits(record: Mapping[str, Any]) -> list[int | None]:
    """Return the steps after which a result has logits (`at_step`), from its record."""
    found = (re.fullmatch(r"logits(?:-(\d+))?\.safetensors", name) for name in record["files"])
    return [int(each[1]) if each[1] else None for each in found if each]


def predictions(experiment: Experiment, store: Store, step: int | None = None) -> Mapping[str, Tensor]:
    """Return the predicted classes by data set, int64 [N], after a step of a fine-tuning or at the end.

    They are the arg max of the logits or, of a published result, what is published; of equal logits the first counts.

    Raises:
        DamagedError: if what they are read from is missing or not what was written.
        InputError: if there is no result.
    """
    what, line = at_step("logits", step), store.published(experiment)
    if line is None:
        return {name: logits.argmax(dim=-1) for name, logits in store.tensors(experiment, what).items()}
    return {name: torch.from_numpy(numbers(classes)) for name, classes in line["predictions"][what].items()}


def digits(numbers: NDArray[np.integer[Any]]) -> str:
    """Return small numbers [N], such as classes, as N characters: the digit 0 and those that follow it in Unicode."""
    return "".join(map(chr, numbers.astype(int) + ord("0")))


def numbers(digits: str) -> NDArray[np.int64]:
    """Return the numbers, int64 [N], that N characters stand for (`digits`)."""
    return np.frombuffer(digits.encode("utf-32-le"), dtype="<u4").astype(np.int64) - ord("0")


def save_examples(sets: Mapping[str, Examples], entry: Entry) -> None:
    """Fill the result of a `Tokenised`: a file for each data set, and in the record the names that its codes mean."""
    about: dict[str, dict[str, Any]] = {name: {} for name in ("examples", "tokens", "classes", "subsets")}
    for name, part in sets.items():
        subsets, codes = np.unique(part.gold.subsets, return_inverse=True)
        entry.save(name, part.encoded.packed() | {"subsets": torch.from_numpy(codes.astype(np.uint8))})
        about["examples"][name], about["tokens"][name] = len(part.encoded), int(part.encoded.lengths.sum())
        about["classes"][name], about["subsets"][name] = list(part.gold.classes), subsets.tolist()
    entry.record |= about


def examples(tokens: Tokenised, name: str, store: Store) -> Examples:
    """Return a data set: "train", or one of the task's test sets; raises as `predictions` does."""
    record, file = store.record(tokens), f"{name}.safetensors"
    names = tuple(record["classes"][name]), tuple(record["subsets"][name])
    return _unpacked(store.file(tokens, file), record["files"][file]["sha256"], *names)


def gold(tokens: Tokenised, name: str, store: Store) -> Gold:
    """Return what answers on one of the task's test sets are held against; raises as `predictions` does."""
    line = store.published(tokens)
    if line is None:
        return examples(tokens, name, store).gold
    labels, codes = (numbers(line["gold"][name][what]) for what in ("labels", "subsets"))
    classes, subsets = (line["record"][what][name] for what in ("classes", "subsets"))
    return Gold(torch.from_numpy(labels), tuple(classes), np.array(subsets)[codes])


def test_sets(tokens: Tokenised, store: Store) -> list[str]:
    """Return the names of the ID development set and the OOD test sets."""
    return [name for name in store.record(tokens)["examples"] if name != "train"]


@lru_cache(maxsize=16)  # the data sets of the three tasks
def _unpacked(path: Path, checksum: str, classes: tuple[str, ...], subsets: tuple[str, ...]) -> Examples:
    packed = load_file(path)
    encoded = Encoded.unpacked(packed)
    return Examples(encoded, Gold(encoded.labels, classes, np.array(subsets)[packed["subsets"].numpy()]))
