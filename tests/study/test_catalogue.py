"""Every figure and table of the paper as a graph of experiments, at every size of the study."""

import hashlib
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from artefacts import ARTEFACTS, EPOCHS, LEVELS

from srnet import InputError
from srnet.data.tasks import TASKS
from srnet.environment import Inputs
from srnet.experiments.expressions import (
    Experiment,
    FineTuned,
    Masked,
    Pruned,
    Trajectory,
    pretrained,
)
from srnet.experiments.graph import closure
from srnet.experiments.methods import MaskTraining
from srnet.paper import STARTS, TABLE_3, TABLE_5_EPOCHS
from srnet.store.store import Store
from srnet.study.catalogue import FIGURES
from srnet.study.choice import ALL, COLUMNS, PARTS, Study, choose
from srnet.study.points import Run
from srnet.study.profiles import PROFILES

INPUTS = Inputs(device="cpu")  # no data folder: the texts of `small` and `paper` are named by an empty digest
# Experiments that each of the paper's figures names in the paper profile, for all tasks and seeds.
PAPER = {
    "figure-2": 216,
    "figure-3": 168,
    "figure-4": 216,
    "figure-5": 168,
    "figure-6": 52,
    "figure-7": 24,
    "figure-8": 72,
    "figure-s1": 204,
    "figure-s2": 104,
    "figure-s3": 72,
    "table-5": 60,
    "table-6": 40,
}


WITH_OOD = ("figure-6", "figure-s2")  # found with OOD training examples


def study(profile: str, **choice: object) -> Study:
    return choose(profile, inputs=INPUTS, **choice)  # type: ignore[arg-type]


def of_curve(runs: list[Run], curve: str, sparsity: float, **labels: float) -> FineTuned | Pruned:
    found = [
        run.experiment
        for run in runs
        if (run.curve, run.sparsity) == (curve, sparsity) and labels.items() <= run.labels.items()
    ]
    assert len(found) == 1, (curve, sparsity)
    return found[0]


def method_of(run: Run) -> MaskTraining:
    assert isinstance(run.experiment, Pruned)
    assert isinstance(run.experiment.method, MaskTraining)
    return run.experiment.method


@pytest.fixture(scope="module")
def paper() -> dict[str, list[Run]]:
    """Runs of one task and seed of the paper profile by figure of the paper."""
    of_nli, of_fact = (study("paper", tasks=[task], seeds=[1]) for task in ("nli", "fact"))
    return {name: of_nli.runs(name) or of_fact.runs(name) for name in PAPER}


def test_every_figure_of_the_study_is_there_and_has_a_chapter() -> None:
    names = [f"figure-{name}" for name in (*range(2, 9), "s1", "s2", "s3")] + ["table-5", "table-6"]
    own = ["mask-training", "deviations", "pocket-world"]  # of the study, not of the paper
    assert list(FIGURES) == names + own
    assert list(PAPER) == names
    chapters = {"04-2-fine-tuned", "04-3-in-isolation", "04-4-without-fine-tuning", "04-5-unbiased"}
    chapters |= {"05-1-timing", "05-2-high-sparsity", "C1-more-debiasing", "C4-ablation", "C5-other-plms", *own[1:]}
    assert {figure.notebook for figure in FIGURES.values()} == chapters
    assert all(figure.name == name for name, figure in FIGURES.items())
    for name in names:
        figure = FIGURES[name]
        kind, _, number = name.partition("-")
        assert re.fullmatch(rf"{kind.title()} {number.removeprefix('s')}( of the supplement)?", figure.label)
        assert figure.label.endswith("supplement") == (number.startswith("s") or kind == "table")


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_builds_the_figures_that_it_has(profile: str) -> None:
    chosen = study(profile)
    assert set(chosen.profile.left_out) <= set(FIGURES)
    assert set(chosen.figures) == set(FIGURES) - set(chosen.profile.left_out)
    for name in chosen.figures:
        runs = chosen.runs(name)
        tasks = {task for task in FIGURES[name].tasks if name not in WITH_OOD or chosen.profile.training[task].mask_ood}
        assert {run.task for run in runs} == tasks
        assert {run.seed for run in runs} == set(chosen.profile.seeds)
    for name in chosen.profile.left_out:
        with pytest.raises(InputError, match=rf"profile '{profile}' leaves out '{name}': choose one of figure-2"):
            chosen.runs(name)


