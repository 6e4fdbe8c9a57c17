"""Experiments as expressions: the paper's operators (Section 3.4) as frozen dataclasses that nest.

An experiment says *what* is computed, never where its inputs lie or how it is run. Its key is a hash of its canonical
form, so equal experiments share one result wherever they occur.
"""

import hashlib
import json
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property

from srnet.data.tasks import TASKS
from srnet.debiasing.losses import LOSSES
from srnet.errors import InputError
from srnet.experiments.methods import IterativePruning, MaskTraining, Method, OneShot
from srnet.masking import count_zeros
from srnet.pocket import World
from srnet.pruning.magnitude import ImpPlan, is_level
from srnet.pruning.mask_training import WINDOW, MaskPlan
from srnet.training.recipe import Recipe

KEYS = 5  # raised when what an experiment means changes although its expression does not; orphans every result


class Experiment:
    """Base of all expressions that have a result of their own."""

    data: "Data"

    @cached_property
    def key(self) -> str:
        """20 hexadecimal digits that name this experiment, the same on every machine."""
        return key_of(canonical(self))

    @property
    def title(self) -> str:
        """The expression with its task and, where it has one, its seed: what a person reads."""
        seed = getattr(self, "seed", None)
        return f"{self.data.task}: {self}" + ("" if seed is None else f", seed {seed}")

    @property
    def operands(self) -> "tuple[Experiment, ...]":
        """The experiments whose results this one needs."""
        return ()


@dataclass(frozen=True)
class Pretrained:
    """A pre-trained language model with a new classifier, ``f(θ_pt)``.

    Attributes:
        name: a name on the Hugging Face hub, the name of a local folder, or "pocket".
        sha256: digest of a local folder's files (`srnet.training.models.folder_digest`), so that the key follows the
            content and not the place; empty for a model of the hub.
    """

    name: str
    sha256: str = ""

    def __str__(self) -> str:
        return "f(θ_pt)"


@dataclass(frozen=True)
class Data:
    """The text of one task.

    Attributes:
        task: name of the task, a key of `srnet.data.tasks.TASKS`.
        sha256: digest of the official files, or of the pocket world's generator.
        world: settings of the pocket world; None for official files.
        vectors: digest of the fastText file that the bias model's word vectors come from; empty where fastText trains
            them on the task's own training text.
        with_ood: whether the OOD training examples are trained on too (Section 4.5, Appendix B.3.3).
    """

    task: str
    sha256: str
    world: World | None = None
    vectors: str = ""
    with_ood: bool = False

    def __post_init__(self) -> None:
        _one_of("task", self.task, tuple(TASKS))


@dataclass(frozen=True)
class Tokenised(Experiment):
    """A task's text as token ids: what is trained on, the ID development set and the OOD test sets.

    Attributes:
        of: the pre-trained model whose tokenizer is used.
        data: the task.
    """

    of: Pretrained
    data: Data

    def __str__(self) -> str:
        return "token ids"


@dataclass(frozen=True)
class Bias(Experiment):
    """A linear bias model of a task's spurious features (Appendix B.3.1), fitted on the ID training set: ``p_b``."""

    data: Data

    def __str__(self) -> str:
        return "bias model"


@dataclass(frozen=True)
class Checkpoint:
    """A model in the middle of its fine-tuning, ``A^t_L(f(θ))`` (Section 5.1).

    Attributes:
        of: the fine-tuning, whose `checkpoints` hold the step.
        step: t, how many steps have been done.
    """

    of: "FineTuned"
    step: int

    def __post_init__(self) -> None:
        if self.step not in self.of.checkpoints:
            raise InputError(f"step {self.step} is none of the fine-tuning's checkpoints {list(self.of.checkpoints)}")

    def __str__(self) -> str:
        return f"A^{self.step}_{self.of.loss}({self.of.of})"


@dataclass(frozen=True)
class Masked:
    """A model with the mask of a subnetwork that was found elsewhere, ``f(M(f') ⊙ θ)``.

    Attributes:
        of: the model that gives the weights θ.
        like: the subnetwork that gives the mask.
    """

    of: "Pretrained | FineTuned | Checkpoint"
    like: "Pruned"

    def __str__(self) -> str:
        return f"f(M({self.like}) ⊙ {'θ_pt' if isinstance(self.of, Pretrained) else f'θ({self.of})'})"


