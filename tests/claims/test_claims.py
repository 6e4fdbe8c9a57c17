"""Claims are those of the paper; they hold, fail and are undecided as made-up results say."""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial

import numpy as np
import pandas as pd
import pytest
from findings import FINDINGS, Finding
from hypothesis import given, settings
from hypothesis import strategies as st
from paper_world import SEEDS, Tables, paper_world

from srnet.claims import CLAIMS, FAILS, HOLDS, UNDECIDED, UNTESTABLE, Claim, Line, UntestableError, judged
from srnet.claims.measures import (
    ID,
    LAST,
    OOD,
    SPREAD,
    Measure,
    both,
    comparable,
    either,
    exceeds,
    keeps,
    mostly,
    never,
    on_average,
    reaches,
    rises,
    slightly_below,
)
from srnet.claims.restated import RESTATED
from srnet.data.tasks import TASKS
from srnet.study.catalogue import FIGURES
from srnet.study.choice import COLUMNS
from srnet.study.guessing import expected_f1

each_claim = pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: f"{claim.section} {claim.item}")
each_finding = pytest.mark.parametrize("finding", FINDINGS, ids=lambda each: f"{each.section} {each.item}")


@lru_cache
def _world() -> Tables:
    return paper_world()


@pytest.fixture
def tables() -> Tables:
    return {figure: table.copy() for figure, table in _world().items()}


def lines(claim: Claim) -> list[Line]:
    return [line for measure in claim.measures.values() for line in measure.lines]


# The list of the paper's findings


def test_the_claims_are_the_papers_findings() -> None:
    claimed = [(claim.section, claim.item) for claim in CLAIMS]
    assert sorted(claimed) == sorted((each.section, each.item) for each in FINDINGS)
    assert len(set(claimed)) == len(claimed) >= 63
    assert len({claim.text for claim in CLAIMS}) == len(CLAIMS)


@each_finding
def test_a_claim_is_about_what_the_paper_is_about(finding: Finding) -> None:
    claim = next(each for each in CLAIMS if (each.section, each.item) == (finding.section, finding.item))
    assert sorted(claim.tasks) == sorted(finding.tasks)
    assert {name for line in lines(claim) for name in line.where} == set(finding.datasets.split())
    levels = {level for line in lines(claim) for level in line.levels if level}
    assert levels == set(finding.levels)


@each_finding
def test_a_claim_compares_what_the_paper_compares(finding: Finding) -> None:
    claim = next(each for each in CLAIMS if (each.section, each.item) == (finding.section, finding.item))
    curves = {line.curve for line in lines(claim)}
    full = {curve for curve in curves if curve.startswith("full") and "->" not in curve}
    assert full == set(finding.full)
    assert curves - full == set(finding.subnetworks)


def test_claims_are_about_figures_of_the_study() -> None:
    assert {line.figure for claim in CLAIMS for line in lines(claim)} == set(FIGURES) - {"deviations", "pocket-world"}
    assert {home for claim in CLAIMS for home in claim.home} == set(FIGURES) - {"deviations", "pocket-world"}


def test_what_sums_up_rests_on_claims() -> None:
    claimed = {(claim.section, claim.item) for claim in CLAIMS}
    assert len(RESTATED) + len(FINDINGS) == 74
    assert {each for restated in RESTATED for each in restated.rests_on} <= claimed
    assert all(restated.rests_on or "sums up" not in restated.because for restated in RESTATED)


def paper_says(section: str, item: str) -> str:
    return next(claim.paper or "" for claim in CLAIMS if (claim.section, claim.item) == (section, item))


def test_the_papers_numbers_stand_beside() -> None:
    assert "QQP +5.44, FEVER +23.24" in paper_says("C.4", "(1)")
    assert paper_says("C.5", "RoBERTa-base (1)") == "HANS +6.84, MNLI-m -1.74"
    assert paper_says("C.5", "BERT-large (2)") == "MNLI-m +7.29, HANS +9.99"
    assert "6.10 against 0.26" in paper_says("C.5", "BERT-large (3)")
    assert "PAWS-QQP 52.5, PAWS-Wiki 50.2" in paper_says("4.2.2", "std (5b)")
    assert paper_says("5.1", "(d)") == "roughly 55 % of fine-tuning needed"


# Worlds


@each_claim
def test_a_claim_holds_in_the_world_that_the_paper_describes(claim: Claim, tables: Tables) -> None:
    result = judged([claim], tables, list(TASKS))
    assert list(result.task) == [task for task in TASKS if task in claim.tasks]
    assert list(result.verdict) == [HOLDS] * len(result), result.numbers.tolist()
    assert (result.low > 0).all()
    assert (result.low <= result.margin).all()
    assert (result.margin <= result.high).all()
    assert (result.seeds == len(SEEDS)).all()


