"""Claims hold, fail and cannot be tested as made-up results say; the ledger; intervals over examples."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from srnet.claims import (
    CLAIMS,
    FAILS,
    HOLDS,
    UNTESTABLE,
    Claim,
    beside,
    by_task,
    judged,
    ledger,
    readable,
    resampled,
    verdicts,
)
from srnet.claims.bootstrap import resampled_scores
from srnet.claims.measures import (
    ID,
    OOD,
    STARTS,
    Line,
    UntestableError,
    both,
    comparable,
    exceeds,
    falls_short,
    keeps,
    reaches,
    saves,
    stops_early,
    unbiased,
)
from srnet.data.tasks import HANS_LABELS, TASKS
from srnet.environment import Inputs
from srnet.store.store import Store
from srnet.study.catalogue import FIGURES
from srnet.study.choice import COLUMNS, Study, choose
from srnet.training.metrics import Gold, weighted_f1

Tables = dict[str, pd.DataFrame]

# A world of which all is true that the paper says: score in and out of distribution by figure and curve.
FULL = {"full bert (std)": (90, 60), "full bert (poe)": (89, 75)}
WORLD: Mapping[str, dict[str, tuple[float, float]]] = {
    "figure-2": {
        "mask train (std)": (88, 62),
        "mask train (poe)": (88, 74),
        "imp (std)": (88, 61),
        "imp (poe)": (87, 70),
    },
    "figure-3": {
        "mask train (poe)": (88, 74),
        "imp (poe)": (87, 70),
        "full bert (std) -> mask train (poe)": (88, 74),
    },
    "figure-4": {
        "mask train (poe) -> ft (std)": (88, 64),
        "mask train (poe) -> ft (poe)": (88, 73),
        "imp-rw (std) -> ft (std)": (88, 61),
        "imp-rw (std) -> ft (poe)": (87, 70),
    },
    "figure-5": {
        "mask train (std)": (87, 58),
        "mask train (poe)": (87, 68),
        "imp-rw (std)": (50, 50),
        "imp-rw (poe)": (50, 50),
    },
    "figure-6": {
        "full bert (std) -> mask train (ood)": (88, 89),
        "mask train (ood) -> ft (std)": (88, 70),
        "bert -> mask train (ood)": (87, 88),
    },
    "figure-s1": {
        "full bert (reweight)": (89, 70),
        "full bert (confreg)": (89, 70),
        "mask train (reweight)": (88, 68),
        "mask train (confreg)": (88, 67),
    },
    "table-5": {
        "mask train (poe, hard, local)": (88, 74),
        "mask train (poe, soft, local)": (86, 70),
    },
    "table-6": {
        "full (std)": (90, 60),
        "full (poe)": (89, 75),
        "mask train (std)": (88, 62),
        "mask train (poe)": (88, 74),
    },
}
AT_HIGH_SPARSITY = {
    "mask train (poe)": {0.7: (88, 74), 0.8: (87, 70), 0.9: (80, 60), 0.95: (70, 50)},
    "mask train (poe, gradual)": {0.8: (88, 72), 0.9: (87, 68), 0.95: (82, 62)},
}
BY_START = [(86, 68), (87, 73), (87, 73), (87, 73), (88, 74), (88, 74)]  # from the raw model to the end
FULL_BY_START = [(80, 65), (86, 63), (86.5, 62), (88.5, 61), (90, 60)]


def truth(figure: str, curve: str, sparsity: float, place: int) -> tuple[float, float]:
    """Return the scores in the made-up world; `place` counts the starts of Figure 7."""
    name = {"figure-s2": "figure-6", "figure-s3": "figure-7"}.get(figure, figure)
    if name == "figure-7":
        return FULL_BY_START[place] if curve == "full bert (std)" else BY_START[place]
    if name == "figure-8" and curve in AT_HIGH_SPARSITY:
        return AT_HIGH_SPARSITY[curve][sparsity]
    return FULL[curve] if curve in FULL else WORLD[name][curve]


@lru_cache
def _made_up() -> Tables:
    study = choose("paper", seeds=[1, 2], inputs=Inputs(device="cpu"))
    tables = {}
    for figure in study.figures:
        if figure == "deviations":  # nothing is claimed about it
            continue
        rows, places = [], dict[tuple[str, str, int], int]()
        for run in study.runs(figure):
            line = (run.task, run.curve, run.seed)
            places[line] = place = places.get(line, -1) + 1
            dev = TASKS[run.task].dev_name
            scores = truth(figure, run.curve, run.sparsity, place)
            for dataset, split, score in (
                (dev, ID, scores[0]),
                *((name, OOD, scores[1]) for name in TASKS[run.task].ood),
            ):
                labels = (run.task, dataset, split, run.curve, run.plm, run.start, run.sparsity, run.seed)
                rows.append((*labels, (score + 0.1 * run.seed) / 100, ""))
        tables[figure] = pd.DataFrame(rows, columns=COLUMNS)
    return tables


@pytest.fixture
def tables() -> Tables:
    """Results of all figures in the made-up world, two seeds of the profile of the paper."""
    return {figure: table.copy() for figure, table in _made_up().items()}


def tasks_of(claim: Claim) -> list[str]:
    return [task for task in TASKS if any(task in FIGURES[figure].tasks for figure in claim.home)]


def change(tables: Tables, line: Line, how: Callable[[pd.Series], pd.Series | None]) -> None:
    """Change the scores at a line's points, or remove them where `how` gives None."""
    for figure in line.figures:
        table = tables[figure]
        points = (table.curve == line.curve) & table.sparsity.isin(line.sparsities)
        if line.plm:
            points &= table.plm == line.plm
        if line.start:
            points &= table.start.between(*STARTS[line.start])
        assert points.any()
        scores = how(table.score[points])
        if scores is None:
            tables[figure] = table[~points]
        else:
            table.loc[points, "score"] = scores


