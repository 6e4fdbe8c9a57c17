"""Recipes where none is given: steps by the number of examples, a mask's learning rate by a look at the loss."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import mean
from typing import TYPE_CHECKING

import torch

from srnet.errors import InputError
from srnet.pruning.mask_training import MaskPlan, train_mask
from srnet.training.encoding import Encoded
from srnet.training.loop import DivergedError, Objective, TrainingRun
from srnet.training.recipe import PRECISIONS, Recipe

if TYPE_CHECKING:
    from transformers import PreTrainedModel

EPOCHS = 5  # of mask training on MNLI (Appendix B.3.3)
FEWEST, MOST = 1000, 80_000  # steps; the latter are those of 7 epochs of QQP, the paper's longest search
FULL_EPOCHS = 3  # of fine-tuning on MNLI (Appendix B.3.2)
FULL_RANGE = 600, 48_000  # steps of fine-tuning at least and at most, in proportion to those of a mask
WARMUP = 10  # a tenth of the steps
RATES = (4e-3, 2e-3, 1e-3, 5e-4, 2.5e-4, 1.25e-4)
LOOK, LAST = 48, 12  # steps with each rate, and those of them whose losses are looked at
MARGIN = 8  # see `choose_rate`


@dataclass(frozen=True)
class Look:
    """What a look at the training loss saw.

    Attributes:
        rate: the learning rate that is taken.
        losses: by learning rate, the mean training loss of the last `LAST` steps in nats; infinite if it diverged.
        guessing: the least loss of an answer that is the same for all examples, in nats.
        steps: that were trained for it.
    """

    rate: float
    losses: dict[float, float]
    guessing: float
    steps: int

    @property
    def learns(self) -> bool:
        """Tell whether the loss is below that of guessing at any rate."""
        return min(self.losses.values()) < self.guessing


def check_recipe(recipe: Recipe | None, steps: int | None, lr: float | None, precision: str) -> None:
    """Raise an error if a recipe is none, or is given beside what it says itself.

    Raises:
        InputError: so it is.
    """
    beside = [name for name, given in (("steps", steps), ("lr", lr)) if given is not None]
    beside += ["precision"] if precision != PRECISIONS[0] else []
    if recipe is not None and not isinstance(recipe, Recipe):
        raise InputError(f"recipe: {recipe!r} is none; give a srnet.Recipe, or none but steps and lr")
    if recipe is not None and beside:
        raise InputError(f"recipe: it says {' and '.join(beside)} itself; give a recipe alone, or no recipe")


def usual_recipe(
    examples: int, steps: int | None = None, lr: float | None = None, precision: str = PRECISIONS[0]
) -> Recipe:
    """Return the recipe of a mask: 5 epochs as the paper on MNLI, but at least `FEWEST` steps and at most `MOST`.

    Fewer steps leave the mask near that of magnitude pruning, whatever the data; more than the paper's longest search
    are a matter of the user's own choice.

    Args:
        examples: number of training examples.
        steps: of the training, if they are not to follow from it.
        lr: learning rate, if it is not still to be chosen.
        precision: of matrix products, one of `srnet.training.recipe.PRECISIONS`.

    Raises:
        InputError: a number is out of range, or the precision is unknown.
    """
    return _recipe(steps, lr, precision, EPOCHS * examples, (FEWEST, MOST))


def fine_tuning_recipe(
    examples: int, steps: int | None = None, lr: float | None = None, precision: str = PRECISIONS[0]
) -> Recipe:
    """Return the recipe of a full model: 3 epochs as the paper on MNLI, and as few or many steps as `FULL_RANGE` says.

    Args:
        examples: number of training examples.
        steps: of the training, if they are not to follow from it.
        lr: learning rate, if it is not to be BERT's usual one.
        precision: of matrix products, one of `srnet.training.recipe.PRECISIONS`.

    Raises:
        InputError: a number is out of range, or the precision is unknown.
    """
    return _recipe(steps, lr, precision, FULL_EPOCHS * examples, FULL_RANGE)


def _recipe(steps: int | None, lr: float | None, precision: str, examples: int, least_most: tuple[int, int]) -> Recipe:
    """Return a recipe with a tenth of its steps for warm-up: so many as see `examples`, or what was asked for."""
    least, most = least_most
    recipe = Recipe(least if steps is None else steps, precision=precision)
    if lr is not None:
        recipe = replace(recipe, lr=lr)
    if steps is None:
        recipe = replace(recipe, steps=min(max(examples // recipe.batch_size, least), most))
    return replace(recipe, warmup=recipe.steps // WARMUP)


def guessing(objective: Objective, data: Encoded, num_labels: int) -> float:
    """Return the least loss of an answer that is the same for all examples: their class shares, or all classes alike.

    Args:
        objective: the loss.
        data: the training examples.
        num_labels: K.
    """
    counts = torch.bincount(data.labels, minlength=num_labels).float() + 1  # a class without examples is not impossible
    answers = (counts / counts.sum()).log(), torch.zeros(num_labels)
    every = torch.arange(len(data))
    return min(float(objective(answer.expand(len(data), -1), data.labels, every)) for answer in answers)


def choose_rate(
    model: "PreTrainedModel",
    run: TrainingRun,
    plan: MaskPlan,
    advance: Callable[[], None] = lambda: None,
) -> Look:
    """Return a learning rate for the scores of a mask, by the training loss alone.

    With too large a rate scores jump, and the loss rises to that of guessing and stays there. So `LOOK` steps are made
    with each of `RATES`, the largest first, until the loss is below that of guessing. A `MARGIN`-th of this rate is
    taken, for a long training fails at rates that a short one survives: in the pocket world, masks fail at 4e-3, where
    48 steps just pass, and are best at an eighth to a sixteenth of it (``results/pocket-rates.jsonl``). If the loss is
    above at all rates, that of the lowest loss is taken. The same seed gives the same rate.

    Args:
        model: a sequence classifier; it is left as it was found.
        run: examples, loss, seed and recipe of the training to come.
        plan: how the mask is to be trained.
        advance: called after each step.
    """
    classes = int(model.config.num_labels or 0)
    least, losses = guessing(run.objective, run.data, classes), dict[float, float]()
    for rate in RATES:
        recipe = replace(run.recipe, steps=LOOK, warmup=LAST, lr=rate)
        short = replace(run, recipe=recipe, after_step=lambda step: advance(), snapshot=None)
        losses[rate] = _loss(model, short, replace(plan, interval=LAST))
        if losses[rate] < least:
            break
    best = min(losses, key=lambda rate: losses[rate])
    return Look(best / MARGIN if losses[best] < least else best, losses, least, LOOK * len(losses))


def _loss(model: "PreTrainedModel", run: TrainingRun, plan: MaskPlan) -> float:
    try:
        return mean(train_mask(model, run, lambda step: 0.0, plan).trace.losses[-LAST:])
    except DivergedError:
        return float("inf")
