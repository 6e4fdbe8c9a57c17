"""Pages and chapters: nothing of the paper is missing, and no number in prose is typed by hand."""

import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from sphinx_external_toc.parsing import parse_toc_yaml

from srnet.book import figures_of, results_table
from srnet.runs import FIGURES

ROOT = Path(__file__).parents[1]
PAGES = list(parse_toc_yaml(ROOT / "_toc.yml"))
CHAPTERS = [ROOT / f"{name}.ipynb" for name in PAGES if name.startswith("notebooks/")]
NUMBER = r"[A-E]?\.?\d+(?:\.\d+)*"
LISTED = rf"{NUMBER}(?:(?:, {NUMBER})*,? (?:and|to) {NUMBER})?"
ALLOWED = (
    r"```.*?```",
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
        assert {name for name in FIGURES if f'"{name}"' in code} == shown[path.stem]
    assert shown == {
        path.stem: {name for name, figure in FIGURES.items() if figure.notebook == path.stem} for path in CHAPTERS
    }
    assert figures_of(ROOT) == list(FIGURES)


def test_every_page_and_notebook_is_in_the_table_of_contents() -> None:
    files = [*(ROOT / "book").glob("*.md"), *(ROOT / "notebooks").glob("*.ipynb")]
    assert sorted(PAGES) == sorted(str(path.relative_to(ROOT).with_suffix("")) for path in files)


def test_index_of_results_leads_from_each_figure_to_chapter_command_and_records() -> None:
    header, _, *rows = results_table("pocket").splitlines()
    assert header.count("|") == 5
    assert len(rows) == len(FIGURES)
    for row, figure in zip(rows, FIGURES.values(), strict=True):
        assert row.startswith(f"| {figure.label} |")
        assert f"{{doc}}`../notebooks/{figure.notebook}`" in row
        assert f"../notebooks/{figure.notebook}.ipynb#records" in row
        command = f"srnet run --profile pocket --figure {figure.name}"
        assert (command in row) == (figure.name != "table-6")
    assert "{{ results }}" in (ROOT / "book" / "index-of-results.md").read_text(encoding="utf-8")
