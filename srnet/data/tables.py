"""A user's own table, whatever holds it, as premise-hypothesis pairs with the classes of a model.

Text stays as it is; classes are found by name. A row that cannot be used is an error that names file, row and column.
"""

import numbers
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from srnet.data.columns import MOST_NAMED, Table, is_missing, named, open_table
from srnet.data.formats import shown, text_of
from srnet.data.pairs import pair_dataset
from srnet.errors import InputError

if TYPE_CHECKING:
    from datasets import Dataset

    from srnet.data.columns import Source

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
    table = open_table(source, [*columns, *others], what, notes)
    first, second = _texts(table, columns)
    labels, classes = _labels(table, label, names, notes)
    present = sorted(set(labels))
    if len(present) < least_classes:
        reason = f"column {label!r} has examples of {named(classes[each] for each in present)} alone"
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
    return _texts(open_table(source, columns, what, [] if notes is None else notes), columns)


def _texts(table: Table, columns: Sequence[str]) -> tuple[list[str], list[str]]:
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


def _labels(
    table: Table, column: str, names: Sequence[str] | None, notes: list[str]
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
        reason = f"its classes are {named(given)}, the model's {named(classes)}"
        raise InputError(f"{table.name}: column {column!r}: {reason}; give a table, or a model, with the same ones")
    for row, key in enumerate(keys):
        if key not in known:
            raise InputError(f"{table.place(row)}: column {column!r} has {_outside(key, classes)}")
    notes += _decided(f"{table.name}: column {column!r}", known, classes, given)
    return [known[key] for key in keys], classes


def _key(value: object, what: str, table: Table) -> str:
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
    return named([f"{index} = {name}" for index, name in enumerate(classes)])


def _listed(columns: Sequence[str]) -> str:
    return " and ".join(f"column {name!r}" for name in columns) + (" are" if len(columns) > 1 else " is")
