"""The optimiser of all training: AdamW on one buffer that holds every trained tensor."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from srnet.training.flat import Flat
from srnet.training.recipe import Recipe
from srnet.training.snapshots import State

ADAM_EPSILON, ADAM_BETA_2 = 1e-8, 0.999
CLIP_EPSILON = 1e-6  # as in torch.nn.utils.clip_grad_norm_


class Optimiser:
    """AdamW and its learning-rate schedule, which can start anew, be saved and be restored.

    Args:
        trained: the tensors that move: parameters, which lie in one buffer until `close`; or a buffer that gets its
            gradient as a whole.
        recipe: learning rate, schedule and clipping.
    """

    def __init__(self, trained: Sequence[nn.Parameter] | Flat, recipe: Recipe) -> None:
        self.recipe = recipe
        self.parameters = [] if isinstance(trained, Flat) else list(trained)
        self.flat = trained if isinstance(trained, Flat) else Flat(self.parameters)
        if self.parameters:
            self.flat.lend(self.parameters)
        self.restart()

    def restart(self) -> None:
        """Forget all steps."""
        from transformers import get_linear_schedule_with_warmup  # loads all that a model needs

        recipe = self.recipe
        self.adam = torch.optim.AdamW(
            [self.flat.whole], lr=recipe.lr, weight_decay=recipe.weight_decay, eps=ADAM_EPSILON, fused=True
        )
        self.schedule = get_linear_schedule_with_warmup(self.adam, recipe.warmup, recipe.steps)

    def step(self) -> None:
        """Clip the gradients, make a step and clear the gradients."""
        if self.parameters:
            self.flat.whole.grad = torch.cat([_gradient(parameter) for parameter in self.parameters])
        gradient = self.flat.whole.grad
        assert gradient is not None
        for clipped in self.flat.parts(gradient) if self.recipe.clip_each else [gradient]:
            norm = torch.linalg.vector_norm(clipped)
            clipped.mul_((self.recipe.clip / (norm + CLIP_EPSILON)).clamp(max=1.0))
        if self.recipe.raw_epsilon:
            steps = self.schedule.last_epoch + 1
            self.adam.param_groups[0]["eps"] = ADAM_EPSILON / (1 - ADAM_BETA_2**steps) ** 0.5
        self.adam.step()
        self.schedule.step()
        for tensor in (self.flat.whole, *self.parameters):
            tensor.grad = None

    def close(self) -> None:
        """Give every parameter its own memory again."""
        self.flat.release()

    def state(self) -> State:
        """Return what a snapshot keeps: trained tensors, moments, schedule."""
        adam = self.adam.state_dict()
        moments = {str(index): moment for index, moment in adam["state"].items()}
        tensors = {"whole": self.flat.whole, "moments": moments}
        return tensors | {"groups": adam["param_groups"], "schedule": self.schedule.state_dict()}

    @torch.no_grad()
    def load(self, state: State) -> None:
        """Take up what a snapshot kept."""
        self.flat.whole.copy_(state["whole"])
        moments = {int(index): moment for index, moment in state["moments"].items()}
        self.adam.load_state_dict({"state": moments, "param_groups": state["groups"]})
        self.schedule.load_state_dict(state["schedule"])


def _gradient(parameter: nn.Parameter) -> Tensor:
    """Return the gradient as a row; zeros for a parameter that the loss does not depend on."""
    return (torch.zeros_like(parameter) if parameter.grad is None else parameter.grad).flatten()
