"""The book: notebooks executed by papermill, pages, and Jupyter Book's HTML of both."""

import ast
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat
import papermill
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError, strip_color
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from sphinx_external_toc.parsing import parse_toc_yaml

from srnet.errors import InputError

Parameters = Mapping[str, object]


class BookError(RuntimeError):
    """The book could not be built although nothing the user gave is wrong; the message says where and why."""


def build_book(profile: str, out: Path, parameters: Parameters | None = None) -> Path:
    """Execute the notebooks that `_toc.yml` names and build the HTML book from scratch.

    Everything happens in a temporary folder inside `out`; only a finished book takes the place of the last one.

    Args:
        profile: name of the profile, given to every notebook as its parameter `profile`.
        out: folder that receives `src` (pages and executed notebooks) and `html`.
        parameters: further notebook parameters; each goes to the notebooks that declare it.

    Returns:
        The path of the book's first page.

    Raises:
        InputError: the current folder is not in a checkout; a parameter is of the wrong type or no notebook declares
            it; a notebook refused its input.
        BookError: a notebook failed, or Jupyter Book warned of something.
    """
    root = find_root(Path.cwd())
    names = [name for name in parse_toc_yaml(root / "_toc.yml") if (root / f"{name}.ipynb").is_file()]
    bound = bind_parameters(
        {f"{name}.ipynb": declared_parameters(root / f"{name}.ipynb") for name in names},
        {**(parameters or {}), "profile": profile},
    )
    out.mkdir(parents=True, exist_ok=True)
    columns = SpinnerColumn(finished_text="✓"), TextColumn("{task.description}"), TimeElapsedColumn()
    with TemporaryDirectory(dir=out, prefix=".building-") as folder, Progress(*columns) as progress:
        stage = Path(folder).resolve()
        source = stage / "src"
        shutil.copytree(root / "book", source / "book")
        for name in ("_config.yml", "_toc.yml"):
            shutil.copy(root / name, source)
        for name, values in bound.items():
            task = progress.add_task(name, total=1)
            _execute(root, name, source / name, values)
            progress.advance(task)
        task = progress.add_task("HTML", total=1)
        _build_html(source, stage)
        progress.advance(task)
        _replace(source, out / "src", stage)
        _replace(stage / "_build" / "html", out / "html", stage)
    return out / "html" / "index.html"


def find_root(start: Path) -> Path:
    """Return the root of the checkout that holds the folder `start`.

    Raises:
        InputError: `start` is not inside a checkout.
    """
    for folder in (start, *start.parents):
        if (folder / "pyproject.toml").is_file() and (folder / "_toc.yml").is_file():
            return folder
    raise InputError(f"{start}: no pyproject.toml and _toc.yml here or above; the book is built inside a checkout")


def declared_parameters(notebook: Path) -> dict[str, object]:
    """Return the names and defaults in a notebook's cell tagged "parameters", which must be literals."""
    found = papermill.inspect_notebook(str(notebook))
    return {name: ast.literal_eval(parameter["default"]) for name, parameter in found.items()}


def bind_parameters(declared: Mapping[str, Parameters], given: Parameters) -> dict[str, dict[str, object]]:
    """Return which of the given parameters each notebook takes: those that it declares.

    Args:
        declared: names and defaults of the parameters of each notebook.
        given: parameters for all notebooks. A value must be of its default's type, where a whole number will do for a
            float, the items of a list are like some item of the default, and a default of None takes anything.

    Raises:
        InputError: no notebook declares a given parameter, or one declares it with another type.
    """
    for name, value in given.items():
        takers = {notebook: defaults[name] for notebook, defaults in declared.items() if name in defaults}
        if not takers:
            every = "; ".join(f"{notebook} declares {', '.join(defaults)}" for notebook, defaults in declared.items())
            raise InputError(f"unknown notebook parameter {name}: {every}")
        for notebook, default in takers.items():
            if not _is_like(value, default):
                raise InputError(
                    f"{notebook}: parameter {name} cannot be {value!r}: give a value of the type of its default "
                    f"{default!r} (declared: {', '.join(declared[notebook])})"
                )
    return {
        notebook: {name: value for name, value in given.items() if name in defaults}
        for notebook, defaults in declared.items()
    }


def _is_like(value: object, default: object) -> bool:
    if isinstance(default, list | tuple):
        return isinstance(value, list | tuple) and all(
            not default or any(_is_like(item, other) for other in default) for item in value
        )
    return default is None or type(value) is type(default) or (type(value) is int and type(default) is float)


def _execute(root: Path, name: str, output: Path, values: Parameters) -> None:
    try:
        notebook = papermill.execute_notebook(
            str(root / name),
            None,
            parameters=dict(values),
            kernel_name="python3",
            cwd=str(root),
            progress_bar=False,
            extra_arguments=["--IPKernelApp.log_level=ERROR"],
        )
    except PapermillExecutionError as error:
        if error.ename == InputError.__name__:
            raise InputError(f"{name}: {error.evalue}") from None
        traceback = strip_color("\n".join(error.traceback)).splitlines()[-15:]
        where = f"{name}, cell In [{error.exec_count}]: {error.ename}: {error.evalue}"
        raise BookError("\n".join([where, *traceback])) from None
    except DeadKernelError:
        raise BookError(f"{name}: its kernel died, most often for want of memory") from None
    del notebook.metadata["papermill"]  # paths and times of this machine
    output.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, output)


def _build_html(source: Path, stage: Path) -> None:
    command = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build", str(source)]
    options = ["--path-output", str(stage), "--all", "-W", "-n", "--keep-going", "-q"]
    run = subprocess.run([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if run.returncode:
        lines = strip_color(run.stdout).replace(f"{source}/", "").splitlines()
        problems = [line for line in lines if "WARNING: " in line or "ERROR: " in line]
        raise BookError("\n".join(["Jupyter Book refuses these pages:", *(problems or lines[-15:])]))


def _replace(new: Path, final: Path, stage: Path) -> None:
    if final.exists():
        final.rename(stage / f"old-{final.name}")
    new.rename(final)
