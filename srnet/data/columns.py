"""The columns of a user's table that were asked for, whatever holds it: a data set, a frame or a file."""

import csv
import numbers
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from srnet.data.formats import json_records, shown, text_lines, text_of
from srnet.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from datasets import Dataset

    Source: TypeAlias = Dataset | pd.DataFrame | str | Path

SUFFIXES = (".csv", ".tsv", ".jsonl")
MOST_NAMED = 20  # columns or classes that an error lists


@dataclass(frozen=True)
class Table:
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
        """The number N of rows."""
        return len(next(iter(self.columns.values())))

    def texts(self, column: str) -> list[str]:
        """Return the N texts of a column.

        Raises:
            InputError: a value is missing, or no text; the message names its row.
        """
        return [self._text(column, row, value) for row, value in enumerate(self.columns[column])]

    def _text(self, column: str, row: int, value: object) -> str:
        what = f"{self.place(row)}: column {column!r}"
        if is_missing(value):
            raise InputError(f"{what} has no text but {shown(value)}; {self.remedy('give it a text')}")
        return text_of(value, what, otherwise="turn it into text")

    def remedy(self, plain: str) -> str:
        """Return what to do about a missing value: what may have made it go missing, or else `plain`."""
        return self.advice or f"{plain}, or remove the example"


def is_missing(value: object) -> bool:
    """Tell whether a value stands for none: None, NaN, or what pandas has for them."""
    if isinstance(value, numbers.Real):
        return value != value
    return value is None or type(value).__name__ in {"NAType", "NaTType"}


def open_table(source: "Source", wanted: Sequence[str], what: str, notes: list[str]) -> Table:
    """Return columns of a data set, a frame or a file, their values as they are.

    Args:
        source: what `srnet.data.tables.read_examples` takes.
        wanted: names of the columns.
        what: what the examples are called in an error, where `source` is no file.
        notes: where it is noted, in a sentence, what was decided about quotes.

    Raises:
        InputError: `source` cannot be read, lacks a column or has it twice; a row of a file is malformed.
    """
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
        remedy = f"give one of its parts: {named(list(map(str, source)))}"
    raise InputError(f"{what}: examples cannot be read from {kind}; {remedy}")


def _of_frame(frame: "pd.DataFrame", wanted: Sequence[str], what: str) -> Table:
    _check_columns(what, list(frame.columns), wanted)
    advice = (
        "pandas reads the words null and NA and an empty cell so: read the file with pandas.read_csv(..., "
        "keep_default_na=False), or give its path instead of the frame, or remove the row"
    )
    return Table(what, {name: frame[name].tolist() for name in wanted}, lambda row: f"{what}, row {row}", {}, advice)


def _of_dataset(data: "Dataset", wanted: Sequence[str], what: str) -> Table:
    from datasets import ClassLabel

    _check_columns(what, data.column_names, wanted)
    columns = {name: list(data[name][:]) for name in wanted}
    kinds = {name: data.features[name] for name in wanted}
    classes = {name: tuple(kind.names) for name, kind in kinds.items() if isinstance(kind, ClassLabel)}
    for name, known in classes.items():  # -1 stands for no label
        columns[name] = [known[each] if each is not None and each >= 0 else None for each in columns[name]]
    return Table(what, columns, lambda row: f"{what}, row {row}", classes)


def _read_file(path: Path, wanted: Sequence[str], notes: list[str]) -> Table:
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


def _read_json(path: Path, wanted: Sequence[str]) -> Table:
    columns: dict[str, list[Any]] = {name: [] for name in wanted}
    for number, record in json_records(path):
        _check_columns(f"{path}:{number}", list(record), wanted)
        for name in wanted:
            columns[name].append(record[name])
    return Table(str(path), columns, lambda row: f"{path}:{row + 1}")


def _of_rows(path: Path, rows: Iterator[tuple[int, list[str]]], wanted: Sequence[str], quotes: str = "") -> Table:
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
    return Table(str(path), columns, lambda row: f"{path}:{lines[row]}")


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
            raise InputError(f"{where}: no column {name!r}; there are {named(list(map(str, there)))}{hint}")
        if list(there).count(name) > 1:
            raise InputError(f"{where}: column {name!r} is there more than once; rename or remove one")


def named(names: Iterable[str]) -> str:
    """Return names in a line for an error, at most `MOST_NAMED`, those that would not be readable in quotes."""
    shortened = [name if name.isprintable() and 0 < len(name) <= 60 else shown(name) for name in names]
    more = f" and {len(shortened) - MOST_NAMED} more" if len(shortened) > MOST_NAMED else ""
    return (", ".join(shortened[:MOST_NAMED]) or "none") + more
