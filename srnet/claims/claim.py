"""A finding of the paper, and what it is tested by."""

from dataclasses import dataclass
from string import ascii_lowercase

from srnet.claims.measures import Measure


@dataclass(frozen=True)
class Claim:
    """One finding of the paper.

    Attributes:
        section: where the paper states it.
        item: our letter for it within the section.
        text: the finding, in our own words.
        measure: the comparison that stands for it.
        paper: the paper's own figures, where it gives any.
    """

    section: str
    item: str
    text: str
    measure: Measure
    paper: str | None = None

    @property
    def tested(self) -> str:
        """What is compared, in words."""
        return self.measure.says

    @property
    def home(self) -> tuple[str, ...]:
        """The figures that the claim is about; each shows other tasks."""
        return self.measure.lines[0].figures

    @property
    def figures(self) -> tuple[str, ...]:
        """All figures whose results are compared."""
        return tuple(dict.fromkeys(name for line in self.measure.lines for name in line.figures))


def lettered(section: str, *findings: tuple[str, Measure] | tuple[str, Measure, str]) -> tuple[Claim, ...]:
    """Return the findings of a section, with letters in their order.

    Args:
        section: where the paper states them.
        findings: of each the text, the comparison, and the paper's own figures where it gives any.
    """
    return tuple(Claim(section, letter, *finding) for letter, finding in zip(ascii_lowercase, findings, strict=False))
