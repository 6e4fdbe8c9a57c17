"""What each experiment means: the text it reads, the model it starts from, what it trains, what its record says."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, singledispatch
from pathlib import Path
from typing import Any

import numpy as np
import torch
from datasets import Dataset
from torch import Tensor, nn
from transformers import PreTrainedModel

from srnet import pocket
from srnet.bias import BiasModel, overlap_features
from srnet.encoding import Encoded, encode
from srnet.errors import InputError
from srnet.experiments import Bias, Data, Experiment, FineTuned, Pretrained, Pruned
from srnet.files import digest
from srnet.masks import Mask
from srnet.metrics import correct, correct_two_way
from srnet.models import fingerprint, folder_digest, load_classifier, load_tokenizer, prunable_weights
from srnet.pruning import train_mask
from srnet.store import Entry, Store
from srnet.tasks import TASKS, TaskData, load_task, source_files
from srnet.training import Objective, Trace, fit, make_objective, predict, shuffled_batches

CURVE_POINTS = 20  # points of a recorded training-loss curve
FORWARD, BACKWARD = 1, 2  # relative cost of an example's forward and backward pass

Advance = Callable[[int], None]
"""Called with units of work done; a unit is the forward pass of one example."""


@dataclass(frozen=True)
class Inputs:
    """Where an experiment's inputs lie, and where it runs; none of it changes a result's key.

    Attributes:
        data_dir: folder of the official data files; not needed for the pocket world.
        plm: a pre-trained model to use in place of the profile's: a local folder, or a name on the Hugging Face hub.
        device: torch device.
    """

    data_dir: Path | None = None
    plm: str | None = None
    device: str = "cuda" if torch.cuda.is_available() else "cpu"

    @classmethod
    def from_environment(cls) -> "Inputs":
        """Take `data_dir` and `plm` from the variables SRNET_DATA and SRNET_PLM, where they are set."""
        data = os.environ.get("SRNET_DATA")
        return cls(Path(data) if data else None, os.environ.get("SRNET_PLM") or None)


def compute(experiment: Experiment, store: Store, inputs: Inputs, advance: Advance = lambda units: None) -> None:
    """Compute one experiment whose operands are in the store, and keep its result.

    Raises:
        InputError: if an input is missing or not the one that the experiment names.
        DivergedError: if a training loss is no longer finite.
    """
    with store.writing(experiment) as entry:
        _run(experiment, entry, store, inputs, advance)


def work(experiment: Experiment, inputs: Inputs) -> int:
    """Return the units of work of one experiment: forward passes of one example, a training step counting three."""
    if isinstance(experiment, Bias):
        return 0
    assert isinstance(experiment, FineTuned | Pruned)
    text = read_text(experiment.data, inputs)
    examples = len(text.dev) + sum(len(test) for test in text.ood.values())
    if isinstance(experiment, Pruned):
        examples += len(text.dev) * len(experiment.selection_steps)
    return examples * FORWARD + experiment.recipe.steps * experiment.recipe.batch_size * (FORWARD + BACKWARD)


@lru_cache(maxsize=4)
def read_text(data: Data, inputs: Inputs) -> TaskData:
    """Return the text of a task: generated, or read from the data folder.

    Raises:
        InputError: if there is no data folder, a file of it is missing or malformed, or the text is not the named one.
    """
    if data.world is not None:
        found, text = pocket.FINGERPRINT, pocket.build_nli(data.world)
    else:
        folder = data_folder(inputs)
        found, text = digest(source_files(data.task, folder)), load_task(data.task, folder)
    if found != data.sha256:
        raise InputError(f"text of {data.task}: its digest is {found[:12]}, the experiment names {data.sha256[:12]}")
    return text


def data_folder(inputs: Inputs) -> Path:
    """Return the folder of the official data files.

    Raises:
        InputError: if none is given.
    """
    if inputs.data_dir is None:
        raise InputError("official data files are needed: give their folder with --data-dir or SRNET_DATA")
    return inputs.data_dir


def load_model(
    experiment: Pretrained | FineTuned | Pruned, num_labels: int, store: Store, inputs: Inputs, seed: int
) -> PreTrainedModel:
    """Return the model that an expression stands for, on the device of `inputs`.

    Args:
        experiment: the expression; its own and its operands' results must be in the store.
        num_labels: number of classes.
        store: where the results are.
        inputs: where the pre-trained model is.
        seed: seed of the classifier of a pre-trained model.
    """
    if isinstance(experiment, Pretrained):
        classifier = load_classifier(_plm_source(experiment, inputs), num_labels, seed)
        nn.Module.to(classifier, inputs.device)
        return classifier
    if isinstance(experiment, FineTuned):
        model = load_model(experiment.of, num_labels, store, inputs, experiment.seed)
        model.load_state_dict(store.tensors(experiment, "weights"))
        return model
    model = load_model(experiment.of, num_labels, store, inputs, seed)
    Mask.load(store.file(experiment, "mask.safetensors")).apply_to(model)
    return model


@singledispatch
def _run(experiment: Experiment, entry: Entry, store: Store, inputs: Inputs, advance: Advance) -> None:
    raise TypeError(f"no way to compute a {type(experiment).__name__}")


@_run.register
def _bias(experiment: Bias, entry: Entry, store: Store, inputs: Inputs, advance: Advance) -> None:
    text, labels = read_text(experiment.data, inputs), TASKS[experiment.data.task].labels
    model = BiasModel.fit(_features(text.train), np.array(text.train["label"]), len(labels))
    log_probs = {name: torch.from_numpy(model.log_probs(_features(test))) for name, test in _tests(text).items()}
    entry.record["metrics"] = {name: _metrics(log_probs[name], test) for name, test in _tests(text).items()}
    entry.save("train", {"log_probs": torch.from_numpy(model.log_probs(_features(text.train)))})


@_run.register
def _fine_tuned(experiment: FineTuned, entry: Entry, store: Store, inputs: Inputs, advance: Advance) -> None:
    recipe, seed = experiment.recipe, experiment.seed
    data = _encoded(experiment.data, experiment.of, inputs)
    model = load_model(experiment.of, _classes(experiment.data), store, inputs, seed)
    batches = shuffled_batches(data["train"], recipe, seed)
    objective, done = _objective(experiment, store), _per_step(experiment, advance)
    trace = fit(model, list(model.parameters()), data["train"], batches, recipe, objective, seed, done)
    entry.save("weights", model.state_dict())
    entry.record |= {"seed": seed, "matrices": len(prunable_weights(model))} | _trained(trace)
    _evaluate(model, experiment.data, experiment.of, entry, inputs)


@_run.register
def _pruned(experiment: Pruned, entry: Entry, store: Store, inputs: Inputs, advance: Advance) -> None:
    recipe, seed, plm = experiment.recipe, experiment.seed, experiment.of.of
    data = _encoded(experiment.data, plm, inputs)
    model = load_model(experiment.of, _classes(experiment.data), store, inputs, seed)
    search = train_mask(
        model,
        data["train"],
        data[TASKS[experiment.data.task].dev_name],
        shuffled_batches(data["train"], recipe, seed),
        recipe,
        _objective(experiment, store),
        sparsity=experiment.sparsity,
        interval=experiment.interval,
        seed=seed,
        pooler=experiment.pooler,
        after_step=_per_step(experiment, advance),
    )
    mask = Mask(search.mask, plm.name, fingerprint(prunable_weights(model, experiment.pooler)))
    mask.apply_to(model)
    mask.save(entry.folder / "mask.safetensors")
    entry.record |= {"seed": seed, "sparsity": mask.sparsity, "zeros": mask.zeros()} | _trained(search.trace)
    entry.record |= {"selected_step": search.step, "selection": search.selection}
    _evaluate(model, experiment.data, plm, entry, inputs)


def _evaluate(model: PreTrainedModel, data: Data, plm: Pretrained, entry: Entry, inputs: Inputs) -> None:
    """Test a model on all sets of its task, ``E_d(f(θ))``, and keep the logits: a later metric needs no model."""
    encoded, tests = _encoded(data, plm, inputs), _tests(read_text(data, inputs))
    logits = {name: predict(model, encoded[name]) for name in tests}
    entry.record["metrics"] = {name: _metrics(logits[name], test) for name, test in tests.items()}
    entry.save("logits", logits)


def _metrics(logits: Tensor, test: Dataset) -> dict[str, Any]:
    """Return accuracy over all examples, and per subset and label where a set has subsets."""
    labels, names = torch.tensor(test["label"][:]), test.features["label"].names
    hits = (correct_two_way if len(names) < logits.shape[1] else correct)(logits, labels).numpy()
    groups = np.array(
        [f"{subset}/{names[label]}" for subset, label in zip(test["subset"], labels.tolist(), strict=True)]
    )
    subsets = {str(group): float(hits[groups == group].mean()) for group in np.unique(groups) if group[0] != "/"}
    return {"accuracy": float(hits.mean()), "examples": len(hits)} | ({"subsets": subsets} if subsets else {})


def _trained(trace: Trace) -> dict[str, Any]:
    bins = np.array_split(np.array(trace.losses), min(CURVE_POINTS, len(trace.losses)))
    ends = np.cumsum([len(values) for values in bins]).tolist()
    curve = [[end, float(values.mean())] for end, values in zip(ends, bins, strict=True)]
    return {"steps": len(trace.losses), "tokens": trace.tokens, "padding": trace.padding, "train_loss": curve}


def _objective(experiment: FineTuned | Pruned, store: Store) -> Objective:
    bias = [
        store.tensors(operand, "train")["log_probs"] for operand in experiment.operands if isinstance(operand, Bias)
    ]
    return make_objective(experiment.loss, *bias)


def _per_step(experiment: FineTuned | Pruned, advance: Advance) -> Callable[[int], None]:
    return lambda step: advance(experiment.recipe.batch_size * (FORWARD + BACKWARD))


def _features(data: Dataset) -> np.ndarray:
    return overlap_features(data["premise"][:], data["hypothesis"][:])


def _tests(text: TaskData) -> Mapping[str, Dataset]:
    return {TASKS[text.name].dev_name: text.dev} | dict(text.ood)


def _classes(data: Data) -> int:
    return len(TASKS[data.task].labels)


@lru_cache(maxsize=4)
def _encoded(data: Data, plm: Pretrained, inputs: Inputs) -> Mapping[str, Encoded]:
    text, tokenizer = read_text(data, inputs), load_tokenizer(_plm_source(plm, inputs))
    return {name: encode(part, tokenizer) for name, part in {"train": text.train, **_tests(text)}.items()}


@lru_cache(maxsize=4)
def _plm_source(plm: Pretrained, inputs: Inputs) -> Path | str:
    if not plm.sha256:
        return plm.name
    folder = Path(inputs.plm) if inputs.plm and Path(inputs.plm).is_dir() else pocket.plm_folder()
    if folder_digest(folder) != plm.sha256:
        raise InputError(f"{folder}: not the model {plm.name!r} of the experiment, which --plm or SRNET_PLM must name")
    return folder
