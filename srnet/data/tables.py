"""A user's own table, whatever holds it, as premise-hypothesis pairs with the classes of a model.

Text stays as it is; classes are found by name. A row that cannot be used is an error that names file, row and column.
"""

import csv
import numbers
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from srnet.data.formats import json_records, shown, text_lines, text_of
from srnet.data.pairs import pair_dataset
from srnet.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset

    Source: TypeAlias = Dataset | pd.DataFrame | str | Path

SUFFIXES = (".csv", ".tsv", ".jsonl")
MOST_NAMED = 20  # columns or classes that an error lists
_NUMBER = re.compile(r"-?\d+")
_FLOAT = re.compile(r"-?\d*\.\d+")


def read_examples(
    source: "Source",
    text: str | Sequence[str] = ("premise", "hypothesis"),
    label: str = "label",
    names: Sequence[str] | None = None,
    what: str = "train",
    *,
    subset: str | None = None,
    least_classes: int = 1,
    notes: list[str] | None = None,
) -> "Dataset":
    """Read N examples from a data set, a frame or a file.

    A CSV file is read as RFC 4180 and Python's `csv` have it, with a header. A TSV file whose cells in quotes are all
    well-formed is read in the same way; in any other, such as those of GLUE, quotes are plain characters. Nothing in a
    file is taken for a missing value: "NA" and "null" are text. Blank lines of a CSV or TSV file are no rows.

    Labels are matched by name wherever they have names: text, or a `ClassLabel`, whose own numbers do not count. If
    none matches exactly, upper and lower case are taken for the same. Integers, also as text, are the numbers of
    `names`, from 0. Numbers with a decimal point are refused, even 1.0: they are scores, or integers among which pandas
    once had to put a hole.

    Args:
        source: a Hugging Face `Dataset`, a pandas `DataFrame`, or the path of a CSV, TSV or JSON-lines file in UTF-8.
        text: the column of the text, or the two of premise and hypothesis. One of two may be empty in an example.
        label: the column of the label.
        names: the classes of the model, in its order (`id2label`). If not given, those of the `ClassLabel`, or else
            the labels that occur, sorted; integers by size.
        what: what the examples are called in an error, where `source` is no file. Rows are counted from 0.
        subset: the column of the subset's name, if there is one.
        least_classes: of how many classes there must be examples; 2 for training.
        notes: where it is noted, in a sentence each, what was decided about labels and quotes.

    Returns:
        The examples in their order, with the columns of `srnet.data.pairs.TaskData`: `hypothesis` is "" if there is one
        text column, `label` a `ClassLabel` with the names of the model.

    Raises:
        InputError: `source` cannot be read, lacks a column or has it twice, has no rows; a cell is no text, or all
            texts of a row are empty; a label is missing, not of `names`, or neither text nor an integer; the names of a
            `ClassLabel` are other ones than `names`; fewer than `least_classes` classes have examples.
    """
    notes = [] if notes is None else notes
    columns = (text,) if isinstance(text, str) else tuple(text)
    others = [label, *([subset] if subset else [])]
    _check_request(columns, others, what)
    table = _open(source, [*columns, *others], what, notes)
    first, second = _texts(table, columns)
    labels, classes = _labels(table, label, names, notes)
    present = sorted(set(labels))
    if len(present) < least_classes:
        reason = f"column {label!r} has examples of {_named(classes[each] for each in present)} alone"
        raise InputError(f"{table.name}: {reason}; give examples of {least_classes} classes or more")
    return pair_dataset(first, second, labels, classes, table.texts(subset) if subset else None)


def read_texts(
    source: "Source",
    text: str | Sequence[str] = ("premise", "hypothesis"),
    what: str = "data",
    notes: list[str] | None = None,
) -> tuple[list[str], list[str]]:
    """Read the texts of N examples that have no labels.

    Args:
        source: as in `read_examples`.
        text: the column of the text, or the two of premise and hypothesis.
        what: what the examples are called in an error, where `source` is no file.
        notes: where it is noted, in a sentence each, what was decided about quotes.

    Returns:
        N premises, and N hypotheses, which are "" if there is one text column.

    Raises:
        InputError: `source` cannot be read, lacks a column or has it twice, has no rows; a cell is no text, or all
            texts of a row are empty.
    """
    columns = (text,) if isinstance(text, str) else tuple(text)
    _check_request(columns, [], what)
    return _texts(_open(source, columns, what, [] if notes is None else notes), columns)


