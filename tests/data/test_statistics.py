"""Counts, shares and words of the data sets, and the comparison with the official files."""

import math
import os
from pathlib import Path

import pandas as pd
import pytest
from datasets import Dataset, concatenate_datasets
from hypothesis import given
from hypothesis import strategies as st

from srnet.data.official import load_task
from srnet.data.pairs import TaskData, pair_dataset
from srnet.data.statistics import GLUE, beside_paper, check_official, statistics, training_examples
from srnet.data.tasks import FACT_LABELS, HANS_LABELS, NLI_LABELS, PARAPHRASE_LABELS, SYMMETRIC_LABELS, TASKS
from srnet.errors import InputError
from srnet.paper import EVALUATED, TABLE_1, TABLE_2


def pairs(labels: tuple[str, ...], counts: tuple[int, ...], origin: str = "") -> Dataset:
    """Data with so many examples of each class; an example of class k has k + 1 words and one word."""
    gold = [label for label, count in enumerate(counts) for _ in range(count)]
    return pair_dataset(["so " * (label + 1) for label in gold], ["ho"] * len(gold), gold, labels, [origin] * len(gold))


def nli() -> TaskData:
    return TaskData(
        "nli",
        pairs(NLI_LABELS, (5, 3, 2)),
        pairs(NLI_LABELS, (1, 0, 1)),
        {"hans": pairs(HANS_LABELS, (3, 1))},
        pairs(NLI_LABELS, (2, 0, 2)),
    )


def paraphrase() -> TaskData:
    parts = [pairs(PARAPHRASE_LABELS, (2, 1), "paws-qqp"), pairs(PARAPHRASE_LABELS, (1, 1), "paws-wiki")]
    return TaskData(
        "paraphrase",
        pairs(PARAPHRASE_LABELS, (4, 1)),
        pairs(PARAPHRASE_LABELS, (1, 1)),
        {"paws-wiki": pairs(PARAPHRASE_LABELS, (1, 2))},
        concatenate_datasets(parts),
    )


def test_every_class_of_every_data_set_has_a_row() -> None:
    table = statistics(nli())
    assert list(table.columns) == [
        "task",
        "data_set",
        "split",
        "label",
        "examples",
        "share",
        "premise_words",
        "hypothesis_words",
    ]
    rows = table[["data_set", "split", "label", "examples", "share"]].itertuples(index=False, name=None)
    assert list(rows) == [
        ("mnli-m", "train", "entailment", 5, 0.5),
        ("mnli-m", "train", "neutral", 3, 0.3),
        ("mnli-m", "train", "contradiction", 2, 0.2),
        ("mnli-m", "dev", "entailment", 1, 0.5),
        ("mnli-m", "dev", "neutral", 0, 0.0),
        ("mnli-m", "dev", "contradiction", 1, 0.5),
        ("hans", "dev", "entailment", 3, 0.75),
        ("hans", "dev", "non-entailment", 1, 0.25),
        ("hans", "train", "entailment", 2, 0.5),
        ("hans", "train", "neutral", 0, 0.0),
        ("hans", "train", "contradiction", 2, 0.5),
    ]
    assert set(table["task"]) == {"nli"}


def test_words_are_counted_per_class() -> None:
    table = statistics(nli())
    train, dev = (table[(table["data_set"] == "mnli-m") & (table["split"] == split)] for split in ("train", "dev"))
    assert train["premise_words"].tolist() == [1, 2, 3]
    assert train["hypothesis_words"].tolist() == [1, 1, 1]
    assert math.isnan(dev["premise_words"].iloc[1])


words = st.lists(st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=6), max_size=6)


@given(words, st.text(" \t\n", min_size=1, max_size=3))
def test_words_are_what_white_space_separates(sentence: list[str], space: str) -> None:
    data = pair_dataset([space + space.join(sentence) + space], [space.join(sentence)], [0], NLI_LABELS)
    table = statistics(TaskData("nli", data, data, {}))
    assert table.loc[0, ["premise_words", "hypothesis_words"]].tolist() == [len(sentence)] * 2


def test_rows_that_were_selected_are_counted_not_those_behind_them() -> None:
    data = pairs(NLI_LABELS, (5, 3, 2)).select([0, 9])
    table = statistics(TaskData("nli", data, data, {}))
    assert table["examples"].tolist() == [1, 0, 1] * 2
    assert table["premise_words"].dropna().tolist() == [1, 3] * 2


def test_ood_training_examples_from_several_files_are_told_apart() -> None:
    table = statistics(paraphrase())
    train = table[table["split"] == "train"].groupby("data_set", sort=False)["examples"].apply(list)
    assert train.to_dict() == {"qqp": [4, 1], "paws-qqp": [2, 1], "paws-wiki": [1, 1]}
    assert table.loc[table["data_set"] == "paws-wiki", "split"].tolist() == ["test", "test", "train", "train"]


