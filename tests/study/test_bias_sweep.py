"""The sweep of the pocket world's bias: what is turned, what is shared, and what is drawn."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from srnet import InputError
from srnet.data.tasks import HANS_LABELS, TASKS
from srnet.environment import Inputs
from srnet.experiments.expressions import FineTuned
from srnet.figures import gap_table, share_curves
from srnet.figures.bias_sweep import gaps
from srnet.pocket import World, build
from srnet.pocket.tour import examples, knobs
from srnet.study.bias_sweep import DEFAULT_SHARES, KNOBS, SHARES
from srnet.study.choice import Study, choose
from srnet.study.points import Run

USUAL = {"nli": 0.03, "paraphrase": 0.1, "fact": 0.15}


def study(profile: str, **choice: object) -> Study:
    return choose(profile, inputs=Inputs(device="cpu"), **choice)  # type: ignore[arg-type]


def test_each_task_has_a_knob_and_its_default_is_the_studys() -> None:
    assert list(KNOBS) == list(TASKS)
    assert DEFAULT_SHARES == USUAL


@pytest.mark.parametrize("share", [*SHARES, *USUAL.values(), 0.025])
def test_a_turned_knob_has_the_share_that_was_asked_for(share: float) -> None:
    for knob in KNOBS.values():
        assert knob.share(knob.turned(World(), share)) == share


def share_of(run: Run) -> float:
    return float(run.labels["share"])


@pytest.mark.parametrize("profile", ["smoke", "pocket"])
def test_only_the_knob_is_turned_and_the_default_is_the_model_of_all_figures(profile: str) -> None:
    chosen = study(profile, seeds=[1])
    elsewhere = {
        run.task: run.experiment for run in chosen.runs("figure-2") if (run.curve, run.seed) == ("full bert (std)", 1)
    }
    for task, knob in KNOBS.items():
        runs = [run for run in chosen.runs("pocket-world") if run.task == task]
        assert [run.labels["share"] for run in runs] == sorted([*SHARES, USUAL[task]])
        usual = elsewhere[task]
        for run in runs:
            world = usual.data.world
            assert world
            share = share_of(run)
            if share == USUAL[task]:
                assert run.experiment == usual
                continue
            turned = replace(usual.data, world=knob.turned(world, share))
            assert isinstance(usual, FineTuned)
            assert run.experiment == replace(usual, data=turned, checkpoints=())


@pytest.mark.parametrize("share", [0.0, 0.3])
def test_counter_examples_are_as_many_as_asked_for(share: float) -> None:
    small = World(train=1200, dev=60, test=120)
    data = {task: build(task, knob.turned(small, share)).train.to_pandas() for task, knob in KNOBS.items()}
    for task, label in (("nli", 0), ("paraphrase", 1)):
        negatives = data[task][data[task].label != label]
        shared = [
            set(b.split()) <= set(a.split()) for a, b in zip(negatives.premise, negatives.hypothesis, strict=True)
        ]
        assert np.mean(shared) == pytest.approx(share, abs=0.04), task
    found = examples("fact", KNOBS["fact"].turned(small, share))
    assert set(found[found["data set"] == "training"].shortcut) == ({"right"} if share == 0 else {"right", "wrong"})


def made_up(tasks: list[str] | None = None, seeds: tuple[int, ...] = (1, 2)) -> pd.DataFrame:
    """Return results in which the gap is 40 points at no counter-examples, and less by their share in %."""
    rows = []
    for run in study("pocket", tasks=tasks, seeds=seeds).runs("pocket-world"):
        for place, dataset in enumerate((TASKS[run.task].dev_name, *TASKS[run.task].ood)):
            share = share_of(run)
            score = 0.9 if place == 0 else 0.5 + share + 0.1 * (place - 1) + 0.01 * run.seed
            labels = {"task": run.task, "curve": run.curve, "seed": run.seed, "share": share, "score": score}
            rows.append(labels | {"dataset": dataset, "split": "OOD" if place else "ID"})
    return pd.DataFrame(rows)


def test_the_gap_is_between_id_and_the_mean_of_the_ood_sets() -> None:
    found = gaps(made_up()).set_index(["task", "share", "seed"])
    assert list(found.columns) == ["ID", "OOD", "gap"]
    assert tuple(found.loc["nli", 0.05, 2]) == pytest.approx((90, 57, 33))
    assert tuple(found.loc["paraphrase", 0.0, 1]) == pytest.approx((90, 56, 34))


def test_the_table_of_gaps_marks_the_default_and_is_in_order() -> None:
    table = gap_table(made_up())
    assert [share for task, share in table.index if task == TASKS["fact"].title] == [
        *("0 %", "1 %", "5 %", "15 %, the default", "30 %")
    ]
    assert list(table.loc[(TASKS["nli"].title, "3 %, the default")]) == ["90.0 ± 0.0", "54.5 ± 0.7", "35.5 ± 0.7"]
    assert gap_table(made_up(seeds=(1,))).iloc[0, 2] == "39.0"


@pytest.mark.parametrize("tasks", [["nli"], ["fact", "nli"], None])
def test_the_figure_shows_scores_above_and_gaps_below(tasks: list[str] | None) -> None:
    table = made_up(tasks)
    figure = share_curves(table, "made up")
    names = list(dict.fromkeys(table.task))
    assert len(figure.axes) == 2 * len(names)
    for above, below, task in zip(figure.axes, figure.axes[len(names) :], names, strict=False):
        lines = {str(line.get_label()): line for line in above.lines}
        assert [name.split(":")[0] for name in lines] == ["ID", *["OOD"] * len(TASKS[task].ood), "the default"]
        shares = sorted([*SHARES, USUAL[task]])
        first = list(lines.values())[1]
        assert list(np.asarray(first.get_xdata())) == pytest.approx(shares)
        assert list(np.asarray(first.get_ydata())) == pytest.approx([51.5 + 100 * share for share in shares])
        assert list(np.asarray(lines["the default"].get_xdata())) == pytest.approx([USUAL[task]] * 2)
        gap = np.asarray(below.lines[0].get_ydata())
        assert list(gap) == pytest.approx(list(gaps(table).query("task == @task").groupby("share").gap.mean()))
        low, high = above.get_ylim()
        assert 0 <= low < 50
        assert 90 < high <= 100


def test_without_headline_scores_there_is_nothing_to_draw() -> None:
    table = made_up(["nli"])
    with pytest.raises(InputError, match="nothing to draw"):
        share_curves(table[:0], "made up")


def test_every_knob_is_explained() -> None:
    table = knobs()
    assert list(table.index) == list(World.__dataclass_fields__)
    assert table.loc["giveaways", "default"] == "0.85"
    assert table.loc["seed", "meaning"] == "of everything drawn."
    assert all(len(meaning) > 10 and "InputError" not in meaning for meaning in table.meaning)


def test_examples_show_each_heuristic_class_and_kind_once() -> None:
    world = World(train=600, dev=60, test=240)
    nli = examples("nli", world)
    assert not nli.duplicated(["data set", "class", "shortcut"]).any()
    assert len(nli[nli["data set"] == "training"]) == 6
    heuristics = ("constituent", "lexical overlap", "subsequence")
    hans = {(row[0], row[1], row[2]) for row in nli.itertuples(index=False) if row[0] != "training"}
    right = dict(zip(HANS_LABELS, ("right", "wrong"), strict=True))
    assert hans == {(f"HANS, {name}", label, kind) for name in heuristics for label, kind in right.items()}
    for row in nli.itertuples(index=False):
        overlap = set(row.hypothesis.split()) <= set(row.premise.split())
        assert overlap == ((row[1] == "entailment") == (row.shortcut == "right"))
    paws = examples("paraphrase", world).set_index("data set").loc["PAWS-QQP"]
    assert set(zip(paws["class"], paws.shortcut, strict=True)) == {("duplicate", "right"), ("non-duplicate", "wrong")}
    fact = examples("fact", world)
    assert list(fact.columns[-2:]) == ["evidence", "claim"]
    assert set(fact[fact["data set"] == "training"]["class"]) == {"SUPPORTS", "REFUTES", "NOT ENOUGH INFO"}
    pd.testing.assert_frame_equal(fact, examples("fact", world))
