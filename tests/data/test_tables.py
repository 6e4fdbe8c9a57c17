"""A user's own table: every holder of it gives the same examples, and what cannot be used is named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value, load_from_disk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from srnet.data.tables import read_examples
from srnet.errors import InputError

NAMES = ("contradiction", "entailment", "neutral")  # the model's order, which is not that of MNLI's files
ROWS = [("A cat sleeps.", "null", "neutral"), ("NA", 'It\'s "here", or not', "entailment"), ("x", "", "contradiction")]
COLUMNS = ("premise", "hypothesis", "label")
EXAMPLES = [(premise, hypothesis, NAMES.index(label)) for premise, hypothesis, label in ROWS]


def table(rows: list[tuple[Any, ...]] = ROWS) -> dict[str, list[Any]]:
    return {name: [row[place] for row in rows] for place, name in enumerate(COLUMNS)}


def examples(data: Dataset) -> list[tuple[str, str, int]]:
    return [(row["premise"], row["hypothesis"], row["label"]) for row in data]


def as_csv(path: Path) -> Path:
    pd.DataFrame(table()).to_csv(path, index=False)
    return path


def as_plain_tsv(path: Path) -> Path:
    path.write_bytes("\r\n".join(["\t".join(COLUMNS), *("\t".join(row) for row in ROWS)]).encode("utf-8-sig"))
    return path


def as_jsonl(path: Path) -> Path:
    path.write_text("".join(json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n" for row in ROWS))
    return path


def saved(path: Path) -> Dataset:
    Dataset.from_dict(table()).save_to_disk(path)
    return load_from_disk(path)


def quoted_tsv(path: Path) -> Path:
    pd.DataFrame(table()).to_csv(path, index=False, sep="\t")
    return path


@pytest.mark.parametrize(
    "source",
    [
        lambda folder: Dataset.from_dict(table()),
        lambda folder: saved(folder / "saved"),
        lambda folder: pd.DataFrame(table()),
        lambda folder: pd.DataFrame(table()).astype({"label": "category"}).sort_values("label").sort_index(),
        lambda folder: as_csv(folder / "t.csv"),
        lambda folder: str(as_csv(folder / "T.CSV")),
        lambda folder: as_plain_tsv(folder / "t.tsv"),
        lambda folder: quoted_tsv(folder / "q.tsv"),
        lambda folder: as_jsonl(folder / "t.jsonl"),
    ],
    ids=["dataset", "saved", "frame", "category", "csv", "suffix", "plain tsv", "quoted tsv", "jsonl"],
)
def test_whatever_holds_a_table_the_examples_are_the_same(tmp_path: Path, source: Callable[[Path], Any]) -> None:
    found = read_examples(source(tmp_path), names=NAMES)
    assert examples(found) == EXAMPLES
    assert found.features["label"].names == list(NAMES)
    assert found.column_names == ["premise", "hypothesis", "label", "subset"]


CELL = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: bool(text.strip()))


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=4), st.sampled_from([",", "\t"]))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
def test_what_python_writes_is_read_back(tmp_path: Path, pairs: list[tuple[str, str]], delimiter: str) -> None:
    import csv

    path = tmp_path / ("t.csv" if delimiter == "," else "t.tsv")
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerows([COLUMNS, *((*pair, "neutral") for pair in pairs)])
    assert examples(read_examples(path, names=NAMES)) == [(*pair, 2) for pair in pairs]


def test_quotes_of_a_tsv_are_plain_where_they_do_not_enclose_cells(tmp_path: Path) -> None:
    path = tmp_path / "t.tsv"
    path.write_text('premise\thypothesis\tlabel\n"Yes" he said.\t"Quoted."\tneutral\na\t"b\tneutral\n')
    notes: list[str] = []
    found = read_examples(path, names=NAMES, notes=notes)
    assert examples(found) == [('"Yes" he said.', '"Quoted."', 2), ("a", '"b', 2)]
    assert notes == [f"{path}: quotes are read as plain characters, since those of line 2 do not enclose cells"]


def test_one_text_and_a_subset() -> None:
    found = read_examples(
        pd.DataFrame({"t": ["a", "b"], "y": [1, 0], "s": ["u", "v"]}), "t", "y", ("n", "p"), subset="s"
    )
    assert found[:] == {"premise": ["a", "b"], "hypothesis": ["", ""], "label": [1, 0], "subset": ["u", "v"]}


@pytest.mark.parametrize("labels", [[2, 1, 0], ["2", "1", "0"], np.array([2, 1, 0], dtype=np.int8)])
def test_numbers_are_the_models_own_and_that_is_said(labels: Any) -> None:
    notes: list[str] = []
    found = read_examples(pd.DataFrame(table() | {"label": labels}), names=NAMES, notes=notes)
    assert found["label"][:] == [2, 1, 0]
    order = "0 = contradiction, 1 = entailment, 2 = neutral"
    assert notes == [f"train: column 'label': its numbers are taken as the model's, {order}"]


def test_another_order_of_a_class_label_is_numbered_anew_by_name() -> None:
    features = Features(
        premise=Value("string"),
        hypothesis=Value("string"),
        label=ClassLabel(names=["entailment", "neutral", "contradiction"]),
    )
    data = Dataset.from_dict(table(), features=features)
    assert data["label"][:] == [1, 0, 2]
    notes: list[str] = []
    assert examples(read_examples(data, names=NAMES, notes=notes)) == EXAMPLES
    assert "from 0 = entailment, 1 = neutral, 2 = contradiction to the model's 0 = contradiction" in notes[0]
    assert examples(read_examples(data)) == [
        (premise, hypothesis, data.features["label"].str2int(label)) for premise, hypothesis, label in ROWS
    ]


def test_names_in_another_case_are_matched_and_that_is_said() -> None:
    notes: list[str] = []
    found = read_examples(Dataset.from_dict(table()), names=[name.upper() for name in NAMES], notes=notes)
    assert examples(found) == EXAMPLES
    assert notes == [
        "train: column 'label': its names differ from the model's in upper and lower case, which is passed over"
    ]


@pytest.mark.parametrize(
    ("labels", "names"),
    [(["b", "a", "b"], ["a", "b"]), ([10, 2, -1], ["-1", "2", "10"]), (["10", "2", "-1"], ["-1", "2", "10"])],
)
def test_without_a_model_classes_are_the_labels_found(labels: list[Any], names: list[str]) -> None:
    train = read_examples(pd.DataFrame(table() | {"label": labels}))
    assert train.features["label"].names == names
    assert [names[each] for each in train["label"]] == [str(each) for each in labels]
    dev = read_examples(pd.DataFrame(table() | {"label": labels[::-1]}), names=names)
    assert dev["label"][:] == train["label"][:][::-1]


def test_stars_are_names_and_never_places() -> None:
    stars = ("1", "2", "3")
    assert read_examples(pd.DataFrame(table() | {"label": [1, 2, 3]}), names=stars)["label"][:] == [0, 1, 2]
    with pytest.raises(InputError, match="row 0: column 'label' has the unknown label '0'; the classes are 0 = 1"):
        read_examples(pd.DataFrame(table() | {"label": [0, 1, 2]}), names=stars)


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(table() | columns)


def labelled(names: list[str], labels: list[int]) -> Dataset:
    return Dataset.from_dict(table() | {"label": labels}).cast_column("label", ClassLabel(names=names))


# What is given, and what the message says of it: where it is, and what to do.
WRONG: dict[str, tuple[Any, str]] = {
    "no such column": (pd.DataFrame({"a": ["x"], "b": ["y"]}), r"train: no column 'premise'; there are a, b"),
    "column twice": (
        pd.DataFrame([["x", "y", "z", "neutral"]], columns=["premise", "premise", "hypothesis", "label"]),
        "train: column 'premise' is there more than once; rename or remove one",
    ),
    "no rows": (frame().iloc[:0], "train: no examples; it needs at least one"),
    "nan text": (
        frame(hypothesis=["a", float("nan"), "c"]),
        r"train, row 1: column 'hypothesis' has no text but nan; pandas reads .*keep_default_na=False",
    ),
    "NA text": (
        frame(premise=pd.array(["a", pd.NA, "c"], dtype="string")),
        "row 1: column 'premise' has no text but <NA>",
    ),
    "nan label": (
        frame(label=["neutral", None, "neutral"]),
        r"row 1: column 'label' has no label but .*keep_default_na",
    ),
    "numbers as text": (frame(premise=[1, 2, 3]), "row 0: column 'premise' is 1, not text; turn it into text"),
    "lists as text": (
        Dataset.from_dict(table() | {"premise": [["a", "b"], ["c"], ["d"]]}),
        r"row 0: column 'premise' is \['a', 'b'\], not text; join its parts to one text",
    ),
    "no text at all": (
        frame(premise=["a", " ", "c"], hypothesis=["a", "", "c"]),
        "row 1: column 'premise' and column 'hypothesis' are empty; remove the example",
    ),
    "scores": (frame(label=[0.5, 1.0, 2.0]), "row 0: column 'label' has 0.5, a number with a decimal point"),
    "floats": (frame(label=[0.0, 1.0, 2.0]), r"row 0: column 'label' has 0.0, a number .*\.astype\(int\)"),
    "floats as text": (frame(label=["0.0", "1.0", "2.0"]), "row 0: column 'label' has '0.0', a number"),
    "truth values": (frame(label=[True, False, True]), "row 0: column 'label' has True, a bool; give one class"),
    "several labels": (
        frame(label=[["neutral"], ["neutral"], []]),
        r"row 0: column 'label' has \['neutral'\], a list; give one class",
    ),
    "unknown name": (
        frame(label=["neutral", "maybe", "neutral"]),
        "row 1: .* unknown label 'maybe'; the classes are 0 = c",
    ),
    "no agreement": (frame(label=["neutral", "-", "neutral"]), "row 1: .* the label '-', no class; remove the example"),
    "number outside": (frame(label=[0, 1, 3]), "row 2: column 'label' has the unknown label '3'"),
    "negative number": (frame(label=[0, 1, -1]), "row 2: column 'label' has the unknown label '-1'"),
    "names and numbers": (frame(label=["neutral", "1", "neutral"]), "row 1: column 'label' has the unknown label '1'"),
    "other classes": (
        labelled(["entailment", "non-entailment"], [0, 1, 0]),
        "its classes are entailment, non-entailment, the model's contradiction, entailment, neutral; "
        "give a table, or a model, with the same ones",
    ),
    "fewer classes": (
        labelled(["entailment", "neutral"], [0, 1, 0]),
        "its classes are entailment, neutral, the model's",
    ),
    "unlabelled": (
        labelled(list(NAMES), [0, -1, 2]),
        "row 1: column 'label' has no label but None; give it a class, or remove the example",
    ),
    "parts": (DatasetDict(train=Dataset.from_dict(table())), "DatasetDict; give one of its parts: train"),
    "a list": ([("a", "b", "neutral")], "examples cannot be read from list; give a Dataset, a pandas DataFrame"),
    "one class": (
        frame(label=["neutral"] * 3),
        "train: column 'label' has examples of neutral alone; give examples of 2",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_tables(name: str) -> None:
    source, message = WRONG[name]
    with pytest.raises(InputError, match=message) as error:
        read_examples(source, names=NAMES, least_classes=2)
    assert "\n" not in str(error.value)


HEAD = "premise,hypothesis,label\n"
WRONG_FILES: dict[str, tuple[str, bytes, str]] = {
    "empty": ("t.csv", b"", ": the file is empty; it needs a header with the columns premise, hypothesis, label"),
    "header only": ("t.csv", HEAD.encode(), ": no examples"),
    "semicolons": ("t.csv", b"premise;hypothesis;label\na;b;neutral\n", r":1: no column 'premise'; .*separated by ';'"),
    "column twice": ("t.tsv", b"premise\tlabel\thypothesis\tlabel\n", ":1: column 'label' is there more than once"),
    "too few cells": ("t.csv", f"{HEAD}a,b,neutral\na,b\n".encode(), ":3: 2 cells where the header has 3; give each"),
    "open quote": (
        "t.csv",
        f'{HEAD}a,b,neutral\na,"b,neutral\nc,d,e\n'.encode(),
        ":3: the row that begins here is malf",
    ),
    "text after a quote": (
        "t.csv",
        f'{HEAD}a,"b" c,neutral\n'.encode(),
        r":2: .*malformed .*put cells that have quotes",
    ),
    "CR alone": ("t.csv", f"{HEAD}a,b,neutral\ra,b,neutral\n".encode(), ":2: .*end each line with LF or CRLF"),
    "broken TSV": (
        "t.tsv",
        b'premise\thypothesis\tlabel\n"a" b\tc\tneutral\n"a\nb"\tc\tneutral\n',
        ":3: 1 cells where the header has 3 .quotes are read as plain characters, since those of line 2",
    ),
    "Latin-1": ("t.csv", f"{HEAD}é,b,neutral\n".encode("latin-1"), r":2: not UTF-8 text \(.*\); convert the file"),
    "UTF-16": ("t.tsv", "premise\thypothesis\tlabel\n".encode("utf-16"), ":1: not UTF-8 text"),
    "no label": ("t.csv", f"{HEAD}a,b,\n".encode(), ":2: column 'label' has no label but ''; give it a class"),
    "line after a line break in a cell": (
        "t.csv",
        f'{HEAD}"a\nb",c,neutral\na,b,maybe\n'.encode(),
        ":4: column 'label' has the unknown label 'maybe'",
    ),
    "git-lfs": (
        "t.csv",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        ": a git-lfs pointer, not the file itself; fetch that with `git lfs pull`",
    ),
    "suffix": ("t.xlsx", b"PK", ": the name does not end in .csv, .tsv, .jsonl; save the table as one of these"),
    "no JSON": ("t.jsonl", b"premise\n", r":1: not a JSON object \(.*\); give each line one object"),
    "null": (
        "t.jsonl",
        b'{"premise": null, "hypothesis": "b", "label": "neutral"}\n',
        ":1: column 'premise' has no text but None; give it a text, or remove the example",
    ),
    "null label": (
        "t.jsonl",
        b'{"premise": "a", "hypothesis": "b", "label": null}\n',
        ":1: column 'label' has no label but None; give it a class, or remove the example",
    ),
    "NaN": (
        "t.jsonl",
        b'{"premise": "a", "hypothesis": NaN, "label": "neutral"}\n',
        ":1: column 'hypothesis' has no text but nan; give it a text, or remove the example",
    ),
    "list": (
        "t.jsonl",
        b'{"premise": ["a", "c"], "hypothesis": "b", "label": "neutral"}\n',
        r":1: column 'premise' is \['a', 'c'\], not text; join its parts to one text",
    ),
    "field missing": (
        "t.jsonl",
        b'{"premise": "a", "hypothesis": "b", "label": 0}\n{"premise": "a", "label": 0}\n',
        ":2: no column 'hypothesis'; there are premise, label",
    ),
}


@pytest.mark.parametrize("name", WRONG_FILES)
def test_wrong_files(tmp_path: Path, name: str) -> None:
    file, content, message = WRONG_FILES[name]
    path = tmp_path / file
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"^{path}{message}") as error:
        read_examples(path, names=NAMES)
    assert "\n" not in str(error.value)


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: no such file; give the path"):
        read_examples(tmp_path / "none.csv")
    with pytest.raises(InputError, match=r"a folder, not a file; .*load_from_disk"):
        read_examples(tmp_path)


@pytest.mark.parametrize(
    ("text", "label", "message"),
    [
        ((), "label", r"text columns \[\]; give the names of one or two"),
        (("a", "b", "c"), "label", "give the names of one or two"),
        (("a", "a"), "label", "column 'a' is named twice"),
        ("label", "label", "column 'label' is named twice"),
    ],
)
def test_wrong_requests(text: Any, label: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_examples(frame(), text, label)


def test_ids_are_not_taken_for_classes() -> None:
    data = pd.DataFrame({"premise": ["a"] * 50, "id": range(50)})
    with pytest.raises(
        InputError, match="column 'id' has 50 different values in 50 rows; name the column of the classes"
    ):
        read_examples(data, "premise", "id")


def test_model_without_names() -> None:
    with pytest.raises(
        InputError, match="the label 'neutral', but the model has no names; set its id2label, or give its n"
    ):
        read_examples(frame(), names=("LABEL_0", "LABEL_1", "LABEL_2"))
