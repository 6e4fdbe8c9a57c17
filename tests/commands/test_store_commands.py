"""The commands about the store, on a store made by hand: no training."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from typer import Exit
from typer.testing import CliRunner, Result

from srnet.commands.cli import app
from srnet.commands.run import report_outcome
from srnet.environment import Inputs
from srnet.errors import InputError
from srnet.executor.agenda import Report
from srnet.experiments.expressions import (
    Bias,
    Experiment,
    FineTuned,
    Pruned,
)
from srnet.experiments.graph import closure
from srnet.store.store import Store
from srnet.study.choice import Study, choose


@pytest.fixture(autouse=True)
def _empty_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SRNET_DATA", "SRNET_PLM", "SRNET_STORE", "SRNET_BELOW", "SRNET_VECTORS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def study() -> Study:
    return choose("smoke", ["nli"], [0.5], [1], Inputs(device="cpu"))


@pytest.fixture
def store(study: Study, tmp_path: Path) -> Store:
    """What Figure 2 needs for one seed, as if it had been computed."""
    store = Store(tmp_path / "store")
    for experiment in closure(study.experiments(["figure-2"])):
        write(store, experiment)
    return store


def write(store: Store, experiment: Experiment) -> None:
    with store.writing(experiment) as entry:
        assert entry
        entry.save("weights", {"w": torch.arange(256.0)})
        entry.save("logits", {"hans": torch.ones(3, 3)})
        entry.record |= {
            "machine": {"device": "cpu", "threads": 1, "process": 7},
            "steps": 12,
            "metrics": {"hans": {"accuracy": 0.5, "examples": 3, "classes": {"neutral": 0.25}}},
        }


def full(study: Study) -> FineTuned:
    found = study.experiments(["figure-2"])
    return next(each for each in found if isinstance(each, FineTuned) and each.loss == "std")


def masked(study: Study) -> Pruned:
    return next(each for each in study.experiments(["figure-2"]) if isinstance(each, Pruned) and each.loss == "poe")


def call(store: Store, *words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, [*words, "--store", str(store.root)], input=typed)


def works(store: Store, *words: str) -> str:
    result = call(store, *words)
    assert result.exit_code == 0, result.output
    return result.output


def refused(store: Store, *words: str) -> str:
    result = call(store, *words)
    assert isinstance(result.exception, InputError), result.output
    assert "\n" not in str(result.exception)
    return str(result.exception)


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))


def interrupt(store: Store, experiment: Experiment, steps: int) -> None:
    """Leave what an interrupted training leaves."""
    with suppress(KeyboardInterrupt), store.writing(experiment) as entry:
        assert entry
        entry.snapshot.keep("training", lambda: {"trace": {"losses": [0.5] * steps}, "parameters": [torch.ones(2)]})
        entry.snapshot.save()
        raise KeyboardInterrupt


def lines(output: str, *parts: str) -> list[str]:
    return [line for line in output.splitlines() if all(part in line for part in parts)]


def test_list_has_a_line_for_each_result_and_totals(study: Study, store: Store) -> None:
    output = works(store, "store", "list")
    for experiment in closure(study.experiments(["figure-2"])):
        assert len(lines(output, "done", experiment.title, experiment.key)) == 1
    assert output.splitlines()[-1].startswith(f"{len(store.keys())} done, ")
    titles = [line.split("  ")[1] for line in lines(output, "nli:")]
    assert titles == sorted(titles)


def test_list_tells_what_became_of_experiments(study: Study, store: Store) -> None:
    store.fail(full(study), MemoryError("no room"))
    other = replace(masked(study), seed=2)
    interrupt(store, other, steps=3)
    bias, subnetwork = Bias(study.experiments()[0].data), masked(study)
    flip(store.folder(bias) / "record.json")
    flip(store.folder(subnetwork) / "weights.safetensors")
    assert store.set_aside(subnetwork.key)
    output = works(store, "store", "list")
    assert lines(output, "failed", full(study).key, full(study).title)
    assert lines(output, "unfinished", other.key)
    assert lines(output, "damaged", bias.key, "record.json")
    assert lines(output, "set aside", subnetwork.key)
    assert not lines(output, "done", subnetwork.key)
    titled = works(store, "store", "list", "--profile", "smoke")
    assert lines(titled, "set aside", subnetwork.key, subnetwork.title)
    assert not lines(titled, other.key)


def test_list_of_a_part_of_the_study(study: Study, store: Store) -> None:
    another = replace(full(study), seed=77)
    write(store, another)
    part = works(store, "store", "list", "--profile", "smoke", "--figure", "figure-2", "--task", "nli")
    assert full(study).key in part
    assert another.key not in part
    assert another.key in works(store, "store", "list")
    assert full(study).key not in works(store, "store", "list", "--profile", "smoke", "--task", "fact")


def test_verify_reads_everything_and_finds_nothing(store: Store) -> None:
    assert works(store, "store", "verify") == f"{len(store.keys())} results read, 0 damaged\n"


@pytest.mark.parametrize("file", ["weights.safetensors", "logits.safetensors", "record.json"])
def test_verify_names_what_is_damaged_and_sets_it_aside(study: Study, store: Store, file: str) -> None:
    damaged, number = full(study), len(store.keys())
    flip(store.folder(damaged) / file)
    result = call(store, "store", "verify")
    assert result.exit_code == 1
    assert len(lines(result.output, damaged.key, str(store.folder(damaged) / file))) == 1
    assert store.folder(damaged).exists()
    result = call(store, "store", "verify", "--set-aside")
    assert result.exit_code == 1
    assert result.output.endswith(f"{number} results read, 1 damaged, 1 set aside\n")
    assert len(store.aside()) == 1
    assert not store.has(damaged)
    assert works(store, "store", "verify") == f"{number - 1} results read, 0 damaged\n"


def test_verify_only_what_is_named(study: Study, store: Store) -> None:
    flip(store.folder(full(study)) / "weights.safetensors")
    assert works(store, "store", "verify", masked(study).key[:12]) == "1 results read, 0 damaged\n"
    assert call(store, "store", "verify", masked(study).key, full(study).key).exit_code == 1


def test_show_says_what_is_recorded(study: Study, store: Store) -> None:
    experiment = full(study)
    output = works(store, "store", "show", experiment.key[:12])
    assert output.startswith(f"{experiment.title}\n{experiment.key}\n")
    assert lines(output, "hans", "accuracy", "0.5000")
    assert lines(output, "hans", "classes neutral", "0.2500")
    assert lines(output, "steps: 12")
    assert lines(output, "torch")
    needs = output.split("\nneeds\n")[1]
    assert all(lines(needs, operand.key, operand.title) for operand in experiment.operands)
    record = store.record(experiment)
    assert all(lines(output, name, about["sha256"]) for name, about in record["files"].items())
    assert json.loads(works(store, "store", "show", experiment.key, "--json")) == record


def test_show_looks_below(study: Study, store: Store, tmp_path: Path) -> None:
    local = Store(tmp_path / "local")
    output = works(local, "store", "show", full(study).key, "--below", str(store.root))
    assert all(lines(output.split("needs")[1], operand.key, operand.title) for operand in full(study).operands)
    assert not local.root.exists()


PART = ["--profile", "smoke", "--task", "nli", "--sparsity", "0.5", "--seed", "1", "--figure", "figure-2"]


@pytest.fixture
def tokenised(study: Study, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Take token ids made by hand for data sets without examples."""
    monkeypatch.setattr("srnet.store.publishing.test_sets", lambda *_: [])


