"""Mask training (Algorithm 2): a subnetwork is found by learning which weights to keep, while no weight changes."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.progress import Progress
from torch import Tensor, nn
from torch.nn.utils import parametrize
from transformers import PreTrainedModel

from srnet.encoding import Encoded
from srnet.errors import InputError
from srnet.masks import Mask, keep_largest, threshold
from srnet.metrics import correct
from srnet.models import fingerprint, prunable_weights
from srnet.training import Objective, Recipe, Trace, fit, make_objective, predict, shuffled_batches

INITIAL_THRESHOLD = 0.01  # φ at the start of mask training, Appendix A.1
INITIAL_SCALE = 2.0  # α: a kept weight starts at a score of α·φ
WINDOW = 0.7  # the best mask is chosen after this share of the steps, Appendix B.3.3


class StraightThrough(torch.autograd.Function):
    """Binarise scores against a threshold; the gradient passes as if nothing had happened (Bengio et al., 2013)."""

    @staticmethod
    def forward(context: object, scores: Tensor, cut: Tensor) -> Tensor:
        """Return 1 where a score is greater than `cut`, else 0, in the dtype of `scores`."""
        return (scores > cut).to(scores.dtype)

    @staticmethod
    def backward(context: object, *gradients: Tensor) -> tuple[Tensor, None]:
        """Return the gradient with respect to the binary mask as that of the scores."""
        return gradients[0], None


class MaskedWeight(nn.Module):
    """A parametrisation ``W ↦ m ⊙ W`` whose mask ``m`` is learned as real-valued scores ``m̂`` of the shape of W.

    In training mode ``m`` follows the scores at every step: a weight is kept while its score exceeds the threshold φ,
    which only `solve` moves. In evaluation mode ``m`` is the mask of the last `solve`, of exactly the wanted sparsity.
    """

    def __init__(self, weight: Tensor, sparsity: float) -> None:
        super().__init__()
        self.keep = keep_largest(weight.detach().abs(), sparsity)
        self.scores = nn.Parameter(self.keep.to(weight.dtype) * (INITIAL_SCALE * INITIAL_THRESHOLD))
        self.cut = weight.new_tensor(INITIAL_THRESHOLD)

    def forward(self, weight: Tensor) -> Tensor:
        """Return the masked weight."""
        return weight * (StraightThrough.apply(self.scores, self.cut) if self.training else self.keep)

    def solve(self, sparsity: float) -> None:
        """Set the threshold so that the share `sparsity` of the weights falls, and fix the mask for evaluation."""
        self.cut = threshold(self.scores, sparsity)
        self.keep = keep_largest(self.scores, sparsity)


def selection_steps(steps: int, interval: int) -> list[int]:
    """Return after which steps of a mask training its mask is a candidate: solved, and in the last 30 %."""
    return [step for step in range(1, steps + 1) if _solved(step, steps, interval) and step > WINDOW * steps]


def _solved(step: int, steps: int, interval: int) -> bool:
    return step % interval == 0 or step == steps


@dataclass(frozen=True)
class MaskSearch:
    """What mask training found.

    Attributes:
        mask: the chosen mask.
        step: after how many steps it was taken.
        selection: (step, ID dev accuracy) of every mask that was a candidate.
        trace: losses and tokens of the training.
    """

    mask: Mask
    step: int
    selection: list[tuple[int, float]]
    trace: Trace


def train_mask(
    model: PreTrainedModel,
    train: Encoded,
    dev: Encoded,
    batches: Iterable[Tensor],
    recipe: Recipe,
    objective: Objective,
    *,
    sparsity: float,
    interval: int,
    seed: int,
    pooler: bool = False,
    after_step: Callable[[int], None] = lambda step: None,
) -> MaskSearch:
    """Learn a mask of the given sparsity for the prunable matrices of `model`: ``P^mask_L(f(θ))``, Algorithm 2.

    Scores start at α·φ where magnitude pruning keeps a weight and at 0 elsewhere ("hard" initialisation, Equation 1 of
    the supplement). They are trained through the straight-through estimator; every `interval` steps each matrix's
    threshold is solved anew to meet the sparsity exactly. Of the masks solved in the last 30 % of the steps the one
    with the best accuracy on `dev` is chosen, the earliest of equals. No weight of `model` changes.

    Args:
        model: a sequence classifier; its mode may change, nothing else does.
        train: training examples.
        dev: in-distribution examples to choose the mask by.
        batches: indices of the training examples of each step.
        recipe: optimiser and schedule of the scores.
        objective: the loss.
        sparsity: share of weights to remove from each matrix, in [0, 1).
        interval: Δt_φ, steps between two solutions of the thresholds; the last step always ends with one.
        seed: seed of dropout.
        pooler: also mask BERT's pooler, as the authors' released code does.
        after_step: called with the number of steps done, after each.

    Raises:
        InputError: if the sparsity is outside [0, 1), the interval is not positive, or the model has no such matrices.
        DivergedError: if the loss is no longer finite.
    """
    if interval < 1:
        raise InputError(f"interval is {interval}: give a positive number of steps between threshold updates")
    candidates = selection_steps(recipe.steps, interval)
    with _masked(model, sparsity, pooler) as masked:
        selection: list[tuple[int, float]] = []
        best: dict[str, Tensor] = {}

        def solve_and_select(step: int) -> None:
            if _solved(step, recipe.steps, interval):
                for matrix in masked.values():
                    matrix.solve(sparsity)
            if step in candidates:
                accuracy = _accuracy(model, dev)
                if not selection or accuracy > max(past for _, past in selection):
                    best.update({name: matrix.keep for name, matrix in masked.items()})
                selection.append((step, accuracy))
            after_step(step)

        scores = [matrix.scores for matrix in masked.values()]
        trace = fit(model, scores, train, batches, recipe, objective, seed, solve_and_select)
    step = max(selection, key=lambda candidate: candidate[1])[0]
    return MaskSearch(Mask(best), step, selection, trace)


def find_subnetwork(
    model: PreTrainedModel,
    train: Encoded,
    dev: Encoded,
    recipe: Recipe,
    *,
    sparsity: float,
    loss: str = "std",
    bias_log_probs: Tensor | None = None,
    interval: int | None = None,
    seed: int = 0,
) -> Mask:
    """Find a subnetwork of `model` by mask training on your own data, with a progress bar.

    Args:
        model: a sequence classifier, usually fine-tuned on the task; no weight of it changes.
        train: training examples, N of them.
        dev: in-distribution examples to choose the mask by.
        recipe: optimiser and schedule of the scores.
        sparsity: share of weights to remove from each matrix, in [0, 1).
        loss: ``"std"`` or ``"poe"``.
        bias_log_probs: log-probabilities of the bias model for the training examples, float [N, K]; needed by ``poe``.
        interval: steps between threshold updates; a twentieth of all steps if not given.
        seed: seed of data order and dropout.

    Returns:
        The mask; ``mask.apply_to(model)`` makes the model the subnetwork.

    Raises:
        InputError: if an argument is out of range or `bias_log_probs` is missing or of another length than `train`.
    """
    classes = int(model.config.num_labels or 0)
    if bias_log_probs is not None and tuple(bias_log_probs.shape) != (len(train), classes):
        shape = f"{list(bias_log_probs.shape)} for {len(train)} training examples and {classes} classes"
        raise InputError(f"bias_log_probs has the shape {shape}")
    for name, data in (("train", train), ("dev", dev)):
        if not (len(data) and int(data.labels.min()) >= 0 and int(data.labels.max()) < classes):
            raise InputError(f"{name}: give at least one example, and labels from 0 to {classes - 1}")
    objective, batches = make_objective(loss, bias_log_probs), shuffled_batches(train, recipe, seed)
    interval = max(1, recipe.steps // 20) if interval is None else interval
    with Progress() as bar:
        steps = bar.add_task("mask training", total=recipe.steps)
        found = train_mask(
            model,
            train,
            dev,
            batches,
            recipe,
            objective,
            sparsity=sparsity,
            interval=interval,
            seed=seed,
            after_step=lambda step: bar.update(steps, completed=step),
        )
    return Mask(found.mask, str(model.config.name_or_path), fingerprint(prunable_weights(model)))


def save_subnetwork(mask: Mask, path: Path) -> None:
    """Write a mask as safetensors, one bit a weight."""
    mask.save(path)


def load_subnetwork(model: PreTrainedModel, path: Path) -> Mask:
    """Read a mask and apply it to `model` in place, which becomes the subnetwork ``f(m ⊙ θ)``.

    Raises:
        InputError: if the file holds no mask, or one of other shapes than the model's.
    """
    mask = Mask.load(path)
    mask.apply_to(model)
    return mask


@contextmanager
def _masked(model: PreTrainedModel, sparsity: float, pooler: bool) -> Iterator[dict[str, MaskedWeight]]:
    """Parametrise the prunable matrices with masks and freeze everything else; undo both on leaving."""
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    masked: dict[str, MaskedWeight] = {}
    weights = prunable_weights(model, pooler)
    owners = {name: model.get_submodule(name.removesuffix(".weight")) for name in weights}
    for parameter in trainable:
        parameter.requires_grad_(False)
    try:
        for name, owner in owners.items():
            masked[name] = MaskedWeight(weights[name], sparsity)
            parametrize.register_parametrization(owner, "weight", masked[name])
        yield masked
    finally:
        for name in masked:
            parametrize.remove_parametrizations(owners[name], "weight", leave_parametrized=False)
        for parameter in trainable:
            parameter.requires_grad_(True)


def _accuracy(model: PreTrainedModel, data: Encoded) -> float:
    with parametrize.cached():
        return correct(predict(model, data), data.labels).float().mean().item()
