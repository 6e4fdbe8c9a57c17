"""How much work an experiment is, known before any text is read: to rank experiments and to show progress."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache

from srnet.data.statistics import training_examples
from srnet.data.tasks import TASKS
from srnet.environment import Inputs
from srnet.errors import InputError
from srnet.executor.plms import encoder_weights
from srnet.executor.text import is_at_hand, test_sets, training_set
from srnet.experiments.expressions import (
    Bias,
    Data,
    Experiment,
    FineTuned,
    Pruned,
    Teacher,
    Tokenised,
    Trained,
    Trajectory,
    pretrained,
    tokenised,
)
from srnet.experiments.methods import MaskTraining
from srnet.machine import emulates_bfloat16
from srnet.paper import EVALUATED, TABLE_1
from srnet.pocket.sizes import sizes
from srnet.pruning.magnitude import LEVELS, last_step
from srnet.pruning.mask_training import MaskPlan
from srnet.store.store import Store
from srnet.training.selection import times_due

FORWARD, BACKWARD = 1, 2  # relative cost of an example's forward and backward pass


def work(experiment: Experiment, inputs: Inputs, store: Store) -> int:
    """Return an experiment's units of work, forward passes of one example; an example of a training step counts three.

    Args:
        experiment: what is to be computed.
        inputs: where text lies.
        store: where token ids may be already; their record counts the examples.

    Raises:
        InputError: if the text must be read and cannot be.
    """
    passes, recipe = uses(experiment), getattr(experiment, "recipe", None)
    training = passes.steps * recipe.batch_size * (FORWARD + BACKWARD) if recipe else 0
    if passes == Uses(passes.steps):
        return training
    counts = examples(experiment, inputs, store)
    evaluated = passes.evaluations(experiment.data, counts)
    return training + sum(times * counts[name] for name, times in evaluated.items()) * FORWARD


def emulated(experiments: Iterable[Experiment], inputs: Inputs) -> str:
    """Return a warning if experiments compute in bfloat16 and the device here has no instructions for it, else ""."""
    recipes = (getattr(each, "recipe", None) for each in experiments)
    if not any(recipe and recipe.precision == "bfloat16" for recipe in recipes) or not emulates_bfloat16(inputs.place):
        return ""
    return f"{inputs.place}: no instructions for bfloat16, in which this is trained; it takes longer than float32 would"


def effort(experiment: Experiment, inputs: Inputs, store: Store) -> int:
    """Return about how long an experiment takes, to decide which comes first: its work times the weights of its model.

    Models of which nothing is known yet count as equal. Arguments and errors are those of `work`.
    """
    done = work(experiment, inputs, store)
    if isinstance(experiment, Trained | Teacher):
        with suppress(InputError):
            return done * encoder_weights(pretrained(experiment.of), inputs)
    return done


@dataclass(frozen=True)
class Uses:
    """How often an experiment goes over its data.

    Attributes:
        steps: optimiser steps.
        train: evaluations of the training set.
        dev: evaluations of the ID development set alone.
        tests: evaluations of all test sets, the ID development set among them.
    """

    steps: int = 0
    train: int = 0
    dev: int = 0
    tests: int = 0

    def evaluations(self, data: Data, names: Iterable[str]) -> dict[str, int]:
        """Return how often each of the data sets of these names is evaluated, those that are not left out."""
        own = {"train": self.train, TASKS[data.task].dev_name: self.dev + self.tests}
        times = {name: own.get(name, self.tests) for name in names}
        return {name: count for name, count in times.items() if count}


def uses(experiment: Experiment) -> Uses:
    """Return how often an experiment goes over its data."""
    match experiment:
        case Bias() | Tokenised():
            return Uses()
        case Teacher():
            return Uses(train=1)
        case FineTuned():
            steps, interval = experiment.recipe.steps, experiment.interval
            chosen_by = times_due(interval, steps) if interval else 0
            return Uses(steps, dev=chosen_by, tests=1 + len(experiment.checkpoints))
        case Trajectory():
            return Uses(last_step(LEVELS[-1], experiment.recipe.steps))
        case Pruned(method=MaskTraining(recipe=recipe, curves=curves)):
            scored = _scored(experiment.mask_plan, recipe.steps)
            return Uses(recipe.steps, tests=1 + scored) if curves else Uses(recipe.steps, dev=scored, tests=1)
        case Pruned():
            return Uses(tests=1)
    raise TypeError(f"no work is known of a {type(experiment).__name__}")


def examples(experiment: Experiment, inputs: Inputs, store: Store) -> Mapping[str, int]:
    """Return the number of examples of the data sets that an experiment uses.

    The text is read only where its files are at hand and their token ids are not in the store: a user's files need not
    be the official ones. Files that are not at hand are taken to have the official sizes.

    Returns:
        For "train", the ID development set and each OOD test set by name.

    Raises:
        InputError: if the text must be read and cannot be.
    """
    data = experiment.data
    if data.world is not None:
        return sizes(data.task, data.world, data.with_ood)
    if not is_at_hand(data):
        return _official(data)
    if tokens := _tokens(experiment):
        with suppress(InputError):  # there is no record, or none that can be read
            counts: Mapping[str, int] = store.record(tokens)["examples"]
            return counts
    sets = {"train": training_set(data, inputs), **test_sets(data, inputs)}
    return {name: len(part) for name, part in sets.items()}


def _tokens(experiment: Experiment) -> Tokenised | None:
    of = experiment.of if isinstance(experiment, Teacher) else experiment
    if isinstance(of, Trained):
        return tokenised(of)
    return of if isinstance(of, Tokenised) else None


def _official(data: Data) -> dict[str, int]:
    task = TASKS[data.task]
    evaluated = {name: TABLE_1[name, EVALUATED[name]] for name in (task.dev_name, *task.ood)}
    return {"train": training_examples(data.task, data.with_ood)} | evaluated


@lru_cache
def _scored(plan: MaskPlan, steps: int) -> int:
    return len(plan.scored(steps))
