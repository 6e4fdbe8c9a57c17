"""How fast this machine is: a few seconds of real steps, from which the time of any experiment follows."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from copy import deepcopy
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from transformers import AutoModelForSequenceClassification, PretrainedConfig, PreTrainedModel

from srnet.costs import Cost, Size, architecture, model_size, size_of
from srnet.encoding import Encoded
from srnet.experiments import Experiment, Pretrained, Teacher, Trained, pretrained
from srnet.inputs import Inputs
from srnet.machine import one_thread
from srnet.training import Recipe, TrainingRun, fit, make_objective, predict

SMALL = 30_000_000  # weights of a model that is measured as it is
LAYERS, EXAMPLES = 2, 16  # of a larger one, that many layers are measured, and on a CPU that many examples a step
ENOUGH = 4.0  # seconds of steps
LEAST, MOST = 2, 10_000  # steps of each kind; the first is not measured, for it allocates memory


class _EnoughError(Exception):
    """Enough steps have been measured."""


@dataclass(frozen=True)
class Speed:
    """How fast one process is that has a core or a GPU to itself, in seconds.

    A step of mask training takes as long as one of fine-tuning, to a few per cent.

    Attributes:
        step: what a training step takes for each weight of the model, however many tokens there are: the optimiser.
        trained: what each prunable weight takes for each token of a training step, forward and backward.
        evaluated: the same for a forward pass alone.
    """

    step: float
    trained: float
    evaluated: float

    def seconds(self, cost: Cost, size: Size | None) -> float:
        """Return how long an experiment takes.

        Args:
            cost: of the experiment.
            size: of its model; None if it has none.
        """
        if size is None:
            return cost.text
        passes = self.trained * cost.trained.processed + self.evaluated * cost.evaluated.processed
        return cost.text + self.step * cost.steps * size.weights + passes * size.prunable


def speed_for(costs: Mapping[Experiment, Cost], inputs: Inputs) -> Speed:
    """Measure the speed of the model that most of the work of some experiments is for; others follow from their sizes.

    Args:
        costs: of each experiment.
        inputs: where models lie, and the device that experiments run on.
    """
    load, heaviest = Counter[Pretrained](), dict[Pretrained, tuple[float, Trained | Teacher]]()
    for each, cost in costs.items():
        size = model_size(each, inputs)
        if size and isinstance(each, Trained | Teacher):
            model, own = pretrained(each.of), cost.passes.processed * size.prunable
            load[model] += own
            heaviest[model] = max(heaviest.get(model, (-1, each)), (own, each), key=lambda pair: pair[0])
    if not load:
        return Speed(0.0, 0.0, 0.0)
    model, _ = load.most_common(1)[0]
    experiment = heaviest[model][1]
    passes = costs[experiment].trained if costs[experiment].steps else costs[experiment].evaluated
    recipe = getattr(experiment, "recipe", None)
    width = max(1, round(passes.processed / max(1, passes.examples)))
    return calibrate(architecture(model, inputs), recipe.batch_size if recipe else EXAMPLES, width, inputs.place)


def calibrate(config: PretrainedConfig, batch_size: int, width: int, device: str) -> Speed:
    """Measure training steps and forward passes of a model of random weights; takes less than ten seconds.

    Args:
        config: the architecture; if it is large, only a few of its layers are built.
        batch_size: examples of a training step; fewer are taken where a step would take long.
        width: tokens of an example.
        device: torch device; on a CPU, one thread is used, as in `srnet.executor`.
    """
    with one_thread():
        return _measured(config, batch_size, width, device)


def _measured(config: PretrainedConfig, batch_size: int, width: int, device: str) -> Speed:
    size = size_of(config)
    if size.weights > SMALL:
        config = deepcopy(config)
        config.num_hidden_layers = LAYERS
        size = size_of(config)
        batch_size = min(batch_size, EXAMPLES) if device == "cpu" else batch_size
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = AutoModelForSequenceClassification.from_config(config).eval()
        nn.Module.to(model, device)
        ids = torch.randint(config.vocab_size, (batch_size + 1, width), dtype=torch.int32)
    lengths = torch.tensor([*[width] * batch_size, 1])
    data = Encoded(ids, None, lengths, torch.zeros_like(lengths))
    short, full = _seconds_a_step(model, data, batch_size)
    return Speed(
        step=short / size.weights,
        trained=max(full - short, 0.0) / (batch_size * width - 1) / size.prunable,
        evaluated=_seconds_of_prediction(model, data) / (batch_size * width + 1) / size.prunable,
    )


def _seconds_a_step(model: PreTrainedModel, data: Encoded, batch_size: int) -> tuple[float, float]:
    """Return the times of a step with one token, which is all optimiser, and of one with all examples but that."""
    rows = {"short": slice(batch_size, None), "full": slice(0, batch_size)}
    parts = {name: Encoded(data.input_ids[of], None, data.lengths[of], data.labels[of]) for name, of in rows.items()}
    short, full = (_median_step(model, part, ENOUGH / 2) for part in parts.values())
    return short, full


def _median_step(model: PreTrainedModel, data: Encoded, enough: float) -> float:
    clock, last = _clock(model), time.monotonic() + enough
    ends = [clock()]

    def after_step(step: int) -> None:
        ends.append(clock())
        if step > LEAST and time.monotonic() > last:
            raise _EnoughError

    recipe, objective = Recipe(steps=MOST, batch_size=len(data)), make_objective("std")
    with suppress(_EnoughError):
        fit(model, list(model.parameters()), TrainingRun(data, recipe, objective, 0, after_step))
    return float(np.median(np.diff(ends)[1:]))


def _seconds_of_prediction(model: PreTrainedModel, data: Encoded) -> float:
    clock, last = _clock(model), time.monotonic() + ENOUGH / 8
    ends = [clock()]
    while len(ends) <= LEAST or time.monotonic() < last:
        predict(model, data)
        ends.append(clock())
    return float(np.median(np.diff(ends)[1:]))


def _clock(model: PreTrainedModel) -> Callable[[], float]:
    """Return a clock; on a CPU it stands still while other programs have the core."""
    return time.process_time if model.device.type == "cpu" else time.perf_counter
