"""The door for a user's own model and data: from tables to a subnetwork and a report of it."""

import time
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from os.path import abspath
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import torch
from rich.progress import Progress, TimeElapsedColumn
from torch import Tensor

from srnet.data.tables import read_examples
from srnet.debiasing.known import Bias, bias_of
from srnet.debiasing.losses import LOSSES, make_objective
from srnet.errors import InputError
from srnet.machine import place
from srnet.masking import Mask
from srnet.pruning.adapters import Subnetwork, fingerprints, not_stored
from srnet.pruning.held_out import HeldOut, as_tensor, class_names, read_held_out
from srnet.pruning.mask_training import MaskPlan
from srnet.pruning.rates import LOOK, RATES, choose_rate, usual_recipe
from srnet.pruning.report import DEV, Report
from srnet.pruning.search import choose_mask, usual_interval
from srnet.training.encoding import Encoded, encode
from srnet.training.families import prunable_weights
from srnet.training.fitting import check_encoded, check_fit
from srnet.training.loop import Objective, Trace, TrainingRun, predict
from srnet.training.models import load_classifier, load_fine_tuned, load_tokenizer
from srnet.training.plain import as_found, plain
from srnet.training.recipe import Recipe
from srnet.training.shallow import shallow_log_probs, shallow_recipe, shallow_sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datasets import Dataset
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

    from srnet.data.tables import Source
    from srnet.debiasing.word_vectors import WordVectors

    Sources: TypeAlias = Source | Mapping[str, Source]

SHALLOW = "shallow"


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
            or X and "non-X" (`srnet.pruning.held_out.read_held_out`).
        text: the column of the text, or the two of premise and hypothesis.
        label: the column of the label.
        bias: what the model is not to rely on, as `srnet.debiasing.known.bias_of` takes it: a name, a function of the
            text, or log-probabilities of the training examples. Or "shallow": what the pre-trained model learns from
            few examples in a short time (`srnet.training.shallow`). Needed by every loss but ``std``.
        sparsity: share of weights to remove from each matrix, in [0, 1).
        loss: one of `srnet.debiasing.losses.LOSSES`; the teacher of ``confreg`` is the model itself.
        recipe: optimiser and schedule of the scores. If not given, steps by the number of examples
            (`srnet.pruning.rates.usual_recipe`) and a learning rate by a short look at the training loss
            (`srnet.pruning.rates.choose_rate`).
        steps: of the training, where no recipe is given; by the number of examples if not given.
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
    _check_request(sparsity, loss, bias, pretrained, ood, subset)
    if recipe is not None and (steps is not None or not isinstance(recipe, Recipe)):
        raise InputError(f"recipe: give a srnet.Recipe, or steps alone; given are {recipe!r} and steps {steps!r}")
    inner, name, tokenizer = _opened(model, tokenizer)
    task = _read(inner, tokenizer, train, {DEV: dev, **_sets(ood)}, text, label, subset)
    planned = usual_recipe(len(task.data), steps) if recipe is None else recipe
    if len(task.data) < planned.batch_size:
        few = f"{len(task.data)} examples, fewer than a batch of {planned.batch_size}"
        raise InputError(f"train: {few}; give more, or a recipe with a smaller batch_size")
    plan, start = MaskPlan(sparsity, usual_interval(planned.steps)), time.perf_counter()
    with as_found(inner), _bar(progress) as bar:
        known = _bias(bias, task, len(class_names(inner)), vectors, pretrained, seed, bar)
        run = TrainingRun(task.data, planned, _objective(loss, inner, task.data, known, planned), seed)
        looked = 0
        if recipe is None:
            run, looked = _with_rate(inner, run, plan, task.notes, bar)
        full = task.scores(inner, known)
        mask, trace = _train(inner, run, plan, task, bar)
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
            _settings(sparsity, loss, known, run),
        )
        with found.applied_to(inner):
            scores = task.scores(inner, known)
    cost = {
        "steps": run.recipe.steps,
        "look_steps": looked,
        "tokens": trace.tokens,
        "seconds": time.perf_counter() - start,
    }
    told = {} if known is None else _told(known, task.data.labels)
    sparsities = {each: list(counts) for each, counts in mask.zeros().items()}
    return replace(found, report=Report(scores, full, told, sparsities, cost, task.notes))


@dataclass(frozen=True)
class _Task:
    """Text as it was read.

    Attributes:
        train: the training examples.
        data: the same, tokenised.
        held: what is tested on, by name: `DEV` and sets out of distribution.
        columns: those of the text.
        notes: what was decided.
    """

    train: "Dataset"
    data: Encoded
    held: Mapping[str, HeldOut]
    columns: tuple[str, ...]
    notes: list[str]

    def scores(self, model: "PreTrainedModel", known: "_Known | None") -> dict[str, Any]:
        """Return a model's scores by data set."""
        of_dev = None if known is None else known.dev
        return {
            what: each.scores(model, bias_log_probs=of_dev if what == DEV else None) for what, each in self.held.items()
        }


