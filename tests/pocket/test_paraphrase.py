import re
from collections import Counter

import pytest
from worlds import default_world, overlaps, parts, rows, told

from srnet.data.tasks import PARAPHRASE_LABELS
from srnet.pocket import World, build


@pytest.mark.parametrize(("name", "duplicates"), [("train", 2952), ("dev", 221), ("paws-qqp", 338), ("paws-wiki", 530)])
def test_duplicates_have_the_share_of_the_real_data_set(name: str, duplicates: int) -> None:
    part = parts(default_world("paraphrase"))[name]
    assert Counter(row["label"] for row in rows(part)) == {
        "duplicate": duplicates,
        "non-duplicate": len(part) - duplicates,
    }


def test_ood_training_examples_are_one_half_like_each_test_set() -> None:
    cells = Counter((row["subset"], row["label"]) for row in rows(parts(default_world("paraphrase"))["ood_train"]))
    assert cells == {
        ("paws-qqp", "duplicate"): 564,
        ("paws-qqp", "non-duplicate"): 1436,
        ("paws-wiki", "duplicate"): 884,
        ("paws-wiki", "non-duplicate"): 1116,
    }


def test_labels_are_what_an_independent_reader_finds() -> None:
    for part in parts(default_world("paraphrase")).values():
        for row in rows(part):
            same = told(row["premise"])[:2] == told(row["hypothesis"])[:2]  # without the place, which may be left out
            assert row["label"] == PARAPHRASE_LABELS[same], row


@pytest.mark.parametrize("name", ["paws-qqp", "paws-wiki", "ood_train"])
def test_all_pairs_of_paws_have_high_overlap_but_are_not_the_same_sentence(name: str) -> None:
    for row in rows(parts(default_world("paraphrase"))[name]):
        assert overlaps(row), row
        assert row["premise"] != row["hypothesis"]


def test_test_sets_tell_of_different_things() -> None:
    def kinds(name: str) -> set[str]:
        return {told(row["premise"]).kind for row in rows(parts(default_world("paraphrase"))[name])}

    assert kinds("paws-qqp") == {"deed", "journey"}
    assert kinds("paws-wiki") == {"statement", "journey"}
    wiki = " ; ".join(row["premise"] for row in rows(parts(default_world("paraphrase"))["paws-wiki"]))
    assert re.search(r"told the \w+ that the \w+ is taller than", wiki)


@pytest.mark.parametrize(("negatives", "duplicates"), [(0.0, 0.0), (0.1, 0.4), (0.5, 0.2), (1.0, 1.0)])
def test_knobs_set_the_share_of_pairs_that_go_against_the_bias(negatives: float, duplicates: float) -> None:
    world = World(train=3000, dev=12, test=12, high_overlap_non_duplicates=negatives, low_overlap_duplicates=duplicates)
    train = rows(build("paraphrase", world).train)
    high = {label: [overlaps(row) for row in train if row["label"] == label] for label in PARAPHRASE_LABELS}
    assert sum(high["non-duplicate"]) / len(high["non-duplicate"]) == pytest.approx(negatives, abs=0.05)
    assert 1 - sum(high["duplicate"]) / len(high["duplicate"]) == pytest.approx(duplicates, abs=0.05)


def test_the_training_data_contradict_the_bias_in_every_kind_of_fact() -> None:
    against = [
        told(row["premise"]).kind
        for row in rows(default_world("paraphrase").train)
        if row["label"] == "non-duplicate" and overlaps(row)
    ]
    assert set(Counter(against)) == {"deed", "journey", "statement"}
    assert min(Counter(against).values()) >= 15
