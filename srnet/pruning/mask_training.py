"""Mask training (Algorithm 2): a subnetwork is found by learning which weights to keep, while no weight changes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING

from torch import Tensor

from srnet.errors import InputError
from srnet.masking import Mask, count_zeros, solve
from srnet.pruning.learned import LearnedMasks, MatrixMask
from srnet.training.families import prunable_weights
from srnet.training.loop import Trace, TrainingRun, fit
from srnet.training.plain import as_found
from srnet.training.selection import Best, is_due

if TYPE_CHECKING:
    from transformers import PreTrainedModel

INITIAL_THRESHOLD = 0.01  # φ at the start of mask training, Algorithm 2 and Table 4
INITIAL_SCALE = 2.0  # α: a kept weight starts at a score of α·φ, Eq. 1 of the supplement
WINDOW = 0.7  # the best mask is chosen after this share of the steps, Appendix B.3.3
INITIALISATIONS = ("hard", "soft")


@dataclass(frozen=True)
class Gradual:
    """Sparsity that rises while the mask is trained (Section 5.2; Zhu and Gupta, 2018).

    Attributes:
        initial: s_i, the sparsity at the start.
        ramp: share of the steps over which it rises to the target s_f, in (0, 1]; there it stays. 1 is the authors'
            released code, where only the last mask has the target sparsity; the default ends the rise where the
            selection window opens.
    """

    initial: float
    ramp: float = WINDOW

    def __post_init__(self) -> None:
        count_zeros(self.initial, 1)
        if not 0 < self.ramp <= 1:
            raise InputError(f"gradual sparsity: ramp is {self.ramp}: give a share of the steps, above 0 and at most 1")


@dataclass(frozen=True)
class MaskPlan:
    """How a mask is trained, beside the recipe of its scores.

    Attributes:
        sparsity: share of weights to remove, in [0, 1).
        interval: Δt_φ, steps between two solutions of the thresholds; the last step always ends with one.
        init: ``"hard"``, scores are α·φ where magnitude pruning keeps a weight and 0 elsewhere (Equation 1 of the
            supplement), or ``"soft"``, they are the magnitudes themselves and φ the one that cuts at the wanted
            sparsity (Equation 2).
        pooler: also mask BERT's pooler, as the authors' released code does.
        gradual: the rise of the sparsity; it is fixed if there is none.
        window: share of the steps after which masks are candidates, in [0, 1).
        curves: score every solved mask, not the candidates alone.

    Raises:
        InputError: if a value is out of range.
    """

    sparsity: float
    interval: int
    init: str = "hard"
    pooler: bool = False
    gradual: Gradual | None = None
    window: float = WINDOW
    curves: bool = False

    def __post_init__(self) -> None:
        count_zeros(self.sparsity, 1)
        if self.interval < 1:
            raise InputError(f"interval is {self.interval}: give a positive number of steps between threshold updates")
        if self.init not in INITIALISATIONS:
            raise InputError(f"init {self.init!r} is unknown: choose one of {', '.join(INITIALISATIONS)}")
        if not 0 <= self.window < 1:
            raise InputError(f"window is {self.window}: give a share of the steps, from 0 up to but not including 1")
        if self.gradual and self.gradual.initial > self.sparsity:
            rise = f"from {self.gradual.initial} to {self.sparsity}"
            raise InputError(f"gradual sparsity {rise} falls: give an initial sparsity below the target")

    def sparsity_after(self, step: int, steps: int) -> float:
        """Return the sparsity that the thresholds are solved for after `step` of `steps` steps."""
        if self.gradual is None or self._risen(step, steps):
            return self.sparsity
        if step == 0:
            return self.gradual.initial  # which s_f + (s_i - s_f) need not be in floating point
        return cubic_sparsity(self.gradual.initial, self.sparsity, step / (self.gradual.ramp * steps))

    def is_solved(self, step: int, steps: int) -> bool:
        """Tell whether thresholds are solved after `step` of `steps` steps."""
        return is_due(step, self.interval, steps)

    def candidates(self, steps: int) -> list[int]:
        """Return after which steps the mask is a candidate: solved, within the window, and at the target sparsity."""
        return [
            step
            for step in range(1, steps + 1)
            if self.is_solved(step, steps) and step > Fraction(str(self.window)) * steps and self._risen(step, steps)
        ]

    def scored(self, steps: int) -> list[int]:
        """Return after which steps the mask is scored: where it is a candidate, with `curves` wherever it is solved."""
        solved = [step for step in range(1, steps + 1) if self.is_solved(step, steps)]
        return solved if self.curves else self.candidates(steps)

    def _risen(self, step: int, steps: int) -> bool:
        return self.gradual is None or step == steps or step >= Fraction(str(self.gradual.ramp)) * steps


def cubic_sparsity(initial: float, final: float, progress: float) -> float:
    """Return ``s_f + (s_i - s_f)(1 - t)³``, the sparsity after a share t of the rise (Zhu and Gupta, 2018).

    Args:
        initial: s_i, sparsity at t = 0.
        final: s_f, sparsity from t = 1 on.
        progress: t; below 0 it counts as 0, above 1 as 1.
    """
    left = 1 - min(max(progress, 0.0), 1.0)
    return final + (initial - final) * left**3


def initial_masks(weights: dict[str, Tensor], plan: MaskPlan) -> dict[str, MatrixMask]:
    """Return the masks that training starts from, by name of the weight: those of one-shot magnitude pruning.

    Args:
        weights: weight matrices by name.
        plan: sparsity (its initial one if it rises) and initialisation.
    """
    magnitudes = {name: weight.detach().abs() for name, weight in weights.items()}
    masks = {}
    for name, (cut, keep) in solve(magnitudes, plan.sparsity_after(0, 1)).items():
        if plan.init == "hard":
            cut = cut.new_tensor(INITIAL_THRESHOLD)
            scores = keep.to(cut.dtype) * (INITIAL_SCALE * INITIAL_THRESHOLD)
        else:
            scores = magnitudes[name].clone()
        masks[name] = MatrixMask(scores, cut, keep)
    return masks


Score = Callable[[int], float]
"""Given the number of steps done; returns a score of the model with the mask of that moment, the higher the better."""


@dataclass(frozen=True)
class MaskSearch:
    """What mask training found.

    Attributes:
        mask: the chosen mask.
        step: after how many steps it was taken.
        selection: (step, score) of every mask that was a candidate.
        trace: losses and tokens of the training.
    """

    mask: Mask
    step: int
    selection: list[tuple[int, float]]
    trace: Trace


Watch = Callable[[int, Mapping[str, MatrixMask]], None]
"""Called after each step with the number of steps done and the masks of that moment, by name of the weight."""


def train_mask(
    model: "PreTrainedModel", run: TrainingRun, score: Score, plan: MaskPlan, watch: Watch | None = None
) -> MaskSearch:
    """Learn a mask for the prunable matrices of `model`: ``P^mask_L(f(θ))``, Algorithm 2.

    Scores are trained through the straight-through estimator; every Δt_φ steps the thresholds are solved anew to meet
    the sparsity exactly. Of the candidates (`MaskPlan.candidates`) the one with the best score is chosen, the earliest
    of equals. No weight of `model` changes.

    Args:
        model: a sequence classifier; it is left as it was found. It computes in float32 meanwhile.
        run: training examples, loss, and the recipe of the scores.
        score: how good the mask in `model` is, on in-distribution examples that it is chosen by.
        plan: sparsity, initialisation, thresholds and selection.
        watch: given the masks after every step.

    Raises:
        InputError: if the model has no such matrices.
        DivergedError: if the loss is no longer finite.
    """
    with as_found(model):
        return _train_mask(model, run, score, plan, watch)


def _train_mask(
    model: "PreTrainedModel", run: TrainingRun, score: Score, plan: MaskPlan, watch: Watch | None
) -> MaskSearch:
    steps = run.recipe.steps
    candidates, scored = plan.candidates(steps), plan.scored(steps)
    weights = prunable_weights(model, plan.pooler)
    masks, best = LearnedMasks(model, weights, initial_masks(weights, plan)), Best(run.snapshot)

    def after_step(step: int) -> None:
        if plan.is_solved(step, steps):
            masks.solve(plan.sparsity_after(step, steps))
        if step in scored:
            model.eval()
            value = score(step)
            if step in candidates:
                best.see(step, value, masks.kept())
        if watch:
            watch(step, masks.matrices())
        run.after_step(step)

    if run.snapshot and (past := run.snapshot.keep("search", masks.state)):
        masks.load(past)
    with masks.applied():
        trace = fit(model, masks.scores, replace(run, after_step=after_step))
    return MaskSearch(Mask(best.kept), best.step, best.selection, trace)