@pytest.mark.parametrize("profile", PROFILES)
def test_labels_tell_all_points_of_a_figure_apart(profile: str) -> None:
    chosen = study(profile)
    for name in chosen.figures:
        labels = Counter(
            (run.task, run.curve, run.plm, run.sparsity, run.seed, *run.labels.items()) for run in chosen.runs(name)
        )
        assert max(labels.values()) == 1, (name, labels.most_common(1))


def test_the_catalogue_has_the_artefacts_of_the_paper_and_no_other_beside_its_own() -> None:
    assert {*FIGURES} - {"mask-training", "deviations", "pocket-world"} == {*ARTEFACTS}


@pytest.mark.parametrize("name", ARTEFACTS)
def test_an_artefact_shows_what_the_paper_says(name: str) -> None:
    artefact = ARTEFACTS[name]
    assert FIGURES[name].tasks == artefact.tasks
    assert FIGURES[name].by_step == (artefact.axis == "step")
    for task in artefact.tasks:
        runs = study("paper", tasks=[task], seeds=[1]).runs(name)
        full = {(run.curve, str(run.experiment)) for run in runs if run.sparsity == 0}
        assert full == set(artefact.full.items())
        found = [run for run in runs if run.sparsity]
        assert {run.curve for run in found} == {*artefact.curves}
        assert {run.sparsity for run in found} == {*artefact.levels[task]}
        for run in found:
            bare = re.sub(r" at [0-9.]+ %", "", str(run.experiment))
            assert bare == artefact.curves[run.curve]
            search = run.experiment.of.like if isinstance(run.experiment.of, Masked) else run.experiment
            assert isinstance(search, Pruned)
            assert search.sparsity == run.sparsity
            assert search.data.with_ood == (run.curve in artefact.ood or run.curve == "bert-pt subnet + ft")
        points = [(run.curve, run.sparsity, run.plm, *run.labels.items()) for run in found]
        assert len(points) == len(set(points))
        assert {tuple(run.labels) for run in runs} == {("epochs",) if artefact.axis == "epochs" else ()}
        if artefact.axis in ("sparsity", "epochs"):
            by_curve = Counter(run.curve for run in found)
            assert set(by_curve.values()) == {len(artefact.levels[task]) if artefact.axis == "sparsity" else 3}


@pytest.mark.parametrize("profile", ["smoke", "pocket", "paper"])
def test_figures_drawn_against_sparsity_have_the_levels_of_the_paper(profile: str) -> None:
    assert PROFILES[profile].sparsities == LEVELS


def test_masks_of_figure_8_and_table_5_rise_softly_and_are_as_long_as_the_paper_says() -> None:
    for task, named in EPOCHS.items():
        of_task = study("paper", tasks=[task], seeds=[1])
        figure, table = of_task.runs("figure-8"), of_task.runs("table-5")
        epochs = {run.labels["epochs"] for run in figure}
        assert named < epochs
        assert len(epochs) == 3
        full = PROFILES["paper"].training[task].full.steps / 3
        for run in figure:
            assert run.experiment.recipe
            assert run.experiment.recipe.steps == pytest.approx(full * float(run.labels["epochs"]), abs=1)
        methods = {run.curve: method_of(run) for run in [*figure, *table]}
        assert {curve: method.init for curve, method in methods.items()} == {
            curve: "hard" if curve in ("fixed", "fixed, hard") else "soft" for curve in methods
        }
        rises = {curve: method.gradual.initial if method.gradual else None for curve, method in methods.items()}
        assert rises == {
            "fixed": None,
            "gradual": 0.7,
            "fixed, hard": None,
            "fixed, soft": None,
            **{f"gradual {initial}~0.9": initial for initial in (0.2, 0.5, 0.7)},
        }
        length = TABLE_5_EPOCHS[task]
        assert of_curve(figure, "fixed", 0.9, epochs=length) == of_curve(table, "fixed, hard", 0.9)
        assert of_curve(figure, "gradual", 0.9, epochs=length) == of_curve(table, "gradual 0.7~0.9", 0.9)
        usual = of_curve(of_task.runs("figure-2"), "mask train (poe)", 0.9)
        assert of_curve(figure, "fixed", 0.9, epochs=TABLE_3[task].mask_epochs) == usual


