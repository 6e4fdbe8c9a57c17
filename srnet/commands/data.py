"""Commands about text: the official data files, and the pocket world."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from srnet.commands.options import a_path
from srnet.commands.printing import complain, say, show
from srnet.errors import InputError
from srnet.files import check_target

app = typer.Typer(no_args_is_help=True, help="The official data files.")
pocket = typer.Typer(no_args_is_help=True, help="The generated world that the study runs on by default.")


@app.command()
def check(
    folder: Annotated[Path, typer.Argument(parser=a_path, help="Data folder.")],
    task: Annotated[list[str] | None, typer.Option("--task", help="Only this task; may be repeated.")] = None,
) -> None:
    """Read data files; print examples and classes of each (Tables 1 and 2), and which are not the official ones.

    A task that cannot be read is said, and the others are read; then the exit status is 2.
    """
    from srnet.data.tasks import TASKS, find_task

    names = [find_task(name).name for name in dict.fromkeys(task or TASKS)]
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give the one that holds {', '.join(_top(names))}")
    failed = False
    for name in names:
        try:
            _check_task(name, folder)
        except InputError as error:
            complain(error)
            failed = True
    if failed:
        raise typer.Exit(2)


def _top(tasks: Sequence[str]) -> list[str]:
    """Return the folders in the data folder that tasks have."""
    from srnet.data.tasks import TASKS

    return list(dict.fromkeys(f"{file.split('/')[0]}/" for name in tasks for file in TASKS[name].files))


def _check_task(name: str, folder: Path) -> None:
    from srnet.data.official import load_task
    from srnet.data.statistics import check_official, statistics

    table = statistics(load_task(name, folder))
    rows = [
        [row.data_set, row.split, row.label, f"{row.examples:,}", f"{100 * row.share:.1f}"]
        for row in table.itertuples()
    ]
    show(["data set", "split", "class", "examples", "%"], rows, right=("examples", "%"))
    verdicts = check_official(table)[["data_set", "split", "verdict"]].drop_duplicates()
    for row in verdicts.itertuples():
        say(f"{row.data_set} {row.split}: {row.verdict}")


@app.command()
def fetch(
    task: Annotated[str, typer.Argument(help="Name of a task.")],
    folder: Annotated[Path, typer.Argument(parser=a_path, help="Data folder to write to.")],
) -> None:
    """Fetch a task's data sets from the Hugging Face hub, as official files, and say what the hub lacks."""
    check_target(folder)
    from srnet.data import hub

    for file, source in hub.fetch(task, folder).items():
        say(f"not on the hub: {file}, {source}")


@pocket.command()
def pretrain(
    out: Annotated[Path, typer.Option("--out", parser=a_path, help="Folder to write the model to.")],
    name: Annotated[str, typer.Option("--name", help="pocket, pocket-large or pocket-roberta.")] = "pocket",
) -> None:
    """Pre-train a model of the pocket world anew, bit for bit as it is shipped."""
    check_target(out)
    from srnet import pocket

    pocket.pretrain(out, pocket.find_recipe(name))
    say(f"The model: {out}")


@pocket.command()
def export(out: Annotated[Path, typer.Option("--out", parser=a_path, help="Data folder to write to.")]) -> None:
    """Write the pocket world's text as official files, to be read with --data-dir, and its pre-trained model, plm."""
    check_target(out)
    from srnet.data.official import write_task
    from srnet.data.tasks import TASKS
    from srnet.pocket import World, build, plm_folder

    for task in TASKS:
        write_task(build(task, World()), out)
    shutil.copytree(plm_folder(), out / "plm", dirs_exist_ok=True)
    say(f"The data folder: {out}")
    say(f"The model: {out / 'plm'}")
