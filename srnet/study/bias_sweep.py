"""Full models of the pocket world at other strengths of the bias.

Counter-examples are training examples that whoever takes the shortcut of the task gets wrong: pairs without new words
that are not entailed, or no duplicates; claims whose adverb is typical of another class. Their share is set by one
field of `srnet.pocket.World` for each task; the fewer there are, the more does the shortcut pay.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from srnet.pocket import World
from srnet.study.points import Run, Setting

SHARES = (0.0, 0.01, 0.05, 0.3)  # of counter-examples, beside that of the study


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
        return round(1 - value, 6) if self.reverse else value  # 1 - 0.85 is not quite 0.15

    def turned(self, world: World, share: float) -> World:
        """Return a world with another share of counter-examples."""
        changes: dict[str, Any] = {self.field: round(1 - share, 6) if self.reverse else share}
        return replace(world, **changes)


KNOBS: Mapping[str, Knob] = {
    "nli": Knob("high_overlap_negatives", "of the pairs that are not entailed"),
    "paraphrase": Knob("high_overlap_non_duplicates", "of the pairs that are no duplicates"),
    "fact": Knob("giveaways", "of the claims", reverse=True),
}
DEFAULT_SHARES: Mapping[str, float] = {task: knob.share(World()) for task, knob in KNOBS.items()}
"""The study's own share of counter-examples, by task."""


def sweep_runs(setting: Setting) -> Iterator[Run]:
    """Yield full models, trained with cross-entropy, at several shares of counter-examples, in rising order.

    Their label is ``share``.
    """
    world, knob, full = setting.data.world, KNOBS[setting.data.task], setting.full()
    assert world  # profiles without one leave the figure out
    usual = knob.share(world)
    for share in sorted({*SHARES, usual}):
        data = replace(setting.data, world=knob.turned(world, share))
        # The usual one is that of all other figures, with the checkpoints that these need.
        model = full if share == usual else replace(full, data=data, checkpoints=())
        yield setting.run("full bert (std)", 0.0, model, share=share)
