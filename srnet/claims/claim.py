"""A finding of the paper, and what it is tested by."""

from collections.abc import Mapping
from dataclasses import dataclass

from srnet.claims.measures import Measure
from srnet.data.tasks import TASKS


@dataclass(frozen=True)
class Claim:
    """One finding of the paper.

    Attributes:
        section: where the paper states it.
        item: which of the section's statements: the paper's own number for it, with the paragraph where a section
            counts anew in each; ours where it counts none, and a letter of ours where one number says several things.
        text: the finding, in our own words.
        measures: the comparison that stands for it, by name of the task; it is about no other tasks.
        paper: the paper's own figures, where it gives any.
        shown: the figure in whose chapter it is shown, if not the one whose curve is compared first.
    """

    section: str
    item: str
    text: str
    measures: Mapping[str, Measure]
    paper: str | None = None
    shown: str = ""

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks that it is about."""
        return tuple(self.measures)

    @property
    def home(self) -> tuple[str, ...]:
        """The figures in whose chapters it is shown."""
        if self.shown:
            return (self.shown,)
        return tuple(dict.fromkeys(measure.lines[0].figure for measure in self.measures.values()))

    @property
    def figures(self) -> tuple[str, ...]:
        """All figures whose results are compared."""
        lines = (line for measure in self.measures.values() for line in measure.lines)
        return tuple(dict.fromkeys(line.figure for line in lines))


@dataclass(frozen=True)
class Restated:
    """A statement of the paper that is no finding of its own.

    Attributes:
        section: where the paper makes it.
        text: what it says, in our own words.
        because: why it is not tested by itself.
        rests_on: sections and items of the claims that it sums up.
    """

    section: str
    text: str
    because: str
    rests_on: tuple[tuple[str, str], ...] = ()


def on(measure: Measure, *tasks: str) -> dict[str, Measure]:
    """Return the comparison for tasks, for all three if none is named."""
    return dict.fromkeys(tasks or tuple(TASKS), measure)
