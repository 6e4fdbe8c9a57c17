"""The sample: a chain for each task, all of it points of figures, held against what is published of them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from stores import MACHINE, made_up

from srnet.environment import Inputs
from srnet.errors import InputError
from srnet.experiments.expressions import Experiment
from srnet.store.publishing import publish
from srnet.store.records import write_record
from srnet.store.store import Store
from srnet.study.choice import Study, choose
from srnet.study.comparison import ALL_FIGURES, error_in_words
from srnet.study.points import Run
from srnet.study.sample import CHAIN, chain, sample_of, told

FIGURES = list(dict.fromkeys(CHAIN.values()))
SEEDS = (1, 2, 3, 4)
Published = Callable[[Sequence[Experiment]], Path]


@pytest.fixture
def study() -> Study:
    study = choose("smoke", ["nli", "fact"], inputs=Inputs(device="cpu"))
    return replace(study, profile=replace(study.profile, seeds=SEEDS))


def steady(run: Run, dataset: str) -> float:
    return 0.5 + 0.01 * run.seed


def experiments(study: Study, *seeds: int) -> list[Experiment]:
    return [run.experiment for task in study.tasks for seed in seeds for run in chain(study, task, seed)]


@pytest.fixture
def publishing(study: Study, tmp_path: Path) -> Published:
    """Publish experiments, of all that the figures show for four seeds."""
    store = made_up(tmp_path / "store", replace(study, seeds=SEEDS, sparsities=(0.7,)), FIGURES, steady)

    def published(part: Sequence[Experiment]) -> Path:
        publish(part, store, tmp_path / "published", "smoke", SEEDS)
        return tmp_path / "published"

    return published


def computed(folder: Path, study: Study, level: float = 0.51, machine: dict[str, str] = MACHINE) -> Store:
    """Return a store as if the sample had been computed there."""
    store = made_up(folder, replace(study, seeds=(1,), sparsities=(0.7,)), FIGURES, lambda run, dataset: level)
    for path in folder.glob("*/record.json"):
        write_record(path, store.read(path.parent.name) | {"machine": machine})
    return store


@pytest.mark.parametrize("profile", ["smoke", "pocket", "paper"])
def test_every_step_is_a_point_of_its_figure(profile: str) -> None:
    study = choose(profile, seeds=[1], inputs=Inputs(Path("data")) if profile == "paper" else Inputs())
    for task in study.tasks if profile != "paper" else ():
        found = chain(study, task, 1)
        assert [run.curve for run in found] == list(CHAIN)
        assert [run.sparsity for run in found] == [0, 0.7, 0.7, 0.7]
        for run in found:
            assert run in study.runs(CHAIN[run.curve])
        full, mask, isolated, imp = (run.experiment for run in found)
        assert full in mask.operands
        assert mask in isolated.operands
        assert full in imp.trajectory.operands  # type: ignore[union-attr]


def test_what_is_not_published_has_no_sample(study: Study, publishing: Published, tmp_path: Path) -> None:
    assert sample_of(study, []) is None
    assert sample_of(study, [tmp_path / "store"]) is None  # results, but not published ones
    assert sample_of(study, [publishing(experiments(study, 1)[:3])]) is None
    assert sample_of(choose("pocket"), [tmp_path / "published"]) is None


def test_a_sample_is_of_the_first_seed_that_is_published_whole(study: Study, publishing: Published) -> None:
    part = [*experiments(study, 1)[:-1], *experiments(study, 2, 3)]  # of the second task, seed 1 is not whole
    sample = sample_of(study, [publishing(part)])
    assert sample
    assert [(run.task, run.seed) for run in sample.runs] == [("nli", 1)] * len(CHAIN) + [("fact", 2)] * len(CHAIN)
    assert set(sample.of_all_seeds().seed) == {1, 2, 3}


def test_a_sample_that_is_equal(study: Study, publishing: Published, tmp_path: Path) -> None:
    sample = sample_of(study, [publishing(experiments(study, *SEEDS))])
    assert sample
    here = computed(tmp_path / "here", study)
    found = sample.points(here)
    assert len(found) == len(CHAIN) * (2 + 3)  # data sets
    assert found.equal.all()
    table = sample.compared(here)
    assert list(table.figure) == ["Natural language inference", "Fact verification", ALL_FIGURES]
    assert told(sample, here) == (
        "8 experiments computed anew, 20 scores held against the published ones: 20 of them equal bit for bit."
    )
    assert error_in_words(table.iloc[-1]) == ""


@pytest.mark.parametrize("processor", [MACHINE["processor"], "another"])
def test_a_sample_that_differs(study: Study, publishing: Published, tmp_path: Path, processor: str) -> None:
    sample = sample_of(study, [publishing(experiments(study, *SEEDS))])
    assert sample
    here = computed(tmp_path / "here", study, 0.61, MACHINE | {"processor": processor})
    assert told(sample, here) == (
        "8 experiments computed anew, 20 scores held against the published ones: 0 of them equal bit for bit. The "
        "others differ by 10.00 points on the mean, 10.00 at most, two published seeds by 1.67. "
        "More than seeds do? not shown: p = 0.2 (1 of 5 seeds: p ≥ 0.2)"
    )
    wrong = error_in_words(sample.compared(here).iloc[-1])
    assert wrong == "" if processor == "another" else wrong.startswith("20 scores differ although")


def test_published_files_that_are_not_whole_are_refused(study: Study, publishing: Published) -> None:
    folder = publishing(experiments(study, 1))
    (folder / "nli.jsonl.xz").write_bytes(b"")
    with pytest.raises(InputError, match=r"nli\.jsonl\.xz: the file has changed"):
        sample_of(study, [folder])
