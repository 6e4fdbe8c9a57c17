"""The picture of a sample, and its tables."""

from functools import cache

import numpy as np
import pandas as pd
import pytest
from test_figures import boxes

from srnet.data.tasks import DATASETS, TASKS
from srnet.errors import InputError
from srnet.figures import sample_dots, sample_table, sample_tests
from srnet.study.sample import CHAIN

SEEDS = 8


@cache
def tables() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return points of a sample, with scores up to both ends, and what is published of all seeds."""
    random, rows = np.random.default_rng(0), []
    for task in TASKS.values():
        for dataset in (task.dev_name, *task.ood):
            split = "ID" if dataset == task.dev_name else "OOD"
            for curve in CHAIN:
                for seed in range(1, SEEDS + 1):
                    point = {"task": task.name, "dataset": dataset, "split": split, "curve": curve, "seed": seed}
                    rows.append(point | {"score": round(float(random.uniform()), 3)})
    seeds = pd.DataFrame(rows)
    points = seeds[seeds.seed == 1].rename(columns={"score": "published"})
    points = points.assign(score=np.linspace(0, 1, len(points)), equal=False, same_setup=True)
    return points, seeds


def test_every_score_is_drawn_in_the_row_of_its_step() -> None:
    points, seeds = tables()
    for axis in sample_dots(points, seeds, "made up").axes:
        split, _, name = axis.get_title(loc="left").partition(": ")
        if not name:
            continue
        (dataset,) = (each for each in points.dataset.unique() if DATASETS[each] == name)
        drawn = {str(line.get_label()): line for line in axis.lines}
        for label, table, column in (
            ("computed here", points, "score"),
            ("published, the same seed", points, "published"),
            ("published, each seed", seeds, "score"),
        ):
            own = table[table.dataset == dataset]
            assert set(own.split) == {split}
            wanted = np.column_stack([100 * own[column], [list(CHAIN).index(curve) for curve in own.curve]])
            assert np.asarray(drawn[label].get_xydata()) == pytest.approx(wanted)
        low, high = axis.get_xlim()
        ends = [float(end) for line in axis.lines for end in np.asarray(line.get_xdata())]
        assert low <= min(ends) <= max(ends) <= high


def test_all_text_is_inside_the_picture_and_nothing_is_drawn_of_nothing() -> None:
    points, seeds = tables()
    for shown in (points, points[points.task == "nli"]):
        found = dict(boxes(sample_dots(shown, seeds, "made up")))
        assert {"made up", "computed here", "imp (poe)"} <= found.keys()
        for text, box in found.items():
            assert ((box >= -0.002) & (box <= 1.002)).all(), text
    with pytest.raises(InputError, match="nothing to draw"):
        sample_dots(points[:0], seeds, "made up")


def test_the_table_has_the_sample_beside_all_seeds() -> None:
    points, seeds = tables()
    table = sample_table(points, seeds)
    assert len(table) == len(points)
    row, point = table.iloc[-1], points.iloc[-1]
    own = 100 * seeds[(seeds.dataset == point.dataset) & (seeds.curve == point.curve)].score
    assert table.index[-1] == ("Fact verification", "imp (poe)", DATASETS[point.dataset])
    assert (row.here, row.published) == ("100.0", f"{100 * point.published:.1f}")
    assert row.difference == f"{100 - 100 * point.published:+.2f}"
    assert row[f"{SEEDS} published seeds"] == f"{own.mean():.1f} ± {own.std():.1f}"
    assert row["from – to"] == f"{own.min():.1f} – {own.max():.1f}"
    assert (row.equal, row["same setup"]) == ("no", "yes")


def test_the_tests_are_in_words() -> None:
    row = {"figure": "a task", "points": 8, "equal": 0, "mean": 1.234, "largest": 2.0, "between_seeds": np.nan}
    table = sample_tests(pd.DataFrame([row | {"recomputed": 1, "published": 8, "p": 0.5, "least": 1 / 9}]))
    assert table.iloc[0].tolist() == [8, 0, "1.23", "2.00", "", "not shown: p = 0.5 (1 of 9 seeds: p ≥ 0.11)"]
