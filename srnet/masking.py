"""Binary masks over weight matrices: how many weights fall, which ones, and what is kept of a network.

Sparsity is local: every matrix loses the same share of its weights, exactly ``floor(s * n)`` of its ``n`` (Section 3.2
of the paper; Algorithms 1 and 2).
"""

import json
import zlib
from collections.abc import Iterator, Mapping
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from srnet.errors import InputError
from srnet.files import written_whole

FORMAT = "srnet-mask-1"


def count_zeros(sparsity: float, size: int) -> int:
    """Return ``floor(sparsity * size)``, computed without floating-point error: 0.29 of 100 is 29.

    Args:
        sparsity: the share of weights to remove, in [0, 1), taken as the decimal number it prints as.
        size: number of weights in the matrix.

    Raises:
        InputError: if `sparsity` is not in [0, 1).
    """
    if isinstance(sparsity, str) or not 0 <= sparsity < 1:
        raise InputError(f"sparsity is {sparsity}: give a share of weights to remove, from 0 up to but not including 1")
    return int(Fraction(str(sparsity)) * size)


def threshold(scores: Tensor, sparsity: float) -> Tensor:
    """Return the largest score that falls: the k-th smallest, k = `count_zeros`; minus infinity when none falls.

    A weight is kept while its score is *greater*, so without ties exactly k weights fall.

    Args:
        scores: float tensor of any shape.
        sparsity: share of weights to remove, in [0, 1).

    Returns:
        A scalar tensor of the dtype and device of `scores`.
    """
    k = count_zeros(sparsity, scores.numel())
    if k == 0:
        return scores.new_tensor(-torch.inf)
    return scores.detach().flatten().kthvalue(k).values


def solve(scores: Mapping[str, Tensor], sparsity: float) -> dict[str, tuple[Tensor, Tensor]]:
    """Return for every matrix its threshold (`threshold`) and which weights are kept, a bool tensor, at a sparsity.

    Exactly the `count_zeros` smallest scores of each matrix fall, among equal ones the first.

    Args:
        scores: float tensors by name.
        sparsity: share of weights to remove from each matrix, in [0, 1).

    Raises:
        InputError: if a score is NaN, or `sparsity` is outside [0, 1).
    """
    return {name: _solve(each, sparsity) for name, each in scores.items()}


def _solve(scores: Tensor, sparsity: float) -> tuple[Tensor, Tensor]:
    if scores.isnan().any():
        raise InputError("a score is not a number: the weights or scores of this matrix have diverged")
    flat, cut = scores.detach().flatten(), threshold(scores, sparsity)
    falls = flat < cut
    missing = count_zeros(sparsity, flat.numel()) - falls.sum()
    tied = flat == cut
    falls |= tied & (tied.cumsum(0) <= missing)
    return cut, ~falls.view_as(scores)


