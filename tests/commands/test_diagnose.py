"""`srnet diagnose`: what it writes, and that wrong input is one line and leaves nothing behind."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from srnet.commands.cli import app
from srnet.errors import InputError

ROWS = "a,b,label\n" + "".join(
    f"the cat runs {place},the cat,yes\nthe big dog {place},a bird sings {place},no\n" for place in range(20)
)
COLUMNS = ("--text", "a", "--text", "b", "--label", "label")


@pytest.fixture
def train(tmp_path: Path) -> Path:
    path = tmp_path / "train.csv"
    path.write_text(ROWS)
    return path


def call(train: Path, *words: str) -> Result:
    return CliRunner().invoke(app, ["diagnose", "--train", str(train), *words])


def test_text_json_and_figure(tmp_path: Path, train: Path) -> None:
    out = (tmp_path / "new" / "d.json", tmp_path / "d.svg")
    result = call(
        train, *COLUMNS, "--dev", str(train), "--bias", "overlap", "--json", str(out[0]), "--figure", str(out[1])
    )
    assert result.exit_code == 0, result.output
    found = json.loads(out[0].read_text())
    assert f"Bias: overlap. {found['verdict']}" in result.output
    assert found["classes"] == ["no", "yes"]
    assert out[1].read_text().startswith("<?xml")


def test_help_has_an_example() -> None:
    assert "Example: srnet diagnose --train" in CliRunner().invoke(app, ["diagnose", "--help"]).output


WRONG = {
    "bias": (("--bias", "overlop"), "bias 'overlop' is unknown: choose one of overlap"),
    "one text": (("--text", "a", "--label", "label", "--bias", "overlap"), "it needs two texts in each example"),
    "column": (("--text", "c", "--label", "label", "--bias", "length"), "no column 'c'; there are a, b, label"),
    "three texts": ((*COLUMNS, "--text", "c", "--bias", "length"), "give the names of one or two"),
    "dev": ((*COLUMNS, "--dev", "none.csv", "--bias", "length"), "none.csv: no such file"),
    "vectors": ((*COLUMNS, "--vectors", "none.vec", "--bias", "overlap"), "none.vec: cannot be read"),
    "picture": ((*COLUMNS, "--bias", "length", "--figure", "d.jpgg"), "the name does not end in .pdf, .png, .svg"),
    "folder": ((*COLUMNS, "--bias", "length", "--json", "."), "a folder; give the name of a file"),
    "its own file": ((*COLUMNS, "--bias", "length", "--json", "train.csv"), "the file that --train reads"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_is_one_line_and_nothing_is_written(
    train: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(train.parent)
    words, message = WRONG[name]
    words = words if "--text" in words else (*COLUMNS, *words)
    result = call(train, *words, *(() if "--json" in words else ("--json", "out.json")))
    assert isinstance(result.exception, InputError)
    assert message in str(result.exception)
    assert "\n" not in str(result.exception)
    assert [path.name for path in train.parent.iterdir()] == ["train.csv"]
    assert train.read_text() == ROWS
