"""How figures look: the style of every curve, sizes for the book's page and for print, names of data sets."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from srnet.data.tasks import DATASETS as DATASETS
from srnet.errors import InputError

WIDTH = 7.8
"""Width of every figure in inches: that of the book's text, so that letters come out in the sizes given here."""

METRICS = {"accuracy": "accuracy (%)", "weighted_f1": "weighted F1 (%)"}
SOURCE: dict[str, Any] = {"fontsize": 8, "color": "0.35"}  # of the line that says what results are results of
# Of single seeds (`Axes.scatter`): small and pale, so that means stand out.
SEEDS: dict[str, Any] = {"s": 5, "alpha": 0.45, "linewidths": 0, "zorder": 2.5, "clip_on": False}
SEEDS_OF_FULL: dict[str, Any] = SEEDS | {"s": 9, "marker": "_", "linewidths": 1}  # at the end of a horizontal line
GRID: dict[str, Any] = {"linewidth": 0.5, "color": "0.88"}

# Okabe and Ito's colours, and darker ones for full models, which colour-blind readers can tell apart. As in the paper,
# orange is mask train (poe) of Figure 2 wherever it returns; full models are lines without markers.
BLACK, GREY, BLUE, SKY, RED, ORANGE = "#000000", "#767676", "#0072B2", "#56B4E9", "#D55E00", "#E69F00"
GREEN, PINK, BROWN, VIOLET = "#009E73", "#CC79A7", "#7A3300", "#AA4499"


def _line(color: str, marker: str, linestyle: Any = "-", hollow: bool = False) -> dict[str, Any]:
    return {
        "color": color,
        "marker": marker,
        "linestyle": linestyle,
        "markerfacecolor": "white" if hollow else color,
        "markersize": 8 if marker == "*" else 5,
        "linewidth": 1.6,
    }


def _full(color: str, linestyle: Any) -> dict[str, Any]:
    return {"color": color, "linestyle": linestyle, "linewidth": 1.4}


_DASHED = (0, (4, 1.5))
_FINE = (0, (1, 1.2))
_IMP = (0, (5, 1.5, 1, 1.5))
FROM_STEP, TO_END = "ft step=", "ft to end"  # names of curves by where the search starts (Section 5.1)
_OF_FIGURE_2 = "full bert (std) -> mask train (poe)"  # its name beside subnetworks of other models

CURVES: Mapping[str, Mapping[str, Any]] = {
    "full bert (std)": _full(BLACK, _DASHED),
    "full bert (poe)": _full(BROWN, _FINE),
    "full (std)": _full(BLACK, _DASHED),
    "full (poe)": _full(BROWN, _FINE),
    "mask train (std)": _line(BLUE, "o"),
    "mask train (poe)": _line(ORANGE, "s"),
    "imp (std)": _line(SKY, "^", _IMP),
    "imp (poe)": _line(RED, "D", _IMP),
    _OF_FIGURE_2: _line(ORANGE, "s"),
    # Hollow: what the search leaves of the pre-trained model is fine-tuned.
    "mask train (poe) -> ft (std)": _line(BLUE, "o", hollow=True),
    "mask train (poe) -> ft (poe)": _line(RED, "s", hollow=True),
    "imp-rw (poe) -> ft (std)": _line(SKY, "v", _IMP, hollow=True),
    "imp-rw (poe) -> ft (poe)": _line(PINK, "d", _IMP, hollow=True),
    "bert-ft subnet": _line(GREEN, "P"),
    "bert-pt subnet": _line(PINK, "X", _DASHED),
    "bert-pt subnet + ft": _line(BLUE, "o", hollow=True),
    "fixed": _line(ORANGE, "s"),
    "gradual": _line(VIOLET, "*", _DASHED),
    "mask train (reweight)": _line(PINK, "h", _IMP),
    "mask train (confreg)": _line(GREY, ">", _DASHED),
    "fixed, hard": _line(ORANGE, "s"),
    "fixed, soft": _line(RED, "s", hollow=True),
    "gradual 0.2~0.9": _line(SKY, "^"),
    "gradual 0.5~0.9": _line(GREEN, "D"),
    "gradual 0.7~0.9": _line(VIOLET, "*"),
    "gradual 0.5~0.7": _line(VIOLET, "*"),
    "mask train (poe), 20 %": _line(ORANGE, "s"),
    "gradual 0.7~0.9, hard": _line(RED, "D", hollow=True),
    "gradual 0.7~0.9, soft": _line(VIOLET, "*"),
}
"""Style of each curve of `srnet.study.catalogue.FIGURES`, by name, in the order of legends.

Curves "ft step=N" and "ft to end" (Section 5.1) have those of `STARTS`.
"""

