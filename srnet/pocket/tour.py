"""The pocket world as tables to look at: pairs that its generators draw, and its settings."""

import inspect
import re
from dataclasses import fields

import pandas as pd

from srnet.data.tasks import DATASETS
from srnet.pocket.fact_verification import GIVEAWAYS
from srnet.pocket.generator import build
from srnet.pocket.world import World

TEXTS = {
    "nli": ("premise", "hypothesis"),
    "paraphrase": ("one sentence", "the other"),
    "fact": ("evidence", "claim"),
}
TRUE = ("entailment", "duplicate")  # what a pair is called, by the shortcut, whose second sentence has no new word


def knobs() -> pd.DataFrame:
    """Return the settings of the pocket world as `World` tells them: ``default`` and ``meaning`` by name."""
    told = re.findall(r"^ {4}(\w+): (.*?)(?=^ {4}\w|^\w|\Z)", inspect.getdoc(World) or "", re.MULTILINE | re.DOTALL)
    meaning = {name: " ".join(text.split()) for name, text in told}
    rows = [(field.name, f"{field.default:g}", meaning[field.name]) for field in fields(World)]
    return pd.DataFrame(rows, columns=["knob", "default", "meaning"]).set_index("knob")


def examples(task: str, world: World) -> pd.DataFrame:
    """Return pairs that the generator draws: the first of each data set, heuristic, class and kind.

    There are two kinds: the shortcut of the task is right about a pair, or wrong. For pairs of sentences it says that a
    second sentence without new words is entailed, or a duplicate; for claims, that the adverb tells the class.

    Args:
        task: a name in `srnet.data.tasks.TASKS`.
        world: settings of the generator.

    Returns:
        A row per pair, with the columns data set, class, shortcut ("right" or "wrong"), and one for each text.
    """
    data = build(task, world)
    found: dict[tuple, tuple[str, ...]] = {}
    for place, (name, part) in enumerate({"training": data.train, **data.ood}.items()):
        for row in part:
            label = part.features["label"].names[row["label"]]
            wrong = not _shortcut_is_right(task, row["premise"], row["hypothesis"], label)
            part_name = ", ".join(filter(None, [DATASETS.get(name, name), row["subset"].replace("_", " ")]))
            labels = (part_name, label, "wrong" if wrong else "right")
            found.setdefault((place, row["subset"], row["label"], wrong), (*labels, row["premise"], row["hypothesis"]))
    return pd.DataFrame([found[key] for key in sorted(found)], columns=["data set", "class", "shortcut", *TEXTS[task]])


def _shortcut_is_right(task: str, premise: str, hypothesis: str, label: str) -> bool:
    words = hypothesis.split()
    if task == "fact":
        return any(adverb in words for adverb in GIVEAWAYS[label])
    return set(words).issubset(premise.split()) == (label in TRUE)
