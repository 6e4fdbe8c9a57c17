"""How biased a task is: the bias model beside the majority class, and what it goes by."""

from textwrap import fill
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from srnet.debiasing.diagnosis import Diagnosis
from srnet.figures.style import BLUE, GREEN, GREY, GRID, ORANGE, PINK, RED, VIOLET, canvas

LOOKS = ((ORANGE, "s"), (BLUE, "o"), (GREEN, "^"), (PINK, "D"), (RED, "v"), (GREY, "X"))  # of classes
SHOWN = 8  # features, or words of a class
LONGEST = 34  # letters in a line of a feature's name


def diagnosis_dots(diagnosis: Diagnosis) -> Figure:
    """Draw the accuracy of the bias model and of the majority class, and under it the features or words that carry it.

    Bars are 95 % intervals over examples of how far the bias model is from the majority class. Of more classes than
    six, those with the most typical words, or the greatest weights, are drawn.
    """
    below = min(SHOWN, len(diagnosis.features)) or SHOWN * bool(diagnosis.words)
    heights = [0.5 + 0.25 * len(diagnosis.splits), 0.6 + 0.3 * below]
    with canvas(sum(heights[: 1 + bool(below)]) + 0.7, f"bias: {diagnosis.bias}") as figure:
        if not below:
            _draw_accuracy(figure.subplots(), diagnosis)
            return figure
        above, under = figure.subfigures(2, 1, squeeze=False, height_ratios=heights)[:, 0]
        _draw_accuracy(above.subplots(), diagnosis)
        if diagnosis.features:
            _draw_features(under.subplots(), diagnosis)
        else:
            names = _chosen({name: words[0].z if words else 0.0 for name, words in diagnosis.words.items()})
            axes = under.subplots(1, len(names), squeeze=False, sharex=True)[0]
            for place, (axis, name) in enumerate(zip(axes, names, strict=True)):
                _draw_words(axis, diagnosis, name, place)
    return figure


def _draw_accuracy(axis: Axes, diagnosis: Diagnosis) -> None:
    for place, split in enumerate(diagnosis.splits.values()):
        low, high = (100 * (split.majority + gain) for gain in split.accuracy_gain[1:])
        axis.hlines(place, low, high, color=VIOLET, linewidth=1.2)
        looks: dict[str, Any] = {"linestyle": "none", "zorder": 3, "clip_on": False}
        axis.plot(100 * split.majority, place, marker="|", color="black", markersize=12, markeredgewidth=2, **looks)
        axis.plot(100 * split.accuracy, place, marker="*", color=VIOLET, markersize=9, **looks)
    for handle, name in zip(axis.lines[:2], ("majority class", "bias model"), strict=True):
        handle.set_label(name)
    axis.set(xlim=(0, 100), ylim=(len(diagnosis.splits) - 0.5, -0.5), xlabel="labels found (%)")
    axis.set_yticks(range(len(diagnosis.splits)), list(diagnosis.splits))
    axis.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)
    _finish(axis)


def _draw_features(axis: Axes, diagnosis: Diagnosis) -> None:
    features = diagnosis.features[:SHOWN]
    greatest = {name: max(abs(each.weights[name]) for each in features) for name in diagnosis.classes}
    for (color, marker), name in zip(LOOKS, _chosen(greatest), strict=False):
        weights = [each.weights[name] for each in features]
        axis.plot(weights, range(len(features)), color=color, marker=marker, linestyle="none", label=name)
    axis.axvline(0, color="0.6", linewidth=0.8)
    axis.set_yticks(range(len(features)), [fill(each.name, LONGEST) for each in features])
    axis.set(ylim=(len(features) - 0.5, -0.5), xlabel="change of the logit with one standard deviation more")
    axis.legend(frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0)
    _finish(axis)


def _draw_words(axis: Axes, diagnosis: Diagnosis, name: str, place: int) -> None:
    words = diagnosis.words[name][:SHOWN]
    color, marker = LOOKS[place]
    axis.hlines(range(len(words)), 0, [each.z for each in words], color=color, linewidth=1.2)
    axis.plot([each.z for each in words], range(len(words)), color=color, marker=marker, linestyle="none")
    axis.set_yticks(range(len(words)), [each.word for each in words])
    axis.set(ylim=(SHOWN - 0.5, -0.5), xlabel="z of the log-odds", title=name)
    axis.set_xlim(left=0)
    _finish(axis)


def _chosen(greatest: dict[str, float]) -> list[str]:
    """Return the names of the classes to draw, in their order."""
    first = sorted(greatest, key=lambda name: -greatest[name])[: len(LOOKS)]
    return [name for name in greatest if name in first]


def _finish(axis: Axes) -> None:
    axis.tick_params(axis="y", length=0)
    axis.grid(**GRID)
    axis.set_axisbelow(True)
