"""Mean and spread over seeds, as text and as a band."""

import numpy as np
import pandas as pd
import pytest

from srnet.study.summary import band, mean_and_std


def test_text_has_a_spread_where_there_is_one() -> None:
    assert mean_and_std(71.26, 0.449) == "71.3 ± 0.4"
    assert mean_and_std(71.26, float("nan")) == mean_and_std(71.26, None) == "71.3"
    assert mean_and_std(2.0, 1.0, signed=True) == "+2.0 ± 1.0"
    assert mean_and_std(-2.0, None, signed=True) == "-2.0"


def test_a_band_is_one_standard_deviation_wide_and_ends_where_scores_do() -> None:
    values = pd.Series([99.0, 97.0, 50.0, 40.0, 1.0], index=pd.Index(["b", "b", "a", "a", "c"], name="curve"))
    found = band(values)
    assert list(found.index) == ["a", "b", "c"]
    assert list(found.columns) == ["mean", "low", "high"]
    assert tuple(found.loc["a"]) == pytest.approx((45, 45 - np.sqrt(50), 45 + np.sqrt(50)))
    assert tuple(found.loc["b"]) == pytest.approx((98, 98 - np.sqrt(2), 98 + np.sqrt(2)))
    assert tuple(found.loc["c"]) == (1, 1, 1)
    gap = band(pd.Series([-1.0, 1.0, 99.0, 100.0], index=pd.Index([0, 0, 1, 1], name="share")), low=-100.0)
    assert gap.loc[0, "low"] == pytest.approx(-np.sqrt(2))
    assert gap.loc[1, "high"] == 100


def test_points_are_told_apart_by_all_levels_of_the_index() -> None:
    index = pd.MultiIndex.from_tuples([("a", 0.5), ("a", 0.7), ("a", 0.7)], names=["curve", "sparsity"])
    assert band(pd.Series([10.0, 20.0, 40.0], index=index))["mean"].to_dict() == {("a", 0.5): 10, ("a", 0.7): 30}
