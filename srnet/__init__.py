"""Sparse and robust subnetworks (SRNets) of pre-trained language models, after Liu et al. (NeurIPS 2022)."""

from srnet.bias import BiasModel, overlap_features
from srnet.encoding import Encoded, encode
from srnet.errors import InputError
from srnet.experiments import Bias, Data, FineTuned, Pretrained, Pruned
from srnet.losses import cross_entropy, product_of_experts
from srnet.masks import Mask
from srnet.models import load_classifier, load_tokenizer
from srnet.pruning import find_subnetwork, load_subnetwork, save_subnetwork
from srnet.training import Recipe

__all__ = [
    "Bias",
    "BiasModel",
    "Data",
    "Encoded",
    "FineTuned",
    "InputError",
    "Mask",
    "Pretrained",
    "Pruned",
    "Recipe",
    "cross_entropy",
    "encode",
    "find_subnetwork",
    "load_classifier",
    "load_subnetwork",
    "load_tokenizer",
    "overlap_features",
    "product_of_experts",
    "save_subnetwork",
]
