"""What the notebooks of the book share: their parameters, and how they show a figure's results.

A notebook opens a `Chapter` with its parameters, and says of each figure what is shown, in one line each.
"""

import ast
import warnings
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
from IPython.display import HTML, Markdown, Pretty, display
from matplotlib.figure import Figure as Drawing
from myst_nb import glue  # type: ignore[import-untyped]
from pandas.io.formats.style import Styler

from srnet.claims import beside, resampled, verdicts
from srnet.data.tasks import TASKS
from srnet.errors import InputError
from srnet.executor.workers import run
from srnet.experiments.expressions import Experiment, FineTuned
from srnet.figures import csv_link, means, records
from srnet.store.store import Store, default_store
from srnet.study.catalogue import FIGURES
from srnet.study.choice import Study, choose
from srnet.terminal import warn

OF_MACHINE = "of this machine"  # marks an output that the book leaves out
PARAMETERS = ("profile", "tasks", "sparsities", "seeds")  # of every notebook of the book
ORGANISM = (
    "The pocket world is a model organism. It was set by what *full* models do, so that they rely on the bias; what "
    "subnetworks do in it is found, and real text need not agree. "
    "The paper's numbers, where they stand beside, are of BERT on real text: they tell a direction, not a size."
)

Draw = Callable[[pd.DataFrame, str], Drawing]
"""Draws a figure's results, given with what they are results of (`srnet.figures.sparsity_curves`)."""


@dataclass(frozen=True)
class Chapter:
    """A notebook's choice from the study, and what it shows of it.

    A figure that the profile leaves out, or that has none of the chosen tasks, is not computed: what would be shown of
    it is a sentence that says so.

    Attributes:
        study: the choice.
        store: where results are kept.
    """

    study: Study
    store: Store
    _tables: dict[tuple[str, bool], pd.DataFrame] = field(default_factory=dict)
    _temporary: list[TemporaryDirectory[str]] = field(default_factory=list)

    @property
    def source(self) -> str:
        """What the results are results of."""
        return self.study.profile.title

    @property
    def repetitions(self) -> str:
        """The number of seeds, in words."""
        return f"{len(self.study.seeds)} seed{'s' if len(self.study.seeds) > 1 else ''}"

    @property
    def full_models(self) -> dict[str, FineTuned]:
        """The model fine-tuned with cross-entropy, by task; of the first seed. Nothing is computed."""
        seed = self.study.seeds[0]
        return {task: self.study.setting(task, seed).full() for task in self.study.tasks}

    def provenance(self) -> Markdown:
        """Return a note that says what the chapter's results are results of."""
        text = f"**What these results are:** profile `{self.study.profile.name}`, {self.source}; {self.repetitions}."
        return Markdown(f"{text} {ORGANISM}" if self.study.profile.world else text)

    def lacks(self, figure: str) -> str:
        """Return why there are no results of a figure here; empty if there are."""
        label = FIGURES[figure].label
        if figure not in self.study.figures:
            return f"The profile {self.study.profile.name} leaves out {label}."
        if not set(self.study.tasks) & set(FIGURES[figure].tasks):
            return f"{label} shows none of the chosen tasks, {', '.join(self.study.tasks)}."
        return ""

    def table(self, figure: str, parts: bool = False) -> pd.DataFrame:
        """Return a figure's results (`srnet.study.choice.Study.table`), computing what is missing.

        Args:
            figure: name of the figure.
            parts: whether scores on parts of the data sets are wanted too.

        Raises:
            InputError: if the figure cannot be had (`lacks`), or an experiment failed.
        """
        if reason := self.lacks(figure):
            raise InputError(reason)
        if (figure, parts) not in self._tables:
            self._tables[figure, parts] = self.study.table(figure, self.store, parts)
        return self._tables[figure, parts]

    def with_files(self, *experiments: Experiment) -> Store:
        """Return a store that has experiments with all their files, computing what is missing.

        Where there is a record of one that came without its files, it is a temporary store, which ends with the
        chapter: in the chapter's own, a new record would take the place of the published one in figures.

        Raises:
            InputError: if an experiment failed.
        """
        store = self.store
        if any(store.has(each) and not store.whole(each) for each in experiments):
            self._temporary.append(TemporaryDirectory(prefix="srnet-"))
            store = Store(Path(self._temporary[-1].name))
        report = run(experiments, store, self.study.inputs)
        if report.failed:
            raise InputError(f"an experiment failed: {next(iter(report.failed.values()))}")
        return store

    def draw(self, figure: str, drawn: Draw) -> None:
        """Show a figure and glue it under its name; for its caption, glue over how many seeds it is as "NAME-seeds".

        Args:
            figure: name of the figure.
            drawn: draws it.
        """
        reason = self.lacks(figure)
        glue(f"{figure}-seeds", self.repetitions, display=False)
        glue(figure, Markdown(f"*{reason}*") if reason else drawn(self.table(figure), self.source))

    def scores(self, figure: str, shown: Callable[..., pd.DataFrame | Styler] = means) -> None:
        """Show a figure's headline scores in per cent, and a link to all of its scores as CSV.

        Args:
            figure: name of the figure or table.
            shown: makes the table (`srnet.figures.score_table`), out of None where there are no results; if not given,
                there is a table of means for each task.
        """
        if reason := self.lacks(figure):
            display(Markdown(f"*{reason}*"), *([] if shown is means else [shown(None)]))
            return
        table = self.table(figure)
        for task, rows in table.groupby("task", sort=False) if shown is means else [("", table)]:
            display(*[Markdown(f"*{TASKS[task].title}*")] if task else [], shown(rows))
        display(HTML(f"<p>{csv_link(self.table(figure, parts=True), f'{figure}-{self.study.profile.name}')}</p>"))

    def claims(self, *figures: str) -> HTML | Styler:
        """Return what the paper claims of figures, each claim with its verdict.

        Where a claim compares a figure with another one, the other's results are computed too.
        """
        found = []
        for figure in figures:
            if not self.lacks(figure):
                others = {name: self._resampled(name) for name in beside(figure) if not self.lacks(name)}
                found.append(verdicts(figure, self._resampled(figure), others))
        rows = pd.concat([pd.DataFrame(), *found])
        if rows.empty:
            return HTML("<p>None of the paper's findings can be tested on what is shown here.</p>")
        return rows.style.hide(axis="index").set_table_attributes('class="dataframe claims verdicts"')

    def _resampled(self, figure: str) -> pd.DataFrame:
        return resampled(self.table(figure), self.study, figure, self.store)

    def records(self, *figures: str) -> pd.DataFrame:
        """Return which experiment each point of the figures comes from."""
        found = {FIGURES[name].label: records(self.table(name)) for name in figures if not self.lacks(name)}
        return pd.concat(found, names=["figure"]) if found else pd.DataFrame()


