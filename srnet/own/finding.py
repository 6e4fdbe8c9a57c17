"""The door for a user's own model and data: from tables to a subnetwork and a report of it."""

import time
from collections.abc import Sequence
from dataclasses import replace
from os.path import abspath
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

import torch
from rich.progress import Progress

from srnet.debiasing.known import Bias
from srnet.debiasing.losses import make_objective
from srnet.errors import InputError
from srnet.machine import place
from srnet.own.adapters import Subnetwork, fingerprints, not_stored
from srnet.own.held_out import class_names
from srnet.own.rates import LOOK, RATES, check_recipe, choose_rate, guessing, usual_recipe
from srnet.own.report import DEV, Report
from srnet.own.task import (
    SHALLOW,
    TaskBias,
    bias_on,
    check_batch,
    check_request,
    named_sets,
    progress_bar,
    read_task,
    settings,
    shown,
)
from srnet.pruning.mask_training import MaskPlan
from srnet.pruning.search import choose_mask, usual_interval
from srnet.training.encoding import Encoded
from srnet.training.families import prunable_weights
from srnet.training.fitting import check_fit
from srnet.training.loop import Objective, Trace, TrainingRun, predict
from srnet.training.models import load_fine_tuned, load_tokenizer
from srnet.training.plain import as_found, plain
from srnet.training.recipe import PRECISIONS, Recipe

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from srnet.data.columns import Source
    from srnet.debiasing.word_vectors import WordVectors
    from srnet.own.task import Sources


def find_subnetwork(
    model: object,
    train: "Source",
    dev: "Source",
    ood: "Sources | None" = None,
    *,
    text: str | Sequence[str] = ("premise", "hypothesis"),
    label: str = "label",
    bias: "Bias | None" = None,
    sparsity: float = 0.7,
    loss: str = "poe",
    recipe: Recipe | None = None,
    steps: int | None = None,
    lr: float | None = None,
    precision: str = PRECISIONS[0],
    seed: int = 0,
    vectors: "WordVectors | None" = None,
    subset: str | None = None,
    pretrained: Path | str | None = None,
    tokenizer: "PreTrainedTokenizerBase | None" = None,
    progress: bool = True,
) -> Subnetwork:
    """Find a subnetwork of your own model on your own data, by mask training (Algorithm 2), and measure it.

    All that can be known to be wrong is said before anything is trained. The mask is chosen by the accuracy on `dev`;
    `ood` is only measured.

    Args:
        model: a fine-tuned sequence classifier of transformers, or its folder or name on the hub; `id2label` of its
            configuration names the classes. No weight of it changes. One that is given by name goes to the GPU, if
            there is one.
        train: training examples, as `srnet.data.tables.read_examples` takes them: a data set, a frame or a file.
        dev: in-distribution development examples.
        ood: examples out of distribution, or several such sets by name. Their classes may be fewer than the model's,
            or X and "non-X" (`srnet.own.held_out.read_held_out`).
        text: the column of the text, or the two of premise and hypothesis.
        label: the column of the label.
        bias: what the model is not to rely on, as `srnet.debiasing.known.bias_of` takes it: a name, a function of the
            text, or log-probabilities of the training examples. Or "shallow": what the pre-trained model learns from
            few examples in a short time (`srnet.training.shallow`). Needed by every loss but ``std``.
        sparsity: share of weights to remove from each matrix, in [0, 1).
        loss: one of `srnet.debiasing.losses.LOSSES`; the teacher of ``confreg`` is the model itself.
        recipe: optimiser and schedule of the scores, in place of `steps`, `lr` and `precision`.
        steps: of the training; by the number of examples if not given (`srnet.own.rates.usual_recipe`).
        lr: learning rate of the scores; by a short look at the training loss if not given
            (`srnet.own.rates.choose_rate`).
        precision: of matrix products in training, one of `srnet.training.recipe.PRECISIONS`. On processors that have
            instructions for it, bfloat16 is faster. Tests are in float32.
        seed: seed of data order and dropout; of sample and classifier, where the bias is "shallow".
        vectors: vectors of words for the bias, where it needs some; trained on the texts if not given.
        subset: the column of the subset's name in `ood`.
        pretrained: for the bias "shallow", the model as it was before fine-tuning: a folder or a name on the hub.
        tokenizer: the model's; loaded from where the model comes from if not given.
        progress: show a progress bar with the time left.

    Raises:
        InputError: anything that is given cannot be used.
        DivergedError: if the training loss is no longer finite.
    """
    _check_request(sparsity, bias, pretrained)
    check_request(loss, bias, ood, subset)
    check_recipe(recipe, steps, lr, precision)
    inner, name, tokenizer = _opened(model, tokenizer)
    task = read_task(inner, tokenizer, train, {DEV: dev, **named_sets(ood)}, text, label, subset)
    planned = usual_recipe(len(task.data), steps, lr, precision) if recipe is None else recipe
    check_batch(task, planned)
    plan, start = MaskPlan(sparsity, usual_interval(planned.steps)), time.perf_counter()
    with as_found(inner), progress_bar(progress) as bar:
        known = bias_on(task, bias, len(class_names(inner)), vectors, pretrained, seed, bar)
        run = TrainingRun(task.data, planned, _objective(loss, inner, task.data, known, planned), seed)
        looked = 0
        if recipe is None and lr is None:
            run, looked = _with_rate(inner, run, plan, task.notes, bar)
        full = task.scores(inner, known)
        mask, search = choose_mask(inner, shown(run, bar, "training the mask"), task.held[DEV].encoded, plan)
        task.notes.extend(_collapsed(run, search.trace, len(class_names(inner))))
        found = Subnetwork(
            inner,
            tokenizer,
            mask,
            name,
            fingerprints(inner),
            {} if isinstance(model, str | Path) or not name else not_stored(inner, name),
            class_names(inner),
            task.columns,
            label,
            {"sparsity": sparsity, **settings(loss, known, run)},
        )
        with found.applied_to(inner):
            scores = task.scores(inner, known)
    cost = {
        "steps": run.recipe.steps,
        "look_steps": looked,
        "tokens": search.trace.tokens,
        "seconds": time.perf_counter() - start,
    }
    told = {} if known is None else known.told(task.data.labels)
    sparsities = {each: list(counts) for each, counts in mask.zeros().items()}
    return replace(found, report=Report(scores, full, told, sparsities, cost, task.notes))


