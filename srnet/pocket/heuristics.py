"""Pairs whose hypothesis has no word that its premise lacks: the three heuristics of HANS (McCoy et al. 2019).

Each function draws one pair, entailed or not. A non-entailed pair is a contradiction where it reverses the event (an
event has one direction) and neutral otherwise.
"""

from collections.abc import Callable
from dataclasses import replace
from random import Random

from srnet.pocket import lexicon
from srnet.pocket.facts import Event, different, embedded
from srnet.pocket.pairs import Pair


def lexical_overlap(rng: Random, entailed: bool, held_out: bool) -> Pair:
    """The hypothesis is made of words of the premise, in another order or with gaps."""
    event = Event.draw(rng, held_out)
    third = different(rng, lexicon.PEOPLE, *event.people)
    together = replace(event.modified(rng), company=f"and the {third}").active()
    beside = replace(event.modified(rng), company=f"{rng.choice(lexicon.NEARNESS)} the {third}").active()
    if entailed:
        rich = replace(event.modified(rng), adverb=rng.choice(lexicon.ADVERBS))
        premise, hypothesis = rng.choice(
            (
                (together, event.active()),
                (beside, event.active()),
                (rich.active(), event.active()),
                (rich.passive(), event.passive()),
            )
        )
        return Pair(premise, hypothesis, "entailment")
    return rng.choice(
        (
            Pair(event.modified(rng).active(), event.swapped().active(), "contradiction"),
            Pair(event.modified(rng).passive(), event.swapped().active(), "contradiction"),
            Pair(together, replace(event, patient=third).active(), "neutral"),
            Pair(beside, replace(event, agent=event.patient, patient=third).active(), "neutral"),
        )
    )


def subsequence(rng: Random, entailed: bool, held_out: bool) -> Pair:
    """The hypothesis is a contiguous part of the premise."""
    event = Event.draw(rng, held_out)
    third = different(rng, lexicon.PEOPLE, *event.people)
    nearness = rng.choice(lexicon.NEARNESS)
    verb = different(rng, tuple(lexicon.SYNONYM), event.verb, lexicon.SYNONYM[event.verb])
    if entailed:
        premise, hypothesis = rng.choice(
            (
                (replace(event, tail=f"{nearness} the {third}").active(), event.active()),
                (replace(event, tail=f"who {verb} the {third}").active(), event.active()),
                (f"the {third} and {event.active()}", event.active()),
                (replace(event, tail="in the " + rng.choice(lexicon.PLACES)).passive(), event.passive()),
            )
        )
        return Pair(premise, hypothesis, "entailment")
    premise, hypothesis = rng.choice(
        (
            (f"the {third} {nearness} {event.active()}", event.active()),
            (f"the {third} {nearness} {event.passive()}", event.passive()),
            (f"the {third} who {verb} {event.active()}", event.active()),
        )
    )
    return Pair(premise, hypothesis, "neutral")


def constituent(rng: Random, entailed: bool, held_out: bool) -> Pair:
    """The hypothesis is a clause of the premise."""
    event = Event.draw(rng, held_out)
    clause = event.active() if rng.random() < 0.7 else event.passive()
    return Pair(embedded(rng, event, clause, entailed), clause, "entailment" if entailed else "neutral")


HEURISTICS: dict[str, Callable[[Random, bool, bool], Pair]] = {
    "lexical_overlap": lexical_overlap,
    "subsequence": subsequence,
    "constituent": constituent,
}
