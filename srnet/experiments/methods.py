"""How a subnetwork is found: the pruning methods of the paper, each with what it alone has to be told."""

from dataclasses import dataclass
from typing import ClassVar

from srnet.pruning.magnitude import ImpPlan
from srnet.pruning.mask_training import Gradual, MaskPlan
from srnet.training.recipe import Recipe


@dataclass(frozen=True)
class MaskTraining:
    """Mask training (Algorithm 2), ``P^mask``.

    Attributes:
        recipe: length and speed of the training of the scores.
        interval: Δt_φ, steps between two solutions of the thresholds, after which the mask can be chosen.
        init: "hard" or "soft" initialisation of the scores.
        gradual: rise of the sparsity (Section 5.2).
        curves: whether scores on the ID development set and all OOD sets are recorded at every interval (Section 5.1).

    Raises:
        InputError: if a value is out of range.
    """

    recipe: Recipe
    interval: int
    init: str = "hard"
    gradual: Gradual | None = None
    curves: bool = False
    name: ClassVar[str] = "mask"

    def __post_init__(self) -> None:
        self.plan(self.gradual.initial if self.gradual else 0.0)

    def plan(self, sparsity: float, pooler: bool = False, window: float = 0.0) -> MaskPlan:
        """Return what `srnet.pruning.mask_training.train_mask` is told."""
        return MaskPlan(sparsity, self.interval, self.init, pooler, self.gradual, window, self.curves)


@dataclass(frozen=True)
class IterativePruning:
    """Iterative magnitude pruning (Algorithm 1), ``P^imp``; the subnetwork of each sparsity is taken by step.

    Attributes:
        recipe: length and speed of the training that it goes along with.
        rewind: the masks are put on the weights of the pruned model, ``P^imp-rewind``; otherwise the subnetwork has the
            weights that were trained on the way.
        rewind_each_round: go on from the weights of the pruned model after each pruning (Section 3.2.1).
        restart: start optimiser and schedule anew at each pruning, as in the released code.
    """

    recipe: Recipe
    rewind: bool = False
    rewind_each_round: bool = False
    restart: bool = False

    @property
    def name(self) -> str:
        """Superscript of P."""
        return "imp-rewind" if self.rewind else "imp"

    def plan(self, pooler: bool) -> ImpPlan:
        """Return what `srnet.pruning.magnitude.prune_iteratively` is told."""
        return ImpPlan(pooler, self.rewind_each_round, self.restart)


@dataclass(frozen=True)
class OneShot:
    """One-shot magnitude pruning, ``P^magnitude``: nothing is trained."""

    name: ClassVar[str] = "magnitude"
    recipe: ClassVar[None] = None


Method = MaskTraining | IterativePruning | OneShot
