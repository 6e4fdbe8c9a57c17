import hashlib
import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from worlds import default_world, overlaps, pairs, parts, rows

from srnet.data.official import load_task, write_task
from srnet.data.pairs import TaskData
from srnet.data.tasks import HANS_HEURISTICS, HANS_LABELS, TASKS
from srnet.errors import InputError
from srnet.pocket import FINGERPRINTS, World, build
from srnet.pocket.corpus import sentence_pair
from srnet.pocket.facts import PATTERNS, Event, is_held_out
from srnet.pocket.lexicon import SPECIAL_TOKENS, SYNONYM, VOCABULARY
from srnet.pocket.pairs import labels_in_shares
from srnet.pocket.pretraining import Pretraining, pretraining_text

SMALL = World(train=240, dev=60, test=120)


def content(data: TaskData) -> dict[str, Any]:
    return {name: part.to_dict() for name, part in parts(data).items()}


@pytest.mark.parametrize("task", TASKS)
def test_generator_is_the_one_whose_fingerprint_is_recorded(task: str) -> None:
    rows = [list(part.to_dict().items()) for part in parts(build(task, SMALL)).values()]
    assert hashlib.sha256(json.dumps(rows).encode()).hexdigest() == FINGERPRINTS[task]


def test_nli_but_for_its_ood_training_examples_is_as_it_was_before_there_were_other_tasks() -> None:
    data = build("nli", SMALL)
    rows = [list(part.to_dict().items()) for part in (data.train, data.dev, data.ood["hans"])]
    digest = hashlib.sha256(json.dumps(rows).encode()).hexdigest()
    assert digest == "52999c5bd71f7a048035cd430c55c6d7e6bbf8566f95ebfd27cea59475a2aa15"


@pytest.mark.parametrize("task", TASKS)
def test_same_seed_same_world_and_other_seed_other_world(task: str) -> None:
    once = content(build(task, SMALL))
    assert content(build(task, SMALL)) == once
    other = content(build(task, replace(SMALL, seed=1)))
    assert all(other[name] != once[name] for name in once)


@pytest.mark.parametrize("task", TASKS)
def test_sizes_columns_and_names(task: str) -> None:
    data, what = default_world(task), TASKS[task]
    assert data.name == task
    assert list(data.ood) == list(what.ood)
    assert {name: len(part) for name, part in parts(data).items()} == {
        "train": 8000,
        "dev": 600,
        **dict.fromkeys(what.ood, 1200),
        "ood_train": 4000,
    }
    for name, part in parts(data).items():
        assert part.column_names == ["premise", "hypothesis", "label", "subset"]
        source = what.ood.get(name, what.train)
        assert tuple(part.features["label"].names) == source.format.classes


@pytest.mark.parametrize("task", TASKS)
def test_no_evaluated_pair_occurs_twice_or_in_training_or_pretraining(task: str) -> None:
    data = default_world(task)
    assert data.ood_train is not None
    evaluated = [pair for part in (data.dev, *data.ood.values()) for pair in pairs(part)]
    assert len(set(evaluated)) == len(evaluated) == 600 + 1200 * len(data.ood)
    assert not set(evaluated) & {*pairs(data.train), *pairs(data.ood_train)}
    assert not set(evaluated) & {(pair.first, pair.second) for pair in pretraining_text(Pretraining())}


@pytest.mark.parametrize("task", TASKS)
def test_every_task_can_be_written_as_official_files_and_read_back(task: str, tmp_path: Path) -> None:
    data = build(task, SMALL)
    write_task(data, tmp_path)
    read = load_task(task, tmp_path)
    assert content(read) == content(data)
    for name, part in parts(data).items():
        assert parts(read)[name].features == part.features


def test_labels_come_in_exact_shares() -> None:
    labels = labels_in_shares(Random(0), 1000, {"rest": 0.5, "some": 0.2494, "more": 0.2496})
    assert Counter(labels) == {"rest": 501, "some": 249, "more": 250}
    assert labels != sorted(labels)


def test_classes_are_equal_in_distribution() -> None:
    assert set(Counter(default_world("nli").dev["label"]).values()) == {200}
    counts = Counter(default_world("nli").train["label"]).values()
    assert max(counts) - min(counts) <= 1


def test_hans_has_every_heuristic_with_every_label_equally_often() -> None:
    cells = Counter((row["subset"], row["label"]) for row in rows(default_world("nli").ood["hans"]))
    assert cells == {(heuristic, label): 200 for heuristic in HANS_HEURISTICS for label in HANS_LABELS}


def test_hans_hypotheses_are_what_their_heuristic_says() -> None:
    for row in rows(default_world("nli").ood["hans"]):
        assert overlaps(row), row
        contiguous = re.search(rf"\b{row['hypothesis']}\b", row["premise"]) is not None
        if row["subset"] != "lexical_overlap":
            assert contiguous, row
    by_subset = {heuristic: Counter[bool]() for heuristic in HANS_HEURISTICS}
    for row in rows(default_world("nli").ood["hans"]):
        by_subset[row["subset"]][row["hypothesis"] in row["premise"]] += 1
    assert by_subset["lexical_overlap"][True] == 0


@pytest.mark.parametrize(("negatives", "entailments"), [(0.0, 0.0), (0.03, 0.15), (0.5, 0.4), (1.0, 1.0)])
def test_knobs_set_the_share_of_pairs_that_go_against_the_bias(negatives: float, entailments: float) -> None:
    world = World(train=3000, dev=12, test=12, high_overlap_negatives=negatives, low_overlap_entailments=entailments)
    entailed = [overlaps(row) for row in rows(build("nli", world).train) if row["label"] == "entailment"]
    others = [overlaps(row) for row in rows(build("nli", world).train) if row["label"] != "entailment"]
    assert 1 - sum(entailed) / len(entailed) == pytest.approx(entailments, abs=0.05)
    assert sum(others) / len(others) == pytest.approx(negatives, abs=0.05)


