"""Figures as pictures: every curve has a look of its own, and panels show what the table holds."""

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from io import StringIO
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.path import Path as Outline
from matplotlib.text import Text

from srnet import InputError
from srnet.claims import CLAIMS, FAILS, HOLDS, UNDECIDED, UNTESTABLE
from srnet.data.tasks import TASKS
from srnet.environment import Inputs
from srnet.figures import (
    CURVES,
    csv_link,
    deviation_dots,
    epoch_curves,
    ledger_margins,
    loss_weights,
    mask_learning,
    means,
    pruning_steps,
    records,
    score_dots,
    score_table,
    share_curves,
    sparsity_curves,
    step_curves,
    subset_heatmap,
)
from srnet.figures.curves import APART
from srnet.figures.findings import TOPICS, WORDS, part_and_mark
from srnet.figures.ledger import EDGE, REACH, SMALL, STYLES
from srnet.figures.style import BESIDE_FIGURE_2, ORANGE, STARTS, WIDTH, is_full, label_of, limits, styles
from srnet.study.catalogue import FIGURES
from srnet.study.choice import PARTS, choose
from srnet.study.guessing import guesses
from srnet.study.points import Run

# Machado, Oliveira and Fernandes (2009): linear RGB as seen by readers who lack one kind of cone.
SEEN = {
    "by all": np.eye(3),
    "without long": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "without middle": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "without short": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
DRAWINGS: dict[str, Callable[..., Figure]] = {
    "figure-7": step_curves,
    "figure-s3": step_curves,
    "mask-training": step_curves,
    "figure-8": epoch_curves,
    "deviations": deviation_dots,
    "pocket-world": share_curves,
}
OF_CURVES = [name for name in FIGURES if DRAWINGS.get(name) not in (deviation_dots, share_curves)]
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


@cache
def table_of(name: str, tasks: tuple[str, ...] | None = None) -> pd.DataFrame:
    """Return a table as the study would make it for a figure, with three seeds and scores up to both ends."""
    random = np.random.default_rng(0)
    profile = "pocket" if name == "pocket-world" else "paper"  # which has all other figures
    study = choose(profile, tasks=tasks, seeds=[1, 2, 3], inputs=Inputs(device="cpu"))
    rows = []
    for run in study.runs(name):
        task = TASKS[run.task]
        point = {"curve": run.curve, "plm": run.plm, "start": run.start, "sparsity": run.sparsity, "seed": run.seed}
        point |= {"task": run.task, "key": run.experiment.key, **run.labels}
        for dataset in (task.dev_name, *task.ood):
            split = "ID" if dataset == task.dev_name else "OOD"
            for step in ({"step": step} for step in range(1000, 5000, 1000)) if FIGURES[name].by_step else ({},):
                score = random.beta(9, 0.4) if split == "ID" else random.beta(0.4, 0.5)
                rows.append(point | step | {"dataset": dataset, "split": split, "score": score})
    return pd.DataFrame(rows)


def drawing_of(name: str) -> Callable[..., Figure]:
    return DRAWINGS.get(name, score_dots if name.startswith("table") else sparsity_curves)


@cache
def draw(name: str, tasks: tuple[str, ...] | None = None) -> Figure:
    return drawing_of(name)(table_of(name, tasks), "made up")


def panels(figure: Figure) -> list[Axes]:
    return [axis for axis in figure.axes if axis.axison]


def x_of(line: Line2D) -> list[float]:
    return list(np.asarray(line.get_xdata(), dtype=float))


def y_of(line: Line2D) -> list[float]:
    return list(np.asarray(line.get_ydata(), dtype=float))


def corners(outline: Outline) -> np.ndarray:
    return np.asarray(outline.vertices, dtype=float)


def lab(color: str, matrix: np.ndarray) -> np.ndarray:
    """Return a colour in CIE L*a*b* as seen through a matrix."""
    rgb = np.array(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = XYZ @ np.clip(matrix @ linear, 0, 1) / XYZ.sum(axis=1)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_every_curve_has_a_style_and_every_style_a_curve() -> None:
    drawn = {curve for name in OF_CURVES for curve in table_of(name).curve}
    assert {curve for curve in drawn if not curve.startswith(("ft step=", "ft to"))} == set(CURVES)
    assert len(drawn - set(CURVES)) == len(STARTS)
    for name in ("figure-3", "figure-5"):
        assert set(BESIDE_FIGURE_2) & set(table_of(name).curve)


@pytest.mark.parametrize("name", OF_CURVES)
def test_no_two_curves_of_a_figure_look_alike(name: str) -> None:
    looks_of = styles(table_of(name).curve)
    for one, other in combinations(looks_of, 2):
        a, b = looks_of[one], looks_of[other]
        hollow = [style.get("markerfacecolor") == "white" for style in (a, b)]
        looks = [(style.get("marker"), style["linestyle"], style.get("markerfacecolor") == "white") for style in (a, b)]
        assert looks[0] != looks[1], f"{one} and {other} are the same in black and white"
        if a["color"] == b["color"]:
            assert hollow[0] != hollow[1], f"{one} and {other} have one colour"
            continue
        for who, matrix in SEEN.items():
            apart = np.linalg.norm(lab(a["color"], np.array(matrix)) - lab(b["color"], np.array(matrix)))
            assert apart > 15, f"{one} and {other}, seen {who}: {apart:.0f}"


def test_orange_is_mask_train_poe_of_figure_2_wherever_it_returns() -> None:
    orange = {
        name: {curve for curve, style in styles(table_of(name).curve).items() if style["color"] == ORANGE}
        for name in OF_CURVES
    }
    of_figure_2 = {run.experiment for run in runs_of("figure-2") if run.curve == "mask train (poe)"}
    for name in ("figure-2", "figure-3", "figure-5", "figure-s1"):
        assert len(orange[name]) == 1, name
        assert {run.experiment for run in runs_of(name) if run.curve in orange[name]} == of_figure_2, name
    assert {run.experiment for run in runs_of("figure-s3") if run.curve in orange["figure-s3"]} <= of_figure_2
    assert orange["figure-4"] == set()


def test_starts_are_in_the_order_of_fine_tuning() -> None:
    looks = styles(["ft to end", "ft step=20000", "ft step=0", "ft step=5000"])
    assert list(looks) == ["ft step=0", "ft step=5000", "ft step=20000", "ft to end"]
    assert looks["ft to end"] == STARTS[-1]


def runs_of(name: str) -> list[Run]:
    return choose("paper", seeds=[1], inputs=Inputs(device="cpu")).runs(name)


X = {"figure-7": "step", "figure-s3": "step", "mask-training": "step", "figure-8": "epochs"}


@pytest.mark.parametrize("name", [name for name in OF_CURVES if not name.startswith("table")])
def test_a_panel_per_data_set_and_a_line_per_curve(name: str) -> None:
    table, figure = table_of(name), draw(name)
    tasks = FIGURES[name].tasks
    wanted = [(task, dataset) for task in tasks for dataset in (TASKS[task].dev_name, *TASKS[task].ood)]
    titles = [axis.get_title(loc="left").split(":")[0] for axis in panels(figure)]
    assert titles == ["ID" if dataset == TASKS[task].dev_name else "OOD" for task, dataset in wanted]
    x = X.get(name, "sparsity")
    for axis, (task, dataset) in zip(panels(figure), wanted, strict=True):
        part = table[(table.task == task) & (table.dataset == dataset)]
        drawn = {line.get_label(): line for line in axis.lines}
        assert set(drawn) == {label_of(curve) for curve in part.curve} | set(guesses(dataset))
        for curve, rows in part.groupby("curve"):
            line, mean = drawn[label_of(curve)], 100 * rows.groupby(x).score.mean()
            if is_full(curve):
                assert y_of(line) == pytest.approx([mean.iloc[0]] * 2)
            else:
                assert x_of(line) == pytest.approx(list((100 if x == "sparsity" else 1) * mean.index))
                assert y_of(line) == pytest.approx(list(mean))
        for guess, level in guesses(dataset).items():
            assert y_of(drawn[guess]) == [100 * level] * 2
            assert axis.get_ylim()[0] <= 100 * level <= axis.get_ylim()[1]
    labels = {text.get_text().replace("\n", " ") for legend in legends(figure) for text in legend.get_texts()}
    guessed = {guess for _, dataset in wanted for guess in guesses(dataset)}
    assert labels == {label_of(curve) for curve in table.curve} | guessed


def test_curves_of_one_task_have_that_tasks_starts_and_steps() -> None:
    table = table_of("figure-s3").copy()
    table.loc[table.task == "fact", "curve"] = table.curve.str.replace("5000", "5")
    table.loc[table.task == "fact", "step"] *= 2
    figure = step_curves(table, "made up")
    assert [len(legend.get_texts()) for part in figure.subfigs for legend in part.legends] == [6, 8, 6]
    last = figure.subfigs[2].legends[0]
    assert [text.get_text() for text in last.get_texts()][:3] == ["ft step=0", "ft step=5", "ft step=15"]
    limits_of = [axis.get_xlim()[1] for axis in panels(figure)]
    assert limits_of[0] < 5000 < limits_of[-1]


def legends(figure: Figure) -> list:
    below = [legend for part in figure.subfigs for legend in part.legends]
    return [*figure.legends, *below, *(axis.get_legend() for axis in figure.axes if axis.get_legend())]


def scores_drawn(axis: Axes, dots: bool) -> Iterator[np.ndarray]:
    """Yield all coordinates on a panel's scale of scores."""
    of_score = 0 if dots else 1
    for line in axis.lines:
        if line.get_transform() == axis.transData:
            yield np.array(x_of(line) if dots else y_of(line))
        elif not dots:
            yield np.array(y_of(line))
    for collection in axis.collections:
        if isinstance(collection, PathCollection):
            yield np.asarray(collection.get_offsets())[:, of_score]
            continue
        for path in collection.get_paths():
            yield corners(path)[:, of_score]
    for patch in axis.patches:
        yield np.array([patch.get_y(), patch.get_y() + patch.get_height()])  # type: ignore[attr-defined]
    yield np.array(axis.get_xlim() if dots else axis.get_ylim())


@pytest.mark.parametrize("name", [*OF_CURVES, "deviations"])
def test_nothing_is_drawn_below_0_or_above_100_percent(name: str) -> None:
    figure = draw(name)
    dots = drawing_of(name) in (score_dots, deviation_dots)
    drawn = [np.concatenate(list(scores_drawn(axis, dots))) for axis in panels(figure)]
    assert all(values.min() >= 0 and values.max() <= 100 for values in drawn)
    assert any(values.max() == 100 for values in drawn)  # so something was cut
    for axis, values in zip(panels(figure), drawn, strict=True):
        low, high = axis.get_xlim() if dots else axis.get_ylim()
        assert low <= values.min() <= values.max() <= high


def test_bands_are_one_standard_deviation_to_either_side() -> None:
    table = table_of("figure-2", ("nli",)).copy()
    table["score"] = table.seed.map({1: 0.5, 2: 0.6, 3: 0.7})
    axis = panels(sparsity_curves(table, "made up"))[0]
    bands = [band for band in axis.collections if not isinstance(band, PathCollection)]
    assert len(bands) == 4
    for band in bands:
        heights = corners(band.get_paths()[0])[:, 1]
        assert (heights.min(), heights.max()) == pytest.approx((50, 70))
    for span in axis.patches:
        assert (span.get_y(), span.get_height()) == pytest.approx((50, 20))  # type: ignore[attr-defined]


def seeds_drawn(axis: Axes) -> list[np.ndarray]:
    """Return the coordinates of the points that stand for single seeds, in data of the panel."""
    return [np.asarray(each.get_offsets()) for each in axis.collections if isinstance(each, PathCollection)]


@pytest.mark.parametrize("name", ["figure-2", "figure-7", "table-5", "deviations"])
def test_every_seed_is_a_point_of_its_panel(name: str) -> None:
    table = table_of(name)
    last = 1 if drawing_of(name) in (sparsity_curves, step_curves) else 0  # of coordinates, which is the score
    for axis, (_, part) in zip(panels(draw(name)), table.groupby(["task", "dataset"], sort=False), strict=True):
        points = np.concatenate(seeds_drawn(axis))
        assert sorted(points[:, last]) == pytest.approx(sorted(100 * part.score))


def test_seeds_of_two_curves_are_apart_and_those_of_full_models_at_the_right_end() -> None:
    figure = draw("figure-2", ("nli",))
    figure.draw_without_rendering()
    axis = panels(figure)[0]
    seeds = [each for each in axis.collections if isinstance(each, PathCollection)]
    places = [each.get_offset_transform().transform(each.get_offsets())[:, 0] for each in seeds]
    by_curve = dict(zip(styles(table_of("figure-2").curve), places, strict=True))
    right = axis.get_window_extent().x1
    full = [x for curve, x in by_curve.items() if is_full(curve)]
    pruned = [x.min() for curve, x in by_curve.items() if not is_full(curve)]
    assert all(right - 1 <= x.min() == x.max() <= right + 0.1 * figure.dpi for x in full)
    assert len(full) == 2
    assert np.diff(sorted(pruned)) == pytest.approx([APART / 72 * figure.dpi] * 3)


def test_scales_are_shared_among_ood_sets() -> None:
    table = table_of("figure-2", ("fact",)).copy()
    table["score"] = table.dataset.map({"fever": 0.9, "sym1": 0.6, "sym2": 0.8}) + 0.01 * table.seed
    development, first, second = panels(sparsity_curves(table, "made up"))
    assert first.get_ylim() == second.get_ylim()
    assert first.get_ylim()[0] < 60 < 83 < first.get_ylim()[1] < 90
    assert development.get_ylim()[0] > 83


@pytest.mark.parametrize(
    ("spans", "wanted"),
    [
        ([(50, 51), (50, 70)], (48.8, 71.2)),
        ([(97, 98)], (90, 100)),
        ([(100, 100)], (90, 100)),
        ([(0, 1)], (0, 10)),
        ([(0, 100)], (0, 100)),
        ([(50, 50)], (45, 55)),
    ],
)
def test_scales_cover_at_least_ten_points(spans: list[tuple[float, float]], wanted: tuple[float, float]) -> None:
    low, high = limits(spans)
    assert low <= wanted[0] + 2.6
    assert (high - low) >= 10 - 1e-9
    assert 0 <= low <= min(spans)[0]
    assert max(high for _, high in spans) <= high <= 100
    assert (low, high) == pytest.approx(wanted, abs=2.6)


def texts(figure: Figure) -> list[Text]:
    return [artist for artist in figure.findobj(Text) if isinstance(artist, Text)]


def ticks_out_of_view(axis: Axes) -> Iterator[Text]:
    """Yield labels of ticks beyond the ends of a scale, which are there and not drawn."""
    for side, (low, high) in enumerate((axis.get_xlim(), axis.get_ylim())):
        for label in (axis.get_xticklabels, axis.get_yticklabels)[side]():
            if not min(low, high) <= label.get_position()[side] <= max(low, high):
                yield label


def boxes(figure: Figure) -> Iterator[tuple[str, np.ndarray]]:
    """Yield the text of a figure, and where its box lies, as shares of the figure's width and height."""
    figure.draw_without_rendering()  # lays it out
    undrawn = {id(label) for axis in panels(figure) for label in ticks_out_of_view(axis)}
    size = np.array([*figure.bbox.size, *figure.bbox.size])
    for text in texts(figure):
        if id(text) in undrawn:
            continue
        if text.get_visible() and text.get_text().strip() and (text.axes is None or text.axes.axison):
            yield text.get_text(), np.array(text.get_window_extent().extents) / size


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("tasks", [None, ("nli",)])
def test_all_text_is_readable_and_inside_the_picture(name: str, tasks: tuple[str, ...] | None) -> None:
    if tasks and "nli" not in FIGURES[name].tasks:
        pytest.skip("not a figure of this task")
    figure = draw(name, tasks)
    assert figure.get_size_inches()[0] == WIDTH
    for legend in legends(figure):
        assert legend.get_window_extent().x1 <= figure.bbox.x1 + 1
    for text, (left, low, right, high) in boxes(figure):
        assert -0.002 <= left <= right <= 1.002, text
        assert -0.002 <= low <= high <= 1.002, text
    assert min(float(text.get_fontsize()) for text in texts(figure)) >= 8


def test_a_curve_without_style_and_a_table_without_scores_are_refused() -> None:
    table = table_of("figure-2", ("nli",))
    with pytest.raises(InputError, match="curve 'mask train \\(new\\)' has no style"):
        sparsity_curves(table.replace({"curve": {"imp (std)": "mask train (new)"}}), "made up")
    with pytest.raises(InputError, match="nothing to draw"):
        step_curves(table[:0], "made up")


@pytest.mark.parametrize("name", ["figure-2", "figure-7", "figure-8", "table-5", "deviations", "pocket-world"])
def test_scores_on_parts_are_not_taken_for_headline_scores(name: str) -> None:
    table = table_of(name)
    with pytest.raises(InputError, match="the table has scores on parts of the data sets"):
        drawing_of(name)(table.assign(**{"subset": "all", "class": "all"}), "made up")


def test_a_row_of_dots_per_row_of_the_table() -> None:
    table, figure = table_of("table-6"), draw("table-6")
    cells = score_table("table-6", table).data
    ours = cells[[block.startswith("here") for block, _ in cells.index]]
    labels = [label.get_text() for label in panels(figure)[0].get_yticklabels()]
    assert labels == [f"{block.removeprefix('here, ')} {row}" for block, row in ours.index]
    for axis, column in zip(panels(figure), ours.columns, strict=True):
        dots = sorted((y_of(line)[0], x_of(line)[0]) for line in axis.lines if len(x_of(line)) == 1)
        assert [f"{mean:.1f}" for _, mean in dots] == [str(cell).split()[0] for cell in ours[column]]


@pytest.mark.parametrize("name", ["table-5", "table-6"])
def test_the_papers_values_stand_beside_ours_in_the_same_rows(name: str) -> None:
    paper, both = score_table(name, None).data, score_table(name, table_of(name)).data
    assert list(paper.columns) == list(both.columns) == list(both.columns.unique())
    pd.testing.assert_frame_equal(both.head(len(paper)), paper)
    rows = both.groupby(level=0, sort=False).apply(lambda block: [row for _, row in block.index])
    assert len({tuple(names) for names in rows}) == 1
    assert both.index.is_unique
    assert both.index.nlevels == 2
    assert all(re.fullmatch(r"\d+\.\d+ ± \d+\.\d+", cell) for cell in both.to_numpy().flat)


def test_table_5_has_the_papers_numbers_as_printed_and_ours_with_their_spread() -> None:
    table = table_of("table-5")
    cells = score_table("table-5", table).data
    assert list(cells.columns[:4]) == ["MNLI-m", "HANS", "QQP", "PAWS-QQP"]
    assert cells.loc[("the paper, BERT-base", "gradual 0.7~0.9"), "PAWS-Wiki"] == "51.15 ± 0.73"
    chosen = table[(table.curve == "fixed, soft") & (table.dataset == "sym2")]
    scores = 100 * chosen.score
    assert cells.loc[("here, bert-base-uncased", "fixed, soft"), "FEVER-Symm. v2"] == (
        f"{scores.mean():.1f} ± {scores.std():.1f}"
    )


def test_the_best_of_each_column_and_block_is_bold() -> None:
    table = table_of("table-5").copy()
    table["score"] = table.curve.map({"gradual 0.7~0.9": 0.9}).fillna(0.5)
    html = score_table("table-5", table).to_html()
    bold = "".join(re.findall(r"#([^{]*) \{\s*font-weight: bold", html))
    places = {tuple(map(int, place)) for place in re.findall(r"_row(\d+)_col(\d+)", bold)}
    paper = {(4, column) for column in range(8) if column != 3} | {(0, 3)}  # all but PAWS-QQP
    assert places == paper | {(9, column) for column in range(8)}


def test_means_have_no_more_levels_than_tell_rows_apart() -> None:
    levels = {
        "figure-2": ["curve", "sparsity"],
        "figure-7": ["curve"],
        "figure-8": ["curve", "epochs"],
        "table-5": ["curve"],
        "deviations": ["deviation", "side"],
        "pocket-world": ["share"],
    }
    for name, wanted in levels.items():
        for _, part in table_of(name).groupby("task"):
            found = means(part)
            assert list(found.index.names) == wanted, name
            assert found.index.is_unique, name
            assert not found.isna().any(axis=None)
        assert records(table_of(name)).index.is_unique
    assert list(means(table_of("figure-2")).index[2]) == ["mask train (std)", "20 %"]
    assert list(means(table_of("figure-2", ("fact",))).columns) == ["FEVER", "FEVER-Symm. v1", "FEVER-Symm. v2"]


def test_means_of_curves_are_those_of_the_last_evaluation() -> None:
    table = table_of("figure-7")
    last = table[(table.step == 4000) & (table.curve == "ft to end") & (table.dataset == "hans")]
    assert means(table).loc["ft to end", "HANS"].startswith(f"{100 * last.score.mean():.1f} ")


def test_a_table_can_be_taken_away_whole() -> None:
    table = table_of("figure-7")
    address = re.search(r'href="data:text/csv;charset=utf-8;base64,([A-Za-z0-9+/=]+)"', csv_link(table, "figure-7"))
    assert address
    linked = pd.read_csv(StringIO(base64.b64decode(address[1]).decode()))
    pd.testing.assert_frame_equal(linked, table, check_exact=True, check_dtype=False)
    assert 'download="figure-7.csv"' in csv_link(table, "figure-7")
    assert "<script" not in csv_link(table, '"><script')


def test_a_heatmap_of_parts_is_as_wide_as_the_text() -> None:
    parts = [(way, label) for way in ("lexical_overlap", "subsequence") for label in ("yes", "no")]
    curves = ("imp (std)", "imp (poe)")
    rows = [("hans", *part, curve, 0.5, 0.1 * n) for n, part in enumerate(parts) for curve in curves]
    rows += [("hans", "all", "all", curve, 0.5, 0.9) for curve in curves]
    table = pd.DataFrame(rows, columns=["dataset", *PARTS, "curve", "sparsity", "score"])
    figure = subset_heatmap(table, "hans", "made up")
    assert figure.get_size_inches()[0] == WIDTH
    assert [text.get_text() for text in figure.axes[0].texts[:4]] == ["10", "30", "0", "20"]


def test_loss_weights_are_those_of_the_formulas() -> None:
    figure = loss_weights(probabilities=(1 / 3, 0.9), teacher=0.9)
    drawn = [{line.get_label(): np.array(line.get_data()) for line in axis.lines} for axis in figure.axes[:4]]
    labels = [{line.get_color(): line.get_label() for line in figure.axes[0].lines}]
    by_color = [{line.get_color(): np.array(line.get_data()) for line in axis.lines} for axis in figure.axes[:4]]
    color = {str(label): key for key, label in labels[0].items()}
    for row, p in enumerate((1 / 3, 0.9)):
        bias, loss = drawn[2 * row]["poe"]
        together = p * bias / (p * bias + (1 - p) * (1 - bias) / 2)
        assert loss == pytest.approx(-np.log(together), abs=1e-5)
        push = by_color[2 * row + 1]
        assert push[color["poe"]][1] == pytest.approx(1 - together, abs=1e-5)
        assert push[color["std"]][1] == pytest.approx(1 - p)
        assert push[color["reweight"]][1] == pytest.approx((1 - bias) * (1 - p), abs=1e-5)
        target = 0.9 ** (1 - bias) / (0.9 ** (1 - bias) + 2 * 0.05 ** (1 - bias))
        assert push[color["confreg"]][1] == pytest.approx(target - p, abs=1e-5)
        assert drawn[2 * row]["reweight"][1] == pytest.approx(-(1 - bias) * np.log(p), abs=1e-5)


@pytest.mark.parametrize("value", [0.0, 1.0, -0.1, float("nan")])
def test_loss_weights_need_probabilities(value: float) -> None:
    with pytest.raises(InputError, match="not a probability"):
        loss_weights(probabilities=(value,))


def test_a_mask_being_learned() -> None:
    scores = np.array([[0.02, 0.0, 0.02], [0.015, 0.005, 0.03], [0.008, 0.02, 0.03]])
    figure = mask_learning([0, 4, 8], scores, [0.01, 0.01, 0.012], [1.0, 0.5, 0.5], [0.0, 0.2, 0.4], "made up")
    above, kept, changed = figure.axes
    fates = [line.get_color() for line in above.lines[:3]]
    ends = [y_of(line)[-1] for line in above.lines[:3]]
    assert sorted(zip(ends, fates, strict=True)) == [(0.008, fates[2]), (0.02, fates[0]), (0.03, fates[1])]
    assert fates[0] == fates[1] != fates[2]
    assert y_of(kept.lines[0]) == [100, 50, 50]
    assert y_of(changed.lines[0]) == [0, 20, 40]
    with pytest.raises(InputError, match="kept has 2 entries for 3 steps"):
        mask_learning([0, 4, 8], scores, [0.01] * 3, [1.0, 0.5], [0.0] * 3, "made up")


def test_the_steps_of_iterative_pruning() -> None:
    figure = pruning_steps(
        [2, 4, 6], [1.0, 0.8, 0.7], [0, 3], [0.1, 0.2], {"MNLI-m": [0.9, 0.8], "HANS": [0.6, 0.5]}, "made up"
    )
    below = figure.axes[2]
    drawn = {line.get_label(): line for line in below.lines}
    assert x_of(drawn["HANS"]) == [3, 6]
    assert y_of(drawn["HANS"]) == pytest.approx([60, 50])
    assert below.get_ylim()[1] <= 100
    with pytest.raises(InputError, match="HANS has 1 scores for 2 sparsities"):
        pruning_steps([2], [1.0], [0, 3], [0.1, 0.2], {"HANS": [0.6]}, "made up")


def ledger_of(found: Mapping[tuple[str, str], tuple[str, float, float, float]]) -> pd.DataFrame:
    """Return a ledger of two tasks: verdict, margin and interval by item and task; the rest cannot be tested."""
    unknown = (UNTESTABLE, np.nan, np.nan, np.nan)
    rows = [
        (claim.section, claim.item, task, claim.measures[task].unit, *found.get((claim.item, task), unknown))
        for claim in CLAIMS
        for task in ("nli", "fact")
        if task in claim.tasks
    ]
    return pd.DataFrame(rows, columns=["section", "item", "task", "unit", "verdict", "margin", "low", "high"])


def drawn_at(axis: Axes, height: float) -> tuple[list[tuple[str, float]], list[tuple[float, float]]]:
    """Return markers with their places, and ends of intervals, in one row of a panel."""
    lines = [line for line in axis.lines if y_of(line) == [height] and line.get_marker() != "None"]
    paths = [
        corners(path) for each in axis.collections if isinstance(each, LineCollection) for path in each.get_paths()
    ]
    intervals = [tuple(path[:, 0]) for path in paths if path[0, 1] == height]
    return [(str(line.get_marker()), x_of(line)[0]) for line in lines], intervals


def test_the_ledger_shows_margin_interval_and_verdict_of_each_finding_and_task() -> None:
    found = {
        ("std (opening)", "nli"): (HOLDS, 5.0, 3.0, 8.0),
        ("std (1)", "nli"): (FAILS, -25.0, -40.0, -12.0),
        ("std (3a)", "nli"): (UNDECIDED, 1.0, -2.0, 30.0),
        ("std (3b)", "nli"): (UNDECIDED, 1.5, np.nan, np.nan),
        ("std (opening)", "fact"): (HOLDS, 62.0, 55.0, 70.0),
    }
    table = ledger_of(found)
    names, nli, fact = ledger_margins(table, "made up").axes
    place = {text.get_text(): text.get_position()[1] for text in names.texts}
    first = place["full bert: good ID, far worse OOD"]
    assert place["4.2.2 std  " + TOPICS["4.2.2 std"]] == first - 1
    assert drawn_at(nli, first) == ([("o", 5)], [(3, 8)])
    assert drawn_at(nli, first + 1) == ([("<", -EDGE)], [(-EDGE, -12)])
    assert drawn_at(nli, first + 3) == ([(">", EDGE), ("o", 1)], [(-2, EDGE)])
    assert drawn_at(nli, first + 4)[0] == [("o", 1.5)]
    assert np.isnan(drawn_at(nli, first + 4)[1]).all()
    assert drawn_at(fact, first)[0] == [(">", EDGE)]
    assert [(text.get_text(), text.get_position()[1]) for text in nli.texts] == [("-25", first + 1)]
    assert [(text.get_text(), text.get_position()[1]) for text in fact.texts] == [("+62", first)]
    for axis, task in ((nli, "nli"), (fact, "fact")):
        assert len(axis.patches) == ((table.task == task) & (table.verdict == UNTESTABLE)).sum()
        assert axis.get_xlim() == (-REACH, REACH)


def test_the_ledger_counts_verdicts_and_says_which_margins_are_not_in_points() -> None:
    table = ledger_of(
        {("std (opening)", "nli"): (HOLDS, 5.0, 3.0, 8.0), ("std (1)", "fact"): (FAILS, -5.0, -8.0, -2.0)}
    )
    figure = ledger_margins(table, "made up")
    assert [text.get_text() for text in figure.legends[0].get_texts()] == [
        "holds: 1",
        "fails: 1",
        "undecided: 0",
        f"cannot be tested here: {len(table) - 2}",
    ]
    rows = [text.get_text() for text in figure.axes[0].texts]
    cases = {WORDS[row.section, row.item] for row in table.itertuples() if row.unit != "points"}
    assert {row.removesuffix(" (% of cases)") for row in rows if row.endswith(" (% of cases)")} == cases != set()
    seen = {name: (style["color"], style["marker"], style.get("markerfacecolor")) for name, style in STYLES.items()}
    assert len({look[1:] for look in seen.values()}) == len(seen)  # without colours


def test_every_finding_has_few_words_of_its_own_in_its_part() -> None:
    assert set(WORDS) == {(claim.section, claim.item) for claim in CLAIMS}
    parts = {part_and_mark(*name)[0] for name in WORDS}
    assert parts == set(TOPICS)
    of_part = [(part_and_mark(*name)[0], words) for name, words in WORDS.items()]
    assert len(set(of_part)) == len(of_part)


def test_the_ledger_is_as_wide_as_the_text_and_fits_a_printed_page() -> None:
    figure = ledger_margins(ledger_of({("std (opening)", "nli"): (HOLDS, 99.0, 90.0, 99.5)}), "made up")
    width, height = figure.get_size_inches()
    assert width == WIDTH
    assert height <= 1.42 * WIDTH  # a page of A4
    for text, (left, low, right, high) in boxes(figure):
        assert -0.002 <= left <= right <= 1.002, text
        assert -0.002 <= low <= high <= 1.002, text
    assert min(float(text.get_fontsize()) for text in figure.axes[0].texts) == SMALL


@pytest.mark.parametrize(
    ("section", "item", "part", "mark"),
    [
        ("4.2.2", "std (end a)", "4.2.2 std", "ea"),
        ("4.5.2", "(3c)", "4.5.2", "3c"),
        ("C.3", "QQP", "C.3", "Q"),
        ("C.5", "BERT-large (2)", "C.5 BERT-large", "2"),
    ],
)
def test_a_row_has_the_number_of_its_finding(section: str, item: str, part: str, mark: str) -> None:
    assert part_and_mark(section, item) == (part, mark)
