"""How fast this machine is, measured by a few real training steps."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from srnet.data.tasks import TASKS
from srnet.debiasing.losses import make_objective
from srnet.environment import Inputs
from srnet.executor.plms import architecture, size
from srnet.executor.work import BACKWARD, FORWARD, effort
from srnet.experiments.expressions import Data, Experiment, Pretrained, Teacher, Trained, pretrained
from srnet.machine import one_thread, synchronise
from srnet.planning.lengths import mean_length
from srnet.store.store import Store
from srnet.training.encoding import Encoded
from srnet.training.loop import TrainingRun, fit
from srnet.training.recipe import Recipe

if TYPE_CHECKING:
    from transformers import PretrainedConfig

STEPS, LEAST = 20, 2  # steps that are measured, and how many of them if they are slow
# Prunable weights of a model whose steps on a CPU are slow, and are measured with that many examples; an example of
# BERT-base then takes 4 % longer than in a batch of 32.
LARGE, FEW = 30_000_000, 8


def measure_speed(experiments: Sequence[Experiment], inputs: Inputs, store: Store) -> float:
    """Return the seconds that one process takes for a token's forward pass through one prunable weight.

    Measured are training steps of the model, recipe and data that most of the work is for; other models are taken to be
    as fast for each of their weights. A step of mask training takes as long as one of fine-tuning, to a few per cent.

    Args:
        experiments: what is to be computed.
        inputs: where models lie, and the device that experiments run on.
        store: where results lie.

    Raises:
        InputError: if nothing is known of the model, or text must be read and cannot be.
    """
    load = Counter[tuple[Pretrained, Recipe, Data]]()
    for each in experiments:
        if isinstance(each, Trained | Teacher):
            recipe = getattr(each, "recipe", None) or Recipe(steps=1)
            load[pretrained(each.of), recipe, each.data] += effort(each, inputs, store)
    if not load:
        return 0.0
    plm, recipe, data = load.most_common(1)[0][0]
    prunable = size(plm, len(TASKS[data.task].labels), False, inputs).prunable
    recipe = replace(recipe, steps=1 + STEPS, warmup=0)
    if prunable > LARGE and inputs.place == "cpu":
        recipe = replace(recipe, steps=1 + LEAST, batch_size=min(recipe.batch_size, FEW))
    tokens = round(mean_length(data, "train"))
    passes = (FORWARD + BACKWARD) * recipe.batch_size * tokens
    return seconds_a_step(architecture(plm, inputs), recipe, tokens, inputs.place) / (passes * prunable)


def seconds_a_step(config: "PretrainedConfig", recipe: Recipe, tokens: int, device: str) -> float:
    """Return the median time of a training step of a model of random weights.

    The first step allocates memory and does not count.

    Args:
        config: the architecture.
        recipe: how it is trained; all its steps are made, at least two.
        tokens: of each example.
        device: torch device; on a CPU, one thread is used, as in `srnet.executor.workers`.
    """
    with one_thread():
        seconds = np.diff(_ends(config, recipe, tokens, device))
    return float(np.median(seconds[1:]))


def _ends(config: "PretrainedConfig", recipe: Recipe, tokens: int, device: str) -> list[float]:
    """Return the times when a training starts and when each of its steps ends."""
    from transformers import AutoModelForSequenceClassification

    # On a CPU the clock stands still while other programs have the core.
    clock = time.process_time if device == "cpu" else time.perf_counter
    model = AutoModelForSequenceClassification.from_config(config, trust_remote_code=False)
    torch.nn.Module.to(model, device)
    size = recipe.batch_size
    same = torch.ones(size, tokens, dtype=torch.int32)
    data = Encoded(same, None, torch.full((size,), tokens), torch.zeros(size, dtype=torch.int64))

    def after_step(step: int) -> None:
        synchronise(model.device)
        ends.append(clock())

    ends = [clock()]
    run = TrainingRun(data, recipe, make_objective("std"), 0, after_step)
    fit(model, list(model.parameters()), run)
    return ends
