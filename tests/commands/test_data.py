"""`srnet data check`: every task is looked at, and what is wrong is said in one line each."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from srnet.data.official import write_task
from srnet.data.tasks import TASKS
from srnet.pocket import World, build


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for task in TASKS:
        write_task(build(task, World(train=48, dev=12, test=12)), folder)
    return folder


@pytest.fixture
def data(official: Path, tmp_path: Path) -> Path:
    return shutil.copytree(official, tmp_path / "data")


def check(data: Path, *options: str) -> subprocess.CompletedProcess[str]:
    run = [sys.executable, "-m", "srnet", "data", "check", data.name, *options]
    return subprocess.run(run, cwd=data.parent, capture_output=True, text=True)


def test_what_is_left_out_is_one_line_in_our_own_words(data: Path) -> None:
    shutil.rmtree(data / "QQP" / "paws_wiki")
    done = check(data)
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "warning: data/QQP/paws_wiki/test.tsv: no such file; paws-wiki is left out",
        "warning: data/QQP/paws_wiki/train.tsv: no such file; paws-wiki training set is left out",
    ]
    assert "sym2 test: not the official data" in done.stdout


def test_the_other_tasks_are_read_after_one_that_cannot_be(data: Path) -> None:
    (data / "MNLI" / "train.tsv").write_text("a\tb\n")
    (data / "QQP" / "dev.tsv").unlink()
    done = check(data)
    assert done.returncode == 2
    nli, paraphrase = done.stderr.splitlines()
    assert nli.startswith("error: data/MNLI/train.tsv:1: the header has no column 'sentence1'")
    assert paraphrase.startswith("error: data/QQP/dev.tsv: no such file")
    assert "fever" in done.stdout
    assert "hans" not in done.stdout


def test_a_folder_that_is_not_there_and_a_task_that_is_unknown_are_said_once(data: Path) -> None:
    done = check(data.parent / "dada")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: dada: no such folder; give the one that holds MNLI/, QQP/, fever/\n"
    done = check(data, "--task", "fact", "--task", "nlu")
    assert (done.returncode, done.stdout) == (2, "")
    assert "unknown task 'nlu'" in done.stderr