@pytest.mark.usefixtures("tokenised")
def test_publish_writes_what_can_lie_below(study: Study, store: Store, tmp_path: Path) -> None:
    output = works(store, "store", "publish", str(tmp_path / "published"), *PART)
    assert output.splitlines()[-1] == f"{len(store.keys())} results published, which took 0.0 hours"
    assert lines(output, "nli.jsonl.xz", "kB")
    local = Store(tmp_path / "local")
    shown = works(local, "store", "show", full(study).key[:12], "--below", str(tmp_path / "published"))
    assert all(lines(shown.split("needs")[1], operand.key, operand.title) for operand in full(study).operands)
    status = works(local, "status", *PART, "--below", str(tmp_path / "published"))
    assert status.endswith(f"{len(store.keys())} of {len(store.keys())} experiments done\n")


def test_what_is_missing_is_not_published(study: Study, store: Store, tmp_path: Path) -> None:
    store.remove(masked(study).key)
    said = refused(store, "store", "publish", str(tmp_path / "published"), *PART)
    assert f"1 of {len(store.keys()) + 1} results are missing, the first is {masked(study).title}" in said
    assert not (tmp_path / "published").exists()


def test_delete_keeps_what_other_figures_of_the_profile_need(study: Study, store: Store) -> None:
    bias, alone = Bias(study.experiments()[0].data), choose("smoke", ["nli"], None, None, study.inputs)
    others = {each.key for each in closure(alone.experiments([name for name in alone.figures if name != "figure-2"]))}
    before = store.keys()
    output = works(store, "store", "delete", "--profile", "smoke", "--figure", "figure-2", "--yes")
    assert store.keys() == sorted(others.intersection(before))
    assert store.has(bias)
    assert len(store.keys()) < len(before)
    assert lines(output, f"{len(store.keys())} kept", "other figures of profile smoke")
    assert not lines(output, "done", bias.key)