each_claim = pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.section}{claim.item}")


def test_there_are_claims_for_every_section_with_findings() -> None:
    sections = {"4.2.2", "4.3.2", "4.4.2", "4.5.2", "5.1", "5.2", "C.1", "C.4", "C.5", "E.1"}
    assert {claim.section for claim in CLAIMS} == sections
    assert len({(claim.section, claim.item) for claim in CLAIMS}) == len(CLAIMS) > 25
    assert len({claim.text for claim in CLAIMS}) == len(CLAIMS)


def test_every_figure_with_subnetworks_is_claimed_about() -> None:
    assert {figure for claim in CLAIMS for figure in claim.home} == set(FIGURES) - {"deviations", "pocket-world"}


@each_claim
def test_a_claim_holds_where_it_is_true(claim: Claim, tables: Tables) -> None:
    result = judged([claim], tables, tasks_of(claim))
    assert len(result) == len(tasks_of(claim)) > 0
    assert list(result.verdict) == [HOLDS] * len(result), result.numbers.tolist()
    assert (result.agree == 2).all()
    assert (result.seeds == 2).all()
    assert (result.spread < 0.1).all()


@each_claim
def test_a_claim_fails_where_it_is_false(claim: Claim, tables: Tables) -> None:
    if claim.section == "E.1":
        pytest.skip("a claim about where a curve stalls; tested below")
    up = "is below that of" in claim.tested
    change(tables, claim.measure.lines[0], lambda scores: scores + (0.45 if up else -0.45))
    result = judged([claim], tables, tasks_of(claim))
    assert list(result.verdict) == [FAILS] * len(result)
    assert (result.agree == 0).all()
    assert (result.effect < 0).all()


@each_claim
def test_a_claim_cannot_be_tested_where_any_of_its_runs_is_missing(claim: Claim, tables: Tables) -> None:
    for line in claim.measure.lines:
        without = dict(tables)
        change(without, line, lambda scores: None)
        result = judged([claim], without, tasks_of(claim))
        assert list(result.verdict) == [UNTESTABLE] * len(result)
        assert line.curve in result.numbers[0]
        assert result[["effect", "spread", "low", "high", "agree", "seeds"]].isna().all(axis=None)


@each_claim
def test_a_claim_cannot_be_tested_without_one_of_its_figures(claim: Claim, tables: Tables) -> None:
    for line in claim.measure.lines:
        without = {name: table for name, table in tables.items() if name not in line.figures}
        result = judged([claim], without, tasks_of(claim))
        assert list(result.verdict) == [UNTESTABLE] * len(result)
        assert FIGURES[line.figures[0]].label in result.numbers[0]


@each_claim
def test_a_seed_that_lacks_a_run_is_left_out(claim: Claim, tables: Tables) -> None:
    for figure in claim.measure.lines[0].figures:
        table = tables[figure]
        tables[figure] = table[(table.seed == 1) | (table.curve != claim.measure.lines[0].curve)]
    result = judged([claim], tables, tasks_of(claim))
    assert list(result.verdict) == [HOLDS] * len(result)
    assert (result.seeds == 1).all()
    assert result.spread.isna().all()


def results(**scores: dict[str, list[float]]) -> Tables:
    """Return results of one figure: by curve (spaces for underscores), by split, a score in % for each seed."""
    rows = [
        ("nli", split, split, curve, "bert", 1.0, 0.0, seed, score / 100, "")
        for curve, by_split in scores.items()
        for split, of_seeds in by_split.items()
        for seed, score in enumerate(of_seeds)
    ]
    return {"figure-2": pd.DataFrame(rows, columns=COLUMNS)}


A, B = Line(("figure-2",), "a"), Line(("figure-2",), "b")
percent = st.floats(0, 100)


