"""What every figure and table of the paper and its supplement shows, as labelled experiments.

A curve has the paper's name within its figure. An arrow stands between what is done one after the other: "mask train
(poe) -> ft (std)" is a mask trained with the product of experts, and what it leaves of the pre-trained model fine-tuned
with cross-entropy.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from srnet.experiments import Checkpoint, Data, FineTuned, Masked, Pretrained, Pruned, Teacher, pretrained
from srnet.magnitude import is_level
from srnet.mask_training import Gradual
from srnet.profiles import Training
from srnet.tasks import TASKS

TIMING_SPARSITY = 0.7  # Section 5.1
HIGH_SPARSITIES = (0.7, 0.8, 0.9, 0.95)  # Section 5.2
INITIAL_SPARSITY = 0.7  # s_i of Section 5.2, as in the authors' released code
ABLATION_SPARSITIES = (0.7, 0.9)  # Appendix C.4
PLM_SPARSITIES = (0.5, 0.7)  # Appendix C.5


@dataclass(frozen=True)
class Run:
    """A point of a figure.

    Attributes:
        task: name of the task, which is the panel.
        curve: name of the line, such as "mask train (poe)".
        sparsity: share of weights removed, in [0, 1).
        seed: which repetition.
        experiment: what is computed.
        step: the checkpoint of a fine-tuning that is shown; None for its end.
    """

    task: str
    curve: str
    sparsity: float
    seed: int
    experiment: FineTuned | Pruned
    step: int | None = None

    @property
    def plm(self) -> str:
        """Name of the pre-trained model."""
        return pretrained(self.experiment).name

    @property
    def start(self) -> float:
        """Share of a full model's fine-tuning after which the search for the subnetwork starts; 0 in the raw model.

        Of a full model it is the share after which it is tested.
        """
        if self.step is not None:
            return self.step / self.experiment.recipe.steps  # type: ignore[union-attr]
        return _share_fine_tuned(self.experiment)

    def metrics(self, record: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the metrics by data set, out of the record of the experiment."""
        return record["metrics"] if self.step is None else record["checkpoints"][str(self.step)]


@dataclass(frozen=True)
class Setting:
    """What the experiments of one task and one repetition have in common.

    Attributes:
        training: how long each kind of model is trained.
        plm: the pre-trained model.
        data: the task's text.
        seed: which repetition.
        sparsities: of figures drawn against sparsity, in [0, 1); 0 is the full model.
        other_plms: further pre-trained models, for Appendix C.5.
    """

    training: Training
    plm: Pretrained
    data: Data
    seed: int
    sparsities: tuple[float, ...]
    other_plms: tuple[Pretrained, ...]

    def run(self, curve: str, sparsity: float, experiment: FineTuned | Pruned, step: int | None = None) -> Run:
        """Return an experiment with its labels."""
        return Run(self.data.task, curve, sparsity, self.seed, experiment, step)

    def curve(
        self,
        name: str,
        sparsities: Iterable[float],
        found: Callable[[float], FineTuned | Pruned],
        full: FineTuned | None = None,
    ) -> Iterator[Run]:
        """Yield what is found at each sparsity, and the full model at 0, where there is one."""
        for sparsity in sparsities:
            if sparsity:
                yield self.run(name, sparsity, found(sparsity))
            elif full:
                yield self.run(name, 0.0, full)

    def full(self, loss: str = "std") -> FineTuned:
        """Return the full model, ``A_L(f(θ_pt))``; the one that Section 5.1 is about keeps its checkpoints."""
        recipe, steps = self.training.full_with(loss), self.training.checkpoints if loss == "std" else ()
        return FineTuned(self.plm, self.data, self.seed, recipe, loss, self._teacher(loss), steps)

    def mask(self, of: Pretrained | FineTuned | Checkpoint, loss: str, sparsity: float, **changes: Any) -> Pruned:
        """Return a subnetwork found by mask training, ``P^mask_L(f(θ))``; `changes` are fields of `Pruned`."""
        fields: dict[str, Any] = {
            "recipe": self.training.mask_with(loss),
            "interval": self.training.interval,
            "loss": loss,
        }
        fields |= {"teacher": self._teacher(loss)} | changes
        return Pruned(of, self.data, self.seed, sparsity, **fields)

    def mask_ood(self, of: Pretrained | FineTuned, sparsity: float) -> Pruned:
        """Return a subnetwork found by mask training with cross-entropy on ID and OOD training examples."""
        data = replace(self.data, with_ood=True)
        return replace(self.mask(of, "std", sparsity, recipe=self.training.mask_ood), data=data)

    def imp(self, of: Pretrained | FineTuned, loss: str, sparsity: float) -> Pruned:
        """Return a subnetwork found by iterative magnitude pruning, ``P^imp_L(f(θ))``."""
        return Pruned(of, self.data, self.seed, sparsity, self.training.imp, method="imp", loss=loss)

    def imp_rewound(self, loss: str, sparsity: float) -> Pruned:
        """Return one found so in the pre-trained model, with the weights of that model."""
        return replace(self.imp(self.plm, loss, sparsity), method="imp-rewind")

    def in_isolation(self, found: Pruned, loss: str) -> FineTuned:
        """Return what a mask leaves of the pre-trained model, fine-tuned: ``A_L(f(M(f') ⊙ θ_pt))``."""
        return replace(self.full(loss), of=Masked(self.plm, found), checkpoints=())

    @property
    def levels(self) -> tuple[float, ...]:
        """Those of the sparsities that iterative pruning passes through; none where the profile leaves it out."""
        return tuple(s for s in self.sparsities if is_level(s) or not s) if self.training.imp else ()

    def _teacher(self, loss: str) -> Teacher | None:
        return Teacher(self.full()) if loss == "confreg" else None