@dataclass(frozen=True)
class _Table:
    """Columns that were asked for, as they were found.

    Attributes:
        name: of the whole, for errors.
        columns: values by column.
        place: of a row, for errors.
        classes: the names of a column's numbers, where a `ClassLabel` gives them.
        advice: what may have made a value go missing.
    """

    name: str
    columns: dict[str, list[Any]]
    place: Callable[[int], str]
    classes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    advice: str = ""

    @property
    def size(self) -> int:
        return len(next(iter(self.columns.values())))

    def texts(self, column: str) -> list[str]:
        return [self._text(column, row, value) for row, value in enumerate(self.columns[column])]

    def _text(self, column: str, row: int, value: object) -> str:
        what = f"{self.place(row)}: column {column!r}"
        if is_missing(value):
            raise InputError(f"{what} has no text but {shown(value)}; {self.remedy('give it a text')}")
        return text_of(value, what, otherwise="turn it into text")

    def remedy(self, plain: str) -> str:
        return self.advice or f"{plain}, or remove the example"


def is_missing(value: object) -> bool:
    """Tell whether a value stands for none: None, NaN, or what pandas has for them."""
    if isinstance(value, numbers.Real):
        return value != value
    return value is None or type(value).__name__ in {"NAType", "NaTType"}


def _texts(table: _Table, columns: Sequence[str]) -> tuple[list[str], list[str]]:
    if not table.size:
        raise InputError(f"{table.name}: no examples; it needs at least one")
    texts = [table.texts(name) for name in columns]
    for row, cells in enumerate(zip(*texts, strict=True)):
        if not any(cell.strip() for cell in cells):
            raise InputError(f"{table.place(row)}: {_listed(columns)} empty; remove the example, or give it a text")
    return (texts[0], texts[1]) if len(texts) == 2 else (texts[0], [""] * table.size)


def _check_request(columns: Sequence[str], others: Sequence[str], what: str) -> None:
    if len(columns) not in (1, 2) or not all(isinstance(name, str) for name in columns):
        raise InputError(f"{what}: text columns {shown(list(columns))}; give the names of one or two")
    wanted = [*columns, *others]
    for name in wanted:
        if wanted.count(name) > 1:
            raise InputError(f"{what}: column {name!r} is named twice; text, label and subset are different columns")


def _open(source: "Source", wanted: Sequence[str], what: str, notes: list[str]) -> _Table:
    if isinstance(source, str | Path):
        return _read_file(Path(source), wanted, notes)
    import pandas as pd
    from datasets import Dataset

    if isinstance(source, pd.DataFrame):
        return _of_frame(source, wanted, what)
    if isinstance(source, Dataset):
        return _of_dataset(source, wanted, what)
    kind, remedy = type(source).__name__, "give a Dataset, a pandas DataFrame, or the path of a CSV, TSV or JSONL file"
    if isinstance(source, dict):  # a DatasetDict too
        remedy = f"give one of its parts: {_named(list(map(str, source)))}"
    raise InputError(f"{what}: examples cannot be read from {kind}; {remedy}")


def _of_frame(frame: "pd.DataFrame", wanted: Sequence[str], what: str) -> _Table:
    _check_columns(what, list(frame.columns), wanted)
    advice = (
        "pandas reads the words null and NA and an empty cell so: read the file with pandas.read_csv(..., "
        "keep_default_na=False), or give its path instead of the frame, or remove the row"
    )
    return _Table(what, {name: frame[name].tolist() for name in wanted}, lambda row: f"{what}, row {row}", {}, advice)


def _of_dataset(data: "Dataset", wanted: Sequence[str], what: str) -> _Table:
    from datasets import ClassLabel

    _check_columns(what, data.column_names, wanted)
    columns = {name: list(data[name][:]) for name in wanted}
    kinds = {name: data.features[name] for name in wanted}
    classes = {name: tuple(kind.names) for name, kind in kinds.items() if isinstance(kind, ClassLabel)}
    for name, known in classes.items():  # -1 stands for no label
        columns[name] = [known[each] if each is not None and each >= 0 else None for each in columns[name]]
    return _Table(what, columns, lambda row: f"{what}, row {row}", classes)


