"""The published results of this checkout: still those of the study's figures, and a sample of them comes out again."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from stores import made_up

from srnet.environment import Inputs
from srnet.store.published import Published, published_in
from srnet.store.publishing import publish
from srnet.store.store import Store
from srnet.study.choice import Study, choose
from srnet.study.comparison import LEVEL, error_in_words
from srnet.study.sample import CHAIN, chain, sample_of, told

ROOT = Path(__file__).parents[2]
FOLDERS = published_in(sorted((ROOT / "results").iterdir()))
TASK, SEEDS = "nli", 2  # of the sample here: the least that can differ from eight published seeds at the test's level


def lost(published: Published, study: Study) -> list[str]:
    """Return which figures have runs that are not published, and how many of them."""
    found = {name: {run.experiment.key for run in study.runs(name)} for name in study.figures}
    there = {name: {key for key in keys if published.holds(key)} for name, keys in found.items()}
    return [f"{name}: {len(keys - there[name])} of {len(keys)}" for name, keys in found.items() if keys - there[name]]


def study_of(published: Published) -> Study:
    return choose(published.manifest["profile"], seeds=published.manifest["seeds"])


@pytest.mark.skipif(not FOLDERS, reason="nothing is published")
@pytest.mark.parametrize("published", FOLDERS, ids=lambda each: each.root.name)
def test_no_figure_has_lost_its_published_results(published: Published) -> None:
    study = study_of(published)
    if study.profile.world is None and study.inputs.data_dir is None:
        pytest.skip(f"the keys of {published.root.name} are of official text: set SRNET_DATA")
    assert lost(published, study) == []


@pytest.mark.skipif(not FOLDERS, reason="nothing is published")
def test_a_sample_of_the_published_results_comes_out_again(tmp_path: Path) -> None:
    """Bit for bit with the same libraries on a processor of the same name; on others, no further off than seeds."""
    study = choose("pocket", [TASK], inputs=Inputs(device="cpu"))
    sample = sample_of(study, [each.root for each in FOLDERS])
    if sample is None:
        pytest.skip("nothing of the profile pocket is published")
    seeds = study.profile.seeds[:SEEDS]
    sample = replace(sample, runs=tuple(run for seed in seeds for run in chain(study, TASK, seed)))
    here = Store(tmp_path)
    assert not sample.compute(here, workers=1).failed
    assert len(sample.points(here)) == len(seeds) * len(CHAIN) * 2  # data sets
    row = sample.compared(here).iloc[-1]
    assert error_in_words(row) == ""
    assert not row.p <= LEVEL, told(sample, here)


def test_a_figure_that_has_lost_published_results_is_named(tmp_path: Path) -> None:
    study = choose("smoke", ["nli"], [0.7], [1], Inputs(device="cpu"))
    study = replace(study, profile=replace(study.profile, left_out=tuple(set(study.figures) - set(CHAIN.values()))))
    store = made_up(tmp_path / "store", study, study.figures, lambda run, dataset: 0.5)

    def after(folder: str, gone: Sequence[str]) -> list[str]:
        kept = [run.experiment for name in study.figures for run in study.runs(name) if run.curve not in gone]
        publish(list(dict.fromkeys(kept)), store, tmp_path / folder, "smoke", [1])
        return lost(Published(tmp_path / folder), study)

    assert after("whole", []) == []
    assert after("part", ["imp (std)", "full bert (poe)"]) == ["figure-2: 2 of 6", "figure-4: 1 of 6"]
