"""What every figure and table of the paper, its supplement and this study shows: experiments with labels."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from srnet.data.tasks import TASKS
from srnet.experiments.expressions import Checkpoint, FineTuned, Pretrained, Pruned
from srnet.paper import TABLE_5_EPOCHS
from srnet.pruning.mask_training import Gradual
from srnet.study.bias_sweep import sweep_runs
from srnet.study.deviations import deviation_runs
from srnet.study.points import TIMING_SPARSITIES, Run, Setting

EPOCHS = (3, 5, 7)  # of Figure 8, Appendix B.3.3 and Table 5, which share what they can
LOW_SPARSITY = 0.2  # Appendix B.3.3
HIGH_SPARSITY = 0.9  # Section 5.2, Appendix C.4
INITIAL_SPARSITY = 0.7  # of rising sparsity in Section 5.2 (Appendix B.3.3)
ABLATED = (0.2, 0.5, 0.7)  # initial sparsities of Appendix C.4
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
        by_step: whether it shows every evaluation during mask training instead of the mask that is chosen in the end.
    """

    name: str
    label: str
    title: str
    notebook: str
    runs: Callable[[Setting], Iterator[Run]]
    tasks: tuple[str, ...] = tuple(TASKS)
    by_step: bool = False


def _full_models(setting: Setting) -> Iterator[Run]:
    for loss in ("std", "poe"):
        yield setting.run(f"full bert ({loss})", 0.0, setting.full(loss))


def _of_figure_2(setting: Setting) -> Iterator[Run]:
    """Masks trained with the product of experts in the standard model, for reference beside those of others."""
    found = partial(setting.mask, setting.full(), "poe")
    yield from setting.curve("full bert (std) -> mask train (poe)", setting.sparsities, found)


def _in_fine_tuned(setting: Setting) -> Iterator[Run]:
    """Subnetworks of a BERT that was fine-tuned with cross-entropy (Section 4.2)."""
    yield from _full_models(setting)
    for loss in ("std", "poe"):
        found = partial(setting.mask, setting.full(), loss)
        yield from setting.curve(f"mask train ({loss})", setting.sparsities, found)
    for loss in ("std", "poe"):
        yield from setting.curve(f"imp ({loss})", setting.levels, partial(setting.imp, setting.full(), loss))


def _in_debiased(setting: Setting) -> Iterator[Run]:
    """Subnetworks of a BERT that was fine-tuned with the product of experts (Section 4.2)."""
    yield from _full_models(setting)
    debiased = setting.full("poe")
    yield from setting.curve("mask train (poe)", setting.sparsities, partial(setting.mask, debiased, "poe"))
    yield from setting.curve("imp (poe)", setting.levels, partial(setting.imp, debiased, "poe"))
    yield from _of_figure_2(setting)


def _in_isolation(setting: Setting) -> Iterator[Run]:
    """Subnetworks of the pre-trained BERT, found with the product of experts and then fine-tuned (Section 4.3)."""

    def with_trained_mask(loss: str, sparsity: float) -> FineTuned:
        return setting.in_isolation(setting.mask(setting.full(), "poe", sparsity), loss)

    def with_magnitude_mask(loss: str, sparsity: float) -> FineTuned:
        return setting.in_isolation(setting.imp_rewound("poe", sparsity), loss)

    yield from _full_models(setting)
    for loss in ("std", "poe"):
        found = partial(with_trained_mask, loss)
        yield from setting.curve(f"mask train (poe) -> ft ({loss})", setting.sparsities, found)
    for loss in ("std", "poe"):
        found = partial(with_magnitude_mask, loss)
        yield from setting.curve(f"imp-rw (poe) -> ft ({loss})", setting.levels, found)


def _without_fine_tuning(setting: Setting) -> Iterator[Run]:
    """Subnetworks of the pre-trained BERT that are used as they are (Section 4.4)."""
    yield from _full_models(setting)
    for loss in ("std", "poe"):
        yield from setting.curve(f"mask train ({loss})", setting.sparsities, partial(setting.mask, setting.plm, loss))
    yield from _of_figure_2(setting)


def _with_ood(setting: Setting) -> Iterator[Run]:
    """Subnetworks found with the help of OOD training examples, in all three ways (Section 4.5)."""
    full = setting.full()

    def isolated(sparsity: float) -> FineTuned:
        return setting.in_isolation(setting.mask_ood(full, sparsity), "std")

    if not setting.training.mask_ood:
        return
    yield setting.run("full bert (std)", 0.0, full)
    yield from setting.curve("bert-ft subnet", setting.sparsities, partial(setting.mask_ood, full))
    yield from setting.curve("bert-pt subnet", setting.sparsities, partial(setting.mask_ood, setting.plm))
    yield from setting.curve("bert-pt subnet + ft", setting.sparsities, isolated)


