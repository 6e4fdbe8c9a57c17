"""The ledger of findings as a picture: a square for each finding and task."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from srnet.claims import FAILS, HOLDS, UNTESTABLE
from srnet.data.tasks import TASKS
from srnet.figures.style import BLUE, RED, canvas

# Dark, outlined, pale: they differ in print and for colour-blind readers too.
VERDICTS: dict[str, dict[str, Any]] = {
    HOLDS: {"facecolor": BLUE, "edgecolor": BLUE},
    FAILS: {"facecolor": "white", "edgecolor": RED, "linewidth": 1.2},
    UNTESTABLE: {"facecolor": "0.9", "edgecolor": "0.9"},
}
LETTERS = {HOLDS: "white", FAILS: RED, UNTESTABLE: "0.35"}
TOPICS = {
    "4.2.2": "in a fine-tuned model",
    "4.3.2": "in isolation",
    "4.4.2": "without fine-tuning",
    "4.5.2": "with OOD training data",
    "5.1": "when to start",
    "5.2": "at high sparsity",
    "E.1": "a rule for the start",
    "C.1": "other losses",
    "C.4": "ablation",
    "C.5": "other models",
}
SIDE = 0.84  # of a square, where the next one begins at 1


def ledger_squares(claims: pd.DataFrame, source: str) -> Figure:
    """Draw the verdicts on the paper's findings: a panel for each task, a row for each section, a square for each.

    In a square stands the finding's letter in the ledger; the legend counts the verdicts.

    Args:
        claims: verdicts on all claims (`srnet.claims.ledger`).
        source: what the results are results of.
    """
    sections, tasks = list(claims.section.unique()), list(claims.task.unique())
    longest = int(claims.groupby(["section", "task"]).size().max())
    with canvas(0.8 + 0.15 * len(sections), source) as figure:
        axes = figure.subplots(1, len(tasks), sharey=True, squeeze=False)[0]
        for axis, task in zip(axes, tasks, strict=True):
            for place, section in enumerate(sections):
                rows = claims[(claims.task == task) & (claims.section == section)]
                for number, (letter, verdict) in enumerate(zip(rows["item"], rows.verdict, strict=True)):
                    corner = (number - SIDE / 2, place - SIDE / 2)
                    axis.add_patch(Rectangle(corner, SIDE, SIDE, **VERDICTS[verdict]))
                    style = {"color": LETTERS[verdict], "fontsize": 6.5, "ha": "center", "va": "center_baseline"}
                    axis.text(number, place, letter, **style)
            axis.set(xlim=(-0.6, longest - 0.4), ylim=(len(sections) - 0.4, -0.6), xticks=[])
            axis.set_aspect("equal", anchor="W")
            axis.set_title(TASKS[task].title, loc="left")
            axis.set_yticks(range(len(sections)), [f"{name}  {TOPICS.get(name, '')}" for name in sections])
            axis.tick_params(axis="y", length=0)
            axis.spines[:].set_visible(False)
        counts = claims.verdict.value_counts()
        keys = [Patch(**style, label=f"{verdict}: {counts.get(verdict, 0)}") for verdict, style in VERDICTS.items()]
        figure.legend(handles=keys, loc="outside lower center", ncols=len(keys), frameon=False, handlelength=0.8)
    return figure
