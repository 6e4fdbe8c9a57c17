import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from datasets import ClassLabel, Dataset, Value
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from srnet.bias import BiasModel, overlap_features
from srnet.errors import InputError
from srnet.tasks import (
    HANS_HEURISTICS,
    HANS_LABELS,
    NLI_LABELS,
    TASKS,
    TaskData,
    load_task,
    pair_dataset,
    read_hans,
    read_mnli,
    read_table,
    source_files,
)

MNLI = "index\tsentence1\tsentence2\tgold_label\n"
HANS = "gold_label\tsentence1\tsentence2\theuristic\n"
GOOD = "0\tThe cat saw a dog .\tA cat saw .\tentailment\n"
HANS_GOOD = "non-entailment\tThe cat saw a dog .\tA dog saw .\tlexical_overlap\n"


def write(folder: Path, content: str | bytes, name: str = "file.tsv") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def rows(dataset: Dataset) -> list[tuple[str, str, int, str]]:
    return [(row["premise"], row["hypothesis"], row["label"], row["subset"]) for row in dataset]


def test_mnli_columns_are_found_by_name_in_any_place(tmp_path: Path) -> None:
    train = write(tmp_path, "pairID\tsentence1\tlabel1\tsentence2\tgold_label\n7\tp\tneutral\th\tcontradiction\n")
    dev = write(tmp_path, "gold_label\tlabel1\tlabel2\tsentence2\tsentence1\nneutral\t\t\th\tp\n", "dev.tsv")
    assert rows(read_mnli(train)) == [("p", "h", 2, "")]
    assert rows(read_mnli(dev)) == [("p", "h", 1, "")]


def test_hans_keeps_text_and_heuristic(tmp_path: Path) -> None:
    dataset = read_hans(write(tmp_path, HANS + HANS_GOOD + "entailment\tp .\th .\tconstituent\n"))
    assert rows(dataset) == [
        ("The cat saw a dog .", "A dog saw .", 1, "lexical_overlap"),
        ("p .", "h .", 0, "constituent"),
    ]


def test_columns_and_types(tmp_path: Path) -> None:
    for dataset, labels in [
        (read_mnli(write(tmp_path, MNLI + GOOD)), NLI_LABELS),
        (read_hans(write(tmp_path, HANS + HANS_GOOD)), HANS_LABELS),
        (pair_dataset(["p"], ["h"], [0], NLI_LABELS), NLI_LABELS),
    ]:
        assert dataset.features == {
            "premise": Value("string"),
            "hypothesis": Value("string"),
            "label": ClassLabel(names=list(labels)),
            "subset": Value("string"),
        }


@pytest.mark.parametrize(
    "sentence",
    ['"Well', 'it\'s "so"', "a\x85b", "a\u2028b\u2029c", "a\x0bb\x0cc\x1cd", "a\rb", " spaced ", "\ufeffmark", "né 漢"],
)
def test_a_sentence_is_kept_as_it_is(tmp_path: Path, sentence: str) -> None:
    path = write(tmp_path, f"{MNLI}0\t{sentence}\t{sentence}\tneutral\n{GOOD}")
    assert rows(read_mnli(path))[0] == (sentence, sentence, 1, "")
    assert len(read_mnli(path)) == 2


@pytest.mark.parametrize(
    "content",
    [
        (MNLI + GOOD + GOOD).encode(),
        (MNLI + GOOD + GOOD).rstrip("\n").encode(),
        (MNLI + GOOD + GOOD).replace("\n", "\r\n").encode(),
        (MNLI + GOOD + GOOD).encode("utf-8-sig"),
        (MNLI + GOOD + GOOD).replace("\n", "\r\n").rstrip("\r\n").encode("utf-8-sig"),
    ],
    ids=["plain", "no final newline", "CRLF", "BOM", "BOM, CRLF, no final newline"],
)
def test_line_ends_and_byte_order_mark(tmp_path: Path, content: bytes) -> None:
    assert rows(read_mnli(write(tmp_path, content))) == [("The cat saw a dog .", "A cat saw .", 0, "")] * 2


def test_byte_order_mark_before_a_wanted_column(tmp_path: Path) -> None:
    assert rows(read_hans(write(tmp_path, (HANS + HANS_GOOD).encode("utf-8-sig"))))[0][2] == 1


