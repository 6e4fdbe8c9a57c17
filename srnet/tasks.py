"""Tasks: which official files each is read from, and their text in memory.

The data sets are those of Section 4.1 and Appendix B of the paper, in the official code's folders.
"""

import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from datasets import Dataset, concatenate_datasets

from srnet.errors import InputError
from srnet.files import written_whole
from srnet.formats import (
    FACT_LABELS,
    FEVER,
    HANS,
    HANS_HEURISTICS,
    HANS_LABELS,
    HANS_TRAIN,
    MNLI,
    NLI_LABELS,
    PARAPHRASE_LABELS,
    PAWS,
    QQP,
    SYMMETRIC_1,
    SYMMETRIC_2,
    SYMMETRIC_LABELS,
    SYMMETRIC_TRAIN,
)
from srnet.readers import Format, pair_dataset

__all__ = [
    "FACT_LABELS",
    "HANS_HEURISTICS",
    "HANS_LABELS",
    "NLI_LABELS",
    "PARAPHRASE_LABELS",
    "SYMMETRIC_LABELS",
    "TASKS",
    "MissingDataWarning",
    "Source",
    "Task",
    "TaskData",
    "find_task",
    "load_task",
    "pair_dataset",
    "source_files",
    "write_task",
]


class MissingDataWarning(UserWarning):
    """A file of a task is not in the data folder, and its data set is left out."""


@dataclass(frozen=True)
class TaskData:
    """The text of one task, in memory.

    Every data set has exactly the columns `premise` and `hypothesis` (strings), `label` (a `ClassLabel` with the names
    of its own classes, which may be fewer than the task's) and `subset` (a string, "" where there are no subsets).
    For paraphrases they are the first and second question, for fact verification evidence and claim.

    Attributes:
        name: the task's name in `TASKS`.
        train: in-distribution (ID) training examples.
        dev: ID development examples; the id of this data set is the task's `dev_name`.
        ood: out-of-distribution (OOD) test examples by data-set id; of the task's data sets, those that are there.
        ood_train: OOD training examples (Appendix B.3.3) with the classes of the task, each as often as it is to be
            trained on; None where there are none. Where several data sets make them up (PAWS), `subset` is the one they
            are from.
    """

    name: str
    train: Dataset
    dev: Dataset
    ood: Mapping[str, Dataset]
    ood_train: Dataset | None = None


@dataclass(frozen=True)
class Source:
    """A data set's official file.

    Attributes:
        file: path in the data folder.
        format: how it is read and written.
        copies: how often the examples are trained on.
    """

    file: str
    format: Format
    copies: int = 1


@dataclass(frozen=True)
class Task:
    """What is known of a task before any text is read.

    Attributes:
        name: short name, used in keys and on the command line.
        title: name for figures and tables.
        labels: names of the classes a model of this task predicts, in the order of its logits.
        dev_name: data-set id of the ID development set.
        train: source of the ID training set.
        dev: source of the ID development set.
        ood: sources of the OOD test sets by data-set id.
        ood_train: sources of the OOD training examples by data-set id, as in the official code.
        metric: the headline score: "accuracy", or "weighted_f1" (Section 4.1).
        bias: the spurious features of Appendix B.3.1: those of a "pair" of sentences, or of the "claim" alone.
    """

    name: str
    title: str
    labels: tuple[str, ...]
    dev_name: str
    train: Source
    dev: Source
    ood: Mapping[str, Source]
    ood_train: Mapping[str, Source]
    metric: str = "accuracy"
    bias: str = "pair"

    @property
    def files(self) -> tuple[str, ...]:
        """The task's official files in the data folder: training, development, OOD, OOD training."""
        return tuple(source.file for _, source in self._sources)

    @property
    def _sources(self) -> tuple[tuple[str, Source], ...]:
        id_sets = ((f"{self.dev_name} training set", self.train), (self.dev_name, self.dev))
        training = ((f"{name} training set", source) for name, source in self.ood_train.items())
        return (*id_sets, *self.ood.items(), *training)


TASKS: Mapping[str, Task] = {
    "nli": Task(
        name="nli",
        title="Natural language inference",
        labels=NLI_LABELS,
        dev_name="mnli-m",
        train=Source("MNLI/train.tsv", MNLI),
        dev=Source("MNLI/dev_matched.tsv", MNLI),
        ood={"hans": Source("MNLI/hans/heuristics_evaluation_set.txt", HANS)},
        ood_train={"hans": Source("MNLI/hans/heuristics_train_set.txt", HANS_TRAIN)},
    ),
    "paraphrase": Task(
        name="paraphrase",
        title="Paraphrase identification",
        labels=PARAPHRASE_LABELS,
        dev_name="qqp",
        train=Source("QQP/train.tsv", QQP),
        dev=Source("QQP/dev.tsv", QQP),
        ood={
            "paws-qqp": Source("QQP/paws_qqp/dev_and_test.tsv", PAWS),
            "paws-wiki": Source("QQP/paws_wiki/test.tsv", PAWS),
        },
        ood_train={
            "paws-qqp": Source("QQP/paws_qqp/train.tsv", replace(PAWS, origin="paws-qqp")),
            "paws-wiki": Source("QQP/paws_wiki/train.tsv", replace(PAWS, origin="paws-wiki")),
        },
        metric="weighted_f1",
    ),
    "fact": Task(
        name="fact",
        title="Fact verification",
        labels=FACT_LABELS,
        dev_name="fever",
        train=Source("fever/fever.train.jsonl", FEVER),
        dev=Source("fever/fever.dev.jsonl", FEVER),
        ood={
            "sym1": Source("fever/sym1/test.jsonl", SYMMETRIC_1),
            "sym2": Source("fever/sym2/test.jsonl", SYMMETRIC_2),
        },
        ood_train={"sym2": Source("fever/sym2/dev.jsonl", SYMMETRIC_TRAIN, copies=10)},
        bias="claim",
    ),
}


