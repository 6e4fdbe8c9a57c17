"""Data sets of the hub written as official files; the hub's columns and class names, not the hub itself."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from datasets import ClassLabel, Dataset, Features, Value
from huggingface_hub import constants

from srnet.data import hub
from srnet.data.hub import ELSEWHERE, HUB, fetch
from srnet.data.official import MissingDataWarning, load_task
from srnet.data.tasks import TASKS
from srnet.errors import InputError

Key = tuple[str, str | None, str]
HANS_COLUMNS = ("parse_premise", "parse_hypothesis", "binary_parse_premise", "binary_parse_hypothesis")


def table(classes: list[str], labels: list[int], columns: Mapping[str, list[str]]) -> Dataset:
    features = Features({name: Value("string") for name in columns} | {"label": ClassLabel(names=classes)})
    return Dataset.from_dict({**columns, "label": labels}, features=features)


def hans(start: str) -> Dataset:
    sentences = [f"{start} {number} ." for number in range(4)]
    heuristics = ["lexical_overlap", "subsequence", "constituent", "constituent"]
    columns = {"premise": sentences, "hypothesis": sentences[::-1], "heuristic": heuristics, "subcase": ["s"] * 4}
    columns |= {name: ["( S )"] * 4 for name in HANS_COLUMNS}
    return table(["entailment", "non-entailment"], [0, 1, 1, 0], columns)


def glue(classes: list[str], columns: tuple[str, str], start: str) -> Dataset:
    texts = [f"{start} {number}" for number in range(len(classes))]
    data = table(classes, list(range(len(classes))), {columns[0]: texts, columns[1]: [f"{text} ?" for text in texts]})
    return data.add_column("idx", list(range(len(classes))))


NLI_CLASSES, QQP_CLASSES = ["entailment", "neutral", "contradiction"], ["not_duplicate", "duplicate"]
PAIR, QUESTIONS, SENTENCES = ("premise", "hypothesis"), ("question1", "question2"), ("sentence1", "sentence2")
GLUE, HANS, PAWS = "nyu-mll/glue", "jhu-cogsci/hans", "google-research-datasets/paws"


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> dict[Key, Dataset]:
    """Small data sets with the hub's names, columns and classes, which the hub is replaced by."""
    data: dict[Key, Dataset] = {
        (GLUE, "mnli", "train"): glue(NLI_CLASSES, PAIR, "train"),
        (GLUE, "mnli", "validation_matched"): glue(NLI_CLASSES, PAIR, "dev"),
        (GLUE, "qqp", "train"): glue(QQP_CLASSES, QUESTIONS, "train"),
        (GLUE, "qqp", "validation"): glue(QQP_CLASSES, QUESTIONS, "dev"),
        (HANS, None, "train"): hans("train"),
        (HANS, None, "validation"): hans("test"),
        (PAWS, "labeled_final", "train"): glue(["0", "1"], SENTENCES, "train"),
        (PAWS, "labeled_final", "test"): glue(["0", "1"], SENTENCES, "test"),
    }

    def load_dataset(path: str, name: str | None, split: str, revision: str | None) -> Dataset:
        assert revision == ("refs/convert/parquet" if path == HANS else None)
        return data[path, name, split]

    monkeypatch.setattr(hub, "load_dataset", load_dataset)
    return data


def classes(data: Dataset) -> list[str]:
    return [data.features["label"].int2str(label) for label in data["label"]]


def test_nli(stored: dict[Key, Dataset], tmp_path: Path) -> None:
    assert fetch("nli", tmp_path) == {}
    data = load_task("nli", tmp_path)
    assert data.train["premise"][:] == ["train 0", "train 1", "train 2"]
    assert data.dev["hypothesis"][:] == ["dev 0 ?", "dev 1 ?", "dev 2 ?"]
    assert classes(data.train) == classes(data.dev) == NLI_CLASSES
    assert data.ood.keys() == {"hans"}
    assert data.ood["hans"]["premise"][:] == [f"test {number} ." for number in range(4)]
    assert data.ood["hans"]["subset"][:] == ["lexical_overlap", "subsequence", "constituent", "constituent"]
    assert classes(data.ood["hans"]) == ["entailment", "non-entailment", "non-entailment", "entailment"]
    assert data.ood_train is not None
    assert data.ood_train["premise"][0] == "train 0 ."
    assert classes(data.ood_train) == ["entailment", "contradiction", "contradiction", "entailment"]


def test_paraphrase_lacks_paws_qqp(stored: dict[Key, Dataset], tmp_path: Path) -> None:
    lacking = fetch("paraphrase", tmp_path)
    assert list(lacking) == ["QQP/paws_qqp/dev_and_test.tsv", "QQP/paws_qqp/train.tsv"]
    assert all("github.com/google-research-datasets/paws" in where for where in lacking.values())
    with pytest.warns(MissingDataWarning, match="paws_qqp"):
        data = load_task("paraphrase", tmp_path)
    assert data.train["premise"][:] == ["train 0", "train 1"]
    assert data.dev["hypothesis"][:] == ["dev 0 ?", "dev 1 ?"]
    assert data.ood.keys() == {"paws-wiki"}
    assert data.ood_train is not None
    assert data.ood_train["subset"][:] == ["paws-wiki"] * 2
    for part in (data.train, data.dev, data.ood["paws-wiki"], data.ood_train):
        assert classes(part) == ["non-duplicate", "duplicate"]


