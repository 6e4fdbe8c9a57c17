"""Every method that finds a mask, one file each, and training under one.

Mask training (`mask_training`, Algorithm 2; the masks that it trains: `learned`), magnitude pruning in one shot or
iteratively (`magnitude`, Algorithm 1), training of what a mask leaves (`masked`), and the door for a user's own model
(`search`).
"""

from srnet.pruning.magnitude import ImpPlan, magnitude_mask, prune_iteratively
from srnet.pruning.mask_training import Gradual, MaskPlan, MaskSearch, train_mask
from srnet.pruning.masked import train_masked
from srnet.pruning.search import find_subnetwork, load_subnetwork, save_subnetwork

__all__ = [
    "Gradual",
    "ImpPlan",
    "MaskPlan",
    "MaskSearch",
    "find_subnetwork",
    "load_subnetwork",
    "magnitude_mask",
    "prune_iteratively",
    "save_subnetwork",
    "train_mask",
    "train_masked",
]
