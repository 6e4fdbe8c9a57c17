"""The book: notebooks executed by papermill, pages, and Jupyter Book's HTML of both."""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import unquote

import nbformat
import papermill
import yaml
from filelock import FileLock, Timeout
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError, strip_color
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from sphinx_external_toc.parsing import parse_toc_yaml

from srnet.errors import InputError
from srnet.machine import cores
from srnet.runs import FIGURES
from srnet.study import choose

Parameters = Mapping[str, object]
Declared = Mapping[str, Mapping[str, str]]


BINDER = "https://mybinder.org"
PUBLIC = re.compile(  # a remote on a public host, as git names it: owner and repository
    r"(?:https?://(?:[^@/]*@)?|(?:ssh://)?git@)(?P<host>github\.com|gitlab\.com)[/:](?P<path>[\w.-]+/[\w.-]+?)(?:\.git)?/?"
)


@dataclass(frozen=True)
class Result:
    """A figure or table, and where it is shown.

    Attributes:
        label: what the paper calls it.
        title: what it shows.
        notebook: file name of its chapter, without its ending.
        place: anchor of the chapter's heading that has it; empty where it has a caption, whose label is its name.
        figure: its name in `srnet.runs.FIGURES`; empty where it has no experiments.
    """

    label: str
    title: str
    notebook: str
    place: str = ""
    figure: str = ""

    @property
    def number(self) -> tuple[bool, bool, int] | None:
        """Its place among those of the paper: figures, those of the supplement, tables. None for one beside them."""
        found = re.fullmatch(r"(Figure|Table) (\d+)( of the supplement)?", self.label)
        return (found[1] == "Table", bool(found[3]), int(found[2])) if found else None


DATA, TRAINING = "sizes and classes of the data sets", "how long and how fast everything is trained"
WITHOUT_EXPERIMENTS = (
    Result("Figure 1", "the three ways to a subnetwork, as a drawing of our own", "03-preliminaries"),
    Result("Table 1", DATA, "04-1-setups", "data-tables-1-and-2"),
    Result("Table 2", DATA, "04-1-setups", "data-tables-1-and-2"),
    Result("Table 3", TRAINING, "04-1-setups", "training-tables-3-and-4"),
    Result("Table 4", TRAINING, "04-1-setups", "training-tables-3-and-4"),
)


AT_ONCE = 4  # notebooks; each needs about a gigabyte


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
    columns = SpinnerColumn(finished_text="✓"), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with (
        _alone(out),
        TemporaryDirectory(dir=out, prefix=".building-") as folder,
        Progress(*columns, TimeRemainingColumn()) as progress,
    ):
        stage = Path(folder).resolve()
        source = stage / "src"
        shutil.copytree(root / "book", source / "book")
        shutil.copy(root / "_toc.yml", source)
        settings = _with_buttons((root / "_config.yml").read_text(encoding="utf-8"), public_repository(root))
        (source / "_config.yml").write_text(settings, encoding="utf-8")
        _fill_index(source / "book" / "index-of-results.md", profile, parameters or {})
        _execute_all(root, source, bound, progress)
        task = progress.add_task("HTML", total=None)
        _build_html(source, stage)
        progress.update(task, total=1, completed=1)
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


def public_repository(root: Path) -> str | None:
    """Return the web address of the public repository that a checkout's remote `origin` names, if it names one.

    Public are GitHub and GitLab, for which there are buttons.

    Args:
        root: root of the checkout.
    """
    if not (root / ".git").exists() or not shutil.which("git"):
        return None
    command = ["git", "-C", str(root), "config", "--get", "remote.origin.url"]
    found = PUBLIC.fullmatch(subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout.strip())
    return f"https://{found['host']}/{found['path']}" if found else None


def _with_buttons(settings: str, repository: str | None) -> str:
    """Return Jupyter Book's settings with buttons that lead to the repository, and to its notebooks on Binder."""
    if repository is None:
        return settings
    loaded = yaml.safe_load(settings)
    options: dict[str, Any] = loaded["sphinx"]["config"]["html_theme_options"]
    options |= {"repository_url": repository, "repository_branch": "HEAD", "path_to_docs": ""}
    options |= {"use_repository_button": True, "use_issues_button": True}
    options["launch_buttons"] = {"binderhub_url": BINDER, "notebook_interface": "jupyterlab"}
    return yaml.safe_dump(loaded, sort_keys=False, allow_unicode=True)


def results() -> list[Result]:
    """Return all figures and tables of the paper and its supplement in its order, and then those beside them."""
    drawn = [Result(each.label, each.title, each.notebook, "", name) for name, each in FIGURES.items()]
    return sorted((*WITHOUT_EXPERIMENTS, *drawn), key=lambda result: result.number or (True, True, 0))


def results_table(profile: str, parameters: Parameters | None = None) -> str:
    """Return the index of results in Markdown: a row for each figure and table, with the number of its records.

    Args:
        profile: name of the profile that the commands in it name.
        parameters: those of the notebooks, which say what of the profile is chosen.

    Raises:
        InputError: if there is no such profile, or a parameter has an impossible value.
    """
    chosen = {name: value for name, value in (parameters or {}).items() if name in ("tasks", "sparsities", "seeds")}
    study = choose(profile, **chosen)  # type: ignore[arg-type]
    head = ["| paper | what | chapter | regenerate with | records |", "|---|---|---|---|---|"]
    papers: list[str] = []
    others: list[str] = []
    for result in results():
        name, chapter = result.figure, f"../notebooks/{result.notebook}"
        records = "none"
        command = f"`papermill notebooks/{result.notebook}.ipynb out.ipynb -p profile {profile}`"
        if name in study.figures:
            command = f"`srnet run --profile {profile} --figure {name}`"
            records = f"[{len(study.experiments([name]))}]({chapter}.ipynb#records)"
        elif name:
            command, records = f"not in the profile `{profile}`", f"[none here]({chapter}.ipynb#records)"
        place = f"[{result.label}]({chapter}.ipynb#{result.place})" if result.place else result.label
        if result.number and not result.place:
            place = f"{{ref}}`{result.label} <{name or 'figure-1'}>`"
        (papers if result.number else others).append(
            f"| {place} | {result.title} | {{doc}}`{chapter}` | {command} | {records} |"
        )
    beside = ["", "Beside the paper:", "", *head, *others] if others else []
    return "\n".join([*head, *papers, *beside])


def _fill_index(page: Path, profile: str, parameters: Parameters) -> None:
    if page.is_file():
        text = page.read_text(encoding="utf-8").replace("{{ results }}", results_table(profile, parameters))
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


def _execute_all(root: Path, source: Path, bound: Mapping[str, Parameters], progress: Progress) -> None:
    """Execute notebooks side by side: when the study is computed, each mostly imports and draws on one core."""
    task, at_once = progress.add_task("notebooks", total=len(bound)), min(cores(), AT_ONCE)
    os.environ.setdefault("OMP_NUM_THREADS", str(cores() // at_once))  # more threads than cores wait for each other
    with ThreadPoolExecutor(at_once) as pool:
        running = {pool.submit(_execute, root, name, source / name, values): name for name, values in bound.items()}
        for done in as_completed(running):
            try:
                done.result()
            except Exception:
                pool.shutdown(cancel_futures=True)
                raise
            progress.update(task, advance=1, description=f"notebooks, last {running[done]}")


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