SENTENCE = st.text(st.characters(exclude_characters="\t\n", exclude_categories=["Cs"]), min_size=1).filter(
    lambda text: not text.isspace()
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(st.lists(st.tuples(SENTENCE, SENTENCE, st.sampled_from(range(3))), min_size=1))
def test_every_row_comes_back_in_order(tmp_path: Path, examples: list[tuple[str, str, int]]) -> None:
    lines = [f"{i}\t{p}\t{h}\t{NLI_LABELS[y]}\n" for i, (p, h, y) in enumerate(examples)]
    assert rows(read_mnli(write(tmp_path, MNLI + "".join(lines)))) == [(p, h, y, "") for p, h, y in examples]


# name: (reader, content, where in the file, reason)
MALFORMED: dict[str, tuple[Callable[[Path], Dataset], str | bytes, str, str]] = {
    "empty file": (read_mnli, "", "", "empty"),
    "header only": (read_mnli, MNLI, "", "no rows"),
    "header only, no newline": (read_mnli, MNLI.rstrip("\n"), "", "no rows"),
    "missing column": (read_mnli, "index\tsentence1\tgold_label\n0\tp\tneutral\n", ":1", "no column 'sentence2'"),
    "no header": (read_mnli, GOOD + GOOD, ":1", "no column 'sentence1'"),
    "blank header": (read_mnli, "\n" + GOOD, ":1", "no column 'sentence1'"),
    "MNLI read as HANS": (read_hans, MNLI + GOOD, ":1", "no column 'heuristic'"),
    "commas for tabs": (read_mnli, (MNLI + GOOD).replace("\t", ","), ":1", "no column 'sentence1'"),
    "duplicated header name": (
        read_mnli,
        MNLI.replace("index", "sentence2") + GOOD,
        ":1",
        "column 'sentence2' more than once",
    ),
    "duplicated name of an unused column": (read_mnli, "index\t" + MNLI + "0\t" + GOOD, ":1", "'index' more than once"),
    "short row": (read_mnli, MNLI + GOOD + "0\tp\tneutral\n" + GOOD, ":3", "3 tab-separated cells"),
    "long row": (read_mnli, MNLI + GOOD + "0\tp\th\tq\tneutral\n", ":3", "5 tab-separated cells"),
    "blank line within": (read_mnli, MNLI + GOOD + "\n" + GOOD, ":3", "1 tab-separated cells"),
    "blank line at the end": (read_mnli, MNLI + GOOD + "\n", ":3", "1 tab-separated cells"),
    "cut off in the last row": (read_mnli, MNLI + GOOD + GOOD[:12], ":3", "2 tab-separated cells"),
    "unknown label": (
        read_mnli,
        MNLI + GOOD + "0\tp\th\t-\n",
        ":3",
        "unknown gold_label '-'; known are entailment, neutral, contradiction",
    ),
    "label with a space": (read_mnli, MNLI + GOOD.replace("ment\n", "ment \n"), ":2", "gold_label 'entailment '"),
    "empty label": (read_mnli, MNLI + "0\tp\th\t\n", ":2", "gold_label ''"),
    "HANS label in MNLI": (read_mnli, MNLI + "0\tp\th\tnon-entailment\n", ":2", "gold_label 'non-entailment'"),
    "MNLI label in HANS": (
        read_hans,
        HANS + "neutral\tp\th\tsubsequence\n",
        ":2",
        "known are entailment, non-entailment",
    ),
    "unknown heuristic": (
        read_hans,
        HANS + HANS_GOOD + "entailment\tp\th\toverlap\n",
        ":3",
        "unknown heuristic 'overlap'",
    ),
    "empty premise": (read_mnli, MNLI + "0\t\th\tneutral\n", ":2", "sentence1 is empty"),
    "blank hypothesis": (read_mnli, MNLI + GOOD + "0\tp\t \u00a0\tneutral\n", ":3", "sentence2 is empty"),
    "Latin-1": (read_mnli, MNLI.encode() + GOOD.encode() + b"0\tcaf\xe9 .\th\tneutral\n", ":3", "not UTF-8"),
    "UTF-16": (read_mnli, (MNLI + GOOD).encode("utf-16"), ":1", "not UTF-8"),
    "bad bytes in an unused column": (read_mnli, MNLI.encode() + b"\xff" + GOOD.encode(), ":2", "not UTF-8"),
}


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_file_is_named_with_line_and_reason(tmp_path: Path, case: str) -> None:
    read, content, line, reason = MALFORMED[case]
    path = write(tmp_path, content)
    with pytest.raises(InputError) as error:
        read(path)
    assert str(error.value).startswith(f"{path}{line}: ")
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["nowhere.tsv", "."])
def test_a_path_that_is_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        read_mnli(tmp_path / name)


