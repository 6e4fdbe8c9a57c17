"""Where the authors' released code leaves the paper's text, and where that text is open.

Where an option has the other reading, both are experiments, and their scores tell what they differ in.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

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


class Difference(NamedTuple):
    """A point in which the released code does something else than the paper says, and that has no option here."""

    name: str
    """What it is about."""
    released: str
    """What the released code does."""
    paper: str
    """What the paper says."""
    here: str
    """What is done here."""


class Choice(NamedTuple):
    """A point that the paper's text leaves open."""

    name: str
    """What it is about."""
    chosen: str
    """What is done here, and why."""


def deviation_runs(setting: Setting) -> Iterator[Run]:
    """Yield both readings of every deviation, with the labels ``deviation`` and ``side`` (`PAPER` or `RELEASED`)."""
    for each in DEVIATIONS:
        for side, experiment in zip((PAPER, RELEASED), each.readings(setting), strict=True):
            yield setting.run(each.shown, each.sparsity, experiment, deviation=each.name, side=side)


def _mask(setting: Setting, **changes: Any) -> Pruned:
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
        "Its text (Section 3.2.1) rewinds after each round; its Algorithm 1 rewinds the network that is returned. "
        "Compared here: the text (as *paper*) and the algorithm (as *released code*).",
        "the algorithm's, which the released code comes down to",
        "`rewind_each_round` of {py:class}`~srnet.experiments.methods.IterativePruning` is the text's",
        "imp-rw (poe) -> ft (std)",
        _rewinding,
    ),
    Deviation(
        "restarts",
        "Iterative pruning starts optimiser and learning-rate schedule anew at each pruning, so that the rate is a "
        "saw-tooth.",
        "It does not say so, and its Algorithm 1 does not either. One optimiser and one schedule for the whole run are "
        "our reading.",
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
        "It gives the loss of one example. That a batch's is the mean over its examples is our reading.",
        "the mean",
        "the loss `reweight-normalised` ({py:func}`~srnet.debiasing.losses.reweighting`)",
        "mask train (reweight)",
        _weights,
    ),
    Deviation(
        "rising sparsity",
        "Where the sparsity rises during mask training, it reaches its target at the very last step.",
        "A cubic rise during mask training; where it ends is not said.",
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
        "`raw_epsilon` of {py:class}`~srnet.training.recipe.Recipe`",
        "mask train (poe)",
        _epsilon,
    ),
    Deviation(
        "clipping",
        "For QQP, the gradient of each tensor is clipped by itself; for the other tasks, all of them together.",
        "Not said. Compared here: together (as *paper*) and each by itself (as *released code*), for every task.",
        "in the profile `paper` the code's, elsewhere together",
        "`clip_each` of {py:class}`~srnet.training.recipe.Recipe`",
        "mask train (poe)",
        _clipping,
    ),
)
"""Every deviation that has an option, in the order of the book's page."""

