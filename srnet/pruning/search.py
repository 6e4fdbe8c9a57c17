"""Masks by mask training on examples that are tokenised: what `srnet.own.finding` stands on."""

from typing import TYPE_CHECKING

from rich.progress import Progress
from torch import Tensor

from srnet.debiasing.known import check_log_probs, check_probs
from srnet.debiasing.losses import make_objective
from srnet.errors import InputError
from srnet.masking import Mask
from srnet.pruning.mask_training import MaskPlan, MaskSearch, train_mask
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


def search_mask(
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
    """Find a mask for `model` by mask training on tokenised examples, with a progress bar.

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
            the loss needs is missing, of another length than `train`, or no (log-)probabilities.
    """
    model = plain(model)
    prunable_weights(model)
    classes = int(model.config.num_labels or 0)
    if classes < 2:
        raise InputError(f"{type(model).__name__}: it gives {classes} number for each example, and no class to choose")
    for name, data in (("train", train), ("dev", dev)):
        if not (len(data) and int(data.labels.min()) >= 0 and int(data.labels.max()) < classes):
            raise InputError(f"{name}: give at least one example, and labels from 0 to {classes - 1}")
        check_encoded(model, data, name)
    if bias_log_probs is not None:
        check_log_probs(bias_log_probs, (len(train), classes), "bias_log_probs")
    if teacher_probs is not None:
        check_probs(teacher_probs, (len(train), classes), "teacher_probs")
    if metric not in METRICS:
        raise InputError(f"metric {metric!r} is unknown: choose one of {', '.join(METRICS)}")
    objective = make_objective(loss, bias_log_probs, teacher_probs)
    plan = MaskPlan(sparsity, usual_interval(recipe.steps) if interval is None else interval)
    with Progress() as bar:
        steps = bar.add_task("mask training", total=recipe.steps)
        run = TrainingRun(train, recipe, objective, seed, lambda step: bar.update(steps, completed=step))
        return choose_mask(model, run, dev, plan, metric)[0]


def choose_mask(
    model: "PreTrainedModel", run: TrainingRun, dev: Encoded, plan: MaskPlan, metric: str = "accuracy"
) -> tuple[Mask, MaskSearch]:
    """Train masks for `model` and choose among them by the score on `dev`; nothing is checked.

    Args:
        model: a plain sequence classifier.
        run: training examples, loss and recipe.
        dev: in-distribution examples to choose the mask by.
        plan: sparsity, initialisation, thresholds and selection.
        metric: what the mask is chosen by, one of `srnet.training.metrics.METRICS`.

    Returns:
        The mask, with the name and the fingerprint of the model; and what its training did.
    """

    def score(step: int) -> float:
        return headline(predict(model, dev, run.recipe.precision), Gold(dev.labels), metric)

    found = train_mask(model, run, score, plan)
    return Mask(found.mask, str(model.config.name_or_path), weights_digest(prunable_weights(model))), found


def usual_interval(steps: int) -> int:
    """Return how many steps lie between two solutions of the thresholds if nothing else is asked for: a twentieth."""
    return max(1, steps // 20)
