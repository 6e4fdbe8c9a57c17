"""Every figure and table of the paper as a graph of experiments, at every size of the study."""

import hashlib
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from srnet import InputError
from srnet.data.tasks import TASKS
from srnet.environment import Inputs
from srnet.experiments.expressions import (
    Checkpoint,
    Experiment,
    FineTuned,
    Masked,
    Pretrained,
    Pruned,
    Trajectory,
)
from srnet.experiments.graph import closure
from srnet.experiments.methods import MaskTraining
from srnet.store.store import Store
from srnet.study.catalogue import FIGURES
from srnet.study.choice import COLUMNS, Study, choose
from srnet.study.points import Run
from srnet.study.profiles import PROFILES

INPUTS = Inputs(device="cpu")  # no data folder: the texts of `small` and `paper` are named by an empty digest
CURVES = {
    "figure-2": {"mask train (std)", "mask train (poe)", "imp (std)", "imp (poe)"},
    "figure-3": {"mask train (poe)", "imp (poe)", "full bert (std) -> mask train (poe)"},
    "figure-4": {
        f"{found} -> ft ({loss})" for found in ("mask train (poe)", "imp-rw (std)") for loss in ("std", "poe")
    },
    "figure-5": {"mask train (std)", "mask train (poe)", "imp-rw (std)", "imp-rw (poe)"},
    "figure-6": {
        "full bert (std) -> mask train (ood)",
        "mask train (ood) -> ft (std)",
        "bert -> mask train (ood)",
    },
    "figure-7": {"mask train (poe)"},
    "figure-8": {"mask train (poe)", "mask train (poe, gradual)"},
    "figure-s1": {"mask train (reweight)", "mask train (confreg)"},
    "table-5": {f"mask train (poe, {init}, local)" for init in ("hard", "soft")},
    "table-6": {"mask train (std)", "mask train (poe)"},
}
CURVES |= {"figure-s2": CURVES["figure-6"], "figure-s3": CURVES["figure-7"]}
# Experiments that each of the paper's figures names in the paper profile, for all tasks and seeds.
PAPER = {
    "figure-2": 216,
    "figure-3": 168,
    "figure-4": 216,
    "figure-5": 216,
    "figure-6": 56,
    "figure-7": 28,
    "figure-8": 108,
    "figure-s1": 132,
    "figure-s2": 112,
    "figure-s3": 56,
    "table-5": 72,
    "table-6": 216,
}


def study(profile: str, **choice: object) -> Study:
    return choose(profile, inputs=INPUTS, **choice)  # type: ignore[arg-type]


def of_curve(runs: list[Run], curve: str, sparsity: float) -> Experiment:
    found = [run.experiment for run in runs if (run.curve, run.sparsity) == (curve, sparsity)]
    assert len(found) == 1, (curve, sparsity)
    return found[0]


@pytest.fixture(scope="module")
def paper() -> dict[str, list[Run]]:
    """Runs of one task and seed of the paper profile by figure of the paper."""
    of_nli, of_fact = (study("paper", tasks=[task], seeds=[1]) for task in ("nli", "fact"))
    return {name: of_nli.runs(name) or of_fact.runs(name) for name in PAPER}


def test_every_figure_of_the_study_is_there_and_has_a_chapter() -> None:
    names = [f"figure-{name}" for name in (*range(2, 9), "s1", "s2", "s3")] + ["table-5", "table-6"]
    own = ["deviations", "pocket-world"]  # of the study, not of the paper
    assert list(FIGURES) == names + own
    assert list(PAPER) == names
    chapters = {"04-2-fine-tuned", "04-3-in-isolation", "04-4-without-fine-tuning", "04-5-unbiased"}
    chapters |= {"05-1-timing", "05-2-high-sparsity", "C1-more-debiasing", "C4-ablation", "C5-other-plms", *own}
    assert {figure.notebook for figure in FIGURES.values()} == chapters
    assert all(figure.name == name for name, figure in FIGURES.items())
    for name in names:
        figure = FIGURES[name]
        kind, _, number = name.partition("-")
        assert re.fullmatch(rf"{kind.title()} {number.removeprefix('s')}( of the supplement)?", figure.label)
        assert figure.label.endswith("supplement") == number.startswith("s")


