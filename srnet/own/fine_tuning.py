"""Fine-tuning of a user's pre-trained model on their own data: the full model that subnetworks are found in."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from os.path import abspath
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from rich.progress import Progress

from srnet.data.tables import read_examples
from srnet.debiasing.known import Bias
from srnet.debiasing.losses import make_objective
from srnet.errors import InputError
from srnet.files import folder_written_whole
from srnet.machine import place
from srnet.own.rates import check_recipe, fine_tuning_recipe
from srnet.own.report import DEV, FULL, cost_told, notes_told, score_table
from srnet.own.task import Task, bias_on, check_batch, check_request, named_sets, progress_bar, read_task, shown
from srnet.pruning.search import usual_interval
from srnet.training.fitting import check_fit
from srnet.training.loop import Trace, TrainingRun, fit, predict
from srnet.training.metrics import headline
from srnet.training.models import load_classifier, load_tokenizer, save_plain
from srnet.training.recipe import PRECISIONS, Recipe
from srnet.training.selection import Best, is_due

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from srnet.data.columns import Source
    from srnet.debiasing.word_vectors import WordVectors
    from srnet.own.task import Sources


@dataclass(frozen=True, eq=False)
class FullModel:
    """A model that was fine-tuned, with all its weights.

    Attributes:
        model: the classifier, in evaluation mode; `id2label` of its configuration names the classes.
        tokenizer: its tokenizer.
        scores: by data set (`srnet.training.metrics.scores`): `srnet.own.report.DEV`, by which its weights were chosen
            among those along the training, then those out of distribution by name.
        cost: what the training took: steps, tokens, and seconds in all.
        notes: what was decided on the way.
    """

    model: "PreTrainedModel"
    tokenizer: "PreTrainedTokenizerBase"
    scores: Mapping[str, Mapping[str, Any]]
    cost: Mapping[str, float]
    notes: Sequence[str]

    def save(self, folder: Path | str) -> None:
        """Write a plain folder of transformers; from then on the model is known to come from it.

        Raises:
            InputError: if there is something in `folder`, or nothing can be written there.
        """
        with folder_written_whole(Path(folder)) as new:
            save_plain(self.model, self.tokenizer, new)
        self.model.config.name_or_path = abspath(folder)

    def __str__(self) -> str:
        """Return scores, cost and notes as text in Markdown."""
        return "\n".join([score_table({FULL: self.scores}), cost_told(self.cost), *notes_told(self.notes)])

    def _repr_markdown_(self) -> str:
        return str(self)


def fine_tune(
    pretrained: Path | str,
    train: "Source",
    dev: "Source",
    ood: "Sources | None" = None,
    *,
    text: str | Sequence[str] = ("premise", "hypothesis"),
    label: str = "label",
    bias: "Bias | None" = None,
    loss: str = "std",
    recipe: Recipe | None = None,
    steps: int | None = None,
    lr: float | None = None,
    precision: str = PRECISIONS[0],
    seed: int = 0,
    vectors: "WordVectors | None" = None,
    subset: str | None = None,
    progress: bool = True,
) -> FullModel:
    """Fine-tune a pre-trained model on your own data, ``A_d(f(θ_pt))``, and measure it.

    The classes are those of the training examples. All weights are trained; those that do best on `dev`, which is
    looked at twenty times, are kept (Section 4.1.3). `ood` is only measured.

    Args:
        pretrained: a pre-trained model, its folder or its name on the hub; it gets a fresh classifier.
        train: training examples, as `srnet.data.tables.read_examples` takes them: a data set, a frame or a file.
        dev: in-distribution development examples.
        ood: examples out of distribution, or several such sets by name, as `srnet.own.finding.find_subnetwork` takes
            them.
        text: the column of the text, or the two of premise and hypothesis.
        label: the column of the label.
        bias: as `srnet.own.finding.find_subnetwork` takes it; needed by every loss but ``std``.
        loss: ``std``, ``poe`` or ``reweight``: those of `srnet.debiasing.losses.LOSSES` that need no teacher.
        recipe: optimiser and schedule, in place of `steps`, `lr` and `precision`.
        steps: of the training; by the number of examples if not given (`srnet.own.rates.fine_tuning_recipe`).
        lr: learning rate; BERT's usual one if not given. Much smaller models need a larger one.
        precision: of matrix products in training, one of `srnet.training.recipe.PRECISIONS`. On processors that have
            instructions for it, bfloat16 is faster. Tests are in float32.
        seed: seed of the classifier's first weights, data order and dropout.
        vectors: vectors of words for the bias, where it needs some; trained on the texts if not given.
        subset: the column of the subset's name in `ood`.
        progress: show a progress bar with the time left.

    Raises:
        InputError: anything that is given cannot be used.
        DivergedError: if the training loss is no longer finite.
    """
    check_request(loss, bias, ood, subset)
    if loss == "confreg":
        raise InputError("loss 'confreg' needs a model that is fine-tuned already: choose std, poe or reweight")
    check_recipe(recipe, steps, lr, precision)
    tokenizer, columns = load_tokenizer(pretrained), (text,) if isinstance(text, str) else tuple(text)
    classes = read_examples(train, columns, label, least_classes=2).features["label"].names
    model = _with_classes(load_classifier(pretrained, len(classes), seed), classes)
    check_fit(model, tokenizer)
    task = read_task(model, tokenizer, train, {DEV: dev, **named_sets(ood)}, columns, label, subset)
    planned = fine_tuning_recipe(len(task.data), steps, lr, precision) if recipe is None else recipe
    check_batch(task, planned)
    start = time.perf_counter()
    torch.nn.Module.to(model, place(""))
    with progress_bar(progress) as bar:
        known = bias_on(task, bias, len(classes), vectors, pretrained, seed, bar)
        objective = make_objective(loss, None if known is None else known.train, None)
        trace = _train(model, TrainingRun(task.data, planned, objective, seed), task, bar)
        scores = task.scores(model, known)
    cost = {"steps": planned.steps, "tokens": trace.tokens, "seconds": time.perf_counter() - start}
    return FullModel(model, tokenizer, scores, cost, task.notes)


def _with_classes(model: "PreTrainedModel", classes: Sequence[str]) -> "PreTrainedModel":
    model.config.id2label = dict(enumerate(classes))
    model.config.label2id = {name: number for number, name in enumerate(classes)}
    return model


def _train(model: "PreTrainedModel", run: TrainingRun, task: Task, bar: Progress) -> Trace:
    """Train a model in place, and leave it with the weights that did best on the development examples."""
    best, dev, steps = Best(), task.held[DEV], run.recipe.steps
    run = shown(run, bar, "fine-tuning")
    show = run.after_step

    def after_step(step: int) -> None:
        if is_due(step, usual_interval(steps), steps):
            logits = predict(model, dev.encoded, run.recipe.precision)
            best.see(step, headline(logits, dev.gold, "accuracy"), model.state_dict())
        show(step)

    trace = fit(model, list(model.parameters()), replace(run, after_step=after_step))
    model.load_state_dict(best.kept)
    return trace
