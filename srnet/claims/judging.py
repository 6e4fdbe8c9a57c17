"""Verdicts on the paper's findings: of one figure for its chapter, of all for the ledger."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from srnet.claims import appendix, section_4, section_5
from srnet.claims.bootstrap import DRAWS, resampled
from srnet.claims.claim import Claim
from srnet.claims.measures import Results, UntestableError
from srnet.claims.restated import RESTATED
from srnet.data.tasks import TASKS
from srnet.store.store import Store
from srnet.study.catalogue import FIGURES
from srnet.study.choice import Study

CLAIMS: tuple[Claim, ...] = (*section_4.CLAIMS, *section_5.CLAIMS, *appendix.CLAIMS)
HOLDS, FAILS, UNDECIDED, UNTESTABLE = "holds", "fails", "undecided", "cannot be tested here"
VERDICTS = (HOLDS, FAILS, UNDECIDED, UNTESTABLE)
COLUMNS = [
    *("section", "item", "claim", "tested", "task", "verdict"),
    *("margin", "low", "high", "unit", "seeds", "numbers", "paper"),
]


def verdicts(figure: str, table: pd.DataFrame, others: Mapping[str, pd.DataFrame] | None = None) -> pd.DataFrame:
    """Test all claims about a figure, for people to read.

    Args:
        figure: name of the figure.
        table: its results (`srnet.claims.resampled`).
        others: results of other figures that its claims compare it with (`beside`), by name.

    Returns:
        One row per claim and task, as `readable` gives them.
    """
    claims = [claim for claim in CLAIMS if figure in claim.home]
    return readable(judged(claims, {**(others or {}), figure: table}, list(table.task.unique())))


def beside(figure: str) -> tuple[str, ...]:
    """Return the names of the other figures that a figure's claims compare it with, for all of its tasks."""
    of_figure = [claim for claim in CLAIMS if figure in claim.home]
    names = dict.fromkeys(name for claim in of_figure for name in claim.figures if name != figure)
    return tuple(name for name in names if set(FIGURES[name].tasks) & set(FIGURES[figure].tasks))


def ledger(study: Study, store: Store, draws: int = DRAWS) -> pd.DataFrame:
    """Test all claims on what is in the store; nothing is computed.

    A claim about a figure that lacks an experiment cannot be tested.

    Args:
        study: the profile, and of it the tasks and seeds.
        store: where results are kept.
        draws: number of resampled test sets for the intervals (`srnet.claims.bootstrap`).

    Returns:
        One row per claim and task: the columns of `judged`, and `profile`.
    """
    parts: dict[str, list[pd.DataFrame]] = {}
    for task in study.tasks:
        of_task = replace(study, tasks=(task,))
        for figure in _complete(of_task, store):
            table = resampled(of_task.table(figure, store), of_task, figure, store, draws)
            parts.setdefault(figure, []).append(table)
    tables = {figure: pd.concat(of_figure) for figure, of_figure in parts.items()}
    return judged(CLAIMS, tables, study.tasks).assign(profile=study.profile.name)


def judged(claims: Iterable[Claim], tables: Mapping[str, pd.DataFrame], tasks: Sequence[str]) -> pd.DataFrame:
    """Test claims on tasks.

    A claim holds where the 95 % interval of its margin over seeds and examples is positive, fails where it is
    negative, and is undecided where it covers the border between the two, or where there is no interval: one seed, of
    which the records alone are there.

    Args:
        claims: what is tested.
        tables: results of figures by name, each of one task or more.
        tasks: names of tasks.

    Returns:
        One row per claim and task that it is about, with the columns `COLUMNS`: `verdict` is one of `VERDICTS`;
        `margin` what the tested quantity exceeds by what it has to, in `unit`; `low` and `high` the interval of it;
        `seeds` the number of repetitions behind it; `numbers` what is compared, or why it cannot be; `paper` the
        paper's own figures. What is not known is missing (NaN or None).
    """
    by_task = {
        task: {name: rows for name, table in tables.items() if len(rows := table[table.task == task])} for task in tasks
    }
    rows = [_judged(claim, task, by_task[task]) for claim in claims for task in tasks if task in claim.tasks]
    return pd.DataFrame(rows, columns=COLUMNS)