def test_each_task_has_one_panel_in_a_figure_or_in_its_sequel() -> None:
    for first, sequel in (("figure-6", "figure-s2"), ("figure-7", "figure-s3")):
        assert Counter(FIGURES[first].tasks + FIGURES[sequel].tasks) == Counter(tuple(TASKS))
        assert FIGURES[first].runs is FIGURES[sequel].runs
    assert {"figure-6", "figure-7", "figure-s2", "figure-s3"} == {
        name for name, figure in FIGURES.items() if set(figure.tasks) != set(TASKS)
    }


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_builds_the_figures_that_it_has(profile: str) -> None:
    chosen = study(profile)
    assert set(chosen.profile.left_out) <= set(FIGURES)
    assert set(chosen.figures) == set(FIGURES) - set(chosen.profile.left_out)
    for name in chosen.figures:
        runs = chosen.runs(name)
        assert {run.task for run in runs} == set(FIGURES[name].tasks)
        assert {run.seed for run in runs} == set(chosen.profile.seeds)
    for name in chosen.profile.left_out:
        with pytest.raises(InputError, match=rf"profile '{profile}' leaves out '{name}': choose one of figure-2"):
            chosen.runs(name)


@pytest.mark.parametrize("profile", PROFILES)
def test_labels_tell_all_points_of_a_figure_apart(profile: str) -> None:
    chosen = study(profile)
    for name in chosen.figures:
        labels = Counter(
            (run.task, run.curve, run.plm, run.start, run.sparsity, run.seed, *run.labels.items())
            for run in chosen.runs(name)
        )
        assert max(labels.values()) == 1, (name, labels.most_common(1))


def test_curves_are_those_of_the_paper(paper: dict[str, list[Run]]) -> None:
    full = {"full bert (std)", "full bert (poe)"}
    special = {
        "figure-7": {"full bert (std)"},
        "figure-s1": {"full bert (std)", "full bert (reweight)", "full bert (confreg)"},
        "table-6": {"full (std)", "full (poe)"},
    }
    special["figure-s3"] = special["figure-7"]
    for name, runs in paper.items():
        assert {run.curve for run in runs} == CURVES[name] | special.get(name, full), name


def test_horizontal_axes(paper: dict[str, list[Run]]) -> None:
    everywhere, without_full = {0.0, 0.2, 0.5, 0.7, 0.9}, {0.2, 0.5, 0.7, 0.9}
    other = {"figure-7": {0.7}, "figure-s3": {0.9}, "table-5": {0.7, 0.9}, "table-6": {0.5, 0.7}}
    for name, runs in paper.items():
        for curve in CURVES[name]:
            drawn = {run.sparsity for run in runs if run.curve == curve}
            if name == "figure-8":
                assert drawn == ({0.8, 0.9, 0.95} if "gradual" in curve else {0.7, 0.8, 0.9, 0.95})
            elif name == "figure-5" or curve.startswith("bert ->"):
                assert drawn == without_full
            else:
                assert drawn == other.get(name, everywhere), (name, curve)


def test_where_searches_start(paper: dict[str, list[Run]]) -> None:
    steps = PROFILES["paper"].training["nli"].full.steps
    shares = [step / steps for step in (5_000, 10_000, 15_000, 20_000)]
    assert [run.start for run in paper["figure-7"] if run.curve == "mask train (poe)"] == [0.0, *shares, 1.0]
    assert [run.start for run in paper["figure-7"] if run.curve == "full bert (std)"] == [*shares, 1.0]
    starts = {name: {run.start for run in paper[name] if run.sparsity} for name in ("figure-2", "figure-3", "figure-5")}
    assert starts == {"figure-2": {1.0}, "figure-3": {1.0}, "figure-5": {0.0}}
    assert {run.start for run in paper["figure-4"] if run.curve.startswith("imp-rw") and run.sparsity} == {0.0}
    assert {run.start for run in paper["figure-4"] if run.curve.startswith("mask")} == {1.0}


