"""Every method that finds a mask, one file each, and training under one.

Mask training (`mask_training`, Algorithm 2; the masks that it trains: `learned`), magnitude pruning in one shot or
iteratively (`magnitude`, Algorithm 1), training of what a mask leaves (`masked`). For a user's own model and data:
masks from tokenised examples (`search`) and subnetworks from tables (`finding`), by a recipe where none is given
(`rates`), tested (`held_out`), reported (`report`), and kept beside their base model (`adapters`).
"""

from srnet.pruning.adapters import Subnetwork, load_subnetwork
from srnet.pruning.finding import find_subnetwork
from srnet.pruning.magnitude import ImpPlan, magnitude_mask, prune_iteratively
from srnet.pruning.mask_training import Gradual, MaskPlan, MaskSearch, train_mask
from srnet.pruning.masked import train_masked
from srnet.pruning.search import search_mask

__all__ = [
    "Gradual",
    "ImpPlan",
    "MaskPlan",
    "MaskSearch",
    "Subnetwork",
    "find_subnetwork",
    "load_subnetwork",
    "magnitude_mask",
    "prune_iteratively",
    "search_mask",
    "train_mask",
    "train_masked",
]
