"""Many tensors in one buffer, so that one operation treats them all."""

from collections.abc import Sequence

import torch
from torch import Tensor

from srnet.errors import InputError


class Flat:
    """Copies of tensors, one after another in one buffer.

    Args:
        tensors: float tensors of one dtype on one device.

    Attributes:
        whole: the buffer, [P] for P numbers in all.
        shapes: of the tensors.

    Raises:
        InputError: if there is no tensor, or they differ in dtype or device.
    """

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        kinds = {f"{tensor.dtype} on {tensor.device}" for tensor in tensors}
        if len(kinds) != 1:
            found = " and ".join(sorted(kinds)) or "none"
            raise InputError(f"tensors that are trained together must be of one dtype on one device: {found}")
        self.whole = torch.cat([tensor.detach().flatten() for tensor in tensors])
        self.shapes = [tensor.shape for tensor in tensors]
        self._lent: list[Tensor] = []

    def parts(self, whole: Tensor) -> list[Tensor]:
        """Return the pieces of `whole`, [P], that belong to each tensor, as views of its shape."""
        sizes = [shape.numel() for shape in self.shapes]
        return [part.view(shape) for part, shape in zip(whole.split(sizes), self.shapes, strict=True)]

    def lend(self, parameters: Sequence[Tensor]) -> None:
        """Let the parameters that were copied lie in the buffer until `release`; what changes one changes the other."""
        self._lent = list(parameters)
        for parameter, part in zip(self._lent, self.parts(self.whole.data), strict=True):
            parameter.data = part

    def release(self) -> None:
        """Give the parameters their own memory again, with the values of now."""
        for parameter in self._lent:
            parameter.data = parameter.data.clone()
        self._lent = []
