"""Every method that finds a mask, one file each, and training under one.

Mask training (`mask_training`, Algorithm 2; the masks that it trains: `learned`), magnitude pruning in one shot or
iteratively (`magnitude`, Algorithm 1), training of what a mask leaves (`masked`). Masks of a
model from examples that are tokenised (`search`).
"""

from srnet.pruning.magnitude import ImpPlan, magnitude_mask, prune_iteratively
from srnet.pruning.mask_training import Gradual, MaskPlan, MaskSearch, train_mask
from srnet.pruning.masked import train_masked
from srnet.pruning.search import search_mask

__all__ = [
    "Gradual",
    "ImpPlan",
    "MaskPlan",
    "MaskSearch",
    "magnitude_mask",
    "prune_iteratively",
    "search_mask",
    "train_mask",
    "train_masked",
]
