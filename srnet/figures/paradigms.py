"""The three ways to a subnetwork (Figure 1), drawn as weight matrices."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle

from srnet.figures.style import BLUE, GREY, RED, WIDTH, canvas

HEIGHT, ROW = 4.55, 1.4  # inches
STAGES = (2.3, 4.55, 6.8)  # left edges of the matrices
CELL, ROWS, COLUMNS = 0.115, 6, 7
ROWS_OF_WAYS = (
    ("a", "after fine-tuning", "Section 4.2"),
    ("b", "in isolation", "Section 4.3"),
    ("c", "without fine-tuning", "Section 4.4"),
)


def paradigms() -> Figure:
    """Draw the three ways of pruning and fine-tuning to a subnetwork, and where a debiasing loss can come in."""
    random = np.random.default_rng(3)
    tones, tuned = random.uniform(0.25, 1.0, (2, ROWS, COLUMNS))
    mask = random.uniform(size=(ROWS, COLUMNS)) > 0.62
    other = random.uniform(size=(ROWS, COLUMNS)) > 0.62
    every = np.ones_like(mask)
    pretrained, prune = r"$f(\theta_{\mathrm{pt}})$", r"$\mathcal{P}^{\,p}_{\mathcal{L}}$"
    train = r"$\mathcal{A}_{\mathcal{L}}$"
    heights = top, middle, bottom = [HEIGHT - 0.55 - number * ROW for number in range(3)]
    with canvas(HEIGHT) as figure:
        figure.set_layout_engine("none")
        axis = figure.add_axes((0, 0, 1, 1))
        axis.set(xlim=(0, WIDTH), ylim=(0, HEIGHT))
        axis.axis("off")
        for number, (letter, title, section) in enumerate(ROWS_OF_WAYS):
            y = heights[number]
            axis.text(0.1, y + 0.08, f"({letter})  {title}", fontsize=10.5, fontweight="bold", va="center")
            axis.text(0.1, y - 0.14, section, fontsize=9, color=GREY, va="center")
            _matrix(axis, STAGES[0], y, tones, every, GREY, pretrained)
            if number:
                axis.plot([0.1, WIDTH - 0.1], [y + 0.72] * 2, color="0.85", linewidth=0.8)
        _arrow(axis, 0, top, train, "fine-tune")
        _matrix(axis, STAGES[1], top, tuned, every, BLUE, r"$f(\theta_{\mathrm{ft}})$")
        _arrow(axis, 1, top, prune, "prune")
        _matrix(axis, STAGES[2], top, tuned, mask, BLUE, r"$f(m\odot\theta_{\mathrm{ft}})$")
        _arrow(axis, 0, middle, r"$m=\mathcal{M}(\cdot)$", "mask found as in\n(a), or by IMP")
        _matrix(axis, STAGES[1], middle, tones, mask, GREY, r"$f(m\odot\theta_{\mathrm{pt}})$")
        _arrow(axis, 1, middle, train, "fine-tune")
        _matrix(axis, STAGES[2], middle, tuned[::-1], mask, BLUE, r"$f(m\odot\theta^{\prime})$")
        _arrow(axis, 0, bottom, prune, "prune", to=2)
        _matrix(axis, STAGES[2], bottom, tones, other, GREY, r"$f(m\odot\theta_{\mathrm{pt}})$")
        _key(axis)
    return figure


def _matrix(axis: Axes, x: float, y: float, tones: np.ndarray, kept: np.ndarray, color: str, name: str) -> None:
    """Draw weights as cells around the height `y`, strong where large, blank where removed, with a name below."""
    rgb = np.array(to_rgb(color))
    for row, column in np.ndindex(kept.shape):
        tone = 0.2 + 0.75 * tones[row, column]
        face = 1 - tone * (1 - rgb) if kept[row, column] else "white"
        place = (x + column * CELL, y + (ROWS / 2 - 1 - row) * CELL)
        axis.add_patch(Rectangle(place, CELL, CELL, facecolor=face, edgecolor="0.8", linewidth=0.5))
    axis.text(x + COLUMNS * CELL / 2, y - ROWS * CELL / 2 - 0.16, name, ha="center", va="center", fontsize=11)


def _arrow(axis: Axes, stage: int, y: float, operator: str, verb: str, to: int | None = None) -> None:
    start, end = STAGES[stage] + COLUMNS * CELL + 0.1, STAGES[to or stage + 1] - 0.1
    axis.add_patch(FancyArrowPatch((start, y), (end, y), arrowstyle="-|>", mutation_scale=13, color="black", shrinkA=0))
    color = RED if "mathcal{L}" in operator else "black"
    axis.text((start + end) / 2, y + 0.19, operator, ha="center", va="center", fontsize=13, color=color)
    axis.text((start + end) / 2, y - 0.07, verb, ha="center", va="top", fontsize=9)


def _key(axis: Axes) -> None:
    keys = ((GREY, "pre-trained weight"), (BLUE, "fine-tuned weight"), ("white", "removed weight"))
    for x, (color, label) in zip((0.1, 1.75, 3.35), keys, strict=True):
        axis.add_patch(Rectangle((x, 0.13), 0.14, 0.14, facecolor=color, edgecolor="0.6", linewidth=0.7))
        axis.text(x + 0.22, 0.2, label, va="center", fontsize=9)
    loss = r"red: $\mathcal{L}$ is std, poe, reweight or confreg"
    axis.text(WIDTH - 0.1, 0.2, loss, va="center", ha="right", fontsize=9, color=RED)
