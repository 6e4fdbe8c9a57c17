"""Paraphrase identification in the pocket world: QQP-like training and dev data, PAWS-like test data.

Two sentences are duplicates if they tell the same fact, in whatever voice or phrasing; modifiers may be left out. In
training data the second sentence of a duplicate mostly has no word that the first lacks (high overlap), and that of a
non-duplicate has; in PAWS-like data the overlap is high in all pairs, and non-duplicates exchange who did it and to
whom, or from where and to where.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from srnet.data.pairs import TaskData
from srnet.data.tasks import PARAPHRASE_LABELS
from srnet.pocket import lexicon
from srnet.pocket.facts import COMPARISONS, TRAVEL, Event, Pattern, different
from srnet.pocket.pairs import Pair, Text, draw_unseen, labels_in_shares, to_dataset
from srnet.pocket.world import World

DUPLICATES = {"qqp": 0.369, "paws-qqp": 0.282, "paws-wiki": 0.442}
# Table 2 of the paper's supplement: training set of QQP, evaluated sets of PAWS (of PAWS-QQP's training set 31.5 %)
UNRELATED = 0.3  # share of the low-overlap non-duplicates that are about other people; in the others one word differs


@dataclass(frozen=True)
class _Deed:
    """Someone did something to someone, with modifiers."""

    event: Event

    @classmethod
    def draw(cls, rng: Random, held_out: bool) -> _Deed:
        """Draw a deed, held out or common."""
        return cls(replace(Event.draw(rng, held_out).modified(rng), company=""))

    def told(self, rng: Random) -> str:
        """Tell it with all its modifiers."""
        return self.event.active() if rng.random() < 0.5 else self.event.passive()

    def restated(self, rng: Random) -> str:
        """Tell it in other words, some modifiers left out."""
        return self.event.restated(rng)

    def swapped(self, rng: Random) -> _Deed:
        """Return another fact, in the same words."""
        return _Deed(self.event.swapped())

    def other(self, rng: Random) -> _Deed:
        """Return another fact: one word differs."""
        return _Deed(self.event.other(rng))


@dataclass(frozen=True)
class _Simple:
    """A journey, perhaps on a certain day, or a comparison."""

    pattern: Pattern
    words: tuple[str, ...]
    day: str = ""

    @classmethod
    def journey(cls, rng: Random, held_out: bool) -> _Simple:
        """Draw a journey, held out or common."""
        return cls(TRAVEL, TRAVEL.draw(rng, held_out), rng.choice((*lexicon.DAYS, "")))

    @classmethod
    def comparison(cls, rng: Random, held_out: bool) -> _Simple:
        """Draw a comparison, held out or common."""
        pattern = rng.choice(COMPARISONS)
        return cls(pattern, pattern.draw(rng, held_out))

    def told(self, rng: Random) -> str:
        return self.pattern.say(rng, self.words) + (f" on {self.day}" if self.day else "")

    def restated(self, rng: Random) -> str:
        return (self if rng.random() < 0.5 else replace(self, day="")).told(rng)

    def swapped(self, rng: Random) -> _Simple:
        *subject, first, second = self.words
        return replace(self, words=(*subject, second, first))

    def other(self, rng: Random) -> _Simple:
        return replace(self, words=self.pattern.other(rng, self.words))


@dataclass(frozen=True)
class _Statement:
    """Someone told someone about a deed or a comparison of others."""

    fact: _Deed | _Simple
    speaker: str
    listener: str

    @classmethod
    def draw(cls, rng: Random, held_out: bool) -> _Statement:
        """Draw a statement about a deed or comparison that is held out or common."""
        fact = rng.choice((lambda: _Deed(Event.draw(rng, held_out)), lambda: _Simple.comparison(rng, held_out)))()
        people = set(fact.told(rng).split())
        return cls(fact, *rng.sample([person for person in lexicon.PEOPLE if person not in people], 2))

    def told(self, rng: Random) -> str:
        return self._telling(rng, self.fact.told(rng))

    def restated(self, rng: Random) -> str:
        return self._telling(rng, self.fact.restated(rng))

    def swapped(self, rng: Random) -> _Statement:
        if rng.random() < 0.5:
            return replace(self, fact=self.fact.swapped(rng))
        return replace(self, speaker=self.listener, listener=self.speaker)

    def other(self, rng: Random) -> _Statement:
        if rng.random() < 0.5:
            return replace(self, fact=self.fact.other(rng))
        present, part = self.told(rng).split(), rng.choice(("speaker", "listener"))
        other = different(rng, lexicon.PEOPLE, *present)
        return replace(self, speaker=other) if part == "speaker" else replace(self, listener=other)

    def _telling(self, rng: Random, clause: str) -> str:
        if rng.random() < 0.5:
            return f"the {self.speaker} told the {self.listener} that {clause}"
        return f"the {self.listener} was told by the {self.speaker} that {clause}"


_Fact = _Deed | _Simple | _Statement
_Sorts = Sequence[Callable[[Random, bool], _Fact]]
QQP_SORTS: _Sorts = (_Deed.draw, _Deed.draw, _Simple.journey, _Statement.draw)
PAWS_SORTS: dict[str, _Sorts] = {
    "paws-qqp": (_Deed.draw, _Simple.journey),
    "paws-wiki": (_Statement.draw, _Simple.journey),
}


def build_paraphrase(world: World) -> TaskData:
    """Generate the paraphrase task.

    Args:
        world: sizes, seed and strength of the overlap bias.

    Returns:
        QQP-like training and dev data with 36.9 % duplicates; PAWS-like test sets with high overlap in all pairs:
        "paws-qqp" with 28.2 % duplicates (deeds and journeys) and "paws-wiki" with 44.2 % (journeys, and statements
        about deeds and comparisons). OOD training examples are of the latter kind, one half like each test set, and
        half as many as there are training examples. Dev and test pairs are all different, and occur neither in the
        training data (ID or OOD) nor in the pre-training text.
    """
    train = _qqp(world, "train", world.train, False, set())
    sizes = {"paws-qqp": world.train // 4, "paws-wiki": world.train // 2 - world.train // 4}
    ood_train = [
        pair._replace(subset=name) for name, size in sizes.items() for pair in _paws(world, name, size, False, set())
    ]
    seen = {pair.text for pair in (*train, *ood_train)}
    dev = _qqp(world, "dev", world.dev, True, seen)
    tests = {name: _paws(world, name, world.test, True, seen) for name in PAWS_SORTS}
    return TaskData(
        name="paraphrase",
        train=to_dataset(train, PARAPHRASE_LABELS),
        dev=to_dataset(dev, PARAPHRASE_LABELS),
        ood={name: to_dataset(test, PARAPHRASE_LABELS) for name, test in tests.items()},
        ood_train=to_dataset(ood_train, PARAPHRASE_LABELS),
    )


def _qqp(world: World, split: str, size: int, held_out: bool, seen: set[Text]) -> list[Pair]:
    """Draw pairs with the world's bias."""
    rng = world.random(f"paraphrase/{split}")

    def draw(label: str) -> Pair:
        if label == "duplicate":
            high = rng.random() >= world.low_overlap_duplicates
        else:
            high = rng.random() < world.high_overlap_non_duplicates
        return _pair(rng, QQP_SORTS, label, high, held_out)

    return draw_unseen(draw, _labels(rng, size, "qqp"), seen)


