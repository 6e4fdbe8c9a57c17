"""The study's answer in five sentences, worded by what was found."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import pandas as pd

from srnet.claims import FAILS, HOLDS, UNTESTABLE, Line, UntestableError
from srnet.claims.measures import ID, KEPT, NEAR, OOD, robust
from srnet.store import Store
from srnet.study import COLUMNS, Study
from srnet.tasks import TASKS

FIGURE = "figure-2"
SPARSITY = 0.7
FULL = Line((FIGURE,), "full bert (std)")
FOUND = Line((FIGURE,), "mask train (poe)").at(SPARSITY)
ISOLATED = Line(("figure-4",), "mask train (poe) -> ft (poe)").at(SPARSITY)
UNTRAINED = Line(("figure-5",), "mask train (poe)").at(SPARSITY)
MEANS = f", above the full model out of distribution and above {100 * KEPT:g} % of its score in distribution,"


def headline(study: Study, store: Store) -> pd.DataFrame:
    """Return the results of Figure 2 (`srnet.study.Study.table`) for the tasks that it is complete for in the store.

    Nothing is computed.
    """
    parts = [replace(study, tasks=(task,)) for task in study.tasks]
    complete = [part for part in parts if all(store.has(run.experiment) for run in part.runs(FIGURE))]
    return pd.concat([pd.DataFrame(columns=COLUMNS), *(part.table(FIGURE, store) for part in complete)])


def answer(claims: pd.DataFrame, table: pd.DataFrame, study: Study) -> list[str]:
    """Return the answer to the paper's question in five sentences.

    They say what the full models do, what becomes of the paper's three ways to a sparse and robust subnetwork, and how
    many of all comparisons agree with the paper. Which words they use depends on the verdicts.

    Args:
        claims: verdicts on all claims (`srnet.claims.ledger`).
        table: results of Figure 2, of all tasks or some (`headline`).
        study: what the results are results of.
    """
    return [
        _full_models(table, study.tasks),
        f"{_found(table, study.tasks)} {_verdict(claims, '4.2.2', FOUND, study.tasks, MEANS)}.",
        "The same structure put on the pre-trained weights, and fine-tuned there with the product of experts, "
        f"{_verdict(claims, '4.3.2', ISOLATED, study.tasks)}.",
        "One that is searched for in the pre-trained model, with no weight ever trained, "
        f"{_verdict(claims, '4.4.2', UNTRAINED, study.tasks)}.",
        _all_claims(claims, study),
    ]


def _full_models(table: pd.DataFrame, tasks: Sequence[str]) -> str:
    scores, numbers = _scores(table, tasks, FULL)
    if not scores:
        return "How well full models do in and out of distribution is not known here."
    lower = [task for task, (inside, outside) in scores.items() if inside - outside > NEAR]
    which = "" if len(lower) == len(scores) else f" only in {_listed(lower)}" if lower else " in none of the tasks"
    return (
        "Fine-tuned with cross-entropy, the full model scores clearly lower out of distribution than in distribution"
        f"{which}: {numbers}."
    )


def _found(table: pd.DataFrame, tasks: Sequence[str]) -> str:
    scores, numbers = _scores(table, tasks, FOUND)
    scored = f" scores {numbers}; it" if scores else ""
    return f"A subnetwork that keeps {100 * (1 - SPARSITY):.0f} % of its weights, not one of them changed,{scored}"


def _all_claims(claims: pd.DataFrame, study: Study) -> str:
    counts = claims.verdict.value_counts().reindex([HOLDS, FAILS, UNTESTABLE], fill_value=0)
    seeds = f"{len(study.seeds)} seed{'s' if len(study.seeds) > 1 else ''}"
    untested = f", while {counts[UNTESTABLE]} cannot be tested" if counts[UNTESTABLE] else ""
    return (
        f"Of {len(claims)} comparisons that stand for the paper's findings, task by task, {counts[HOLDS]} hold and "
        f"{counts[FAILS]} fail{untested}, over {seeds} in the profile {study.profile.name}: {study.profile.title}."
    )


def _scores(table: pd.DataFrame, tasks: Sequence[str], line: Line) -> tuple[dict[str, tuple[float, float]], str]:
    """Return a line's mean scores in % in and out of distribution, by task where it has any, and in words."""
    found = {}
    for task in tasks:
        results = {FIGURE: table[table.task == task]}
        with suppress(UntestableError):
            inside, outside = (float(line.scores(results, split).score.mean()) for split in (ID, OOD))
            found[task] = inside, outside
    words = [f"{outside:.1f} against {inside:.1f} % in {_title(task)}" for task, (inside, outside) in found.items()]
    return found, ", ".join(words)


def _verdict(claims: pd.DataFrame, section: str, line: Line, tasks: Sequence[str], means: str = "") -> str:
    """Return in which tasks a line is sparse and robust, and for how many seeds; `means` says what that is."""
    says = robust(line, replace(FULL, figures=line.figures)).says
    rows = claims[(claims.section == section) & (claims.tested == says) & (claims.verdict != UNTESTABLE)]
    rows = rows.set_index("task")
    tested = [task for task in tasks if task in rows.index]
    if not tested:
        return "has not been tested here"
    held = [task for task in tested if rows.verdict[task] == HOLDS]
    which = f"in {_listed(held)}" if held else "in none of the tasks"
    which = f"in all {len(tasks)} tasks" if len(held) == len(tasks) > 1 else which
    agree = " and ".join(f"{rows.agree[task]:.0f} of {rows.seeds[task]:.0f}" for task in tested)
    if rows.seeds.nunique() == 1:
        agree = f"{_joined([f'{rows.agree[task]:.0f}' for task in tested])} of {rows.seeds.iloc[0]:.0f}"
    seeds = "seeds" if rows.seeds.max() > 1 else "seed"
    by_task = ", task by task" if len(tested) > 1 else ""
    lacking = [task for task in tasks if task not in tested]
    untested = f"; not tested in {_listed(lacking)}" if lacking else ""
    return f"is sparse and robust{means} {which} (for {agree} {seeds}{by_task}{untested})"


def _title(task: str) -> str:
    return TASKS[task].title.lower()


def _listed(tasks: Sequence[str]) -> str:
    return _joined([_title(task) for task in tasks])


def _joined(words: Sequence[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