def _read_file(path: Path, wanted: Sequence[str], notes: list[str]) -> _Table:
    if path.is_dir():
        remedy = "give a file, or load a saved data set with datasets.load_from_disk and give that"
        raise InputError(f"{path}: a folder, not a file; {remedy}")
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: the name does not end in {', '.join(SUFFIXES)}; save the table as one of these")
    if not path.exists():
        raise InputError(f"{path}: no such file; give the path of a CSV, TSV or JSONL file")
    if path.suffix.lower() == ".jsonl":
        return _read_json(path, wanted)
    if path.suffix.lower() == ".csv":
        return _of_rows(path, _quoted_rows(path, ","), wanted)
    if (line := _not_quoted(path)) is None:
        return _of_rows(path, _quoted_rows(path, "\t"), wanted)
    plain = f"quotes are read as plain characters, since those of line {line} do not enclose cells"
    notes.append(f"{path}: {plain}")
    return _of_rows(path, _plain_rows(path), wanted, f" ({plain})")


def _read_json(path: Path, wanted: Sequence[str]) -> _Table:
    columns: dict[str, list[Any]] = {name: [] for name in wanted}
    for number, record in json_records(path):
        _check_columns(f"{path}:{number}", list(record), wanted)
        for name in wanted:
            columns[name].append(record[name])
    return _Table(str(path), columns, lambda row: f"{path}:{row + 1}")


def _of_rows(path: Path, rows: Iterator[tuple[int, list[str]]], wanted: Sequence[str], quotes: str = "") -> _Table:
    """Return the wanted columns of rows of cells, each with its line's number, of which the first is the header."""
    _, header = next(rows, (1, []))
    if not header:
        raise InputError(f"{path}: the file is empty; it needs a header with the columns {', '.join(wanted)}")
    _check_columns(f"{path}:1", header, wanted)
    lines: list[int] = []
    columns: dict[str, list[Any]] = {name: [] for name in wanted}
    indices = {name: header.index(name) for name in wanted}
    for number, cells in rows:
        if len(cells) != len(header):
            reason = f"{len(cells)} cells where the header has {len(header)}{quotes}"
            raise InputError(f"{path}:{number}: {reason}; give each column one cell, in quotes if it has separators")
        lines.append(number)
        for name, index in indices.items():
            columns[name].append(cells[index])
    return _Table(str(path), columns, lambda row: f"{path}:{lines[row]}")


