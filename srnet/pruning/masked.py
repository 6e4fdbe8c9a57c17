"""Training what a mask leaves of a network: removed weights are zero and stay so."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from srnet.masking import Mask
from srnet.training.loop import Trace, TrainingRun, fit
from srnet.training.plain import trainable

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def train_masked(model: "PreTrainedModel", mask: Mask, run: TrainingRun) -> Trace:
    """Train what a mask leaves of `model`, in place: ``A_L(f(m ⊙ θ))``; removed weights are zero and stay so.

    Args:
        model: a sequence classifier; its parameters are trained, but frozen ones, which the mask alone changes.
        mask: which weights remain.
        run: data, recipe, loss and seed.

    Raises:
        InputError: if the mask does not fit the model, or nothing in it can be trained.
        DivergedError: if the loss is no longer finite.
    """
    trained = trainable(model)
    mask.apply_to(model)
    parameters = dict(model.named_parameters())
    with holding({name: parameters[name] for name in mask}, mask):
        return fit(model, trained, run)


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

    hooks = [weight.register_hook(hook(name)) for name, weight in weights.items() if weight.requires_grad]

    @torch.no_grad()
    def hold() -> None:
        for name, weight in weights.items():
            weight.mul_(held[name])

    try:
        yield held, hold
    finally:
        for handle in hooks:
            handle.remove()