def test_delete_of_a_whole_profile_leaves_what_is_not_of_it(study: Study, store: Store) -> None:
    another = replace(full(study), seed=77)
    write(store, another)
    works(store, "store", "delete", "--profile", "smoke", "--yes")
    assert store.keys() == [another.key]


def test_delete_asks(study: Study, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = store.keys()
    assert "nothing is deleted without --yes" in refused(store, "store", "delete", "--profile", "smoke")
    monkeypatch.setattr("srnet.commands.store._can_ask", lambda: True)
    result = call(store, "store", "delete", "--profile", "smoke", typed="n\n")
    assert result.exit_code == 1
    assert masked(study).title in result.output
    assert store.keys() == before
    assert call(store, "store", "delete", "--profile", "smoke", typed="y\n").exit_code == 0
    assert store.keys() == []


def test_delete_leaves_alone_what_is_being_computed(study: Study, store: Store) -> None:
    with store.writing(masked(study)):
        output = works(store, "store", "delete", "--profile", "smoke", "--yes")
    assert store.keys() == [masked(study).key]
    assert "1 left: another process is computing them" in output


def test_delete_never_touches_what_lies_below(store: Store, tmp_path: Path) -> None:
    words = ["--profile", "smoke", "--yes", "--below", str(store.root)]
    assert works(Store(tmp_path / "local"), "store", "delete", *words) == "nothing to delete\n"
    assert works(store, "store", "verify").endswith(" 0 damaged\n")


@pytest.mark.parametrize("state", ["failed", "unfinished", "damaged"])
def test_delete_of_one_state_leaves_the_others(study: Study, store: Store, state: str) -> None:
    failed, unfinished, damaged = (replace(full(study), seed=seed) for seed in (5, 6, 7))
    store.fail(failed, MemoryError("no room"))
    interrupt(store, unfinished, steps=3)
    write(store, damaged)
    flip(store.folder(damaged) / "weights.safetensors")
    store.set_aside(damaged.key)
    number = len(store.keys())
    output = works(store, "store", "delete", f"--{state}", "--yes")
    assert output.splitlines()[-1].startswith("1 deleted")
    left = {"failed": store.failures(), "unfinished": store.unfinished(), "damaged": store.aside()}
    assert {name for name, things in left.items() if not things} == {state}
    assert len(store.keys()) == number


def test_states_are_deleted_within_a_part_of_the_study(study: Study, store: Store) -> None:
    store.fail(full(study), MemoryError("no room"))
    store.fail(replace(full(study), seed=77), MemoryError("no room"))
    number = len(store.keys())
    works(store, "store", "delete", "--failed", "--profile", "smoke", "--yes")
    assert list(store.failures()) == [replace(full(study), seed=77).key]
    assert len(store.keys()) == number


def test_damaged_results_are_deleted_where_they_lie(study: Study, store: Store) -> None:
    flip(store.folder(full(study)) / "record.json")
    before = store.keys()
    works(store, "store", "delete", "--damaged", "--yes")
    assert store.keys() == [key for key in before if key != full(study).key]


def test_nothing_is_half_deleted(study: Study, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before = store.keys()

    def refuse(folder: Path, ignore_errors: bool = False) -> None:
        if not ignore_errors:
            raise PermissionError(1, "Operation not permitted")

    with monkeypatch.context() as patched:
        patched.setattr("srnet.store.store.shutil.rmtree", refuse)
        said = refused(store, "store", "delete", "--profile", "smoke", "--yes")
    assert said.endswith("cannot be deleted: Operation not permitted")
    (gone,) = store.unfinished()
    assert store.keys() == [key for key in before if key != gone]
    assert works(store, "store", "verify").endswith(" 0 damaged\n")
    write(store, next(each for each in closure(study.experiments(["figure-2"])) if each.key == gone))
    assert store.keys() == before
    assert store.unfinished() == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["list", "--figure", "figure-2"], "give --profile too"),
        (["list", "--profile", "huge"], "unknown profile"),
        (["list", "--profile", "small"], "--data-dir or SRNET_DATA"),
        (["list", "--below", "nowhere"], "nowhere: no such folder"),
        (["show", "zz"], "no result whose key begins with 'zz'"),
        (["show", ""], "give more of it"),
        (["verify", "zz"], "no result whose key begins with 'zz'"),
        (["delete"], "say what to delete"),
        (["delete", "--profile", "smoke", "--figure", "figure-99", "--yes"], "unknown figure"),
    ],
)
def test_bad_input(store: Store, words: list[str], message: str) -> None:
    before = store.keys()
    assert message in refused(store, "store", *words)
    assert store.keys() == before


