"""Tables 1 to 4: what there is here beside what the paper prints."""

from dataclasses import replace

import pandas as pd
import pytest

from srnet.data.pairs import TaskData
from srnet.data.statistics import beside_paper, statistics
from srnet.data.tasks import DATASETS, TASKS
from srnet.figures.setups import class_table, example_table, pruning_table, training_table
from srnet.paper import EVALUATED, TABLE_1, TABLE_2
from srnet.pocket import World, build
from srnet.study.profiles import PROFILES, Training

WORLD = World(train=48, dev=12, test=24)


@pytest.fixture(scope="module")
def texts() -> dict[str, TaskData]:
    return {task: build(task, WORLD) for task in TASKS}


@pytest.fixture(scope="module")
def sets(texts: dict[str, TaskData]) -> pd.DataFrame:
    return beside_paper(pd.concat([statistics(text) for text in texts.values()]))


def test_numbers_of_examples_stand_beside_the_papers(sets: pd.DataFrame) -> None:
    table = example_table(sets)
    assert list(table.index) == [(DATASETS[name], split) for name, split in TABLE_1]
    assert table["paper"].tolist() == [f"{size:,}" for size in TABLE_1.values()]
    assert {key for key, row in table.iterrows() if row.evaluated} == {
        (DATASETS[name], split) for name, split in EVALUATED.items()
    }
    assert table.loc[("MNLI-m", "train"), "here"] == "48"
    assert table.loc[("PAWS-Wiki", "dev"), "here"] == "–"
    assert table.loc[("FEVER-Symm. v2", "dev"), "here"].endswith(" × 10")


def test_shares_of_classes_stand_beside_the_papers(sets: pd.DataFrame) -> None:
    table = class_table(sets)
    known = [(DATASETS[name], split) for name, split in TABLE_2]
    assert sorted(table.index) == sorted([*known, ("FEVER-Symm. v2", "dev")])
    assert table.index.is_unique
    assert tuple(table.loc["HANS", "dev"]) == ("ent / non-ent", "50.0 / 50.0", "50.0 / 50.0")
    assert table.loc[("FEVER-Symm. v2", "dev"), "paper (%)"] == "–"
    assert table.loc[("FEVER", "train"), "paper (%)"] == "41.4 / 17.2 / 41.4"


def test_training_stands_beside_the_papers(texts: dict[str, TaskData]) -> None:
    table = training_table(PROFILES["smoke"].training, texts)
    assert table.index.is_unique
    assert list(table.columns) == [(name, side) for name in ("MNLI-m", "QQP", "FEVER") for side in ("here", "paper")]
    assert table["MNLI-m", "paper"].iloc[:3].tolist() == ["3", "5", "5"]
    assert table.loc["epochs (steps), full (std, reweight)", ("MNLI-m", "here")] == "4 (12)"  # 3 steps an epoch
    assert table.loc["evaluation metric"].tolist() == ["accuracy", "Acc", "weighted F1", "F1", "accuracy", "Acc"]
    assert (table.loc["warm-up (steps)"].unstack()["paper"] == "–").all()


def test_an_epoch_has_the_ood_examples_where_these_are_trained_on(texts: dict[str, TaskData]) -> None:
    text = texts["nli"]
    assert text.ood_train is not None
    steps = -(-(len(text.train) + len(text.ood_train)) // 16)
    training = PROFILES["smoke"].training["nli"]
    assert training.mask_ood
    training = replace(training, mask_ood=replace(training.mask_ood, steps=2 * steps))
    table = training_table({"nli": training}, {"nli": text})
    assert table.loc["epochs (steps), mask (ood)", ("MNLI-m", "here")] == f"2 ({2 * steps})"


def test_what_a_kind_of_training_has_for_itself_is_said(texts: dict[str, TaskData]) -> None:
    training: Training = PROFILES["smoke"].training["nli"]
    assert training.imp
    training = replace(training, imp=replace(training.imp, lr=0.5), mask_ood=None)
    training = replace(training, full_debiased=replace(training.full_debiased, warmup=3))
    table = training_table({"nli": training}, {"nli": texts["nli"]})["MNLI-m"]
    assert table.loc["learning rate", "here"] == "0.001 (full, mask); 0.5 (imp)"
    assert table.loc["warm-up (steps)", "here"] == "1 (full (std, reweight), mask, imp); 3 (full (poe, confreg))"
    assert table.loc["epochs (steps), mask (ood)", "here"] == "–"


def test_pruning_stands_beside_the_papers() -> None:
    table = pruning_table().drop("mask training: Δtᵩ")  # the same, in other words
    assert len(table) == 6
    assert table["here"].tolist() == table["paper"].tolist()
