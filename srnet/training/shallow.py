"""A bias that nobody has named: what a model learns from few examples in a short time (Utama et al., 2020b)."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import mean
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from srnet.errors import InputError
from srnet.training.encoding import Encoded
from srnet.training.loop import DivergedError, TrainingRun, fit, predict
from srnet.training.recipe import Recipe

if TYPE_CHECKING:
    from transformers import PreTrainedModel

EXAMPLES, EPOCHS = 2000, 5  # of MNLI, by the released code of Utama et al. (2020b)
SHARE = 4  # at most a quarter of the examples, so that most of them are none that the model has seen
LEAST = 100  # examples to learn from
FEWEST = 100  # steps; in fewer, a fresh classifier has hardly begun to move
RATES = (5e-5, 2e-4, 8e-4)  # BERT's usual one, and larger ones, which much smaller models need


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


def shallow_recipe(examples: int, lr: float = RATES[0]) -> Recipe:
    """Return how a shallow model is trained: for `EPOCHS` epochs of the sample, and for `FEWEST` steps at least.

    Args:
        examples: number of training examples, of which the sample is a part.
        lr: learning rate.
    """
    recipe = Recipe(1, lr=lr)
    return replace(recipe, steps=max(FEWEST, -(-EPOCHS * sample_size(examples) // recipe.batch_size)))


@dataclass(frozen=True)
class Shallow:
    """What a model that was trained shortly says.

    Attributes:
        log_probs: of the training examples, and of each further set, float32 [N, K].
        rate: the learning rate that it was trained with.
        accuracy: on the training examples, most of which it has not seen.
        learned: whether that is above the share of the most frequent class by more than chance.
    """

    log_probs: list[Tensor]
    rate: float
    accuracy: float
    learned: bool


def shallow(
    model: "PreTrainedModel",
    train: Encoded,
    others: Sequence[Encoded] = (),
    *,
    seed: int,
    advance: Callable[[int], None] = lambda step: None,
) -> Shallow:
    """Train a model shortly on a sample of the training examples, and return what it says of all.

    A model that has seen little of a task has learned its shortcuts first, so its probabilities can stand for those of
    a bias model (Utama et al., 2020b, whose released code takes 2,000 examples of MNLI and 5 epochs). At too small a
    learning rate it has learned nothing, and tells nothing: so it is trained anew with the next of `RATES` as long as
    that fits the sample better.

    Args:
        model: a pre-trained encoder with a fresh classifier (`srnet.training.models.load_classifier`), not one that has
            been fine-tuned on the task; it is trained in place.
        train: the training examples, N of them.
        others: further examples to tell of.
        seed: seed of the sample, of data order and dropout.
        advance: called with the number of steps done at this rate, after each.

    Raises:
        InputError: if there are too few examples, or the sample has one class alone.
        DivergedError: if the loss is not finite even at the smallest rate.
    """
    chosen, labels = shallow_sample(train, seed), train.labels
    start = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    least, rate, logits = float("inf"), RATES[0], list[Tensor]()
    for each in RATES:
        model.load_state_dict(start)
        loss = _fitted(model, TrainingRun(chosen, shallow_recipe(len(train), each), _cross_entropy, seed, advance))
        if loss >= least:
            break
        least, rate, logits = loss, each, [predict(model, data) for data in (train, *others)]
    if not logits:
        raise DivergedError(f"the shallow model's training loss is not finite at learning rate {RATES[0]:g}")
    log_probs = [torch.log_softmax(values, dim=-1) for values in logits]
    accuracy = float((log_probs[0].argmax(dim=-1) == labels).float().mean())
    majority = int(labels.bincount().max()) / len(labels)
    chance = majority + 2 * (majority * (1 - majority) / len(labels)) ** 0.5  # two standard errors above
    return Shallow(log_probs, rate, accuracy, accuracy > chance)


def _fitted(model: "PreTrainedModel", run: TrainingRun) -> float:
    """Train a model, and return its loss in the last epoch in nats; infinite if it diverged."""
    try:
        losses = fit(model, list(model.parameters()), run).losses
    except DivergedError:
        return float("inf")
    return mean(losses[-max(1, len(losses) // EPOCHS) :])


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
