"""Masks that are learned: scores and thresholds, and a model whose matrices are masked by them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from math import gcd
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.autograd.function import FunctionCtx, once_differentiable

from srnet.masking import solve
from srnet.training.families import owners
from srnet.training.flat import Flat
from srnet.training.snapshots import State

if TYPE_CHECKING:
    from transformers import PreTrainedModel


@dataclass(frozen=True)
class MatrixMask:
    """The mask of one matrix W while it is learned.

    Attributes:
        scores: m̂, float tensor of the shape of W.
        cut: φ, a scalar tensor.
        keep: m as of the last solution of the threshold, bool tensor of the shape of W.
    """

    scores: Tensor
    cut: Tensor
    keep: Tensor


class StraightThrough(torch.autograd.Function):
    """``m ⊙ W`` with ``m = 1`` where ``m̂ > φ``; m̂ gets the gradient of m as it is (Bengio et al., 2013)."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, scores: Tensor, cuts: Tensor, weights: Tensor, layout: Flat, dtype: torch.dtype
    ) -> tuple[Tensor, ...]:
        """Return each matrix's weights whose score is greater than its threshold, and zeros, in `dtype`.

        Args:
            ctx: what autograd remembers.
            scores: m̂ of all matrices, float [P].
            cuts: φ of each row of a width that divides every matrix, float [R, 1].
            weights: W of all matrices, float [P].
            layout: how the matrices lie in both.
            dtype: of the result.
        """
        ctx.save_for_backward(weights)
        rows = len(cuts), -1
        kept = torch.empty_like(weights)  # 1 and 0 as floats, which multiply faster than a bool
        torch.gt(scores.view(rows), cuts, out=kept.view(rows))
        return tuple(layout.parts(kept.mul_(weights).to(dtype)))

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Return ``∂L/∂(m ⊙ W) ⊙ W``, the gradient of m, as that of the scores."""
        (weights,) = ctx.saved_tensors  # type: ignore[attr-defined]
        gradient = torch.cat([each.flatten() for each in gradients])
        return gradient.to(weights.dtype).mul_(weights), None, None, None, None


class LearnedMasks:
    """Learned masks of the prunable matrices of a model.

    All scores lie in one buffer and all weights in another, so that one operation masks all matrices. Both are cut
    into rows of a length that divides every matrix, and each row has its matrix's threshold.

    Args:
        model: a sequence classifier.
        weights: its prunable matrices by name.
        start: the masks to begin with.
    """

    def __init__(
        self, model: "PreTrainedModel", weights: Mapping[str, Tensor], start: Mapping[str, MatrixMask]
    ) -> None:
        self.model, self.names = model, list(weights)
        self.parameters = [weights[name] for name in self.names]
        self.scores = Flat([start[name].scores for name in self.names])
        self.scores.whole.requires_grad_()
        sizes = [parameter.numel() for parameter in self.parameters]
        self.rows = torch.tensor([size // gcd(*sizes) for size in sizes], device=model.device)
        self._take({name: (mask.cut, mask.keep) for name, mask in start.items()})

    def solve(self, sparsity: float) -> None:
        """Set the thresholds so that each matrix has exactly this sparsity (`srnet.masking.solve`)."""
        self._take(solve(dict(zip(self.names, self.scores.parts(self.scores.whole.detach()), strict=True)), sparsity))

    def _take(self, solved: Mapping[str, tuple[Tensor, Tensor]]) -> None:
        cuts, keep = zip(*(solved[name] for name in self.names), strict=True)
        self._set(torch.stack(cuts), torch.cat([each.flatten() for each in keep]))

    def _set(self, cuts: Tensor, keep: Tensor) -> None:
        self.cuts, self.keep, self.placed = cuts, keep, False
        self.cuts_of_rows = cuts.repeat_interleave(self.rows)[:, None]

    def matrices(self) -> dict[str, MatrixMask]:
        """Return the masks by name of the weight; views of what is trained."""
        each = zip(self.scores.parts(self.scores.whole.detach()), self.cuts, self.kept().values(), strict=True)
        return {name: MatrixMask(*mask) for name, mask in zip(self.names, each, strict=True)}

    def kept(self) -> dict[str, Tensor]:
        """Return which weights are kept as of the last solution, bool tensors by name of the weight."""
        return dict(zip(self.names, self.scores.parts(self.keep), strict=True))

    def state(self) -> State:
        """Return what a snapshot keeps beside the scores."""
        return {"cuts": self.cuts, "keep": self.keep}

    def load(self, state: State) -> None:
        """Take up what a snapshot kept."""
        self._set(state["cuts"].to(self.cuts), state["keep"].to(self.keep))

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Mask the model's matrices, while the context lasts; no parameter is trained or changed.

        In training mode a weight is kept while its score exceeds the threshold: m follows the scores at every step. In
        evaluation mode m is that of the last solution of the thresholds, of exactly the wanted sparsity.
        """
        trainable = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        homes = owners(self.model, self.parameters)
        weights = Flat(self.parameters)
        weights.lend(self.parameters)
        for parameter in trainable:
            parameter.requires_grad_(False)

        def place(*_: object) -> None:
            if not self.model.training and self.placed:
                return
            training = self.model.training
            masked = self._trained(weights.whole) if training else weights.parts(weights.whole * self.keep)
            self.placed = not training
            for modules, part in zip(homes, masked, strict=True):
                for owner, attribute in modules:
                    vars(owner)[attribute] = part  # is found before the parameter, which stays where it is

        handle = self.model.register_forward_pre_hook(place)
        try:
            yield
        finally:
            handle.remove()
            for owner, attribute in chain(*homes):
                vars(owner).pop(attribute, None)
            weights.release()
            for parameter in trainable:
                parameter.requires_grad_(True)

    def _trained(self, weights: Tensor) -> Sequence[Tensor]:
        kind = weights.device.type  # under autocast the products would round the masked weights anyway
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weights.dtype
        masked: Sequence[Tensor] = StraightThrough.apply(
            self.scores.whole, self.cuts_of_rows, weights, self.scores, dtype
        )
        return masked
