"""The command line."""

import os
import sys
import warnings
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from srnet.commands import store
from srnet.commands.options import CheckpointEvery, Choice, Places, ProfileName, Scheduler, Workers, grouped
from srnet.commands.outcome import tell
from srnet.commands.plan import plan
from srnet.commands.printing import complain, console, warn
from srnet.commands.status import status
from srnet.errors import InputError
from srnet.hub import fetch
from srnet.pocket import World, build, pretrain
from srnet.statistics import check_official, statistics
from srnet.store import CHECKPOINT_EVERY, Store
from srnet.study import Study
from srnet.tasks import TASKS, load_task, write_task

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
pocket = typer.Typer(no_args_is_help=True, help="The generated world that the study runs on by default.")
data = typer.Typer(no_args_is_help=True, help="The official data files.")
app.add_typer(pocket, name="pocket")
app.add_typer(store.app, name="store")
app.add_typer(data, name="data")


@app.command()
@grouped
def run(
    choice: Choice,
    places: Places,
    workers: Workers = None,
    scheduler: Scheduler = None,
    checkpoint_every: CheckpointEvery = CHECKPOINT_EVERY,
) -> None:
    """Compute what the store lacks of the study, or of the figures named."""
    kept = places.results(checkpoint_every)
    tell(choice.study(places).compute(kept, choice.figure, workers, scheduler), kept)


app.command()(plan)
app.command()(status)


@app.command()
@grouped
def book(
    places: Places,
    profile: ProfileName = "pocket",
    out: Annotated[Path, typer.Option("--out", help="Folder to build in.")] = Path("build/book"),
    workers: Workers = None,
    scheduler: Scheduler = None,
    checkpoint_every: CheckpointEvery = CHECKPOINT_EVERY,
) -> None:
    """Compute the study, execute the notebooks and build the book."""
    try:
        from srnet.book import BookError, build_book, figures_of, find_root
    except ImportError as error:
        raise InputError(f"{error.name} is not installed: pip install 'srnet[book]'") from None
    root = find_root(Path.cwd())
    study, kept = Choice(profile).study(places), places.results(checkpoint_every)
    figures = [name for name in figures_of(root) if name in study.figures]
    tell(study.compute(kept, figures, workers, scheduler), kept)
    os.environ |= _environment(kept, study)
    try:
        page = build_book(profile, out)
    except BookError as error:
        complain(error)
        raise typer.Exit(1) from None
    console.print(f"The book: {page}", soft_wrap=True, markup=False)


@pocket.command("pretrain")
def pocket_pretrain(out: Annotated[Path, typer.Option("--out", help="Folder to write the model to.")]) -> None:
    """Pre-train the pocket world's BERT anew, bit for bit as it is shipped."""
    pretrain(out)
    console.print(f"The model: {out}", soft_wrap=True, markup=False)


@pocket.command("export")
def pocket_export(out: Annotated[Path, typer.Option("--out", help="Data folder to write to.")]) -> None:
    """Write the pocket world's text as official files, to be read with --data-dir."""
    for task in TASKS:
        write_task(build(task, World()), out)
    console.print(f"The data folder: {out}", soft_wrap=True, markup=False)


@data.command("check")
def data_check(
    folder: Annotated[Path, typer.Argument(help="Data folder.")],
    task: Annotated[list[str] | None, typer.Option("--task", help="Only this task; may be repeated.")] = None,
) -> None:
    """Read data files; print examples and classes of each (Tables 1 and 2), and which are not the official ones."""
    for name in task or TASKS:
        table = statistics(load_task(name, folder))
        rows = Table("data set", "split", "class", "examples", "%")
        for row in table.itertuples():
            rows.add_row(row.data_set, row.split, row.label, f"{row.examples:,}", f"{100 * row.share:.1f}")
        console.print(rows)
        verdicts = check_official(table)[["data_set", "split", "verdict"]].drop_duplicates()
        for row in verdicts.itertuples():
            console.print(f"{row.data_set} {row.split}: {row.verdict}", soft_wrap=True, markup=False)


@data.command("fetch")
def data_fetch(
    task: Annotated[str, typer.Argument(help="Name of a task.")],
    folder: Annotated[Path, typer.Argument(help="Data folder to write to.")],
) -> None:
    """Fetch a task's data sets from the Hugging Face hub, as official files, and say what the hub lacks."""
    for file, source in fetch(task, folder).items():
        console.print(f"not on the hub: {file}, {source}", soft_wrap=True, markup=False)


def main() -> None:
    """Run the command line; an error of the user's input ends it with one line and exit status 2."""
    warnings.showwarning = warn
    warnings.simplefilter("once", UserWarning)  # wherever in the code the same is said again
    try:
        app()
    except InputError as error:
        complain(error)
        sys.exit(2)


def _environment(kept: Store, study: Study) -> dict[str, str]:
    """Return what a notebook's process needs to find the same results."""
    inputs, below = study.inputs, os.pathsep.join(map(str, kept.below))
    found = {"SRNET_STORE": kept.root, "SRNET_BELOW": below, "SRNET_DATA": inputs.data_dir, "SRNET_PLM": inputs.plm}
    found |= {"SRNET_VECTORS": inputs.vectors}
    return {name: str(value) for name, value in found.items() if value}
