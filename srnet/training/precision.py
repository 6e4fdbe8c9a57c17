"""The numbers that a model computes with: float32, or bfloat16 in its products; and the faster kernels for each."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from srnet.training.families import known_types

if TYPE_CHECKING:
    from transformers import PreTrainedModel

WORTHWHILE = 2**21  # multiplications of a product; below, calling oneDNN takes longer than it saves

Forward = Callable[[Mapping[str, Tensor]], Tensor]
"""``forward(inputs)`` returns the logits of a batch, float32 [B, K], on the model's device."""


@contextmanager
def computing(model: "PreTrainedModel", precision: str) -> Iterator[Forward]:
    """Compute the logits of `model` with a precision, while the context lasts.

    With ``"bfloat16"`` matrix products are done in it and everything else, weights and logits too, stays in float32
    (`torch.autocast`). With ``"float32"`` nothing is rounded. On a CPU both take the kernels that suit it: bfloat16
    attention of products and softmax, which for pairs of a sentence's length is several times faster than the fused
    kernel; float32 products of oneDNN where the processor has AVX-512. On a GPU no attention is left to cuDNN.

    Args:
        model: a sequence classifier, in either mode.
        precision: one of `srnet.training.recipe.PRECISIONS`.
    """
    device, rounded = model.device.type, precision == "bfloat16"
    types = known_types(model) > 0

    def forward(inputs: Mapping[str, Tensor]) -> Tensor:
        if not types:  # which the tokenizers of some such models give all the same
            inputs = {name: tensor for name, tensor in inputs.items() if name != "token_type_ids"}
        with torch.autocast(device, torch.bfloat16, enabled=rounded):
            logits: Tensor = model(**inputs).logits
        return logits.float()

    on_cpu = _plain_attention if rounded else _onednn
    with on_cpu(model) if device == "cpu" else _without_cudnn_attention():
        yield forward


@contextmanager
def _without_cudnn_attention() -> Iterator[None]:
    """Keep attention from cuDNN, which builds its kernel anew for each shape: on an H200 that takes 0.1 s.

    Batches of like lengths have many shapes. With a shape that it has had, a step of MiniLM takes 0.02 s there.
    """
    before = torch.backends.cuda.cudnn_sdp_enabled()
    torch.backends.cuda.enable_cudnn_sdp(False)
    try:
        yield
    finally:
        torch.backends.cuda.enable_cudnn_sdp(before)


@contextmanager
def _plain_attention(model: "PreTrainedModel") -> Iterator[None]:
    before = model.config._attn_implementation
    if before == "sdpa":
        model.set_attn_implementation("eager")
    try:
        yield
    finally:
        if before == "sdpa":
            model.set_attn_implementation(before)


@contextmanager
def _onednn(model: "PreTrainedModel") -> Iterator[None]:
    """Have oneDNN do the products of linear maps: MKL, PyTorch's choice, leaves AVX-512 idle on AMD's processors."""
    usable = (
        torch.backends.mkldnn.is_available()
        and torch.backends.cpu.get_cpu_capability() == "AVX512"
        and hasattr(torch.ops.mkldnn, "_linear_pointwise")  # of PyTorch's own compiler, which may rename it
    )
    changed = [module for module in model.modules() if usable and type(module) is nn.Linear]
    for module in changed:
        module.__class__ = _Linear
    try:
        yield
    finally:
        for module in changed:
            module.__class__ = nn.Linear


class _Linear(nn.Linear):
    def forward(self, input: Tensor) -> Tensor:
        if input.numel() * self.out_features < WORTHWHILE or input.dtype != torch.float:
            return super().forward(input)
        result: Tensor = _LinearMap.apply(input, self.weight, self.bias)
        return result


class _LinearMap(torch.autograd.Function):
    """``x Wᵀ + b`` and its gradients, as `torch.nn.functional.linear`."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        ctx.save_for_backward(x, weight)
        return _product(x, weight, bias)

    @staticmethod
    @once_differentiable
    def backward(ctx: torch.autograd.function.FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors  # type: ignore[attr-defined]
        of_x, of_weight, of_bias = ctx.needs_input_grad  # type: ignore[attr-defined]
        rows = gradient.reshape(-1, gradient.shape[-1])
        return (
            _product(gradient, weight.t()) if of_x else None,
            _product(rows.t(), x.reshape(-1, x.shape[-1]).t()) if of_weight else None,
            rows.sum(0) if of_bias else None,
        )


def _product(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    result: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return result
