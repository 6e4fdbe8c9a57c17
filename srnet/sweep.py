"""Full models of the pocket world at other strengths of the bias.

Counter-examples are training examples that whoever takes the shortcut of the task gets wrong: pairs without new words
that are not entailed, or no duplicates; claims whose adverb is typical of another class. Their share is set by one
field of `srnet.pocket.World` for each task; the fewer there are, the more does the shortcut pay.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from srnet.pocket import World
from srnet.settings import Run, Setting
from srnet.tasks import TASKS

SHARES = (0.0, 0.01, 0.1, 0.3)  # of counter-examples, beside that of the study
MODEL = "full bert (std)"


@dataclass(frozen=True)
class Knob:
    """What sets the share of counter-examples in a task's training and development data.

    Attributes:
        field: the field of `srnet.pocket.World`.
        title: what the share is a share of.
        reverse: whether the field is the share of the examples that agree with the shortcut.
    """

    field: str
    title: str
    reverse: bool = False

    def share(self, world: World) -> float:
        """Return the share of counter-examples in a world."""
        value = getattr(world, self.field)
        return round(1 - value, 6) if self.reverse else value  # 1 - 0.93 is not quite 0.07

    def turned(self, world: World, share: float) -> World:
        """Return a world with another share of counter-examples."""
        changes: dict[str, Any] = {self.field: round(1 - share, 6) if self.reverse else share}
        return replace(world, **changes)


KNOBS: Mapping[str, Knob] = {
    "nli": Knob("high_overlap_negatives", "of the pairs that are not entailed"),
    "paraphrase": Knob("high_overlap_non_duplicates", "of the pairs that are no duplicates"),
    "fact": Knob("giveaways", "of the claims", reverse=True),
}


def sweep_runs(setting: Setting) -> Iterator[Run]:
    """Yield full models, trained with cross-entropy, at several shares of counter-examples, in rising order."""
    world, knob, full = setting.data.world, KNOBS[setting.data.task], setting.full()
    assert world  # profiles without one leave the figure out
    usual = knob.share(world)
    for share in sorted({*SHARES, usual}):
        data = replace(setting.data, world=knob.turned(world, share))
        # The usual one is that of all other figures, with the checkpoints that these need.
        yield setting.run(curve_of(share), 0.0, full if share == usual else replace(full, data=data, checkpoints=()))


def curve_of(share: float) -> str:
    """Return the name of the point at a share of counter-examples: "full bert (std), 3 % counter-examples"."""
    return f"{MODEL}, {100 * share:g} % counter-examples"


def share_of(curve: str) -> float:
    """Return the share of counter-examples that a name tells (`curve_of`)."""
    percent, _, _ = curve.removeprefix(f"{MODEL}, ").partition(" ")
    return round(float(percent) / 100, 6)


def by_share(table: pd.DataFrame) -> pd.DataFrame:
    """Return headline scores with the column ``share``, of counter-examples, in place of the curve.

    Args:
        table: results of the figure "pocket-world" (`srnet.study.Study.table`).
    """
    return table.assign(share=table.curve.map(share_of))[table.subset == "all"].drop(columns="curve")


def gaps(table: pd.DataFrame) -> pd.DataFrame:
    """Return what the shortcut costs out of distribution: ID score less the mean of the task's OOD scores.

    Args:
        table: results of the figure "pocket-world".

    Returns:
        A row per task, share and seed, with the columns ``ID``, ``OOD`` and ``gap``, all in points.
    """
    points = ["task", "share", "seed"]
    rows = by_share(table)
    scores = 100 * rows.groupby([*points, "split"]).score.mean().unstack("split")
    scores = scores.reindex(pd.MultiIndex.from_frame(rows[points].drop_duplicates()))
    return scores.assign(gap=scores.ID - scores.OOD).reset_index().rename_axis(columns=None)


def gap_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return ID score, mean OOD score and gap in points, as mean ± standard deviation over seeds.

    Args:
        table: results of the figure "pocket-world".

    Returns:
        A row per task and share of counter-examples; the study's own share is marked as the default.
    """
    cells = gaps(table).set_index(["task", "share"]).drop(columns="seed").groupby(level=[0, 1], sort=False)
    text = cells.agg(lambda values: f"{values.mean():.1f}" + (f" ± {values.std():.1f}" if len(values) > 1 else ""))
    usual = {task: knob.share(World()) for task, knob in KNOBS.items()}
    text.index = pd.MultiIndex.from_tuples(
        [
            (TASKS[task].title, f"{100 * share:g} %" + (", the default" if share == usual[task] else ""))
            for task, share in text.index
        ],
        names=["task", "counter-examples"],
    )
    return text
