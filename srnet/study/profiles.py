"""The sizes at which the study can be run: what model, what text, how much training, how many seeds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from srnet.data.statistics import FEVER, OFFICIAL
from srnet.data.tasks import TASKS
from srnet.errors import InputError
from srnet.pocket import PLM_NAME, World
from srnet.training.loop import Recipe

SPARSITIES = (0.0, 0.2, 0.5, 0.7, 0.9)


def _epoch(task: str, *data_sets: str) -> int:
    """Return the steps of an epoch over official training sets of a task."""
    sizes = [FEVER["train"] if name == "fever" else OFFICIAL[task, name, "train"].examples[0] for name in data_sets]
    return -(-sum(sizes) // Recipe(1).batch_size)


_MNLI, _MNLI_OOD = _epoch("nli", "mnli-m"), _epoch("nli", "mnli-m", "hans")
_QQP, _QQP_OOD = _epoch("paraphrase", "qqp"), _epoch("paraphrase", "qqp", "paws-qqp", "paws-wiki")
_FEVER, _FEVER_OOD = _epoch("fact", "fever"), _epoch("fact", "fever", "sym2")


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
    """

    full: Recipe
    full_debiased: Recipe
    mask: Recipe
    interval: int
    mask_ood: Recipe | None = None
    imp: Recipe | None = None
    checkpoints: tuple[int, ...] = ()

    def full_with(self, loss: str) -> Recipe:
        """Return how all weights, or those that a mask leaves, are fine-tuned with a loss."""
        return self.full if loss in ("std", "reweight") else self.full_debiased