def test_expressions_read_as_the_paper_writes_them(paper: dict[str, list[Run]]) -> None:
    expected = {
        ("figure-2", "imp (poe)", 0.7): "P^imp_poe(A_std(f(θ_pt))) at 70 %",
        ("figure-3", "mask train (poe)", 0.7): "P^mask_poe(A_poe(f(θ_pt))) at 70 %",
        ("figure-3", "imp (poe)", 0.0): "A_poe(f(θ_pt))",
        ("figure-4", "mask train (poe) -> ft (std)", 0.7): ("A_std(f(M(P^mask_poe(A_std(f(θ_pt))) at 70 %) ⊙ θ_pt))"),
        ("figure-4", "imp-rw (std) -> ft (poe)", 0.7): "A_poe(f(M(P^imp-rewind_std(f(θ_pt)) at 70 %) ⊙ θ_pt))",
        ("figure-5", "mask train (poe)", 0.7): "P^mask_poe(f(θ_pt)) at 70 %",
        ("figure-5", "imp-rw (poe)", 0.7): "P^imp-rewind_poe(f(θ_pt)) at 70 %",
        ("figure-6", "mask train (ood) -> ft (std)", 0.7): ("A_std(f(M(P^mask_std(A_std(f(θ_pt))) at 70 %) ⊙ θ_pt))"),
        ("figure-6", "bert -> mask train (ood)", 0.7): "P^mask_std(f(θ_pt)) at 70 %",
        ("figure-s1", "mask train (confreg)", 0.7): "P^mask_confreg(A_std(f(θ_pt))) at 70 %",
    }
    for (figure, curve, sparsity), notation in expected.items():
        assert str(of_curve(paper[figure], curve, sparsity)) == notation, (figure, curve)


def test_only_the_search_sees_ood_examples(paper: dict[str, list[Run]]) -> None:
    isolated = of_curve(paper["figure-6"], "mask train (ood) -> ft (std)", 0.5)
    assert isinstance(isolated, FineTuned)
    assert isinstance(isolated.of, Masked)
    assert not isolated.data.with_ood
    assert isolated.of.like.data.with_ood
    assert isolated.of.like == of_curve(paper["figure-6"], "full bert (std) -> mask train (ood)", 0.5)
    assert of_curve(paper["figure-6"], "bert -> mask train (ood)", 0.5).data.with_ood


def test_recipes_of_the_paper(paper: dict[str, list[Run]]) -> None:
    """Epochs and learning rates of Table 3 and Appendix B.3, natural language inference."""
    epoch = 12_272
    expected = {
        ("figure-2", "full bert (poe)", 0.0): (5 * epoch, 5e-5),
        ("figure-2", "imp (std)", 0.5): (5 * epoch, 5e-5),
        ("figure-4", "mask train (poe) -> ft (std)", 0.5): (3 * epoch, 5e-5),
        ("figure-4", "mask train (poe) -> ft (poe)", 0.5): (5 * epoch, 5e-5),
        ("figure-5", "mask train (std)", 0.5): (5 * epoch, 5e-5),
        ("figure-6", "bert -> mask train (ood)", 0.5): (5 * 13_210, 5e-5),
        ("figure-s1", "full bert (reweight)", 0.0): (3 * epoch, 5e-5),
        ("figure-s1", "full bert (confreg)", 0.0): (5 * epoch, 5e-5),
        ("figure-s1", "mask train (reweight)", 0.5): (5 * epoch, 5e-5),
        ("figure-s1", "mask train (confreg)", 0.5): (5 * epoch, 5e-5),
    }
    for (figure, curve, sparsity), (steps, lr) in expected.items():
        experiment = of_curve(paper[figure], curve, sparsity)
        assert isinstance(experiment, FineTuned | Pruned)
        assert experiment.recipe
        assert (experiment.recipe.steps, experiment.recipe.lr) == (steps, lr), (figure, curve)