def _quoted_rows(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a file with quoting as in RFC 4180, each with the number of the line it begins in."""
    reader = csv.reader(text_lines(path), delimiter=delimiter, strict=True)
    while True:
        start = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            remedy = "put cells that have quotes into quotes, double those inside, and close them"
            if "new-line" in str(error):
                remedy = "end each line with LF or CRLF"
            elif "limit" in str(error):
                remedy = "close the quotes of the cell, or shorten it"
            raise InputError(f"{path}:{start}: the row that begins here is malformed ({error}); {remedy}") from error
        if row:
            yield start, row


def _plain_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    for number, line in enumerate(text_lines(path), start=1):
        if row := line.removesuffix("\n").removesuffix("\r"):
            yield number, row.split("\t")


def _not_quoted(path: Path) -> int | None:
    """Return a line of a tab-separated file whose quotes cannot be such as enclose cells; None if all can."""
    width = number = 0
    try:
        for number, row in _quoted_rows(path, "\t"):
            width = width or len(row)
            if len(row) != width:
                return number
    except InputError as error:
        if isinstance(error.__cause__, csv.Error):
            return number + 1
        raise
    return None


def _check_columns(where: str, there: Sequence[Any], wanted: Sequence[str]) -> None:
    for name in wanted:
        if name not in there:
            separators = [mark for mark in ("\t", ";", ",") if len(there) == 1 and mark in str(there[0])]
            hint = f" (separated by {separators[0]!r}? save it with the separator of its suffix)" if separators else ""
            raise InputError(f"{where}: no column {name!r}; there are {_named(list(map(str, there)))}{hint}")
        if list(there).count(name) > 1:
            raise InputError(f"{where}: column {name!r} is there more than once; rename or remove one")


def _labels(
    table: _Table, column: str, names: Sequence[str] | None, notes: list[str]
) -> tuple[list[int], tuple[str, ...]]:
    """Return the numbers of the labels, and the names of the classes."""
    keys = [
        _key(value, f"{table.place(row)}: column {column!r}", table) for row, value in enumerate(table.columns[column])
    ]
    given = table.classes.get(column, ())
    distinct = dict.fromkeys(keys)
    if names is None:
        classes = given or _sorted(distinct)
        if not given and len(distinct) > max(MOST_NAMED, len(keys) // 2):
            counts = f"{len(distinct):,} different values in {len(keys):,} rows"
            raise InputError(f"{table.name}: column {column!r} has {counts}; name the column of the classes")
        return [classes.index(key) for key in keys], classes
    classes = tuple(names)
    known = _numbers(given or distinct, classes)
    if given and sorted(known.values()) != list(range(len(classes))):
        reason = f"its classes are {_named(given)}, the model's {_named(classes)}"
        raise InputError(f"{table.name}: column {column!r}: {reason}; give a table, or a model, with the same ones")
    for row, key in enumerate(keys):
        if key not in known:
            raise InputError(f"{table.place(row)}: column {column!r} has {_outside(key, classes)}")
    notes += _decided(f"{table.name}: column {column!r}", known, classes, given)
    return [known[key] for key in keys], classes


def _key(value: object, what: str, table: _Table) -> str:
    """Return a label as text."""
    if is_missing(value) or (isinstance(value, str) and not value.strip()):
        raise InputError(f"{what} has no label but {shown(value)}; {table.remedy('give it a class')}")
    if isinstance(value, str):
        if _FLOAT.fullmatch(value.strip()):
            raise InputError(
                f"{what} has {value!r}, a number with a decimal point; give classes by name or as integers"
            )
        return text_of(value, what)
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return str(int(value))
    if isinstance(value, numbers.Real) and not isinstance(value, bool):
        remedy = "classes are names or integers: round them, or convert the column with .astype(int)"
        raise InputError(f"{what} has {shown(value)}, a number with a decimal point; {remedy}")
    raise InputError(f"{what} has {shown(value)}, a {type(value).__name__}; give one class, by name or as an integer")


def _sorted(keys: Iterable[str]) -> tuple[str, ...]:
    if all(_NUMBER.fullmatch(key) for key in keys):
        return tuple(sorted(keys, key=int))
    return tuple(sorted(keys))


def _numbers(keys: Iterable[str], classes: tuple[str, ...]) -> dict[str, int]:
    """Return the numbers of those labels that are classes: all by name, or all by number.

    Names that are numbers themselves, such as 1 to 5 for stars, leave it open what else a number would mean; then
    labels are names.
    """
    exact = {name: index for index, name in enumerate(classes)}
    folded = {name.casefold(): index for index, name in enumerate(classes)}
    by_name = {key: exact[key] for key in keys if key in exact}
    if not by_name and len(folded) == len(classes):
        by_name = {key: folded[key.casefold()] for key in keys if key.casefold() in folded}
    if by_name or any(_NUMBER.fullmatch(name) for name in classes):
        return by_name
    return {key: int(key) for key in keys if _NUMBER.fullmatch(key) and 0 <= int(key) < len(classes)}


def _outside(key: str, classes: tuple[str, ...]) -> str:
    known = f"the classes are {_order(classes)}"
    if key == "-":
        return f"the label '-', no class; remove the example, on which annotators did not agree; {known}"
    if all(name == f"LABEL_{index}" for index, name in enumerate(classes)) and not _NUMBER.fullmatch(key):
        return f"the label {shown(key)}, but the model has no names; set its id2label, or give its numbers; {known}"
    return f"the unknown label {shown(key)}; {known}; correct the label, or remove the example"


def _decided(what: str, known: Mapping[str, int], classes: Sequence[str], given: Sequence[str]) -> Iterator[str]:
    """Yield what was decided about the labels, a sentence each."""
    if any(key != classes[index] and _NUMBER.fullmatch(key) for key, index in known.items()):
        yield f"{what}: its numbers are taken as the model's, {_order(classes)}"
    elif any(key != classes[index] for key, index in known.items()):
        yield f"{what}: its names differ from the model's in upper and lower case, which is passed over"
    if given and [known[key] for key in given] != list(range(len(classes))):
        yield f"{what}: numbered anew by name, from {_order(given)} to the model's {_order(classes)}"


def _order(classes: Sequence[str]) -> str:
    return _named([f"{index} = {name}" for index, name in enumerate(classes)])


def _named(names: Iterable[str]) -> str:
    shortened = [name if name.isprintable() and 0 < len(name) <= 60 else shown(name) for name in names]
    more = f" and {len(shortened) - MOST_NAMED} more" if len(shortened) > MOST_NAMED else ""
    return (", ".join(shortened[:MOST_NAMED]) or "none") + more


def _listed(columns: Sequence[str]) -> str:
    return " and ".join(f"column {name!r}" for name in columns) + (" are" if len(columns) > 1 else " is")