@dataclass(frozen=True)
class FineTuned(Experiment):
    """Training of all weights, or of those that a mask leaves, ``A_L(f(θ))``.

    Attributes:
        of: the model that training starts from; removed weights of a masked one are zero and stay so.
        data: the task.
        seed: seed of the classifier, of data order and of dropout.
        recipe: length and speed of training.
        loss: one of `srnet.debiasing.losses.LOSSES`.
        teacher: predictions of a model trained with cross-entropy; needed by "confreg" and by no other loss.
        checkpoints: after which steps the weights are kept (`Checkpoint`), in rising order.
        interval: the ID development set is evaluated every so many steps and at the end, and the weights that did best
            by the task's own metric, the earliest of equals, are what training leaves (Section 4.1.3, Table 3). Without
            one it leaves the last weights.
    """

    of: "Pretrained | Masked | FineTuned | Checkpoint"
    data: Data
    seed: int
    recipe: Recipe
    loss: str = "std"
    teacher: "Teacher | None" = None
    checkpoints: tuple[int, ...] = ()
    interval: int | None = None

    def __post_init__(self) -> None:
        _check_loss(self)
        if self.interval is not None and self.interval < 1:
            raise InputError(f"interval is {self.interval}: give a positive number of steps between two evaluations")
        steps = self.checkpoints
        if list(steps) != sorted(set(steps)) or not all(0 < step < self.recipe.steps for step in steps):
            raise InputError(f"checkpoints are {list(steps)}: give rising steps between 0 and {self.recipe.steps}")

    def __str__(self) -> str:
        return f"A_{self.loss}({self.of})"

    @property
    def operands(self) -> tuple[Experiment, ...]:
        """What gives the weights and the mask, token ids, the bias model, and the teacher."""
        return (*_results_of(self.of), *_references(self))


@dataclass(frozen=True)
class Teacher(Experiment):
    """A model's probabilities for its training set, which confidence regularisation learns from (Appendix A.2).

    Attributes:
        of: the model, trained with cross-entropy.
    """

    of: FineTuned

    @property
    def data(self) -> Data:  # type: ignore[override]
        """The task."""
        return self.of.data

    def __str__(self) -> str:
        return f"p({self.of})"

    @property
    def operands(self) -> tuple[Experiment, ...]:
        """The model, and the training set as token ids."""
        return (self.of, tokenised(self.of))


@dataclass(frozen=True)
class Trajectory(Experiment):
    """One run of iterative magnitude pruning through all its sparsities (Algorithm 1); see `Pruned` for the fields."""

    of: "Pretrained | FineTuned | Checkpoint"
    data: Data
    seed: int
    method: IterativePruning
    loss: str = "std"
    teacher: Teacher | None = None
    pooler: bool = False

    def __str__(self) -> str:
        return f"IMP_{self.loss}({self.of})"

    @property
    def operands(self) -> tuple[Experiment, ...]:
        """The model that is pruned, token ids, the bias model, and the teacher."""
        return (*_results_of(self.of), *_references(self))

    @property
    def recipe(self) -> Recipe:
        """Length and speed of training."""
        return self.method.recipe

    @property
    def plan(self) -> ImpPlan:
        """How the network is pruned."""
        return self.method.plan(self.pooler)


