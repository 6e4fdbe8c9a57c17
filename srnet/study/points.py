"""A point of a figure, and what the points of one task and one repetition have in common.

A curve has the paper's name within its figure. An arrow stands between what is done one after the other: "mask train
(poe) -> ft (std)" is a mask trained with the product of experts, and what it leaves of the pre-trained model fine-tuned
with cross-entropy.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from srnet.experiments.expressions import Checkpoint, Data, FineTuned, Masked, Pretrained, Pruned, Teacher, pretrained
from srnet.experiments.methods import IterativePruning, MaskTraining
from srnet.pruning.magnitude import is_level
from srnet.study.profiles import Training

TIMING_SPARSITIES: Mapping[str, float] = {"nli": 0.7, "paraphrase": 0.7, "fact": 0.9}
"""Where it matters most when the search starts, by task (Section 5.1, Appendix C.3)."""


@dataclass(frozen=True)
class Run:
    """A point of a figure.

    Attributes:
        task: name of the task, which is the panel.
        curve: name of the line, such as "mask train (poe)".
        sparsity: share of weights removed, in [0, 1).
        seed: which repetition.
        experiment: what is computed.
        labels: what else tells the points of its figure apart, by name; a column each of the figure's table.
    """

    task: str
    curve: str
    sparsity: float
    seed: int
    experiment: FineTuned | Pruned
    labels: Mapping[str, str | float] = field(default_factory=dict, hash=False)

    @property
    def plm(self) -> str:
        """Name of the pre-trained model."""
        return pretrained(self.experiment).name

    @property
    def start(self) -> float:
        """Share of a full model's fine-tuning after which the search for the subnetwork starts; 0 in the raw model."""
        return _share_fine_tuned(self.experiment)


@dataclass(frozen=True)
class Setting:
    """What the experiments of one task and one repetition have in common.

    Attributes:
        training: how long each kind of model is trained.
        plm: the pre-trained model.
        data: the task's text.
        seed: which repetition.
        sparsities: of figures drawn against sparsity, in (0, 1).
        other_plms: further pre-trained models, for Appendix C.5.
    """

    training: Training
    plm: Pretrained
    data: Data
    seed: int
    sparsities: tuple[float, ...]
    other_plms: tuple[Pretrained, ...]

    def run(self, curve: str, sparsity: float, experiment: FineTuned | Pruned, **labels: str | float) -> Run:
        """Return an experiment with its labels."""
        return Run(self.data.task, curve, sparsity, self.seed, experiment, labels)

    def curve(
        self, name: str, sparsities: Iterable[float], found: Callable[[float], FineTuned | Pruned]
    ) -> Iterator[Run]:
        """Yield what is found at each sparsity."""
        for sparsity in sparsities:
            yield self.run(name, sparsity, found(sparsity))

    def full(self, loss: str = "std") -> FineTuned:
        """Return the full model, ``A_L(f(θ_pt))``; the one that Section 5.1 is about keeps its checkpoints."""
        training = self.training
        recipe, steps = training.full_with(loss), training.checkpoints if loss == "std" else ()
        return FineTuned(self.plm, self.data, self.seed, recipe, loss, self._teacher(loss), steps, training.interval)

    def mask(self, of: Pretrained | FineTuned | Checkpoint, loss: str, sparsity: float, **changes: Any) -> Pruned:
        """Return a subnetwork found by mask training, ``P^mask_L(f(θ))``.

        It records its curves where Section 5.1 draws them, in whichever figure it occurs.

        Args:
            of: the model that is pruned.
            loss: one of `srnet.debiasing.losses.LOSSES`.
            sparsity: share of weights removed, in [0, 1).
            changes: fields of `MaskTraining` that differ from the profile's.
        """
        usual = MaskTraining(self.training.mask, self.training.interval)
        method = replace(usual, **changes)
        if method == usual and self._has_curves(of, loss, sparsity):
            method = replace(method, curves=True)
        return Pruned(of, self.data, self.seed, sparsity, method, loss, self._teacher(loss))

    def _has_curves(self, of: Pretrained | FineTuned | Checkpoint, loss: str, sparsity: float) -> bool:
        start = not isinstance(of, FineTuned) or of.loss == "std"
        drawn = loss == "poe" and sparsity == TIMING_SPARSITIES[self.data.task]
        return start and drawn and bool(self.training.checkpoints)

    def mask_ood(self, of: Pretrained | FineTuned, sparsity: float) -> Pruned:
        """Return a subnetwork found by mask training with cross-entropy on ID and OOD training examples."""
        assert self.training.mask_ood
        data = replace(self.data, with_ood=True)
        return replace(self.mask(of, "std", sparsity, recipe=self.training.mask_ood), data=data)

    def imp(self, of: Pretrained | FineTuned, loss: str, sparsity: float) -> Pruned:
        """Return a subnetwork found by iterative magnitude pruning, ``P^imp_L(f(θ))``."""
        assert self.training.imp
        return Pruned(of, self.data, self.seed, sparsity, IterativePruning(self.training.imp), loss)

    def imp_rewound(self, loss: str, sparsity: float) -> Pruned:
        """Return one found so in the pre-trained model, with the weights of that model."""
        assert self.training.imp
        return replace(self.imp(self.plm, loss, sparsity), method=IterativePruning(self.training.imp, rewind=True))

    def in_isolation(self, found: Pruned, loss: str) -> FineTuned:
        """Return what a mask leaves of the pre-trained model, fine-tuned: ``A_L(f(M(f') ⊙ θ_pt))``."""
        return replace(self.full(loss), of=Masked(self.plm, found), checkpoints=())

    @property
    def levels(self) -> tuple[float, ...]:
        """Those of the sparsities that iterative pruning passes through; none where the profile leaves it out."""
        return tuple(s for s in self.sparsities if is_level(s)) if self.training.imp else ()

    def _teacher(self, loss: str) -> Teacher | None:
        return Teacher(self.full()) if loss == "confreg" else None


def _share_fine_tuned(experiment: FineTuned | Pruned) -> float:
    of = experiment.of
    if isinstance(of, Masked):
        return _share_fine_tuned(of.like)
    if isinstance(experiment, FineTuned):
        return 1.0
    if isinstance(of, Checkpoint):
        return of.step / of.of.recipe.steps
    return 0.0 if isinstance(of, Pretrained) else 1.0