@dataclass(frozen=True)
class Figure:
    """A figure or table of the paper or its supplement.

    Attributes:
        name: its name on the command line and in notebooks, such as "figure-2".
        label: what the paper calls it.
        title: what it shows.
        notebook: file name of the chapter that shows it, without its ending.
        runs: the experiments of one task and one repetition.
        tasks: names of the tasks that it has panels for.
    """

    name: str
    label: str
    title: str
    notebook: str
    runs: Callable[[Setting], Iterator[Run]]
    tasks: tuple[str, ...] = tuple(TASKS)


def _full_models(setting: Setting) -> Iterator[Run]:
    for loss in ("std", "poe"):
        yield setting.run(f"full bert ({loss})", 0.0, setting.full(loss))


def _in_fine_tuned(setting: Setting) -> Iterator[Run]:
    """Subnetworks of a BERT that was fine-tuned with cross-entropy (Section 4.2)."""
    yield from _full_models(setting)
    full = setting.full()
    for loss in ("std", "poe"):
        yield from setting.curve(f"mask train ({loss})", setting.sparsities, partial(setting.mask, full, loss), full)
    for loss in ("std", "poe"):
        yield from setting.curve(f"imp ({loss})", setting.levels, partial(setting.imp, full, loss), full)


def _in_debiased(setting: Setting) -> Iterator[Run]:
    """Subnetworks of a BERT that was fine-tuned with the product of experts (Section 4.2)."""
    yield from _full_models(setting)
    full, debiased = setting.full(), setting.full("poe")
    yield from setting.curve("mask train (poe)", setting.sparsities, partial(setting.mask, debiased, "poe"), debiased)
    yield from setting.curve("imp (poe)", setting.levels, partial(setting.imp, debiased, "poe"), debiased)
    reference = "full bert (std) -> mask train (poe)"  # of the figure before
    yield from setting.curve(reference, setting.sparsities, partial(setting.mask, full, "poe"), full)


def _in_isolation(setting: Setting) -> Iterator[Run]:
    """Subnetworks of the pre-trained BERT, found and then fine-tuned (Section 4.3)."""

    def with_trained_mask(loss: str, sparsity: float) -> FineTuned:
        return setting.in_isolation(setting.mask(setting.full(), "poe", sparsity), loss)

    def with_magnitude_mask(loss: str, sparsity: float) -> FineTuned:
        return setting.in_isolation(setting.imp_rewound("std", sparsity), loss)

    yield from _full_models(setting)
    for loss in ("std", "poe"):
        name, found = f"mask train (poe) -> ft ({loss})", partial(with_trained_mask, loss)
        yield from setting.curve(name, setting.sparsities, found, setting.full(loss))
    for loss in ("std", "poe"):
        name, found = f"imp-rw (std) -> ft ({loss})", partial(with_magnitude_mask, loss)
        yield from setting.curve(name, setting.levels, found, setting.full(loss))


def _without_fine_tuning(setting: Setting) -> Iterator[Run]:
    """Subnetworks of the pre-trained BERT that are used as they are (Section 4.4)."""
    yield from _full_models(setting)
    for loss in ("std", "poe"):
        yield from setting.curve(f"mask train ({loss})", setting.sparsities, partial(setting.mask, setting.plm, loss))
    for loss in ("std", "poe"):
        yield from setting.curve(f"imp-rw ({loss})", setting.levels, partial(setting.imp_rewound, loss))


def _with_ood(setting: Setting) -> Iterator[Run]:
    """Subnetworks found with the help of OOD training examples, in all three ways (Section 4.5)."""
    full, sparsities = setting.full(), setting.sparsities

    def isolated(sparsity: float) -> FineTuned:
        return setting.in_isolation(setting.mask_ood(full, sparsity), "std")

    yield from _full_models(setting)
    yield from setting.curve("full bert (std) -> mask train (ood)", sparsities, partial(setting.mask_ood, full), full)
    yield from setting.curve("mask train (ood) -> ft (std)", sparsities, isolated, full)
    yield from setting.curve("bert -> mask train (ood)", sparsities, partial(setting.mask_ood, setting.plm))


