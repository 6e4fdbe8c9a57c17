"""What each experiment means: the model it starts from, what it trains, what its record says."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import singledispatch
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from srnet.data.tasks import TASKS
from srnet.debiasing.bias import BiasModel, bias_features
from srnet.debiasing.losses import make_objective
from srnet.environment import Inputs
from srnet.executor.plms import plm_source
from srnet.executor.text import (
    all_sets,
    encoded,
    gold,
    read_text,
    share_known,
    word_vectors,
)
from srnet.executor.work import BACKWARD, FORWARD
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
    Tokenised,
    Trained,
    Trajectory,
    pretrained,
    tokenised,
)
from srnet.experiments.methods import IterativePruning, MaskTraining
from srnet.machine import machine
from srnet.masking import Mask
from srnet.pruning.magnitude import magnitude_mask, prune_iteratively
from srnet.pruning.mask_training import train_mask
from srnet.pruning.masked import train_masked
from srnet.store.layout import Examples, at_level, at_step, examples, save_examples, test_sets
from srnet.store.store import Entry, Store
from srnet.training.families import prunable_weights
from srnet.training.loop import (
    Objective,
    Trace,
    TrainingRun,
    fit,
    predict,
)
from srnet.training.metrics import headline, scores
from srnet.training.models import load_classifier, weights_digest
from srnet.training.recipe import PRECISIONS
from srnet.training.selection import Best, is_due

if TYPE_CHECKING:
    from transformers import PreTrainedModel

CURVE_POINTS = 20  # points of a recorded training-loss curve

Advance = Callable[[int], None]
"""Called with units of work done; a unit is the forward pass of one example."""


def compute(experiment: Experiment, store: Store, inputs: Inputs, advance: Advance = lambda units: None) -> bool:
    """Compute one experiment whose operands are in the store, and keep its result, unless it is there already.

    An experiment that was interrupted goes on from its last snapshot: on the same machine, to the very same result.

    Returns:
        Whether it has been computed here; if not, another process has done so meanwhile.

    Raises:
        InputError: if an input is missing or not the one that the experiment names.
        DivergedError: if a training loss is no longer finite.
        DamagedError: if the result of an operand is not what was written.
        BusyError: if another process is computing the experiment.
    """
    from transformers import AutoModelForSequenceClassification  # noqa: F401  loading it is not the experiment's time

    with store.writing(experiment) as entry:
        if entry:
            _run(experiment, _Job(entry, store, inputs, advance))
            entry.record["machine"] = machine(inputs.place)
        return entry is not None


def load_model(model: Model, num_labels: int, store: Store, inputs: Inputs, seed: int) -> "PreTrainedModel":
    """Return the model that an expression stands for, on the device of `inputs`.

    Args:
        model: the expression; its own and its operands' results must be in the store.
        num_labels: number of classes.
        store: where the results are.
        inputs: where the pre-trained model is.
        seed: seed of the classifier of a pre-trained model.
    """
    if isinstance(model, Pretrained):
        loaded = load_classifier(plm_source(model, inputs), num_labels, seed)
        nn.Module.to(loaded, inputs.place)
        return loaded
    if isinstance(model, FineTuned):
        return _with_weights(model, model, "weights", num_labels, store, inputs)
    if isinstance(model, Checkpoint):
        return _with_weights(model, model.of, at_step("weights", model.step), num_labels, store, inputs)
    if isinstance(model, Pruned) and _has_own_weights(model):
        return _with_weights(model, model.trajectory, at_level("weights", model.sparsity), num_labels, store, inputs)
    found = model if isinstance(model, Pruned) else model.like
    loaded = load_model(model.of, num_labels, store, inputs, model.seed if isinstance(model, Pruned) else seed)
    Mask.load(store.file(found, "mask.safetensors")).apply_to(loaded)
    return loaded


@dataclass(frozen=True)
class _Job:
    """What an experiment is computed with.

    Attributes:
        entry: where its result is put together.
        store: where the results of its operands are.
        inputs: where text and pre-trained models lie.
        advance: told of units of work done.
    """

    entry: Entry
    store: Store
    inputs: Inputs
    advance: Advance

    def model(self, of: Model, data: Data, seed: int) -> "PreTrainedModel":
        """Return the model that an experiment starts from."""
        return load_model(of, len(TASKS[data.task].labels), self.store, self.inputs, seed)

    def run(self, experiment: Trained, after_step: Callable[[int], None] = lambda step: None) -> TrainingRun:
        """Return the training that an experiment is."""
        recipe = experiment.recipe
        assert recipe

        def step_done(step: int) -> None:
            self.advance(recipe.batch_size * (FORWARD + BACKWARD))
            after_step(step)

        data, objective = self.examples(experiment, "train").encoded, self._objective(experiment)
        return TrainingRun(data, recipe, objective, experiment.seed, step_done, self.entry.snapshot)

    def examples(self, experiment: Trained, name: str) -> Examples:
        """Return a data set of an experiment's task."""
        return examples(tokenised(experiment), name, self.store)

    def evaluate(self, model: "PreTrainedModel", experiment: Trained, step: int | None = None) -> dict[str, Any]:
        """Test a model on all sets of its task, ``E_d(f(θ))``, and keep the logits: a later metric needs no model."""
        task = TASKS[experiment.data.task]
        tests = {test: self.examples(experiment, test) for test in test_sets(tokenised(experiment), self.store)}
        logits = {test: predict(model, part.encoded, _precision(experiment)) for test, part in tests.items()}
        self.entry.save(at_step("logits", step), logits)
        bias = {task.dev_name: self.store.tensors(Bias(experiment.data), "log_probs")[task.dev_name]}
        return {test: scores(logits[test], part.gold, task.metric, bias.get(test)) for test, part in tests.items()}

    def headlines(self, model: "PreTrainedModel", experiment: Trained, names: list[str]) -> dict[str, float]:
        """Return the scores that models are compared by on the test sets of these names."""
        parts, metric = {name: self.examples(experiment, name) for name in names}, TASKS[experiment.data.task].metric
        logits = {name: predict(model, part.encoded, _precision(experiment)) for name, part in parts.items()}
        return {name: headline(logits[name], part.gold, metric) for name, part in parts.items()}

    def _objective(self, experiment: Trained) -> Objective:
        bias = teacher = None
        if experiment.loss != "std":
            bias = self.store.tensors(Bias(experiment.data), "log_probs")["train"]
        if experiment.teacher:
            teacher = self.store.tensors(experiment.teacher, "train")["probs"]
        return make_objective(experiment.loss, bias, teacher)


