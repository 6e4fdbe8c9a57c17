"""Whether results that were computed anew are those that were published.

On the same processor and with the same libraries they are, bit for bit. On another processor floats differ in their
last bits, and training amplifies that: a run diverges from the published one, in the end as far as one of another seed.
Whether results that differ do so by more than seeds do is what a permutation test asks. Its null hypothesis is that
scores computed anew are exchangeable with those of the published seeds. The points of a figure share runs, so whole
seeds are exchanged, not points. The statistic is the squared difference of the two means at a point, in standard
deviations over all seeds, on the mean over points.

A run that has diverged from the published one of its own seed may yet be nearer to it than to others. Then it differs
by less than what is exchangeable, and the test rejects less often than its level says.

`scipy.stats.permutation_test` is not used: it refuses samples of one, and one seed is what is computed anew most often.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from srnet.store.records import same_results, same_setup
from srnet.store.store import Store
from srnet.study.choice import Study, tabulated
from srnet.study.points import Run

ALL_FIGURES = "in all"
COLUMNS = [
    *("figure", "points", "equal", "same_setup", "mean", "largest", "between_seeds"),
    *("recomputed", "published", "p", "least"),
]
LEVEL = 0.05  # p-values up to it say that results differ by more than seeds do
MOST = 20_000  # exchanges that are tried; all, if there are no more (8 of 16 seeds: 12,870)


def compared(study: Study, here: Store, published: Store, figures: Sequence[str] | None = None) -> pd.DataFrame:
    """Compare the results of a choice in two stores; nothing is computed.

    Args:
        study: the choice. Its results `here` are held against the published ones of all seeds of the profile.
        here: where they were computed anew.
        published: where they were published; records do.
        figures: names of figures and tables (all of the profile, if not given).

    Returns:
        A row for each figure of which both stores have points, and if there are several one for all of them
        (`ALL_FIGURES`), in which what figures share counts once; no row if they have none.

        - figure: its name.
        - points: number of rows of its table (`Study.table`) that are in both stores.
        - equal: how many of them come from records that are equal bit for bit (`srnet.store.records.same_results`).
        - same_setup: how many of the others were computed alike (`srnet.store.records.same_setup`) and should be equal.
        - mean, largest: of the absolute differences of the others, in percentage points; NaN if there are none.
        - between_seeds: the mean absolute difference of two published seeds at these points; NaN if there are no two.
        - recomputed, published: the numbers of seeds that the test compares.
        - p: of the hypothesis that seeds differ as much (`exchange_test`); NaN if there is nothing to test.
        - least: the least p that so many seeds can give.

    Raises:
        DamagedError: if a record is not what was written.
    """
    names = study.figures if figures is None else figures
    found = {name: points(name, study.runs(name), here, published) for name in names}
    theirs = {name: _reference(study, name, published) for name in names if len(found[name])}
    return tested({name: found[name] for name in theirs}, theirs)


def tested(found: Mapping[str, pd.DataFrame], theirs: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of `compared` from the points in both stores (`points`), and those of all published seeds.

    Args:
        found: by figure, or by whatever else the points are parted by.
        theirs: of the same names.
    """
    rows = [_row(name, found[name], reference) for name, reference in theirs.items()]
    if len(theirs) > 1:
        rows.append(_row(ALL_FIGURES, _together(found), _together(theirs)))
    return pd.DataFrame(rows, columns=COLUMNS)


def points(figure: str, runs: Sequence[Run], here: Store, published: Store) -> pd.DataFrame:
    """Return the points of runs that are in both stores.

    Args:
        figure: the figure that they are of, or are all drawn like.
        runs: of one or several seeds.
        here: where they were computed anew.
        published: where they were published.

    Returns:
        The rows of `Study.table`, with the columns ``published``, the other score, a share in [0, 1] too; ``equal`` and
        ``same_setup``, whether both come from records that are equal bit for bit, or were computed alike.
    """
    runs = in_all(runs, here, published)
    ours, theirs = (tabulated(figure, runs, store) for store in (here, published))
    shared = [column for column in ours if column != "score"]
    both = ours.merge(theirs.rename(columns={"score": "published"}), on=shared)
    pairs = [(run.experiment.key, here.record(run.experiment), published.record(run.experiment)) for run in runs]
    equal = {key: same_results(*pair) for key, *pair in pairs}
    alike = {key: same_setup(*pair) for key, *pair in pairs}
    return both.assign(equal=both.key.map(equal).astype(bool), same_setup=both.key.map(alike).astype(bool))


def in_all(runs: Sequence[Run], *stores: Store) -> list[Run]:
    """Return the runs whose records are in all stores.

    Raises:
        DamagedError: if a record is not what was written; it does not count as missing.
        InputError: if published results are not what was published.
    """

    def there(run: Run, store: Store) -> bool:
        return store.holds(run.experiment) and bool(store.record(run.experiment))

    return [run for run in runs if all(there(run, store) for store in stores)]


