"""A bias that nobody has named: what a model learns from few examples in a short time (Utama et al., 2020b)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from srnet.errors import InputError
from srnet.training.encoding import Encoded
from srnet.training.loop import TrainingRun, fit, predict
from srnet.training.recipe import Recipe

if TYPE_CHECKING:
    from transformers import PreTrainedModel

EXAMPLES, EPOCHS = 2000, 5  # of MNLI, by the released code of Utama et al. (2020b)
SHARE = 4  # at most a quarter of the examples, so that most of them are none that the model has seen
LEAST = 100  # examples to learn from


def sample_size(examples: int) -> int:
    """Return how many of the training examples a shallow model learns from.

    Raises:
        InputError: if there are too few.
    """
    size = min(EXAMPLES, examples // SHARE)
    if size < LEAST:
        needed = f"give {LEAST * SHARE} or more, or name the bias"
        raise InputError(
            f"bias shallow: {examples} training examples, a quarter of which is too few to learn from: {needed}"
        )
    return size


def shallow_recipe(examples: int) -> Recipe:
    """Return how a shallow model is trained: BERT's usual learning rate, for `EPOCHS` epochs of the sample."""
    recipe = Recipe(1)
    return replace(recipe, steps=-(-EPOCHS * sample_size(examples) // recipe.batch_size))


def shallow_log_probs(
    model: "PreTrainedModel",
    train: Encoded,
    others: Sequence[Encoded] = (),
    *,
    seed: int,
    recipe: Recipe | None = None,
    after_step: Callable[[int], None] = lambda step: None,
) -> list[Tensor]:
    """Train a model shortly on a sample of the training examples, and return what it says of all.

    A model that has seen little of a task has learned its shortcuts first, so its probabilities can stand for those of
    a bias model (Utama et al., 2020b, whose released code takes 2,000 examples of MNLI and 5 epochs).

    Args:
        model: a pre-trained encoder with a fresh classifier (`srnet.training.models.load_classifier`), not one that has
            been fine-tuned on the task; it is trained in place.
        train: the training examples, N of them.
        others: further examples to tell of.
        seed: seed of the sample, of data order and dropout.
        recipe: `shallow_recipe` if not given.
        after_step: called with the number of steps done, after each.

    Returns:
        Log-probabilities of `train` and of each of `others`, float32 [N, K].

    Raises:
        InputError: if there are too few examples, or the sample has one class alone.
        DivergedError: if the loss is no longer finite.
    """
    chosen = shallow_sample(train, seed)
    recipe = shallow_recipe(len(train)) if recipe is None else recipe
    fit(model, list(model.parameters()), TrainingRun(chosen, recipe, _cross_entropy, seed, after_step))
    return [torch.log_softmax(predict(model, data, recipe.precision), dim=-1) for data in (train, *others)]


def shallow_sample(train: Encoded, seed: int) -> Encoded:
    """Return the examples that a shallow model learns from, drawn at random.

    Raises:
        InputError: if there are too few examples, or the sample has one class alone.
    """
    order = torch.randperm(len(train), generator=torch.Generator().manual_seed(seed))
    rows = order[: sample_size(len(train))]
    types = None if train.token_type_ids is None else train.token_type_ids[rows]
    chosen = Encoded(train.input_ids[rows], types, train.lengths[rows], train.labels[rows])
    if len(chosen.labels.unique()) < 2:
        raise InputError(f"bias shallow: a sample of {len(rows)} training examples has one class alone: name the bias")
    return chosen


def _cross_entropy(logits: Tensor, labels: Tensor, index: Tensor) -> Tensor:
    return torch.nn.functional.cross_entropy(logits, labels)
