"""The command that builds the book."""

import os
from pathlib import Path
from typing import Annotated

import typer

from srnet.commands.options import Choice, Places, ProfileName, Scheduler, SnapshotEvery, Workers, grouped
from srnet.commands.printing import complain, say
from srnet.commands.run import report_outcome
from srnet.environment import SNAPSHOT_EVERY, find_root, variables
from srnet.errors import InputError


@grouped
def book(
    places: Places,
    profile: ProfileName = "pocket",
    out: Annotated[Path, typer.Option("--out", help="Folder to build in.")] = Path("build/book"),
    workers: Workers = None,
    scheduler: Scheduler = None,
    snapshot_every: SnapshotEvery = SNAPSHOT_EVERY,
) -> None:
    """Compute the study, execute the notebooks and build the book."""
    try:
        from srnet.book.build import BookError, build_book, figures_of
    except ImportError as error:
        raise InputError(f"{error.name} is not installed: pip install 'srnet[book]'") from None
    root = find_root(Path.cwd())
    study, store = Choice(profile).study(places), places.results(snapshot_every)
    figures = [name for name in figures_of(root) if name in study.figures]
    report_outcome(study.compute(store, figures, workers, scheduler), store)
    os.environ |= variables(store.root, store.below, study.inputs)  # for the notebooks' processes
    try:
        page = build_book(profile, out)
    except BookError as error:
        complain(error)
        raise typer.Exit(1) from None
    say(f"The book: {page}")
