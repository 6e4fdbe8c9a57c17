"""The pocket world as several tests look at it."""

import re
from functools import cache
from typing import Any, NamedTuple

from datasets import Dataset

from srnet.data.pairs import TaskData
from srnet.pocket import World, build
from srnet.pocket.lexicon import ADJECTIVES, ADVERBS, COMPARATIVES, NEARNESS, SYNONYM


@cache
def default_world(task: str) -> TaskData:
    return build(task, World())


def parts(data: TaskData) -> dict[str, Dataset]:
    assert data.ood_train is not None
    return {"train": data.train, "dev": data.dev, **data.ood, "ood_train": data.ood_train}


def rows(data: Dataset) -> list[dict[str, Any]]:
    return [row | {"label": data.features["label"].int2str(row["label"])} for row in data]


def pairs(data: Dataset) -> list[tuple[str, str]]:
    return list(zip(data["premise"], data["hypothesis"], strict=True))


def overlaps(row: dict[str, Any]) -> bool:
    return set(row["hypothesis"].split()) <= set(row["premise"].split())


class Told(NamedTuple):
    """What a sentence says: the kind of fact, its words in a fixed order, and the place of a deed if one is named."""

    kind: str
    words: tuple[str, ...]
    place: str = ""


_DEED = "|".join(SYNONYM)
_FORMS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("deed", rf"the (\w+) ({_DEED}) the (\w+)(?: in the (\w+))?", (1, 2, 3, 4)),
    ("deed", rf"the (\w+) was ({_DEED}) by the (\w+)(?: in the (\w+))?", (3, 2, 1, 4)),
    ("journey", r"the (\w+) (?:travelled|went) from (\w+) to (\w+)(?: on \w+)?", (1, 2, 3)),
    ("journey", r"the (\w+) left (\w+) for (\w+)(?: on \w+)?", (1, 2, 3)),
    ("comparison", r"the (\w+) is (\w+) than the (\w+)", (2, 1, 3)),
    ("work", r"the (\w+) works in the (\w+)", (1, 2)),
    ("work", r"the (\w+) is where the (\w+) works", (2, 1)),
    ("visit", r"the (\w+) visited (\w+) on (\w+)", (1, 3, 2)),
    ("visit", r"on (\w+) the (\w+) (?:was in|visited the city of) (\w+)", (2, 1, 3)),
    ("meeting", r"the (\w+) met the (\w+) on (\w+)", (1, 3, 2)),
    ("meeting", r"on (\w+) the (\w+) met the (\w+)", (2, 1, 3)),
)
_STATEMENTS = (
    (r"the (\w+) told the (\w+) that (.*)", (1, 2, 3)),
    (r"the (\w+) was told by the (\w+) that (.*)", (2, 1, 3)),
)
_MORE = {less: more for more, less in COMPARATIVES}


def told(sentence: str) -> Told:
    """Read a sentence of paraphrase identification or fact verification; written from the grammar, not the generator.

    Days of journeys and all modifiers but places are left out, verbs and comparatives brought to one of each pair.
    """
    for statement, (by, to, of) in _STATEMENTS:
        if match := re.fullmatch(statement, sentence):
            speaker, listener, clause = match[by], match[to], match[of]
            fact = told(clause)
            return Told("statement", (speaker, listener, fact.kind, *fact.words))
    core = re.sub(rf"\b({'|'.join(ADVERBS + ADJECTIVES)}) ", "", sentence)
    core = re.sub(rf" ({'|'.join(NEARNESS)}) the \w+", "", core)
    for kind, form, order in _FORMS:
        if match := re.fullmatch(form, core):
            words = [match[index] or "" for index in order]
            if kind == "deed":
                agent, verb, patient, place = words
                return Told(kind, (agent, min(verb, SYNONYM[verb]), patient), place)
            if kind == "comparison" and words[0] in _MORE:
                return Told(kind, (_MORE[words[0]], words[2], words[1]))
            return Told(kind, tuple(words))
    raise AssertionError(f"unreadable: {sentence}")


def told_in_all(evidence: str) -> list[Told]:
    """Read what evidence tells, one or two facts."""
    return [told(clause) for clause in re.split(r" (?:and|although|because|since) ", evidence)]


def verdict(evidence: str, claim: str) -> str:
    """Find a claim's label by the laws of the pocket world."""
    verdicts = {_verdict(fact, told(claim)) for fact in told_in_all(evidence)} - {"NOT ENOUGH INFO"}
    return verdicts.pop() if verdicts else "NOT ENOUGH INFO"


def _verdict(fact: Told, claimed: Told) -> str:
    if fact == claimed:
        return "SUPPORTS"
    if fact.kind != claimed.kind:
        return "NOT ENOUGH INFO"
    if fact.kind == "deed":
        agent, verb, patient = fact.words
        return "REFUTES" if claimed.words in (fact.words, (patient, verb, agent)) else "NOT ENOUGH INFO"
    *given, _ = fact.words
    back = fact.kind == "journey" and claimed.words == (fact.words[0], fact.words[2], fact.words[1])
    return "REFUTES" if back or list(claimed.words[:-1]) == given else "NOT ENOUGH INFO"