def contrary(claim: Claim, task: str, tables: Tables) -> Tables:
    """Return a world in which a claim is false: some of its curves are far better, worse or less steady in it."""
    measure = claim.measures[task]
    involved = {line.figure: tables[line.figure] for line in measure.lines}
    bare = {name: table[[each for each in table if isinstance(each, str)]] for name, table in involved.items()}
    for change in _changes(measure):
        if measure.effect({name: change(table) for name, table in bare.items()}).margin < -1:
            return {name: change(table) for name, table in involved.items()}
    raise AssertionError(f"no change makes the claim false: {claim.text}")


def _changes(measure: Measure) -> Iterator[Callable[[pd.DataFrame], pd.DataFrame]]:
    names = list(dict.fromkeys(line.curve or "ft step=9" for line in measure.lines))
    groups = [[name for name in names if word in name] for word in ("mask", "imp", "ft (std)", "(poe)")]
    for curves in (names, *([name] for name in names), *filter(None, groups)):
        for where in ((ID,), (OOD,), (ID, OOD), ("sym1",)):
            for column, least in (("sparsity", 0.0), ("sparsity", 0.9), ("epochs", 7), ("step", 700)):
                for shift in (-50, 50, None):
                    yield partial(shifted, curves=curves, where=where, column=column, least=least, shift=shift)


def shifted(
    table: pd.DataFrame, curves: list[str], where: tuple[str, ...], column: str, least: float, shift: float | None
) -> pd.DataFrame:
    """Return results with scores changed by points, or drawn apart by seed."""
    rows = table.curve.isin(curves) & (table.split.isin(where) | table.dataset.isin(where))
    rows &= table[column] >= least if column in table else False
    apart = table.seed.map(dict(zip(SEEDS, (-40, -10, 10, 40), strict=True)))
    columns = ["score", *[name for name in table.columns if isinstance(name, int)]]
    by = (rows * (apart if shift is None else shift) / 100).to_numpy()
    return pd.concat([table.drop(columns=columns), table[columns] + by[:, None]], axis=1)


@each_claim
def test_a_claim_fails_where_it_is_false_and_is_undecided_where_seeds_disagree(claim: Claim, tables: Tables) -> None:
    for task in claim.tasks:
        of_task = {figure: tables[figure][tables[figure].task == task] for figure in claim.figures}
        false = contrary(claim, task, of_task)
        result = judged([claim], false, [task])
        assert list(result.verdict) == [FAILS]
        assert result.high[0] < 0
        if "spread" in result.tested[0]:
            continue  # one number of all seeds
        mixed = [
            {name: of_task[name].where(of_task[name].seed <= true, false[name]).infer_objects() for name in false}
            for true in (3, 2)
        ]
        assert UNDECIDED in [judged([claim], each, [task]).verdict[0] for each in mixed]


@each_claim
def test_a_claim_cannot_be_tested_where_any_of_its_runs_is_missing(claim: Claim, tables: Tables) -> None:
    for task, measure in list(claim.measures.items())[:1]:
        for line in measure.lines:
            points = line.rows({name: table[table.task == task] for name, table in tables.items()}).index
            table = tables[line.figure]
            lost = table.curve == line.curve if line.curve else table.start.between(*(line.start or (0, 1)))
            lost &= table.dataset.isin(points.unique("dataset"))
            result = judged([claim], {**tables, line.figure: table[~lost]}, [task])
            assert list(result.verdict) == [UNTESTABLE]
            assert FIGURES[line.figure].label in result.numbers[0]
            assert result[["margin", "low", "high", "seeds"]].isna().all(axis=None)
            without = {name: table for name, table in tables.items() if name != line.figure}
            assert judged([claim], without, [task]).numbers[0] == f"no results of {FIGURES[line.figure].label}"


@each_claim
def test_a_seed_that_lacks_a_run_is_left_out(claim: Claim, tables: Tables) -> None:
    for figure in claim.figures:
        table, first = tables[figure], lines(claim)[0]
        tables[figure] = table[(table.seed <= 3) | (table.curve != (first.curve or "ft step=9"))]
    result = judged([claim], tables, list(TASKS))
    assert (result.seeds == 3).all()
    assert list(result.verdict) == [HOLDS] * len(result)


def test_the_two_sets_of_a_task_are_not_averaged(tables: Tables) -> None:
    table = tables["figure-4"]
    columns = ["score", *[name for name in table.columns if isinstance(name, int)]]
    of_one = (table.dataset == "paws-wiki") & (table.curve == "mask train (poe) -> ft (std)") & (table.sparsity == 0.2)
    table.loc[of_one, columns] -= 0.2
    claim = next(each for each in CLAIMS if (each.section, each.item) == ("4.3.2", "(1)"))
    result = judged([claim], tables, ["paraphrase"])
    assert list(result.verdict) == [FAILS]
    assert "PAWS-QQP 66.0/65.5/65.0, PAWS-Wiki 46.0/65.5/65.0" in result.numbers[0]


# Measures


