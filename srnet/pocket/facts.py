"""What happens in the pocket world, and the many ways to say it.

Facts are divided once and for all: the sentences of training data and pre-training text are built around common facts,
those of evaluation data around held-out ones, so that no evaluated pair has been seen before.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace
from random import Random

from srnet.pocket import lexicon

HELD_OUT_ONE_IN = 5


def is_held_out(*words: str) -> bool:
    """Tell whether the fact of these words, in whatever order, is kept for evaluation (one in five is).

    Synonyms and swapped roles make no difference: a fact and its reversal are held out together.
    """
    canonical = sorted(min(word, lexicon.SYNONYM.get(word, word)) for word in words)
    return zlib.crc32(" ".join(canonical).encode()) % HELD_OUT_ONE_IN == 0


def different(rng: Random, words: tuple[str, ...], *taken: str) -> str:
    """Return a random one of `words` that is none of those `taken`."""
    return rng.choice([word for word in words if word not in taken])


@dataclass(frozen=True)
class Event:
    """Someone did something to someone; the modifiers (empty strings where there are none) can be left out.

    Attributes:
        agent: who did it.
        verb: past tense, which is the participle too.
        patient: to whom.
        adjective: before the agent ("happy").
        company: after the agent ("near the poet", "who called the judge", "and the poet").
        adverb: before the verb ("quietly"); "never" is the one that turns the event into its negation.
        tail: at the end ("in the park").
    """

    agent: str
    verb: str
    patient: str
    adjective: str = ""
    company: str = ""
    adverb: str = ""
    tail: str = ""

    @classmethod
    def draw(cls, rng: Random, held_out: bool) -> Event:
        """Draw a bare event, held out or common."""
        while True:
            agent, patient = rng.sample(lexicon.PEOPLE, 2)
            verb = rng.choice(rng.choice(lexicon.VERBS))
            if is_held_out(agent, verb, patient) == held_out:
                return cls(agent, verb, patient)

    @property
    def people(self) -> tuple[str, str]:
        """Agent and patient."""
        return self.agent, self.patient

    def active(self) -> str:
        """Say it in the active voice."""
        return _sentence(
            "the", self.adjective, self.agent, self.company, self.adverb, self.verb, "the", self.patient, self.tail
        )

    def passive(self) -> str:
        """Say it in the passive voice."""
        return _sentence(
            *("the", self.patient, "was", self.adverb, self.verb, "by the"),
            *(self.adjective, self.agent, self.company, self.tail),
        )

    def modified(self, rng: Random) -> Event:
        """Return this event with some modifiers: often an adjective, an adverb, a place, sometimes company."""
        third = different(rng, lexicon.PEOPLE, *self.people)
        relation = rng.choice(lexicon.NEARNESS) if rng.random() < 0.5 else "who " + rng.choice(tuple(lexicon.SYNONYM))
        return replace(
            self,
            adjective=_maybe(rng, 0.4, rng.choice(lexicon.ADJECTIVES)),
            company=_maybe(rng, 0.2, f"{relation} the {third}"),
            adverb=_maybe(rng, 0.4, rng.choice(lexicon.ADVERBS)),
            tail=_maybe(rng, 0.4, "in the " + rng.choice(lexicon.PLACES)),
        )

    def bare(self) -> Event:
        """Return this event without its modifiers."""
        return Event(self.agent, self.verb, self.patient)

    def reduced(self, rng: Random) -> Event:
        """Return this event, each modifier left out with probability one half; the negation stays."""
        adverb = self.adverb if self.adverb == "never" else _maybe(rng, 0.5, self.adverb)
        return replace(
            self,
            adjective=_maybe(rng, 0.5, self.adjective),
            company=_maybe(rng, 0.5, self.company),
            adverb=adverb,
            tail=_maybe(rng, 0.5, self.tail),
        )

    def synonymous(self) -> Event:
        """Return this event with the synonym of its verb."""
        return replace(self, verb=lexicon.SYNONYM[self.verb])

    def swapped(self) -> Event:
        """Return the event with agent and patient exchanged: in this world an event has one direction."""
        return replace(self, agent=self.patient, patient=self.agent)

    def other(self, rng: Random) -> Event:
        """Return an event with another agent, verb or patient (never a role swap), held out or not as this one is."""
        held_out = is_held_out(self.agent, self.verb, self.patient)
        while True:
            part = rng.choice(("agent", "verb", "patient"))
            if part == "verb":
                verb = rng.choice([v for v in lexicon.SYNONYM if v not in (self.verb, lexicon.SYNONYM[self.verb])])
                event = replace(self, verb=verb)
            else:
                event = replace(self, **{part: different(rng, lexicon.PEOPLE, *self.people)})
            if is_held_out(event.agent, event.verb, event.patient) == held_out:
                return event

    def restated(self, rng: Random) -> str:
        """Say it again: either voice, either synonym, some modifiers left out."""
        event = self.reduced(rng)
        if rng.random() < 0.5:
            event = event.synonymous()
        return event.active() if rng.random() < 0.5 else event.passive()


def embedded(rng: Random, event: Event, clause: str, asserted: bool) -> str:
    """Put a clause that says `event` into a longer sentence that asserts it ("because") or does not ("if").

    Where it asserts it, the rest of the sentence may be a mere supposition, so that no single word tells which it is.
    """
    held_out = is_held_out(event.agent, event.verb, event.patient)
    companion = Event.draw(rng, held_out)
    while set(companion.people) & set(event.people):
        companion = Event.draw(rng, held_out)
    second = companion.active()
    if asserted and rng.random() < 0.5:
        second = _attributed(rng, second, False, *event.people, *companion.people)
    connective = rng.choice(lexicon.ASSERTING_CONNECTIVES if asserted else lexicon.SUPPOSING_CONNECTIVES)
    kind = rng.random()
    if kind < 0.4:
        return _attributed(rng, clause, asserted, *event.people)
    if kind < 0.6:
        return f"{connective} {clause} , {second}"
    if kind < 0.8:
        return f"{second} {connective} {clause}"
    return f"{clause} {'and' if asserted else 'or'} {second}"


def _attributed(rng: Random, clause: str, asserted: bool, *people: str) -> str:
    """Say who knew or hoped that the clause is true, or how certain it is."""
    if rng.random() < 0.5:
        return rng.choice(lexicon.ASSERTING_ADVERBS if asserted else lexicon.SUPPOSING_ADVERBS) + " " + clause
    verb = rng.choice(lexicon.ASSERTING_VERBS if asserted else lexicon.SUPPOSING_VERBS)
    return f"the {different(rng, lexicon.PEOPLE, *people)} {verb} that {clause}"


@dataclass(frozen=True)
class Pattern:
    """A simple kind of fact: interchangeable phrasings over slots, each filled from its own words."""

    phrasings: tuple[str, ...]
    slots: tuple[tuple[str, ...], ...]

    def draw(self, rng: Random, held_out: bool) -> tuple[str, ...]:
        """Draw the words of a fact, held out or common, all different."""
        while True:
            words = tuple(rng.choice(slot) for slot in self.slots)
            if len(set(words)) == len(words) and is_held_out(*words) == held_out:
                return words

    def other(self, rng: Random, words: tuple[str, ...]) -> tuple[str, ...]:
        """Return another fact, held out or not as this one is, with one word replaced."""
        while True:
            place = rng.randrange(len(words))
            changed = (*words[:place], different(rng, self.slots[place], *words), *words[place + 1 :])
            if is_held_out(*changed) == is_held_out(*words):
                return changed

    def say(self, rng: Random, words: tuple[str, ...]) -> str:
        """Say the fact in one of its phrasings."""
        return rng.choice(self.phrasings).format(*words)


TRAVEL = Pattern(
    ("the {0} travelled from {1} to {2}", "the {0} went from {1} to {2}", "the {0} left {1} for {2}"),
    (lexicon.PEOPLE, lexicon.CITIES, lexicon.CITIES),
)
COMPARISONS = tuple(
    Pattern((f"the {{0}} is {more} than the {{1}}", f"the {{1}} is {less} than the {{0}}"), (lexicon.PEOPLE,) * 2)
    for more, less in lexicon.COMPARATIVES
)
BORN = Pattern(("the {0} was born in {1}", "{1} is the birthplace of the {0}"), (lexicon.PEOPLE, lexicon.CITIES))
LIVES = Pattern(("the {0} lives in {1}", "the home of the {0} is in {1}"), (lexicon.PEOPLE, lexicon.CITIES))
WORKS = Pattern(("the {0} works in the {1}", "the {1} is where the {0} works"), (lexicon.PEOPLE, lexicon.PLACES))
VISITED = Pattern(
    ("the {0} visited {1} on {2}", "on {2} the {0} was in {1}", "on {2} the {0} visited the city of {1}"),
    (lexicon.PEOPLE, lexicon.CITIES, lexicon.DAYS),
)
MET = Pattern(
    ("the {0} met the {1} on {2}", "on {2} the {0} met the {1}"), (lexicon.PEOPLE, lexicon.PEOPLE, lexicon.DAYS)
)
PATTERNS = (TRAVEL, *COMPARISONS, BORN, LIVES, WORKS, VISITED, MET)


def _sentence(*words: str) -> str:
    return " ".join(word for word in words if word)


def _maybe(rng: Random, share: float, word: str) -> str:
    return word if rng.random() < share else ""
