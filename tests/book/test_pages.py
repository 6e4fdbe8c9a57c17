"""Pages and chapters: nothing of the paper is missing, and no number in prose is typed by hand."""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import nbformat
import pytest
from sphinx_external_toc.parsing import parse_toc_yaml

from srnet.book.build import figures_of
from srnet.book.index import results, results_table
from srnet.study.catalogue import FIGURES
from srnet.study.choice import choose

ROOT = Path(__file__).parents[2]
PAGES = list(parse_toc_yaml(ROOT / "_toc.yml"))
CHAPTERS = [ROOT / f"{name}.ipynb" for name in PAGES if name.startswith("notebooks/")]
NUMBER = r"[A-E]?\.?\d+(?:\.\d+)*"
LISTED = rf"{NUMBER}(?:(?:, {NUMBER})*,? (?:and|to) {NUMBER})?"
ALLOWED = (
    r"```.*?```",
    r"\]\([^)\s]*\)",  # targets of links
    r"^:::\{.*$",  # names of figures
    r"`[^`]*`",  # names in code, citations, glued numbers
    r"\$\$[^%$]*\$\$",  # formulae; a result in per cent is none
    r"\$[^%$]*\$",
    r"\*paper: [^*]*\*",  # the paper's own values, marked as such
    rf"\b(?:Sections?|Figures?|Tables?|Appendix|Algorithms?|Equations?) {LISTED}",
    r"\bF1\b",
    r"^\d\. ",  # numbered lists
)


def prose_of(path: Path) -> Iterator[str]:
    """Yield the text of a page, or of a notebook's cells and captions."""
    if path.suffix == ".md":
        yield path.read_text(encoding="utf-8")
        return
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type == "markdown":
            yield cell.source
        yield cell.metadata.get("mystnb", {}).get("figure", {}).get("caption", "")


def typed_numbers(text: str) -> list[str]:
    """Return the numbers in a text that are neither of a section or figure, nor of a formula, nor glued."""
    for pattern in ALLOWED:
        text = re.sub(pattern, " ", text, flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"\S*\d\S*", text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("keeps 95 % of it", ["95"]),
        ("keeps $95\\,\\%$ of it", ["$95\\,\\%$"]),
        ("as in Figure 2, 3 of 4 seeds", ["3", "4"]),
        ("gains 4.2 points over Section 4.2", ["4.2"]),
        ("Sections 4.2 and 4.3, Figures 2, 3 and 4, Appendix C.1, Tables 1 to 4, the F1 score", []),
        ("at {glue:text}`sparsity:.0f` % {cite:p}`liu2022`, $s = 1 - \\beta$", []),
        ("more than 95 % (*paper: 95 to 98 %*)", ["95"]),
        ("1. first\n2. second", []),
        ("see [the code](https://example.org/7)", []),
        ("see [the 7 codes](https://example.org/)", ["7"]),
    ],
)
def test_typed_numbers_are_found(text: str, found: list[str]) -> None:
    assert typed_numbers(text) == found


@pytest.mark.parametrize("path", [*CHAPTERS, ROOT / "book" / "intro.md"], ids=lambda path: path.stem)
def test_no_number_in_prose_is_typed_by_hand(path: Path) -> None:
    assert [number for text in prose_of(path) for number in typed_numbers(text)] == []


def test_every_figure_of_the_paper_is_in_the_notebook_it_names_and_in_no_other() -> None:
    shown: dict[str, set[str]] = {}
    for path in CHAPTERS:
        code = "\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code")
        shown[path.stem] = {name for name in FIGURES if f'chapter.draw("{name}"' in code}
        looked_up = re.sub(r'chapter\.(table|lacks)\("[^"]*"\)', "", code)  # of any figure, to quote its numbers
        assert {name for name in FIGURES if f'"{name}"' in looked_up} == shown[path.stem]
    assert shown == {
        path.stem: {name for name, figure in FIGURES.items() if figure.notebook == path.stem} for path in CHAPTERS
    }
    assert figures_of(ROOT) == list(FIGURES)


def test_every_page_and_notebook_is_in_the_table_of_contents() -> None:
    files = [*(ROOT / "book").glob("*.md"), *(ROOT / "notebooks").glob("*.ipynb")]
    assert sorted(PAGES) == sorted(str(path.relative_to(ROOT).with_suffix("")) for path in files)


PAPER = [
    *(f"Figure {number}" for number in range(1, 9)),
    *(f"Figure {number} of the supplement" for number in range(1, 4)),
    *(f"Table {number} of the supplement" for number in range(1, 7)),
]