@pytest.mark.parametrize("task", TASKS)
def test_scaled_down_training_keeps_the_proportions_of_the_paper(task: str) -> None:
    paper, pocket = (PROFILES[name].training[task] for name in ("paper", "pocket"))
    for training in (paper, pocket):
        examples = {
            name: each.steps * each.batch_size for name, each in vars(training).items() if "Recipe" in str(each)
        }
        epochs = TABLE_3[task]
        wanted = {"mask": epochs.mask_epochs, "imp": epochs.imp_epochs, "full_debiased": epochs.debiased_epochs}
        for name, length in wanted.items():
            assert examples[name] / examples["full"] == pytest.approx(length / epochs.full_epochs, rel=0.005), name
    starts = [[step / training.full.steps for step in training.checkpoints] for training in (paper, pocket)]
    assert starts[1] == pytest.approx(starts[0], abs=0.0025)
    assert any(abs(share - STARTS[task].share) < 0.015 for share in starts[0])


def test_only_the_search_sees_ood_examples(paper: dict[str, list[Run]]) -> None:
    isolated = of_curve(paper["figure-6"], "bert-pt subnet + ft", 0.5)
    assert isinstance(isolated, FineTuned)
    assert isinstance(isolated.of, Masked)
    assert not isolated.data.with_ood
    assert isolated.of.like.data.with_ood
    assert isolated.of.like == of_curve(paper["figure-6"], "bert-ft subnet", 0.5)
    assert of_curve(paper["figure-6"], "bert-pt subnet", 0.5).data.with_ood