def _by_start(setting: Setting) -> Iterator[Run]:
    """Mask training from several points of fine-tuning (Section 5.1)."""
    full, sparsity = setting.full(), TIMING_SPARSITIES[setting.data.task]
    starts: dict[str, Pretrained | Checkpoint | FineTuned] = {"ft step=0": setting.plm}
    starts |= {f"ft step={step}": Checkpoint(full, step) for step in full.checkpoints}
    starts["ft to end"] = full
    for curve, of in starts.items():
        yield setting.run(curve, sparsity, setting.mask(of, "poe", sparsity))


def _high(setting: Setting, epochs: int, **changes: Any) -> Pruned:
    """Return a mask of high sparsity, trained with the product of experts in the standard model."""
    recipe = setting.training.mask_for(epochs)
    return setting.mask(setting.full(), "poe", HIGH_SPARSITY, recipe=recipe, **changes)


def _rising(initial: float) -> dict[str, Any]:
    return {"init": "soft", "gradual": Gradual(initial)}  # hard, it is difficult to optimise (Appendix B.3.3)


def _high_sparsity(setting: Setting) -> Iterator[Run]:
    """Subnetworks of high sparsity, from mask training at a fixed and at a rising one (Section 5.2)."""
    for curve, changes in (("fixed", {}), ("gradual", _rising(INITIAL_SPARSITY))):
        for epochs in EPOCHS:
            yield setting.run(curve, HIGH_SPARSITY, _high(setting, epochs, **changes), epochs=epochs)


def _courses(setting: Setting) -> Iterator[Run]:
    """What happens on the way, at a low sparsity and with a rising one from either start (Appendix B.3.3)."""
    full = setting.full()
    low = setting.mask(full, "poe", LOW_SPARSITY, curves=True)
    yield setting.run("mask train (poe), 20 %", LOW_SPARSITY, low)
    for init in ("hard", "soft"):
        rising = _rising(INITIAL_SPARSITY) | {"init": init}
        found = setting.mask(full, "poe", HIGH_SPARSITY, curves=True, **rising)
        yield setting.run(f"gradual 0.7~0.9, {init}", HIGH_SPARSITY, found)


def _other_losses(setting: Setting) -> Iterator[Run]:
    """All debiasing losses side by side (Appendix C.1)."""
    full = setting.full()
    yield setting.run("full bert (std)", 0.0, full)
    for loss in ("std", "poe", "reweight", "confreg"):
        yield from setting.curve(f"mask train ({loss})", setting.sparsities, partial(setting.mask, full, loss))


def _ablation(setting: Setting) -> Iterator[Run]:
    """Initialisation of mask training, and where rising sparsity begins (Appendix C.4)."""
    rows = {f"fixed, {init}": {"init": init} for init in ("hard", "soft")}
    rows |= {f"gradual {initial}~{HIGH_SPARSITY}": _rising(initial) for initial in ABLATED}
    for curve, changes in rows.items():
        yield setting.run(curve, HIGH_SPARSITY, _high(setting, TABLE_5_EPOCHS[setting.data.task], **changes))


def _by_plm(setting: Setting) -> Iterator[Run]:
    """Full models and their subnetworks for other pre-trained models (Appendix C.5)."""
    for plm in setting.other_plms:
        other = replace(setting, plm=plm, training=replace(setting.training, checkpoints=()))
        for loss in ("std", "poe"):
            yield other.run(f"full ({loss})", 0.0, other.full(loss))
        found = partial(other.mask, other.full(), "poe")
        yield from other.curve("mask train (poe)", PLM_SPARSITIES, found)
        low, high = PLM_SPARSITIES
        yield other.run(f"gradual {low}~{high}", high, found(high, **_rising(low)))


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
        Figure("figure-7", "Figure 7", "when to start the search", "05-1-timing", _by_start, FIRST, by_step=True),
        Figure("figure-8", "Figure 8", "rising sparsity", "05-2-high-sparsity", _high_sparsity),
        Figure(
            "figure-s1",
            "Figure 1 of the supplement",
            "debiasing losses side by side",
            "C1-more-debiasing",
            _other_losses,
        ),
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
            "when to start the search, all tasks",
            "05-1-timing",
            _by_start,
            by_step=True,
        ),
        Figure(
            "table-5",
            "Table 5 of the supplement",
            "initialisation and rise of the sparsity of mask training",
            "C4-ablation",
            _ablation,
        ),
        Figure("table-6", "Table 6 of the supplement", "other pre-trained models", "C5-other-plms", _by_plm, FIRST),
        Figure(
            "mask-training",
            "The course of mask training",
            "scores on the way, at a low and at a rising sparsity",
            "05-1-timing",
            _courses,
            by_step=True,
        ),
        Figure("deviations", "Deviations", "the released code against the paper's text", "deviations", deviation_runs),
        Figure("pocket-world", "The pocket world", "full models by strength of the bias", "pocket-world", sweep_runs),
    )
}
