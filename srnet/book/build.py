"""The book: notebooks executed by papermill, pages, and Jupyter Book's HTML of both."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
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

from srnet.book.chapter import without_places
from srnet.book.index import fill_index
from srnet.environment import find_root
from srnet.errors import InputError
from srnet.machine import cores
from srnet.study.catalogue import FIGURES

BINDER = "https://mybinder.org"
PUBLIC = re.compile(  # a remote on a public host, as git names it: owner and repository
    r"(?:https?://(?:[^@/]*@)?|(?:ssh://)?git@)(?P<host>github\.com|gitlab\.com)[/:](?P<path>[\w.-]+/[\w.-]+?)(?:\.git)?/?"
)


AT_ONCE = 4  # notebooks; each needs about a gigabyte


class BookError(RuntimeError):
    """The book could not be built although nothing the user gave is wrong; the message says where and why."""


def build_book(profile: str, out: Path) -> Path:
    """Execute the notebooks that `_toc.yml` names and build the HTML book from scratch.

    Everything happens in a temporary folder inside `out`; only a finished book takes the place of the last one. Nobody
    else may build there meanwhile (`alone`).

    Args:
        profile: name of the profile, given to every notebook as its parameter `profile`.
        out: folder that receives `src` (pages and executed notebooks) and `html`.

    Returns:
        The path of the book's first page.

    Raises:
        InputError: the current folder is not in a checkout; a notebook has no parameter `profile`, or refused its
            input.
        BookError: a notebook failed, or Jupyter Book warned of something, or a link leads nowhere.
    """
    root = find_root(Path.cwd())
    names = _notebooks(root)
    for name in names:
        if "profile" not in papermill.inspect_notebook(str(root / name)):
            raise InputError(f"{name}: no profile in its cell tagged parameters; every notebook of the book has one")
    # A notebook's process inherits it: tqdm asks for ipywidgets, which a printed page has no use for.
    os.environ.setdefault("PYTHONWARNINGS", "ignore:IProgress not found")
    out.mkdir(parents=True, exist_ok=True)
    columns = SpinnerColumn(finished_text="✓"), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn()
    with (
        TemporaryDirectory(dir=out, prefix=".building-") as folder,
        Progress(*columns, TimeRemainingColumn()) as progress,
    ):
        stage = Path(folder).resolve()
        source = stage / "src"
        shutil.copytree(root / "book", source / "book")
        shutil.copy(root / "_toc.yml", source)
        settings = _with_buttons((root / "_config.yml").read_text(encoding="utf-8"), public_repository(root))
        (source / "_config.yml").write_text(settings, encoding="utf-8")
        fill_index(source / "book" / "index-of-results.md", profile)
        _execute_all(root, source, names, profile, progress)
        task = progress.add_task("HTML", total=None)
        _build_html(source, stage)
        progress.update(task, total=1, completed=1)
        _replace(source, out / "src", stage)
        _replace(stage / "_build" / "html", out / "html", stage)
    return out / "html" / "index.html"


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Keep other processes from building in the same folder, and remove what one left that was killed.

    Args:
        out: the folder; it is made if it is not there.

    Raises:
        InputError: if another process builds there, or the folder cannot be made, written to or locked.
    """
    lock = FileLock(out / ".lock", blocking=False, fallback_to_soft=False)
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise InputError(f"{out}: another process builds a book there: wait for it, or give another --out") from None
    except OSError as error:
        raise InputError(f"{out}: no book can be built there: {error.strerror}; give another --out") from None
    try:
        for left in out.glob(".building-*"):
            shutil.rmtree(left, ignore_errors=True)
        yield
    finally:
        (out / ".lock").unlink()
        lock.release()


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
    found = PUBLIC.fullmatch(subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8").stdout.strip())
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


def _notebooks(root: Path) -> list[str]:
    pages = [f"{name}.ipynb" for name in parse_toc_yaml(root / "_toc.yml")]
    return [name for name in pages if (root / name).is_file()]


def _execute_all(root: Path, source: Path, names: Sequence[str], profile: str, progress: Progress) -> None:
    """Execute notebooks side by side: when the study is computed, each mostly imports and draws on one core."""
    task, at_once = progress.add_task("notebooks", total=len(names)), min(cores(), AT_ONCE)
    os.environ.setdefault("OMP_NUM_THREADS", str(cores() // at_once))  # more threads than cores wait for each other
    with ThreadPoolExecutor(at_once) as pool:
        running = {pool.submit(_execute, root, name, source / name, profile): name for name in names}
        for done in as_completed(running):
            try:
                done.result()
            except Exception:
                pool.shutdown(cancel_futures=True)
                raise
            progress.update(task, advance=1, description=f"notebooks, last {running[done]}")


def _execute(root: Path, name: str, output: Path, profile: str) -> None:
    try:
        notebook = papermill.execute_notebook(
            str(root / name),
            None,
            parameters={"profile": profile},
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
    without_places(notebook)
    output.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, output)


def _build_html(source: Path, stage: Path) -> None:
    command = [
        sys.executable,
        "-X",
        "utf8",
        "-c",
        "from jupyter_book.cli.main import main; main()",
        "build",
        str(source),
    ]
    options = ["--path-output", str(stage), "--all", "-W", "-n", "--keep-going", "-q"]
    run = subprocess.run([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
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
