"""What the commands print reaches the user, whatever letters the terminal knows, in the program's own words."""

import json
import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import pytest

from srnet.data.official import MissingDataWarning
from srnet.store.store import Store
from srnet.study.choice import choose
from srnet.terminal import warn

TERMINALS = {
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "cp1252": {"PYTHONIOENCODING": "cp1252:strict"},
    "locale": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": ""},
    "ascii": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
}
OF_SMOKE = ("--profile", "smoke", "--task", "nli", "--figure", "figure-2")
KEPT = ("SRNET_STORE", "SRNET_BELOW", "SRNET_DATA", "SRNET_PLM", "SRNET_VECTORS")


def environment(more: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in KEPT} | more


def command(folder: Path, terminal: str, *words: str) -> subprocess.CompletedProcess[bytes]:
    """Run the command line as a user does: what it writes into pipes, as bytes."""
    run = [sys.executable, "-m", "srnet", *words]
    return subprocess.run(run, cwd=folder, env=environment(TERMINALS[terminal]), capture_output=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store whose one result has a Greek title, and a table with letters of many kinds."""
    folder = tmp_path_factory.mktemp("folder")
    experiment = choose("smoke", ["nli"]).experiments(["figure-2"])[0]
    with Store(folder / "store").writing(experiment) as entry:
        assert entry
        entry.record |= {"metrics": {}, "machine": {"device": "cpu"}}
    assert "θ" in experiment.title
    rows = "".join(f"der Fluß {'ρέει ' * place},nö\nτα πάντα,θ\n" for place in range(20))
    (folder / "größe.csv").write_text(f"tëxt,label\n{rows}", encoding="utf-8")
    return folder


@pytest.mark.parametrize("terminal", TERMINALS)
@pytest.mark.parametrize(
    "words",
    [
        ("store", "list"),
        ("store", "show", ""),
        ("store", "show", "", "--json"),
        ("status", *OF_SMOKE),
        ("plan", *OF_SMOKE, "--experiments"),
        ("compare", "store", "store", *OF_SMOKE),
        ("diagnose", "--train", "größe.csv", "--text", "tëxt", "--label", "label", "--bias", "length"),
        ("diagnose", "--train", "größe.csv", "--text", "ω", "--label", "label", "--bias", "length"),
        ("data", "check", "Größe/θ"),
        ("run", "--profile", "θ"),
        ("--help",),
    ],
    ids=lambda words: " ".join(words[:2]) if words else "",
)
def test_no_command_ends_for_want_of_a_letter(folder: Path, terminal: str, words: tuple[str, ...]) -> None:
    done = command(folder, terminal, *words)
    assert done.returncode in (0, 2), done.stderr
    assert b"Traceback" not in done.stderr
    assert b"EncodeError" not in done.stderr
    if words[0] == "store":
        text = done.stdout.decode("ascii")
        assert "\\u03b8" in text
        assert words[-1] != "--json" or "θ" in json.loads(text)["title"]


def test_a_run_says_titles_in_ascii(tmp_path: Path) -> None:
    done = command(tmp_path, "ascii", "run", *OF_SMOKE, "--sparsity", "0.5", "--workers", "1", "--store", "größe")
    assert done.returncode == 0, done.stderr
    assert b"last nli: " in done.stdout
    assert b"\\u03b8" in done.stdout
    assert b"18 experiments computed" in done.stdout


def test_a_warning_is_one_line_of_our_own_words_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    words = f"data/{'a long way down/' * 20}hans.txt: no such file; [hans] is left out"
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.showwarning = warn
        for end in ("", "\n"):
            warnings.warn(words + end, MissingDataWarning, stacklevel=1)
    assert capsys.readouterr() == ("", f"warning: {words}\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_ended_says_nothing_of_its_workers(tmp_path: Path, number: signal.Signals) -> None:
    begin = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler); "
    words = ["srnet", "run", "--profile", "smoke", "--store", "store", "--workers", "2"]
    program = f"{begin}sys.argv = {words}; from srnet.commands.cli import main; main()"
    run = [sys.executable, "-c", program]
    with subprocess.Popen(run, cwd=tmp_path, env=environment({}), stdout=-1, stderr=-1, text=True) as process:
        until = time.monotonic() + 100
        while not any((tmp_path / "store").glob("*/record.json")) and time.monotonic() < until:
            time.sleep(0.2)
        process.send_signal(number)
        _, errors = process.communicate(timeout=100)
    assert process.returncode == 128 + number
    assert "Traceback" not in errors
    assert "Warning" not in errors
