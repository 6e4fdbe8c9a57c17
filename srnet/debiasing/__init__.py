"""Debiasing: training losses that trust an example the less, the more its label follows from a known bias.

The losses by name (`losses`, Section 3.3 and Appendix A.2), and the bias models whose log-probabilities they take
(`bias`, Appendix B.3.1), with the word vectors of their features (`word_vectors`).
"""

from srnet.debiasing.bias import BiasModel, bias_features, claim_features, pair_features
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
    "LOSSES",
    "BiasModel",
    "WordVectors",
    "bias_features",
    "claim_features",
    "confidence_regularisation",
    "cross_entropy",
    "make_objective",
    "pair_features",
    "product_of_experts",
    "reweighting",
]
