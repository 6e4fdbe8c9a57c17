"""The book: notebooks executed by papermill, pages, and Jupyter Book's HTML of both."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import unquote

import nbformat
import papermill
from filelock import FileLock, Timeout
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError, strip_color
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from sphinx_external_toc.parsing import parse_toc_yaml

from srnet.errors import InputError
from srnet.profiles import find_profile
from srnet.runs import FIGURES

Parameters = Mapping[str, object]
Declared = Mapping[str, Mapping[str, str]]


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
        InputError: the current folder is not in a checkout; a notebook has no parameter `profile`; a parameter is of
            the wrong type or no notebook declares it; a notebook refused its input.
        BookError: a notebook failed, or Jupyter Book warned of something, or a link leads nowhere.
    """
    root = find_root(Path.cwd())
    names = _notebooks(root)
    declared = {name: papermill.inspect_notebook(str(root / name)) for name in names}
    for name in names:
        if "profile" not in declared[name]:
            raise InputError(f"{name}: no profile in its cell tagged parameters; every notebook of the book has one")
    bound = bind_parameters(declared, {**(parameters or {}), "profile": profile})
    # A notebook's process inherits it: tqdm asks for ipywidgets, which a printed page has no use for.
    os.environ.setdefault("PYTHONWARNINGS", "ignore:IProgress not found")
    out.mkdir(parents=True, exist_ok=True)
    columns = SpinnerColumn(finished_text="✓"), TextColumn("{task.description}"), TimeElapsedColumn()
    with (
        _alone(out),
        TemporaryDirectory(dir=out, prefix=".building-") as folder,
        Progress(*columns) as progress,
    ):
        stage = Path(folder).resolve()
        source = stage / "src"
        shutil.copytree(root / "book", source / "book")
        for name in ("_config.yml", "_toc.yml"):
            shutil.copy(root / name, source)
        _fill_index(source / "book" / "index-of-results.md", profile)
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


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Keep other processes from building in the same folder, and remove what one left that was killed."""
    try:
        with FileLock(out / ".lock", blocking=False):
            for left in out.glob(".building-*"):
                shutil.rmtree(left, ignore_errors=True)
            try:
                yield
            finally:
                (out / ".lock").unlink()
    except Timeout:
        raise InputError(f"{out}: another process builds a book there: wait for it, or give another --out") from None


def find_root(start: Path) -> Path:
    """Return the root of the checkout that holds the folder `start`.

    Raises:
        InputError: `start` is not inside a checkout.
    """
    for folder in (start, *start.parents):
        if (folder / "pyproject.toml").is_file() and (folder / "_toc.yml").is_file():
            return folder
    raise InputError(f"{start}: no pyproject.toml and _toc.yml here or above; the book is built inside a checkout")


def figures_of(root: Path) -> list[str]:
    """Return which figures and tables of the study the notebooks that `_toc.yml` names show.

    Args:
        root: root of the checkout.
    """
    code = "\n".join(
        cell.source
        for name in _notebooks(root)
        for cell in nbformat.read(root / name, as_version=4).cells
        if cell.cell_type == "code"
    )
    return [name for name in FIGURES if f'"{name}"' in code]


def results_table(profile: str) -> str:
    """Return the index of results in Markdown: a row for each figure and table of the study.

    Args:
        profile: name of the profile that the commands in it name.

    Raises:
        InputError: if there is no such profile.
    """
    left_out = find_profile(profile).left_out
    rows = ["| paper | what | chapter | regenerate with; its records |", "|---|---|---|---|"]
    for figure in FIGURES.values():
        command = f"`srnet run --profile {profile} --figure {figure.name}`"
        records = f"[records](../notebooks/{figure.notebook}.ipynb#records)"
        if figure.name in left_out:
            command = f"not in the profile `{profile}`"
        chapter = f"{{doc}}`../notebooks/{figure.notebook}`"
        rows.append(f"| {figure.label} | {figure.title} | {chapter} | {command}; {records} |")
    return "\n".join(rows)


def _fill_index(page: Path, profile: str) -> None:
    if page.is_file():
        text = page.read_text(encoding="utf-8").replace("{{ results }}", results_table(profile))
        page.write_text(text, encoding="utf-8")


def bind_parameters(declared: Mapping[str, Declared], given: Parameters) -> dict[str, dict[str, object]]:
    """Return which of the given parameters each notebook takes: those that it declares.

    Args:
        declared: what `papermill.inspect_notebook` says of each notebook.
        given: parameters for all notebooks, by name. A value must be of the declared type, or of the default's where
            no type is declared; what its items may be is for the notebook to say.

    Raises:
        InputError: no notebook declares a given parameter, or one declares it with another type.
    """
    for name, value in given.items():
        takers = {notebook: parameters[name] for notebook, parameters in declared.items() if name in parameters}
        if not takers:
            known = "; ".join(f"{notebook} has {', '.join(parameters)}" for notebook, parameters in declared.items())
            raise InputError(f"unknown notebook parameter {name}: {known}")
        for notebook, parameter in takers.items():
            if not _fits(value, parameter):
                raise InputError(
                    f"{notebook}: parameter {name} cannot be {value!r}: give a {_type(parameter)}; its default is "
                    f"{parameter['default']}, and the notebook has {', '.join(declared[notebook])}"
                )
    return {
        notebook: {name: value for name, value in given.items() if name in parameters}
        for notebook, parameters in declared.items()
    }


def _notebooks(root: Path) -> list[str]:
    pages = [f"{name}.ipynb" for name in parse_toc_yaml(root / "_toc.yml")]
    return [name for name in pages if (root / name).is_file()]


def _type(parameter: Mapping[str, str]) -> str:
    annotated = parameter["inferred_type_name"].partition("[")[0]
    return annotated if annotated != "None" else type(ast.literal_eval(parameter["default"])).__name__


def _fits(value: object, parameter: Mapping[str, str]) -> bool:
    given, wanted = type(value).__name__, _type(parameter)
    if wanted == "NoneType" or (value is None and parameter["default"] == "None"):
        return True
    return given == wanted or (given, wanted) in {("int", "float"), ("tuple", "list"), ("list", "tuple")}


def _execute(root: Path, name: str, output: Path, values: Parameters) -> None:
    try:
        notebook = papermill.execute_notebook(
            str(root / name),
            None,
            parameters=dict(values),
            kernel_name="python3",
            cwd=str(root),
            progress_bar=False,
            extra_arguments=["--IPKernelApp.log_level=CRITICAL"],  # a kernel that is shut down logs it as an error
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
    if dead := _dead_links(stage / "_build" / "html"):
        raise BookError("\n".join(["These pages lead to files that are not in the book:", *dead]))


def _dead_links(html: Path) -> list[str]:
    """Return where pages lead to files that are missing; Sphinx looks neither at glued pictures nor at raw HTML."""
    return [
        f"{page.relative_to(html)}: {target}"
        for page in sorted(html.rglob("*.html"))
        if "_static" not in page.parts  # templates of the theme
        for target in re.findall(r'(?:href|src)="([^"#?:]+)[#?"]', page.read_text(encoding="utf-8"))
        if not (page.parent / unquote(target)).exists()
    ]


def _replace(new: Path, final: Path, stage: Path) -> None:
    if final.exists():
        final.rename(stage / f"old-{final.name}")
    new.rename(final)
