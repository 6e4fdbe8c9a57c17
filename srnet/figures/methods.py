"""The methods at work (Appendix A): a mask being learned, iterative pruning, what each loss makes of an example."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from torch import Tensor

from srnet.debiasing.losses import make_objective
from srnet.errors import InputError
from srnet.figures.style import BLACK, BLUE, GREEN, GREY, GRID, ORANGE, PINK, RED, canvas, legend

CLASSES = 3
LOOKS = {  # colour, dashes
    "std": (BLACK, (0, (4, 1.5))),
    "poe": (RED, "-"),
    "reweight": (PINK, (0, (5, 1.5, 1, 1.5))),
    "confreg": (GREEN, (0, (1, 1.2))),
}


def mask_learning(
    steps: ArrayLike, scores: ArrayLike, thresholds: ArrayLike, kept: ArrayLike, changed: ArrayLike, source: str
) -> Figure:
    """Draw a mask being learned (Algorithm 2), at T of its steps.

    Above, the real-valued mask of some weights of one matrix, and the threshold under which a weight is removed; below,
    what share of the matrix is above it, and what share of its weights is no longer kept or removed as at the start.

    Args:
        steps: numbers of steps done, int [T].
        scores: real-valued mask m̂ of W weights, float [T, W].
        thresholds: the threshold φ in force, float [T].
        kept: share of the matrix's weights that are kept, in [0, 1], float [T].
        changed: share of its weights whose fate has changed since the start, in [0, 1], float [T].
        source: what the results are results of.

    Raises:
        InputError: if the lengths differ.
    """
    x, values = np.asarray(steps), np.asarray(scores)
    lines = {"thresholds": np.asarray(thresholds), "kept": np.asarray(kept), "changed": np.asarray(changed)}
    for name, line in {"scores": values, **lines}.items():
        if len(line) != len(x):
            raise InputError(f"{name} has {len(line)} entries for {len(x)} steps: give one for each step")
    with canvas(4.8, source) as figure:
        above, middle, below = figure.subplots(3, sharex=True, gridspec_kw={"height_ratios": [2.2, 1, 1]})
        ends_kept = values[-1] > lines["thresholds"][-1]
        for ends, color, label in ((True, BLUE, "kept in the end"), (False, ORANGE, "removed in the end")):
            chosen = values[:, ends_kept == ends]
            drawn = above.plot(x, chosen, color=color, linewidth=1, linestyle="-" if ends else "--", alpha=0.75)
            if drawn:
                drawn[0].set_label(label)
        # A threshold holds until it is solved anew.
        above.step(x, lines["thresholds"], where="post", color=BLACK, linewidth=2, label=r"threshold $\varphi$")
        above.set_ylabel(r"real-valued mask $\hat{m}$")
        middle.plot(x, 100 * lines["kept"], color=BLACK, linewidth=1.6)
        middle.set_ylabel("kept (%)")
        below.plot(x, 100 * lines["changed"], color=BLACK, linewidth=1.6)
        below.set(ylabel="changed (%)", xlabel="steps of mask training")
        below.set_ylim(0, min(100.0, max(1.0, 110 * lines["changed"].max())))
        for axis in (above, middle, below):
            axis.grid(axis="y", **GRID)
            axis.margins(x=0.01)
        legend(figure)
    return figure


def pruning_steps(
    steps: ArrayLike,
    losses: ArrayLike,
    prunings: ArrayLike,
    sparsities: ArrayLike,
    scores: Mapping[str, Sequence[float]],
    source: str,
) -> Figure:
    """Draw the steps of iterative magnitude pruning (Algorithm 1): loss, sparsity, and each level's scores.

    Args:
        steps: numbers of steps done, int [T].
        losses: training loss in nats, float [T].
        prunings: steps done when a share of the weights falls, int [R]; the first falls before any step.
        sparsities: share of weights removed after each pruning, in [0, 1], float [R].
        scores: by data set, the score in [0, 1] of each sparsity's network, R of them.
        source: what the results are results of.

    Raises:
        InputError: if a data set has not one score for each sparsity.
    """
    x, falls, shares = np.asarray(steps), np.asarray(prunings), np.asarray(sparsities)
    for name, values in scores.items():
        if len(values) != len(shares):
            raise InputError(f"{name} has {len(values)} scores for {len(shares)} sparsities: give one for each")
    with canvas(4.8, source) as figure:
        above, middle, below = figure.subplots(3, sharex=True, gridspec_kw={"height_ratios": [1.3, 1, 1.3]})
        above.plot(x, np.asarray(losses), color=BLACK, linewidth=1.2)
        above.set_ylabel("training loss (nats)")
        # Each level is trained until the next pruning, the last one for as long as the one before.
        ends = np.append(falls[1:], x[-1])
        middle.stairs(100 * shares, np.append(falls, ends[-1]), baseline=None, color=BLACK, linewidth=1.6)
        middle.set(ylabel="sparsity (%)", ylim=(0, 100))
        looks = ((BLUE, "o", "-"), (RED, "s", "--"), (GREEN, "^", ":"))
        for (name, values), (color, marker, dashes) in zip(scores.items(), looks, strict=False):
            below.plot(ends, 100 * np.asarray(values), color=color, marker=marker, linestyle=dashes, label=name)
        below.set(ylabel="score (%)", xlabel="steps of training", ylim=(None, min(100.0, below.get_ylim()[1])))
        for axis in (above, middle, below):
            for step in falls:
                axis.axvline(step, color=GREY, linewidth=0.6, linestyle=":")
            axis.grid(axis="y", **GRID)
        legend(figure)
    return figure


def loss_weights(probabilities: Sequence[float] = (1 / CLASSES, 0.9), teacher: float = 0.9) -> Figure:
    """Draw what each loss (Section 3.3, Appendix A.2) makes of an example, the surer the bias model is of its label.

    To the left the loss itself; to the right how hard it pushes the label's logit up, ``-∂L/∂z_y``: how much the main
    model learns from the example. Below zero, it makes the model less sure of the label. Computed with
    `srnet.debiasing.losses`.

    Args:
        probabilities: p_m of the label, in (0, 1), a row of panels for each; the other classes share the rest. The
            first default is an untrained model.
        teacher: p_t of the label, that of confidence regularisation's teacher, in (0, 1).

    Raises:
        InputError: if a probability is not in (0, 1).
    """
    for value in (*probabilities, teacher):
        if not 0 < value < 1:
            raise InputError(f"{value} is not a probability between 0 and 1, both excluded")
    biased = torch.linspace(0.005, 0.995, 199)
    with canvas(0.6 + 2.1 * len(probabilities)) as figure:
        rows = figure.subplots(len(probabilities), 2, squeeze=False, sharex=True, sharey="col")
        for (left, right), probability in zip(rows, probabilities, strict=True):
            for name, (color, dashes) in LOOKS.items():
                loss, push = _loss_and_push(name, probability, teacher, biased)
                look: dict[str, Any] = {"color": color, "linestyle": dashes, "linewidth": 1.8}
                left.plot(biased, loss, label=name, **look)
                right.plot(biased, push, **look)
            left.set_ylabel(f"$p_m$ of the label: {probability:.2g}")
            for axis in (left, right):
                axis.axvline(1 / CLASSES, color=GREY, linewidth=0.8, linestyle=":")
                axis.grid(axis="y", **GRID)
                axis.set_xlim(0, 1)
            right.axhline(0, color=GREY, linewidth=0.8)
            left.set_ylim(bottom=0)
        rows[0, 0].set_title("loss (nats)", loc="left")
        rows[0, 1].set_title("push on the label's logit", loc="left")
        for axis in rows[-1]:
            axis.set_xlabel("$p_b$ of the label (dotted line: no bias)")
        legend(figure)
    return figure


def _loss_and_push(name: str, probability: float, teacher: float, biased: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Return a loss and the negative of its derivative by the label's logit at each p_b of `biased`, [N]."""
    objective = make_objective(name, _spread_over(biased).log(), _spread_over(torch.full_like(biased, teacher)))
    logits, label = _spread_over(torch.full_like(biased, probability)).log().requires_grad_(), torch.tensor([0])
    rows = zip(logits.split(1), torch.arange(len(biased)).split(1), strict=True)
    values = torch.stack([objective(row, label, index) for row, index in rows])
    (gradient,) = torch.autograd.grad(values.sum(), logits)
    return values.detach().numpy(), -gradient[:, 0].numpy()


def _spread_over(gold: Tensor) -> Tensor:
    """Return probabilities [N, K] that give the first class `gold` [N] and the others equal shares of the rest."""
    rest = (1 - gold)[:, None].expand(-1, CLASSES - 1) / (CLASSES - 1)
    return torch.cat([gold[:, None], rest], dim=1)