def _paws(world: World, name: str, size: int, held_out: bool, seen: set[Text]) -> list[Pair]:
    """Draw pairs whose words do not tell their label."""
    rng = world.random(f"{name}/{'test' if held_out else 'train'}")
    return draw_unseen(
        lambda label: _pair(rng, PAWS_SORTS[name], label, True, held_out), _labels(rng, size, name), seen
    )


def _labels(rng: Random, size: int, name: str) -> list[str]:
    return labels_in_shares(rng, size, {"non-duplicate": 1 - DUPLICATES[name], "duplicate": DUPLICATES[name]})


def _pair(rng: Random, sorts: _Sorts, label: str, high_overlap: bool, held_out: bool) -> Pair:
    """Tell a fact, and again or another one, with the wanted overlap."""
    while True:
        fact = rng.choice(sorts)(rng, held_out)
        first = fact.told(rng)
        if label == "duplicate":
            second = fact.restated(rng)
        elif high_overlap:
            second = fact.swapped(rng).restated(rng)
        elif rng.random() >= UNRELATED:
            second = fact.other(rng).restated(rng)
        else:
            second = _told_of_others(rng, sorts, first, held_out)
        if second != first and (set(second.split()) <= set(first.split())) == high_overlap:
            return Pair(first, second, label)


def _told_of_others(rng: Random, sorts: _Sorts, sentence: str, held_out: bool) -> str:
    """Tell a fact about none of the people in a sentence."""
    people = set(lexicon.PEOPLE) & set(sentence.split())
    while True:
        other = rng.choice(sorts)(rng, held_out).told(rng)
        if people.isdisjoint(other.split()):
            return other
