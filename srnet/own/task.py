"""A user's own task: its text, read and tokenised, and what a bias says of it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from rich.progress import Progress, TimeElapsedColumn
from torch import Tensor

from srnet.data.tables import read_examples
from srnet.debiasing.known import Bias, bias_of
from srnet.debiasing.losses import LOSSES
from srnet.errors import InputError
from srnet.machine import place
from srnet.own.held_out import HeldOut, as_tensor, class_names, read_held_out
from srnet.own.report import DEV
from srnet.training.encoding import Encoded, encode
from srnet.training.fitting import check_encoded, check_fit
from srnet.training.loop import TrainingRun
from srnet.training.models import load_classifier, load_tokenizer
from srnet.training.recipe import Recipe
from srnet.training.shallow import shallow, shallow_recipe, shallow_sample

if TYPE_CHECKING:
    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from srnet.data.columns import Source
    from srnet.debiasing.word_vectors import WordVectors

    Sources: TypeAlias = Source | Mapping[str, Source]

SHALLOW = "shallow"


@dataclass(frozen=True)
class Task:
    """Text as it was read.

    Attributes:
        train: the training examples.
        data: the same, tokenised.
        held: what is tested on, by name: `srnet.own.report.DEV` and sets out of distribution.
        columns: those of the text.
        notes: what was decided.
    """

    train: "Dataset"
    data: Encoded
    held: Mapping[str, HeldOut]
    columns: tuple[str, ...]
    notes: list[str]

    def scores(self, model: "PreTrainedModel", known: "TaskBias | None") -> dict[str, Any]:
        """Return a model's scores by data set (`srnet.training.metrics.scores`)."""
        of_dev = None if known is None else known.dev
        return {
            what: each.scores(model, bias_log_probs=of_dev if what == DEV else None) for what, each in self.held.items()
        }


@dataclass(frozen=True)
class TaskBias:
    """What a bias says of the training examples and, if it can, of the development examples: log p_b, float [N, K].

    `coverage` is the share of words with a vector, where it looks at vectors.
    """

    name: str
    train: Tensor
    dev: Tensor | None
    coverage: float | None = None

    def told(self, labels: Tensor) -> dict[str, Any]:
        """Return how much the bias says of the training labels, int64 [N]."""
        return {
            "name": self.name,
            "accuracy": float((self.train.argmax(dim=-1) == labels).float().mean()),
            "majority": int(labels.bincount().max()) / len(labels),
            **({} if self.coverage is None else {"words_with_vector": self.coverage}),
        }


def check_request(loss: str, bias: "Bias | None", ood: "Sources | None", subset: str | None) -> None:
    """Raise an error if loss and bias, or sets and the column of their subsets, do not belong together.

    Raises:
        InputError: the loss is unknown or lacks a bias; there is a subset and no set that it could be of.
    """
    if loss not in LOSSES:
        raise InputError(f"unknown loss {loss!r}: choose one of {', '.join(LOSSES)}")
    if bias is None and loss != "std":
        raise InputError(f"loss {loss!r} needs a bias: give one (bias='overlap', say), or loss='std'")
    if subset is not None and ood is None:
        raise InputError(
            f"subset: column {subset!r} is one of examples out of distribution; give them (ood), or no subset"
        )


def check_batch(task: Task, recipe: Recipe) -> None:
    """Raise an error if there are fewer training examples than a batch holds."""
    if len(task.data) < recipe.batch_size:
        few = f"{len(task.data)} examples, fewer than a batch of {recipe.batch_size}"
        raise InputError(f"train: {few}; give more, or a recipe with a smaller batch_size")


def named_sets(ood: "Sources | None") -> "dict[str, Source]":
    """Return the examples out of distribution by name.

    Raises:
        InputError: a name is that of the development set, or none.
    """
    if ood is None:
        return {}
    if not isinstance(ood, Mapping):
        return {"ood": ood}
    if DEV in ood or not all(isinstance(name, str) and name for name in ood):
        raise InputError(f"ood: the sets are called {', '.join(map(repr, ood))}; give each a name, other than {DEV!r}")
    return dict(ood)