def test_read_table_gives_lines_and_columns_in_the_order_asked(tmp_path: Path) -> None:
    path = write(tmp_path, "a\tb\tc\n1\t2\t3\n4\t5\t6\n")
    assert list(read_table(path, ["c", "a"])) == [(2, ["3", "1"]), (3, ["6", "4"])]


def official_tree(folder: Path) -> Path:
    write(folder, MNLI + GOOD * 3, "MNLI/train.tsv")
    write(folder, MNLI + GOOD * 2, "MNLI/dev_matched.tsv")
    write(folder, HANS + HANS_GOOD, "MNLI/hans/heuristics_evaluation_set.txt")
    return folder


def test_load_task(tmp_path: Path) -> None:
    data = load_task("nli", official_tree(tmp_path))
    assert isinstance(data, TaskData)
    assert (data.name, len(data.train), len(data.dev), len(data.ood["hans"])) == ("nli", 3, 2, 1)
    assert list(data.ood) == list(TASKS["nli"].ood)
    assert (TASKS["nli"].labels, TASKS["nli"].dev_name) == (("entailment", "neutral", "contradiction"), "mnli-m")


def test_source_files(tmp_path: Path) -> None:
    paths = source_files("nli", official_tree(tmp_path))
    names = ["MNLI/train.tsv", "MNLI/dev_matched.tsv", "MNLI/hans/heuristics_evaluation_set.txt"]
    assert [path.relative_to(tmp_path).as_posix() for path in paths] == names


@pytest.mark.parametrize("missing", TASKS["nli"].files)
@pytest.mark.parametrize("door", [load_task, source_files])
def test_a_missing_file_is_named_with_the_expected_tree(
    tmp_path: Path, missing: str, door: Callable[[str, Path], object]
) -> None:
    (official_tree(tmp_path) / missing).unlink()
    with pytest.raises(InputError) as error:
        door("nli", tmp_path)
    assert str(error.value).startswith(f"{tmp_path / missing}: no such file")
    assert all(file in str(error.value) for file in TASKS["nli"].files)


@pytest.mark.parametrize("door", [load_task, source_files])
def test_an_unknown_task(tmp_path: Path, door: Callable[[str, Path], object]) -> None:
    with pytest.raises(InputError, match="unknown task 'mnli'; known are nli"):
        door("mnli", tmp_path)


@pytest.fixture(scope="module")
def real() -> TaskData:
    if "SRNET_DATA" not in os.environ:
        pytest.skip("SRNET_DATA is not set: no folder with MNLI and HANS in their official formats")
    return load_task("nli", Path(os.environ["SRNET_DATA"]))


def test_real_counts(real: TaskData) -> None:
    hans = real.ood["hans"]
    assert len(real.train) == 25_931
    assert np.bincount(real.dev["label"]).tolist() == [3479, 3123, 3213]
    assert np.bincount(hans["label"]).tolist() == [15_000, 15_000]
    assert [list(hans["subset"]).count(name) for name in HANS_HEURISTICS] == [10_000] * 3


def test_real_overlap_bias_helps_on_mnli_and_misleads_on_hans(real: TaskData) -> None:
    def log_probs_and_labels(dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
        features = overlap_features(dataset["premise"], dataset["hypothesis"])
        return model.log_probs(features), np.array(dataset["label"])

    model = BiasModel.fit(
        overlap_features(real.train["premise"], real.train["hypothesis"]), np.array(real.train["label"]), 3
    )
    dev, labels = log_probs_and_labels(real.dev)
    assert (dev.argmax(1) == labels).mean() > 0.42
    hans, labels = log_probs_and_labels(real.ood["hans"])
    assert ((hans.argmax(1) != 0) == labels).mean() <= 0.51