def open_chapter(namespace: Mapping[str, Any]) -> Chapter:
    """Return the chapter that a notebook's parameters choose, with the store that a user's settings name.

    Args:
        namespace: the notebook's `globals()`. A list may be written as text, such as "[1, 2]", which is what
            papermill's option ``-p seeds "[1, 2]"`` gives.

    Raises:
        InputError: papermill gave the notebook a parameter that it does not know, or one has an impossible value.
    """
    check_parameters(namespace, PARAMETERS)
    warnings.showwarning = warn
    profile, *lists = (namespace[name] for name in PARAMETERS)
    study, store = choose(profile, *map(_list, lists)), default_store()
    display(Pretty(_places(store)), metadata={"text/plain": {OF_MACHINE: True}})
    return Chapter(study, store)


def without_places(notebook: Any) -> None:
    """Take from an executed notebook of nbformat's what says where results lie: paths of the machine it ran on."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [each for each in cell.outputs if not _is_of_machine(each)]


def _is_of_machine(output: Mapping[str, Any]) -> bool:
    return OF_MACHINE in output.get("metadata", {}).get("text/plain", {})


def _places(store: Store) -> str:
    below = ", ".join(str(folder.absolute()) for folder in store.below)
    return f"Results are kept in {store.root.absolute()}" + (f", and also read from {below}." if below else ".")


def check_parameters(namespace: Mapping[str, Any], known: Collection[str]) -> None:
    """Raise an error if papermill gave the notebook a parameter that it does not know.

    Papermill only warns of such a parameter, and the notebook then runs with its defaults. Papermill sets parameters in
    a cell that starts with the comment "Parameters"; that cell's source, which IPython keeps, says which ones they are.

    Args:
        namespace: the notebook's `globals()`.
        known: names of the parameters that the notebook declares.

    Raises:
        InputError: a given parameter is not in `known`.
    """
    given = (name for source in namespace.get("In", ()) if source.startswith("# Parameters\n") for name in _set(source))
    for name in given:
        if name not in known:
            raise InputError(f"unknown notebook parameter {name}: this notebook has {', '.join(known)}")


def _list(value: Any) -> Any:
    try:
        return ast.literal_eval(value) if isinstance(value, str) else value
    except (SyntaxError, ValueError):
        return value


def _set(source: str) -> list[str]:
    statements = (node for node in ast.parse(source).body if isinstance(node, ast.Assign))
    return [target.id for node in statements for target in node.targets if isinstance(target, ast.Name)]
