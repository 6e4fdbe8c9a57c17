"""How long and how fast a model is trained."""

from dataclasses import dataclass
from math import inf

from srnet.errors import InputError

PRECISIONS = ("float32", "bfloat16")


@dataclass(frozen=True)
class Recipe:
    """How long and how fast to train: AdamW, linear decay after linear warm-up; both as in the released code.

    Attributes:
        steps: number of optimiser steps, ``t_max``.
        batch_size: examples per step.
        lr: peak learning rate.
        warmup: steps over which the learning rate rises from zero.
        weight_decay: AdamW's decoupled weight decay.
        clip: largest Euclidean norm of the gradient of all trained tensors together.
        clip_each: clip each tensor's gradient by itself, as the authors' released code does for QQP.
        raw_epsilon: add Adam's ε to the second moment before its bias correction, not after, as the AdamW of the
            authors' released code does; a larger effective ε during the first steps.
        precision: of matrix products, one of `PRECISIONS`; weights, scores, moments and losses
            are float32 with both. With ``"float32"`` a training repeats bit for bit; so it does with ``"bfloat16"`` on
            the same kind of processor.
    """

    steps: int
    batch_size: int = 32
    lr: float = 5e-5
    warmup: int = 0
    weight_decay: float = 0.0
    clip: float = 1.0
    clip_each: bool = False
    raw_epsilon: bool = False
    precision: str = "float32"

    def __post_init__(self) -> None:
        counts = (self.steps, self.batch_size, self.warmup)
        if not all(isinstance(count, int) for count in counts):
            raise InputError(f"recipe: steps, batch_size and warmup must be whole numbers, got {self}")
        if self.steps < 1 or self.batch_size < 1 or not 0 <= self.warmup <= self.steps:
            raise InputError(f"recipe: steps and batch_size must be positive and 0 <= warmup <= steps, got {self}")
        if not 0 < self.lr < inf or not self.clip > 0 or not 0 <= self.weight_decay < inf:
            raise InputError(f"recipe: lr and clip must be positive and weight_decay not negative, got {self}")
        if self.precision not in PRECISIONS:
            raise InputError(f"recipe: precision {self.precision!r} is unknown: choose one of {', '.join(PRECISIONS)}")
