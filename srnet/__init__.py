"""Sparse and robust subnetworks (SRNets) of pre-trained language models, after Liu et al. (NeurIPS 2022)."""

from srnet.bias import BiasModel, claim_features, pair_features
from srnet.encoding import Encoded, encode
from srnet.errors import InputError
from srnet.experiments import (
    Bias,
    Checkpoint,
    Data,
    FineTuned,
    Masked,
    Pretrained,
    Pruned,
    Teacher,
    Tokenised,
    Trajectory,
)
from srnet.losses import confidence_regularisation, cross_entropy, product_of_experts, reweighting
from srnet.mask_training import Gradual
from srnet.masks import Mask
from srnet.models import load_classifier, load_tokenizer
from srnet.pruning import find_subnetwork, load_subnetwork, save_subnetwork
from srnet.training import Recipe
from srnet.word_vectors import WordVectors

__all__ = [
    "Bias",
    "BiasModel",
    "Checkpoint",
    "Data",
    "Encoded",
    "FineTuned",
    "Gradual",
    "InputError",
    "Mask",
    "Masked",
    "Pretrained",
    "Pruned",
    "Recipe",
    "Teacher",
    "Tokenised",
    "Trajectory",
    "WordVectors",
    "claim_features",
    "confidence_regularisation",
    "cross_entropy",
    "encode",
    "find_subnetwork",
    "load_classifier",
    "load_subnetwork",
    "load_tokenizer",
    "pair_features",
    "product_of_experts",
    "reweighting",
    "save_subnetwork",
]