def test_full_models_and_masks_are_chosen_at_the_same_interval() -> None:
    """Table 3; iterative pruning takes its networks by step."""
    expected = {"nli": 1000, "paraphrase": 1000, "fact": 500}
    for experiment in study("paper", seeds=[1]).experiments(list(PAPER)):
        if isinstance(experiment, FineTuned):
            assert experiment.interval == expected[experiment.data.task]
        if isinstance(experiment, Pruned) and isinstance(experiment.method, MaskTraining):
            assert experiment.method.interval == expected[experiment.data.task]


def test_curves_are_recorded_where_section_5_1_draws_them_and_nowhere_else() -> None:
    for task, sparsity in (("nli", 0.7), ("paraphrase", 0.7), ("fact", 0.9)):
        chosen = study("paper", tasks=[task], seeds=[1])
        drawn = [run for name in ("figure-7", "figure-s3") for run in chosen.runs(name) if run.sparsity]
        assert {run.sparsity for run in drawn} == {sparsity}
        recorded = {
            each
            for each in chosen.experiments(list(PAPER))
            if isinstance(each, Pruned) and isinstance(each.method, MaskTraining) and each.method.curves
        }
        assert recorded == {run.experiment for run in drawn}


def test_figures_share_what_they_have_in_common(paper: dict[str, list[Run]]) -> None:
    experiments = {name: {run.experiment for run in runs} for name, runs in paper.items()}
    first = paper["figure-2"]
    full, debiased = (of_curve(first, f"full bert ({loss})", 0.0) for loss in ("std", "poe"))
    for name in ("figure-3", "figure-4", "figure-5", "figure-6", "figure-8", "table-5", "table-6"):
        assert {full, debiased} <= experiments[name], name
    mask = of_curve(first, "mask train (poe)", 0.7)
    for name in ("figure-3", "figure-7", "figure-8", "table-5", "table-6"):
        assert mask in experiments[name], name
    isolated = of_curve(paper["figure-4"], "mask train (poe) -> ft (std)", 0.7)
    assert mask in isolated.operands
    assert of_curve(paper["figure-5"], "mask train (poe)", 0.7) in experiments["figure-7"]
    tickets = closure([of_curve(paper["figure-4"], "imp-rw (std) -> ft (poe)", level) for level in (0.2, 0.9)])
    unused = closure([of_curve(paper["figure-5"], "imp-rw (std)", level) for level in (0.2, 0.9)])
    trajectories = [each for each in {*tickets, *unused} if isinstance(each, Trajectory)]
    assert len(trajectories) == 1


def test_counts_of_the_paper_profile() -> None:
    chosen = study("paper")
    assert {name: len(chosen.experiments([name])) for name in PAPER} == PAPER
    experiments = chosen.experiments(list(PAPER))
    assert len(experiments) == 1236
    graph = closure(experiments)
    kinds = Counter(
        experiment.method.name if isinstance(experiment, Pruned) else type(experiment).__name__ for experiment in graph
    )
    trained = {"mask": 660, "FineTuned": 336, "Trajectory": 60}
    assert {kind: kinds[kind] for kind in trained} == trained


def test_keys_of_figure_2_are_those_that_people_have_results_of() -> None:
    runs = [run for run in study("paper").runs("figure-2") if not run.curve.startswith("imp")]
    keys = sorted({run.experiment.key for run in runs})
    assert len(keys) == 120
    digest = hashlib.sha256("".join(keys).encode()).hexdigest()
    assert digest == "5349f7ac133b2251f62fa477397241a785575c1ada249000dd886863f663278f"


