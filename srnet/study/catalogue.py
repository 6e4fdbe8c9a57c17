"""What every figure and table of the paper, its supplement and this study shows: experiments with labels."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from srnet.data.tasks import TASKS
from srnet.experiments.expressions import Checkpoint, FineTuned, Pretrained
from srnet.pruning.mask_training import Gradual
from srnet.study.bias_sweep import sweep_runs
from srnet.study.deviations import deviation_runs
from srnet.study.points import TIMING_SPARSITIES, Run, Setting

HIGH_SPARSITIES = (0.7, 0.8, 0.9, 0.95)  # Section 5.2
INITIAL_SPARSITY = 0.7  # s_i of Section 5.2, as in the authors' released code
ABLATION_SPARSITIES = (0.7, 0.9)  # Appendix C.4
PLM_SPARSITIES = (0.5, 0.7)  # Appendix C.5


@dataclass(frozen=True)
class Figure:
    """A figure or table of the paper, its supplement or this study.

    Attributes:
        name: its name on the command line and in notebooks, such as "figure-2".
        label: what the paper calls it, if it is the paper's.
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
    full, sparsity = setting.full(), TIMING_SPARSITIES[setting.data.task]
    for step in full.checkpoints:
        yield setting.run("full bert (std)", 0.0, full, step)
    yield setting.run("full bert (std)", 0.0, full)
    middle = [Checkpoint(full, step) for step in full.checkpoints]
    starts: list[Pretrained | Checkpoint | FineTuned] = [setting.plm, *middle, full]
    for of in starts:
        yield setting.run("mask train (poe)", sparsity, setting.mask(of, "poe", sparsity))


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
    """Initialisation of mask training (Appendix C.4)."""
    yield from _full_models(setting)
    for init in ("hard", "soft"):
        found = partial(setting.mask, setting.full(), "poe", init=init)
        yield from setting.curve(f"mask train (poe, {init}, local)", ABLATION_SPARSITIES, found)


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
        Figure("table-5", "Table 5", "initialisation of mask training", "C4-ablation", _ablation),
        Figure("table-6", "Table 6", "other pre-trained models", "C5-other-plms", _by_plm),
        Figure("deviations", "Deviations", "the released code against the paper's text", "deviations", deviation_runs),
        Figure("pocket-world", "The pocket world", "full models by strength of the bias", "pocket-world", sweep_runs),
    )
}
