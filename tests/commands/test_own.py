"""The commands for one's own model and data: what they write, and that wrong input leaves nothing behind."""

import csv
from pathlib import Path

import pytest
from sentiment import table, write_model, write_tables
from typer.testing import CliRunner, Result

from srnet.commands.cli import app
from srnet.errors import InputError

OF_TASK = ("--train", "train.csv", "--dev", "dev.csv", "--text", "text", "--label", "label", "--bias", "length")
FIND = ("find", "--model", "model", *OF_TASK, "--out", "found", "--steps", "4", "--lr", "0.01")
TUNE = ("fine-tune", "--model", "model", *OF_TASK[:8], "--out", "tuned", "--steps", "8", "--lr", "0.01")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_tables(tmp_path)
    table(8, 0).to_csv(tmp_path / "few.csv", index=False)
    write_model(tmp_path / "model")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*words: str) -> Result:
    return CliRunner().invoke(app, words)


def test_from_tables_to_a_plain_model(folder: Path) -> None:
    result = call(*FIND, "--ood", "fair=ood.csv", "--subset", "kind")
    assert result.exit_code == 0, result.output
    assert "| fair, with/bad" in result.output
    assert "The subnetwork: found" in result.output
    result = call("evaluate", "--subnetwork", "found", "--data", "ood.csv", "--data", "again=ood.csv")
    assert result.exit_code == 0, result.output
    rows = [line.split("|")[1:] for line in result.output.splitlines() if line.startswith(("| ood  ", "| again  "))]
    assert len(rows) == 2
    assert rows[0][1:] == rows[1][1:]
    result = call("predict", "--subnetwork", "found", "--data", "dev.csv", "--out", "classes.csv")
    assert result.exit_code == 0, result.output
    with (folder / "classes.csv").open() as file:
        read = list(csv.DictReader(file))
    assert len(read) == 24
    assert all(abs(float(row["p(bad)"]) + float(row["p(good)"]) - 1) < 1e-5 for row in read)
    assert all((row["class"] == "good") == (float(row["p(good)"]) > float(row["p(bad)"])) for row in read)
    result = call("merge", "--subnetwork", "found", "--out", "merged")
    assert result.exit_code == 0, result.output
    assert {"config.json", "model.safetensors", "tokenizer_config.json"} <= {
        path.name for path in (folder / "merged").iterdir()
    }


def test_from_a_pre_trained_model_to_a_subnetwork(folder: Path) -> None:
    result = call(*TUNE, "--ood", "fair=ood.csv", "--subset", "kind")
    assert result.exit_code == 0, result.output
    assert "| fair, with/bad" in result.output
    assert "Cost: 8 steps; " in result.output
    assert "The model: tuned" in result.output
    find = [{"model": "tuned"}.get(word, word) for word in FIND]
    result = call(*find, "--ood", "fair=ood.csv")
    assert result.exit_code == 0, result.output


WRONG = {
    "column": ((*FIND, "--text", "other"), "no column 'other'"),
    "full folder": ((*FIND, "--out", "model"), "the folder is not empty"),
    "out a file": ((*FIND, "--out", "dev.csv"), "no folder"),
    "rate": ((*FIND, "--lr", "-1"), "lr"),
    "precision": ((*FIND, "--precision", "half"), "precision 'half' is unknown"),
    "one class": ((*TUNE, "--label", "text"), "named twice"),
    "teacher": ((*TUNE, "--bias", "length", "--loss", "confreg"), "fine-tuned already"),
    "few": ((*TUNE, "--train", "few.csv"), "fewer than a batch"),
    "two of a name": ((*FIND, "--ood", "ood.csv", "--ood", "ood=dev.csv"), "give each set a name of its own"),
    "no set": ((*FIND, "--ood", "fair=none.csv"), "none.csv: no such file"),
    "no subnetwork": (("merge", "--subnetwork", "model", "--out", "new"), "no subnetwork in this folder"),
    "its own file": (("predict", "--subnetwork", "model", "--data", "dev.csv", "--out", "dev.csv"), "another file"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_one_line_and_nothing_is_written(folder: Path, name: str) -> None:
    before = sorted(path.name for path in folder.iterdir())
    words, message = WRONG[name]
    result = call(*words)
    assert isinstance(result.exception, InputError), result.output
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)
    assert sorted(path.name for path in folder.iterdir()) == before
