"""Deviations: two readings that differ in one option, and by how much they score apart."""

import importlib
import re
from collections.abc import Callable
from dataclasses import fields, is_dataclass

import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import LineCollection

from srnet.data.tasks import TASKS
from srnet.environment import Inputs
from srnet.experiments.expressions import Experiment
from srnet.figures import CURVES, deviation_dots
from srnet.figures.deviations import as_markdown, choices_as_markdown, differences_as_markdown, effects
from srnet.study.choice import Study, choose
from srnet.study.deviations import CHOICES, DEVIATIONS, DIFFERENCES
from srnet.study.points import Run

OPTIONS = {
    "loss of imp": {"loss": ("poe", "std")},
    "rewinding": {"of.like.method.rewind_each_round": (True, False)},
    "restarts": {"method.restart": (False, True)},
    "pooler": {"pooler": (False, True)},
    "reweighting": {"loss": ("reweight", "reweight-normalised")},
    "rising sparsity": {"method.gradual.ramp": (0.7, 1.0)},
    "Adam's ε": {"method.recipe.raw_epsilon": (False, True)},
    "clipping": {"method.recipe.clip_each": (False, True)},
}
# Figures that show one of the readings anyway: the paper's, the released code's.
SHARED = {
    "loss of imp": ("figure-2", "figure-2"),
    "rewinding": (None, "figure-4"),
    "restarts": ("figure-2", None),
    "pooler": ("figure-2", None),
    "reweighting": ("figure-s1", None),
    "rising sparsity": ("figure-8", None),
    "Adam's ε": ("figure-2", None),
    "clipping": ("figure-2", None),
}


def study(profile: str, **choice: object) -> Study:
    return choose(profile, inputs=Inputs(device="cpu"), **choice)  # type: ignore[arg-type]


def readings(chosen: Study) -> dict[tuple[str, str], dict[str, Run]]:
    """Return the runs by task and deviation, the paper's and that of the released code."""
    found: dict[tuple[str, str], dict[str, Run]] = {}
    for run in chosen.runs("deviations"):
        assert run.curve in CURVES
        name, side = map(str, run.labels.values())
        found.setdefault((run.task, name), {})[side] = run
    return found


def differences(one: object, other: object, path: str = "") -> dict[str, tuple[object, object]]:
    if one == other:
        return {}
    if not is_dataclass(one) or type(one) is not type(other):
        return {path: (one, other)}
    found: dict[str, tuple[object, object]] = {}
    for field in fields(one):
        inside = f"{path}.{field.name}" if path else field.name
        found |= differences(getattr(one, field.name), getattr(other, field.name), inside)
    return found


@pytest.mark.parametrize("profile", ["smoke", "pocket", "paper"])
def test_readings_differ_in_their_option_and_in_nothing_else(profile: str) -> None:
    pairs = readings(study(profile, seeds=[1]))
    assert set(pairs) == {(task, name) for task in TASKS for name in OPTIONS}
    for (task, name), sides in pairs.items():
        assert list(sides) == ["paper", "released code"]
        paper, released = (side.experiment for side in sides.values())
        found = differences(paper, released)
        found.pop("method.curves", None)  # what is recorded for Section 5.1, which changes no subnetwork
        assert found == OPTIONS[name], (task, name)
        assert {side.sparsity for side in sides.values()} == {0.9 if name == "rising sparsity" else 0.7}


@pytest.mark.parametrize("profile", ["smoke", "pocket", "paper"])
def test_one_reading_is_that_of_another_figure(profile: str) -> None:
    chosen = study(profile, seeds=[1])
    everywhere = chosen.experiments([name for name in chosen.figures if name != "deviations"])
    shown: dict[str | None, set[Experiment]] = {None: set(everywhere)}
    shown |= {name: set(chosen.experiments([name])) for name in ("figure-2", "figure-4", "figure-8", "figure-s1")}
    for (task, name), sides in readings(chosen).items():
        if name == "clipping" and (profile, task) == ("paper", "paraphrase"):
            continue
        for side, figure in zip(sides.values(), SHARED[name], strict=True):
            assert (side.experiment in shown[figure]) == (figure is not None), (task, name, figure)


def test_for_qqp_the_paper_profile_clips_as_the_released_code() -> None:
    chosen = study("paper", tasks=["paraphrase"], seeds=[1])
    sides = readings(chosen)["paraphrase", "clipping"]
    shown = chosen.experiments(["figure-2"])
    assert [side.experiment in shown for side in sides.values()] == [False, True]


def test_a_released_recipe_is_as_long_as_the_papers() -> None:
    for sides in readings(study("paper", seeds=[1])).values():
        assert len({run.experiment.recipe.steps for run in sides.values() if run.experiment.recipe}) == 1