@pytest.mark.parametrize("words", [["list"], ["verify"], ["delete", "--failed", "--yes"]])
def test_an_empty_store_is_not_made(tmp_path: Path, words: list[str]) -> None:
    works(Store(tmp_path / "empty"), "store", *words)
    assert not (tmp_path / "empty").exists()


def test_status_tells_the_state_of_each_experiment(study: Study, store: Store, tmp_path: Path) -> None:
    local, subnetwork = Store(tmp_path / "local"), masked(study)
    interrupt(local, subnetwork, steps=7)
    local.fail(full(study), MemoryError("no room"))
    words = ["--profile", "smoke", "--task", "nli", "--seed", "1", "--sparsity", "0.5"]
    output = works(local, "status", *words, "--figure", "figure-2")
    assert lines(output, subnetwork.key, "unfinished", "saved after 7 of 12 steps")
    assert lines(output, full(study).key, "failed", "MemoryError: no room")
    assert lines(output, Bias(full(study).data).key, "missing")
    flip(store.folder(full(study)) / "record.json")
    output = works(store, "status", *words, "--figure", "figure-2")
    assert lines(output, full(study).key, "damaged")
    assert output.endswith(f"{len(store.keys()) - 1} of {len(store.keys())} experiments done\n")


def test_the_end_of_a_run_says_what_failed_and_how_to_try_again(
    study: Study, store: Store, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["srnet", "run", "--store", "my store"])
    store.fail(full(study), MemoryError("no room"))
    unrecorded = replace(full(study), seed=2)
    report = Report([], [], {full(study): "no room", unrecorded: "no room"}, [masked(study)] * 12)
    with pytest.raises(Exit) as end:
        report_outcome(report, store)
    assert end.value.exit_code == 1
    output = capsys.readouterr().out
    assert output.count("failed: no room") == 1
    assert lines(output, full(study).title, str(store.root / "failed" / f"{full(study).key}.json"))
    assert lines(output, unrecorded.title, unrecorded.key)
    assert lines(output, "12 skipped")
    assert len(lines(output, masked(study).title)) == 10
    assert lines(output, "and 2 more")
    assert output.endswith("  srnet run --store 'my store'\n")


def test_the_end_of_a_run_that_went_well_is_a_line(
    store: Store, study: Study, capsys: pytest.CaptureFixture[str]
) -> None:
    report_outcome(Report(computed=[masked(study)], elsewhere=[full(study)]), store)
    assert capsys.readouterr().out == "1 experiments computed, 1 by another process\n"


@pytest.mark.parametrize("command", [["run"], ["plan"], ["status"], ["book"], ["store", "delete"]])
def test_commands_have_the_options_of_their_groups(command: Sequence[str]) -> None:
    result = CliRunner().invoke(app, [*command, "--help"], terminal_width=200)
    assert result.exit_code == 0
    for option in ("--profile", "--store", "--below", "--data-dir", "--plm", "--vectors"):
        assert option in result.output


@pytest.mark.parametrize(
    "words",
    [
        ["store", "list", "--store", ""],
        ["run", "--store", ""],
        ["status", "--below", ""],
        ["plan", "--data-dir", ""],
        ["store", "publish", ""],
        ["book", "--out", ""],
        ["reproduce", "--store", ""],
        ["reproduce", "--against", ""],
        ["compare", "", "elsewhere"],
        ["data", "fetch", "nli", ""],
    ],
)
def test_an_empty_path_is_not_the_current_folder(words: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    assert result.output.splitlines()[-1].startswith('error: "" is no path')
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["file", "file/below", "link"])
@pytest.mark.parametrize(
    "words",
    [
        ["store", "publish"],
        ["reproduce", "--against", "results", "--store"],
        ["compare", "results"],
        ["data", "fetch", "nli"],
        ["pocket", "export", "--out"],
        ["store", "list", "--below"],
        ["run", "--store"],
    ],
)
def test_a_target_that_can_be_no_folder_is_said_before_anything_begins(
    words: list[str], target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("srnet.study.choice.Study.compute", None)
    monkeypatch.setattr("srnet.commands.reproduce.Store", None, raising=False)
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "results" / "unfinished").mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    result = CliRunner().invoke(app, [*words, target])
    assert isinstance(result.exception, InputError), result.output
    assert target in str(result.exception) or "nothing of this choice is published" in str(result.exception)
    assert sorted(tmp_path.rglob("*")) == before