def _by_start(setting: Setting) -> Iterator[Run]:
    """Full models, and subnetworks found in them, at several points of fine-tuning (Section 5.1)."""
    full = setting.full()
    for step in full.checkpoints:
        yield setting.run("full bert (std)", 0.0, full, step)
    yield setting.run("full bert (std)", 0.0, full)
    middle = [Checkpoint(full, step) for step in full.checkpoints]
    starts: list[Pretrained | Checkpoint | FineTuned] = [setting.plm, *middle, full]
    for of in starts:
        yield setting.run("mask train (poe)", TIMING_SPARSITY, setting.mask(of, "poe", TIMING_SPARSITY))


def _high_sparsity(setting: Setting) -> Iterator[Run]:
    """Subnetworks of high sparsity, from mask training at a fixed and at a rising one (Section 5.2)."""
    # The authors' released code starts softly where the sparsity rises, and hard everywhere else.
    gradual = partial(setting.mask, setting.full(), "poe", gradual=Gradual(INITIAL_SPARSITY), init="soft")
    risen = [sparsity for sparsity in HIGH_SPARSITIES if sparsity > INITIAL_SPARSITY]
    yield from _full_models(setting)
    fixed = partial(setting.mask, setting.full(), "poe")
    yield from setting.curve("mask train (poe)", HIGH_SPARSITIES, fixed)
    yield from setting.curve("mask train (poe, gradual)", risen, gradual)


def _other_losses(setting: Setting) -> Iterator[Run]:
    """The other debiasing losses (Appendix C.1)."""
    full = setting.full()
    for loss in ("std", "reweight", "confreg"):
        yield setting.run(f"full bert ({loss})", 0.0, setting.full(loss))
    for loss in ("reweight", "confreg"):
        yield from setting.curve(f"mask train ({loss})", setting.sparsities, partial(setting.mask, full, loss), full)


def _ablation(setting: Setting) -> Iterator[Run]:
    """Initialisation and scope of mask training (Appendix C.4)."""
    yield from _full_models(setting)
    for init in ("hard", "soft"):
        for scope in ("local", "global"):
            found = partial(setting.mask, setting.full(), "poe", init=init, scope=scope)
            yield from setting.curve(f"mask train (poe, {init}, {scope})", ABLATION_SPARSITIES, found)


def _by_plm(setting: Setting) -> Iterator[Run]:
    """Full models and their subnetworks for several pre-trained models (Appendix C.5)."""
    without_checkpoints = replace(setting.training, checkpoints=())
    others = [replace(setting, plm=plm, training=without_checkpoints) for plm in setting.other_plms]
    for of_plm in (setting, *others):
        for loss in ("std", "poe"):
            yield of_plm.run(f"full ({loss})", 0.0, of_plm.full(loss))
        for loss in ("std", "poe"):
            found = partial(of_plm.mask, of_plm.full(), loss)
            yield from of_plm.curve(f"mask train ({loss})", PLM_SPARSITIES, found)


FIRST, OTHERS = tuple(TASKS)[:1], tuple(TASKS)[1:]  # tasks of the paper's, and of the supplement's panels

FIGURES: Mapping[str, Figure] = {
    figure.name: figure
    for figure in (
        Figure("figure-2", "Figure 2", "subnetworks of BERT fine-tuned (std)", "04-2-fine-tuned", _in_fine_tuned),
        Figure("figure-3", "Figure 3", "subnetworks of BERT fine-tuned (poe)", "04-2-fine-tuned", _in_debiased),
        Figure("figure-4", "Figure 4", "subnetworks fine-tuned in isolation", "04-3-in-isolation", _in_isolation),
        Figure(
            "figure-5", "Figure 5", "subnetworks without fine-tuning", "04-4-without-fine-tuning", _without_fine_tuning
        ),
        Figure("figure-6", "Figure 6", "sparse and unbiased subnetworks", "04-5-unbiased", _with_ood, FIRST),
        Figure("figure-7", "Figure 7", "when to start the search", "05-1-timing", _by_start, FIRST),
        Figure("figure-8", "Figure 8", "rising sparsity", "05-2-high-sparsity", _high_sparsity),
        Figure("figure-s1", "Figure 1 of the supplement", "other losses", "C1-more-debiasing", _other_losses),
        Figure(
            "figure-s2",
            "Figure 2 of the supplement",
            "sparse and unbiased subnetworks, other tasks",
            "04-5-unbiased",
            _with_ood,
            OTHERS,
        ),
        Figure(
            "figure-s3",
            "Figure 3 of the supplement",
            "when to start the search, other tasks",
            "05-1-timing",
            _by_start,
            OTHERS,
        ),
        Figure("table-5", "Table 5", "initialisation and scope of mask training", "C4-ablation", _ablation),
        Figure("table-6", "Table 6", "other pre-trained models", "C5-other-plms", _by_plm),
    )
}


def _share_fine_tuned(experiment: FineTuned | Pruned) -> float:
    of = experiment.of
    if isinstance(of, Masked):
        return _share_fine_tuned(of.like)
    if isinstance(experiment, FineTuned):
        return 1.0
    if isinstance(of, Checkpoint):
        return of.step / of.of.recipe.steps
    return 0.0 if isinstance(of, Pretrained) else 1.0
