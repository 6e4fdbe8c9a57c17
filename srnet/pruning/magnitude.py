"""Magnitude pruning, one-shot or iterative (Algorithm 1): remove the smallest weights, train on, and so forth."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from srnet.errors import InputError
from srnet.masking import Mask, solve
from srnet.pruning.masked import holding
from srnet.training.families import prunable_weights
from srnet.training.loop import Trace, TrainingRun, fit
from srnet.training.plain import trainable

if TYPE_CHECKING:
    from transformers import PreTrainedModel

ROUNDS = 10  # Δs is a tenth of the weights, Δt a tenth of the steps
LEVELS = tuple(level / ROUNDS for level in range(1, ROUNDS))  # sparsities that one run passes through

AtLevel = Callable[[float, Mask], None]
"""Called with a sparsity and the mask of that sparsity, when the model has been trained under it for Δt steps."""


@dataclass(frozen=True)
class ImpPlan:
    """How a network is pruned iteratively, beside the recipe of its weights.

    Attributes:
        pooler: also prune BERT's pooler, as the authors' released code does.
        rewind_each_round: after each pruning, go on from the weights that training started with, as Section 3.2.1
            says; otherwise training goes on from where it is, as in Algorithm 1.
        restart: after each pruning, start optimiser and learning-rate schedule anew, as the authors' released code
            does; otherwise there is one schedule over all steps.
    """

    pooler: bool = False
    rewind_each_round: bool = False
    restart: bool = False


def is_level(sparsity: float) -> bool:
    """Tell whether iterative pruning passes through this sparsity: a multiple of Δs, 0.1 to 0.9."""
    return Fraction(str(sparsity)) in [Fraction(level, ROUNDS) for level in range(1, ROUNDS)]


def last_step(level: float, steps: int) -> int:
    """Return after which of `steps` steps the training under the mask of sparsity `level` ends."""
    return round(level * ROUNDS) * steps // ROUNDS


def prune_iteratively(model: "PreTrainedModel", run: TrainingRun, plan: ImpPlan, at_level: AtLevel) -> Trace:
    """Prune `model` in place step by step to a sparsity of 0.9: ``P^imp_L(f(θ))``, Algorithm 1.

    A tenth of the weights of smallest magnitude falls before the first training step and another after every tenth of
    all steps, until a tenth is left. Each level's network is that after Δt further steps of training, when
    `at_level` is called: its weights are the model's, its removed weights zero. With rewinding, the network is the
    level's mask on the weights that training started from, which is for the caller to put together.

    Args:
        model: a sequence classifier; its parameters are trained, but frozen ones, which pruning alone changes.
        run: data, loss and recipe, whose steps are t_max; nine tenths of them are done.
        plan: what is pruned and what starts anew at each pruning.
        at_level: given every level in turn.

    Raises:
        InputError: if there are fewer than `ROUNDS` steps, or nothing that can be trained.
        DivergedError: if the loss is no longer finite.
    """
    steps = run.recipe.steps
    if steps < ROUNDS:
        raise InputError(f"{steps} steps are too few for iterative pruning: give at least {ROUNDS}")
    ends, trained = {last_step(level, steps): level for level in LEVELS}, trainable(model)
    weights = prunable_weights(model, plan.pooler)
    start = {name: tensor.clone() for name, tensor in model.state_dict().items()} if plan.rewind_each_round else None
    mask = Mask({name: torch.ones_like(weight, dtype=torch.bool) for name, weight in weights.items()})

    def prune(sparsity: float) -> None:
        nonlocal mask
        # A weight that has fallen stays below every other, so each mask lies within the one before.
        scores = {name: weight.detach().abs().masked_fill(~held[name], -1.0) for name, weight in weights.items()}
        mask = Mask({name: keep for name, (_, keep) in solve(scores, sparsity).items()})
        if start is not None:
            model.load_state_dict(start)
        held.update({name: keep.to(weights[name].device) for name, keep in mask.items()})

    def step_done(step: int) -> None:
        hold()
        run.after_step(step)
        if step in ends:
            level = ends[step]
            at_level(level, mask)
            if level != LEVELS[-1]:
                prune(LEVELS[LEVELS.index(level) + 1])
                hold()

    with holding(weights, mask) as (held, hold):
        prune(LEVELS[0])
        hold()
        if run.snapshot and (past := run.snapshot.keep("pruning", lambda: {"mask": dict(mask)})):
            mask = Mask(past["mask"])
            held.update({name: keep.to(weights[name].device) for name, keep in mask.items()})
        restarts = ends if plan.restart else ()
        return fit(model, trained, replace(run, after_step=step_done), restarts, max(ends))


def magnitude_mask(weights: Mapping[str, Tensor], sparsity: float) -> Mask:
    """Return the one-shot magnitude mask: the weights of smallest magnitude fall.

    Args:
        weights: weight matrices by name.
        sparsity: share to remove from each matrix, in [0, 1).
    """
    magnitudes = {name: weight.detach().abs() for name, weight in weights.items()}
    return Mask({name: keep for name, (_, keep) in solve(magnitudes, sparsity).items()})
