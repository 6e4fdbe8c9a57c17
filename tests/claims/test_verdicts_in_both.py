"""Verdicts on the results of two stores."""

from pathlib import Path

import pytest
from stores import made_up

from srnet.claims import FAILS, HOLDS
from srnet.claims.comparison import judged_in_both
from srnet.environment import Inputs
from srnet.store.store import Store, read_only
from srnet.study.choice import Study, choose
from srnet.study.points import Run


@pytest.fixture
def study() -> Study:
    return choose("smoke", ["nli"], [0.5], [1, 2], Inputs(device="cpu"))


def biased(run: Run, dataset: str) -> float:
    return (0.9 if dataset == "mnli-m" else 0.6) + 0.001 * run.seed


def unbiased(run: Run, dataset: str) -> float:
    return 0.9 + 0.001 * run.seed


def test_a_verdict_that_changes_is_told_with_both(study: Study, tmp_path: Path) -> None:
    here = made_up(tmp_path / "here", study, ["figure-2"], biased)
    published = read_only([made_up(tmp_path / "published", study, ["figure-2"], unbiased).root])
    found = judged_in_both(study, here, published, ["figure-2"])
    changed = found[found.here != found.published]
    assert [*changed.section, *changed["item"]] == ["4.2.2", "std (opening)"]
    assert [*changed.here, *changed.published, *changed.seeds] == [HOLDS, FAILS, 2]
    same = judged_in_both(study, here, here, ["figure-2"])
    assert same.here.equals(same.published)


def test_both_are_judged_on_the_seeds_that_both_have(study: Study, tmp_path: Path) -> None:
    here = made_up(tmp_path / "here", study, ["figure-2"], biased)
    published = made_up(tmp_path / "published", study, ["figure-2"], biased)
    first = next(run.experiment for run in study.runs("figure-2") if run.seed == 1)
    published.remove(first.key)
    assert set(judged_in_both(study, here, published).seeds) == {1}
    assert judged_in_both(study, here, Store(tmp_path / "empty")).empty
