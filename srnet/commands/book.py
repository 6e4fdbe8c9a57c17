"""The command that builds the book."""

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from srnet.commands.options import Choice, Places, ProfileName, Scheduler, SnapshotEvery, Workers, a_path, grouped
from srnet.commands.printing import complain, say
from srnet.commands.run import report_outcome
from srnet.environment import SNAPSHOT_EVERY, find_root, variables
from srnet.errors import InputError
from srnet.files import check_target

if TYPE_CHECKING:
    from srnet.store.store import Store
    from srnet.study.sample import Sample


@grouped
def book(
    places: Places,
    profile: ProfileName = "pocket",
    out: Annotated[Path, typer.Option("--out", parser=a_path, help="Folder to build in.")] = Path("build/book"),
    workers: Workers = None,
    scheduler: Scheduler = None,
    snapshot_every: SnapshotEvery = SNAPSHOT_EVERY,
) -> None:
    """Compute the study, execute the notebooks and build the book.

    Where results of the profile are published, a sample of them is computed from nothing and held against them.
    """
    root = find_root(Path.cwd())
    try:
        from srnet.book.build import BookError, alone, build_book, figures_of
    except ImportError as error:
        raise InputError(f"{error.name} is not installed: pip install '{root}[book]'") from None
    from srnet.store.store import Store
    from srnet.study.sample import sample_of

    check_target(out)
    study, store = Choice(profile).study(places), places.results(snapshot_every)
    figures = [name for name in figures_of(root) if name in study.figures]
    report_outcome(study.compute(store, figures, workers, scheduler), store)
    sample = sample_of(study, store.below)
    own = Store((out / "sample").absolute(), snapshot_every=snapshot_every)
    with alone(out):
        shutil.rmtree(own.root, ignore_errors=True)
        if sample:
            say("A sample of the study, from nothing:")
            report_outcome(sample.compute(own, workers, scheduler), own)
        # For the notebooks' processes:
        os.environ |= variables(store.root, store.below, study.inputs, own.root if sample else None)
        try:
            page = build_book(profile, out)
        except BookError as error:
            complain(error)
            raise typer.Exit(1) from None
    say(f"The book: {page}")
    _tell(sample, own, profile)


def _tell(sample: "Sample | None", own: "Store", profile: str) -> None:
    """Say how the sample compares with what is published."""
    from srnet.study.comparison import error_in_words
    from srnet.study.sample import told

    if sample is None:
        say(f"No sample: no results of the profile {profile} are published here that one could be held against.")
        return
    say(f"The sample: {told(sample, own)}")
    if wrong := error_in_words(sample.compared(own).iloc[-1]):
        say(wrong, style="red")
