"""Where the authors' released code leaves the paper's text: both readings as experiments, and what they differ in."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from srnet.experiments.expressions import FineTuned, Pruned
from srnet.experiments.methods import IterativePruning, MaskTraining
from srnet.pruning.mask_training import Gradual
from srnet.study.points import Run, Setting

SPARSITY = 0.7  # of both readings, and where a rising sparsity starts (Section 5.2)
HIGH_SPARSITY = 0.9  # which a rising sparsity reaches
PAPER, RELEASED = "paper", "released code"

Reading = FineTuned | Pruned


@dataclass(frozen=True)
class Deviation:
    """A point in which the authors' released code does something else than the paper says.

    Texts are Markdown with the cross references of the book.

    Attributes:
        name: what it is about, in a word or two.
        released: what the released code does.
        paper: what the paper says.
        default: what is done here, if nothing else is asked for.
        option: how the other one is had.
        shown: the curve of which both readings are run.
        readings: the experiments of a setting, the paper's reading and that of the released code.
        sparsity: share of weights removed in both.
    """

    name: str
    released: str
    paper: str
    default: str
    option: str
    shown: str
    readings: Callable[[Setting], tuple[Reading, Reading]]
    sparsity: float = SPARSITY


def deviation_runs(setting: Setting) -> Iterator[Run]:
    """Yield both readings of every deviation, with the labels ``deviation`` and ``side`` (`PAPER` or `RELEASED`)."""
    for each in DEVIATIONS:
        for side, experiment in zip((PAPER, RELEASED), each.readings(setting), strict=True):
            yield setting.run(each.shown, each.sparsity, experiment, deviation=each.name, side=side)


def _mask(setting: Setting, **changes: bool) -> Pruned:
    recipe = replace(setting.training.mask, **changes)
    return setting.mask(setting.full(), "poe", SPARSITY, recipe=recipe)


def _changed(pruned: Pruned, **changes: Any) -> Pruned:
    """Return the subnetwork that is found with other fields of its method."""
    assert isinstance(pruned.method, MaskTraining | IterativePruning)
    return replace(pruned, method=replace(pruned.method, **changes))


def _imp_loss(setting: Setting) -> tuple[Pruned, Pruned]:
    full = setting.full()
    return setting.imp(full, "poe", SPARSITY), setting.imp(full, "std", SPARSITY)


def _rewinding(setting: Setting) -> tuple[FineTuned, FineTuned]:
    ticket = setting.imp_rewound("poe", SPARSITY)
    return (
        setting.in_isolation(_changed(ticket, rewind_each_round=True), "std"),
        setting.in_isolation(ticket, "std"),
    )


def _restarts(setting: Setting) -> tuple[Pruned, Pruned]:
    pruned = setting.imp(setting.full(), "poe", SPARSITY)
    return pruned, _changed(pruned, restart=True)


def _pooler(setting: Setting) -> tuple[Pruned, Pruned]:
    return _mask(setting), replace(_changed(_mask(setting), curves=False), pooler=True)


def _weights(setting: Setting) -> tuple[Pruned, Pruned]:
    found = setting.mask(setting.full(), "reweight", SPARSITY)
    return found, replace(found, loss="reweight-normalised")


def _rise(setting: Setting) -> tuple[Pruned, Pruned]:
    def risen(gradual: Gradual) -> Pruned:
        return setting.mask(setting.full(), "poe", HIGH_SPARSITY, gradual=gradual, init="soft")  # as in Figure 8

    return risen(Gradual(SPARSITY)), risen(Gradual(SPARSITY, ramp=1.0))


def _epsilon(setting: Setting) -> tuple[Pruned, Pruned]:
    return _mask(setting), _mask(setting, raw_epsilon=True)


def _clipping(setting: Setting) -> tuple[Pruned, Pruned]:
    return _mask(setting, clip_each=False), _mask(setting, clip_each=True)


DEVIATIONS = (
    Deviation(
        "loss of imp",
        "Iterative magnitude pruning never applies the debiasing loss: a run that asks for the product of experts "
        "trains with cross-entropy.",
        "*imp (poe)* is trained with the product of experts.",
        "the paper's",
        '`loss="std"` of {py:class}`~srnet.experiments.expressions.Pruned` with `IterativePruning`, '
        "which is the curve *imp (std)*",
        "imp (poe)",
        _imp_loss,
    ),
    Deviation(
        "rewinding",
        "Weights are not rewound between two prunings, although it is asked for: the copy to go back to changes along.",
        "Its text rewinds after each round; its algorithm rewinds the network that is returned. Compared here: the "
        "text (as *paper*) and the algorithm (as *released code*).",
        "the algorithm's, which the released code comes down to",
        "`rewind_each_round` of {py:class}`~srnet.experiments.methods.IterativePruning` is the text's",
        "imp-rw (poe) -> ft (std)",
        _rewinding,
    ),
    Deviation(
        "restarts",
        "Iterative pruning starts optimiser and learning-rate schedule anew at each pruning, so that the rate is a "
        "saw-tooth.",
        "One optimiser.",
        "one schedule",
        "`restart` of {py:class}`~srnet.experiments.methods.IterativePruning`",
        "imp (poe)",
        _restarts,
    ),
    Deviation(
        "pooler",
        "The pooler is masked too.",
        "Query, key, value, output and feed-forward matrices, and the classifier.",
        "the paper's",
        "`pooler` of {py:class}`~srnet.experiments.expressions.Pruned`",
        "mask train (poe)",
        _pooler,
    ),
    Deviation(
        "reweighting",
        "Example reweighting divides by the sum of a batch's weights.",
        "It divides by the number of examples.",
        "the paper's",
        "the loss `reweight-normalised` ({py:func}`~srnet.debiasing.losses.reweighting`)",
        "mask train (reweight)",
        _weights,
    ),
    Deviation(
        "rising sparsity",
        "Where the sparsity rises during mask training, it reaches its target at the very last step.",
        "A cubic rise.",
        "it ends where masks begin to be candidates, so that all of these have the target sparsity",
        "`ramp` of {py:class}`~srnet.pruning.mask_training.Gradual`",
        "gradual",
        _rise,
        HIGH_SPARSITY,
    ),
    Deviation(
        "Adam's ε",
        "AdamW adds its $\\varepsilon$ before it corrects the second moment for its bias.",
        "AdamW.",
        "after it, as in the paper on AdamW and in PyTorch",
        "`raw_epsilon` of {py:class}`~srnet.training.loop.Recipe`",
        "mask train (poe)",
        _epsilon,
    ),
    Deviation(
        "clipping",
        "For QQP, the gradient of each tensor is clipped by itself; for the other tasks, all of them together.",
        "Not said. Compared here: together (as *paper*) and each by itself (as *released code*), for every task.",
        "in the profile `paper` the code's, elsewhere together",
        "`clip_each` of {py:class}`~srnet.training.loop.Recipe`",
        "mask train (poe)",
        _clipping,
    ),
)
"""Every deviation that has an option, in the order of the book's page."""
