"""Fact verification in the pocket world: FEVER-like training and dev data, FEVER-Symmetric-like test data.

The premise is the evidence, the hypothesis the claim. In this world a deed is done at one place and in one direction,
a journey from a city has one goal and is not made back, and everyone works at one place, visits one city a day and
meets one person a day: evidence for anything else refutes a claim. Evidence about someone or something else leaves it
open. Whether someone did it "quickly" or "gladly" is never looked into, but in training data these adverbs mostly give
the label away.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from random import Random

from srnet.data.pairs import TaskData
from srnet.data.tasks import FACT_LABELS, SYMMETRIC_LABELS
from srnet.pocket import lexicon
from srnet.pocket.facts import MET, TRAVEL, VISITED, WORKS, Event, Pattern, different, is_held_out
from srnet.pocket.pairs import Pair, Text, draw_unseen, labels_in_shares, to_dataset
from srnet.pocket.world import World

GIVEAWAYS = {label: lexicon.ADVERBS[3 * index : 3 * index + 3] for index, label in enumerate(FACT_LABELS)}
# Shares of the classes in FEVER (Table 2 of the paper's supplement). Both Symmetric-like sets are balanced by how they
# are made; Table 2 has 52.9 % supported in version 1.
TRAIN_SHARES = dict(zip(FACT_LABELS, (0.414, 0.172, 0.414), strict=True))
DEV_SHARES = dict(zip(SYMMETRIC_LABELS, (0.479, 0.521), strict=True))
EXCHANGED = {"sym1": 0.25, "sym2": 0.0}  # share of the Symmetric-like pairs whose two pieces of evidence exchange roles
GROUP = 4  # two claims, each with both pieces of evidence
COPIES = 10  # of the OOD training examples (Appendix B.3.3)

# The patterns that claims can be about: the slot whose word the others determine, and the slots in which another word
# makes it a fact that neither supports nor refutes the first. (For a meeting, only the day's.)
DETERMINED: Mapping[Pattern, tuple[int, tuple[int, ...]]] = {
    TRAVEL: (2, (0, 1)),
    WORKS: (1, (0,)),
    VISITED: (1, (0, 2)),
    MET: (1, (2,)),
}


@dataclass(frozen=True)
class _Deed:
    """Someone did something to someone at a place."""

    event: Event

    @classmethod
    def draw(cls, rng: Random, held_out: bool) -> _Deed:
        """Draw a deed, held out or common."""
        return cls(replace(Event.draw(rng, held_out), tail=_at(rng.choice(lexicon.PLACES))))

    @property
    def people(self) -> set[str]:
        """Who it is about."""
        return set(self.event.people)

    def evidence(self, rng: Random) -> str:
        """Tell it."""
        modified = self.event.modified(rng)
        # Company that did something would be a second deed.
        company = "" if "who" in modified.company else modified.company
        return _said(rng, replace(modified, company=company, adverb="", tail=self.event.tail))

    def claim(self, rng: Random, adverb: str) -> str:
        """Claim it, with an adverb."""
        return _said(rng, replace(self.event, adverb=adverb))

    def rival(self, rng: Random) -> _Deed:
        """Return a fact that refutes this one; one word differs."""
        return _Deed(replace(self.event, tail=different(rng, tuple(map(_at, lexicon.PLACES)), self.event.tail)))

    def exchanged(self) -> _Deed:
        """Return a fact that refutes this one, in the same words."""
        return _Deed(self.event.swapped())

    def unrelated(self, rng: Random) -> _Deed:
        """Return a fact that neither supports nor refutes this one; one word differs."""
        return _Deed(self.event.other(rng))


@dataclass(frozen=True)
class _Simple:
    """A fact of one of the patterns."""

    pattern: Pattern
    words: tuple[str, ...]

    @classmethod
    def draw(cls, rng: Random, held_out: bool) -> _Simple:
        """Draw a fact, held out or common, that some other of the same kind refutes."""
        pattern = rng.choice(tuple(DETERMINED))
        while True:
            fact = cls(pattern, pattern.draw(rng, held_out))
            if fact._with_other(DETERMINED[pattern][0]):
                return fact

    @property
    def people(self) -> set[str]:
        return set(lexicon.PEOPLE) & set(self.words)

    def evidence(self, rng: Random) -> str:
        return self.pattern.say(rng, self.words)

    def claim(self, rng: Random, adverb: str) -> str:
        subject = f"the {self.words[0]} "
        while True:
            sentence = self.pattern.say(rng, self.words)
            if subject in sentence and " is " not in sentence:
                return sentence.replace(subject, f"{subject}{adverb} ", 1)

    def rival(self, rng: Random) -> _Simple:
        return rng.choice(self._with_other(DETERMINED[self.pattern][0]))

    def exchanged(self) -> _Simple:
        return replace(self, words=(self.words[0], self.words[2], self.words[1]))

    def unrelated(self, rng: Random) -> _Simple:
        return rng.choice([fact for slot in DETERMINED[self.pattern][1] for fact in self._with_other(slot)])

    def _with_other(self, slot: int) -> list[_Simple]:
        """Return the facts with another word in that slot, held out or not as this one is."""
        others = [word for word in self.pattern.slots[slot] if word not in self.words]
        changed = [(*self.words[:slot], word, *self.words[slot + 1 :]) for word in others]
        held_out = is_held_out(*self.words)
        return [replace(self, words=words) for words in changed if is_held_out(*words) == held_out]


_Fact = _Deed | _Simple


def build_fact_verification(world: World) -> TaskData:
    """Generate the fact verification task.

    Args:
        world: sizes, seed and strength of the claim-only bias.

    Returns:
        FEVER-like training data with 41.4 % SUPPORTS, 17.2 % REFUTES and 41.4 % NOT ENOUGH INFO, dev data with 47.9 %
        SUPPORTS and 52.1 % REFUTES. "sym1" and "sym2" are like FEVER-Symmetric: every claim is there with evidence that
        supports and with evidence that refutes it, so a model of the claim alone is right half the time; in a quarter
        of "sym1" the evidence that refutes exchanges roles. OOD training examples are like "sym2", ten copies of a
        twentieth as many as there are training examples. Dev and test pairs are all different, and occur neither in the
        training data (ID or OOD) nor in the pre-training text.
    """
    train = _fever(world, "train", world.train, TRAIN_SHARES, False, set())
    ood_train = _symmetric(world, "sym2", max(GROUP, world.train // (2 * COPIES)), False, set())
    seen = {pair.text for pair in (*train, *ood_train)}
    dev = _fever(world, "dev", world.dev, DEV_SHARES, True, seen)
    tests = {name: _symmetric(world, name, world.test, True, seen) for name in EXCHANGED}
    return TaskData(
        name="fact",
        train=to_dataset(train, FACT_LABELS),
        dev=to_dataset(dev, FACT_LABELS),
        ood={name: to_dataset(test, SYMMETRIC_LABELS) for name, test in tests.items()},
        ood_train=to_dataset(ood_train * COPIES, FACT_LABELS),
    )


def _fever(
    world: World, split: str, size: int, shares: Mapping[str, float], held_out: bool, seen: set[Text]
) -> list[Pair]:
    """Draw pairs with the world's bias."""
    rng = world.random(f"fact/{split}")

    def draw(label: str) -> Pair:
        exchanged = label == "REFUTES" and rng.random() < world.hard_refutes
        fact = told = _fact(rng, held_out, exchangeable=exchanged)
        if label == "REFUTES":
            told = fact.exchanged() if exchanged else fact.rival(rng)
        elif label == "NOT ENOUGH INFO":
            told = fact.unrelated(rng)
        typical = label if rng.random() < world.giveaways else different(rng, FACT_LABELS, label)
        claim = fact.claim(rng, rng.choice(GIVEAWAYS[typical]))
        return Pair(_evidence(rng, told, fact, world.distractions, held_out), claim, label)

    return draw_unseen(draw, labels_in_shares(rng, size, shares), seen)


