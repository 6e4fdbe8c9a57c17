"""The sizes at which the study can be run: what model, what text, how much training, how many seeds."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from srnet.errors import InputError
from srnet.pocket import PLM_NAME, World
from srnet.tasks import TASKS
from srnet.training import Recipe

SPARSITIES = (0.0, 0.2, 0.5, 0.7, 0.9)
MNLI, QQP, FEVER = (-(-examples // Recipe(1).batch_size) for examples in (392_702, 363_846, 242_911))  # steps an epoch


@dataclass(frozen=True)
class Training:
    """How long each kind of model is trained on one task.

    Attributes:
        full: fine-tuning with cross-entropy.
        full_debiased: fine-tuning with a debiasing loss.
        mask: mask training.
        interval: Δt_φ, steps between two solutions of the thresholds of mask training.
    """

    full: Recipe
    full_debiased: Recipe
    mask: Recipe
    interval: int


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
    """

    name: str
    title: str
    plm: str
    world: World | None
    training: Mapping[str, Training]
    sparsities: tuple[float, ...]
    seeds: tuple[int, ...]


_POCKET = Training(
    full=Recipe(steps=400, lr=1e-3, warmup=40),
    full_debiased=Recipe(steps=400, lr=1e-3, warmup=40),
    mask=Recipe(steps=800, batch_size=16, lr=1e-3, warmup=80),
    interval=40,
)
_SMOKE = Training(
    full=Recipe(steps=12, batch_size=16, lr=1e-3, warmup=1),
    full_debiased=Recipe(steps=12, batch_size=16, lr=1e-3, warmup=1),
    mask=Recipe(steps=12, batch_size=16, lr=1e-3, warmup=1),
    interval=4,
)
_SMALL = Training(
    full=Recipe(steps=600, lr=1e-4, warmup=60),
    full_debiased=Recipe(steps=600, lr=1e-4, warmup=60),
    mask=Recipe(steps=240, lr=2e-4, warmup=24),  # at 1e-3 the training loss rises to ln 3 once warm-up ends, and stays
    interval=60,
)
_SMALLER = replace(_SMALL, full=Recipe(steps=300, lr=1e-4, warmup=30), full_debiased=Recipe(300, lr=1e-4, warmup=30))
# Tables 3 and 4 of the supplement, and the released scripts where these are silent: epochs, warm-up, clipping.
_PAPER = {
    "nli": Training(
        full=Recipe(steps=3 * MNLI, warmup=3600),
        full_debiased=Recipe(steps=5 * MNLI, warmup=3600),
        mask=Recipe(steps=5 * MNLI, warmup=3600),
        interval=1000,
    ),
    "paraphrase": Training(
        full=Recipe(steps=3 * QQP, lr=2e-5, warmup=3400, clip_each=True),
        full_debiased=Recipe(steps=3 * QQP, lr=2e-5, warmup=3400, clip_each=True),
        mask=Recipe(steps=7 * QQP, lr=2e-5, warmup=3400, clip_each=True),
        interval=1000,
    ),
    "fact": Training(
        full=Recipe(steps=3 * FEVER, lr=2e-5),
        full_debiased=Recipe(steps=3 * FEVER, lr=2e-5),
        mask=Recipe(steps=7 * FEVER, lr=2e-5),
        interval=500,
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
        ),
        Profile(
            name="pocket",
            title="the pocket world: a generated language and a BERT of three layers",
            plm=PLM_NAME,
            world=World(),
            training=dict.fromkeys(TASKS, _POCKET),
            sparsities=SPARSITIES,
            seeds=(1, 2),
        ),
        Profile(
            name="small",
            title="real text and a small pre-trained encoder",
            plm="sentence-transformers/all-MiniLM-L6-v2",
            world=None,
            training={"nli": _SMALL, "paraphrase": _SMALLER, "fact": _SMALLER},
            sparsities=(0.0, 0.5),
            seeds=(1,),
        ),
        Profile(
            name="paper",
            title="the paper's own setting: BERT-base and the full data sets",
            plm="bert-base-uncased",
            world=None,
            training=_PAPER,
            sparsities=SPARSITIES,
            seeds=(1, 2, 3, 4),
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