@singledispatch
def _run(experiment: Experiment, job: _Job) -> None:
    raise TypeError(f"no way to compute a {type(experiment).__name__}")


@_run.register
def _tokens(experiment: Tokenised, job: _Job) -> None:
    text = all_sets(experiment.data, job.inputs)
    tokens = encoded(experiment.data, experiment.of, job.inputs)
    save_examples({name: Examples(tokens[name], gold(part)) for name, part in text.items()}, job.entry)


@_run.register
def _bias(experiment: Bias, job: _Job) -> None:
    data, task, vectors = experiment.data, TASKS[experiment.data.task], word_vectors(experiment.data, job.inputs)
    sets = all_sets(data, job.inputs)
    if data.vectors:  # a user's, of which no one knows that they are of this language
        job.entry.record["words_with_vector"] = share_known(data, vectors, job.inputs)
    features = {name: bias_features(part, task.bias, vectors) for name, part in sets.items()}
    own = len(read_text(data, job.inputs).train)  # the ID examples, which come first
    model = BiasModel.fit(features["train"][:own], np.array(sets["train"]["label"][:own]), len(task.labels))
    log_probs = {name: torch.from_numpy(model.log_probs(each)) for name, each in features.items()}
    found = {name: scores(log_probs[name], gold(part), task.metric) for name, part in sets.items()}
    job.entry.record["metrics"] = found
    job.entry.save("log_probs", log_probs)


@_run.register
def _fine_tuned(experiment: FineTuned, job: _Job) -> None:
    entry, model = job.entry, job.model(experiment.of, experiment.data, experiment.seed)
    dev, steps, interval = TASKS[experiment.data.task].dev_name, experiment.recipe.steps, experiment.interval
    middle = entry.snapshot.keep("middle", lambda: middle) or {}
    best = Best(entry.snapshot) if interval else None

    def after_step(step: int) -> None:
        if best and interval and is_due(step, interval, steps):
            best.see(step, job.headlines(model, experiment, [dev])[dev], model.state_dict())
        if step in experiment.checkpoints:
            entry.save(at_step("weights", step), model.state_dict())
            middle[str(step)] = job.evaluate(model, experiment, step)

    run = job.run(experiment, after_step)
    if isinstance(experiment.of, Masked):
        mask = Mask.load(job.store.file(experiment.of.like, "mask.safetensors"))
        trace = train_masked(model, mask, run)
        entry.record |= {"sparsity": mask.sparsity, "zeros": mask.zeros()}
    else:
        trace = fit(model, list(model.parameters()), run)
    if best:
        model.load_state_dict(best.kept)
        entry.record |= {"selected_step": best.step, "selection": best.selection}
    entry.save("weights", model.state_dict())
    entry.record |= {"seed": experiment.seed, "matrices": len(prunable_weights(model))} | _trained(trace)
    entry.record["metrics"] = job.evaluate(model, experiment)
    if middle:
        entry.record["checkpoints"] = middle


