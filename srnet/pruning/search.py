"""Subnetworks for one's own use: find one by mask training, save it, put it into a model."""

from pathlib import Path
from typing import TYPE_CHECKING

from rich.progress import Progress
from torch import Tensor

from srnet.debiasing.losses import make_objective
from srnet.errors import InputError
from srnet.masking import Mask
from srnet.pruning.mask_training import MaskPlan, train_mask
from srnet.training.encoding import Encoded
from srnet.training.families import prunable_weights
from srnet.training.fitting import check_encoded
from srnet.training.loop import TrainingRun, predict
from srnet.training.metrics import METRICS, Gold, headline
from srnet.training.models import weights_digest
from srnet.training.plain import plain
from srnet.training.recipe import Recipe

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def find_subnetwork(
    model: "PreTrainedModel",
    train: Encoded,
    dev: Encoded,
    recipe: Recipe,
    *,
    sparsity: float,
    loss: str = "std",
    bias_log_probs: Tensor | None = None,
    teacher_probs: Tensor | None = None,
    interval: int | None = None,
    metric: str = "accuracy",
    seed: int = 0,
) -> Mask:
    """Find a subnetwork of `model` by mask training on your own data, with a progress bar.

    Args:
        model: a sequence classifier, usually fine-tuned on the task; no weight of it changes. Of one in `DataParallel`
            or of `torch.compile` the model within is taken.
        train: training examples, N of them.
        dev: in-distribution examples to choose the mask by.
        recipe: optimiser and schedule of the scores.
        sparsity: share of weights to remove from each matrix, in [0, 1).
        loss: one of `srnet.debiasing.losses.LOSSES`.
        bias_log_probs: log-probabilities of the bias model for the training examples, float [N, K]; needed by every
            loss but ``std``.
        teacher_probs: probabilities of a model trained with cross-entropy for them, float [N, K]; needed by
            ``confreg``.
        interval: steps between threshold updates; a twentieth of all steps if not given.
        metric: what the mask is chosen by on `dev`, one of `srnet.training.metrics.METRICS`.
        seed: seed of data order and dropout.

    Returns:
        The mask; ``mask.apply_to(model)`` makes the model the subnetwork.

    Raises:
        InputError: if the model cannot be pruned or read the examples, an argument is out of range, or what
            the loss needs is missing or of another length than `train`.
    """
    model = plain(model)
    prunable_weights(model)
    classes = int(model.config.num_labels or 0)
    if classes < 2:
        raise InputError(f"{type(model).__name__}: it gives {classes} number for each example, and no class to choose")
    for name, values in (("bias_log_probs", bias_log_probs), ("teacher_probs", teacher_probs)):
        if values is not None and tuple(values.shape) != (len(train), classes):
            shape = f"{list(values.shape)} for {len(train)} training examples and {classes} classes"
            raise InputError(f"{name} has the shape {shape}")
    for name, data in (("train", train), ("dev", dev)):
        if not (len(data) and int(data.labels.min()) >= 0 and int(data.labels.max()) < classes):
            raise InputError(f"{name}: give at least one example, and labels from 0 to {classes - 1}")
        check_encoded(model, data, name)
    if metric not in METRICS:
        raise InputError(f"metric {metric!r} is unknown: choose one of {', '.join(METRICS)}")
    objective = make_objective(loss, bias_log_probs, teacher_probs)
    plan = MaskPlan(sparsity, max(1, recipe.steps // 20) if interval is None else interval)
    with Progress() as bar:
        steps = bar.add_task("mask training", total=recipe.steps)

        def advance(step: int) -> None:
            bar.update(steps, completed=step)

        def score(step: int) -> float:
            return headline(predict(model, dev, recipe.precision), Gold(dev.labels), metric)

        found = train_mask(model, TrainingRun(train, recipe, objective, seed, advance), score, plan)
    return Mask(found.mask, str(model.config.name_or_path), weights_digest(prunable_weights(model)))


def save_subnetwork(mask: Mask, path: Path, compressed: bool = False) -> None:
    """Write a mask as safetensors, one bit a weight or, compressed, about as many as there is information in it.

    Args:
        mask: the mask.
        path: of the file.
        compressed: as in `Mask.save`.
    """
    mask.save(path, compressed)


def load_subnetwork(model: "PreTrainedModel", path: Path) -> Mask:
    """Read a mask and apply it to `model` in place, which becomes the subnetwork ``f(m ⊙ θ)``.

    Raises:
        InputError: if the file holds no mask, or one of other shapes than the model's.
    """
    mask = Mask.load(path)
    mask.apply_to(plain(model))
    return mask
