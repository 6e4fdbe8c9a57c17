"""Verdicts on the paper's findings: of one figure for its chapter, of all for the ledger."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import pandas as pd

from srnet.claims import appendix, section_4, section_5
from srnet.claims.bootstrap import resampled
from srnet.claims.claim import Claim
from srnet.claims.measures import Results, UntestableError
from srnet.store.store import Store
from srnet.study.catalogue import FIGURES
from srnet.study.choice import Study
from srnet.study.summary import mean_and_std

CLAIMS: tuple[Claim, ...] = (*section_4.CLAIMS, *section_5.CLAIMS, *appendix.CLAIMS)
HOLDS, FAILS, UNTESTABLE = "holds", "fails", "cannot be tested here"
COLUMNS = [
    *("section", "item", "claim", "tested", "task", "verdict"),
    *("effect", "spread", "low", "high", "agree", "seeds", "unit", "numbers", "paper"),
]


def verdicts(figure: str, table: pd.DataFrame, others: Mapping[str, pd.DataFrame] | None = None) -> pd.DataFrame:
    """Test all claims about a figure, for people to read.

    Args:
        figure: name of the figure.
        table: its results (`srnet.study.choice.Study.table`).
        others: results of other figures that its claims compare it with (`beside`), by name.

    Returns:
        One row per claim and task, as `readable` gives them.
    """
    claims = [claim for claim in CLAIMS if figure in claim.home]
    return readable(judged(claims, {**(others or {}), figure: table}, list(table.task.unique())))


def beside(figure: str) -> tuple[str, ...]:
    """Return the names of the other figures that a figure's claims compare it with, for all of its tasks."""
    of_figure = [claim for claim in CLAIMS if figure in claim.home]
    names = dict.fromkeys(name for claim in of_figure for name in claim.figures if name not in claim.home)
    return tuple(name for name in names if set(FIGURES[name].tasks) & set(FIGURES[figure].tasks))


def ledger(study: Study, store: Store, draws: int = 0) -> pd.DataFrame:
    """Test all claims on what is in the store; nothing is computed.

    A claim about a figure that lacks an experiment cannot be tested.

    Args:
        study: the profile, and of it the tasks and seeds.
        store: where results are kept.
        draws: number of resampled test sets for the intervals (`srnet.claims.bootstrap`); 0 for none.

    Returns:
        One row per claim and task: the columns of `judged`, and `profile`.
    """
    parts: dict[str, list[pd.DataFrame]] = {}
    for task in study.tasks:
        of_task = replace(study, tasks=(task,))
        for figure in _complete(of_task, store):
            table = of_task.table(figure, store)
            table = resampled(table, of_task, figure, store, draws) if draws else table
            parts.setdefault(figure, []).append(table)
    tables = {figure: pd.concat(of_figure) for figure, of_figure in parts.items()}
    return judged(CLAIMS, tables, study.tasks).assign(profile=study.profile.name)


def judged(claims: Iterable[Claim], tables: Mapping[str, pd.DataFrame], tasks: Sequence[str]) -> pd.DataFrame:
    """Test claims on tasks.

    A claim holds where the mean effect over seeds is positive.

    Args:
        claims: what is tested.
        tables: results of figures by name, each of one task or more.
        tasks: names of tasks.

    Returns:
        One row per claim and task, with the columns `COLUMNS`: `verdict` is `HOLDS`, `FAILS` or `UNTESTABLE`;
        `effect` the mean over seeds of what the tested quantity exceeds by what it has to, in `unit`; `spread` its
        standard deviation over seeds; `low` and `high` the 95 % interval under resampling of the examples; `agree` for
        how many of the `seeds` it is positive; `numbers` what is compared, or why it cannot be; `paper` the paper's own
        figures. What is not known is missing (NaN or None).
    """
    by_task = {
        task: {name: rows for name, table in tables.items() if len(rows := table[table.task == task])} for task in tasks
    }
    rows = [_judged(claim, task, by_task[task]) for claim in claims for task in tasks]
    return pd.DataFrame(rows, columns=COLUMNS)


def readable(judged: pd.DataFrame) -> pd.DataFrame:
    """Return verdicts for people to read.

    Args:
        judged: what `judged` or `ledger` gives.

    Returns:
        Text in the columns section, claim, tested, task, verdict, margin (mean ± standard deviation over seeds),
        "95 %" (interval over examples, if any is known), seeds (how many agree), numbers, and "in the paper" (the
        paper's own figures, if any are known).
    """
    known = judged.verdict != UNTESTABLE
    text = judged[["claim", "tested", "task", "verdict"]].copy()
    text.insert(0, "section", judged.section + " " + judged["item"])
    text["margin"] = judged.apply(_margin, axis=1).where(known, "")
    if judged.low.notna().any():
        text["95 %"] = judged.apply(_interval, axis=1).where(judged.low.notna(), "")
    agree = judged.agree.astype("Int64").astype(str) + " of " + judged.seeds.astype("Int64").astype(str)
    text["seeds"] = agree.where(known, "")
    text["numbers"] = judged.numbers
    if judged.paper.notna().any():
        text["in the paper"] = judged.paper.fillna("")
    return text


def by_task(judged: pd.DataFrame) -> pd.DataFrame:
    """Return the verdicts in brief, a row per claim.

    Args:
        judged: what `judged` or `ledger` gives.

    Returns:
        Text in the columns section and claim, and one column per task with the verdict, the margin and how many seeds
        agree; for what cannot be tested, a dash.
    """
    agree = judged.agree.astype("Int64").astype(str) + " of " + judged.seeds.astype("Int64").astype(str)
    brief = judged.verdict + " (" + judged.apply(_margin, axis=1) + "; " + agree + ")"
    brief = brief.where(judged.verdict != UNTESTABLE, "–")
    labels = {"section": judged.section + " " + judged["item"], "claim": judged.claim, "task": judged.task}
    table = pd.DataFrame({**labels, "brief": brief})
    wide = table.pivot(index=["section", "claim"], columns="task", values="brief")
    return wide.reindex(table[["section", "claim"]].drop_duplicates())[list(table.task.unique())].reset_index()


def _judged(claim: Claim, task: str, results: Results) -> dict[str, object]:
    row: dict[str, object] = {"section": claim.section, "item": claim.item, "claim": claim.text}
    row |= {"tested": claim.tested, "task": task, "unit": claim.measure.unit, "paper": claim.paper}
    try:
        effect = claim.measure.effect(results)
    except UntestableError as reason:
        return row | {"verdict": UNTESTABLE, "numbers": str(reason)}
    size, (low, high) = effect.size, effect.interval or (None, None)
    return row | {
        "verdict": HOLDS if size.mean() > 0 else FAILS,
        "effect": size.mean(),
        "spread": size.std() if len(size) > 1 else None,
        "low": low,
        "high": high,
        "agree": int((size > 0).sum()),
        "seeds": len(size),
        "numbers": effect.numbers,
    }


def _complete(study: Study, store: Store) -> list[str]:
    """Return the figures that claims are about and whose experiments of the study's one task are all in the store."""
    claimed = {name for claim in CLAIMS for name in claim.figures}
    names = [name for name in study.figures if name in claimed and study.tasks[0] in FIGURES[name].tasks]
    return [name for name in names if all(store.has(run.experiment) for run in study.runs(name))]


def _margin(row: pd.Series) -> str:
    return mean_and_std(row.effect, row.spread, signed=True) + ("" if row.unit == "points" else f" {row.unit}")


def _interval(row: pd.Series) -> str:
    return f"{row.low:+.1f} to {row.high:+.1f}"
