"""Natural language inference in the pocket world: MNLI-like training and dev data, HANS-like test data."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import cycle, islice
from random import Random

from srnet.data.pairs import TaskData
from srnet.data.tasks import HANS_LABELS, NLI_LABELS
from srnet.pocket import lexicon
from srnet.pocket.facts import Event, embedded
from srnet.pocket.heuristics import HEURISTICS
from srnet.pocket.pairs import Pair, to_dataset, unseen
from srnet.pocket.world import World


def build_nli(world: World) -> TaskData:
    """Generate the NLI task.

    Args:
        world: sizes, seed and strength of the lexical-overlap bias.

    Returns:
        Training and dev data of three equal classes; under "hans" a test set with as many entailed as non-entailed
        pairs of each of three heuristics (its subsets). OOD training examples are of the latter kind, half as many as
        there are training examples; as where HANS is trained on, those not entailed count as contradictions. Dev and
        test pairs are all different, and occur neither in the training data (ID or OOD) nor in the pre-training text.
    """
    train = list(islice(_mnli_pairs(world, "train", held_out=False), world.train))
    ood_train = [
        pair._replace(label="entailment" if pair.label == "entailment" else "contradiction")
        for pair in islice(_hans_pairs(world, "hans/train", held_out=False), world.train // 2)
    ]
    seen = {pair.text for pair in (*train, *ood_train)}
    dev = list(islice(unseen(_mnli_pairs(world, "dev", held_out=True), seen), world.dev))
    hans = list(islice(unseen(_hans_pairs(world, "hans", held_out=True), seen), world.test))
    return TaskData(
        name="nli",
        train=to_dataset(train, NLI_LABELS),
        dev=to_dataset(dev, NLI_LABELS),
        ood={"hans": to_dataset(hans, HANS_LABELS)},
        ood_train=to_dataset(ood_train, NLI_LABELS),
    )


def high_overlap(rng: Random, label: str, held_out: bool) -> Pair:
    """Draw a pair of the wanted label whose hypothesis has only words of its premise, by a random heuristic."""
    while True:
        pair = rng.choice(list(HEURISTICS.values()))(rng, label == "entailment", held_out)
        if pair.label == label:
            return pair


def low_overlap(rng: Random, label: str, held_out: bool, suppositions: float) -> Pair:
    """Draw a pair of the wanted label whose hypothesis has a word that its premise lacks.

    Args:
        rng: source of randomness.
        label: one of `NLI_LABELS`.
        held_out: whether to tell of facts kept for evaluation.
        suppositions: share of the neutral pairs whose premise supposes what the hypothesis says.
    """
    while True:
        event = Event.draw(rng, held_out).modified(rng)
        if label == "entailment":
            pair = Pair(_told(rng, event), event.restated(rng), label)
        elif label == "neutral":
            pair = _neutral(rng, event, suppositions)
        else:
            pair = _contradiction(rng, event)
        if not set(pair.hypothesis.split()) <= set(pair.premise.split()):
            return pair


def _neutral(rng: Random, event: Event, suppositions: float) -> Pair:
    if rng.random() < suppositions:
        return Pair(embedded(rng, event, _clause(rng, event), asserted=False), event.restated(rng), "neutral")
    if rng.random() < 0.5:
        return Pair(_told(rng, event), event.other(rng).restated(rng), "neutral")
    more = replace(event, tail="in the " + rng.choice(lexicon.PLACES), adverb=rng.choice(lexicon.ADVERBS))
    return Pair(_told(rng, event.bare()), more.restated(rng), "neutral")


def _contradiction(rng: Random, event: Event) -> Pair:
    kind = rng.random()
    if kind < 0.25:
        return Pair(_told(rng, replace(event, adverb="never")), event.restated(rng), "contradiction")
    if kind < 0.5:
        return Pair(_told(rng, event), replace(event.bare(), adverb="never").restated(rng), "contradiction")
    here, there = rng.sample(lexicon.PLACES, 2)
    elsewhere = replace(event.reduced(rng), tail=f"in the {there}")
    return Pair(_told(rng, replace(event, tail=f"in the {here}")), _clause(rng, elsewhere), "contradiction")


def _told(rng: Random, event: Event) -> str:
    """Say an event as a premise that asserts it: on its own, or within a longer sentence."""
    clause = _clause(rng, event)
    return clause if rng.random() < 0.6 else embedded(rng, event, clause, asserted=True)


def _clause(rng: Random, event: Event) -> str:
    return event.active() if rng.random() < 0.6 else event.passive()


def _mnli_pairs(world: World, split: str, held_out: bool) -> Iterator[Pair]:
    """Draw pairs without end, the three classes in turn, with the world's bias."""
    rng = world.random(split)
    for label in cycle(NLI_LABELS):
        if label == "entailment":
            high = rng.random() >= world.low_overlap_entailments
        else:
            high = rng.random() < world.high_overlap_negatives
        if high:
            yield high_overlap(rng, label, held_out)
        else:
            yield low_overlap(rng, label, held_out, world.suppositions)


def _hans_pairs(world: World, split: str, held_out: bool) -> Iterator[Pair]:
    """Draw pairs without end, heuristics and labels in turn."""
    rng = world.random(split)
    for heuristic, entailed in cycle([(name, entailed) for name in HEURISTICS for entailed in (True, False)]):
        pair = HEURISTICS[heuristic](rng, entailed, held_out)
        yield pair._replace(label="entailment" if entailed else "non-entailment", subset=heuristic)
