"""Experiments as expressions: the paper's operators (Section 3.4) as frozen dataclasses that nest.

An experiment says *what* is computed, never where its inputs lie or how it is run. Its key is a hash of its canonical
form, so equal experiments share one result wherever they occur.
"""

import hashlib
import json
from dataclasses import dataclass, fields, is_dataclass

from srnet.errors import InputError
from srnet.masks import count_zeros
from srnet.pocket import World
from srnet.pruning import selection_steps
from srnet.tasks import TASKS
from srnet.training import LOSSES, Recipe

METHODS = ("mask",)


class Experiment:
    """Base of all expressions."""

    @property
    def key(self) -> str:
        """20 hexadecimal digits that name this experiment, the same on every machine."""
        text = json.dumps(canonical(self), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()[:20]

    @property
    def title(self) -> str:
        """The expression and, where it has one, the seed: what a person reads."""
        return f"{self}, seed {self.seed}" if isinstance(self, FineTuned | Pruned) else str(self)

    @property
    def operands(self) -> "tuple[Experiment, ...]":
        """The experiments whose results this one needs."""
        return ()


@dataclass(frozen=True)
class Pretrained:
    """A pre-trained language model with a new classifier, ``f(θ_pt)``.

    Attributes:
        name: a name on the Hugging Face hub, the name of a local folder, or "pocket".
        sha256: digest of a local folder's files (`srnet.models.folder_digest`), so that the key follows the content and
            not the place; empty for a model of the hub.
    """

    name: str
    sha256: str = ""

    def __str__(self) -> str:
        return "f(θ_pt)"


@dataclass(frozen=True)
class Data:
    """The text of one task.

    Attributes:
        task: name of the task, a key of `srnet.tasks.TASKS`.
        sha256: digest of the official files, or of the pocket world's generator.
        world: settings of the pocket world; None for official files.
    """

    task: str
    sha256: str
    world: World | None = None

    def __post_init__(self) -> None:
        _one_of("task", self.task, tuple(TASKS))


@dataclass(frozen=True)
class Bias(Experiment):
    """A linear bias model trained on the spurious features of a task (Appendix B.3.1), giving ``p_b``."""

    data: Data

    def __str__(self) -> str:
        return f"bias model of {self.data.task}"


@dataclass(frozen=True)
class FineTuned(Experiment):
    """Training of all weights, ``A_L(f(θ))``.

    Attributes:
        of: the model that training starts from.
        data: the task.
        seed: seed of the classifier, of data order and of dropout.
        recipe: length and speed of training.
        loss: "std" or "poe".
    """

    of: Pretrained
    data: Data
    seed: int
    recipe: Recipe
    loss: str = "std"

    def __post_init__(self) -> None:
        _one_of("loss", self.loss, LOSSES)

    def __str__(self) -> str:
        return f"A_{self.loss}({self.of})"

    @property
    def operands(self) -> tuple[Experiment, ...]:
        """The bias model, where the loss needs it."""
        return _bias_of(self)


@dataclass(frozen=True)
class Pruned(Experiment):
    """A subnetwork with the weights of the model it was found in, ``P_L^p(f(θ))``.

    Attributes:
        of: the model that is pruned.
        data: the task.
        seed: seed of data order and of dropout.
        recipe: length and speed of training.
        sparsity: share of weights removed from each matrix, in [0, 1).
        interval: Δt_φ, steps between two solutions of the thresholds.
        method: "mask" (mask training, Algorithm 2).
        loss: "std" or "poe".
        pooler: whether BERT's pooler is pruned too.
    """

    of: FineTuned
    data: Data
    seed: int
    recipe: Recipe
    sparsity: float
    interval: int
    method: str = "mask"
    loss: str = "std"
    pooler: bool = False

    def __post_init__(self) -> None:
        _one_of("method", self.method, METHODS)
        _one_of("loss", self.loss, LOSSES)
        count_zeros(self.sparsity, 1)
        if self.interval < 1:
            raise InputError(f"interval is {self.interval}: give a positive number of steps between threshold updates")
        object.__setattr__(self, "sparsity", float(self.sparsity))

    def __str__(self) -> str:
        return f"P^{self.method}_{self.loss}({self.of}) at {100 * self.sparsity:g} %"

    @property
    def operands(self) -> tuple[Experiment, ...]:
        """The pruned model, and the bias model where the loss needs it."""
        return (self.of, *_bias_of(self))

    @property
    def selection_steps(self) -> list[int]:
        """After which steps the ID dev set is looked at."""
        return selection_steps(self.recipe.steps, self.interval)


def canonical(value: object) -> object:
    """Return `value` as nested dictionaries with fields at their defaults left out.

    A field that is added later with a default therefore changes no key. Numbers of float fields are given as floats,
    so that 1 and 1.0 are the same experiment.
    """
    if not is_dataclass(value):
        return value
    form: dict[str, object] = {"is": type(value).__name__}
    for field in fields(value):
        content = getattr(value, field.name)
        if field.type is float:
            content = float(content)
        if content != field.default:
            form[field.name] = canonical(content)
    return form


def closure(experiments: "list[Experiment]") -> "list[Experiment]":
    """Return the experiments and all their operands, each once, operands first."""
    ordered: dict[Experiment, None] = {}

    def visit(experiment: Experiment) -> None:
        for operand in experiment.operands:
            visit(operand)
        ordered.setdefault(experiment)

    for experiment in experiments:
        visit(experiment)
    return list(ordered)


def _bias_of(experiment: FineTuned | Pruned) -> tuple[Bias, ...]:
    return (Bias(experiment.data),) if experiment.loss == "poe" else ()


def _one_of(field: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(f"{field} {value!r} is unknown: choose one of {', '.join(known)}")
