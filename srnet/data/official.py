"""A task's text from its official files, and back.

The files lie in the official code's folders, which `srnet.data.tasks.TASKS` names.
"""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from srnet.data.pairs import TaskData
from srnet.data.tasks import Source, Task, find_task
from srnet.errors import InputError
from srnet.files import written_whole

if TYPE_CHECKING:
    from datasets import Dataset


class MissingDataWarning(UserWarning):
    """A file of a task is not in the data folder, and its data set is left out."""


def source_files(name: str, folder: Path) -> tuple[Path, ...]:
    """Return the official files that a task is read from: training, development, then the OOD files that are there.

    Args:
        name: a name in `srnet.data.tasks.TASKS`.
        folder: the data folder, laid out as in the official code (`MNLI/train.tsv`, ...).

    Warns:
        MissingDataWarning: an OOD file is missing, and is left out.

    Raises:
        InputError: the task is unknown, or its training or development file is missing.
    """
    return _present_files(find_task(name), folder)


def _present_files(task: Task, folder: Path) -> tuple[Path, ...]:
    paths = []
    for dataset, source in task.sources:
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
        name: a name in `srnet.data.tasks.TASKS`.
        folder: the data folder, laid out as in the official code (`MNLI/train.tsv`, ...).

    Warns:
        MissingDataWarning: an OOD file is missing, and is left out.

    Raises:
        InputError: the task is unknown, its training or development file is missing (all files are looked for before
            the first is read), or a file is malformed.
    """
    from datasets import concatenate_datasets

    task = find_task(name)
    present = _present_files(task, folder)

    def read(source: Source) -> "Dataset | None":
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


def _id_and_ood_parts(task: Task, data: TaskData) -> "Iterator[tuple[str, Source, Dataset]]":
    """Yield the name, the file and the examples of training, development and OOD test sets."""
    yield "training set", task.train, data.train
    yield task.dev_name, task.dev, data.dev
    for dataset, part in data.ood.items():
        if dataset not in task.ood:
            raise InputError(f"{task.name}: unknown OOD data set {dataset!r}; known are {', '.join(task.ood)}")
        yield dataset, task.ood[dataset], part


def _ood_train_parts(task: Task, data: TaskData) -> "Iterator[tuple[str, Source, Dataset]]":
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