def test_an_unknown_task() -> None:
    data = pairs(NLI_LABELS, (1, 1, 1))
    with pytest.raises(InputError, match="unknown task 'mnli'"):
        statistics(TaskData("mnli", data, data, {}))


def table_of(key: tuple[str, str, str], counts: tuple[int, ...]) -> pd.DataFrame:
    frame = pd.DataFrame({"label": range(len(counts)), "examples": counts, "share": pd.Series(counts) / sum(counts)})
    return frame.assign(**dict(zip(("task", "data_set", "split"), key, strict=True)))


@pytest.mark.parametrize(
    ("key", "counts", "verdict"),
    [
        (("nli", "mnli-m", "train"), (8750, 8634, 8547), "not the official data: 25,931 examples, official 392,702"),
        (("nli", "mnli-m", "train"), (130_899, 130_900, 130_903), "official"),
        (("nli", "mnli-m", "dev"), (3479, 3123, 3213), "official"),
        (
            ("nli", "mnli-m", "dev"),
            (3213, 3123, 3479),
            "not the official data: 32.7 / 31.8 / 35.4 % in its classes, official 35.4 / 31.8 / 32.7 %",
        ),
        (("nli", "hans", "dev"), (15_000, 15_000), "official"),
        (("nli", "hans", "train"), (15_000, 0, 15_000), "official"),
        (("paraphrase", "qqp", "train"), (229_468, 134_378), "official: of the size that GLUE gives"),
        (("paraphrase", "qqp", "train"), (229_470, 134_379), "official: of the size that the paper gives"),
        (("paraphrase", "qqp", "dev"), (25_545, 14_885), "official: of the size that GLUE gives"),
        (("paraphrase", "qqp", "dev"), (25_547, 14_885), "official: of the size that the paper gives"),
        (
            ("paraphrase", "qqp", "dev"),
            (20_215, 20_215),
            "not the official data: 50.0 / 50.0 % in its classes, official 63.2 / 36.8 %",
        ),
        (
            ("paraphrase", "qqp", "train"),
            (7573, 4373),
            "not the official data: 11,946 examples, official 363,849 (paper) or 363,846 (GLUE)",
        ),
        (("paraphrase", "paws-qqp", "dev"), (486, 191), "official"),
        (
            ("paraphrase", "paws-wiki", "train"),
            (24_700, 24_701),
            "not the official data: 50.0 / 50.0 % in its classes, official 55.8 / 44.2 %",
        ),
        (("fact", "sym2", "dev"), (3540, 3540, 0), "official"),
        (("fact", "sym2", "dev"), (354, 354, 0), "not the official data: 708 examples, official 7,080"),
        (("fact", "fever", "train"), (100_565, 41_781, 100_565), "official"),
        (("fact", "fever", "train"), (414, 172, 414), "not the official data: 1,000 examples, official 242,911"),
        (
            ("fact", "fever", "dev"),
            (8332, 8332, 0),
            "not the official data: 50.0 / 50.0 / 0.0 % in its classes, official 47.9 / 52.1 / 0.0 %",
        ),
        (("nli", "snli", "test"), (1, 1, 1), "unknown: 3 examples, the paper has no such data set"),
    ],
)
def test_verdicts(key: tuple[str, str, str], counts: tuple[int, ...], verdict: str) -> None:
    checked = check_official(table_of(key, counts))
    assert checked.to_dict("records") == [
        {"task": key[0], "data_set": key[1], "split": key[2], "examples": sum(counts), "verdict": verdict}
    ]


def test_one_verdict_for_each_data_set_in_order() -> None:
    checked = check_official(pd.concat([statistics(nli()), statistics(paraphrase())]))
    assert list(zip(checked["data_set"], checked["split"], checked["examples"], strict=True)) == [
        ("mnli-m", "train", 10),
        ("mnli-m", "dev", 2),
        ("hans", "dev", 4),
        ("hans", "train", 4),
        ("qqp", "train", 5),
        ("qqp", "dev", 2),
        ("paws-wiki", "test", 3),
        ("paws-qqp", "train", 3),
        ("paws-wiki", "train", 2),
    ]
    assert checked["verdict"].str.startswith("not the official data").all()


def test_every_official_file_is_in_the_papers_tables() -> None:
    keys = set()
    for task in TASKS.values():
        keys |= {(task.dev_name, "train"), (task.dev_name, "dev")}
        keys |= {(data_set, EVALUATED[data_set]) for data_set in task.ood}
        keys |= {(data_set, "dev" if data_set == "sym2" else "train") for data_set in task.ood_train}
    assert set(TABLE_1) - keys == {("paws-wiki", "dev")}  # nothing is trained or evaluated on it
    assert keys <= set(TABLE_1)
    assert set(GLUE) == {("qqp", "train"), ("qqp", "dev")}


