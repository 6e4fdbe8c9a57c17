"""The text that the pocket BERT is pre-trained on: pairs of sentences that tell the same fact, or two facts."""

from dataclasses import replace
from random import Random
from typing import NamedTuple

from srnet.pocket import lexicon
from srnet.pocket.facts import PATTERNS, Event, different, embedded


class SentencePair(NamedTuple):
    """Two sentences, and whether the second restates the first."""

    first: str
    second: str
    restated: bool


def sentence_pair(rng: Random) -> SentencePair:
    """Draw a pair of sentences about common facts; half of the pairs tell the same fact twice.

    The other half tell two facts: mostly unrelated ones, else ones that differ in one person, action or place. They
    are never the same event with its roles exchanged: a BERT pre-trained to tell those apart does not fall for the
    lexical-overlap bias.
    """
    restated = rng.random() < 0.5
    unrelated = rng.random() < 0.7
    kind = rng.random()
    if kind < 0.2:
        pattern = rng.choice(PATTERNS)
        words = pattern.draw(rng, held_out=False)
        different_words = pattern.draw(rng, held_out=False) if unrelated else pattern.other(rng, words)
        return SentencePair(pattern.say(rng, words), pattern.say(rng, words if restated else different_words), restated)
    event = Event.draw(rng, held_out=False)
    if rng.random() < 0.5:
        event = event.modified(rng)
    if rng.random() < 0.05:
        event = replace(event, adverb="never")
    clause = event.active() if rng.random() < 0.5 else event.passive()
    other = Event.draw(rng, held_out=False).modified(rng) if unrelated else event.other(rng)
    retold = (event if restated else other).restated(rng)
    if kind < 0.8:
        return SentencePair(clause, retold, restated)
    if kind < 0.85:
        speaker = different(rng, lexicon.PEOPLE, *event.people)
        listener = different(rng, lexicon.PEOPLE, *event.people, speaker)
        first = rng.choice((f"the {speaker} told the {listener} that {clause}", f"{clause} , said the {speaker}"))
        return SentencePair(first, f"the {listener} was told by the {speaker} that {retold}", restated)
    asserted = rng.random() < 0.5
    first = embedded(rng, event, clause, asserted)
    if asserted and rng.random() < 0.5:
        return SentencePair(first, retold, restated)
    return SentencePair(first, embedded(rng, event, retold, asserted), restated)
