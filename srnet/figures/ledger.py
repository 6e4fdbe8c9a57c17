"""The ledger of findings as a picture: a square for each finding and task."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from srnet.claims import FAILS, HOLDS, UNDECIDED, UNTESTABLE
from srnet.data.tasks import TASKS
from srnet.figures.style import BLUE, RED, canvas

# Dark, outlined, dotted, pale: they differ in print and for colour-blind readers too.
STYLES: dict[str, dict[str, Any]] = {
    HOLDS: {"facecolor": BLUE, "edgecolor": BLUE},
    FAILS: {"facecolor": "white", "edgecolor": RED, "linewidth": 1.2},
    UNDECIDED: {"facecolor": "white", "edgecolor": "0.6", "linewidth": 0.8, "linestyle": ":"},
    UNTESTABLE: {"facecolor": "0.9", "edgecolor": "0.9"},
}
LETTERS = {HOLDS: "white", FAILS: RED, UNDECIDED: "0.35", UNTESTABLE: "0.35"}
TOPICS = {
    "4.2.2 std": "in BERT fine-tuned (std)",
    "4.2.2 PoE": "in BERT fine-tuned (poe)",
    "4.3.2": "in isolation",
    "4.4.2": "without fine-tuning",
    "4.5.2": "with OOD training data",
    "5": "mask training or IMP",
    "5.1": "when to start",
    "5.2": "at high sparsity",
    "B.1": "guessing",
    "B.3.3": "how masks train",
    "C.1": "other losses",
    "C.2": "with OOD training data",
    "C.3": "when to start",
    "C.4": "ablation",
    "C.5 RoBERTa-base": "another model",
    "C.5 BERT-large": "a larger model",
}
SIDE = 0.84  # of a square, where the next one begins at 1


def ledger_squares(claims: pd.DataFrame, source: str) -> Figure:
    """Draw the verdicts on the paper's findings: a panel for each task, a row for each part, a square for each.

    In a square stands the number of the finding in its part (`srnet.claims.Claim`); a finding has a square in the tasks
    that it is about. The legend counts the verdicts.

    Args:
        claims: verdicts on all claims (`srnet.claims.ledger`).
        source: what the results are results of.
    """
    named = [part_and_mark(*names) for names in zip(claims.section, claims["item"], strict=True)]
    claims = claims.assign(part=[part for part, _ in named], mark=[mark for _, mark in named])
    parts, tasks = list(claims.part.unique()), list(claims.task.unique())
    longest = int(claims.groupby("part").mark.nunique().max())
    with canvas(0.8 + 0.18 * len(parts), source) as figure:
        axes = figure.subplots(1, len(tasks), sharey=True, squeeze=False)[0]
        for axis, task in zip(axes, tasks, strict=True):
            for place, part in enumerate(parts):
                marks = list(dict.fromkeys(claims.mark[claims.part == part]))
                for row in claims[(claims.task == task) & (claims.part == part)].itertuples():
                    number = marks.index(row.mark)  # a finding has the same place in all panels
                    corner = (number - SIDE / 2, place - SIDE / 2)
                    axis.add_patch(Rectangle(corner, SIDE, SIDE, **STYLES[row.verdict]))
                    style = {"color": LETTERS[row.verdict], "fontsize": 6, "ha": "center", "va": "center_baseline"}
                    axis.text(number, place, row.mark, **style)
            axis.set(xlim=(-0.6, longest - 0.4), ylim=(len(parts) - 0.4, -0.6), xticks=[])
            axis.set_aspect("equal", anchor="W")
            axis.set_title(TASKS[task].title, loc="left")
            axis.set_yticks(range(len(parts)), [f"{name}  {TOPICS.get(name, '')}" for name in parts])
            axis.tick_params(axis="y", length=0)
            axis.spines[:].set_visible(False)
        counts = claims.verdict.value_counts()
        keys = [Patch(**style, label=f"{verdict}: {counts.get(verdict, 0)}") for verdict, style in STYLES.items()]
        figure.legend(handles=keys, loc="outside lower center", ncols=len(keys), frameon=False, handlelength=0.8)
    return figure


def part_and_mark(section: str, item: str) -> tuple[str, str]:
    """Return the part of the paper that a finding is in, and its number there, short enough for a square.

    Of "4.2.2" and "std (end a)" they are "4.2.2 std" and "ea": of words in place of numbers stand the first letters.
    """
    paragraph, bracket, number = item.rstrip(")").rpartition("(")
    part = f"{section} {paragraph}".strip() if bracket else section
    return part, "".join(word if word[0].isdigit() else word[0] for word in number.split())