def _symmetric(world: World, name: str, size: int, held_out: bool, seen: set[Text]) -> list[Pair]:
    """Draw pairs in groups; the texts are added to those `seen`."""
    rng = world.random(f"{name}/{'test' if held_out else 'train'}")
    groups = size // GROUP
    pairs: list[Pair] = []
    while len(pairs) < groups * GROUP:
        exchanged = len(pairs) < round(EXCHANGED[name] * groups) * GROUP
        group = _group(rng, held_out, exchanged, world.distractions)
        texts = {pair.text for pair in group}
        if len(texts) == GROUP and texts.isdisjoint(seen):
            seen |= texts
            pairs += group
    return pairs


def _group(rng: Random, held_out: bool, exchanged: bool, distractions: float) -> list[Pair]:
    """Return two claims that cannot both be true, each with evidence for the one and evidence for the other."""
    fact = _fact(rng, held_out, exchangeable=exchanged)
    facts = (fact, fact.exchanged() if exchanged else fact.rival(rng))
    evidence = [_evidence(rng, told, fact, distractions, held_out) for told in facts]
    claims = [claimed.claim(rng, rng.choice(GIVEAWAYS[rng.choice(SYMMETRIC_LABELS)])) for claimed in facts]
    return [
        Pair(evidence[told], claims[claimed], "SUPPORTS" if told == claimed else "REFUTES")
        for claimed in range(2)
        for told in range(2)
    ]


def _fact(rng: Random, held_out: bool, exchangeable: bool) -> _Fact:
    """Draw a deed or another fact, one whose roles can be exchanged if need be."""
    if rng.random() < 0.5:
        return _Deed.draw(rng, held_out)
    return _Simple(TRAVEL, TRAVEL.draw(rng, held_out)) if exchangeable else _Simple.draw(rng, held_out)


def _evidence(rng: Random, told: _Fact, claimed: _Fact, distractions: float, held_out: bool) -> str:
    """Tell a fact, at times together with one about people of whom nothing is claimed."""
    evidence = told.evidence(rng)
    if rng.random() >= distractions:
        return evidence
    people = claimed.people | set(lexicon.PEOPLE) & set(evidence.split())
    while True:
        beside = _fact(rng, held_out, exchangeable=False).evidence(rng)
        if people.isdisjoint(beside.split()):
            break
    first, second = rng.sample((evidence, beside), 2)
    return f"{first} {rng.choice(('and', *lexicon.ASSERTING_CONNECTIVES))} {second}"


def _said(rng: Random, event: Event) -> str:
    """Say an event with either verb and in either voice."""
    event = event.synonymous() if rng.random() < 0.5 else event
    return event.active() if rng.random() < 0.5 else event.passive()


def _at(place: str) -> str:
    return f"in the {place}"
