"""Sparse and robust subnetworks (SRNets) of pre-trained language models, after Liu et al. (NeurIPS 2022)."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from srnet.data.tables import read_examples
    from srnet.debiasing.bias import BiasModel, claim_features, pair_features
    from srnet.debiasing.diagnosis import Diagnosis, diagnose
    from srnet.debiasing.known import KnownBias, bias_of
    from srnet.debiasing.losses import confidence_regularisation, cross_entropy, product_of_experts, reweighting
    from srnet.debiasing.word_vectors import WordVectors
    from srnet.errors import InputError
    from srnet.masking import Mask
    from srnet.own.adapters import Subnetwork, load_subnetwork
    from srnet.own.finding import find_subnetwork
    from srnet.own.fine_tuning import FullModel, fine_tune
    from srnet.pruning.magnitude import ImpPlan
    from srnet.pruning.mask_training import Gradual, MaskPlan
    from srnet.pruning.search import search_mask
    from srnet.training.encoding import Encoded, encode
    from srnet.training.models import load_classifier, load_tokenizer
    from srnet.training.recipe import Recipe

__all__ = [
    "BiasModel",
    "Diagnosis",
    "Encoded",
    "FullModel",
    "Gradual",
    "ImpPlan",
    "InputError",
    "KnownBias",
    "Mask",
    "MaskPlan",
    "Recipe",
    "Subnetwork",
    "WordVectors",
    "bias_of",
    "claim_features",
    "confidence_regularisation",
    "cross_entropy",
    "diagnose",
    "encode",
    "find_subnetwork",
    "fine_tune",
    "load_classifier",
    "load_subnetwork",
    "load_tokenizer",
    "pair_features",
    "product_of_experts",
    "read_examples",
    "reweighting",
    "search_mask",
]

_HOMES = {
    "data.tables": ("read_examples",),
    "debiasing.bias": ("BiasModel", "claim_features", "pair_features"),
    "debiasing.diagnosis": ("Diagnosis", "diagnose"),
    "debiasing.known": ("KnownBias", "bias_of"),
    "training.encoding": ("Encoded", "encode"),
    "errors": ("InputError",),
    "debiasing.losses": ("confidence_regularisation", "cross_entropy", "product_of_experts", "reweighting"),
    "pruning.magnitude": ("ImpPlan",),
    "pruning.mask_training": ("Gradual", "MaskPlan"),
    "masking": ("Mask",),
    "training.models": ("load_classifier", "load_tokenizer"),
    "own.adapters": ("Subnetwork", "load_subnetwork"),
    "own.finding": ("find_subnetwork",),
    "own.fine_tuning": ("FullModel", "fine_tune"),
    "pruning.search": ("search_mask",),
    "training.recipe": ("Recipe",),
    "debiasing.word_vectors": ("WordVectors",),
}
_MODULE = {name: f"srnet.{module}" for module, names in _HOMES.items() for name in names}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if not TYPE_CHECKING:  # a type checker is to find unknown names

    def __getattr__(name: str) -> object:
        """Load a name when it is first used: the command line, which begins here too, needs none of them."""
        if name not in _MODULE:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = found = getattr(import_module(_MODULE[name]), name)
        return found
