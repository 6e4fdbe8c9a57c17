"""Training objectives: cross-entropy and three debiasing losses (Section 3.3 and Appendix A.2 of the paper).

Every loss takes logits of the main model and returns the mean over the batch, as a scalar. Everything is computed in
log space. No loss moves data between devices: the arguments must share one. `make_objective` finds a loss by its name.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from srnet.errors import InputError
from srnet.machine import sent

LOSSES = ("std", "poe", "reweight", "confreg", "reweight-normalised")  # the last as in the authors' released code


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


def reweighting(logits: Tensor, labels: Tensor, bias_log_probs: Tensor, normalised: bool = False) -> Tensor:
    """Return the example-reweighting loss (Schuster et al., 2019), the paper's ``reweight`` loss.

    An example weighs ``1 - β``, where ``β`` is the probability that the bias model gives to its gold class.

    Args:
        logits: unnormalised scores of the main model, float [B, K].
        labels: gold classes, int64 [B].
        bias_log_probs: log-probabilities of the bias model, float [B, K].
        normalised: divide by the sum of the batch's weights, as the authors' released code does, instead of by B.

    Returns:
        The weighted mean negative log-likelihood in nats, a scalar. With β = 0 everywhere it equals `cross_entropy`;
        normalised, it is 0 where all weights are.
    """
    weights = -torch.expm1(_gold(bias_log_probs, labels).clamp(max=0.0))
    losses = weights * F.cross_entropy(logits, labels, reduction="none")
    if not normalised:
        return losses.mean()
    return losses.sum() / weights.sum().clamp(min=torch.finfo(weights.dtype).tiny)


def confidence_regularisation(logits: Tensor, labels: Tensor, bias_log_probs: Tensor, teacher_probs: Tensor) -> Tensor:
    """Return the confidence-regularisation loss (Utama et al., 2020), the paper's ``confreg`` loss.

    The main model learns from a teacher's probabilities, which are flattened the more, the surer the bias model is of
    the gold class: the target is ``p_t^(1-β) / Σ p_t^(1-β)``, uniform at β = 1 and the teacher itself at β = 0.

    Args:
        logits: unnormalised scores of the main model, float [B, K].
        labels: gold classes, int64 [B].
        bias_log_probs: log-probabilities of the bias model, float [B, K].
        teacher_probs: probabilities given by a model that was trained with `cross_entropy`, float [B, K].

    Returns:
        The mean cross-entropy to the flattened target in nats, a scalar.
    """
    trust = -torch.expm1(_gold(bias_log_probs, labels).clamp(max=0.0))
    powers = teacher_probs.detach() ** trust[:, None]  # 0^0 is 1, so β = 1 is uniform for every teacher
    target = powers / powers.sum(dim=-1, keepdim=True)
    return F.cross_entropy(logits, target)


def make_objective(
    loss: str, bias_log_probs: Tensor | None = None, teacher_probs: Tensor | None = None
) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """Return the loss of that name as an objective of the training loop (`srnet.training.loop.fit`).

    Args:
        loss: one of `LOSSES`, named as in the paper: ``"std"`` (cross-entropy), ``"poe"`` (product of experts),
            ``"reweight"`` (example reweighting; ``"reweight-normalised"`` as in the authors' released code) or
            ``"confreg"`` (confidence regularisation).
        bias_log_probs: log-probabilities of the bias model for all N training examples, float [N, K]; for every loss
            but ``std``.
        teacher_probs: probabilities of a model trained with cross-entropy for them, float [N, K]; for ``confreg``.

    Returns:
        A function of logits [B, K], labels [B] and the indices of these B among the N examples, int64 [B]; it gives a
        scalar. Bias model and teacher are taken to the logits' device.

    Raises:
        InputError: if the loss is unknown, or lacks what it needs.
    """
    if loss not in LOSSES:
        raise InputError(f"unknown loss {loss!r}: choose one of {', '.join(LOSSES)}")
    if loss == "std":
        return lambda logits, labels, index: cross_entropy(logits, labels)
    bias = _needed("bias_log_probs", bias_log_probs, loss)
    if loss == "poe":
        return lambda logits, labels, index: product_of_experts(logits, labels, sent(bias[index], logits.device))
    if loss == "confreg":
        teacher = _needed("teacher_probs", teacher_probs, loss)
        return lambda logits, labels, index: confidence_regularisation(
            logits, labels, sent(bias[index], logits.device), sent(teacher[index], logits.device)
        )
    normalised = loss == "reweight-normalised"
    return lambda logits, labels, index: reweighting(logits, labels, sent(bias[index], logits.device), normalised)


def _needed(name: str, values: Tensor | None, loss: str) -> Tensor:
    if values is None:
        raise InputError(f"loss {loss!r} needs {name}: one row of classes for every training example")
    return values


def _gold(log_probs: Tensor, labels: Tensor) -> Tensor:
    """Return the gold class's log-probability of each example, [B], without gradient."""
    return log_probs.detach().gather(1, labels[:, None]).squeeze(1)