@pytest.mark.parametrize(
    ("task", "alone", "with_ood"),
    [("nli", 392_702, 422_702), ("paraphrase", 363_849, 425_238), ("fact", 242_911, 249_991)],
)
def test_size_of_a_training_set(task: str, alone: int, with_ood: int) -> None:
    assert training_examples(task) == alone
    assert training_examples(task, with_ood=True) == with_ood


def test_what_there_is_stands_beside_tables_1_and_2() -> None:
    table = beside_paper(pd.concat([statistics(nli()), statistics(paraphrase())])).set_index(["data_set", "split"])
    assert list(table.index) == [key for key in TABLE_1 if key in table.index]
    assert {name for name, _ in table.index} == {"mnli-m", "hans", "qqp", "paws-qqp", "paws-wiki"}
    assert table["paper_examples"].to_dict() == {key: TABLE_1[key] for key in table.index}
    assert [key for key, row in table.iterrows() if row.evaluated] == [
        ("mnli-m", "dev"),
        ("hans", "dev"),
        ("qqp", "dev"),
        ("paws-qqp", "dev"),
        ("paws-wiki", "test"),
    ]
    hans = table.loc["hans", "dev"]
    assert (hans.examples, hans.classes, hans.shares) == (4, HANS_LABELS, (75, 25))
    assert hans.paper_shares == (50, 50)  # the class that it lacks is not told
    assert table.loc[("hans", "train"), "paper_shares"] == (50, 0, 50)
    assert table.loc[("qqp", "dev"), "paper_shares"] == tuple(
        TABLE_2["qqp", "dev"][label] for label in PARAPHRASE_LABELS
    )
    missing = table.loc["paws-qqp", "dev"]
    assert missing.isna()[["examples", "shares"]].all()
    assert missing.paper_shares == (71.8, 28.2)
    unused = table.loc["paws-wiki", "dev"]
    assert unused.isna()[["examples", "shares", "paper_shares"]].all()


def test_copies_are_counted_once_beside_the_paper() -> None:
    part = pairs(FACT_LABELS, (1, 1, 1))
    data = TaskData("fact", part, part, {}, pairs(FACT_LABELS, (30, 10, 0)))
    table = beside_paper(statistics(data)).set_index(["data_set", "split"])
    assert tuple(table.loc[("sym2", "dev"), ["copies", "examples", "paper_examples"]]) == (10, 4, 708)
    assert table.loc[("sym2", "dev"), "shares"] == (75, 25, 0)
    assert table.loc[("sym2", "dev"), "paper_shares"] is None  # not in Table 2
    assert set(table["copies"].drop(("sym2", "dev"))) == {1}


@pytest.mark.filterwarnings("ignore::srnet.data.official.MissingDataWarning")
@pytest.mark.parametrize(
    ("task", "verdicts"),
    [
        (
            "nli",
            {
                "mnli-m train": "not the official data: 25,931 examples, official 392,702",
                "mnli-m dev": "official",
                "hans dev": "official",  # its counts are, its sentences are not: they cannot be told apart
                "hans train": "official",
            },
        ),
        (
            "paraphrase",
            {
                "qqp train": "not the official data: 11,946 examples, official 363,849 (paper) or 363,846 (GLUE)",
                "qqp dev": "not the official data: 7,598 examples, official 40,432 (paper) or 40,430 (GLUE)",
            },
        ),
        (
            "fact",
            {
                "fever train": "not the official data",
                "fever dev": "not the official data: 1,500 examples, official 16,664",
                "sym1 test": "official",
                "sym2 test": "official",
                "sym2 dev": "official",
            },
        ),
    ],
)
def test_real_data(task: str, verdicts: dict[str, str]) -> None:
    if "SRNET_DATA" not in os.environ:
        pytest.skip("SRNET_DATA is not set: no folder with data in the official formats")
    table = statistics(load_task(task, Path(os.environ["SRNET_DATA"])))
    checked = check_official(table)
    found = dict(zip(checked["data_set"] + " " + checked["split"], checked["verdict"], strict=True))
    assert found.keys() == verdicts.keys()
    assert all(found[name].startswith(verdict) for name, verdict in verdicts.items()), found
    assert (table["premise_words"].dropna() > 3).all()
    if task == "fact":
        assert table.loc[table["data_set"] == "sym1", "examples"].tolist() == [379, 338]
        assert set(table["label"]) == set(FACT_LABELS)
        assert table.loc[table["data_set"] == "sym1", "label"].tolist() == list(SYMMETRIC_LABELS)