def results(**scores: dict[str, list[list[float]]]) -> Tables:
    """Return results of one figure: by curve, by split, for each level a score in % for each seed."""
    rows = [
        dict.fromkeys(COLUMNS, "")
        | {"task": "nli", "split": split, "dataset": dataset, "curve": curve, "sparsity": level / 10, "seed": seed}
        | {"score": score / 100}
        for curve, by_split in scores.items()
        for (split, of_levels), dataset in zip(by_split.items(), ("mnli-m", "hans"), strict=False)
        for level, of_seeds in enumerate(of_levels)
        for seed, score in enumerate(of_seeds)
    ]
    return {"figure-2": pd.DataFrame(rows)}


A, B = Line("figure-2", "a"), Line("figure-2", "b")
percent = st.floats(0, 100)


@settings(max_examples=8)
@given(a=percent, b=percent, ood=percent)
def test_margins_are_the_differences_that_the_words_say(a: float, b: float, ood: float) -> None:
    made_up = results(a={ID: [[a]], OOD: [[a]]}, b={ID: [[b]], OOD: [[ood]]})
    everywhere = exceeds(A, B, (ID, OOD))
    wanted = {
        exceeds(A, B, (ID,)): a - b,
        exceeds(A, B, (ID,), by=2): a - b - 2,
        everywhere: min(a - b, a - ood),
        reaches(A, B, (OOD,)): a - ood + 2,
        comparable(A, B, (ID,)): 2 - abs(a - b),
        slightly_below(A, B, (ID,)): min(b - a, a - b + 2),
        keeps(A, B): a - 0.95 * b,
        both(exceeds(A, B, (OOD,)), keeps(A, B)): min(a - ood, a - 0.95 * b),
        either(exceeds(A, B, (OOD,)), keeps(A, B)): max(a - ood, a - 0.95 * b),
        never(everywhere): -min(a - b, a - ood),
        on_average(everywhere): a - (b + ood) / 2,
    }
    for measure, margin in wanted.items():
        assert measure.effect(made_up).margin == pytest.approx(margin, abs=1e-9)
        assert measure.effect(made_up).interval is None


def test_each_level_counts_by_itself() -> None:
    made_up = results(a={ID: [[80], [90]]}, b={ID: [[81], [81]]})
    line, base = A.at(0.0, 0.1).on((ID,)), B.on((ID,))
    assert exceeds(line, base, (ID,)).effect(made_up).margin == pytest.approx(-1)
    share = mostly(exceeds(line, base, (ID,)), 0.4)
    assert share.effect(made_up).margin == pytest.approx(10)
    assert share.unit == "% of cases"
    assert rises(Line("figure-2", "a", ()), (ID,)).effect(made_up).margin == pytest.approx(10)
    with pytest.raises(UntestableError, match="but one length of training"):
        rises(Line("figure-2", "a", ()), (ID,)).effect(results(a={ID: [[80]]}))


def test_seeds_without_a_partner_do_not_count() -> None:
    made_up = results(a={ID: [[80, 90]]}, b={ID: [[70, 70]]})["figure-2"]
    one = made_up[~((made_up.curve == "b") & (made_up.seed == 0))]
    effect = exceeds(A, B, (ID,)).effect({"figure-2": one})
    assert (effect.margin, effect.seeds) == (pytest.approx(20), 1)
    assert effect.numbers == "a: MNLI-m 90.0; b: MNLI-m 70.0"
    none = one[~((one.curve == "a") & (one.seed == 1))]
    with pytest.raises(UntestableError, match="no seed has all the runs"):
        exceeds(A, B, (ID,)).effect({"figure-2": none})


def test_a_spread_needs_several_seeds() -> None:
    line = Line("figure-2", "a", taken=SPREAD)
    measure = exceeds(line, line, (ID,))
    assert measure.effect(results(a={ID: [[80, 90, 70]]})).numbers.startswith(
        f"spread of a: MNLI-m {np.std([80, 90, 70], ddof=1):.1f};"
    )
    with pytest.raises(UntestableError, match="a spread needs 3 seeds, and 2 are there"):
        measure.effect(results(a={ID: [[80, 90]]}))


def test_the_course_of_training_is_its_first_half_and_its_last_evaluation(tables: Tables) -> None:
    of_task = {name: table[table.task == "nli"] for name, table in tables.items()}
    line = Line("figure-7", "ft to end", levels=(), taken=LAST).on((ID,))
    assert line.rows(of_task).score.mean() == pytest.approx(88, abs=0.2)
    slow = next(claim for claim in CLAIMS if (claim.section, claim.item) == ("5.1", "(a)"))
    early = slow.measures["nli"].lines[0].on((ID,)).rows(of_task)
    assert early.score.mean() == pytest.approx(np.mean([85, 85.5, 86, 86.5]), abs=0.2)  # four of seven


def test_what_a_guess_scores() -> None:
    assert 100 * expected_f1(0.282) == pytest.approx(52.5, abs=0.05)
    assert 100 * expected_f1(0.442) == pytest.approx(50.2, abs=0.05)
    assert expected_f1(0.5) == 0.5
