"""What the commands print reaches the user, whatever letters the terminal knows, in the program's own words."""

import json
import os
import shutil
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
    "locale": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": ""},
}
OF_SMOKE = ("--profile", "smoke", "--task", "nli", "--figure", "figure-2", "--sparsity", "0.5", "--seed", "1")
KEPT = ("SRNET_STORE", "SRNET_BELOW", "SRNET_DATA", "SRNET_PLM", "SRNET_VECTORS")


def environment(more: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in KEPT} | more


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
    (folder / "table.csv").write_text(f"tëxt,label\n{rows}", encoding="utf-8")
    return folder


# Calls the command line as a user does, with words that come as JSON, and writes after each how it ended.
CALLS = """
import json, sys
from srnet.commands.cli import main
for words in json.loads(sys.argv[1]):
    sys.argv = ["srnet", *words]
    try:
        main()
        status = 0
    except SystemExit as end:
        status = end.code or 0
    print("ended", status)
"""
KEY = choose("smoke", ["nli"]).experiments(["figure-2"])[0].key
TABLE = ("--train", "table.csv", "--label", "label", "--bias", "length", "--text")
WORDS = {
    ("store", "list"): 0,
    ("store", "show", KEY): 0,
    ("store", "show", KEY, "--json"): 0,
    ("status", *OF_SMOKE): 0,
    ("plan", *OF_SMOKE, "--experiments"): 0,
    ("run", *OF_SMOKE, "--workers", "1", "--store", "new"): 0,
    ("diagnose", *TABLE, "ω"): 2,
    ("data", "check", "none"): 2,
    ("run", "--profile", "θ"): 2,
    ("--help",): 0,
}


@pytest.mark.parametrize("terminal", TERMINALS)
def test_no_command_ends_for_want_of_a_letter(folder: Path, terminal: str, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "here")
    run = [sys.executable, "-c", CALLS, json.dumps([*WORDS])]  # in ASCII
    done = subprocess.run(
        run, cwd=tmp_path / "here", env=environment(TERMINALS[terminal]), stdout=-1, stderr=-1, check=False
    )
    text, errors = done.stdout.decode("cp1252"), done.stderr.decode("cp1252")
    assert done.returncode == 0, errors
    ends = [int(line.removeprefix("ended ")) for line in text.splitlines() if line.startswith("ended ")]
    assert ends == [*WORDS.values()], errors
    assert "no such profile" in errors or "unknown profile" in errors
    listed, _, shown, *_ = text.split("ended 0")
    assert "\\u03b8" in listed
    assert "θ" in json.loads(shown)["title"]
    assert "last nli: " in text


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
