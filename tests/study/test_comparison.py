"""Two stores compared: equal bit for bit, or no further apart than seeds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from stores import made_up

from srnet.environment import Inputs
from srnet.store.records import write_record
from srnet.store.store import DamagedError, Store, read_only
from srnet.study.choice import Study, choose, tabulated
from srnet.study.comparison import ALL_FIGURES, compared, exchange_test, in_words, points
from srnet.study.points import Run

FIGURES = ["figure-2", "figure-3"]
SEEDS = (1, 2, 3, 4)


@pytest.fixture
def study() -> Study:
    """Four seeds, of which the tests recompute one."""
    study = choose("smoke", ["nli"], [0.5], SEEDS, Inputs(device="cpu"))
    return replace(study, profile=replace(study.profile, seeds=SEEDS))


def steady(run: Run, dataset: str) -> float:
    return 0.5 + 0.01 * run.seed


def shifted(run: Run, dataset: str) -> float:
    return 0.7 if dataset == "hans" else 0.8


@pytest.fixture
def published(study: Study, tmp_path: Path) -> Store:
    return made_up(tmp_path / "published", study, FIGURES, steady)


def one_seed(study: Study) -> Study:
    return replace(study, seeds=(1,))


def records_alone(store: Store, folder: Path) -> Store:
    for path in store.root.glob("*/record.json"):
        (folder / path.parent.name).mkdir(parents=True)
        (folder / path.parent.name / "record.json").write_bytes(path.read_bytes())
    return read_only([folder])


def test_equal_results_are_equal_bit_for_bit(study: Study, published: Store, tmp_path: Path) -> None:
    here = made_up(tmp_path / "here", one_seed(study), FIGURES, steady)
    found = compared(one_seed(study), here, records_alone(published, tmp_path / "records"), FIGURES)
    assert list(found.figure) == [*FIGURES, ALL_FIGURES]
    expected = [len(tabulated(name, one_seed(study).runs(name), here)) for name in FIGURES]
    assert list(found.points[:2]) == list(found.equal[:2]) == expected
    assert max(expected) < found.points[2] < sum(expected)  # both figures show the full models
    assert found[["mean", "largest", "between_seeds", "p"]].isna().all(axis=None)
    assert set(found.apply(in_words, axis=1)) == {"equal bit for bit"}


def test_differences_are_in_points_and_one_seed_of_five_rules_nothing_out(
    study: Study, published: Store, tmp_path: Path
) -> None:
    here = made_up(tmp_path / "here", one_seed(study), FIGURES, shifted)
    row = compared(one_seed(study), here, published, ["figure-2"]).iloc[0]
    assert row.equal == 0
    assert row.same_setup == row.points
    assert [row["mean"], row.largest] == pytest.approx([24, 29])
    assert row.between_seeds == pytest.approx((3 * 1 + 2 * 2 + 1 * 3) / 6)  # points, of four seeds a point apart
    assert (row.recomputed, row.published) == (1, len(SEEDS))
    assert row.p == row.least == 1 / 5
    assert in_words(row) == "not shown: p = 0.2 (1 of 5 seeds: p ≥ 0.2)"
    both = compared(one_seed(study), here, published, FIGURES).iloc[-1]
    assert both.p == 1 / 5


def test_another_file_is_a_difference_of_no_points(study: Study, published: Store, tmp_path: Path) -> None:
    def nearly(run: Run) -> bool:
        return run.curve == "imp (std)"

    here = made_up(tmp_path / "here", one_seed(study), ["figure-2"], steady)
    changed = next(run.experiment for run in one_seed(study).runs("figure-2") if nearly(run))
    record = here.record(changed)
    record["files"]["weights.safetensors"]["sha256"] = "0" * 64
    write_record(here.folder(changed) / "record.json", record)
    row = compared(one_seed(study), here, published, ["figure-2"]).iloc[0]
    assert row.points - row.equal == row.same_setup == 2  # on two data sets
    assert (row["mean"], row.largest) == (0, 0)
    assert row.p > row.least


def test_only_what_both_have_is_compared(study: Study, published: Store, tmp_path: Path) -> None:
    run, other = one_seed(study).runs("figure-2")[:2]
    here = made_up(tmp_path / "here", one_seed(study), ["figure-2"], shifted)
    here.remove(run.experiment.key)
    published.remove(other.experiment.key)
    found = points("figure-2", one_seed(study).runs("figure-2"), here, published)
    assert not {run.experiment.key, other.experiment.key} & set(found.key)
    assert len(found) == 2 * (len(one_seed(study).runs("figure-2")) - 2)
    row = compared(one_seed(study), here, published, ["figure-2", "figure-8"]).iloc[0]
    assert (row.recomputed, row.published) == (1, len(SEEDS))
    assert compared(one_seed(study), Store(tmp_path / "empty"), published).empty


def test_a_damaged_record_is_no_missing_one(study: Study, published: Store, tmp_path: Path) -> None:
    here = made_up(tmp_path / "here", one_seed(study), ["figure-2"], steady)
    path = published.folder(one_seed(study).runs("figure-2")[0].experiment) / "record.json"
    path.write_text(path.read_text().replace("0.51", "0.52"))
    with pytest.raises(DamagedError, match=path.parent.name):
        compared(one_seed(study), here, read_only([published.root]), ["figure-2"])


def test_a_seed_that_is_equal_everywhere_is_no_recomputed_one(study: Study, published: Store, tmp_path: Path) -> None:
    here = made_up(tmp_path / "here", one_seed(study), ["figure-2"], shifted)
    made_up(here.root, replace(study, seeds=(2,)), ["figure-2"], steady)
    row = compared(study, here, published, ["figure-2"]).iloc[0]
    assert row.equal == row.points / 2
    assert (row.recomputed, row.published) == (1, len(SEEDS))


def test_evaluations_on_the_way_are_points(study: Study, tmp_path: Path) -> None:
    stores = [made_up(tmp_path / str(weight), study, ["figure-7"], steady, weight) for weight in (1.0, 2.0)]
    row = compared(study, stores[0], stores[1], ["figure-7"]).iloc[0]
    assert row.points == len(study.runs("figure-7")) * 2 * 2  # evaluations, data sets
    assert (row.equal, row["mean"], row.p) == (0, 0, 1)


# The test


def related(rng: np.random.Generator, seeds: int, points: int = 30) -> NDArray[np.float64]:
    """Return scores [seeds, points] about 0: those of a seed hang together, and each point has a spread of its own."""
    shared = rng.normal(size=(seeds, 3)) @ rng.normal(size=(3, points))
    return (shared + rng.normal(size=(seeds, points))) * rng.gamma(2.0, size=points)


def p_values(recomputed: int, published: int, kept: float, count: int = 1000) -> NDArray[np.float64]:
    """Return p-values under the null hypothesis; `kept` is the correlation with the published run of the same seed."""
    rng, found = np.random.default_rng(0), []
    for _ in range(count):
        scores = related(rng, recomputed + published)
        new, old = scores[:recomputed], scores[recomputed:]
        new = kept * old[:recomputed] + np.sqrt(1 - kept**2) * new if kept else new
        found.append(exchange_test(new, old)[0])
    return np.array(found)


def tolerance(level: float, count: int) -> float:
    """Return three standard errors of the share of p-values up to a level."""
    return float(3 * np.sqrt(level * (1 - level) / count))


@pytest.mark.parametrize(("recomputed", "published"), [(1, 8), (3, 5)])
def test_p_values_are_calibrated_where_runs_diverge_entirely(recomputed: int, published: int) -> None:
    found = p_values(recomputed, published, kept=0.0)
    steps = 9 if recomputed == 1 else 56  # exchanges: where the p-values are
    for level in (np.ceil(steps * share) / steps for share in (0.1, 0.2, 0.5)):
        assert (found <= level + 1e-9).mean() == pytest.approx(level, abs=tolerance(level, len(found)))


@pytest.mark.parametrize("kept", [0.5, 0.95])
@pytest.mark.parametrize(("recomputed", "published"), [(1, 8), (3, 5)])
def test_p_values_are_not_too_small_where_runs_stay_near_their_seed(
    recomputed: int, published: int, kept: float
) -> None:
    found = p_values(recomputed, published, kept)
    for level in (0.1, 1 / 9, 0.2, 0.5):
        assert (found <= level + 1e-9).mean() <= level + tolerance(level, len(found))


def test_what_no_seed_would_give_is_found() -> None:
    rng = np.random.default_rng(1)
    scores = related(rng, 11)
    scores[:3] += 6 * scores.std(axis=0)
    p, least = exchange_test(scores[:3], scores[3:])
    assert p == least == 1 / 165
    row = pd.Series({"points": 90, "equal": 0, "recomputed": 3, "published": 8, "p": p, "least": least})
    assert in_words(row) == "yes: p = 0.0061"


def test_a_point_counts_once_however_many_hang_on_it() -> None:
    """Seeds are exchanged, not points: the same point a hundred times is no more evidence than once."""
    scores = np.random.default_rng(2).normal(size=(6, 1))
    once, often = (exchange_test(each[:2], each[2:]) for each in (scores, np.tile(scores, (1, 100))))
    assert once == often


@pytest.mark.parametrize(
    ("recomputed", "published", "least"), [(1, 1, 1.0), (1, 8, 1 / 9), (2, 2, 2 / 6), (8, 8, 2 / 12870)]
)
def test_the_least_p_is_reached_and_not_passed(recomputed: int, published: int, least: float) -> None:
    scores = np.arange(float(recomputed + published))[:, None] * np.ones((1, 3))
    scores[:recomputed] -= 1000
    assert exchange_test(scores[:recomputed], scores[recomputed:]) == pytest.approx((least, least))


def test_points_without_spread_say_nothing() -> None:
    scores = np.ones((5, 3))
    assert exchange_test(scores[:1], scores[1:]) == (1.0, 0.2)


def test_of_too_many_exchanges_some_are_drawn() -> None:
    scores = np.random.default_rng(3).normal(size=(24, 5))
    scores[:10] += 10
    p, _ = exchange_test(scores[:10], scores[10:])
    assert 0 < p < 0.001