@dataclass(frozen=True)
class Profile:
    """One size of the study.

    Attributes:
        name: its name on the command line and in notebooks.
        title: what its results are results of, for captions.
        plm: pre-trained model, if the user names no other: a name on the Hugging Face hub, or `srnet.pocket.PLM_NAME`.
        world: settings of the pocket world; None for the official data files.
        training: by task.
        sparsities: shares of weights removed; 0 is the full model.
        seeds: one run of everything for each.
        other_plms: names on the Hugging Face hub of further pre-trained models (Appendix C.5).
        left_out: names of the figures and tables (`srnet.study.catalogue.FIGURES`) that the profile has not.
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


# With 400, 600 and 800 steps, masks at 70 % (std and poe, in the raw and the fine-tuned model, three tasks, seeds 5 and
# 6) had mean ID scores of 88.8, 88.5 and 88.6 %; with cross-entropy alone 92.7, 93.5 and 93.6 %.
_POCKET = Training(
    full=Recipe(steps=400, lr=1e-3, warmup=40),
    full_debiased=Recipe(steps=400, lr=1e-3, warmup=40),
    mask=Recipe(steps=500, batch_size=16, lr=1e-3, warmup=50),
    interval=25,
    mask_ood=Recipe(steps=750, batch_size=16, lr=1e-3, warmup=75),
    imp=Recipe(steps=500, batch_size=16, lr=1e-3, warmup=50),
    checkpoints=(50, 100, 200, 300),
)
_SMOKE = Training(
    full=Recipe(steps=12, batch_size=16, lr=1e-3, warmup=1),
    full_debiased=Recipe(steps=12, batch_size=16, lr=1e-3, warmup=1),
    mask=Recipe(steps=12, batch_size=16, lr=1e-3, warmup=1),
    interval=4,
    mask_ood=Recipe(steps=12, batch_size=16, lr=1e-3, warmup=1),
    imp=Recipe(steps=10, batch_size=16, lr=1e-3, warmup=1),
    checkpoints=(3, 6),
)
_SMALL = Training(
    full=Recipe(steps=600, lr=1e-4, warmup=60),
    full_debiased=Recipe(steps=600, lr=1e-4, warmup=60),
    mask=Recipe(steps=240, lr=2e-4, warmup=24),  # at 1e-3 the training loss rises to ln 3 once warm-up ends, and stays
    interval=60,
)
_SMALLER = replace(_SMALL, full=Recipe(steps=300, lr=1e-4, warmup=30), full_debiased=Recipe(300, lr=1e-4, warmup=30))
# Table 3 and Appendix B.3: epochs (masks and IMP: 5, 7 and 7), learning rates, intervals. The text is silent on what
# stands here by name, which is that of the released scripts.
_NLI_WARMUP, _QQP_WARMUP = 3600, 3400  # scripts; none for FEVER, for IMP, and for QQP with OOD data
_QQP_CLIPS_EACH = True  # scripts: gradients are clipped tensor by tensor
_CHECKPOINTS = (5_000, 10_000, 15_000, 20_000)  # scripts; the text names the earliest that suffice (55, 44 and 44 %)
_PAPER = {
    "nli": Training(
        full=Recipe(steps=3 * _MNLI, warmup=_NLI_WARMUP),
        full_debiased=Recipe(steps=5 * _MNLI, warmup=_NLI_WARMUP),
        mask=Recipe(steps=5 * _MNLI, warmup=_NLI_WARMUP),
        interval=1000,
        mask_ood=Recipe(steps=5 * _MNLI_OOD, warmup=_NLI_WARMUP),
        imp=Recipe(steps=5 * _MNLI),
        checkpoints=_CHECKPOINTS,
    ),
    "paraphrase": Training(
        full=Recipe(steps=3 * _QQP, lr=2e-5, warmup=_QQP_WARMUP, clip_each=_QQP_CLIPS_EACH),
        full_debiased=Recipe(steps=3 * _QQP, lr=2e-5, warmup=_QQP_WARMUP, clip_each=_QQP_CLIPS_EACH),
        mask=Recipe(steps=7 * _QQP, lr=2e-5, warmup=_QQP_WARMUP, clip_each=_QQP_CLIPS_EACH),
        interval=1000,
        mask_ood=Recipe(steps=7 * _QQP_OOD, lr=2e-5, clip_each=_QQP_CLIPS_EACH),
        imp=Recipe(steps=7 * _QQP, lr=2e-5),
        checkpoints=_CHECKPOINTS,
    ),
    "fact": Training(
        full=Recipe(steps=3 * _FEVER, lr=2e-5),
        full_debiased=Recipe(steps=3 * _FEVER, lr=2e-5),
        mask=Recipe(steps=7 * _FEVER, lr=2e-5),
        interval=500,
        mask_ood=Recipe(steps=7 * _FEVER_OOD, lr=2e-5),
        imp=Recipe(steps=7 * _FEVER, lr=2e-5),
        checkpoints=_CHECKPOINTS,
    ),
}

PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        Profile(
            name="smoke",
            title="a few steps in the pocket world, to see that everything runs; the numbers mean nothing",
            plm=PLM_NAME,
            world=World(train=240, dev=60, test=120),
            training=dict.fromkeys(TASKS, _SMOKE),
            sparsities=SPARSITIES,
            seeds=(1, 2),
            left_out=("table-6",),
        ),
        Profile(
            name="pocket",
            title="the pocket world: a generated language and a BERT of three layers",
            plm=PLM_NAME,
            world=World(),
            training=dict.fromkeys(TASKS, _POCKET),
            sparsities=(0.0, 0.5, 0.7, 0.9),  # more take longer than two cores should
            seeds=(1, 2),
            left_out=("table-6",),
        ),
        Profile(
            name="small",
            title="real text and a small pre-trained encoder",
            plm="sentence-transformers/all-MiniLM-L6-v2",
            world=None,
            training={"nli": _SMALL, "paraphrase": _SMALLER, "fact": _SMALLER},
            sparsities=(0.0, 0.5),
            seeds=(1,),
            left_out=(
                *(f"figure-{name}" for name in ("3", "4", "5", "6", "7", "8", "s1", "s2", "s3")),
                *("table-5", "table-6", "deviations", "pocket-world"),
            ),
        ),
        Profile(
            name="paper",
            title="the paper's own setting: BERT-base and the full data sets",
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