BESIDE_FIGURE_2: Mapping[str, Mapping[str, Any]] = {
    "mask train (std)": _line(SKY, "o", _DASHED),
    "mask train (poe)": _line(BLUE, "D"),
    "imp (poe)": _line(GREEN, "^", _IMP),
}
"""Style of curves that stand beside the orange one of Figure 2, in Figure 3 (blue and green, as there) and Figure 5."""

STARTS: tuple[Mapping[str, Any], ...] = (
    _line(BLACK, "X", _FINE),
    _line(SKY, "v", _IMP),
    _line(PINK, "^", _DASHED),
    _line(GREEN, "D", (0, (6, 1))),
    _line(BLUE, "o", hollow=True),
    _line(ORANGE, "s"),
)
"""Style of mask training by where it starts: in the raw model, in the middle of fine-tuning, at its end."""

_RC: Any = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.fontsize": 9,
    "legend.handlelength": 2.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "figure.facecolor": "white",
    "figure.dpi": 200,
    "savefig.dpi": 300,
}


def styles(curves: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    """Return how the curves of one figure are drawn, as arguments of `matplotlib.axes.Axes.plot`, in legend order.

    Raises:
        InputError: if a curve has no style.
    """
    names = set(curves)
    starts = sorted(
        (name for name in names if name.startswith(FROM_STEP)), key=lambda name: int(name[len(FROM_STEP) :])
    )
    known = dict(CURVES) | dict(zip(starts, STARTS[:-1], strict=False)) | {TO_END: STARTS[-1]}
    if _OF_FIGURE_2 in names:
        known |= BESIDE_FIGURE_2
    for name in sorted(names - set(known)):
        raise InputError(f"curve {name!r} has no style: give it one in srnet.figures.style.CURVES")
    return {name: style for name, style in known.items() if name in names}


def label_of(curve: str) -> str:
    """Return a curve's name as it is printed."""
    return curve.replace("->", "→")


def is_full(curve: str) -> bool:
    """Tell whether a curve is of full models."""
    return curve.startswith("full") and "->" not in curve


@contextmanager
def canvas(height: float, source: str = "") -> Iterator[Figure]:
    """Yield an empty figure of the book's width that is shown once: by who gets it, not by pyplot too.

    Args:
        height: in inches.
        source: what the results are results of, written into the figure so that it cannot be taken for another's.
    """
    with plt.rc_context(_RC):
        figure = plt.figure(figsize=(WIDTH, height), layout="constrained")
        if source:
            figure.suptitle(source, **SOURCE)
        yield figure
        plt.close(figure)


def legend(figure: Figure | SubFigure, unused: Axes | None = None, rows: int | None = None) -> None:
    """Add one legend of all that the panels show, in the order drawn.

    Args:
        figure: what the panels are in.
        unused: an unused cell of the grid, where it is put; if there is none, below.
        rows: of the legend below; as many as three or four columns need, if not given.
    """
    entries = {
        label: handle for axis in figure.axes for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    labels, handles = list(entries), list(entries.values())
    if unused:
        lines = [label if len(label) < 30 else label.replace(" →", "\n→") for label in labels]
        placed: dict[str, Any] = {"loc": "center left", "bbox_to_anchor": (-0.14, 0.5), "borderaxespad": 0}
        unused.legend(handles, lines, **placed, frameon=False, labelspacing=0.7).set_in_layout(False)
    else:
        figure.legend(
            handles,
            labels,
            loc="outside lower center",
            ncols=-(-len(labels) // rows) if rows else 4 if len(labels) == 4 else 3,
            frameon=False,
        )


def limits(spans: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Return the ends of a scale in % that covers spans of scores with some room, at least 10 points, in [0, 100]."""
    ends = list(spans)
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    room = max(0.06 * (high - low), (10 - (high - low)) / 2)
    low, high = low - room, high + room
    if high > 100:
        low, high = max(0.0, min(low, 90.0)), 100.0
    if low < 0:
        low, high = 0.0, max(high, 10.0)
    return low, high
