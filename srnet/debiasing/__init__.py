"""Debiasing: training losses that trust an example the less, the more its label follows from a known bias.

The losses by name (`losses`, Section 3.3 and Appendix A.2), and the bias models whose log-probabilities they take
(`bias`, Appendix B.3.1), with the word vectors of their features (`word_vectors`). For a user's own task: biases by
name (`known`), and how much they tell about its labels (`diagnosis`, `typical_words`).
"""

from srnet.debiasing.bias import BiasModel, bias_features, claim_features, pair_features
from srnet.debiasing.diagnosis import Diagnosis, diagnose
from srnet.debiasing.known import BIASES, KnownBias, bias_of
from srnet.debiasing.losses import (
    LOSSES,
    confidence_regularisation,
    cross_entropy,
    make_objective,
    product_of_experts,
    reweighting,
)
from srnet.debiasing.word_vectors import WordVectors

__all__ = [
    "BIASES",
    "LOSSES",
    "BiasModel",
    "Diagnosis",
    "KnownBias",
    "WordVectors",
    "bias_features",
    "bias_of",
    "claim_features",
    "confidence_regularisation",
    "cross_entropy",
    "diagnose",
    "make_objective",
    "pair_features",
    "product_of_experts",
    "reweighting",
]
