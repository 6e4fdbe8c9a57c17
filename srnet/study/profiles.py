"""The sizes at which the study can be run: what model, what text, how much training, how many seeds."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from srnet.data.statistics import training_examples
from srnet.data.tasks import TASKS
from srnet.errors import InputError
from srnet.paper import TABLE_3
from srnet.pocket import PLM_NAME, World
from srnet.training.recipe import Recipe

SPARSITIES = (0.2, 0.5, 0.7, 0.9)


def _epoch(task: str, with_ood: bool = False) -> int:
    """Return the steps of an epoch over a task's official training set, with its OOD training examples if asked for."""
    return -(-training_examples(task, with_ood) // Recipe(1).batch_size)


_MNLI, _MNLI_OOD = _epoch("nli"), _epoch("nli", with_ood=True)
_QQP, _QQP_OOD = _epoch("paraphrase"), _epoch("paraphrase", with_ood=True)
_FEVER, _FEVER_OOD = _epoch("fact"), _epoch("fact", with_ood=True)


@dataclass(frozen=True)
class Training:
    """How long each kind of model is trained on one task.

    Attributes:
        full: fine-tuning with cross-entropy or reweighting.
        full_debiased: fine-tuning with another debiasing loss.
        mask: mask training.
        interval: steps between two evaluations of full models and of masks; of the latter also Δt_φ, the steps between
            two solutions of the thresholds.
        mask_ood: mask training with OOD training examples; None where the profile leaves it out.
        imp: iterative magnitude pruning; None where the profile leaves it out.
        checkpoints: steps of fine-tuning with cross-entropy after which a search starts (Section 5.1).
        mask_epochs: what `mask` is the length of (Appendix B.3.3). In the pocket world an epoch is what `full` has
            three of, counted in examples.
    """

    full: Recipe
    full_debiased: Recipe
    mask: Recipe
    interval: int
    mask_ood: Recipe | None = None
    imp: Recipe | None = None
    checkpoints: tuple[int, ...] = ()
    mask_epochs: int = 5

    def full_with(self, loss: str) -> Recipe:
        """Return how all weights, or those that a mask leaves, are fine-tuned with a loss."""
        return self.full if loss in ("std", "reweight") else self.full_debiased

    def mask_for(self, epochs: int) -> Recipe:
        """Return how a mask is trained for a number of epochs; all but the length is as in `mask`."""
        return replace(self.mask, steps=self.mask.steps * epochs // self.mask_epochs)


@dataclass(frozen=True)
class Profile:
    """One size of the study.

    Attributes:
        name: its name on the command line and in notebooks.
        title: what its results are results of, for captions.
        plm: pre-trained model, if the user names no other: a name on the Hugging Face hub, or `srnet.pocket.PLM_NAME`.
        world: settings of the pocket world; None for the official data files.
        training: by task.
        sparsities: shares of weights removed.
        seeds: one run of everything for each.
        other_plms: names of further pre-trained models (Appendix C.5).
        left_out: names of the figures and tables (`srnet.study.catalogue.FIGURES`) that the profile has not.
        fewer_sparsities: of the sparsities those that a figure is drawn at, by its name, where they are not all.
    """

    name: str
    title: str
    plm: str
    world: World | None
    training: Mapping[str, Training]
    sparsities: tuple[float, ...]
    seeds: tuple[int, ...]
    other_plms: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    fewer_sparsities: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


# Scripts; the text names the earliest that suffice (Section 5.1, Appendix C.3: 55, 44 and 44 % of fine-tuning).
_CHECKPOINTS = (5_000, 10_000, 15_000, 20_000)
_FULL_STEPS = {"nli": 3 * _MNLI, "paraphrase": 3 * _QQP, "fact": 3 * _FEVER}  # Table 3


def _checkpoints(task: str, steps: int) -> tuple[int, ...]:
    """Return the paper's starts of Section 5.1 as the same shares of a fine-tuning of another length."""
    return tuple(round(steps * step / _FULL_STEPS[task]) for step in _CHECKPOINTS)


# Of mask training and of iterative pruning: the best by ID development scores (`results/pocket-rates.jsonl`).
_POCKET_RATES = {"nli": (5e-4, 1e-3), "paraphrase": (2.5e-4, 5e-4), "fact": (2.5e-4, 1e-3)}


def _pocket(task: str) -> Training:
    full, setup = Recipe(steps=400, lr=1e-3, warmup=40), TABLE_3[task]
    batch_size = 16
    epoch = full.steps * full.batch_size // (batch_size * setup.full_epochs)  # steps
    of_masks, of_imp = _POCKET_RATES[task]

    def searched(epochs: int, lr: float, with_ood: bool = False) -> Recipe:
        steps = epochs * epoch * 3 // 2 if with_ood else epochs * epoch  # OOD examples are a third of all
        return Recipe(steps, batch_size=batch_size, lr=lr, warmup=steps // 10)

    return Training(
        full=full,
        full_debiased=replace(full, steps=full.steps * setup.debiased_epochs // setup.full_epochs),
        mask=searched(setup.mask_epochs, of_masks),
        interval=25,
        mask_ood=searched(setup.mask_epochs, of_masks, with_ood=True),
        imp=searched(setup.imp_epochs, of_imp),
        checkpoints=_checkpoints(task, full.steps),
        mask_epochs=setup.mask_epochs,
    )


def _smoke(task: str) -> Training:
    few = Recipe(steps=12, batch_size=16, lr=1e-3, warmup=1)
    return Training(
        full=few,
        full_debiased=few,
        mask=few,
        interval=4,
        mask_ood=few,
        imp=replace(few, steps=10),
        checkpoints=_checkpoints(task, few.steps),
        mask_epochs=TABLE_3[task].mask_epochs,
    )


# Steps of fine-tuning: five epochs of a sample of 25,931, 11,946 and 8,866 pairs; and the OOD training examples, copies
# counted, for each of these.
_SMALL_STEPS = {"nli": 2040, "paraphrase": 960, "fact": 720}
_SMALL_OOD = {"nli": Fraction(30_000, 25_931), "fact": Fraction(7_080, 8_866)}
# Of fine-tuning, the best by ID development scores (`results/small-rates.jsonl`); of mask training and of iterative
# pruning, not searched yet. Masks at 5e-4 often ended in the majority class (`results/small-first-look.jsonl`).
_SMALL_RATES = {"nli": (1e-4, 2e-4, 2e-4), "paraphrase": (5e-5, 2e-4, 2e-4), "fact": (1e-4, 2e-4, 2e-4)}


def _small(task: str) -> Training:
    setup, steps = TABLE_3[task], _SMALL_STEPS[task]
    of_full, of_masks, of_imp = _SMALL_RATES[task]

    def recipe(epochs: int, lr: float, share: Fraction = Fraction(1)) -> Recipe:
        length = round(steps * share * epochs / setup.full_epochs)
        return Recipe(length, batch_size=64, lr=lr, warmup=length // 10, precision="bfloat16")

    full = recipe(setup.full_epochs, of_full)
    with_ood = _SMALL_OOD.get(task)
    return Training(
        full=full,
        full_debiased=full,
        mask=recipe(setup.mask_epochs, of_masks),
        interval=steps // 20,
        mask_ood=recipe(setup.mask_epochs, of_masks, 1 + with_ood) if with_ood else None,
        imp=recipe(setup.imp_epochs, of_imp),
        mask_epochs=setup.mask_epochs,
    )


# Table 3 and Appendix B.3: epochs (masks and IMP: 5, 7 and 7), learning rates, intervals. The text is silent on what
# stands here by name, which is that of the released scripts.
_NLI_WARMUP, _QQP_WARMUP = 3600, 3400  # scripts; none for FEVER, for IMP, and for QQP with OOD data
_QQP_CLIPS_EACH = True  # scripts: gradients are clipped tensor by tensor


def _paper(steps: int, lr: float = 5e-5, warmup: int = 0, clip_each: bool = False) -> Recipe:
    """Return a recipe of the paper, with products in bfloat16; of what precision the paper's are, it does not say."""
    return Recipe(steps, lr=lr, warmup=warmup, clip_each=clip_each, precision="bfloat16")


_PAPER = {
    "nli": Training(
        full=_paper(3 * _MNLI, warmup=_NLI_WARMUP),
        full_debiased=_paper(5 * _MNLI, warmup=_NLI_WARMUP),
        mask=_paper(5 * _MNLI, warmup=_NLI_WARMUP),
        interval=1000,
        mask_ood=_paper(5 * _MNLI_OOD, warmup=_NLI_WARMUP),
        imp=_paper(5 * _MNLI),
        checkpoints=_CHECKPOINTS,
    ),
    "paraphrase": Training(
        full=_paper(3 * _QQP, lr=2e-5, warmup=_QQP_WARMUP, clip_each=_QQP_CLIPS_EACH),
        full_debiased=_paper(3 * _QQP, lr=2e-5, warmup=_QQP_WARMUP, clip_each=_QQP_CLIPS_EACH),
        mask=_paper(7 * _QQP, lr=2e-5, warmup=_QQP_WARMUP, clip_each=_QQP_CLIPS_EACH),
        interval=1000,
        mask_ood=_paper(7 * _QQP_OOD, lr=2e-5, clip_each=_QQP_CLIPS_EACH),
        imp=_paper(7 * _QQP, lr=2e-5),
        checkpoints=_CHECKPOINTS,
        mask_epochs=7,
    ),
    "fact": Training(
        full=_paper(3 * _FEVER, lr=2e-5),
        full_debiased=_paper(3 * _FEVER, lr=2e-5),
        mask=_paper(7 * _FEVER, lr=2e-5),
        interval=500,
        mask_ood=_paper(7 * _FEVER_OOD, lr=2e-5),
        imp=_paper(7 * _FEVER, lr=2e-5),
        checkpoints=_CHECKPOINTS,
        mask_epochs=7,
    ),
}

# Those whose results are published. Further ones are 2, 3, 4, 7, 8, 9 and 10: learning rates were searched on 5 and 6.
_POCKET_SEEDS = (1,)
_OTHER_POCKETS = ("pocket-roberta", "pocket-large")  # in place of RoBERTa-base and BERT-large

PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            name="smoke",
            title="a few steps in the pocket world, to see that everything runs; the numbers mean nothing",
            plm=PLM_NAME,
            world=World(train=240, dev=60, test=120),
            training={task: _smoke(task) for task in TASKS},
            sparsities=SPARSITIES,
            seeds=(1, 2),
            other_plms=_OTHER_POCKETS,
        ),
        Profile(
            name="pocket",
            title="the pocket world: a generated language and a BERT of three layers",
            plm=PLM_NAME,
            world=World(),
            training={task: _pocket(task) for task in TASKS},
            sparsities=SPARSITIES,
            seeds=_POCKET_SEEDS,
            other_plms=_OTHER_POCKETS,
        ),
        Profile(
            name="small",
            title="real text and a small pre-trained encoder",
            plm="sentence-transformers/all-MiniLM-L6-v2",
            world=None,
            training={task: _small(task) for task in TASKS},
            sparsities=SPARSITIES,
            seeds=(1,),
            left_out=(
                *(f"figure-{name}" for name in ("7", "s1", "s3")),
                *("table-5", "table-6", "mask-training", "deviations", "pocket-world"),
            ),
            fewer_sparsities={"figure-4": (0.5,), "figure-5": (0.5, 0.7), "figure-6": (0.5,), "figure-s2": (0.5,)},
        ),
        Profile(
            name="paper",
            title="BERT-base and the full data sets, as in the paper",
            plm="bert-base-uncased",
            world=None,
            training=_PAPER,
            sparsities=SPARSITIES,
            seeds=(1, 2, 3, 4),
            other_plms=("roberta-base", "bert-large-uncased"),
            left_out=("pocket-world",),
        ),
    )
}


def find_profile(name: str) -> Profile:
    """Return the profile of that name.

    Raises:
        InputError: if there is none.
    """
    if not isinstance(name, str) or name not in PROFILES:
        raise InputError(f"unknown profile {name!r}: choose one of {', '.join(PROFILES)}")
    return PROFILES[name]