def test_recipes_of_the_paper(paper: dict[str, list[Run]]) -> None:
    """Epochs and learning rates of Table 3 and Appendix B.3, natural language inference."""
    epoch = 12_272
    expected = {
        ("figure-2", "full bert (poe)", 0.0): (5 * epoch, 5e-5),
        ("figure-2", "imp (std)", 0.5): (5 * epoch, 5e-5),
        ("figure-4", "mask train (poe) -> ft (std)", 0.5): (3 * epoch, 5e-5),
        ("figure-4", "mask train (poe) -> ft (poe)", 0.5): (5 * epoch, 5e-5),
        ("figure-5", "mask train (std)", 0.5): (5 * epoch, 5e-5),
        ("figure-6", "bert-pt subnet", 0.5): (5 * 13_210, 5e-5),
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
    for name in ("figure-3", "figure-4", "figure-5"):
        assert {full, debiased} <= experiments[name], name
    assert full in experiments["figure-6"] & experiments["figure-s1"]
    mask = of_curve(first, "mask train (poe)", 0.7)
    for name in ("figure-3", "figure-5", "figure-7", "figure-s1"):
        assert mask in experiments[name], name
    isolated = of_curve(paper["figure-4"], "mask train (poe) -> ft (std)", 0.7)
    assert mask in isolated.operands
    assert of_curve(paper["figure-5"], "mask train (poe)", 0.7) in experiments["figure-7"]
    tickets: list[Experiment] = [
        of_curve(paper["figure-4"], f"imp-rw (poe) -> ft ({loss})", level)
        for loss in ("std", "poe")
        for level in (0.2, 0.9)
    ]
    trajectories = [each for each in closure(tickets) if isinstance(each, Trajectory)]
    assert len(trajectories) == 1


def test_counts_of_the_paper_profile() -> None:
    chosen = study("paper")
    assert {name: len(chosen.experiments([name])) for name in PAPER} == PAPER
    experiments = chosen.experiments(list(PAPER))
    assert len(experiments) == 1024
    graph = closure(experiments)
    kinds = Counter(
        experiment.method.name if isinstance(experiment, Pruned) else type(experiment).__name__ for experiment in graph
    )
    trained = {"mask": 600, "FineTuned": 280, "Trajectory": 48}
    assert {kind: kinds[kind] for kind in trained} == trained


def test_keys_of_figure_2_are_those_that_people_have_results_of() -> None:
    runs = [run for run in study("paper").runs("figure-2") if not run.curve.startswith("imp")]
    keys = sorted({run.experiment.key for run in runs})
    assert len(keys) == 120
    digest = hashlib.sha256("".join(keys).encode()).hexdigest()
    assert digest == "12ccca7f255dc38c3fab882a5fbd87e6b6450cbc8d0f5758146a4db9fa075ad2"


@pytest.mark.parametrize(
    ("profile", "plms"),
    [
        ("paper", ["roberta-base", "bert-large-uncased"]),
        ("pocket", ["pocket-roberta", "pocket-large"]),
        ("smoke", ["pocket-roberta", "pocket-large"]),
    ],
)
def test_table_6_is_of_other_plms_alone(profile: str, plms: list[str]) -> None:
    runs = study(profile, tasks=["nli"], seeds=[1]).runs("table-6")
    rows = ["full (std)", "full (poe)", "mask train (poe)", "mask train (poe)", "gradual 0.5~0.7"]
    assert [(run.plm, run.curve) for run in runs] == [(plm, row) for plm in plms for row in rows]
    assert all(pretrained(run.experiment).name == run.plm for run in runs)
    assert {run.sparsity for run in runs if run.curve == "gradual 0.5~0.7"} == {0.7}


def test_iterative_pruning_is_drawn_where_it_passes_through() -> None:
    chosen = study("smoke", tasks=["nli"], sparsities=[0.25, 0.5], seeds=[1])
    runs = chosen.runs("figure-2")
    assert {run.sparsity for run in runs if run.curve == "imp (poe)"} == {0.5}
    assert {run.sparsity for run in runs if run.curve == "mask train (poe)"} == {0.25, 0.5}


def without(**left_out: None) -> Study:
    chosen = study("smoke")
    training = {task: replace(each, **left_out) for task, each in chosen.profile.training.items()}  # type: ignore[arg-type]
    return replace(chosen, profile=replace(chosen.profile, training=training))


def test_a_profile_without_iterative_pruning_draws_the_rest() -> None:
    curves = {run.curve for run in without(imp=None).runs("figure-2")}
    assert curves == {"full bert (std)", "full bert (poe)", "mask train (std)", "mask train (poe)"}


def test_a_profile_without_ood_training_draws_nothing_of_it() -> None:
    assert [without(mask_ood=None).runs(name) for name in WITH_OOD] == [[], []]


def test_a_figure_may_have_fewer_sparsities_than_the_profile() -> None:
    chosen = study("smoke", tasks=["nli"], seeds=[1])
    fewer = replace(chosen, profile=replace(chosen.profile, fewer_sparsities={"figure-5": (0.5, 0.7)}))
    assert fewer.runs("figure-4") == chosen.runs("figure-4")
    assert fewer.runs("figure-5") == [run for run in chosen.runs("figure-5") if run.sparsity in (0.0, 0.5, 0.7)]
    assert not [run for run in replace(fewer, sparsities=(0.9,)).runs("figure-5") if run.sparsity]


def test_stages_are_each_task_of_a_seed_before_the_next_seed() -> None:
    chosen = study("smoke", tasks=["fact", "nli"], seeds=[2, 1])
    stages = chosen.stages(["figure-2"])
    tasks_and_seeds = [{(each.data.task, getattr(each, "seed", None)) for each in stage} for stage in stages]
    assert tasks_and_seeds == [{("fact", 2)}, {("nli", 2)}, {("fact", 1)}, {("nli", 1)}]
    assert {each for stage in stages for each in stage} == set(chosen.experiments(["figure-2"]))


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


def test_the_table_of_figure_7_has_a_row_for_each_evaluation_and_data_set(tmp_path: Path) -> None:
    chosen, store = study("smoke", tasks=["nli"], seeds=[1]), Store(tmp_path)
    assert not chosen.compute(store, ["figure-7"], workers=1).failed
    table = chosen.table("figure-7", store)
    assert list(table.columns) == [*COLUMNS, "step"]
    curves = ["ft step=0", "ft step=2", "ft step=3", "ft step=5", "ft step=7", "ft to end"]
    assert list(table.curve.unique()) == curves
    assert [step / 12 for step in (0, 2, 3, 5, 7, 12)] == list(table.start.unique())
    assert set(table.sparsity) == {0.7}
    for _, rows in table.groupby(["curve", "dataset"]):
        assert list(rows.step) == [4, 8, 12]
    run = chosen.runs("figure-7")[2]
    rows = table[(table.curve == run.curve) & (table.dataset == "hans")]
    evaluations = store.record(run.experiment)["evaluations"]
    assert list(rows.score) == [evaluations[str(step)]["hans"] for step in (4, 8, 12)]
    assert {*rows.key} == {run.experiment.key}
    parts = chosen.table("figure-7", store, parts=True)
    assert (parts[PARTS] == ALL).all(axis=None)
    assert len(parts) == len(table)


def test_the_table_of_figure_8_has_the_length_of_mask_training(tmp_path: Path) -> None:
    chosen = study("smoke", tasks=["nli"], seeds=[1])
    table = chosen.table("figure-8", Store(tmp_path))
    assert list(table.columns) == [*COLUMNS, "epochs"]
    assert list(table[table.dataset == "hans"][["curve", "epochs"]].itertuples(index=False, name=None)) == [
        (curve, epochs) for curve in ("fixed", "gradual") for epochs in (3, 5, 7)
    ]