def test_fact_verification_is_to_be_had_elsewhere(stored: dict[Key, Dataset], tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"fever\.train\.jsonl is not on the Hugging Face hub; get it from https://"):
        fetch("fact", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_classes_are_found_by_name(stored: dict[Key, Dataset], tmp_path: Path) -> None:
    key: Key = (GLUE, "mnli", "train")
    stored[key] = glue(["contradiction", "entailment", "neutral"], PAIR, "train")
    stored[GLUE, "qqp", "train"] = glue(QQP_CLASSES[::-1], QUESTIONS, "train")
    fetch("nli", tmp_path)
    assert classes(load_task("nli", tmp_path).train) == ["contradiction", "entailment", "neutral"]
    fetch("paraphrase", tmp_path)
    with pytest.warns(MissingDataWarning):
        assert classes(load_task("paraphrase", tmp_path).train) == ["duplicate", "non-duplicate"]


def test_every_official_file_is_on_the_hub_or_elsewhere() -> None:
    files = [file for task in TASKS.values() for file in task.files]
    assert sorted([*HUB, *ELSEWHERE]) == sorted(files)


KEY: Key = (GLUE, "mnli", "train")
WRONG = {
    "no label; 1 of 3 have none": glue(NLI_CLASSES, PAIR, "x").map(lambda row: {"label": row["idx"] - 1}),
    "no column 'hypothesis', it has premise, label, idx": glue(NLI_CLASSES, PAIR, "x").remove_columns("hypothesis"),
    "no column 'label'": glue(NLI_CLASSES, PAIR, "x").remove_columns("label"),
    "its labels have no names": glue(NLI_CLASSES, PAIR, "x").cast_column("label", Value("int64")),
    "unknown label 'maybe'; known are entailment, neutral, contradiction": glue(["maybe", "neutral"], PAIR, "x"),
    "sentence1 is empty": glue(NLI_CLASSES, PAIR, "x").map(lambda row: {"premise": ""}),
    "sentence2 has a tab or line break": glue(NLI_CLASSES, PAIR, "x").map(lambda row: {"hypothesis": "a\tb"}),
}


@pytest.mark.parametrize("message", WRONG)
def test_data_that_is_not_as_expected(stored: dict[Key, Dataset], tmp_path: Path, message: str) -> None:
    stored[KEY] = WRONG[message]
    with pytest.raises(InputError) as error:
        fetch("nli", tmp_path)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_there_is_kept(stored: dict[Key, Dataset], tmp_path: Path) -> None:
    (tmp_path / "MNLI").mkdir()
    mine = tmp_path / "MNLI" / "dev_matched.tsv"
    mine.write_text("mine")
    with pytest.raises(InputError, match=r"dev_matched\.tsv: there already"):
        fetch("nli", tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [mine]
    assert mine.read_text() == "mine"


def test_an_unknown_task(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown task 'mnli'"):
        fetch("mnli", tmp_path)


def test_without_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    with pytest.raises(InputError) as error:
        fetch("nli", tmp_path / "data")
    message = str(error.value)
    assert message.startswith("nyu-mll/glue, mnli, train: cannot be loaded from the Hugging Face hub (")
    assert message.endswith("are you online?")
    assert "\n" not in message
    assert not (tmp_path / "data").exists()


CARD = """---
configs:
- config_name: mnli
  data_files:
  - {split: train, path: mnli/train-*}
  - {split: validation_matched, path: mnli/validation_matched-*}
- config_name: qqp
  data_files:
  - {split: train, path: qqp/train-*}
---
"""


def test_parquet_files_laid_out_as_on_the_hub(
    stored: dict[Key, Dataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # the real `load_dataset` from here on
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    repositories = {GLUE: tmp_path / "glue", HANS: tmp_path / "hans"}
    for (path, name, split), data in stored.items():
        if path == GLUE:
            data.to_parquet(repositories[path] / str(name) / f"{split}-00000-of-00001.parquet")
        elif path == HANS:  # the hub's branch of converted data sets
            data.to_parquet(repositories[path] / "plain_text" / split / "0000.parquet")
    (repositories[GLUE] / "README.md").write_text(CARD)
    nli = {
        file: replace(split, path=str(repositories[split.path]))
        for file, split in HUB.items()
        if file.startswith("MNLI")
    }
    monkeypatch.setattr(hub, "HUB", {**HUB, **nli})
    fetch("nli", tmp_path / "data")
    data = load_task("nli", tmp_path / "data")
    assert data.train["premise"][:] == ["train 0", "train 1", "train 2"]
    assert data.dev["premise"][:] == ["dev 0", "dev 1", "dev 2"]
    assert classes(data.dev) == NLI_CLASSES
    assert data.ood["hans"]["premise"][0] == "test 0 ."
    assert data.ood_train is not None
    assert data.ood_train["premise"][0] == "train 0 ."
