"""Which verdicts change with the store that the results are from."""

from collections.abc import Sequence
from dataclasses import replace

import pandas as pd

from srnet.claims.bootstrap import DRAWS, drawn, resampled
from srnet.claims.judging import CLAIMS, UNTESTABLE, judged
from srnet.store.store import Store
from srnet.study.choice import Study, tabulated
from srnet.study.comparison import in_all


def judged_in_both(
    study: Study, here: Store, published: Store, figures: Sequence[str] | None = None, draws: int = DRAWS
) -> pd.DataFrame:
    """Test all claims on the results of a choice in two stores; nothing is computed.

    Both are judged by the same evidence: on the seeds that have all runs of a figure in both stores, with intervals
    over seeds and examples where both have logits, else over seeds alone.

    Args:
        study: the profile, and of it the tasks and seeds.
        here: one store.
        published: the other one.
        figures: names of figures (all of the profile, if not given); claims that compare others are left out.
        draws: number of resampled test sets for the intervals (`srnet.claims.bootstrap`).

    Returns:
        One row per claim and task that can be tested: the columns section, item, claim, task, seeds, and the verdicts
        ``here`` and ``published``.
    """
    sides: tuple[dict[str, list[pd.DataFrame]], ...] = ({}, {})
    for figure in study.figures if figures is None else figures:
        for task in study.tasks:
            evidence = _evidence(replace(study, tasks=(task,)), figure, here, published, draws)
            for side, table in zip(sides, evidence, strict=False):
                side.setdefault(figure, []).append(table)
    ours, theirs = (
        judged(CLAIMS, {figure: pd.concat(tables) for figure, tables in side.items()}, study.tasks) for side in sides
    )
    both = ours[["section", "item", "claim", "task", "seeds"]].assign(here=ours.verdict, published=theirs.verdict)
    return both[(both.here != UNTESTABLE) | (both.published != UNTESTABLE)].reset_index(drop=True)


def _evidence(study: Study, figure: str, here: Store, published: Store, draws: int) -> list[pd.DataFrame]:
    """Return a figure's results for one task in each store; none if no seed has them all in both."""
    stores = here, published

    def in_both(seed: int) -> bool:
        runs = replace(study, seeds=(seed,)).runs(figure)
        return bool(runs) and len(in_all(runs, *stores)) == len(runs)

    seeds = tuple(filter(in_both, study.seeds))
    if not seeds:
        return []
    study = replace(study, seeds=seeds)
    runs = study.runs(figure)
    tables = [resampled(tabulated(figure, runs, store), study, figure, store, draws) for store in stores]
    return tables if all(map(drawn, tables)) else [table.drop(columns=drawn(table)) for table in tables]
