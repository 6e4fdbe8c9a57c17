"""The command that says how far the study is."""

import json
from contextlib import suppress
from pathlib import Path

from safetensors import SafetensorError, safe_open

from srnet.commands.options import Choice, Places, grouped
from srnet.commands.printing import say, show
from srnet.experiments import Experiment, closure
from srnet.store import Store


@grouped
def status(choice: Choice, places: Places) -> None:
    """List the experiments of the study: done, failed, unfinished and how far, damaged, or missing."""
    study, states = choice.study(places), States(places.results())
    study.require_text()
    rows = [[each.title, each.key, *states.of(each)] for each in closure(study.experiments(choice.figure))]
    show(["experiment", "key", "state", ""], rows)
    say(f"{sum(row[2] == 'done' for row in rows):,} of {len(rows):,} experiments done")


class States:
    """What has become of experiments; the folders that tell are read once."""

    def __init__(self, kept: Store) -> None:
        self.kept, self.failures = kept, kept.failures()
        self.unfinished, self.aside = set(kept.unfinished()), {folder.name[:20] for folder in kept.aside()}

    def of(self, experiment: Experiment) -> tuple[str, str]:
        """Return the state of an experiment, and more about it."""
        key, kept = experiment.key, self.kept
        if kept.has(experiment):
            return "done", "" if kept.whole(experiment) else "record without its files"
        if key in self.failures:
            return "failed", self.failures[key]["failed"]
        if key in self.unfinished:
            return "unfinished", self._how_far(experiment)
        if kept.folder(experiment).exists():
            return "damaged", "run computes it anew"
        return "missing", "a damaged result of it is set aside" if key in self.aside else ""

    def _how_far(self, experiment: Experiment) -> str:
        done = steps_saved(self.kept.root / "unfinished" / experiment.key)
        recipe = getattr(experiment, "recipe", None)
        return f"saved after {done:,} of {recipe.steps:,} steps" if done is not None and recipe else ""


def steps_saved(folder: Path) -> int | None:
    """Return how many training steps had been done when an experiment was last saved, if it was."""
    with suppress(OSError, SafetensorError, KeyError):  # replaced by a newer one in this moment, or not of training
        for file in folder.glob("*.safetensors"):
            with safe_open(file, "pt") as content:
                parts = json.loads(content.metadata()["state"])["parts"]
            return len(parts["training"]["trace"]["losses"])
    return None
