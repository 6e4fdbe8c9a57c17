"""The command line."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from srnet.compute import work
from srnet.errors import InputError
from srnet.executor import Report, missing
from srnet.experiments import closure
from srnet.hub import fetch
from srnet.inputs import Inputs
from srnet.pocket import World, build, pretrain
from srnet.statistics import check_official, statistics
from srnet.store import Store, default_root
from srnet.study import Study, choose
from srnet.tasks import TASKS, load_task, write_task

app = typer.Typer(add_completion=False, no_args_is_help=True, help=__doc__, pretty_exceptions_enable=False)
pocket = typer.Typer(no_args_is_help=True, help="The generated world that the study runs on by default.")
data = typer.Typer(no_args_is_help=True, help="The official data files.")
app.add_typer(pocket, name="pocket")
app.add_typer(data, name="data")
console = Console()

ProfileName = Annotated[str, typer.Option("--profile", help="Size of the study: smoke, pocket, small or paper.")]
Figures = Annotated[list[str] | None, typer.Option("--figure", help="Only this figure; may be repeated.")]
Tasks = Annotated[list[str] | None, typer.Option("--task", help="Only this task; may be repeated.")]
Sparsities = Annotated[
    list[float] | None, typer.Option("--sparsity", help="Share of weights removed; may be repeated.")
]
Seeds = Annotated[list[int] | None, typer.Option("--seed", help="Repetition; may be repeated.")]
StoreFolder = Annotated[Path | None, typer.Option("--store", envvar="SRNET_STORE", help="Folder of results.")]
DataFolder = Annotated[Path | None, typer.Option("--data-dir", envvar="SRNET_DATA", help="Official data files.")]
Plm = Annotated[str | None, typer.Option("--plm", envvar="SRNET_PLM", help="Model folder, or name on the hub.")]
Vectors = Annotated[Path | None, typer.Option("--vectors", envvar="SRNET_VECTORS", help="fastText .bin or .vec file.")]
Workers = Annotated[int | None, typer.Option("--workers", min=1, help="Processes; one per core if not given.")]


@app.command()
def run(
    profile: ProfileName = "pocket",
    figure: Figures = None,
    task: Tasks = None,
    sparsity: Sparsities = None,
    seed: Seeds = None,
    store: StoreFolder = None,
    data_dir: DataFolder = None,
    plm: Plm = None,
    vectors: Vectors = None,
    workers: Workers = None,
) -> None:
    """Compute what the store lacks of the study, or of the figures named."""
    study = choose(profile, task, sparsity, seed, Inputs(data_dir, plm, vectors))
    _tell(study.compute(Store(store or default_root()), figure, workers))


@app.command()
def plan(
    profile: ProfileName = "pocket",
    figure: Figures = None,
    task: Tasks = None,
    sparsity: Sparsities = None,
    seed: Seeds = None,
    store: StoreFolder = None,
    data_dir: DataFolder = None,
    plm: Plm = None,
    vectors: Vectors = None,
) -> None:
    """Say what `run` would compute: experiments, optimiser steps and examples, without computing anything."""
    study, kept = choose(profile, task, sparsity, seed, Inputs(data_dir, plm, vectors)), Store(store or default_root())
    wanted = closure(study.experiments(figure))
    todo = missing(study.experiments(figure), kept)
    console.print(f"{len(wanted)} experiments, {len(wanted) - len(todo)} of them in {kept.root}", markup=False)
    rows = Table("to compute", "key", "steps", "units of work")
    for experiment in todo:
        recipe = getattr(experiment, "recipe", None)
        steps = recipe.steps if recipe else 0
        rows.add_row(experiment.title, experiment.key, f"{steps:,}", f"{work(experiment, study.inputs):,}")
    if todo:
        console.print(rows)
        total = sum(work(experiment, study.inputs) for experiment in todo)
        console.print(f"{total:,} units of work; a unit is the forward pass of one example")


@app.command()
def status(
    profile: ProfileName = "pocket",
    figure: Figures = None,
    task: Tasks = None,
    sparsity: Sparsities = None,
    seed: Seeds = None,
    store: StoreFolder = None,
    data_dir: DataFolder = None,
    plm: Plm = None,
    vectors: Vectors = None,
) -> None:
    """List the experiments of the study and whether each is done, missing or failed."""
    study, kept = choose(profile, task, sparsity, seed, Inputs(data_dir, plm, vectors)), Store(store or default_root())
    rows = Table("experiment", "key", "state")
    for experiment in closure(study.experiments(figure)):
        failure = kept.failure(experiment)
        state = "done" if kept.has(experiment) else f"failed: {failure}" if failure else "missing"
        rows.add_row(experiment.title, experiment.key, escape(state))
    console.print(rows)


@app.command()
def book(
    profile: ProfileName = "pocket",
    out: Annotated[Path, typer.Option("--out", help="Folder to build in.")] = Path("build/book"),
    store: StoreFolder = None,
    data_dir: DataFolder = None,
    plm: Plm = None,
    vectors: Vectors = None,
    workers: Workers = None,
) -> None:
    """Compute the study, execute the notebooks and build the book."""
    try:
        from srnet.book import BookError, build_book, find_root
    except ImportError as error:
        raise InputError(f"{error.name} is not installed: pip install 'srnet[book]'") from None
    find_root(Path.cwd())
    root = store or default_root()
    study = choose(profile, inputs=Inputs(data_dir, plm, vectors))
    _tell(study.compute(Store(root), workers=workers))
    os.environ |= _environment(root, study)
    try:
        page = build_book(profile, out)
    except BookError as error:
        _complain(error)
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
    try:
        app()
    except InputError as error:
        _complain(error)
        sys.exit(2)


def _complain(error: Exception) -> None:
    Console(stderr=True).print(f"error: {error}", style="bold red", soft_wrap=True, markup=False, highlight=False)


def _tell(report: Report) -> None:
    console.print(f"{len(report.computed)} experiments computed")
    for experiment, reason in report.failed.items():
        console.print(f"failed: {experiment.title} ({experiment.key}): {reason}", style="red", markup=False)
    if report.failed:
        console.print(f"{len(report.skipped)} skipped because of that; the same command tries again", style="red")
        raise typer.Exit(1)


def _environment(root: Path, study: Study) -> dict[str, str]:
    """Return what a notebook's process needs to find the same results."""
    data, plm, vectors = study.inputs.data_dir, study.inputs.plm, study.inputs.vectors
    found = {"SRNET_STORE": str(root.resolve())}
    if data:
        found["SRNET_DATA"] = str(data.resolve())
    if vectors:
        found["SRNET_VECTORS"] = str(vectors.resolve())
    if plm:
        found["SRNET_PLM"] = str(Path(plm).resolve()) if Path(plm).is_dir() else plm
    return found
