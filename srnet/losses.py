"""Training objectives: cross-entropy and product-of-experts (Section 3.3 of the paper).

Every loss takes logits of the main model and returns the mean over the batch, as a scalar. Everything is computed in
log space. Nothing here moves data between devices: the arguments must share one.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the standard cross-entropy, the paper's ``std`` loss.

    Args:
        logits: unnormalised scores of the main model, float [B, K].
        labels: gold classes, int64 [B].

    Returns:
        The mean negative log-likelihood in nats, a scalar.
    """
    return F.cross_entropy(logits, labels)


def product_of_experts(logits: Tensor, labels: Tensor, bias_log_probs: Tensor) -> Tensor:
    """Return the product-of-experts loss (Clark et al., 2019; He et al., 2019), the paper's ``poe`` loss.

    The main model and the bias model vote together, ``softmax(log p_m + log p_b)``, so an example that the bias model
    already gets right teaches the main model little. Predictions are made with `logits` alone.

    Args:
        logits: unnormalised scores of the main model, float [B, K].
        labels: gold classes, int64 [B].
        bias_log_probs: log-probabilities of the bias model, float [B, K]; no gradient flows into them.

    Returns:
        The mean negative log-likelihood of the product in nats, a scalar. With a uniform bias model it equals
        `cross_entropy`.
    """
    return F.cross_entropy(torch.log_softmax(logits, dim=-1) + bias_log_probs.detach(), labels)