@_run.register
def _teacher(experiment: Teacher, job: _Job) -> None:
    of = experiment.of
    train = job.examples(of, "train")
    logits = predict(job.model(of, of.data, of.seed), train.encoded, _precision(of))
    job.entry.save("train", {"probs": torch.softmax(logits, dim=-1)})
    job.entry.record["metrics"] = {"train": scores(logits, train.gold, TASKS[of.data.task].metric)}


@_run.register
def _trajectory(experiment: Trajectory, job: _Job) -> None:
    entry, model = job.entry, job.model(experiment.of, experiment.data, experiment.seed)
    origin = pretrained(experiment.of).name, weights_digest(prunable_weights(model, experiment.pooler))

    def keep(level: float, mask: Mask) -> None:
        Mask(mask, *origin).save(entry.folder / f"{at_level('mask', level)}.safetensors")
        entry.save(at_level("weights", level), model.state_dict())

    trace = prune_iteratively(model, job.run(experiment), experiment.plan, keep)
    entry.record |= {"seed": experiment.seed} | _trained(trace)


@_run.register
def _pruned(experiment: Pruned, job: _Job) -> None:
    method, of_pruned = experiment.method, not _has_own_weights(experiment)
    model = job.model(experiment.of if of_pruned else experiment, experiment.data, experiment.seed)
    if isinstance(method, IterativePruning):
        name = f"{at_level('mask', experiment.sparsity)}.safetensors"
        mask = Mask.load(job.store.file(experiment.trajectory, name))
    else:
        weights = prunable_weights(model, experiment.pooler)
        if isinstance(method, MaskTraining):
            mask = _train_mask(experiment, method, model, job)
        else:
            mask = magnitude_mask(weights, experiment.sparsity)
        mask = Mask(mask, pretrained(experiment.of).name, weights_digest(weights))
    if of_pruned:
        mask.apply_to(model)
    mask.save(job.entry.folder / "mask.safetensors")
    job.entry.record |= {"seed": experiment.seed, "sparsity": mask.sparsity, "zeros": mask.zeros()}
    job.entry.record["metrics"] = job.evaluate(model, experiment)


def _train_mask(experiment: Pruned, method: MaskTraining, model: "PreTrainedModel", job: _Job) -> Mask:
    dev, entry = TASKS[experiment.data.task].dev_name, job.entry
    names = test_sets(tokenised(experiment), job.store) if method.curves else [dev]
    evaluations = entry.snapshot.keep("evaluations", lambda: evaluations) or {}

    def score(step: int) -> float:
        evaluations[str(step)] = job.headlines(model, experiment, names)
        return evaluations[str(step)][dev]

    search = train_mask(model, job.run(experiment), score, experiment.mask_plan)
    entry.record |= _trained(search.trace) | {"selected_step": search.step, "selection": search.selection}
    if method.curves:
        entry.record["evaluations"] = evaluations
    return search.mask


def _precision(experiment: Trained) -> str:
    """Return what a model is tested in: as it was trained; what only magnitudes choose is not trained."""
    return experiment.recipe.precision if experiment.recipe else PRECISIONS[0]


def _has_own_weights(pruned: Pruned) -> bool:
    """Tell whether a subnetwork has the weights that were trained on the way, not those of the pruned model."""
    return isinstance(pruned.method, IterativePruning) and not pruned.method.rewind


def _with_weights(
    model: Model, of: Experiment, name: str, num_labels: int, store: Store, inputs: Inputs
) -> "PreTrainedModel":
    """Return a model of the architecture that `model` descends from, with the weights that `of` left as `name`."""
    loaded = load_model(pretrained(model), num_labels, store, inputs, seed=0)
    loaded.load_state_dict(store.tensors(of, name))
    return loaded


def _trained(trace: Trace) -> dict[str, Any]:
    bins = np.array_split(np.array(trace.losses), min(CURVE_POINTS, len(trace.losses)))
    ends = np.cumsum([len(values) for values in bins]).tolist()
    curve = [[end, float(values.mean())] for end, values in zip(ends, bins, strict=True)]
    return {"steps": len(trace.losses), "tokens": trace.tokens, "padding": trace.padding, "train_loss": curve}
