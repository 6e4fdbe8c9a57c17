"""A reproduction on the command line: begun, gone on with, compared."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from stores import made_up
from typer.testing import CliRunner, Result

from srnet.commands.cli import app
from srnet.environment import Inputs
from srnet.errors import InputError
from srnet.store.store import Store
from srnet.study.choice import Study, choose

FIGURE = ["--profile", "smoke", "--task", "nli", "--sparsity", "0.5", "--figure", "figure-2"]
PART = [*FIGURE, "--seed", "1"]
COUNT = 10  # experiments
Call = Callable[..., Result]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """Run a command in an empty folder, with a short measurement, in this process."""
    monkeypatch.setattr("srnet.planning.speed.STEPS", 3)
    monkeypatch.setattr("srnet.executor.workers.places", lambda device: 1)
    monkeypatch.chdir(tmp_path)
    for name in ("SRNET_DATA", "SRNET_PLM", "SRNET_STORE", "SRNET_BELOW", "SRNET_VECTORS", "SRNET_SCHEDULER"):
        monkeypatch.delenv(name, raising=False)
    return lambda *words: CliRunner().invoke(app, words)


@pytest.fixture(scope="module")
def study() -> Study:
    return choose("smoke", ["nli"], [0.5], [1], Inputs(device="cpu"))


@pytest.fixture(scope="module")
def published(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Records of a run, without files."""
    root, records = tmp_path_factory.mktemp("store"), tmp_path_factory.mktemp("records")
    assert not study.compute(Store(root), ["figure-2"], workers=1).failed
    for path in root.glob("*/record.json"):
        (records / path.parent.name).mkdir()
        (records / path.parent.name / "record.json").write_bytes(path.read_bytes())
    return records


def works(call: Call, *words: str) -> str:
    result = call(*words)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def refused(call: Call, *words: str) -> str:
    result = call(*words)
    assert isinstance(result.exception, InputError), result.output
    assert "\n" not in str(result.exception)
    return str(result.exception)


def test_a_reproduction_says_what_it_costs_computes_all_and_compares(
    call: Call, published: Path, tmp_path: Path
) -> None:
    words = ["reproduce", *PART, "--against", str(published), "--strict"]
    output = works(call, *words)
    assert re.search(rf"^figure-2 +{COUNT} +0 +{COUNT} ", output, re.MULTILINE)
    assert f"{COUNT} experiments computed" in output
    assert output.index("Disk:") < output.index("experiments computed") < output.index("equal bit for bit")
    assert re.search(r"^0 of \d+ verdicts change", output, re.MULTILINE)
    own = Store(tmp_path / "reproduction")
    assert len(own.keys()) == COUNT
    lost = own.keys()[3]
    own.remove(lost)
    again = works(call, *words)  # as after an interruption
    assert lost in own.keys()  # noqa: SIM118
    assert "equal bit for bit" in again


def test_nothing_is_taken_from_elsewhere(
    call: Call, published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SRNET_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("SRNET_BELOW", str(published))
    assert f"{COUNT} experiments computed" in works(call, "reproduce", *PART)
    assert len(Store(tmp_path / "reproduction").keys()) == COUNT
    assert not (tmp_path / "store").exists()


def test_a_folder_of_other_results_is_refused(call: Call, published: Path, study: Study, tmp_path: Path) -> None:
    store = made_up(tmp_path / "store", study, ["figure-2"], lambda run, dataset: 0.5)
    before = sorted(store.root.rglob("*"))
    problem = refused(call, "reproduce", *PART, "--store", str(store.root), "--against", str(published))
    assert str(store.root) in problem
    assert "--store" in problem
    assert sorted(store.root.rglob("*")) == before


def test_without_published_results_nothing_begins(call: Call, published: Path, tmp_path: Path) -> None:
    assert "--against" in refused(call, "reproduce", *PART)
    assert "nowhere" in refused(call, "reproduce", *PART, "--against", "nowhere")
    other = [*FIGURE, "--seed", "7"]
    assert "nothing of this choice is published" in refused(call, "reproduce", *other, "--against", str(published))
    assert list(tmp_path.iterdir()) == []


def test_two_stores_that_differ(call: Call, study: Study, published: Path, tmp_path: Path) -> None:
    records = made_up(tmp_path / "here", study, ["figure-2"], lambda run, dataset: 0.5)
    words = ["compare", str(records.root), str(published), *FIGURE]
    output = works(call, *words)
    assert re.search(r"^figure-2 +12 +0 .*not shown: p = 1 \(1 of 2 seeds: p ≥ 1\)", output, re.MULTILINE)
    assert call(*words, "--strict").exit_code == 1
    full_models = [*words[:3], "--profile", "smoke", "--task", "nli", "--figure", "figure-6"]
    assert "No finding of the paper can be tested" in works(call, *full_models)
    assert "nothing can be compared" in refused(call, *words[:3], *PART[:-1], "7")
    assert "nowhere" in refused(call, "compare", "nowhere", str(published))


def test_a_difference_on_the_same_setup_is_said_and_changed_verdicts_are_listed(
    call: Call, study: Study, published: Path, tmp_path: Path
) -> None:
    for name in ("one", "other"):
        level = 0.6 if name == "one" else 0.9

        def score(run: object, dataset: str, level: float = level) -> float:
            return level if dataset == "hans" else 0.9

        both = choose("smoke", ["nli"], [0.5], [1, 2], study.inputs)
        made_up(tmp_path / name, both, ["figure-2"], score)
    output = works(call, "compare", "one", "other", *FIGURE)
    assert "24 scores differ although both were computed with the same libraries" in output
    assert re.search(r"^1 of \d+ verdicts change", output, re.MULTILINE)
    assert re.search(r"^4.2.2 +std \(opening\) .* nli +holds +fails", output, re.MULTILINE)