@dataclass(frozen=True)
class _Known:
    """What a bias says of the training examples and, if it can, of the development examples: log p_b, float [N, K].

    `coverage` is the share of words with a vector, where it looks at vectors.
    """

    name: str
    train: Tensor
    dev: Tensor | None
    coverage: float | None = None


def _check_request(
    sparsity: float,
    loss: str,
    bias: "Bias | None",
    pretrained: Path | str | None,
    ood: "Sources | None",
    subset: str | None,
) -> None:
    MaskPlan(sparsity, 1)
    if loss not in LOSSES:
        raise InputError(f"unknown loss {loss!r}: choose one of {', '.join(LOSSES)}")
    if bias is None and loss != "std":
        raise InputError(f"loss {loss!r} needs a bias: give one (bias='overlap', say), or loss='std'")
    shallow = isinstance(bias, str) and bias == SHALLOW
    if shallow and pretrained is None:
        raise InputError("bias shallow: give the model as it was before fine-tuning (pretrained=...)")
    if not shallow and pretrained is not None:
        raise InputError("pretrained: it is for the bias 'shallow' alone; leave it out")
    if subset is not None and ood is None:
        raise InputError(
            f"subset: column {subset!r} is one of examples out of distribution; give them (ood), or no subset"
        )


def _read(
    model: "PreTrainedModel",
    tokenizer: "PreTrainedTokenizerBase",
    train: "Source",
    held_out: "Mapping[str, Source]",
    text: str | Sequence[str],
    label: str,
    subset: str | None,
) -> _Task:
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
    return _Task(examples, data, held, columns, notes)


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


def _sets(ood: "Sources | None") -> "dict[str, Source]":
    """Return the examples out of distribution by name."""
    if ood is None:
        return {}
    if not isinstance(ood, Mapping):
        return {"ood": ood}
    if DEV in ood or not all(isinstance(name, str) and name for name in ood):
        raise InputError(f"ood: the sets are called {', '.join(map(repr, ood))}; give each a name, other than {DEV!r}")
    return dict(ood)


def _bias(
    bias: "Bias | None",
    task: _Task,
    num_labels: int,
    vectors: "WordVectors | None",
    pretrained: Path | str | None,
    seed: int,
    bar: Progress,
) -> _Known | None:
    if bias is None:
        return None
    dev = task.held[DEV].examples
    if pretrained is not None:
        return _shallow(pretrained, task.train, dev, num_labels, seed, bar)
    known = bias_of(bias, task.train, vectors, num_labels)
    of_dev = None if known.model is None else as_tensor(known.log_probs_of(dev))
    return _Known(known.name, as_tensor(known.log_probs), of_dev, known.coverage)


def _shallow(
    pretrained: Path | str, train: "Dataset", dev: "Dataset", num_labels: int, seed: int, bar: Progress
) -> _Known:
    model, tokenizer = load_classifier(pretrained, num_labels, seed), load_tokenizer(pretrained)
    check_fit(model, tokenizer)
    data = [encode(each, tokenizer) for each in (train, dev)]
    shallow_sample(data[0], seed)
    recipe = shallow_recipe(len(train))
    torch.nn.Module.to(model, place(""))
    steps = bar.add_task("training the shallow model", total=recipe.steps)
    of_train, of_dev = shallow_log_probs(
        model, data[0], data[1:], seed=seed, recipe=recipe, after_step=lambda step: bar.update(steps, completed=step)
    )
    return _Known(SHALLOW, of_train, of_dev)


def _objective(loss: str, model: "PreTrainedModel", data: Encoded, known: _Known | None, recipe: Recipe) -> Objective:
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


def _train(
    model: "PreTrainedModel", run: TrainingRun, plan: MaskPlan, task: _Task, bar: Progress
) -> tuple[Mask, Trace]:
    steps = bar.add_task("training the mask", total=run.recipe.steps)
    run = replace(run, after_step=lambda step: bar.update(steps, completed=step))
    mask, search = choose_mask(model, run, task.held[DEV].encoded, plan)
    return mask, search.trace


def _settings(sparsity: float, loss: str, known: _Known | None, run: TrainingRun) -> dict[str, Any]:
    recipe = {f"recipe, {key}": value for key, value in asdict(run.recipe).items()}
    return {"sparsity": sparsity, "loss": loss, "bias": known.name if known else "none", "seed": run.seed, **recipe}


def _told(known: _Known, labels: Tensor) -> dict[str, Any]:
    """Return how much the bias says of the training labels."""
    return {
        "name": known.name,
        "accuracy": float((known.train.argmax(dim=-1) == labels).float().mean()),
        "majority": int(labels.bincount().max()) / len(labels),
        **({} if known.coverage is None else {"words_with_vector": known.coverage}),
    }


@contextmanager
def _bar(shown: bool) -> "Iterator[Progress]":
    with Progress(*Progress.get_default_columns(), TimeElapsedColumn(), disable=not shown) as bar:
        yield bar