def labels_in(path: Path) -> list[str]:
    """Return the paper's labels that captions begin with, and that headings have, in a notebook."""
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    figures = [cell.metadata.get("mystnb", {}).get("figure", {}) for cell in cells]
    captions = "\n".join([text, *(figure.get("caption", "") for figure in figures)])
    headings = "\n".join(re.findall("^#.*", text, re.MULTILINE))
    found = re.findall(
        r"^\*\*((?:Figure|Table) \d(?: of the supplement)?)(?: of the paper)?\.\*\* ", captions, re.MULTILINE
    )
    pairs = re.findall(r": Tables (\d) and (\d)$", headings, re.MULTILINE)
    return [*found, *(f"Table {number} of the supplement" for pair in pairs for number in pair)]


def test_every_figure_and_table_of_the_paper_has_its_label_in_its_chapter() -> None:
    placed = {label: path.stem for path in CHAPTERS for label in labels_in(path)}
    assert placed == {result.label: result.notebook for result in results() if result.number}
    assert [label for path in CHAPTERS for label in labels_in(path) if label not in PAPER] == []


def test_index_of_results_has_all_of_the_paper_in_its_order_and_the_rest_apart() -> None:
    assert [result.label for result in results() if result.number] == PAPER
    paper, beside = results_table("pocket").split("\n\nBeside the paper:\n\n")
    labels = [
        re.sub(r"^\| (?:\{ref\}`|\[)?(.*?)(?: <.*>`|\]\(.*?\))? \|.*", r"\1", row) for row in paper.splitlines()[2:]
    ]
    assert labels == PAPER
    assert len(beside.splitlines()[2:]) == len(FIGURES) - len(
        [figure for figure in FIGURES.values() if figure.label in PAPER]
    )


def test_index_of_results_leads_from_each_figure_to_chapter_command_and_records() -> None:
    rows = {row.split("|")[2].strip(): row for row in results_table("pocket").splitlines() if "{doc}" in row}
    study = choose("pocket")
    for figure in FIGURES.values():
        row = rows[figure.title]
        assert f"{{doc}}`../notebooks/{figure.notebook}`" in row
        assert f"`srnet run --profile pocket --figure {figure.name}`" in row
        assert f"[{len(study.experiments([figure.name]))}](../notebooks/{figure.notebook}.ipynb#records)" in row
    assert "not in the profile `small` | [none here]" in results_table("small")
    assert "{{ results }}" in (ROOT / "book" / "index-of-results.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("profile", ["smoke", "pocket", "small", "paper"])
def test_index_of_results_is_of_every_profile(profile: str) -> None:
    assert results_table(profile).count("{doc}") == len(results())


def test_every_chapter_with_records_has_a_heading_for_them() -> None:
    for notebook in {figure.notebook for figure in FIGURES.values()}:
        cells = nbformat.read(ROOT / "notebooks" / f"{notebook}.ipynb", as_version=4).cells
        assert [cell for cell in cells if cell.source.startswith("## Records\n")]


def test_drawing_of_the_three_ways_evaluates_each_and_is_whole_by_itself() -> None:
    text = (ROOT / "book" / "_static" / "paradigms.svg").read_text(encoding="utf-8")
    ways = [way for way in ElementTree.fromstring(text).iter() if any(each.get("class") == "way" for each in way)]
    words = [" ".join(way.itertext()) for way in ways]
    assert [re.findall(r"Section (\S+)", each) for each in words] == [["4.2"], ["4.3"], ["4.4"]]
    for way in ways:
        assert [each.get("href") for each in way][-1] == "#evaluation"
    targets = re.findall(r'(?:href="|url\()#([\w-]+)', text)
    assert set(targets) <= set(re.findall(r'\bid="([^"]+)"', text))
    assert "http" not in text.replace('xmlns="http://www.w3.org/2000/svg"', "")


def test_first_page_takes_its_numbers_from_the_ledger() -> None:
    cells = nbformat.read(ROOT / "notebooks" / "06-conclusions.ipynb", as_version=4).cells
    code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
    page = (ROOT / "book" / "intro.md").read_text(encoding="utf-8")
    asked = re.findall(r"06-conclusions\.ipynb::ledger-(\w+):", page)
    assert set(asked) >= {"findings", "seeds", "holds", "fails", "untested"}
    given = re.findall(r'glue\("ledger-(\w+)"', code) + re.findall(r'\("(\w+)", [A-Z]+\)', code)
    assert set(asked) <= set(given) == {*("findings", "seeds", "confidence", "holds", "fails", "undecided", "untested")}
