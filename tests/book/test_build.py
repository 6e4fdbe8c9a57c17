"""The book builds from pages and executed notebooks, needs no other host, and is never half there."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import nbformat
import papermill
import pytest
from filelock import FileLock
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from srnet.book.build import (
    BookError,
    alone,
    build_book,
    figures_of,
    public_repository,
)
from srnet.environment import find_root
from srnet.errors import InputError

ROOT = Path(__file__).parents[2]
PARAMETERS = 'profile: str = "smoke"\nseeds: list = None\nspeed = 0.5  # no type declared'
CHECK = (
    'from srnet.book.chapter import check_parameters\ncheck_parameters(globals(), known=("profile", "seeds", "speed"))'
)


def write_notebook(path: Path, *code: str, text: str = "# Trial") -> Path:
    cells = [
        new_markdown_cell(text),
        new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
        *map(new_code_cell, code),
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    path.parent.mkdir(exist_ok=True)
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Path]:
    """A checkout with the real settings, one notebook and one page."""
    shutil.copytree(ROOT / "book" / "_static", tmp_path / "book" / "_static")
    for name in ("pyproject.toml", "_config.yml", "book/references.bib"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "_toc.yml").write_text("format: jb-book\nroot: book/intro\nchapters:\n- file: notebooks/trial\n")
    (tmp_path / "book" / "intro.md").write_text("# Introduction\n\nText.\n")
    write_notebook(tmp_path / "notebooks" / "trial.ipynb", "print(profile)")
    with chdir(tmp_path):
        yield tmp_path


def built(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.html")}


def test_book_of_real_pages_and_a_notebook_needs_no_other_host(checkout: Path) -> None:
    for name in ("api.md", "references.md"):
        shutil.copy(ROOT / "book" / name, checkout / "book" / name)
    with (checkout / "_toc.yml").open("a") as toc:
        toc.write("- file: book/api\n- file: book/references\n")
    text = "# Trial\n\nAfter {cite}`liu2022`, $x^2$, is it {glue:text}`number:.1f`?"
    show = "import myst_nb, tqdm.auto\nmyst_nb.glue('number', speed + 1.25)\nprint('found', profile)"
    write_notebook(checkout / "notebooks" / "trial.ipynb", CHECK, show, text=text)

    index = build_book("pocket", checkout / "out")

    pages = built(checkout / "out" / "html")
    assert index == checkout / "out" / "html" / "index.html"
    assert {"index.html", "book/intro.html", "book/api.html", "notebooks/trial.html"} <= pages.keys()
    assert "find_subnetwork" in pages["book/api.html"]
    trial = re.sub("<[^>]*>", "", pages["notebooks/trial.html"])
    assert re.search(r"After \[Liu et al\., 2022a\], .*, is it 1\.8\?", trial)
    assert "found pocket" in trial
    assert "Warning" not in trial
    executed = (checkout / "out" / "src" / "notebooks" / "trial.ipynb").read_text()
    assert 'profile = \\"pocket\\"' in executed
    assert str(checkout) not in executed
    assert sorted(path.name for path in (checkout / "out").iterdir()) == ["html", "src"]

    loads = re.compile(r"<(?:script|link|img|iframe|source|object)\b[^>]*(?:src|href|data)=\"(?:https?:)?//[^\"]*")
    inline = re.compile(r"<script>[^<]*https?://[^<]*")
    assert [found for page in pages.values() for found in loads.findall(page) + inline.findall(page)] == []
    styles = "".join(path.read_text() for path in (checkout / "out" / "html" / "_static").rglob("*.css"))
    assert re.findall(r"(?:@import|url\()\s*[\"']?(?:https?:)?//[^)]*", styles) == []
    scripts = re.findall(r'<script[^>]*src="([^"?]*)', pages["notebooks/trial.html"])
    assert any("mathjax" in script for script in scripts)
    assert [each for each in scripts if not (checkout / "out" / "html" / "notebooks" / each).exists()] == []
    assert list((checkout / "out" / "html" / "_static" / "mathjax").rglob("MathJax_Main-Regular.woff"))


def test_what_fails_says_where_and_leaves_the_last_book_alone(checkout: Path) -> None:
    build_book("smoke", checkout / "out")
    before = built(checkout / "out")

    write_notebook(checkout / "notebooks" / "trial.ipynb", "def deep():\n    return 1 / 0\ndeep()")
    with pytest.raises(BookError, match=r"^notebooks/trial\.ipynb, cell In \[3\]: ZeroDivisionError: ") as failure:
        build_book("smoke", checkout / "out")
    assert "return 1 / 0" in str(failure.value)

    write_notebook(
        checkout / "notebooks" / "trial.ipynb", "from srnet.errors import InputError\nraise InputError('no')"
    )
    with pytest.raises(InputError, match=r"^notebooks/trial\.ipynb: no$"):
        build_book("smoke", checkout / "out")

    write_notebook(checkout / "notebooks" / "trial.ipynb")
    (checkout / "book" / "intro.md").write_text("# Introduction\n\n{doc}`nowhere` and {cite}`nobody`\n")
    with pytest.raises(BookError, match=r"\nbook/intro\.md:3: WARNING: ") as failure:
        build_book("smoke", checkout / "out")
    assert "nowhere" in str(failure.value)
    assert "nobody" in str(failure.value)

    (checkout / "book" / "intro.md").write_text("# Introduction\n\n<img src='nowhere.png'>\n".replace("'", '"'))
    with pytest.raises(BookError, match=r"\nbook/intro\.html: nowhere\.png$"):
        build_book("smoke", checkout / "out")

    assert built(checkout / "out") == before
    assert sorted(path.name for path in (checkout / "out").iterdir()) == ["html", "src"]


def test_two_books_are_not_built_in_one_folder_and_what_a_killed_build_left_is_removed(checkout: Path) -> None:
    left = checkout / "out" / ".building-killed"
    left.mkdir(parents=True)
    with (
        FileLock(checkout / "out" / ".lock"),
        pytest.raises(InputError, match=r"out: another process builds a book there"),
        alone(checkout / "out"),
    ):
        pytest.fail("it is not alone")
    assert left.exists()
    with alone(checkout / "out"):
        assert not left.exists()
    assert list((checkout / "out").iterdir()) == []


def test_notebook_without_a_profile_is_an_error(checkout: Path) -> None:
    nbformat.write(new_notebook(cells=[new_code_cell("1")]), checkout / "notebooks" / "trial.ipynb")
    with pytest.raises(InputError, match=r"^notebooks/trial\.ipynb: no profile in its cell tagged parameters"):
        build_book("smoke", checkout / "out")


def test_figures_of_a_book_are_those_that_its_notebooks_name(checkout: Path) -> None:
    assert figures_of(checkout) == []
    write_notebook(
        checkout / "notebooks" / "trial.ipynb",
        'table = study.table("table-5", store)',
        'study.table("figure-s1", store), study.table("figure-99", store)',
        text='Not "figure-3".',
    )
    write_notebook(checkout / "notebooks" / "draft.ipynb", 'study.table("figure-8", store)')  # in no table of contents
    assert figures_of(checkout) == ["figure-s1", "table-5"]
    assert figures_of(ROOT)[0] == "figure-2"


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(folder), *words], check=True, stdout=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("remote", "address"),
    [
        ("https://github.com/owner/some.book.git", "https://github.com/owner/some.book"),
        ("https://github.com/owner/book/", "https://github.com/owner/book"),
        ("git@github.com:owner/book.git", "https://github.com/owner/book"),
        ("ssh://git@gitlab.com/owner/book", "https://gitlab.com/owner/book"),
        ("https://name:secret@gitlab.com/owner/book.git", "https://gitlab.com/owner/book"),
        ("https://git.example.org/owner/book.git", None),
        ("https://example.org/github.com/owner/book", None),
        ("https://gitlab.com/group/part/book", None),
        ("/srv/git/book.git", None),
        (None, None),
    ],
)
def test_public_repository_is_what_the_remote_names(tmp_path: Path, remote: str | None, address: str | None) -> None:
    git(tmp_path, "init")
    if remote:
        git(tmp_path, "remote", "add", "origin", remote)
    assert public_repository(tmp_path) == address


def test_folder_without_git_has_no_public_repository(tmp_path: Path) -> None:
    assert public_repository(tmp_path) is None


def test_chapter_can_be_taken_away_as_executed_and_opened_where_it_is_published(checkout: Path) -> None:
    out = checkout / "out"
    build_book("smoke", out)
    page = (out / "html" / "notebooks" / "trial.html").read_text()
    (link,) = re.findall(r'href="([^"]*\.ipynb)"', page)
    executed = nbformat.read(out / "html" / "notebooks" / link, as_version=4)
    assert [output.text for cell in executed.cells[1:] for output in cell.outputs] == ["smoke\n"]
    for absent in ("mybinder", "github.com", "Open issue"):
        assert absent not in page

    git(checkout, "init")
    git(checkout, "remote", "add", "origin", "git@github.com:owner/book.git")
    build_book("smoke", out)
    page = (out / "html" / "notebooks" / "trial.html").read_text()
    assert 'href="https://mybinder.org/v2/gh/owner/book/HEAD?urlpath=lab/tree/notebooks/trial.ipynb"' in page
    assert 'href="https://github.com/owner/book"' in page
    assert 'href="https://github.com/owner/book/issues/new' in page
    assert "mybinder" not in (out / "html" / "book" / "intro.html").read_text()  # there is nothing to execute


def test_mistyped_parameter_of_papermill_stops_the_notebook(tmp_path: Path) -> None:
    notebook = write_notebook(tmp_path / "trial.ipynb", "seedy = 3", CHECK, CHECK)
    options = {"progress_bar": False, "kernel_name": "python3"}
    papermill.execute_notebook(str(notebook), None, {"seeds": [1], "speed": 2}, **options)
    with pytest.raises(
        papermill.PapermillExecutionError,
        match="InputError: unknown notebook parameter seedz: this notebook has profile, seeds, speed",
    ):
        papermill.execute_notebook(str(notebook), None, {"seeds": [1], "seedz": [2]}, **options)


def test_book_outside_a_checkout_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no pyproject\.toml and _toc\.yml here or above"):
        find_root(tmp_path)
    assert find_root(ROOT / "srnet") == ROOT
