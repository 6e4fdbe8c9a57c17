"""What each experiment means: the model it starts from, what it trains, what its record says."""

from collections.abc import Callable
from functools import singledispatch
from typing import Any

import numpy as np
import torch
from torch import nn
from transformers import PreTrainedModel

from srnet.bias import BiasModel, bias_features
from srnet.costs import BACKWARD, FORWARD
from srnet.evaluation import scores
from srnet.experiments import (
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
from srnet.inputs import Inputs, all_sets, encoded, gold, plm_source, read_text, word_vectors
from srnet.magnitude import prune_iteratively, train_masked
from srnet.mask_training import train_mask
from srnet.masks import Mask, magnitude_mask
from srnet.models import fingerprint, load_classifier, prunable_weights
from srnet.records import machine
from srnet.results import Examples, at_level, at_step, examples, save_examples, test_sets
from srnet.store import Entry, Store
from srnet.tasks import TASKS
from srnet.training import Objective, Trace, fit, make_objective, predict, shuffled_batches

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
    with store.writing(experiment) as entry:
        if entry:
            _run(experiment, entry, store, inputs, advance)
            entry.record["machine"] = machine(inputs.place)
        return entry is not None


def load_model(model: Model, num_labels: int, store: Store, inputs: Inputs, seed: int) -> PreTrainedModel:
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
    if isinstance(model, Pruned) and model.method == "imp":
        return _with_weights(model, model.trajectory, at_level("weights", model.sparsity), num_labels, store, inputs)
    found = model if isinstance(model, Pruned) else model.like
    loaded = load_model(model.of, num_labels, store, inputs, model.seed if isinstance(model, Pruned) else seed)
    Mask.load(store.file(found, "mask.safetensors")).apply_to(loaded)
    return loaded


@singledispatch
def _run(experiment: Experiment, entry: Entry, store: Store, inputs: Inputs, advance: Advance) -> None:
    raise TypeError(f"no way to compute a {type(experiment).__name__}")


@_run.register
def _tokens(experiment: Tokenised, entry: Entry, store: Store, inputs: Inputs, advance: Advance) -> None:
    text, tokens = all_sets(experiment.data, inputs), encoded(experiment.data, experiment.of, inputs)
    save_examples({name: Examples(tokens[name], gold(part)) for name, part in text.items()}, entry)


@_run.register
def _bias(experiment: Bias, entry: Entry, store: Store, inputs: Inputs, advance: Advance) -> None:
    data, task, vectors = experiment.data, TASKS[experiment.data.task], word_vectors(experiment.data, inputs)
    sets = all_sets(data, inputs)
    features = {name: bias_features(part, task.bias, vectors) for name, part in sets.items()}
    own = len(read_text(data, inputs).train)  # the ID examples, which come first
    model = BiasModel.fit(features["train"][:own], np.array(sets["train"]["label"][:own]), len(task.labels))
    log_probs = {name: torch.from_numpy(model.log_probs(each)) for name, each in features.items()}
    entry.record["metrics"] = {name: scores(log_probs[name], gold(part), task.metric) for name, part in sets.items()}
    entry.save("log_probs", log_probs)


@_run.register
def _fine_tuned(experiment: FineTuned, entry: Entry, store: Store, inputs: Inputs, advance: Advance) -> None:
    recipe, seed, data = experiment.recipe, experiment.seed, _examples(experiment, "train", store).encoded
    model = load_model(experiment.of, _classes(experiment.data), store, inputs, seed)
    batches, objective = shuffled_batches(data, recipe, seed), _objective(experiment, store)
    done = _per_step(experiment, advance)
    middle = entry.snapshot.keep("middle", lambda: middle) or {}

    def after_step(step: int) -> None:
        done(step)
        if step in experiment.checkpoints:
            entry.save(at_step("weights", step), model.state_dict())
            middle[str(step)] = _evaluate(model, experiment, entry, store, step)

    if isinstance(experiment.of, Masked):
        mask = Mask.load(store.file(experiment.of.like, "mask.safetensors"))
        trace = train_masked(model, mask, data, batches, recipe, objective, seed, after_step, entry.snapshot)
        entry.record |= {"sparsity": mask.sparsity, "zeros": mask.zeros()}
    else:
        everything, saved = list(model.parameters()), entry.snapshot
        trace = fit(model, everything, data, batches, recipe, objective, seed, after_step, snapshot=saved)
    entry.save("weights", model.state_dict())
    entry.record |= {"seed": seed, "matrices": len(prunable_weights(model))} | _trained(trace)
    entry.record["metrics"] = _evaluate(model, experiment, entry, store)
    if middle:
        entry.record["checkpoints"] = middle


@_run.register
def _teacher(experiment: Teacher, entry: Entry, store: Store, inputs: Inputs, advance: Advance) -> None:
    of = experiment.of
    model = load_model(of, _classes(of.data), store, inputs, of.seed)
    train = _examples(of, "train", store)
    logits = predict(model, train.encoded)
    entry.save("train", {"probs": torch.softmax(logits, dim=-1)})
    entry.record["metrics"] = {"train": scores(logits, train.gold, TASKS[of.data.task].metric)}


@_run.register
def _trajectory(experiment: Trajectory, entry: Entry, store: Store, inputs: Inputs, advance: Advance) -> None:
    recipe, seed, data = experiment.recipe, experiment.seed, _examples(experiment, "train", store).encoded
    model = load_model(experiment.of, _classes(experiment.data), store, inputs, seed)
    found_in = fingerprint(prunable_weights(model, experiment.pooler))

    def keep(level: float, mask: Mask) -> None:
        Mask(mask, pretrained(experiment.of).name, found_in).save(
            entry.folder / f"{at_level('mask', level)}.safetensors"
        )
        entry.save(at_level("weights", level), model.state_dict())

    batches, done = shuffled_batches(data, recipe, seed), _per_step(experiment, advance)
    objective, plan = _objective(experiment, store), experiment.plan
    trace = prune_iteratively(model, data, batches, recipe, objective, plan, seed, keep, done, entry.snapshot)
    entry.record |= {"seed": seed} | _trained(trace)


@_run.register
def _pruned(experiment: Pruned, entry: Entry, store: Store, inputs: Inputs, advance: Advance) -> None:
    iterative, rewound = experiment.method.startswith("imp"), experiment.method != "imp"
    model = load_model(
        experiment.of if rewound else experiment, _classes(experiment.data), store, inputs, experiment.seed
    )
    if iterative:
        name = f"{at_level('mask', experiment.sparsity)}.safetensors"
        mask = Mask.load(store.file(experiment.trajectory, name))
    else:
        weights = prunable_weights(model, experiment.pooler)
        if experiment.method == "mask":
            mask = _train_mask(experiment, model, entry, store, inputs, advance)
        else:
            mask = magnitude_mask(weights, experiment.sparsity, experiment.scope)
        mask = Mask(mask, pretrained(experiment.of).name, fingerprint(weights))
    if rewound:
        mask.apply_to(model)
    mask.save(entry.folder / "mask.safetensors")
    entry.record |= {"seed": experiment.seed, "sparsity": mask.sparsity, "zeros": mask.zeros()}
    entry.record["metrics"] = _evaluate(model, experiment, entry, store)


def _train_mask(
    experiment: Pruned, model: PreTrainedModel, entry: Entry, store: Store, inputs: Inputs, advance: Advance
) -> Mask:
    assert experiment.recipe
    recipe, seed = experiment.recipe, experiment.seed
    names = "train", TASKS[experiment.data.task].dev_name
    train, dev = (_examples(experiment, name, store).encoded for name in names)
    batches, objective = shuffled_batches(train, recipe, seed), _objective(experiment, store)
    done = _per_step(experiment, advance)
    search = train_mask(model, train, dev, batches, recipe, objective, experiment.mask_plan, seed, done, entry.snapshot)
    entry.record |= _trained(search.trace) | {"selected_step": search.step, "selection": search.selection}
    return search.mask


def _with_weights(
    model: Model, of: Experiment, name: str, num_labels: int, store: Store, inputs: Inputs
) -> PreTrainedModel:
    """Return a model of the architecture that `model` descends from, with the weights that `of` left as `name`."""
    loaded = load_model(pretrained(model), num_labels, store, inputs, seed=0)
    loaded.load_state_dict(store.tensors(of, name))
    return loaded


def _evaluate(
    model: PreTrainedModel, experiment: Trained, entry: Entry, store: Store, step: int | None = None
) -> dict[str, Any]:
    """Test a model on all sets of its task, ``E_d(f(θ))``, and keep the logits: a later metric needs no model."""
    task = TASKS[experiment.data.task]
    tests = {test: _examples(experiment, test, store) for test in test_sets(tokenised(experiment), store)}
    logits = {test: predict(model, part.encoded) for test, part in tests.items()}
    entry.save(at_step("logits", step), logits)
    bias = {task.dev_name: store.tensors(Bias(experiment.data), "log_probs")[task.dev_name]}
    return {test: scores(logits[test], part.gold, task.metric, bias.get(test)) for test, part in tests.items()}


def _trained(trace: Trace) -> dict[str, Any]:
    bins = np.array_split(np.array(trace.losses), min(CURVE_POINTS, len(trace.losses)))
    ends = np.cumsum([len(values) for values in bins]).tolist()
    curve = [[end, float(values.mean())] for end, values in zip(ends, bins, strict=True)]
    return {"steps": len(trace.losses), "tokens": trace.tokens, "padding": trace.padding, "train_loss": curve}


def _objective(experiment: Trained, store: Store) -> Objective:
    bias = teacher = None
    if experiment.loss != "std":
        bias = store.tensors(Bias(experiment.data), "log_probs")["train"]
    if experiment.teacher:
        teacher = store.tensors(experiment.teacher, "train")["probs"]
    return make_objective(experiment.loss, bias, teacher)


def _per_step(experiment: Trained, advance: Advance) -> Callable[[int], None]:
    assert experiment.recipe
    units = experiment.recipe.batch_size * (FORWARD + BACKWARD)
    return lambda step: advance(units)


def _examples(experiment: Trained, name: str, store: Store) -> Examples:
    return examples(tokenised(experiment), name, store)


def _classes(data: Data) -> int:
    return len(TASKS[data.task].labels)
