"""The index of results: every figure and table of the paper, and where the book shows it."""

import re
from dataclasses import dataclass
from pathlib import Path

from srnet.study.catalogue import FIGURES
from srnet.study.choice import choose


@dataclass(frozen=True)
class Result:
    """A figure or table, and where it is shown.

    Attributes:
        label: what the paper calls it.
        title: what it shows.
        notebook: file name of its chapter, without its ending.
        place: anchor of the chapter's heading that has it; empty where it has a caption, whose label is its name.
        figure: its name in `srnet.study.catalogue.FIGURES`; empty where it has no experiments.
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
    Result("Table 1 of the supplement", DATA, "04-1-setups", "data-tables-1-and-2"),
    Result("Table 2 of the supplement", DATA, "04-1-setups", "data-tables-1-and-2"),
    Result("Table 3 of the supplement", TRAINING, "04-1-setups", "training-tables-3-and-4"),
    Result("Table 4 of the supplement", TRAINING, "04-1-setups", "training-tables-3-and-4"),
)


def results() -> list[Result]:
    """Return all figures and tables of the paper and its supplement in its order, and then those beside them."""
    drawn = [Result(each.label, each.title, each.notebook, "", name) for name, each in FIGURES.items()]
    return sorted((*WITHOUT_EXPERIMENTS, *drawn), key=lambda result: result.number or (True, True, 0))


def results_table(profile: str) -> str:
    """Return the index of results in Markdown: a row for each figure and table, with the number of its records.

    Args:
        profile: name of the profile that the commands in it name.

    Raises:
        InputError: if there is no such profile.
    """
    study = choose(profile)
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


def fill_index(page: Path, profile: str) -> None:
    """Write the index of results into a page that has a place for it, ``{{ results }}``; no page, no index.

    Args:
        page: the page, changed in place.
        profile: name of the profile that the book is of.
    """
    if page.is_file():
        text = page.read_text(encoding="utf-8").replace("{{ results }}", results_table(profile))
        page.write_text(text, encoding="utf-8")
