"""Mean and spread of results over seeds: as text, and as a band to draw."""

import pandas as pd


def mean_and_std(mean: float, std: float | None, signed: bool = False) -> str:
    """Return a mean and a standard deviation as text, such as "71.3 ± 0.4".

    Args:
        mean: in % or points.
        std: of the same unit; missing (NaN or None) where there is one seed, which has no spread.
        signed: whether a positive mean has a sign.
    """
    text = f"{mean:+.1f}" if signed else f"{mean:.1f}"
    return text if pd.isna(std) else f"{text} ± {std:.1f}"


def band(values: pd.Series, low: float = 0.0, high: float = 100.0) -> pd.DataFrame:
    """Return mean, and mean less and plus one standard deviation over seeds, cut at the ends of what is possible.

    Args:
        values: in % or points; the index tells points apart, and a point is there once for each seed.
        low: the least possible value.
        high: the greatest.

    Returns:
        A row per point, sorted, with the columns ``mean``, ``low`` and ``high``. The spread of one seed is 0.
    """
    points = values.groupby(level=values.index.names).agg(["mean", "std"]).fillna(0.0)
    ends = {"low": points["mean"] - points["std"], "high": points["mean"] + points["std"]}
    return points[["mean"]].assign(**{name: end.clip(low, high) for name, end in ends.items()})