class Mask(Mapping[str, Tensor]):
    """A subnetwork: for every pruned weight matrix, by its name in the model, which weights are kept.

    Args:
        matrices: bool tensors (True: kept), each of the shape of the weight of that name.
        plm: name of the pre-trained model that the mask was found in.
        fingerprint: fingerprint of the weights that it was found in (`srnet.training.models.weights_digest`).

    Raises:
        InputError: if there is no matrix, or one is empty or not boolean.
    """

    def __init__(self, matrices: Mapping[str, Tensor], plm: str = "", fingerprint: str = "") -> None:
        if not matrices:
            raise InputError("a mask needs at least one matrix")
        for name, keep in matrices.items():
            if not isinstance(keep, Tensor) or keep.dtype != torch.bool or keep.numel() == 0:
                raise InputError(f"mask of {name!r}: expected a non-empty boolean tensor, got {_describe(keep)}")
        self._matrices = {name: keep.detach().cpu() for name, keep in matrices.items()}
        self.plm, self.fingerprint = plm, fingerprint

    def __getitem__(self, name: str) -> Tensor:
        return self._matrices[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._matrices)

    def __len__(self) -> int:
        return len(self._matrices)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mask):
            return NotImplemented
        return self.keys() == other.keys() and all(torch.equal(keep, other[name]) for name, keep in self.items())

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Mask({len(self)} matrices, sparsity {self.sparsity:.4f})"

    @property
    def sparsity(self) -> float:
        """Share of removed weights over all matrices, in [0, 1]."""
        return 1 - sum(int(keep.sum()) for keep in self.values()) / sum(keep.numel() for keep in self.values())

    def zeros(self) -> dict[str, tuple[int, int]]:
        """Return, per matrix, how many weights are removed, and of how many."""
        return {name: (keep.numel() - int(keep.sum()), keep.numel()) for name, keep in self.items()}

    def check_shapes(self, model: nn.Module) -> None:
        """Check that `model` has all matrices of the mask.

        Raises:
            InputError: if a matrix is not in the model or has another shape; the first one is named.
        """
        weights = dict(model.named_parameters())
        for name, keep in self.items():
            if name not in weights:
                raise InputError(f"mask does not fit the model: the model has no weight {name!r}")
            if weights[name].shape != keep.shape:
                shapes = f"{list(keep.shape)} in the mask and {list(weights[name].shape)} in the model"
                raise InputError(f"mask does not fit the model: {name!r} is {shapes}")

    def apply_to(self, model: nn.Module) -> None:
        """Set the removed weights of `model` to zero, in place: ``f(m ⊙ θ)``.

        Raises:
            InputError: if a matrix is not in the model or has another shape; the first one is named, nothing changes.
        """
        self.check_shapes(model)
        weights = dict(model.named_parameters())
        with torch.no_grad():
            for name, keep in self.items():
                weights[name].mul_(keep.to(weights[name].device))

    def save(self, path: Path, compressed: bool = False) -> None:
        """Write the mask as safetensors, one bit a weight (row-major, first weight in the highest bit).

        Args:
            path: of the file.
            compressed: write Huffman codes of eight weights at a time (deflate) instead: a large matrix takes at most
                2 % more than its entropy of ``-s log2(s) - (1-s) log2(1-s)`` bits a weight at sparsities s of 0.2 to
                0.9, which is 0.72 at 0.2, 1 at 0.5 and 0.47 at 0.9.
        """
        packed = {name: np.packbits(keep.numpy().reshape(-1)) for name, keep in self.items()}
        stored = {name: torch.from_numpy(_deflated(bits) if compressed else bits) for name, bits in packed.items()}
        shapes = {name: list(keep.shape) for name, keep in self.items()}
        about = {"shapes": shapes, "plm": self.plm, "fingerprint": self.fingerprint}
        header = json.dumps(about | ({"compressed": True} if compressed else {}))
        with written_whole(path) as temporary:
            save_file(stored, temporary, {FORMAT: header})  # one entry: safetensors writes several in random order

    @classmethod
    def load(cls, path: Path) -> "Mask":
        """Read a mask written by `save`.

        Raises:
            InputError: if the file is missing, is not safetensors, or holds no mask.
        """
        try:
            with safe_open(path, framework="numpy") as file:
                if FORMAT not in (file.metadata() or {}):
                    raise InputError(f"{path}: not a mask file ({FORMAT}); masks are written by Mask.save")
                header = json.loads(file.metadata()[FORMAT])
                stored = {name: file.get_tensor(name) for name in header["shapes"]}
            if header.get("compressed"):
                stored = {name: np.frombuffer(zlib.decompress(bits), np.uint8) for name, bits in stored.items()}
            matrices = {name: _unpack(bits, header["shapes"][name]) for name, bits in stored.items()}
        except FileNotFoundError:
            raise InputError(f"{path}: no such mask file") from None
        except (SafetensorError, KeyError, ValueError, RuntimeError, zlib.error) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{path}: not a readable safetensors file ({error})") from None
        return cls(matrices, header["plm"], header["fingerprint"])


def _deflated(bits: np.ndarray) -> np.ndarray:
    """Compress by how often each byte occurs; which weights stay repeats itself too little to look for more."""
    codes = zlib.compressobj(strategy=zlib.Z_HUFFMAN_ONLY)
    return np.frombuffer(codes.compress(bits.tobytes()) + codes.flush(), np.uint8).copy()


def _unpack(packed: np.ndarray, shape: list[int]) -> Tensor:
    if packed.size != -(-int(np.prod(shape)) // 8):
        raise ValueError(f"{packed.size} bytes for a mask of shape {shape}")
    bits = np.unpackbits(packed, count=int(np.prod(shape)))
    return torch.from_numpy(bits.astype(bool)).view(shape)


def _describe(value: object) -> str:
    return f"{value.dtype} {list(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
