"""The answer in five sentences says what was found, whatever that is."""

import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from srnet.answer import FIGURE, FOUND, FULL, ISOLATED, UNTRAINED, answer, headline
from srnet.claims import CLAIMS, FAILS, HOLDS, UNTESTABLE, Line, judged
from srnet.store import Store
from srnet.study import COLUMNS, Study, choose

STUDY = choose("pocket")
LOW = {"ID": 0.8, "OOD": 0.5}


def points(line: Line, task: str, scores: dict[str, float], seeds: tuple[int, ...] = (1, 2)) -> pd.DataFrame:
    """Return a line's results in a table of its figure, with the same scores for each seed."""
    rows = [
        dict.fromkeys(COLUMNS, "")
        | {"task": task, "dataset": split, "split": split, "curve": line.curve, "start": 1.0}
        | {"sparsity": line.sparsities[0], "seed": seed, "score": score}
        for split, score in scores.items()
        for seed in seeds
    ]
    return pd.DataFrame(rows, columns=COLUMNS)


def figure(line: Line, found: dict[str, float], tasks: tuple[str, ...], full: dict[str, float] = LOW) -> pd.DataFrame:
    return pd.concat([points(each, task, of) for task in tasks for each, of in ((FULL, full), (line, found))])


def say(tables: dict[str, pd.DataFrame], study: Study = STUDY) -> list[str]:
    sentences = answer(judged(CLAIMS, tables, study.tasks), tables.get(FIGURE, pd.DataFrame(columns=COLUMNS)), study)
    assert len(sentences) == 5
    for sentence in sentences:
        assert re.fullmatch(r"[A-Z].*[^ .]\.", sentence)
        assert "  " not in sentence
    return sentences


def test_answer_where_all_holds() -> None:
    good = {"ID": 0.79, "OOD": 0.7}
    tables = {line.figures[0]: figure(line, good, STUDY.tasks) for line in (FOUND, ISOLATED, UNTRAINED)}
    full, found, isolated, untrained, claims = say(tables)
    assert "scores clearly lower out of distribution than in distribution: 50.0 against 80.0 % in natural" in full
    assert "keeps 30 % of its weights, not one of them changed, scores 70.0 against 79.0 % in natural" in found
    for sentence in (found, isolated, untrained):
        assert "in all 3 tasks (for 2, 2 and 2 of 2 seeds, task by task)" in sentence
        assert "none" not in sentence
    assert "above 95 % of its score in distribution" in found
    assert "in the profile pocket: the pocket world" in claims


def test_answer_where_nothing_holds() -> None:
    bad = {"ID": 0.6, "OOD": 0.5}
    equal = {"ID": 0.6, "OOD": 0.59}
    tables = {line.figures[0]: figure(line, bad, STUDY.tasks, equal) for line in (FOUND, ISOLATED, UNTRAINED)}
    full, found, isolated, untrained, _ = say(tables)
    assert "clearly lower out of distribution than in distribution in none of the tasks: 59.0 against 60.0 %" in full
    for sentence in (found, isolated, untrained):
        assert "in none of the tasks (for 0, 0 and 0 of 2 seeds, task by task)" in sentence


def test_answer_where_tasks_and_seeds_differ() -> None:
    good, bad = {"ID": 0.79, "OOD": 0.7}, {"ID": 0.79, "OOD": 0.2}
    second = figure(FOUND, good, ("nli",))
    second.loc[(second.curve == FOUND.curve) & (second.seed == 2) & (second.split == "OOD"), "score"] = 0.48
    table = pd.concat([second, figure(FOUND, bad, ("fact",), {"ID": 0.8, "OOD": 0.79})])
    full, found, isolated, _, _ = say({FIGURE: table})
    assert "lower out of distribution than in distribution only in natural language inference: 50.0" in full
    assert "in natural language inference (for 1 and 0 of 2 seeds, task by task; not tested in paraphrase" in found
    assert isolated.endswith("has not been tested here.")


def test_answer_of_one_task_and_one_seed() -> None:
    study = choose("pocket", ["fact"], seeds=[1])
    table = figure(FOUND, {"ID": 0.79, "OOD": 0.7}, ("fact",))
    *_, found, _, _, claims = say({FIGURE: table[table.seed == 1]}, study)
    assert "is sparse and robust, above the full model out" in found
    assert "in fact verification (for 1 of 1 seed)" in found
    assert "over 1 seed in" in claims


def test_answer_without_results() -> None:
    full, found, *_, claims = say({})
    assert "not known here" in full
    assert found == "A subnetwork that keeps 30 % of its weights, not one of them changed, has not been tested here."
    assert f"0 hold and 0 fail, while {3 * len(CLAIMS)} cannot be tested" in claims


def test_sentence_on_all_claims_counts_the_verdicts() -> None:
    claims = pd.DataFrame(
        {"verdict": [HOLDS] * 5 + [FAILS] * 2 + [UNTESTABLE], "section": "", "tested": "", "task": "nli"}
    )
    last = answer(claims, pd.DataFrame(columns=COLUMNS), STUDY)[-1]
    assert "Of 8 comparisons" in last
    assert "5 hold and 2 fail, while 1 cannot be tested" in last
    assert "while" not in answer(claims[:-1], pd.DataFrame(columns=COLUMNS), STUDY)[-1]


@pytest.mark.parametrize(("section", "line"), [("4.2.2", FOUND), ("4.3.2", ISOLATED), ("4.4.2", UNTRAINED)])
def test_each_way_to_a_subnetwork_is_a_claim(section: str, line: Line) -> None:
    tables = {line.figures[0]: figure(line, {"ID": 0.79, "OOD": 0.7}, ("nli",))}
    found = [
        sentence for sentence in say(tables, replace(STUDY, tasks=("nli",)))[1:4] if "for 2 of 2 seeds" in sentence
    ]
    assert len(found) == 1
    assert section in {claim.section for claim in CLAIMS}


def test_headline_leaves_out_tasks_whose_results_are_incomplete(tmp_path: Path) -> None:
    assert headline(choose("smoke"), Store(tmp_path / "store")).empty
    assert not (tmp_path / "store").exists()
