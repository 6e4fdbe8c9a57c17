"""The book on the command line: what it says of a sample, and where it computes one."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from stores import made_up
from typer.testing import CliRunner

from srnet.commands.cli import app
from srnet.environment import SAMPLE
from srnet.executor.agenda import Report
from srnet.store.publishing import publish
from srnet.store.store import Store
from srnet.study.choice import choose
from srnet.study.sample import CHAIN, Sample, chain

FIGURES = list(dict.fromkeys(CHAIN.values()))
Book = Callable[[float], str]


@pytest.fixture
def book(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Book:
    """Build a book without pages, with a sample of which every score is as given; published is 0.6 of each seed."""
    monkeypatch.setattr("srnet.book.build.figures_of", lambda root: [])
    monkeypatch.setattr("srnet.book.build.build_book", lambda profile, out: out / os.environ.get(SAMPLE, "no sample"))
    monkeypatch.setattr(os, "environ", os.environ.copy())
    for name in ("SRNET_STORE", "SRNET_BELOW", SAMPLE):
        os.environ.pop(name, None)
    words = ["--store", str(tmp_path / "own"), "--out", str(tmp_path / "out")]
    if (tmp_path / "published").exists():
        words += ["--below", str(tmp_path / "published")]

    def build(level: float) -> str:
        def compute(sample: Sample, here: Store, *_: object) -> Report:
            assert not here.root.exists()
            assert not here.below
            part = replace(sample.study, seeds=(1,), sparsities=(0.7,))
            made_up(here.root, part, FIGURES, lambda run, dataset: level)
            return Report([run.experiment for run in sample.runs])

        monkeypatch.setattr(Sample, "compute", compute)
        result = CliRunner().invoke(app, ["book", "--profile", "smoke", *words])
        assert result.exit_code == 0, (result.output, result.exception)
        return result.output

    return build


@pytest.fixture
def published(tmp_path: Path) -> Path:
    study = choose("smoke")
    store = made_up(tmp_path / "store", replace(study, sparsities=(0.7,)), FIGURES, lambda run, dataset: 0.6)
    runs = [run for task in study.tasks for seed in study.seeds for run in chain(study, task, seed)]
    publish([run.experiment for run in runs], store, tmp_path / "published", "smoke", study.seeds)
    return tmp_path / "published"


def test_without_published_results_there_is_no_sample(book: Book, tmp_path: Path) -> None:
    (tmp_path / "out" / "sample").mkdir(parents=True)  # of an earlier book
    output = book(0.6)
    last = "No sample: no results of the profile smoke are published here that one could be held against."
    assert output.splitlines()[-1] == last
    assert str(tmp_path / "out" / "no sample") in output
    assert list((tmp_path / "out").iterdir()) == []


def test_the_last_lines_say_how_the_sample_compares(published: Path, book: Book, tmp_path: Path) -> None:
    for level, words in ((0.6, "32 of them equal bit for bit."), (0.7, "0 of them equal bit for bit.")):
        lines = book(level).splitlines()
        assert "12 experiments computed" in lines
        place = lines.index(f"The book: {tmp_path / 'out' / 'sample'}")
        assert lines[place + 1].startswith("The sample: 12 experiments computed anew, 32 scores held against")
        assert words in lines[place + 1]
        assert [line.startswith("32 scores differ although") for line in lines[place + 2 :]] == [True] * (level == 0.7)