def made_up(seeds: tuple[int, ...] = (1, 2)) -> pd.DataFrame:
    """Return results in which the released code is better by the deviation's place; OOD, by the seed as well."""
    rows = []
    places = {each.name: place for place, each in enumerate(DEVIATIONS)}
    for run in study("pocket", seeds=seeds).runs("deviations"):
        name, side = map(str, run.labels.values())
        point = {"task": run.task, "curve": run.curve, "seed": run.seed, "deviation": name, "side": side}
        for dataset in (TASKS[run.task].dev_name, *TASKS[run.task].ood):
            split = "ID" if dataset == TASKS[run.task].dev_name else "OOD"
            better = places[name] + (run.seed if split == "OOD" else 0) + (2 if dataset == "sym2" else 0)
            score = 0.5 + (0.01 * better if side == "released code" else 0)
            rows.append(point | {"dataset": dataset, "split": split, "score": score})
    return pd.DataFrame(rows)


def test_effects_are_means_and_deviations_of_differences_within_a_seed() -> None:
    found = effects(made_up())
    assert list(dict.fromkeys(found.index.get_level_values("deviation"))) == list(OPTIONS)
    assert tuple(found.loc["restarts", "nli", "ID"]) == pytest.approx((2, 0))
    assert tuple(found.loc["restarts", "nli", "OOD"]) == pytest.approx((3.5, np.sqrt(0.5)))
    assert tuple(found.loc["loss of imp", "fact", "OOD"]) == pytest.approx((2.5, np.sqrt(0.5)))  # of two data sets
    alone = effects(made_up(seeds=(1,)))
    assert alone.loc[("pooler", "nli", "OOD"), "mean"] == pytest.approx(4)
    assert alone["std"].isna().all()


def test_the_table_has_words_and_effects_of_each() -> None:
    text = as_markdown(made_up()).replace("\N{NO-BREAK SPACE}", " ")
    header, rule, *rows = text.splitlines()
    assert header.split(" | ")[1:] == [*(task.title for task in list(TASKS.values())[:2]), "Fact verification |"]
    assert rule == "|---|---|---|---|"
    assert [re.match(r"\| \*\*(.*?)\*\*", row)[1] for row in rows] == list(OPTIONS)  # type: ignore[index]
    assert rows[2].split(" | ")[1] == "ID +2.0 ± 0.0<br>OOD +3.5 ± 0.7"
    assert "*imp-rw (poe) → ft (std)* at 70 %" in rows[1]
    assert "at 90 %" in rows[5]
    assert all(row.count(" | ") == 3 for row in rows)
    worse = made_up(seeds=(1,)).assign(score=lambda table: 1 - table.score)
    assert "ID −2.0<br>OOD −3.0 |" in as_markdown(worse).replace("\N{NO-BREAK SPACE}", " ")
    assert as_markdown().splitlines()[0] == "| the released code and the paper |"
    assert len(as_markdown().splitlines()) == 2 + len(DEVIATIONS)


def test_cross_references_lead_somewhere() -> None:
    targets = re.findall(r"\{py:\w+\}`~([\w.]+)`", as_markdown())
    assert len(targets) >= len(DEVIATIONS)
    for target in targets:
        module, _, name = target.rpartition(".")
        assert hasattr(importlib.import_module(module), name), target


def test_dots_are_means_and_bars_deviations() -> None:
    table = made_up()
    figure = deviation_dots(table, "made up")
    hans = next(axis for axis in figure.axes if axis.get_title(loc="left") == "OOD: HANS")
    dots = {line.get_label(): line for line in hans.lines if len(np.asarray(line.get_xdata())) == len(DEVIATIONS)}
    assert list(dots) == ["paper", "released code"]
    assert list(np.asarray(dots["paper"].get_xdata())) == pytest.approx([50] * len(DEVIATIONS))
    assert list(np.asarray(dots["released code"].get_xdata())) == pytest.approx([51.5 + n for n in range(8)])
    bars = [each for each in hans.collections if isinstance(each, LineCollection)]
    (bar, *_) = bars[1].get_paths()
    assert list(np.asarray(bar.vertices)[:, 0]) == pytest.approx([51.5 - np.sqrt(0.5), 51.5 + np.sqrt(0.5)])
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == list(OPTIONS)


@pytest.mark.parametrize("told", [differences_as_markdown, choices_as_markdown])
def test_what_has_no_option_is_told_in_words(told: Callable[[], str]) -> None:
    header, _, *rows = told().splitlines()
    assert {row.count(" | ") for row in rows} == {header.count("|") - 2}
    names = [row.partition("** |")[0] for row in rows]
    assert len(set(names)) == len(rows) == len(DIFFERENCES if told is differences_as_markdown else CHOICES)
    assert not {name.removeprefix("| **") for name in names} & set(OPTIONS)  # those have options
