"""Every pair of paradigm, method, loss and task of the paper, run for ten steps in the pocket world."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from srnet import Gradual, Mask, Recipe, pocket
from srnet.data.tasks import TASKS
from srnet.debiasing.losses import LOSSES
from srnet.environment import Inputs
from srnet.executor.compute import load_model
from srnet.executor.text import read_text, training_set
from srnet.executor.workers import run
from srnet.experiments.expressions import (
    Bias,
    Checkpoint,
    Data,
    Experiment,
    FineTuned,
    Masked,
    Model,
    Pretrained,
    Pruned,
    Teacher,
)
from srnet.experiments.methods import IterativePruning, MaskTraining, OneShot
from srnet.masking import count_zeros
from srnet.pocket import World, plm_folder
from srnet.pruning.magnitude import magnitude_mask
from srnet.store.store import Store
from srnet.training.families import prunable_weights
from srnet.training.models import folder_digest

INPUTS = Inputs(device="cpu")
PLM = Pretrained("pocket", folder_digest(plm_folder()))
WEIGHTS, SCORES = Recipe(steps=10, batch_size=4, lr=1e-3), Recipe(steps=10, batch_size=4, lr=1e-2)
SPARSITY, SEED, MATRICES = 0.7, 1, 6 * 3 + 1
Grid = dict[str, Experiment]


def grid(task: str) -> Grid:
    """Return the experiments of a task by a name for each."""
    data = Data(task, pocket.FINGERPRINTS[task], World(train=48, dev=12, test=12))
    full = FineTuned(PLM, data, SEED, WEIGHTS, checkpoints=(5,), interval=3)
    train, prune = MaskTraining(SCORES, interval=2), IterativePruning(WEIGHTS)
    found: Grid = {"full std": full}

    def of_loss(loss: str) -> dict[str, Any]:
        return {"loss": loss, "teacher": Teacher(full) if loss == "confreg" else None}

    def mask(of: Pretrained | FineTuned | Checkpoint, loss: str = "std", **changes: Any) -> Pruned:
        return Pruned(of, data, SEED, SPARSITY, replace(train, **changes), **of_loss(loss))

    def imp(of: Pretrained | FineTuned, loss: str, **changes: Any) -> Pruned:
        return Pruned(of, data, SEED, SPARSITY, replace(prune, **changes), **of_loss(loss))

    lottery_ticket, learned = imp(PLM, "std", rewind=True), mask(full, "poe")
    for loss in LOSSES:
        of_debiased = replace(full, checkpoints=(), **of_loss(loss))
        found |= {
            f"full {loss}": of_debiased if loss != "std" else full,
            f"fine-tuned: mask {loss}": mask(full, loss),
            f"fine-tuned: imp {loss}": imp(full, loss),
            f"fine-tuned with {loss}: mask {loss}": mask(of_debiased, loss),
            f"raw: imp-rewind {loss}": imp(PLM, loss, rewind=True),
            f"in isolation: imp-rewind std, {loss}": replace(of_debiased, of=Masked(PLM, lottery_ticket)),
            f"in isolation: mask poe, {loss}": replace(of_debiased, of=Masked(PLM, learned)),
            f"without fine-tuning: mask {loss}": mask(PLM, loss),
        }
    magnitude, unbiased = Pruned(full, data, SEED, SPARSITY, OneShot()), replace(data, with_ood=True)
    with_ood = replace(mask(full), data=unbiased)
    return found | {
        "fine-tuned: magnitude": magnitude,
        "in isolation: magnitude": replace(full, checkpoints=(), of=Masked(PLM, replace(magnitude, of=PLM))),
        "to the last weights": replace(full, interval=None),
        "fine-tuned with OOD data: mask": with_ood,
        "fine-tuned with OOD data: imp": replace(imp(full, "std"), data=unbiased),
        "without fine-tuning, with OOD data: mask": replace(with_ood, of=PLM),
        "in isolation, with OOD data: mask": replace(full, checkpoints=(), of=Masked(PLM, with_ood)),
        "timing: mask": mask(Checkpoint(full, 5), "poe"),
        "gradual: mask": mask(full, "poe", gradual=Gradual(0.2)),
        "gradual to the end: mask": mask(full, "poe", gradual=Gradual(0.2, ramp=1.0)),
        "soft: mask": mask(full, "poe", init="soft"),
        "curves: mask": mask(full, curves=True),
        "pooler: mask": replace(mask(full), pooler=True),
        "rewound each round: imp": imp(full, "poe", rewind_each_round=True),
        "restarted: imp": imp(full, "poe", restart=True),
    }


@pytest.fixture(scope="module", params=TASKS)
def computed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Grid, Store]:
    experiments, store = grid(request.param), Store(tmp_path_factory.mktemp("grid"))
    report = run(list(experiments.values()), store, INPUTS, workers=1)
    assert report.failed == {}
    return experiments, store


def parameters(model: Model, store: Store) -> dict[str, Tensor]:
    of = model.like if isinstance(model, Masked) else model
    labels = len(TASKS[of.data.task].labels) if isinstance(of, FineTuned | Pruned) else len(TASKS["nli"].labels)
    return load_model(model, labels, store, INPUTS, SEED).state_dict()


def mask_of(experiment: Pruned, store: Store) -> Mask:
    return Mask.load(store.file(experiment, "mask.safetensors"))


def test_the_table_is_whole() -> None:
    names = [name for name in grid("nli") if "OOD" not in name]
    for loss in LOSSES:
        assert sum(name.endswith(loss) for name in names) == 8, loss


def test_sparsity_is_exact_in_every_matrix(computed: tuple[Grid, Store]) -> None:
    experiments, store = computed
    for name, experiment in experiments.items():
        if name.startswith("full") or name == "to the last weights":
            continue
        zeros = store.record(experiment)["zeros"]
        assert len(zeros) == MATRICES + ("pooler" in name), name
        assert all(count == count_zeros(SPARSITY, size) for count, size in zeros.values()), name


def test_weights_are_frozen_or_moved_as_the_method_says(computed: tuple[Grid, Store]) -> None:
    experiments, store = computed
    for name, experiment in experiments.items():
        if not isinstance(experiment, Pruned):
            continue
        of, mask = experiment.of, mask_of(experiment, store)
        num_labels = len(TASKS[experiment.data.task].labels)
        before = load_model(of, num_labels, store, INPUTS, SEED).state_dict()
        after = parameters(experiment, store)
        assert before.keys() == after.keys()
        for weight, tensor in after.items():
            if isinstance(experiment.method, IterativePruning) and not experiment.method.rewind:
                moved = (
                    tensor[mask[weight]] != before[weight][mask[weight]] if weight in mask else tensor != before[weight]
                )
                assert weight not in mask or not tensor[~mask[weight]].any(), (name, weight)
                assert moved.any() or tensor.dtype == torch.int64, (name, weight)
            else:
                kept = before[weight] * mask[weight] if weight in mask else before[weight]
                assert torch.equal(tensor, kept), (name, weight)


def test_masks_move_away_from_magnitude_pruning(computed: tuple[Grid, Store]) -> None:
    experiments, store = computed
    for name, experiment in experiments.items():
        if isinstance(experiment, Pruned) and experiment.recipe:
            of = load_model(experiment.of, len(TASKS[experiment.data.task].labels), store, INPUTS, SEED)
            start = magnitude_mask(prunable_weights(of, experiment.pooler), SPARSITY)
            found = mask_of(experiment, store)
            assert any(not torch.equal(found[matrix], start[matrix]) for matrix in start), name


def test_what_a_mask_removes_stays_zero_in_isolated_training(computed: tuple[Grid, Store]) -> None:
    experiments, store = computed
    for name, experiment in experiments.items():
        if isinstance(experiment, FineTuned) and isinstance(experiment.of, Masked):
            mask, after = mask_of(experiment.of.like, store), parameters(experiment, store)
            before = load_model(PLM, len(TASKS[experiment.data.task].labels), store, INPUTS, SEED).state_dict()
            for matrix, keep in mask.items():
                assert not after[matrix][~keep].any(), (name, matrix)
                assert (after[matrix][keep] != before[matrix][keep]).any(), (name, matrix)
            word_vectors = "bert.embeddings.word_embeddings.weight"
            assert not torch.equal(after[word_vectors], before[word_vectors]), name


def test_losses_and_options_matter(computed: tuple[Grid, Store]) -> None:
    """Runs that differ in one choice only differ in what they find."""
    experiments, store = computed
    distinct = ("fine-tuned: mask ", "fine-tuned: imp ", "without fine-tuning: mask ", "soft", "gradual", "restarted")
    found = {
        name: store.record(experiment)["files"]["mask.safetensors"]["sha256"]
        for name, experiment in experiments.items()
        if name.startswith(distinct) and isinstance(experiment, Pruned)
    }
    assert len(found) == 3 * len(LOSSES) + 4
    assert len(set(found.values())) == len(found)


def test_records_hold_every_score(computed: tuple[Grid, Store]) -> None:
    experiments, store = computed
    for name, experiment in experiments.items():
        assert isinstance(experiment, FineTuned | Pruned)
        task, record = TASKS[experiment.data.task], store.record(experiment)
        assert set(record["metrics"]) == {task.dev_name, *task.ood}, name
        assert all(task.metric in metrics and metrics["classes"] for metrics in record["metrics"].values()), name
        bias = record["metrics"][task.dev_name]["bias"]
        assert sum(group["examples"] for group in bias.values()) == 12, name
        assert Bias(experiment.data).key in record["operands"], name
    full = experiments["full std"]
    assert list(store.record(full)["checkpoints"]) == ["5"]


def test_the_best_on_the_development_set_is_left(computed: tuple[Grid, Store]) -> None:
    experiments, store = computed
    for name, experiment in experiments.items():
        record = store.record(experiment)
        assert isinstance(experiment, FineTuned | Pruned)
        if (isinstance(experiment, FineTuned) and experiment.interval is None) or isinstance(
            getattr(experiment, "method", None), IterativePruning | OneShot
        ):
            assert record.keys().isdisjoint({"selected_step", "selection"}), name
            continue
        task = TASKS[experiment.data.task]
        steps = [step for step, _ in record["selection"]]
        best = max(score for _, score in record["selection"])
        assert isinstance(experiment, Pruned) or steps == [3, 6, 9, 10], name
        assert record["selected_step"] == next(step for step, score in record["selection"] if score == best), name
        assert record["metrics"][task.dev_name][task.metric] == pytest.approx(best), name


def test_the_last_weights_are_left_where_that_is_asked_for(computed: tuple[Grid, Store]) -> None:
    """Training itself is the same: so is what is kept in the middle."""
    experiments, store = computed
    chosen, last = (store.record(experiments[name]) for name in ("full std", "to the last weights"))
    assert chosen["train_loss"] == last["train_loss"]
    assert chosen["checkpoints"] == last["checkpoints"]
    weights = [record["files"]["weights.safetensors"]["sha256"] for record in (chosen, last)]
    assert (weights[0] == weights[1]) == (chosen["selected_step"] == 10)


def test_curves_are_recorded_where_they_are_asked_for(computed: tuple[Grid, Store]) -> None:
    experiments, store = computed
    drawn, plain = (store.record(experiments[name]) for name in ("curves: mask", "fine-tuned: mask std"))
    task = TASKS[experiments["curves: mask"].data.task]
    assert [int(step) for step in drawn["evaluations"]] == [2, 4, 6, 8, 10]
    assert all(set(scores) == {task.dev_name, *task.ood} for scores in drawn["evaluations"].values())
    at_choice = drawn["evaluations"][str(drawn["selected_step"])]
    assert at_choice == pytest.approx({name: found[task.metric] for name, found in drawn["metrics"].items()})
    assert [[step, drawn["evaluations"][str(step)][task.dev_name]] for step, _ in drawn["selection"]] == drawn[
        "selection"
    ]
    assert "evaluations" not in plain
    same = ("selection", "selected_step", "metrics", "zeros")
    assert {name: drawn[name] for name in same} == {name: plain[name] for name in same}


def test_ood_training_examples_are_added(computed: tuple[Grid, Store]) -> None:
    experiments, store = computed
    experiment = experiments["fine-tuned with OOD data: mask"]
    assert isinstance(experiment, Pruned)
    text = read_text(experiment.data, INPUTS)
    assert text.ood_train is not None
    merged = training_set(experiment.data, INPUTS)
    assert merged["premise"][:] == [*text.train["premise"][:], *text.ood_train["premise"][:]]
    log_probs = store.tensors(Bias(experiment.data), "log_probs")
    assert len(log_probs["train"]) == len(merged)
    of_id = store.tensors(Bias(replace(experiment.data, with_ood=False)), "log_probs")
    assert torch.equal(of_id["train"], log_probs["train"][: len(text.train)])


def test_the_teacher_is_the_full_model(computed: tuple[Grid, Store]) -> None:
    experiments, store = computed
    full = experiments["full std"]
    assert isinstance(full, FineTuned)
    probs = store.tensors(Teacher(full), "train")["probs"]
    assert probs.shape == (48, len(TASKS[full.data.task].labels))
    torch.testing.assert_close(probs.sum(1), torch.ones(48))
    labels = torch.tensor(training_set(full.data, INPUTS)["label"][:])
    accuracy = (probs.argmax(1) == labels).float().mean().item()
    assert accuracy == pytest.approx(store.record(Teacher(full))["metrics"]["train"]["accuracy"])
