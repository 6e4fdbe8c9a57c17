"""The plan on the command line."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from srnet.commands.plan import _count, _time, plan
from srnet.environment import Inputs
from srnet.executor.workers import run
from srnet.store.store import Store
from srnet.study.choice import choose

Ask = Callable[..., str]
PART = ("--profile", "smoke", "--task", "nli", "--seed", "1", "--sparsity", "0.5", "--figure", "figure-2")


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Ask:
    """Run the command in an empty folder, with a short measurement."""
    monkeypatch.setattr("srnet.planning.speed.STEPS", 3)
    monkeypatch.chdir(tmp_path)
    for name in ("SRNET_DATA", "SRNET_PLM", "SRNET_STORE", "SRNET_BELOW", "SRNET_VECTORS"):
        monkeypatch.delenv(name, raising=False)
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(plan)

    def ask(*options: str) -> str:
        result = CliRunner().invoke(app, options, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return ask


def row(output: str, name: str) -> list[str]:
    """Return the first row of a table that begins with a name, its columns by two or more spaces."""
    line = next(line for line in output.splitlines() if line.startswith(name + "  "))
    return re.split(r"\s{2,}", line.strip())


def test_a_plan_of_nothing_done_and_of_all_done(ask: Ask, tmp_path: Path) -> None:
    study = choose("smoke", ["nli"], [0.5], [1], Inputs())
    store = Store(tmp_path / "store")
    before = ask(*PART)
    wanted = study.experiments(["figure-2"])
    report = run(wanted, store, study.inputs, 1)
    count = len(report.computed)
    assert row(before, "figure-2")[:4] == ["figure-2", str(count), "0", str(count)]
    records = [store.read(key) for key in sorted(store.keys())]
    steps = sum(record.get("steps", 0) for record in records)
    tokens = sum(record["tokens"] for record in records if "steps" in record)
    assert row(before, "figure-2")[4] == f"{steps:,}"
    trained = re.search(r"^Tokens: ([\d,]+) in training", before, re.MULTILINE)
    assert trained, before
    assert int(trained[1].replace(",", "")) == pytest.approx(tokens, rel=0.1)  # of the few batches of 12 steps
    after = ask(*PART)
    assert row(after, "figure-2")[:4] == ["figure-2", str(count), str(count), "0"]
    assert "workers" not in after
    assert "Disk" not in after


def test_the_paper_can_be_planned_without_its_text_or_its_models(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("srnet.planning.estimate.measure_speed", lambda todo, inputs, store: 1e-10)
    output = ask("--profile", "paper", "--on", "7")
    assert "The text is not at hand (--data-dir): sizes are the official ones" in output
    assert row(output, "in all")[2] == "?"
    assert "released scripts: 828 trainings, 42.2 M steps, 116 G tokens" in output
    assert re.search(r"^ *7 +\S+ h *$", output, re.MULTILINE), output


def test_figures_share_experiments_and_in_all_counts_each_once(ask: Ask) -> None:
    part = ("--profile", "smoke", "--task", "nli", "--seed", "1", "--figure", "figure-2", "--figure", "figure-3")
    output = ask(*part)
    both = [int(row(output, name)[1]) for name in ("figure-2", "figure-3")]
    assert max(both) < int(row(output, "in all")[1]) < sum(both)
    assert "once in all" in output
    assert "released" not in output


def test_experiments_are_listed_when_asked(ask: Ask) -> None:
    key = choose("smoke", ["nli"], [0.5], [1], Inputs()).experiments(["figure-2"])[0].key
    assert key not in ask(*PART)
    assert key in ask(*PART, "--experiments")


def test_no_room_on_the_disk_is_said(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "That is not enough." not in ask(*PART)
    monkeypatch.setattr("srnet.commands.plan.shutil.disk_usage", lambda folder: type("Usage", (), {"free": 1000}))
    assert "That is not enough." in ask(*PART)


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0"), (828, "828"), (98_765, "98,765"), (999_700, "1.00 M"), (42.2e6, "42.2 M"), (413e9, "413 G")],
)
def test_numbers_have_three_digits_that_matter(number: float, text: str) -> None:
    assert _count(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.43, "0.4 s"), (35.2, "35 s"), (720, "12 min"), (44_280, "12.3 h"), (612_000_000, "170,000 h")],
)
def test_times_are_readable(seconds: float, text: str) -> None:
    assert _time(seconds) == text
