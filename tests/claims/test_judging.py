"""Verdicts of a figure for its chapter, and the ledger of all."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from paper_world import Tables, paper_world

from srnet.claims import (
    CLAIMS,
    FAILS,
    HOLDS,
    UNDECIDED,
    UNTESTABLE,
    beside,
    by_task,
    counts,
    judged,
    ledger,
    readable,
    resampled,
    summed_up,
    verdicts,
)
from srnet.claims.guessing import (
    DUPLICATE,
    OTHER,
    duplicates,
    guesses,
)
from srnet.data.tasks import TASKS
from srnet.environment import Inputs
from srnet.experiments.graph import closure
from srnet.store.publishing import publish
from srnet.store.store import Store
from srnet.study.choice import COLUMNS, Study, choose
from srnet.study.guessing import EVEN, expected_f1


@pytest.fixture(scope="module")
def tables() -> Tables:
    return paper_world()


@pytest.fixture(scope="module")
def of_all(tables: Tables) -> pd.DataFrame:
    return judged(CLAIMS, {name: table for name, table in tables.items() if name != "mask-training"}, list(TASKS))


def without_draws(tables: Tables, seeds: int) -> Tables:
    return {
        name: table.loc[table.seed <= seeds, [each for each in table if isinstance(each, str)]]
        for name, table in tables.items()
    }


def test_a_figure_and_its_claims(tables: Tables) -> None:
    assert beside("figure-2") == beside("figure-4") == ()
    assert set(beside("figure-8")) == {"figure-2", "figure-3", "figure-4", "figure-5"}
    shown = verdicts("figure-4", tables["figure-4"])
    assert list(shown) == [
        *("section", "claim", "tested", "task", "verdict", "margin", "95 %", "numbers", "in the paper")
    ]
    assert set(shown.section.str.split().str[0]) == {"4.3.2", "5"}
    assert set(shown.task) == {task.title for task in TASKS.values()}
    assert set(shown.verdict) == {HOLDS}
    alone = verdicts("figure-8", tables["figure-8"])
    lost = alone[alone.verdict != HOLDS]
    assert set(lost.section) == {"5.2 (opening)"}
    assert set(lost.numbers) == {"no results of Figure 2"}
    assert set(lost.margin) == set(lost["95 %"]) == {""}


def test_an_interval_of_records_alone_is_over_seeds(tables: Tables) -> None:
    result = judged(CLAIMS, without_draws(tables, 4), ["nli"])
    tested = result[result.verdict != UNTESTABLE]
    assert set(tested.verdict) == {HOLDS}
    assert tested.low.notna().all()


def test_a_task_of_records_alone_stands_beside_one_with_logits(tables: Tables) -> None:
    claims = [claim for claim in CLAIMS if claim.section == "4.3.2"]
    bare = without_draws(tables, 4)["figure-4"].query("task == 'nli'")
    mixed = pd.concat([bare, tables["figure-4"].query("task == 'fact'")])
    result = judged(claims, {"figure-4": mixed}, ["nli", "fact"])
    assert set(result.verdict) == {HOLDS}
    assert result.low.notna().all()


def test_one_seed_without_logits_decides_nothing(tables: Tables) -> None:
    result = judged(CLAIMS, without_draws(tables, 1), ["nli"])
    tested = result[result.verdict != UNTESTABLE]
    assert set(tested.verdict) == {UNDECIDED}
    assert tested.low.isna().all()
    assert set(readable(tested)["95 %"]) == {""}


def test_one_seed_with_logits_is_judged_by_its_examples(tables: Tables) -> None:
    one = {name: table[table.seed == 1] for name, table in tables.items()}
    result = judged([claim for claim in CLAIMS if claim.section == "4.3.2"], one, ["nli"])
    assert set(result.verdict) == {HOLDS}
    assert set(result.seeds) == {1}


def test_the_brief_ledger_has_a_row_per_claim_and_a_column_per_task(of_all: pd.DataFrame) -> None:
    brief = by_task(of_all)
    titles = [task.title for task in TASKS.values()]
    assert list(brief) == ["section", "claim", *titles, "in the paper"]
    assert list(brief.section) == [f"{claim.section} {claim.item}" for claim in CLAIMS]
    row = brief[brief.section == "4.2.2 std (5a)"].iloc[0]
    assert row[titles[0]] == row[titles[2]] == ""
    assert row[titles[1]].startswith("holds (+6.")
    assert brief[brief.section == "B.3.3 gradual"].iloc[0][titles[0]] == "–"
    assert "% of cases" in brief[brief.section == "C.1 (1)"].iloc[0][titles[0]]


def test_verdicts_are_counted_by_section_and_by_task(of_all: pd.DataFrame) -> None:
    by_section = counts(of_all, "section")
    assert list(by_section) == [HOLDS, FAILS, UNDECIDED, UNTESTABLE]
    assert list(by_section.loc["B.3.3"]) == [0, 0, 0, 6]
    assert by_section.loc["4.2.2", HOLDS] == 46
    assert counts(of_all, "task").to_numpy().sum() == len(of_all)


def test_what_sums_up_is_as_good_as_what_it_rests_on(of_all: pd.DataFrame) -> None:
    nli = TASKS["nli"].title
    assert summed_up(of_all)[nli][0] == HOLDS
    for verdict in (UNDECIDED, FAILS):
        of_all = of_all.copy()
        of_all.loc[(of_all.section == "4.4.2") & (of_all["item"] == "(2)"), "verdict"] = verdict
        assert summed_up(of_all)[nli][0] == verdict
    assert set(summed_up(of_all)[nli][7:9]) == {""}


# On a store


@pytest.fixture(scope="module")
def study() -> Study:
    return choose("smoke", tasks=["nli"], sparsities=[0.9], seeds=[1], inputs=Inputs(device="cpu"))


@pytest.fixture(scope="module")
def store(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Store:
    store = Store(tmp_path_factory.mktemp("store"))
    assert not study.compute(store, ["figure-2"], workers=1).failed
    return store


def test_the_ledger_has_a_row_for_each_claim_and_task_and_computes_nothing(
    study: Study, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("srnet.executor.workers.compute", lambda *_: pytest.fail("something was computed"))
    found = ledger(study, store, draws=200)
    assert len(found) == len([claim for claim in CLAIMS if "nli" in claim.tasks])
    assert set(found.profile) == {"smoke"}
    tested = found[found.verdict != UNTESTABLE]
    assert list(tested["item"]) == ["std (opening)", "std (4b)"]
    assert (tested.low <= tested.margin).all()
    assert (tested.margin <= tested.high).all()
    assert "no results of Figure 3" in set(found.numbers)


def test_resampling_leaves_scores_as_they_are_and_reads_no_text(
    study: Study, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = study.table("figure-2", store)
    monkeypatch.setattr("srnet.executor.text.read_text", lambda *_: pytest.fail("text was read"))
    monkeypatch.setattr("srnet.pocket.build", lambda *_: pytest.fail("text was generated"))
    drawn = resampled(table, study, "figure-2", store, draws=50)
    assert drawn[COLUMNS].equals(table.reset_index(drop=True))
    assert drawn.shape[1] == len(COLUMNS) + 50
    assert (drawn[list(range(50))].mean(axis=1) - drawn.score).abs().max() < 0.05
    assert drawn.equals(resampled(table, study, "figure-2", store, draws=50))
    during_training = table.assign(step=100)
    assert resampled(during_training, study, "figure-2", store).equals(during_training)


def test_records_alone_of_one_seed_give_no_interval(study: Study, store: Store, tmp_path: Path) -> None:
    for folder in store.root.glob("*/record.json"):
        (tmp_path / folder.parent.name).mkdir()
        (tmp_path / folder.parent.name / "record.json").write_bytes(folder.read_bytes())
    records = Store(tmp_path / "own", [tmp_path])
    found = ledger(study, records, draws=20)
    assert set(found.verdict) == {UNDECIDED, UNTESTABLE}
    assert found.low.isna().all()


def test_published_results_are_judged_as_the_whole_store(
    study: Study, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(closure(study.experiments(["figure-2"])), store, tmp_path / "published", "smoke", study.seeds)
    monkeypatch.setattr("srnet.executor.workers.compute", lambda *_: pytest.fail("something was computed"))
    published = Store(tmp_path / "own", [tmp_path / "published"])
    assert study.table("figure-2", published, parts=True).equals(study.table("figure-2", store, parts=True))
    found = ledger(study, published, draws=200)
    pd.testing.assert_frame_equal(found, ledger(study, store, draws=200), check_exact=True)
    assert found.low.notna().any()


# Guesses


def scores(duplicate: float, other: float) -> dict[str, object]:
    """Return the metrics of a model on 1,000 pairs, 282 of them duplicates."""
    accuracy = 0.282 * duplicate + 0.718 * other
    return {
        "accuracy": accuracy,
        "examples": 1000,
        "classes": {"duplicate": duplicate, "non-duplicate": other},
    }


def test_the_shares_of_the_classes_follow_from_accuracies() -> None:
    assert duplicates(scores(0.9, 0.3)) == pytest.approx(0.282)
    assert duplicates(scores(0.0, 1.0)) == pytest.approx(0.282)
    assert np.isnan(duplicates(scores(0.5, 0.5)))


class Records:
    """A store of one record."""

    def read(self, key: str) -> dict[str, object]:
        return {"metrics": {"paws-qqp": scores(0.9, 0.3), "paws-wiki": scores(0.5, 0.5)}}


def test_guesses_stand_beside_the_full_model_where_the_shares_are_known() -> None:
    rows = [
        dict.fromkeys(COLUMNS, "")
        | {"task": "paraphrase", "split": split, "dataset": name, "curve": "full bert (std)", "key": "a", "seed": 1}
        | {"sparsity": 0.0}
        for split, name in (("ID", "qqp"), ("OOD", "paws-qqp"), ("OOD", "paws-wiki"))
    ]
    found = guesses(pd.DataFrame(rows), Records())  # type: ignore[arg-type]
    assert list(found.curve) == [EVEN, DUPLICATE, OTHER]
    assert list(found.score) == pytest.approx([expected_f1(0.282), 0.282, 0.718])
    assert set(found.dataset) == {"paws-qqp"}