def readable(judged: pd.DataFrame) -> pd.DataFrame:
    """Return verdicts for people to read.

    Args:
        judged: what `judged` or `ledger` gives.

    Returns:
        Text in the columns section, claim, tested, task, verdict, margin, "95 %" (its interval over seeds and
        examples), numbers, and "in the paper" (the paper's own figures).
    """
    text = judged[["claim", "tested", "task", "verdict"]].copy()
    text["task"] = text.task.map(lambda name: TASKS[name].title)
    text.insert(0, "section", judged.section + " " + judged["item"])
    text["margin"] = [_margin(row) for row in judged.itertuples()]
    text["95 %"] = [_interval(row) for row in judged.itertuples()]
    text["numbers"] = judged.numbers
    text["in the paper"] = judged.paper.fillna("")
    return text


def by_task(judged: pd.DataFrame) -> pd.DataFrame:
    """Return the verdicts in brief, a row per claim.

    Args:
        judged: what `judged` or `ledger` gives.

    Returns:
        Text in the columns section, claim, one per task (its title) with the verdict, the margin and its interval, and
        "in the paper". There is a dash for what cannot be tested, and nothing for a task that the claim is not about.
    """
    brief = [
        "–"
        if row.verdict == UNTESTABLE
        else f"{row.verdict} ({', '.join(filter(None, (_margin(row), _interval(row))))})"
        for row in judged.itertuples()
    ]
    table = readable(judged)[["section", "claim", "task", "in the paper"]].assign(brief=brief)
    keys = ["section", "claim", "in the paper"]
    wide = table.pivot(index=keys, columns="task", values="brief").reindex(table[keys].drop_duplicates())
    brief_table = wide[list(table.task.unique())].fillna("").reset_index()
    return brief_table[["section", "claim", *table.task.unique(), "in the paper"]].rename_axis(columns=None)


def counts(judged: pd.DataFrame, by: str) -> pd.DataFrame:
    """Return how many verdicts of each kind there are, a row for each value of a column of `judged`."""
    return pd.crosstab(judged[by], judged.verdict).reindex(judged[by].unique()).reindex(columns=VERDICTS, fill_value=0)


def summed_up(judged: pd.DataFrame) -> pd.DataFrame:
    """Return what the paper says beside its findings, with what becomes of the findings that each rests on.

    A statement that sums up findings holds in a task where all of them do, and fails where one of them does.

    Args:
        judged: what `judged` or `ledger` gives, of all claims.

    Returns:
        Text in the columns section, statement, "not tested by itself, because", and one per task (its title).
    """
    of_claim = {(row.section, row.item, row.task): row.verdict for row in judged.itertuples()}
    rows = []
    for each in RESTATED:
        row = {"section": each.section, "statement": each.text, "not tested by itself, because": each.because}
        for task in judged.task.unique():
            found = {of_claim[name, item, task] for name, item in each.rests_on if (name, item, task) in of_claim}
            row[TASKS[task].title] = next((verdict for verdict in _WORST_FIRST if verdict in found), "")
        rows.append(row)
    return pd.DataFrame(rows)


_WORST_FIRST = (FAILS, UNTESTABLE, UNDECIDED, HOLDS)


def _judged(claim: Claim, task: str, results: Results) -> dict[str, object]:
    measure = claim.measures[task]
    row: dict[str, object] = {"section": claim.section, "item": claim.item, "claim": claim.text, "task": task}
    row |= {"tested": measure.says, "unit": measure.unit, "paper": claim.paper}
    try:
        effect = measure.effect(results)
    except UntestableError as reason:
        return row | {"verdict": UNTESTABLE, "numbers": str(reason)}
    low, high = effect.interval or (None, None)
    row |= {"margin": effect.margin, "low": low, "high": high, "seeds": effect.seeds, "numbers": effect.numbers}
    return row | {"verdict": _verdict(low, high)}


def _verdict(low: float | None, high: float | None) -> str:
    if low is not None and low > 0:
        return HOLDS
    return FAILS if high is not None and high < 0 else UNDECIDED


def _complete(study: Study, store: Store) -> list[str]:
    """Return the figures that claims are about and whose experiments of the study's one task are all in the store."""
    claimed = {name for claim in CLAIMS for name in claim.figures}
    names = [name for name in study.figures if name in claimed and study.tasks[0] in FIGURES[name].tasks]
    return [name for name in names if all(store.has(run.experiment) for run in study.runs(name))]


def _margin(row: Any) -> str:
    if pd.isna(row.margin):
        return ""
    return f"{row.margin:+.1f}" + ("" if row.unit == "points" else f" {row.unit}")


def _interval(row: Any) -> str:
    return "" if pd.isna(row.low) else f"{row.low:+.1f} to {row.high:+.1f}"
