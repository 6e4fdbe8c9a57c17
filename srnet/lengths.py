"""How many tokens the pairs of a task have: counted in its text where that is at hand, else as known beforehand."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from datasets import Dataset
from huggingface_hub import try_to_load_from_cache
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from srnet.encoding import encode
from srnet.environment import Inputs
from srnet.experiments import Data, Pretrained
from srnet.inputs import plm_source, test_sets, training_set
from srnet.models import load_tokenizer
from srnet.statistics import OFFICIAL
from srnet.tasks import TASKS

COUNTED = 20_000  # largest data set whose pairs are all tokenised
SAMPLE = 10_000  # pairs tokenised of a larger one: its mean length is then known to half a per cent

# Tokens of a pair at PERCENTILES of a data set, in BERT's uncased vocabulary, pairs cut at 128. Counted in 25,931 pairs
# of MNLI's training set, HANS's templates under another seed, 11,946 pairs of QQP's training set, 8,866 claims with
# their evidence drawn from FEVER's development set, and the official Symmetric files. Standard errors of the means are
# 0.3 % (MNLI), 0.1 % (HANS), 0.4 % (QQP) and 0.5 % (FEVER; but the sample has no claims without enough evidence).
# PAWS was not at hand. PAWS-QQP is taken to be as QQP, whose questions it is made of; PAWS-Wiki is an assumption, from
# six sentences of its dataset card with 29 tokens on average. RoBERTa's tokenizer is taken to give as many tokens.
PERCENTILES = (0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95, 99, 100)
_QQP = (11, 19, 21, 23, 25, 27, 30, 33, 38, 47, 55, 75, 128)
LENGTHS: Mapping[str, tuple[int, ...]] = {
    "mnli-m": (5, 19, 24, 29, 33, 37, 42, 47, 53, 63, 73, 99, 128),
    "hans": (10, 14, 16, 17, 18, 18, 18, 19, 19, 20, 22, 22, 24),
    "qqp": _QQP,
    "paws-qqp": _QQP,
    "paws-wiki": (22, 36, 43, 49, 54, 59, 64, 69, 76, 86, 94, 110, 128),
    "fever": (16, 33, 39, 43, 48, 54, 60, 71, 88, 125, 128, 128, 128),
    "sym1": (16, 27, 33, 35, 38, 43, 47, 53, 60, 71, 84, 107, 128),
    "sym2": (16, 26, 32, 34, 38, 42, 47, 54, 62, 72, 88, 117, 128),
}
# Schuster et al. (2019) publish their processed FEVER without its size; these are the sizes given by those who use it.
FEVER = {"train": 242_911, "dev": 16_664}


def is_at_hand(data: Data) -> bool:
    """Tell whether the text of a task can be read: it is not where its expression names it by an empty digest."""
    return data.world is not None or bool(data.sha256)


def pair_lengths(data: Data, plm: Pretrained, inputs: Inputs) -> Mapping[str, Tensor]:
    """Return the tokens of each pair of a task's data sets, nothing being downloaded.

    They are exact where the text and the tokenizer are at hand and the data set has at most `COUNTED` pairs; of a
    larger one a sample is tokenised. Without a tokenizer the lengths are drawn from the known percentiles, without the
    text the sizes are the official ones too.

    Args:
        data: the text; word vectors do not matter.
        plm: the model whose tokenizer is used.
        inputs: where text and model lie.

    Returns:
        For "train", the ID development set and each OOD test set by name, int64 [N]; where the lengths are not exact
        their order means nothing.

    Raises:
        InputError: as `srnet.inputs.read_text`.
    """
    return _pair_lengths(replace(data, vectors=""), plm, inputs)


def sizes(data: Data, inputs: Inputs) -> Mapping[str, int]:
    """Return the number of pairs of a task's data sets, named as by `pair_lengths`; raises as it does."""
    if not is_at_hand(data):
        return {name: len(part) for name, part in _known(data).items()}
    return {name: len(part) for name, part in _sets(data, inputs).items()}


@lru_cache(maxsize=64)
def _pair_lengths(data: Data, plm: Pretrained, inputs: Inputs) -> Mapping[str, Tensor]:
    if not is_at_hand(data):
        return _known(data)
    sets, folder = _sets(data, inputs), _folder(plm, inputs)
    if folder is None:
        known = _known(data)
        return {name: _stretched(known[name], len(part)) for name, part in sets.items()}
    tokenizer = load_tokenizer(folder)
    return {name: _counted(part, tokenizer) for name, part in sets.items()}


def _sets(data: Data, inputs: Inputs) -> Mapping[str, Dataset]:
    return {"train": training_set(data, inputs), **test_sets(data, inputs)}


@lru_cache(maxsize=16)
def _known(data: Data) -> Mapping[str, Tensor]:
    task = TASKS[data.task]

    def lengths(name: str, split: str) -> Tensor:
        examples = FEVER[split] if name == "fever" else OFFICIAL[task.name, name, split].examples[0]
        shares = np.linspace(0, 100, examples)
        return torch.from_numpy(np.interp(shares, PERCENTILES, LENGTHS[name]).round().astype(np.int64))

    train = [lengths(task.dev_name, "train")]
    if data.with_ood:
        train += [lengths(name, "train") for name in task.ood_train]
    tests = {task.dev_name: lengths(task.dev_name, "dev")} | {name: lengths(name, "test") for name in task.ood}
    return {"train": torch.cat(train), **tests}


def _counted(part: Dataset, tokenizer: PreTrainedTokenizerBase) -> Tensor:
    if len(part) <= COUNTED:
        return encode(part, tokenizer).lengths
    sample = np.random.default_rng(0).choice(len(part), SAMPLE, replace=False)
    return _stretched(encode(part.select(sample), tokenizer).lengths, len(part))


def _stretched(lengths: Tensor, size: int) -> Tensor:
    """Return `size` lengths that are distributed as those given."""
    return lengths.sort().values[torch.arange(size) * len(lengths) // size]


def _folder(plm: Pretrained, inputs: Inputs) -> Path | None:
    """Return the local folder of a model, which for one of the hub is in the hub's cache, if it has been used before.

    It may lack what has never been asked for.
    """
    if plm.sha256:
        return Path(plm_source(plm, inputs))
    config, vocabulary = (try_to_load_from_cache(plm.name, file) for file in ("config.json", "tokenizer.json"))
    return Path(config).parent if isinstance(config, str) and isinstance(vocabulary, str) else None