@dataclass(frozen=True)
class Pruned(Experiment):
    """A subnetwork, ``P_L^p(f(θ))``.

    Its weights are those of the pruned model; with iterative pruning without rewinding, those trained on the way.

    Attributes:
        of: the model that is pruned.
        data: the task.
        seed: seed of data order and of dropout, and of the classifier where a pre-trained model is pruned.
        sparsity: share of weights removed, in [0, 1); with iterative pruning a multiple of 0.1.
        method: how it is found.
        loss: one of `srnet.debiasing.losses.LOSSES`.
        teacher: as in `FineTuned`.
        pooler: whether BERT's pooler is pruned too, as in the authors' released code.
    """

    of: "Pretrained | FineTuned | Checkpoint"
    data: Data
    seed: int
    sparsity: float
    method: Method
    loss: str = "std"
    teacher: Teacher | None = None
    pooler: bool = False

    def __post_init__(self) -> None:
        _check_loss(self)
        count_zeros(self.sparsity, 1)
        object.__setattr__(self, "sparsity", float(self.sparsity))
        match self.method:
            case MaskTraining():
                _ = self.mask_plan  # which refuses a sparsity that falls
            case IterativePruning():
                if not is_level(self.sparsity):
                    raise InputError(f"sparsity is {self.sparsity}: iterative pruning passes through 0.1, 0.2, ... 0.9")
            case OneShot():
                if self.loss != "std":
                    raise InputError(f"one-shot pruning trains nothing: it takes no loss {self.loss!r}")
            case _:
                raise InputError(f"method is {self.method!r}: give MaskTraining, IterativePruning or OneShot")

    def __str__(self) -> str:
        loss = f"_{self.loss}" if self.recipe else ""
        return f"P^{self.method.name}{loss}({self.of}) at {100 * self.sparsity:g} %"

    @property
    def operands(self) -> tuple[Experiment, ...]:
        """The pruned model, the run of iterative pruning, token ids, the bias model, and the teacher."""
        run = (self.trajectory,) if isinstance(self.method, IterativePruning) else ()
        return (*_results_of(self.of), *_references(self), *run)

    @property
    def recipe(self) -> Recipe | None:
        """Length and speed of training; none where nothing is trained."""
        return self.method.recipe

    @property
    def trajectory(self) -> Trajectory:
        """The run of iterative pruning that passes through this subnetwork and its fellows of other sparsities."""
        assert isinstance(self.method, IterativePruning)
        run = replace(self.method, rewind=False)  # which concerns what is made of a mask, not how it is found
        return Trajectory(self.of, self.data, self.seed, run, self.loss, self.teacher, self.pooler)

    @property
    def mask_plan(self) -> MaskPlan:
        """How the mask is trained.

        A mask of a pre-trained model is chosen among all (Appendix B.3.3), one of a fine-tuned model among those of the
        last 30 % of the steps. The paper does not say which holds in the middle of fine-tuning; here, the latter.
        """
        assert isinstance(self.method, MaskTraining)
        return self.method.plan(self.sparsity, self.pooler, 0.0 if isinstance(self.of, Pretrained) else WINDOW)


Trained = FineTuned | Trajectory | Pruned
Model = Pretrained | Masked | Checkpoint | FineTuned | Pruned


def canonical(value: object) -> object:
    """Return `value` as nested dictionaries with fields at their defaults left out.

    A field that is added later with a default therefore changes no key. Numbers of float fields are given as floats,
    so that 1 and 1.0 are the same experiment.
    """
    if isinstance(value, tuple):
        return [canonical(each) for each in value]
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


def key_of(form: object) -> str:
    """Return the key of the experiment that has this canonical form."""
    text = json.dumps(form, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{KEYS}{text}".encode()).hexdigest()[:20]


def pretrained(model: Model) -> Pretrained:
    """Return the pre-trained model that a model descends from."""
    while not isinstance(model, Pretrained):
        model = model.of
    return model


def tokenised(experiment: Trained) -> Tokenised:
    """Return the token ids that an experiment trains on and is tested with."""
    # Word vectors are for bias models alone: data that differ in them share their token ids.
    return Tokenised(pretrained(experiment.of), replace(experiment.data, vectors=""))


def _results_of(model: Model) -> tuple[Experiment, ...]:
    """Return the experiments whose results make up a model."""
    if isinstance(model, Masked):
        return (*_results_of(model.of), model.like)
    if isinstance(model, Checkpoint):
        return (model.of,)
    return () if isinstance(model, Pretrained) else (model,)


def _references(experiment: Trained) -> tuple[Experiment, ...]:
    """Return the token ids, the bias model, which losses and evaluation need, and the teacher."""
    teacher = (experiment.teacher,) if experiment.teacher else ()
    return (tokenised(experiment), Bias(experiment.data), *teacher)


def _check_loss(experiment: "FineTuned | Pruned") -> None:
    _one_of("loss", experiment.loss, LOSSES)
    if (experiment.loss == "confreg") != (experiment.teacher is not None):
        raise InputError(f"loss {experiment.loss!r}: 'confreg' needs a teacher, and no other loss takes one")
    if experiment.teacher and (experiment.teacher.of.data != experiment.data or experiment.teacher.of.loss != "std"):
        raise InputError("the teacher must be trained with cross-entropy on the same data")


def _one_of(field: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise InputError(f"{field} {value!r} is unknown: choose one of {', '.join(known)}")