DIFFERENCES = (
    Difference(
        "sparsity of Figure 7 for FEVER",
        "Searches from several starts end at 70 %.",
        "90 % for FEVER, 70 % for the other two.",
        "the paper's",
    ),
    Difference(
        "masks of ID and OOD data",
        "They are trained for 3 epochs, at a learning rate of 2e-5.",
        "As all masks: 5 epochs on MNLI, 7 on the others, and 5e-5 on MNLI. Appendix B.3.3 names no exception.",
        "the paper's, in the profile `paper`",
    ),
    Difference(
        "masks with reweighting",
        "On MNLI they are trained for 3 epochs.",
        "5 epochs, as all masks on MNLI.",
        "the paper's, in the profile `paper`",
    ),
    Difference(
        "imp-rw, then fine-tuned with cross-entropy",
        "On MNLI, 5 epochs.",
        "3 epochs, as the full model.",
        "the paper's, in the profile `paper`",
    ),
    Difference(
        "classifier in isolation",
        "When a subnetwork is fine-tuned in isolation, its classifier is whole.",
        "The classifier is among the weights that are removed.",
        "the paper's",
    ),
    Difference(
        "choice on QQP",
        "The best checkpoint is that of the highest F1 of the class *duplicate*.",
        "By F1 (Table 3), which Appendix B.1 has as the weighted one.",
        "weighted F1",
    ),
    Difference(
        "scores that equal the threshold",
        "All these weights are removed, so sometimes too many.",
        "They are kept (Equation 1).",
        "the threshold is the highest score that falls; of equal ones as many fall as the sparsity says",
    ),
    Difference(
        "classifier of masks of the pre-trained model",
        "A mask is evaluated with another random classifier than the one that it was found with.",
        "Only the mask is learned, so it is the same one.",
        "the same one",
    ),
    Difference(
        "mask of a rising sparsity",
        "The mask that is saved is cut at the initial sparsity.",
        "It has the target sparsity.",
        "the paper's",
    ),
    Difference(
        "MNLI",
        "What is reported as accuracy is that of the mismatched development set.",
        "The matched one (Table 1).",
        "the paper's",
    ),
    Difference(
        "warm-up and clipping of iterative pruning",
        "No warm-up on any task. For paraphrases, gradients are clipped together; elsewhere tensor by tensor.",
        "It has the full model's hyper-parameters but for the length; of warm-up and clipping the text says nothing.",
        "in the profile `paper` the code's",
    ),
)
"""Every deviation that has no option here, or follows from what a profile says."""

CHOICES = (
    Choice(
        "*Full bert (poe)* in Figure 2",
        "It is drawn; the text on that figure speaks of the standard model alone.",
    ),
    Choice(
        "Lengths in Figure 8",
        "Three for each task. Those of Table 5 and of Appendix B.3.3 are among them, so that figures share results.",
    ),
    Choice(
        "Loss of Figures 7 and 8 and of Table 5",
        "The product of experts, as in the released scripts; so are the steps at which the searches of Figure 7 start.",
    ),
    Choice(
        "End of a rising sparsity",
        "Where masks begin to be candidates. In the released code it is the last step; above, both are run.",
    ),
    Choice(
        "Cross-entropy in the supplement's Figure 1",
        "*Mask train (std)* is drawn, though the text compares debiasing losses alone.",
    ),
    Choice(
        "The mask of *bert-pt subnet + ft*",
        "It is found in the fine-tuned model, as in the released scripts and as Section 4.3 finds masks.",
    ),
    Choice(
        "The checkpoint of iterative pruning",
        "The network at the step that Algorithm 1 returns, not the best one on the development set.",
    ),
    Choice(
        "Choice of masks from the middle of fine-tuning",
        "After 0.7 of the steps, as from its end and as in the released code. The curves of Figure 7 show all masks.",
    ),
    Choice(
        "Sparsity of iterative pruning",
        "The same in every matrix, as for masks and as in the released code.",
    ),
    Choice(
        "Schedule, weight decay, clipping and dropout",
        "In the profile `paper` as in the released scripts: linear warm-up and decay, no weight decay, dropout as in "
        "the pre-trained model.",
    ),
    Choice(
        "The classifier of RoBERTa",
        "Both matrices of its head are masked, as in the released code, though the first stands where BERT has its "
        "pooler, which is not.",
    ),
    Choice(
        "Word vectors of the bias models",
        "Trained on the task's own text, unless a fastText file is given. The paper has published ones, so the profile "
        "`paper` wants `--vectors`. They are scaled to length one before the maximum over a claim's words is taken.",
    ),
    Choice(
        "Features of pairs",
        "A repeated word counts each time. A word has similarity 1 to itself, also without a vector, and one without a "
        "vector has similarity 0 to every other.",
    ),
    Choice(
        "Classes that a test set lacks",
        "On HANS, *neutral* and *contradiction* both count as non-entailment, as its authors have it. On "
        "FEVER-Symmetric, *not enough info* is a wrong answer, as in the released code.",
    ),
)
"""What the paper's text leaves open, and what is done here."""