def test_other_plms_stand_beside_the_first(paper: dict[str, list[Run]]) -> None:
    plms = {"bert-base-uncased", "roberta-base", "bert-large-uncased"}
    for curve in ("full (std)", "full (poe)", *CURVES["table-6"]):
        assert {run.plm for run in paper["table-6"] if run.curve == curve} == plms
    roberta = [run.experiment for run in paper["table-6"] if run.plm == "roberta-base" and run.sparsity]
    assert all(isinstance(each.of, FineTuned) and each.of.of == Pretrained("roberta-base") for each in roberta)


def test_iterative_pruning_is_drawn_where_it_passes_through() -> None:
    chosen = study("smoke", tasks=["nli"], sparsities=[0.25, 0.5], seeds=[1])
    runs = chosen.runs("figure-2")
    assert {run.sparsity for run in runs if run.curve == "imp (poe)"} == {0.5}
    assert {run.sparsity for run in runs if run.curve == "mask train (poe)"} == {0.25, 0.5}


def test_a_profile_without_iterative_pruning_draws_the_rest() -> None:
    curves = {run.curve for run in study("small").runs("figure-2")}
    assert curves == {"full bert (std)", "full bert (poe)", "mask train (std)", "mask train (poe)"}


def test_without_the_official_text_a_study_is_planned_but_not_computed(tmp_path: Path) -> None:
    chosen = study("paper", tasks=["nli"], seeds=[1])
    assert {experiment.data.sha256 for experiment in chosen.experiments()} == {""}
    message = "official data files are needed: give their folder with --data-dir or SRNET_DATA"
    for forbidden in (
        chosen.require_text,
        lambda: chosen.compute(Store(tmp_path / "store")),
        lambda: chosen.table("figure-2", Store(tmp_path / "store")),
    ):
        with pytest.raises(InputError, match=message):
            forbidden()
    assert not (tmp_path / "store").exists()
    study("smoke").require_text()
    absent = replace(chosen, inputs=replace(INPUTS, data_dir=tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"nowhere/MNLI/train\.tsv"):
        absent.experiments()


def test_a_figure_without_panels_of_the_chosen_tasks_is_empty(tmp_path: Path) -> None:
    chosen = study("smoke", tasks=["nli"])
    assert chosen.runs("figure-s2") == []
    assert list(chosen.table("figure-s2", Store(tmp_path)).columns) == COLUMNS


def test_figures_are_chosen_by_name() -> None:
    chosen = study("smoke", tasks=["nli"], seeds=[1])
    assert chosen.experiments([]) == []
    both = chosen.experiments(["figure-2", "figure-3"])
    assert len(both) == len(set(both))
    assert set(both) == {run.experiment for name in ("figure-2", "figure-3") for run in chosen.runs(name)}


def test_the_table_of_figure_7_has_a_full_model_and_a_subnetwork_at_each_start(tmp_path: Path) -> None:
    chosen, store = study("smoke", tasks=["nli"], seeds=[1]), Store(tmp_path)
    assert not chosen.compute(store, ["figure-7"], workers=1).failed
    table = chosen.table("figure-7", store)
    overall = table[table.dataset == "hans"].set_index(["curve", "start"])
    assert list(overall.loc["full bert (std)"].index) == [0.25, 0.5, 1.0]
    assert list(overall.loc["mask train (poe)"].index) == [0.0, 0.25, 0.5, 1.0]
    kept = next(run.experiment for run in chosen.runs("figure-7") if run.step == 3)
    record = store.record(kept)
    early, late = overall.loc[("full bert (std)", 0.25)], overall.loc[("full bert (std)", 1.0)]
    assert early.score == record["checkpoints"]["3"]["hans"]["accuracy"]
    assert late.score == record["metrics"]["hans"]["accuracy"]
    assert early.key == late.key == kept.key
    searched = [run.experiment.of for run in chosen.runs("figure-7") if run.sparsity]
    assert [each.step for each in searched if isinstance(each, Checkpoint)] == [3, 6]
