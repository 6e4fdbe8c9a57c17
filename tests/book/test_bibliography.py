"""The bibliography and the citations of the book."""

import re
from collections import Counter
from pathlib import Path

from pybtex.database import Entry, parse_file

ROOT = Path(__file__).parents[2]
WORKS = parse_file(str(ROOT / "book" / "references.bib")).entries


def label(work: Entry) -> str:
    """Return the label that the text shows for a work: its author or authors, and the year."""
    names = [" ".join(person.last_names) for person in work.persons["author"]]
    return (" and ".join(names) if len(names) < 3 else f"{names[0]} et al.") + ", " + work.fields["year"]


def test_no_two_works_have_one_label() -> None:
    assert not [name for name, times in Counter(map(label, WORKS.values())).items() if times > 1]


def test_what_is_cited_is_listed_and_what_is_listed_is_cited() -> None:
    sources = [*(ROOT / "notebooks").glob("*.ipynb"), *(ROOT / "book").glob("*.md"), *(ROOT / "srnet").rglob("*.py")]
    cited = {
        key.strip()
        for source in sources
        for keys in re.findall(r"\{?cite(?::\w+)?\}?`([^`]+)`", source.read_text(encoding="utf-8"))
        for key in keys.split(",")
    }
    assert cited == set(WORKS)
