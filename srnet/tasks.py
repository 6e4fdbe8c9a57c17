"""Tasks: official data files in, premise-hypothesis pairs in memory out.

The data sets are those of Section 4.1 and Appendix B of the paper, in their official formats and in the official code's
folders. Columns and labels are found by name. A malformed line is an error that gives file, line and reason; no line
is dropped or repaired.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from datasets import ClassLabel, Dataset, Features, Value

from srnet.errors import InputError

NLI_LABELS = ("entailment", "neutral", "contradiction")
HANS_LABELS = ("entailment", "non-entailment")
HANS_HEURISTICS = ("lexical_overlap", "subsequence", "constituent")


@dataclass(frozen=True)
class TaskData:
    """The text of one task, in memory.

    Every data set has exactly the columns `premise` and `hypothesis` (strings), `label` (a `ClassLabel` with the names
    of its own classes, which may be fewer than the task's) and `subset` (a string, "" where there are no subsets).

    Attributes:
        name: the task's name in `TASKS`.
        train: in-distribution (ID) training examples.
        dev: ID development examples; the id of this data set is the task's `dev_name`.
        ood: out-of-distribution (OOD) test examples by data-set id.
    """

    name: str
    train: Dataset
    dev: Dataset
    ood: Mapping[str, Dataset]


@dataclass(frozen=True)
class Source:
    """A data set's official file, relative to the data folder, and the reader of its format."""

    file: str
    read: Callable[[Path], Dataset]


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
    """

    name: str
    title: str
    labels: tuple[str, ...]
    dev_name: str
    train: Source
    dev: Source
    ood: Mapping[str, Source]

    @property
    def files(self) -> tuple[str, ...]:
        """The task's official files, relative to the data folder: training, development, then OOD."""
        return tuple(source.file for source in (self.train, self.dev, *self.ood.values()))


def pair_dataset(
    premises: Sequence[str],
    hypotheses: Sequence[str],
    labels: Sequence[int],
    label_names: Sequence[str],
    subsets: Sequence[str] | None = None,
) -> Dataset:
    """Return N pairs as a data set with the columns that `TaskData` promises.

    Args:
        premises: N premises.
        hypotheses: N hypotheses.
        labels: N indices into `label_names`.
        label_names: the classes, in order.
        subsets: N subset names; "" for every pair if not given.
    """
    features = Features(
        premise=Value("string"),
        hypothesis=Value("string"),
        label=ClassLabel(names=list(label_names)),
        subset=Value("string"),
    )
    columns = {
        "premise": premises,
        "hypothesis": hypotheses,
        "label": labels,
        "subset": [""] * len(premises) if subsets is None else subsets,
    }
    return Dataset.from_dict(columns, features=features)


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 file; only LF or CRLF ends a line, and a byte-order mark is skipped."""
    try:
        with path.open("rb") as file:
            # Lines are split as bytes: str.splitlines would also split at the separators U+0085 and U+2028 inside a
            # sentence, and decoding line by line gives the number of a line that cannot be decoded.
            for number, line in enumerate(file, start=1):
                try:
                    text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    raise InputError(f"{path}:{number}: not UTF-8 text ({error.reason}); convert the file") from error
                yield text.removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def read_table(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the named columns of a tab-separated file with a header, row by row.

    Quotes are plain characters, cells are left as they are, other columns are ignored.

    Args:
        path: the file, in UTF-8.
        columns: names of the columns wanted.

    Yields:
        The line's number, from 2, and its cells in the order of `columns`.

    Raises:
        InputError: the file cannot be read, is empty, has no rows or is not UTF-8; the header lacks a column or has one
            twice; a row has fewer or more cells than the header.
    """
    lines = _lines(path)
    header = next(lines, None)
    if header is None:
        raise InputError(f"{path}: the file is empty; it needs a header with the columns {', '.join(columns)}")
    names = header.split("\t")
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"{path}:1: the header has the column {name!r} more than once; columns are read by name")
    for name in columns:
        if name not in names:
            raise InputError(f"{path}:1: the header has no column {name!r}; it needs {', '.join(columns)}")
    indices = [names.index(name) for name in columns]
    number = 1
    for number, line in enumerate(lines, start=2):
        cells = line.split("\t")
        if len(cells) != len(names):
            reason = f"{len(cells)} tab-separated cells where the header has {len(names)}"
            raise InputError(f"{path}:{number}: {reason}; give each column one cell")
        yield number, [cells[index] for index in indices]
    if number == 1:
        raise InputError(f"{path}: no rows after the header; it needs at least one example")


