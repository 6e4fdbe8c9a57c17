"""The paper's tables against what its text says of them, and against the data and the values of the code."""

from math import ceil

import pytest

from srnet import paper
from srnet.data.statistics import GLUE, ROUNDING
from srnet.data.tasks import TASKS
from srnet.paper import EVALUATED, STARTS, TABLE_1, TABLE_2, TABLE_3, TABLE_5, TABLE_6
from srnet.pruning.magnitude import ROUNDS
from srnet.pruning.mask_training import INITIAL_SCALE, INITIAL_THRESHOLD, MaskPlan
from srnet.study.profiles import PROFILES
from srnet.training.encoding import MAX_LENGTH

DATA_SETS = {name for task in TASKS.values() for name in (task.dev_name, *task.ood)}


def test_every_data_set_and_task_occurs_and_no_other() -> None:
    assert {name for name, _ in TABLE_1} == {name for name, _ in TABLE_2} == set(EVALUATED) == DATA_SETS
    assert all(set(row) == DATA_SETS for row in TABLE_5.values())
    nli = {TASKS["nli"].dev_name, *TASKS["nli"].ood}
    assert all(set(row) == nli for rows in TABLE_6.values() for row in rows.values())
    assert set(TABLE_3) == set(paper.TABLE_5_EPOCHS) == set(STARTS) == set(TASKS)


def test_a_test_set_is_evaluated_where_there_is_one() -> None:  # Appendix B.1
    assert {name: "test" if (name, "test") in TABLE_1 else "dev" for name in DATA_SETS} == EVALUATED


def test_class_shares_are_those_of_training_and_evaluated_sets_and_sum_to_a_hundred() -> None:
    assert set(TABLE_2) == {key for key in TABLE_1 if key[1] in ("train", EVALUATED[key[0]])}
    for (name, _), shares in TABLE_2.items():
        task = next(task for task in TASKS.values() if name in (task.dev_name, *task.ood))
        assert set(shares) == set(task.labels)
        assert sum(shares.values()) == pytest.approx(100, abs=ROUNDING * len(shares))


def test_one_class_alone_scores_its_share_of_paws() -> None:  # Appendix B.1
    assert TABLE_2["paws-qqp", EVALUATED["paws-qqp"]] == paper.CONSTANT_ANSWERS


def test_sizes_of_qqp_are_nearly_those_of_glue() -> None:
    assert {key: TABLE_1[key] - size for key, size in GLUE.items()} == {("qqp", "train"): 3, ("qqp", "dev"): 2}


def test_ood_training_examples_of_fact_verification_are_its_second_development_set() -> None:  # Appendix C.2
    assert TABLE_1["sym2", "dev"] == paper.SYM2_OOD_EXAMPLES


@pytest.mark.parametrize("task", TASKS)
def test_starts_are_shares_of_fine_tuning(task: str) -> None:  # Section 5.1, Appendix C.3
    training, start = TABLE_3[task], STARTS[task]
    steps = training.full_epochs * ceil(TABLE_1[TASKS[task].dev_name, "train"] / training.batch_size)
    assert start.share == pytest.approx(start.steps / steps, abs=0.01 if task == "nli" else 0.005)  # NLI's is "roughly"


def test_masks_are_trained_longer_than_full_models() -> None:  # Section 4.1.3
    for training in TABLE_3.values():
        assert training.mask_epochs == training.imp_epochs > training.full_epochs
        assert training.debiased_epochs >= training.full_epochs


def test_f1_chooses_where_f1_is_reported() -> None:  # Section 4.1.1
    metrics = {"accuracy": "Acc", "weighted_f1": "F1"}
    assert {name: row.eval_metric for name, row in TABLE_3.items()} == {
        name: metrics[task.metric] for name, task in TASKS.items()
    }


def test_rising_from_70_percent_is_best_on_seven_sets() -> None:  # Appendix C.4, item 2
    best = {name: max(TABLE_5, key=lambda row: TABLE_5[row][name].mean) for name in DATA_SETS}
    won = {name for name, row in best.items() if row == "gradual 0.7~0.9"}
    assert won == DATA_SETS - {"paws-qqp"}
    assert len(won) == paper.TABLE_5_WON
    assert best["paws-qqp"] == "fixed hard"


def test_soft_initialisation_helps_most_on_the_sets_that_the_text_names() -> None:  # Appendix C.4, item 1
    gains = {name: TABLE_5["fixed soft"][name].mean - TABLE_5["fixed hard"][name].mean for name in DATA_SETS}
    assert {name for name, gain in gains.items() if gain > 1} == {"qqp", "fever", "sym1", "sym2"}


@pytest.mark.parametrize("data_set", ["mnli-m", "hans"])
def test_gains_of_roberta_follow_from_its_table(data_set: str) -> None:  # Appendix C.5
    rows = TABLE_6["roberta-base"]
    gain = rows["mask train 0.5"][data_set].mean - rows["full std"][data_set].mean
    assert paper.ROBERTA_GAINS[data_set] == pytest.approx(gain)


@pytest.mark.parametrize("plm", TABLE_6)
@pytest.mark.parametrize("data_set", ["mnli-m", "hans"])
def test_rising_sparsity_is_better_and_steadier_at_70_percent(plm: str, data_set: str) -> None:  # Appendix C.5
    fixed, rising = (TABLE_6[plm][row][data_set] for row in ("mask train 0.7", "mask train 0.5~0.7"))
    assert rising.mean > fixed.mean
    assert rising.std < fixed.std


def test_all_deviations_are_positive_and_scores_are_points() -> None:
    tables = [*TABLE_5.values(), *(row for rows in TABLE_6.values() for row in rows.values())]
    for score in (score for row in tables for score in row.values()):
        assert 0 < score.std < 10 < score.mean < 100


def test_pruned_parameters_are_the_matrices_of_bert_base() -> None:  # Sections 3.1 and 4.1.2
    layers, width, inner = 12, 768, 3072
    assert layers * (4 * width * width + 2 * width * inner) // 10**6 == paper.PRUNED_PARAMETERS // 10**6


@pytest.mark.parametrize("task", TASKS)
def test_profile_paper_trains_as_the_paper_says(task: str) -> None:  # Table 3, Appendices B.3.2 and B.3.3
    known, training = TABLE_3[task], PROFILES["paper"].training[task]
    epoch = ceil(TABLE_1[TASKS[task].dev_name, "train"] / known.batch_size)
    assert training.full.steps == known.full_epochs * epoch
    assert training.full_debiased.steps == known.debiased_epochs * epoch
    assert training.mask.steps == known.mask_epochs * epoch
    assert training.imp
    assert training.imp.steps == known.imp_epochs * epoch
    for recipe in (training.full, training.full_debiased, training.mask, training.imp):
        assert (recipe.lr, recipe.batch_size) == (known.lr, known.batch_size)
    assert training.interval == known.eval_interval
    assert known.max_length == MAX_LENGTH
    assert len(PROFILES["paper"].seeds) == paper.RUNS


def test_constants_of_pruning_are_those_of_the_paper() -> None:  # Table 4
    known = paper.TABLE_4
    assert (known.phi, known.alpha) == (INITIAL_THRESHOLD, INITIAL_SCALE)
    assert (known.delta_s, known.delta_t) == (1 / ROUNDS, 1 / ROUNDS)
    assert known.mask_init == f"magnitude ({MaskPlan.init})"
    assert (known.sparsity_schedule, MaskPlan.gradual) == ("fixed to s", None)