def read_task(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    train: "Source",
    held_out: "Mapping[str, Source]",
    text: str | Sequence[str],
    label: str,
    subset: str | None,
) -> Task:
    """Return a task for a model, whose configuration names the classes.

    Args:
        model: a sequence classifier.
        tokenizer: the model's.
        train: training examples, as `srnet.data.tables.read_examples` takes them.
        held_out: examples to test on, by name: `srnet.own.report.DEV` and sets out of distribution.
        text: the column of the text, or the two of premise and hypothesis.
        label: the column of the label.
        subset: the column of the subset's name in the sets out of distribution.

    Raises:
        InputError: examples cannot be read, have other classes, or the model cannot read them.
    """
    columns, notes = (text,) if isinstance(text, str) else tuple(text), list[str]()
    examples = read_examples(train, columns, label, class_names(model), "train", least_classes=2, notes=notes)
    held = {
        what: read_held_out(
            source,
            what,
            model,
            tokenizer,
            text=columns,
            label=label,
            subset=None if what == DEV else subset,
            notes=notes,
        )
        for what, source in held_out.items()
    }
    if held[DEV].versus is not None:
        raise InputError(f"dev: its classes are {', '.join(held[DEV].gold.classes)}; give examples of the model's own")
    data = encode(examples, tokenizer)
    check_encoded(model, data, "train")
    return Task(examples, data, held, columns, notes)


def bias_on(
    task: Task,
    bias: "Bias | None",
    num_labels: int,
    vectors: "WordVectors | None",
    pretrained: Path | str | None,
    seed: int,
    bar: Progress,
) -> TaskBias | None:
    """Return what a bias says of a task; None if there is none.

    Args:
        task: the task.
        bias: as `srnet.debiasing.known.bias_of` takes it, or "shallow" (`srnet.training.shallow`).
        num_labels: K.
        vectors: vectors of words, where the bias needs some; trained on the texts if not given.
        pretrained: for "shallow", the model before fine-tuning: a folder or a name on the hub.
        seed: of sample and classifier, for "shallow".
        bar: shows the steps of the shallow model.

    Raises:
        InputError: the bias, or the pre-trained model, cannot be used.
        DivergedError: the shallow model's training loss is no longer finite.
    """
    if bias is None:
        return None
    if isinstance(bias, str) and bias == SHALLOW:
        assert pretrained is not None
        return _shallow(pretrained, task, num_labels, seed, bar)
    known = bias_of(bias, task.train, vectors, num_labels)
    of_dev = None if known.model is None else as_tensor(known.log_probs_of(task.held[DEV].examples))
    return TaskBias(known.name, as_tensor(known.log_probs), of_dev, known.coverage)


def _shallow(pretrained: Path | str, task: Task, num_labels: int, seed: int, bar: Progress) -> TaskBias:
    model, tokenizer = load_classifier(pretrained, num_labels, seed), load_tokenizer(pretrained)
    check_fit(model, tokenizer)
    train, dev = (encode(each, tokenizer) for each in (task.train, task.held[DEV].examples))
    shallow_sample(train, seed)
    torch.nn.Module.to(model, place(""))
    steps = bar.add_task("training the shallow model", total=shallow_recipe(len(train)).steps)
    found = shallow(model, train, [dev], seed=seed, advance=lambda step: bar.update(steps, completed=step))
    finds = f"the shallow model, at learning rate {found.rate:g}, finds {100 * found.accuracy:.1f} % of the labels"
    task.notes.append(finds if found.learned else f"{finds}, no more than the majority: it has learned no bias")
    of_train, of_dev = found.log_probs
    return TaskBias(SHALLOW, of_train, of_dev)


def settings(loss: str, known: TaskBias | None, run: TrainingRun) -> dict[str, Any]:
    """Return how something was trained, as what JSON can hold."""
    recipe = {f"recipe, {key}": value for key, value in asdict(run.recipe).items()}
    return {"loss": loss, "bias": known.name if known else "none", "seed": run.seed, **recipe}


def shown(run: TrainingRun, bar: Progress, what: str) -> TrainingRun:
    """Return a training whose steps a bar shows."""
    steps = bar.add_task(what, total=run.recipe.steps)
    return replace(run, after_step=lambda step: bar.update(steps, completed=step))


@contextmanager
def progress_bar(visible: bool) -> Iterator[Progress]:
    """Show the progress of what is added to it, with the time left."""
    with Progress(*Progress.get_default_columns(), TimeElapsedColumn(), disable=not visible) as bar:
        yield bar
