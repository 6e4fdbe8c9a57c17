"""Data sets of the Hugging Face hub as an alternative to official files.

The hub has MNLI, HANS, QQP and PAWS-Wiki. It lacks PAWS-QQP, which may not be distributed (Zhang et al., 2019, give a
script that makes it from Quora's questions), and FEVER as Schuster et al. (2019) processed it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from datasets import ClassLabel, Dataset, concatenate_datasets, load_dataset

from srnet.data.official import write_task
from srnet.data.pairs import TaskData, pair_dataset
from srnet.data.tasks import Source, find_task
from srnet.errors import InputError


@dataclass(frozen=True)
class HubSplit:
    """A data set on the hub.

    Attributes:
        path: its repository.
        name: its configuration; None for the only one.
        split: its split.
        premise: column of the premise.
        hypothesis: column of the hypothesis.
        subset: column of the subset; "" for none.
        classes: the class of each label name that is not that of the official file.
        revision: the branch to load from; None for the main one.
    """

    path: str
    name: str | None
    split: str
    premise: str
    hypothesis: str
    subset: str = ""
    classes: Mapping[str, str] = field(default_factory=dict)
    revision: str | None = None


def _mnli(split: str) -> HubSplit:
    return HubSplit("nyu-mll/glue", "mnli", split, "premise", "hypothesis")


def _hans(split: str) -> HubSplit:
    # The main branch is a script, which `datasets` no longer runs; the hub keeps what it made in this branch.
    branch = "refs/convert/parquet"
    return HubSplit("jhu-cogsci/hans", None, split, "premise", "hypothesis", subset="heuristic", revision=branch)


def _qqp(split: str) -> HubSplit:
    return HubSplit("nyu-mll/glue", "qqp", split, "question1", "question2", classes={"not_duplicate": "non-duplicate"})


def _paws(split: str) -> HubSplit:
    return HubSplit("google-research-datasets/paws", "labeled_final", split, "sentence1", "sentence2")


HUB: Mapping[str, HubSplit] = {
    "MNLI/train.tsv": _mnli("train"),
    "MNLI/dev_matched.tsv": _mnli("validation_matched"),
    "MNLI/hans/heuristics_evaluation_set.txt": _hans("validation"),
    "MNLI/hans/heuristics_train_set.txt": _hans("train"),
    "QQP/train.tsv": _qqp("train"),
    "QQP/dev.tsv": _qqp("validation"),
    "QQP/paws_wiki/test.tsv": _paws("test"),
    "QQP/paws_wiki/train.tsv": _paws("train"),
}
"""What the hub has, by official file."""

_PAWS_QQP = "made by the script of https://github.com/google-research-datasets/paws"
_FEVER = "https://www.dropbox.com/s"
_SYMMETRIC = "https://github.com/TalSchuster/FeverSymmetric"
ELSEWHERE: Mapping[str, str] = {
    "QQP/paws_qqp/dev_and_test.tsv": _PAWS_QQP,
    "QQP/paws_qqp/train.tsv": _PAWS_QQP,
    "fever/fever.train.jsonl": f"{_FEVER}/v1a0depfg7jp90f/fever.train.jsonl",
    "fever/fever.dev.jsonl": f"{_FEVER}/bdwf46sa2gcuf6j/fever.dev.jsonl",
    "fever/sym1/test.jsonl": f"{_SYMMETRIC}, symmetric_v0.1/fever_symmetric_generated.jsonl",
    "fever/sym2/test.jsonl": f"{_SYMMETRIC}, symmetric_v0.2/fever_symmetric_test.jsonl",
    "fever/sym2/dev.jsonl": f"{_SYMMETRIC}, symmetric_v0.2/fever_symmetric_dev.jsonl",
}
"""Where the official files are that the hub lacks."""


def fetch(name: str, folder: Path) -> dict[str, str]:
    """Load a task's data sets from the Hugging Face hub and write them as official files.

    Splits without labels, as GLUE's test sets are, are not used.

    Args:
        name: a name in `srnet.data.tasks.TASKS`.
        folder: the data folder to write to; none of the task's files may be there yet.

    Returns:
        The official files that the hub lacks, and where each is to be had; `srnet.data.official.load_task` leaves out
        the data sets of those that are not added.

    Raises:
        InputError: if the task is unknown, its training or development set is not on the hub, the hub cannot be
            reached, a data set there is not as expected, or a file is there already. Nothing has been written then.
    """
    task = find_task(name)
    lacking = {file: ELSEWHERE[file] for file in task.files if file not in HUB}
    for source in (task.train, task.dev):
        if source.file in lacking:
            raise InputError(f"{source.file} is not on the Hugging Face hub; get it from {lacking[source.file]}")
    train, dev = _load(task.train), _load(task.dev)
    ood = {data_set: _load(source) for data_set, source in task.ood.items() if source.file in HUB}
    ood_train = [_load(source) for source in task.ood_train.values() if source.file in HUB]
    write_task(TaskData(name, train, dev, ood, concatenate_datasets(ood_train) if ood_train else None), folder)
    return lacking


def _load(source: Source) -> Dataset:
    """Return a data set of the hub with the columns and classes that the official file is read with."""
    hub, form = HUB[source.file], source.format
    where = ", ".join(filter(None, (hub.path, hub.name, hub.split)))
    try:
        data = load_dataset(hub.path, hub.name, split=hub.split, revision=hub.revision)
    except Exception as error:  # of `datasets`, of the hub's client, of the network
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise InputError(f"{where}: cannot be loaded from the Hugging Face hub ({reason}); are you online?") from error
    for column in filter(None, (hub.premise, hub.hypothesis, "label", hub.subset)):
        if column not in data.column_names:
            raise InputError(f"{where}: no column {column!r}, it has {', '.join(data.column_names)}")
    label = data.features["label"]
    if not isinstance(label, ClassLabel):
        raise InputError(f"{where}: its labels have no names, so their classes are not known")
    classes = []
    for each in label.names:
        classes.append(hub.classes.get(each) or form.names.get(each, each))
        if classes[-1] not in form.classes:
            raise InputError(f"{where}: unknown label {each!r}; known are {', '.join(form.names or form.classes)}")
    labels = np.array(data["label"][:])
    if len(unlabelled := np.flatnonzero(labels < 0)):
        raise InputError(f"{where}, example {unlabelled[0]}: no label; {len(unlabelled)} of {len(data)} have none")
    return pair_dataset(
        data[hub.premise][:],
        data[hub.hypothesis][:],
        np.array([form.classes.index(each) for each in classes])[labels],
        form.classes,
        data[hub.subset][:] if hub.subset else [form.origin] * len(data),
    )
