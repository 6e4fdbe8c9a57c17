"""Iterative magnitude pruning (Algorithm 1): remove the smallest weights, train on, and so forth."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

import torch
from torch import Tensor
from transformers import PreTrainedModel

from srnet.encoding import Encoded
from srnet.errors import InputError
from srnet.masks import Mask, solve
from srnet.models import prunable_weights
from srnet.snapshots import Snapshot
from srnet.training import Objective, Recipe, Trace, fit

ROUNDS = 10  # Δs is a tenth of the weights, Δt a tenth of the steps
LEVELS = tuple(level / ROUNDS for level in range(1, ROUNDS))  # sparsities that one run passes through

AtLevel = Callable[[float, Mask], None]
"""Called with a sparsity and the mask of that sparsity, when the model has been trained under it for Δt steps."""


@dataclass(frozen=True)
class ImpPlan:
    """How a network is pruned iteratively, beside the recipe of its weights.

    Attributes:
        pooler: also prune BERT's pooler, as the authors' released code does.
        scope: ``"local"``, each matrix loses the same share, or ``"global"``, all of them together.
        rewind_each_round: after each pruning, go on from the weights that training started with, as Section 3.2.1
            says; otherwise training goes on from where it is, as in Algorithm 1.
        restart: after each pruning, start optimiser and learning-rate schedule anew, as the authors' released code
            does; otherwise there is one schedule over all steps.
    """

    pooler: bool = False
    scope: str = "local"
    rewind_each_round: bool = False
    restart: bool = False


def is_level(sparsity: float) -> bool:
    """Tell whether iterative pruning passes through this sparsity: a multiple of Δs, 0.1 to 0.9."""
    return Fraction(str(sparsity)) in [Fraction(level, ROUNDS) for level in range(1, ROUNDS)]


def last_step(level: float, steps: int) -> int:
    """Return after which of `steps` steps the training under the mask of sparsity `level` ends."""
    return round(level * ROUNDS) * steps // ROUNDS


def prune_iteratively(
    model: PreTrainedModel,
    train: Encoded,
    batches: Iterable[Tensor],
    recipe: Recipe,
    objective: Objective,
    plan: ImpPlan,
    seed: int,
    at_level: AtLevel,
    after_step: Callable[[int], None] = lambda step: None,
    snapshot: Snapshot | None = None,
) -> Trace:
    """Prune `model` in place step by step to a sparsity of 0.9: ``P^imp_L(f(θ))``, Algorithm 1.

    A tenth of the weights of smallest magnitude falls before the first training step and another after every tenth of
    ``recipe.steps``, until a tenth is left. Each level's network is that after Δt further steps of training, when
    `at_level` is called: its weights are the model's, its removed weights zero. With rewinding, the network is the
    level's mask on the weights that training started from, which is for the caller to put together.

    Args:
        model: a sequence classifier; all its parameters are trained.
        train: training examples.
        batches: indices of the training examples of each step, for nine tenths of ``recipe.steps``.
        recipe: optimiser and schedule; t_max is ``recipe.steps``, of which nine tenths are done.
        objective: the loss.
        plan: what is pruned and what starts anew at each pruning.
        seed: seed of dropout.
        at_level: given every level in turn.
        after_step: called with the number of steps done, after each.
        snapshot: where the run is saved, and goes on from (`srnet.training.fit`).

    Raises:
        InputError: if there are fewer than `ROUNDS` steps, or too few batches.
        DivergedError: if the loss is no longer finite.
    """
    if recipe.steps < ROUNDS:
        raise InputError(f"{recipe.steps} steps are too few for iterative pruning: give at least {ROUNDS}")
    ends = {last_step(level, recipe.steps): level for level in LEVELS}
    weights = prunable_weights(model, plan.pooler)
    start = {name: tensor.clone() for name, tensor in model.state_dict().items()} if plan.rewind_each_round else None
    mask = Mask({name: torch.ones_like(weight, dtype=torch.bool) for name, weight in weights.items()})

    def prune(sparsity: float) -> None:
        nonlocal mask
        # A weight that has fallen stays below every other, so each mask lies within the one before.
        scores = {name: weight.detach().abs().masked_fill(~held[name], -1.0) for name, weight in weights.items()}
        mask = Mask({name: keep for name, (_, keep) in solve(scores, sparsity, plan.scope).items()})
        if start is not None:
            model.load_state_dict(start)
        held.update({name: keep.to(weights[name].device) for name, keep in mask.items()})

    def step_done(step: int) -> None:
        hold()
        after_step(step)
        if step in ends:
            level = ends[step]
            at_level(level, mask)
            if level != LEVELS[-1]:
                prune(LEVELS[LEVELS.index(level) + 1])
                hold()

    with holding(weights, mask) as (held, hold):
        prune(LEVELS[0])
        hold()
        if snapshot and (past := snapshot.keep("pruning", lambda: {"mask": dict(mask)})):
            mask = Mask(past["mask"])
            held.update({name: keep.to(weights[name].device) for name, keep in mask.items()})
        restarts = ends if plan.restart else ()
        steps = last_step(LEVELS[-1], recipe.steps)
        batches = islice(batches, steps)
        parameters = list(model.parameters())
        trace = fit(model, parameters, train, batches, recipe, objective, seed, step_done, restarts, snapshot)
    if len(trace.losses) < steps:
        raise InputError(f"iterative pruning: {len(trace.losses)} batches for {steps} steps; give one for each")
    return trace


def train_masked(
    model: PreTrainedModel,
    mask: Mask,
    train: Encoded,
    batches: Iterable[Tensor],
    recipe: Recipe,
    objective: Objective,
    seed: int,
    after_step: Callable[[int], None] = lambda step: None,
    snapshot: Snapshot | None = None,
) -> Trace:
    """Train what a mask leaves of `model`, in place: ``A_L(f(m ⊙ θ))``; removed weights are zero and stay so.

    Args:
        model: a sequence classifier; all its parameters are trained.
        mask: which weights remain.
        train: training examples.
        batches: indices of the training examples of each step.
        recipe: optimiser and schedule.
        objective: the loss.
        seed: seed of dropout.
        after_step: called with the number of steps done, after each.
        snapshot: where the run is saved, and goes on from (`srnet.training.fit`).

    Raises:
        InputError: if the mask does not fit the model.
        DivergedError: if the loss is no longer finite.
    """
    mask.apply_to(model)
    parameters = dict(model.named_parameters())
    with holding({name: parameters[name] for name in mask}, mask):
        everything = list(model.parameters())
        return fit(model, everything, train, batches, recipe, objective, seed, after_step, snapshot=snapshot)


@contextmanager
def holding(weights: dict[str, Tensor], mask: Mask) -> Iterator[tuple[dict[str, Tensor], Callable[[], None]]]:
    """Keep gradients of removed weights zero, so that the loss is that of ``f(m ⊙ θ)``; they count in no norm.

    Yields:
        The masks by name, bool tensors on the weights' devices, which may be replaced; and a function that sets the
        removed weights to zero, to be called after every optimiser step where the masks change: AdamW goes on moving a
        weight that has had gradients before.
    """
    held = {name: keep.to(weights[name].device) for name, keep in mask.items()}

    def hook(name: str) -> Callable[[Tensor], Tensor]:
        return lambda gradient: gradient * held[name]

    hooks = [weight.register_hook(hook(name)) for name, weight in weights.items()]

    @torch.no_grad()
    def hold() -> None:
        for name, weight in weights.items():
            weight.mul_(held[name])

    try:
        yield held, hold
    finally:
        for handle in hooks:
            handle.remove()