def exchange_test(recomputed: NDArray[np.float64], published: NDArray[np.float64]) -> tuple[float, float]:
    """Test whether recomputed scores are exchangeable with published ones, by exchanging whole seeds.

    Args:
        recomputed: scores [k, P] of k seeds at P points, in any unit.
        published: scores [m, P] of m seeds.

    Returns:
        The p-value, and the least that so many seeds can give: 1 over the number of exchanges, twice that where k is m,
        since two samples of one size may change places.
    """
    scores, k = np.concatenate([recomputed, published]), len(recomputed)
    n, spread = len(scores), scores.std(axis=0, ddof=1)
    z = (scores - scores.mean(axis=0))[:, spread > 0] / spread[spread > 0]
    chosen = _exchanges(n, k)
    weights = np.full((len(chosen), n), -1 / (n - k))
    np.put_along_axis(weights, chosen, 1 / k, axis=1)
    statistic = np.einsum("ei,ij,ej->e", weights, z @ z.T, weights)  # the sum over points; as measured, then exchanged
    return float((statistic >= statistic[0] * (1 - 1e-9)).mean()), (2 if 2 * k == n else 1) / len(chosen)


def in_words(row: pd.Series) -> str:
    """Return whether a row of `compared` shows that results differ by more than seeds do."""
    if row.equal == row.points:
        return "equal bit for bit"
    if pd.isna(row.p):
        return "no test: no seed has all points"
    if row.p <= LEVEL:
        return f"yes: p = {row.p:.2g}"
    seeds = f"{row.recomputed} of {row.recomputed + row.published} seeds: p ≥ {row.least:.2g}"
    return f"not shown: p = {row.p:.2g}" + (f" ({seeds})" if row.least > LEVEL else "")


def error_in_words(row: pd.Series) -> str:
    """Return what is wrong if scores of a row of `compared` differ that should be equal; empty if nothing is."""
    if not row.same_setup:
        return ""
    return (
        f"{row.same_setup:,} scores differ although both were computed with the same libraries on processors of the "
        "same name. That is an error: they should be equal."
    )


def _reference(study: Study, figure: str, published: Store) -> pd.DataFrame:
    """Return what is published of a figure, of all seeds that there are."""
    seeds = tuple(dict.fromkeys((*study.profile.seeds, *study.seeds)))
    return tabulated(figure, in_all(replace(study, seeds=seeds).runs(figure), published), published)


def _together(tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return the points of several figures, those that are the same data set of the same record once."""
    whole = pd.concat([table.assign(figure=name) for name, table in tables.items()], ignore_index=True)
    same = [column for column in ("key", "dataset", "step") if column in whole]
    return whole.drop_duplicates(same, ignore_index=True)


def _row(figure: str, found: pd.DataFrame, reference: pd.DataFrame) -> dict[str, object]:
    others = found[~found.equal]
    differences = 100 * (others.score - others.published).abs()
    row = {"figure": figure, "points": len(found), "equal": len(found) - len(others)}
    row |= {"same_setup": int(others.same_setup.sum()), "mean": differences.mean(), "largest": differences.max()}
    recomputed, published = _by_seed(found, reference)
    p, least = math.nan, math.nan
    if len(recomputed) and len(published):
        p, least = exchange_test(recomputed, published)
    row |= {"recomputed": len(recomputed), "published": len(published), "p": p, "least": least}
    return row | {"between_seeds": 100 * _between(published)}


def _by_seed(found: pd.DataFrame, reference: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the scores [seeds, points] of those that differ, and of all that are published at the same points.

    A point is told apart by all but its seed. Seeds that are equal everywhere, and such as lack a point, are left out.
    """
    both = pd.concat([found.assign(new=True), reference.assign(new=False, equal=True)], ignore_index=True)
    apart = [name for name in reference if name not in ("seed", "score", "key")]
    both["point"] = both.groupby(apart, dropna=False, sort=False).ngroup()
    changed, seeds = both.point[~both.equal].unique(), both.seed[~both.equal].unique()
    both = both[both.point.isin(changed) & (~both.new | both.seed.isin(seeds))]
    wide = both.pivot(index=["new", "seed"], columns="point", values="score").dropna()
    new = wide.index.get_level_values("new").to_numpy(dtype=bool)
    return wide[new].to_numpy(), wide[~new].to_numpy()


def _between(scores: NDArray[np.float64]) -> float:
    """Return the mean absolute difference of two of the seeds of scores [seeds, points]; NaN if there are no two."""
    pairs = [np.abs(one - other).mean() for one, other in combinations(scores, 2)]
    return float(np.mean(pairs)) if pairs else math.nan


def _exchanges(n: int, k: int) -> NDArray[np.int64]:
    """Return which k of n seeds count as recomputed, int64 [E, k]: the first k, then all others or `MOST` draws."""
    if math.comb(n, k) <= MOST:
        return np.array(list(combinations(range(n), k)))
    rng = np.random.default_rng(0)
    return np.array([range(k), *(rng.permutation(n)[:k] for _ in range(MOST))])