@settings(max_examples=25)
@given(a=percent, b=percent, ood=percent)
def test_effects_are_the_differences_that_the_words_say(a: float, b: float, ood: float) -> None:
    made_up = results(a={ID: [a], OOD: [a]}, b={ID: [b], OOD: [ood]})
    wanted = {
        exceeds(A, B, ID): a - b,
        falls_short(A, B, ID): b - a,
        reaches(A, B, OOD): a - ood + 2,
        comparable(A, B, ID): 2 - abs(a - b),
        keeps(A, B): a - 0.95 * b,
        unbiased(A, B): a - ood - 0.9 * (b - ood),
        both(exceeds(A, B, OOD), keeps(A, B)): min(a - ood, a - 0.95 * b),
    }
    for measure, size in wanted.items():
        assert measure.effect(made_up).size.item() == pytest.approx(size, abs=1e-9)


def test_effects_are_paired_by_seed_and_means_are_said() -> None:
    effect = exceeds(A, B, ID).effect(results(a={ID: [80, 90]}, b={ID: [81, 70]}))
    assert list(effect.size) == pytest.approx([-1, 20])
    assert effect.numbers == "a: ID 85.0; b: ID 75.5"
    assert effect.interval is None


def test_seeds_without_a_partner_do_not_count() -> None:
    made_up = results(a={ID: [80, 90]}, b={ID: [70, 70]})["figure-2"]
    one = made_up[~((made_up.curve == "b") & (made_up.seed == 0))]
    assert list(exceeds(A, B, ID).effect({"figure-2": one}).size.index) == [1]
    none = one[~((one.curve == "a") & (one.seed == 1))]
    with pytest.raises(UntestableError, match="no seed has all the runs"):
        exceeds(A, B, ID).effect({"figure-2": none})


@pytest.mark.parametrize(
    ("full", "mask", "loses", "saved"),
    [
        ([80, 85, 85.5, 90], [50, 60, 70, 71], 2 - 1, 25.0),  # stalls after 75 %
        ([80, 80.5, 85, 90], [50, 60, 70, 71], 2 - 11, 50.0),
        ([80, 85, 88, 90], [50, 60, 70, 71], 2, 0.0),  # does not stall
        ([80, 85, 85.9, 90], [50, 75, 60, 71], 2 - 15, 25.0),
    ],
)
def test_the_search_starts_where_the_id_score_stalls(
    full: list[float], mask: list[float], loses: float, saved: float
) -> None:
    rows = [
        ("nli", split, split, curve, "bert", start, 0.0, 1, score / 100, "")
        for curve, split, scores in (("full", ID, full), ("mask", OOD, mask))
        for start, score in zip((0.25, 0.5, 0.75, 1.0), scores, strict=True)
    ]
    made_up = {"figure-7": pd.DataFrame(rows, columns=COLUMNS)}
    of_full, of_mask = Line(("figure-7",), "full"), Line(("figure-7",), "mask")
    assert stops_early(of_mask, of_full).effect(made_up).size.item() == pytest.approx(loses)
    assert saves(of_full).effect(made_up).size.item() == pytest.approx(saved)


def test_a_figure_and_its_claims(tables: Tables) -> None:
    assert beside("figure-2") == ()
    assert beside("figure-4") == beside("figure-6") == beside("figure-s1") == ("figure-2",)
    shown = verdicts("figure-4", tables["figure-4"], {"figure-2": tables["figure-2"]})
    assert list(shown.columns) == ["section", "claim", "tested", "task", "verdict", "margin", "seeds", "numbers"]
    assert set(shown.section.str.split().str[0]) == {"4.3.2"}
    assert set(shown.verdict) == {HOLDS}
    assert shown.margin[0] == "+2.5 ± 0.0"
    assert shown.seeds[0] == "2 of 2"
    alone = verdicts("figure-4", tables["figure-4"])
    lost = alone[alone.verdict != HOLDS]
    assert set(lost.verdict) == {UNTESTABLE}
    assert set(lost.numbers) == {"no results of Figure 2"}
    assert set(lost.margin) == set(lost.seeds) == {""}
    assert set(verdicts("figure-s2", tables["figure-s2"], tables).task) == {"paraphrase", "fact"}


def test_intervals_and_the_papers_figures_are_shown_where_there_are_any(tables: Tables) -> None:
    claim = Claim("4.2.2", "a", "text", CLAIMS[0].measure, paper="of the paper")
    table = tables["figure-2"]
    for draw, shift in enumerate(np.linspace(-0.01, 0.01, 41)):
        table[draw] = table.score + np.where(table.curve == "mask train (std)", shift, 0)
    result = judged([claim], tables, ["nli"])
    assert result.low[0] == pytest.approx(result.effect[0] - 0.95, abs=1e-6)
    assert result.high[0] == pytest.approx(result.effect[0] + 0.95, abs=1e-6)
    shown = readable(result)
    assert shown["95 %"][0] == f"{result.low[0]:+.1f} to {result.high[0]:+.1f}"
    assert shown["in the paper"][0] == "of the paper"