def _check_request(sparsity: float, bias: "Bias | None", pretrained: Path | str | None) -> None:
    MaskPlan(sparsity, 1)
    shallow = isinstance(bias, str) and bias == SHALLOW
    if shallow and pretrained is None:
        raise InputError("bias shallow: give the model as it was before fine-tuning (pretrained=...)")
    if not shallow and pretrained is not None:
        raise InputError("pretrained: it is for the bias 'shallow' alone; leave it out")


def _opened(
    model: object, tokenizer: "PreTrainedTokenizerBase | None"
) -> "tuple[PreTrainedModel, str, PreTrainedTokenizerBase]":
    """Return the plain model, where it is from, and its tokenizer."""
    if isinstance(model, str | Path):
        name = str(model)
        inner = load_fine_tuned(model)
        torch.nn.Module.to(inner, place(""))
    else:
        inner = plain(model)
        name = inner.config.name_or_path or ""
    if name and Path(name).is_dir():  # found again from elsewhere
        name = abspath(name)
    prunable_weights(inner)
    if tokenizer is None:
        if not name:
            raise InputError(f"{type(inner).__name__}: it is from no folder with a tokenizer; give one (tokenizer=...)")
        tokenizer = load_tokenizer(name)
    check_fit(inner, tokenizer)
    return inner, name, tokenizer


def _objective(loss: str, model: "PreTrainedModel", data: Encoded, known: TaskBias | None, recipe: Recipe) -> Objective:
    teacher = predict(model, data, recipe.precision).softmax(dim=-1) if loss == "confreg" else None
    return make_objective(loss, None if known is None else known.train, teacher)


def _with_rate(
    model: "PreTrainedModel", run: TrainingRun, plan: MaskPlan, notes: list[str], bar: Progress
) -> tuple[TrainingRun, int]:
    """Return the training with a learning rate, and how many steps were made to find it."""
    steps = bar.add_task("looking for a learning rate", total=LOOK * len(RATES))
    look = choose_rate(model, run, plan, lambda: bar.advance(steps))
    bar.update(steps, total=look.steps)
    notes.append(f"learning rate {look.rate:g}, by the training loss after {LOOK} steps")
    if not look.learns:
        least = f"{min(look.losses.values()):.3f} nats, that of guessing {look.guessing:.3f}"
        notes.append(f"the training loss was at best {least}: is the model fine-tuned on this task?")
    return replace(run, recipe=replace(run.recipe, lr=look.rate)), look.steps


def _collapsed(run: TrainingRun, trace: Trace, num_labels: int) -> list[str]:
    """Return a note if the training loss of a mask ended no lower than that of guessing."""
    ended, least = (
        mean(trace.losses[-usual_interval(run.recipe.steps) :]),
        guessing(run.objective, run.data, num_labels),
    )
    if ended < least:
        return []
    told = f"the training loss ended at {ended:.3f} nats, that of guessing is {least:.3f}"
    return [f"{told}: this mask has learned nothing; give another learning rate, most often a smaller one"]
