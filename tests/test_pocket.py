import re
from collections import Counter
from functools import cache
from random import Random
from typing import Any

import pytest
from datasets import Dataset

from srnet.errors import InputError
from srnet.pocket import FINGERPRINT, World, build_nli
from srnet.pocket.corpus import sentence_pair
from srnet.pocket.facts import PATTERNS, Event, is_held_out
from srnet.pocket.lexicon import SPECIAL_TOKENS, SYNONYM, VOCABULARY
from srnet.pocket.nli import fingerprint
from srnet.pocket.pretraining import Recipe, pretraining_text
from srnet.tasks import HANS_HEURISTICS, HANS_LABELS, NLI_LABELS, TASKS, TaskData


@cache
def default_world() -> TaskData:
    return build_nli(World())


def rows(data: Dataset) -> list[dict[str, Any]]:
    return [row | {"label": data.features["label"].int2str(row["label"])} for row in data]


def pairs(data: Dataset) -> list[tuple[str, str]]:
    return list(zip(data["premise"], data["hypothesis"], strict=True))


def overlaps(row: dict[str, Any]) -> bool:
    return set(row["hypothesis"].split()) <= set(row["premise"].split())


def test_generator_is_the_one_whose_fingerprint_is_recorded() -> None:
    assert fingerprint() == FINGERPRINT


def test_same_seed_same_world_and_other_seed_other_world() -> None:
    small = World(train=60, dev=12, test=12)
    assert build_nli(small).train.to_dict() == build_nli(small).train.to_dict()
    assert build_nli(small).train.to_dict() != build_nli(World(seed=1, train=60, dev=12, test=12)).train.to_dict()


def test_sizes_columns_and_names() -> None:
    data = default_world()
    assert (len(data.train), len(data.dev), len(data.ood["hans"])) == (8000, 600, 1200)
    assert data.name == "nli"
    assert set(data.ood) == set(TASKS["nli"].ood)
    for part in (data.train, data.dev, data.ood["hans"]):
        assert part.column_names == ["premise", "hypothesis", "label", "subset"]
    assert tuple(data.train.features["label"].names) == NLI_LABELS
    assert tuple(data.ood["hans"].features["label"].names) == HANS_LABELS


def test_classes_are_equal_in_distribution() -> None:
    assert set(Counter(default_world().dev["label"]).values()) == {200}
    counts = Counter(default_world().train["label"]).values()
    assert max(counts) - min(counts) <= 1


def test_hans_has_every_heuristic_with_every_label_equally_often() -> None:
    cells = Counter((row["subset"], row["label"]) for row in rows(default_world().ood["hans"]))
    assert cells == {(heuristic, label): 200 for heuristic in HANS_HEURISTICS for label in HANS_LABELS}


def test_hans_hypotheses_are_what_their_heuristic_says() -> None:
    for row in rows(default_world().ood["hans"]):
        assert overlaps(row), row
        contiguous = re.search(rf"\b{row['hypothesis']}\b", row["premise"]) is not None
        if row["subset"] != "lexical_overlap":
            assert contiguous, row
    by_subset = {heuristic: Counter[bool]() for heuristic in HANS_HEURISTICS}
    for row in rows(default_world().ood["hans"]):
        by_subset[row["subset"]][row["hypothesis"] in row["premise"]] += 1
    assert by_subset["lexical_overlap"][True] == 0


@pytest.mark.parametrize(("negatives", "entailments"), [(0.0, 0.0), (0.03, 0.15), (0.5, 0.4), (1.0, 1.0)])
def test_knobs_set_the_share_of_pairs_that_go_against_the_bias(negatives: float, entailments: float) -> None:
    world = World(train=3000, dev=12, test=12, high_overlap_negatives=negatives, low_overlap_entailments=entailments)
    entailed = [overlaps(row) for row in rows(build_nli(world).train) if row["label"] == "entailment"]
    others = [overlaps(row) for row in rows(build_nli(world).train) if row["label"] != "entailment"]
    assert 1 - sum(entailed) / len(entailed) == pytest.approx(entailments, abs=0.05)
    assert sum(others) / len(others) == pytest.approx(negatives, abs=0.05)


def test_suppositions_are_neutral_and_as_frequent_as_asked() -> None:
    def supposing(share: float) -> int:
        train = build_nli(World(train=3000, dev=12, test=12, high_overlap_negatives=0.0, suppositions=share)).train
        neutral = [row["premise"] for row in rows(train) if row["label"] == "neutral"]
        return sum(premise.split()[0] in ("if", "unless") for premise in neutral)

    assert supposing(0.0) == 0
    assert supposing(1.0) > 10 * supposing(0.1) / 2 > 0


def test_the_training_data_contradict_the_bias_in_every_heuristic() -> None:
    negatives = [row for row in rows(default_world().train) if row["label"] != "entailment" and overlaps(row)]
    contained = [row for row in negatives if row["hypothesis"] in row["premise"]]
    supposed = [
        row
        for row in contained
        if re.search(r"\b(if|unless|or|maybe|perhaps|hoped|believed|claimed)\b", row["premise"])
    ]
    assert min(len(negatives) - len(contained), len(contained) - len(supposed), len(supposed)) >= 15


def test_no_evaluated_pair_occurs_twice_or_in_training_or_pretraining() -> None:
    data = default_world()
    evaluated = pairs(data.dev) + pairs(data.ood["hans"])
    assert len(set(evaluated)) == len(evaluated) == 1800
    assert not set(evaluated) & set(pairs(data.train))
    assert not set(evaluated) & {(pair.first, pair.second) for pair in pretraining_text(Recipe())}


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
    data, rng = default_world(), Random(0)
    text = [sentence for part in (data.train, data.dev, data.ood["hans"]) for pair in pairs(part) for sentence in pair]
    pretraining = [sentence for _ in range(10_000) for sentence in sentence_pair(rng)[:2]]
    words = set(" ".join(pretraining).split())
    assert set(" ".join(text).split()) <= words
    assert words == set(VOCABULARY) - set(SPECIAL_TOKENS)


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
    ],
)
def test_settings_out_of_range_are_named(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(InputError, match=field):
        World(**settings)