def find_task(name: str) -> Task:
    """Return the task of that name.

    Raises:
        InputError: there is none.
    """
    if not isinstance(name, str) or name not in TASKS:
        raise InputError(f"unknown task {name!r}; known are {', '.join(TASKS)}")
    return TASKS[name]


def source_files(name: str, folder: Path) -> tuple[Path, ...]:
    """Return the official files that a task is read from: training, development, then the OOD files that are there.

    Args:
        name: a name in `TASKS`.
        folder: the data folder, laid out as in the official code (`MNLI/train.tsv`, ...).

    Warns:
        MissingDataWarning: an OOD file is missing, and is left out.

    Raises:
        InputError: the task is unknown, or its training or development file is missing.
    """
    return _present_files(find_task(name), folder)


def _present_files(task: Task, folder: Path) -> tuple[Path, ...]:
    paths = []
    for dataset, source in task._sources:
        path = folder / source.file
        if path.is_file():
            paths.append(path)
        elif source in (task.train, task.dev):
            raise InputError(f"{path}: no such file; task {task.name!r} reads {', '.join(task.files)}")
        else:  # named at the caller of this module's function
            warnings.warn(f"{path}: no such file; {dataset} is left out", MissingDataWarning, stacklevel=3)
    return tuple(paths)


def load_task(name: str, folder: Path) -> TaskData:
    """Read all data sets of a task that are there from its official files.

    Args:
        name: a name in `TASKS`.
        folder: the data folder, laid out as in the official code (`MNLI/train.tsv`, ...).

    Warns:
        MissingDataWarning: an OOD file is missing, and is left out.

    Raises:
        InputError: the task is unknown, its training or development file is missing (all files are looked for before
            the first is read), or a file is malformed.
    """
    task = find_task(name)
    present = _present_files(task, folder)

    def read(source: Source) -> Dataset | None:
        path = folder / source.file
        return concatenate_datasets([source.format.read(path)] * source.copies) if path in present else None

    ood = {dataset: read(source) for dataset, source in task.ood.items()}
    training = [part for source in task.ood_train.values() if (part := read(source)) is not None]
    return TaskData(
        name=name,
        train=task.train.format.read(folder / task.train.file),
        dev=task.dev.format.read(folder / task.dev.file),
        ood={dataset: part for dataset, part in ood.items() if part is not None},
        ood_train=concatenate_datasets(training) if training else None,
    )


def write_task(data: TaskData, folder: Path) -> None:
    """Write a task's text as official files, from which `load_task` reads equal text.

    Args:
        data: the text.
        folder: the data folder; it is made where it is not there, and may hold other tasks.

    Raises:
        InputError: one of the files is there already; the official format cannot hold the text, as a tab or line break
            in a table. Nothing has been written then.
    """
    task = find_task(data.name)
    for path in (folder / file for file in task.files):
        if path.exists():
            raise InputError(f"{path}: there already; give another folder, or remove it")
    contents = {
        folder / source.file: source.format.text(part, f"{task.name}, {where}")
        for where, source, part in (*_id_and_ood_parts(task, data), *_ood_train_parts(task, data))
    }
    for path, content in contents.items():
        try:
            with written_whole(path) as temporary:
                temporary.write_bytes(content.encode())
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}") from error


def _id_and_ood_parts(task: Task, data: TaskData) -> Iterator[tuple[str, Source, Dataset]]:
    """Yield the name, the file and the examples of training, development and OOD test sets."""
    yield "training set", task.train, data.train
    yield task.dev_name, task.dev, data.dev
    for dataset, part in data.ood.items():
        if dataset not in task.ood:
            raise InputError(f"{task.name}: unknown OOD data set {dataset!r}; known are {', '.join(task.ood)}")
        yield dataset, task.ood[dataset], part


def _ood_train_parts(task: Task, data: TaskData) -> Iterator[tuple[str, Source, Dataset]]:
    """Yield the name, the file and the examples of each OOD training set, once if they are there in copies."""
    if data.ood_train is None:
        return
    where, columns = f"{task.name}, OOD training examples", data.ood_train.to_dict()
    sources = {source.format.origin: (dataset, source) for dataset, source in task.ood_train.items()}
    origins = columns["subset"] if len(sources) > 1 else list(sources) * len(data.ood_train)
    if origins != [origin for origin in sources for _ in range(origins.count(origin))]:
        raise InputError(f"{where}: their subset tells the file; it must be {', then '.join(sources)}")
    start = 0
    for origin, (dataset, source) in sources.items():
        copied = origins.count(origin)
        once, end = copied // source.copies, start + copied
        if any(values[start:end] != values[start : start + once] * source.copies for values in columns.values()):
            raise InputError(
                f"{where}: {dataset} is not {source.copies} copies of the same examples, one after another"
            )
        if copied or len(sources) == 1:
            yield f"{dataset} training set", source, data.ood_train.select(range(start, start + once))
        start = end
