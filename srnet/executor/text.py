"""Where an experiment's text, word vectors and pre-trained model come from."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from srnet import pocket
from srnet.data.official import load_task, source_files
from srnet.data.pairs import TaskData
from srnet.data.tasks import TASKS
from srnet.debiasing.known import known_words
from srnet.debiasing.word_vectors import WordVectors
from srnet.environment import Inputs
from srnet.errors import InputError
from srnet.executor.plms import plm_source
from srnet.experiments.expressions import Bias, Data, Experiment, Pretrained
from srnet.files import digest, sha256
from srnet.training.encoding import Encoded, encode
from srnet.training.fitting import check_fit
from srnet.training.metrics import Gold
from srnet.training.models import blank_classifier, load_tokenizer

if TYPE_CHECKING:
    from datasets import Dataset


def is_at_hand(data: Data) -> bool:
    """Tell whether the text of a task can be read: it is not where its expression names it by an empty digest."""
    return data.world is not None or bool(data.sha256)


def read_text(data: Data, inputs: Inputs) -> TaskData:
    """Return the text of a task: generated, or read from the data folder.

    Raises:
        InputError: if there is no data folder, a file of it is missing or malformed, or the text is not the named one.
    """
    return _read_text(replace(data, vectors="", with_ood=False), inputs)


@lru_cache(maxsize=4)
def _read_text(data: Data, inputs: Inputs) -> TaskData:
    if data.world is not None:
        found, text = pocket.FINGERPRINTS[data.task], pocket.build(data.task, data.world)
    else:
        folder = data_folder(inputs)
        found, text = text_digest(data.task, folder), load_task(data.task, folder)
    if found != data.sha256:
        raise InputError(f"text of {data.task}: its digest is {found[:12]}, the experiment names {data.sha256[:12]}")
    return text


@lru_cache(maxsize=8)  # expressions need it, and so does reading: files of gigabytes are hashed once in a process
def text_digest(task: str, folder: Path) -> str:
    """Return the digest of the official files that a task is read from.

    Raises:
        InputError: if the training or development file is missing.
    """
    return digest(source_files(task, folder), folder)


def training_set(data: Data, inputs: Inputs) -> "Dataset":
    """Return what is trained on: the ID training set, with the OOD training examples after it where `data` says so.

    Raises:
        InputError: if there are none.
    """
    text = read_text(data, inputs)
    if not data.with_ood:
        return text.train
    if text.ood_train is None:
        files = ", ".join(source.file for source in TASKS[data.task].ood_train.values())
        raise InputError(f"OOD training examples of {data.task} are needed: none of {files} is in the data folder")
    from datasets import concatenate_datasets

    return concatenate_datasets([text.train, text.ood_train])


def test_sets(data: Data, inputs: Inputs) -> Mapping[str, "Dataset"]:
    """Return the ID development set and the OOD test sets by their names."""
    text = read_text(data, inputs)
    return {TASKS[data.task].dev_name: text.dev} | dict(text.ood)


def all_sets(data: Data, inputs: Inputs) -> Mapping[str, "Dataset"]:
    """Return the training set, as "train", and the test sets of a task."""
    return {"train": training_set(data, inputs), **test_sets(data, inputs)}


def gold(part: "Dataset") -> Gold:
    """Return what answers on a data set are held against."""
    labels = torch.tensor(part["label"][:], dtype=torch.int64)
    return Gold(labels, tuple(part.features["label"].names), np.array(part["subset"][:]))


def encoded(data: Data, plm: Pretrained, inputs: Inputs) -> Mapping[str, Encoded]:
    """Return all data sets of a task, tokenised for a model.

    Raises:
        InputError: if the model cannot be pruned, or does not fit its tokenizer.
    """
    source = plm_source(plm, inputs)
    tokenizer = load_tokenizer(source)
    check_fit(blank_classifier(source), tokenizer)
    return {name: encode(part, tokenizer) for name, part in all_sets(data, inputs).items()}


def word_vectors(data: Data, inputs: Inputs) -> WordVectors:
    """Return the word vectors of a task's bias model: from the user's file, or trained on the ID training set.

    Raises:
        InputError: if the file is not the one that the experiment names.
    """
    if not data.vectors:
        train = read_text(data, inputs).train
        return WordVectors.train([*train["premise"][:], *train["hypothesis"][:]])
    if inputs.vectors is None or file_digest(inputs.vectors) != data.vectors:
        where = f"{inputs.vectors}: not" if inputs.vectors else "a file is needed:"
        raise InputError(f"{where} the word vectors of the experiment, which --vectors or SRNET_VECTORS must name")
    return WordVectors.read(inputs.vectors)


def share_known(data: Data, vectors: WordVectors, inputs: Inputs) -> float:
    """Return the share, in (0, 1], of the words that a task's bias model looks at in training that have a vector.

    Warns and raises as `srnet.debiasing.known.known_words` does.
    """
    columns = ("premise", "hypothesis") if TASKS[data.task].bias == "pair" else ("hypothesis",)
    train = training_set(data, inputs)
    return known_words((text for name in columns for text in train[name][:]), vectors)[1]


def check_vectors(experiments: Iterable[Experiment], inputs: Inputs) -> None:
    """Read the user's word vectors before anything is computed, if one of the experiments needs them.

    Warns:
        FewKnownWarning: few words of a task's text have a vector.

    Raises:
        InputError: the file cannot be read, is not the one that the experiments name, or has no word of the text.
    """
    for data in dict.fromkeys(each.data for each in experiments if isinstance(each, Bias) and each.data.vectors):
        share_known(data, word_vectors(data, inputs), inputs)


@lru_cache(maxsize=4)
def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file that may be large.

    Raises:
        InputError: if it cannot be read.
    """
    try:
        return sha256(path)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def data_folder(inputs: Inputs) -> Path:
    """Return the folder of the official data files.

    Raises:
        InputError: if none is given.
    """
    if inputs.data_dir is None:
        raise InputError("official data files are needed: give their folder with --data-dir or SRNET_DATA")
    return inputs.data_dir
