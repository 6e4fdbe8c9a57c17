"""File formats: tables and JSON lines in, premise-hypothesis pairs in memory out, and back.

Columns and labels are found by name, text is kept as it is. A malformed line is an error that gives file, line and
reason; no line is dropped or repaired.
"""

import ast
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from srnet.data.pairs import pair_dataset
from srnet.errors import InputError
from srnet.files import LFS_POINTER, POINTER, numbered_lines

if TYPE_CHECKING:
    from datasets import Dataset

# What Python prints for a `bytes` object, and no sentence that merely begins in this way.
_BYTES_LITERAL = re.compile(
    r"""b(?:'(?:[^'\\]|\\(?:[\\'"abfnrtv]|x[0-9a-fA-F]{2}))*'|"(?:[^"\\]|\\(?:[\\'"abfnrtv]|x[0-9a-fA-F]{2}))*")""",
    re.ASCII,
)


def text_lines(path: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 file with their ends; only LF ends a line, and a byte-order mark is skipped.

    Raises:
        InputError: the file cannot be read, is a git-lfs pointer, or is not UTF-8. The message gives file and line.
    """
    for number, line in numbered_lines(path):
        if number == 1 and line.startswith(LFS_POINTER):
            raise InputError(f"{path}: {POINTER}")
        try:
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError as error:
            raise InputError(f"{path}:{number}: not UTF-8 text ({error.reason}); convert the file") from error


def _lines(path: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 file without their ends, LF or CRLF."""
    for line in text_lines(path):
        yield line.removesuffix("\n").removesuffix("\r")


def read_table(path: Path, columns: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield the named columns of a tab-separated file with a header, row by row.

    Quotes are plain characters, cells are left as they are, other columns are ignored.

    Args:
        path: the file, in UTF-8.
        columns: names of the columns wanted.

    Yields:
        The line's number, from 2, and its cells in the order of `columns`.

    Raises:
        InputError: the file cannot be read, is empty or is not UTF-8; the header lacks a column or has one twice; a row
            has fewer or more cells than the header.
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
    for number, line in enumerate(lines, start=2):
        cells = line.split("\t")
        if len(cells) != len(names):
            reason = f"{len(cells)} tab-separated cells where the header has {len(names)}"
            raise InputError(f"{path}:{number}: {reason}; give each column one cell")
        yield number, [cells[index] for index in indices]


def read_json_lines(
    path: Path, variants: Sequence[Sequence[str]], classes: Sequence[str] = ()
) -> Iterator[tuple[int, list[str]]]:
    """Yield the named text fields of a file that holds one JSON object per line.

    Args:
        path: the file, in UTF-8.
        variants: the field names that the format has or once had; the first variant whose names are all in the first
            line is the file's. The last name is that of the label.
        classes: names of the labels, for an error.

    Yields:
        The line's number, from 1, and the values of the fields in the order of the variant.

    Raises:
        InputError: the file cannot be read or is not UTF-8; a line is no JSON object, has a field twice, lacks one, or
            one is not text.
    """
    fields: Sequence[str] = ()
    for number, record in json_records(path):
        where = f"{path}:{number}"
        fields = fields or next((names for names in variants if record.keys() >= set(names)), variants[0])
        for name in fields:
            if name not in record:
                known = " or ".join(", ".join(names) for names in (variants if number == 1 else [fields]))
                raise InputError(f"{where}: no field {name!r}; each line needs {known}")
        label = f"give one of {', '.join(classes)}" if classes else "put it in quotes"
        remedies = [*["put it in quotes"] * (len(fields) - 1), label]
        yield (
            number,
            [text_of(record[name], f"{where}: {name}", remedy) for name, remedy in zip(fields, remedies, strict=True)],
        )


def json_records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of a file that holds one JSON object per line, each with its line's number, from 1.

    Raises:
        InputError: the file cannot be read or is not UTF-8; a line is no JSON object, or has a field twice.
    """
    for number, line in enumerate(_lines(path), start=1):
        where = f"{path}:{number}"
        try:
            record = json.loads(line, object_pairs_hook=_distinct)
        except (ValueError, RecursionError) as error:
            reason = getattr(error, "msg", str(error))
            raise InputError(f"{where}: not a JSON object ({reason}); give each line one object") from error
        if not isinstance(record, dict):
            raise InputError(f"{where}: not a JSON object but {type(record).__name__}; give each line one object")
        yield number, record


def text_of(value: object, what: str, otherwise: str = "put it in quotes") -> str:
    """Return a value that is to be text.

    Args:
        value: as read.
        what: place and name of the value, for the error.
        otherwise: what to do about a number or truth value.

    Raises:
        InputError: it is not text, or holds half a surrogate pair.
    """
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise InputError(f"{what} is no Unicode text ({error.reason}); correct the \\u escape") from error
        return value
    if value is None or value != value:
        remedy = "give it a text, or remove the example"
    elif isinstance(value, list | tuple | dict):
        of_texts = not isinstance(value, dict) and all(isinstance(part, str) for part in value)
        remedy = "join its parts to one text" if of_texts else "give the text that it stands for"
    else:
        remedy = otherwise
    raise InputError(f"{what} is {shown(value)}, not text; {remedy}")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"the field {next(name for name in names if names.count(name) > 1)!r} is there twice")
    return record


def shown(value: object) -> str:
    """Return a value for an error message: on one line, and not the rest of a mistaken file."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."


@dataclass(frozen=True)
class Format(ABC):
    """How a data set's files look.

    Attributes:
        classes: names of the classes, in the order of the labels that are read.
        premise: name of the premise's column, or field.
        hypothesis: name of the hypothesis's.
        label: name of the label's.
        names: the class of each label name in the file; the class names themselves if not given.
        subset: name of the subset's column; none if not given.
        subsets: the subsets that the column names.
        origin: the subset of every example read, where the file has no column for it.
        may_be_empty: the columns that may hold no text.
    """

    classes: tuple[str, ...]
    premise: str
    hypothesis: str
    label: str
    names: Mapping[str, str] = field(default_factory=dict)
    subset: str = ""
    subsets: tuple[str, ...] = ()
    origin: str = ""
    may_be_empty: tuple[str, ...] = ()

    def read(self, path: Path) -> "Dataset":
        """Read a file.

        Returns:
            One example per line, in the file's order, with the columns of `srnet.data.pairs.TaskData`.

        Raises:
            InputError: the file is not of this format (see `read_table` and `read_json_lines`), has no examples, a
                sentence is empty that may not be, or a label or subset is unknown. The message gives file and line.
        """
        premises: list[str] = []
        hypotheses: list[str] = []
        labels: list[int] = []
        subsets: list[str] = []
        indices = {name: self.classes.index(label) for name, label in self._class_of.items()}
        for number, (premise, hypothesis, label, *subset) in self._rows(path):
            if not premise or premise.isspace():
                self._check_empty(self.premise, f"{path}:{number}")
            if not hypothesis or hypothesis.isspace():
                self._check_empty(self.hypothesis, f"{path}:{number}")
            if label not in indices:
                raise InputError(f"{path}:{number}: {_unknown(self.label, label, indices)}")
            if subset and subset[0] not in self.subsets:
                raise InputError(f"{path}:{number}: {_unknown(self.subset, subset[0], self.subsets)}")
            premises.append(premise)
            hypotheses.append(hypothesis)
            labels.append(indices[label])
            subsets.append(subset[0] if subset else self.origin)
        if not premises:
            raise InputError(f"{path}: no examples in the file; it needs at least one")
        return pair_dataset(premises, hypotheses, labels, self.classes, subsets)

    def text(self, dataset: "Dataset", where: str) -> str:
        """Return the content of a file from which `read` gets the same data set back.

        Args:
            dataset: the examples, with the columns of `srnet.data.pairs.TaskData`.
            where: what the examples are called in an error.

        Raises:
            InputError: the format cannot hold an example, or there is none. The message gives its index, from 0.
        """
        found = tuple(dataset.features["label"].names)
        if found != self.classes:
            raise InputError(f"{where}: its classes are {', '.join(found)}; it needs {', '.join(self.classes)}")
        if not len(dataset):
            raise InputError(f"{where}: no examples; a file needs at least one")
        name_of = {label: name for name, label in self._class_of.items()}
        lines = [self._header()]
        columns = (dataset[name][:] for name in ("premise", "hypothesis", "label", "subset"))
        for index, (premise, hypothesis, label, subset) in enumerate(zip(*columns, strict=True)):
            place = f"{where}, example {index}"
            if not 0 <= label < len(self.classes):
                raise InputError(f"{place}: label {label} is none of its classes {', '.join(self.classes)}")
            if self.classes[label] not in name_of:
                raise InputError(f"{place}: {_unknown('label', self.classes[label], name_of)}")
            if subset not in (self.subsets or (self.origin,)):
                raise InputError(f"{place}: {_unknown('subset', subset, self.subsets or (repr(self.origin),))}")
            for column, sentence in ((self.premise, premise), (self.hypothesis, hypothesis)):
                if not sentence or sentence.isspace():
                    self._check_empty(column, place)
            cells = {self.premise: premise, self.hypothesis: hypothesis, self.label: name_of[self.classes[label]]}
            lines.append(self._line(index, cells | ({self.subset: subset} if self.subset else {}), place))
        return "".join(lines)

    @property
    def _class_of(self) -> Mapping[str, str]:
        return self.names or {name: name for name in self.classes}

    def _check_empty(self, column: str, where: str) -> None:
        if column not in self.may_be_empty:
            raise InputError(f"{where}: {column} is empty; an example needs both sentences")

    @abstractmethod
    def _rows(self, path: Path) -> Iterator[tuple[int, list[str]]]:
        """Yield line numbers and [premise, hypothesis, label] or [premise, hypothesis, label, subset]."""

    @abstractmethod
    def _header(self) -> str:
        """Return what precedes the first example."""

    @abstractmethod
    def _line(self, index: int, cells: Mapping[str, str], where: str) -> str:
        """Return an example's line; `cells` are its text by column."""


@dataclass(frozen=True)
class Table(Format):
    """A tab-separated file with a header.

    Attributes:
        columns: all columns of the official file, in order; on writing, those called an id or index get the example's
            index and others that are not known stay empty.
        bytes_literals: whether a sentence may be in the form of a Python `bytes` literal of its UTF-8 text.
    """

    columns: tuple[str, ...] = ()
    bytes_literals: bool = False

    def _rows(self, path: Path) -> Iterator[tuple[int, list[str]]]:
        wanted = [self.premise, self.hypothesis, self.label, *([self.subset] if self.subset else [])]
        for number, cells in read_table(path, wanted):
            if self.bytes_literals:
                cells[:2] = [_decoded(cell, f"{path}:{number}") for cell in cells[:2]]
            yield number, cells

    def _header(self) -> str:
        return "\t".join(self.columns) + "\n"

    def _line(self, index: int, cells: Mapping[str, str], where: str) -> str:
        for column, text in cells.items():
            if "\t" in text or "\n" in text or "\r" in text:
                raise InputError(f"{where}: {column} has a tab or line break, which a table cannot hold; replace it")
        if self.bytes_literals:
            cells = {
                name: repr(text.encode()) if _BYTES_LITERAL.fullmatch(text) else text for name, text in cells.items()
            }
        number = {name: str(index) for name in self.columns if name in ("id", "index", "pairID")}
        return "\t".join((number | dict(cells)).get(name, "") for name in self.columns) + "\n"


@dataclass(frozen=True)
class JsonLines(Format):
    """A file with one JSON object per line.

    Attributes:
        other_names: names of evidence, claim and label in another version of the format, which is read as well.
    """

    other_names: tuple[str, str, str] | None = None

    def _rows(self, path: Path) -> Iterator[tuple[int, list[str]]]:
        names = (self.premise, self.hypothesis, self.label)
        return read_json_lines(path, [names, self.other_names] if self.other_names else [names], list(self._class_of))

    def _header(self) -> str:
        return ""

    def _line(self, index: int, cells: Mapping[str, str], where: str) -> str:
        return json.dumps({"id": str(index), **cells}, ensure_ascii=False) + "\n"


def _unknown(what: str, name: str, known: Mapping[str, object] | Sequence[str]) -> str:
    return f"unknown {what} {shown(name)}; known are {', '.join(known)}"


def _decoded(cell: str, where: str) -> str:
    """Return the text of a cell that is a Python `bytes` literal; any other cell as it is."""
    if not cell.startswith(("b'", 'b"')) or not cell.isascii() or not _BYTES_LITERAL.fullmatch(cell):
        return cell
    try:
        return ast.literal_eval(cell).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{where}: {shown(cell)} is not UTF-8 text ({error.reason}); convert the file") from error