def read_mnli(path: Path) -> Dataset:
    """Read MNLI (Williams et al., 2018) in GLUE's format: `sentence1`, `sentence2`, `gold_label`.

    Args:
        path: `train.tsv` or `dev_matched.tsv`, whose other columns differ.

    Returns:
        One example per line, in the file's order, with labels `NLI_LABELS`.

    Raises:
        InputError: the file is not such a table (see `read_table`), a sentence is empty or a label unknown.
    """
    return _read_pairs(path, {"gold_label": NLI_LABELS})


def read_hans(path: Path) -> Dataset:
    """Read HANS (McCoy et al., 2019): `gold_label`, `sentence1`, `sentence2`, `heuristic`.

    Args:
        path: `heuristics_evaluation_set.txt`.

    Returns:
        One example per line, in the file's order, with labels `HANS_LABELS` and the heuristic as subset.

    Raises:
        InputError: the file is not such a table (see `read_table`), a sentence is empty, a label or heuristic unknown.
    """
    return _read_pairs(path, {"gold_label": HANS_LABELS, "heuristic": HANS_HEURISTICS})


def _read_pairs(path: Path, categories: Mapping[str, Sequence[str]]) -> Dataset:
    """Read `sentence1`, `sentence2` and the columns with known names: first the label's, then the subset's if any."""
    sentences = ("sentence1", "sentence2")
    premises: list[str] = []
    hypotheses: list[str] = []
    labels: list[int] = []
    subsets: list[str] = []
    label_names = next(iter(categories.values()))
    for number, (premise, hypothesis, *names) in read_table(path, [*sentences, *categories]):
        for column, sentence in zip(sentences, (premise, hypothesis), strict=True):
            if not sentence or sentence.isspace():
                raise InputError(f"{path}:{number}: {column} is empty; an example needs both sentences")
        for (column, known), name in zip(categories.items(), names, strict=True):
            if name not in known:
                raise InputError(f"{path}:{number}: unknown {column} {name!r}; known are {', '.join(known)}")
        premises.append(premise)
        hypotheses.append(hypothesis)
        labels.append(label_names.index(names[0]))
        subsets.append(names[1] if len(names) > 1 else "")
    return pair_dataset(premises, hypotheses, labels, label_names, subsets)


TASKS: Mapping[str, Task] = {
    "nli": Task(
        name="nli",
        title="Natural language inference",
        labels=NLI_LABELS,
        dev_name="mnli-m",
        train=Source("MNLI/train.tsv", read_mnli),
        dev=Source("MNLI/dev_matched.tsv", read_mnli),
        ood={"hans": Source("MNLI/hans/heuristics_evaluation_set.txt", read_hans)},
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
    """Return the official files that a task is read from: training, development, then OOD.

    Args:
        name: a name in `TASKS`.
        folder: the data folder, laid out as in the official code (`MNLI/train.tsv`, ...).

    Raises:
        InputError: the task is unknown or a file is missing.
    """
    task = find_task(name)
    paths = tuple(folder / file for file in task.files)
    for path in paths:
        if not path.is_file():
            raise InputError(f"{path}: no such file; task {name!r} reads {', '.join(task.files)} in the data folder")
    return paths


def load_task(name: str, folder: Path) -> TaskData:
    """Read all data sets of a task from its official files.

    Args:
        name: a name in `TASKS`.
        folder: the data folder, laid out as in the official code (`MNLI/train.tsv`, ...).

    Raises:
        InputError: the task is unknown, a file is missing (all are looked for before the first is read) or malformed.
    """
    source_files(name, folder)
    task = find_task(name)
    return TaskData(
        name=name,
        train=task.train.read(folder / task.train.file),
        dev=task.dev.read(folder / task.dev.file),
        ood={id_: source.read(folder / source.file) for id_, source in task.ood.items()},
    )