def test_the_brief_ledger_has_a_row_per_claim_and_a_column_per_task(tables: Tables) -> None:
    tasks = ["nli", "fact"]
    result = judged(CLAIMS, {**tables, "figure-4": tables["figure-4"].query("task == 'nli'")}, tasks)
    brief = by_task(result)
    assert list(brief.columns) == ["section", "claim", *tasks]
    assert list(brief.section) == [f"{claim.section} {claim.item}" for claim in CLAIMS]
    row = brief[brief.section == "4.3.2 a"].iloc[0]
    assert (row.nli, row.fact) == ("holds (+2.5 ± 0.0; 2 of 2)", "–")


def test_an_effect_that_is_no_score_says_its_unit(tables: Tables) -> None:
    shown = verdicts("figure-7", tables["figure-7"])
    assert shown.margin.iloc[-1].endswith(" % of fine-tuning")


def made_up_set(names: tuple[str, ...], labels: np.ndarray) -> Gold:
    return Gold(torch.from_numpy(labels), names, np.full(len(labels), ""))


def redrawn(size: int, draws: int, seed: int) -> list[np.ndarray]:
    """Return the examples of each resampled test set, drawn as `resampled_scores` does."""
    counts = np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), size=draws)
    return [np.repeat(np.arange(size), row) for row in counts]


@given(seed=st.integers(0, 1000))
def test_resampled_weighted_f1_is_that_of_the_drawn_examples(seed: int) -> None:
    rng = np.random.default_rng(seed)
    labels, logits = rng.integers(2, size=15), torch.from_numpy(rng.normal(size=(15, 2)))
    scores = resampled_scores([logits], made_up_set(("no", "yes"), labels), "weighted_f1", 5, np.random.default_rng(7))
    wanted = [weighted_f1(logits[each], torch.from_numpy(labels[each])) for each in redrawn(15, 5, 7)]
    assert scores[0] == pytest.approx(wanted)


def test_resampled_accuracy_is_two_way_on_hans() -> None:
    rng = np.random.default_rng(0)
    labels, logits = rng.integers(2, size=40), torch.from_numpy(rng.normal(size=(40, 3)))
    scores = resampled_scores([logits], made_up_set(HANS_LABELS, labels), "accuracy", 3, np.random.default_rng(7))
    hits = (logits.argmax(dim=-1).numpy() != 0) == (labels != 0)
    assert scores[0] == pytest.approx([hits[each].mean() for each in redrawn(40, 3, 7)])


def test_models_share_the_draws() -> None:
    rng = np.random.default_rng(0)
    labels, logits = rng.integers(3, size=50), torch.from_numpy(rng.normal(size=(50, 3)))
    other = logits.clone()
    other[0, labels[0]] = 9.0
    data = made_up_set(("a", "b", "c"), labels)
    first, same, better = resampled_scores([logits, logits, other], data, "accuracy", 250, rng)
    assert first.shape == (250,)
    assert (first == same).all()
    assert (better >= first).all()
    assert first.std() == pytest.approx(np.sqrt(first.mean() * (1 - first.mean()) / 50), rel=0.2)


@pytest.fixture(scope="module")
def study() -> Study:
    return choose("smoke", tasks=["nli"], sparsities=[0.0, 0.5], seeds=[1], inputs=Inputs(device="cpu"))


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
    assert len(found) == len(CLAIMS)
    assert set(found.profile) == {"smoke"}
    tested = found[found.verdict != UNTESTABLE]
    at_half = [claim for claim in CLAIMS if claim.home == ("figure-2",) and {0.0, 0.5} >= points(claim)]
    assert list(zip(tested.section, tested["item"], strict=True)) == [(each.section, each.item) for each in at_half]
    assert (tested.low <= tested.effect).all()
    assert (tested.effect <= tested.high).all()
    assert "no results of Figure 3" in set(found.numbers)


def points(claim: Claim) -> set[float]:
    return {sparsity for line in claim.measure.lines for sparsity in line.sparsities}


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


def test_records_alone_give_no_interval(study: Study, store: Store, tmp_path: Any) -> None:
    for folder in store.root.glob("*/record.json"):
        (tmp_path / folder.parent.name).mkdir()
        (tmp_path / folder.parent.name / "record.json").write_bytes(folder.read_bytes())
    records = Store(tmp_path / "own", [tmp_path])
    found = ledger(study, records, draws=20)
    assert (found.verdict != UNTESTABLE).any()
    assert found.low.isna().all()