def test_suppositions_are_neutral_and_as_frequent_as_asked() -> None:
    def supposing(share: float) -> int:
        train = build("nli", World(train=3000, dev=12, test=12, high_overlap_negatives=0.0, suppositions=share)).train
        neutral = [row["premise"] for row in rows(train) if row["label"] == "neutral"]
        return sum(premise.split()[0] in ("if", "unless") for premise in neutral)

    assert supposing(0.0) == 0
    assert supposing(1.0) > 10 * supposing(0.1) / 2 > 0


def test_the_training_data_contradict_the_bias_in_every_heuristic() -> None:
    negatives = [row for row in rows(default_world("nli").train) if row["label"] != "entailment" and overlaps(row)]
    contained = [row for row in negatives if row["hypothesis"] in row["premise"]]
    supposed = [
        row
        for row in contained
        if re.search(r"\b(if|unless|or|maybe|perhaps|hoped|believed|claimed)\b", row["premise"])
    ]
    assert min(len(negatives) - len(contained), len(contained) - len(supposed), len(supposed)) >= 15


def test_hans_training_examples_are_like_the_test_set_but_contradictions_where_not_entailed() -> None:
    examples = default_world("nli").ood_train
    assert examples is not None
    cells = Counter((row["subset"], row["label"]) for row in rows(examples))
    assert set(cells) == {(name, label) for name in HANS_HEURISTICS for label in ("entailment", "contradiction")}
    assert max(cells.values()) - min(cells.values()) <= 1
    assert all(overlaps(row) for row in rows(examples))


def test_a_fact_is_held_out_with_its_reversal_and_its_synonyms() -> None:
    rng = Random(0)
    for held_out in (True, False):
        for _ in range(200):
            event = Event.draw(rng, held_out)
            assert is_held_out(event.patient, SYNONYM[event.verb], event.agent) == held_out
            other = event.other(rng)
            assert is_held_out(other.agent, other.verb, other.patient) == held_out
            assert {other.agent, other.patient} != {event.agent, event.patient} or other.verb not in (
                event.verb,
                SYNONYM[event.verb],
            )


def test_voices_modifiers_and_embedding_read_as_intended() -> None:
    event = Event("poet", "helped", "nurse", "happy", "near the judge", "quietly", "in the park")
    assert event.active() == "the happy poet near the judge quietly helped the nurse in the park"
    assert event.passive() == "the nurse was quietly helped by the happy poet near the judge in the park"
    assert event.bare().swapped().active() == "the nurse helped the poet"
    assert event.bare().synonymous().passive() == "the nurse was assisted by the poet"


def test_a_negation_is_never_left_out_when_restating() -> None:
    rng = Random(0)
    event = Event("poet", "helped", "nurse", adverb="never", tail="in the park")
    assert all("never" in event.restated(rng).split() for _ in range(50))


def test_all_words_are_in_the_vocabulary_and_the_vocabulary_is_used() -> None:
    rng = Random(0)
    pretraining = [sentence for _ in range(10_000) for sentence in sentence_pair(rng)[:2]]
    words = set(" ".join(pretraining).split())
    assert words == set(VOCABULARY) - set(SPECIAL_TOKENS)
    for task in TASKS:
        for part in parts(default_world(task)).values():
            assert set(" ".join(" ".join(pair) for pair in pairs(part)).split()) <= words


def test_pretraining_text_tells_the_other_tasks_kinds_of_fact_and_never_swaps_roles() -> None:
    rng = Random(0)
    drawn = [sentence_pair(rng) for _ in range(5000)]
    assert 0.47 < sum(pair.restated for pair in drawn) / len(drawn) < 0.53
    text = " ; ".join(pair.first for pair in drawn)
    for words in ("travelled from", "taller than", "was born in", "told the", "because", "if", "on monday"):
        assert words in text
    for pair in drawn:
        active = re.fullmatch(r"the (\w+) (\w+) the (\w+)", pair.first)
        if active and not pair.restated:
            agent, verb, patient = active.groups()
            assert pair.second not in {
                Event(patient, synonym, agent).active() for synonym in (verb, SYNONYM.get(verb, verb))
            }


def test_patterns_never_repeat_a_word_in_two_slots() -> None:
    rng = Random(0)
    for pattern in PATTERNS:
        words = pattern.draw(rng, held_out=False)
        other = pattern.other(rng, words)
        assert len(set(words)) == len(words) == len(set(other))
        assert sum(a != b for a, b in zip(words, other, strict=True)) == 1


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"train": 0}, "train"),
        ({"dev": 11}, "dev"),
        ({"test": -5}, "test"),
        ({"high_overlap_negatives": 1.5}, "high_overlap_negatives"),
        ({"low_overlap_entailments": -0.1}, "low_overlap_entailments"),
        ({"suppositions": float("nan")}, "suppositions"),
        ({"high_overlap_non_duplicates": 2.0}, "high_overlap_non_duplicates"),
        ({"low_overlap_duplicates": -1.0}, "low_overlap_duplicates"),
        ({"giveaways": 93.0}, "giveaways"),
        ({"hard_refutes": -0.5}, "hard_refutes"),
        ({"distractions": 1.1}, "distractions"),
    ],
)
def test_settings_out_of_range_are_named(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError, match=field):
        World(**settings)
