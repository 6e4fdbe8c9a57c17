"""Try settings of the pocket world on full models: how biased is plain fine-tuning, how much does PoE repair?

    python benchmarks/pocket_knobs.py --seed 1 --seed 2 --world '{"high_overlap_negatives": 0.03}'

One line of JSON per setting is added to the trail. Only full models are looked at, never a subnetwork: what
subnetworks do in the world is to be found, not designed.
"""

import json
from dataclasses import asdict
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from srnet.compute import Inputs
from srnet.executor import run
from srnet.experiments import Data, FineTuned, Pretrained
from srnet.models import folder_digest
from srnet.pocket import World, plm_folder
from srnet.pocket.nli import fingerprint
from srnet.profiles import PROFILES
from srnet.store import Store
from srnet.training import LOSSES


def main(
    seed: Annotated[list[int], typer.Option(help="Seed of fine-tuning; may be repeated.")],
    world: Annotated[str, typer.Option(help="Settings of the world that differ from its defaults, as JSON.")] = "{}",
    plm: Annotated[Path | None, typer.Option(help="Pre-trained folder; the shipped one if not given.")] = None,
    trail: Annotated[Path, typer.Option(help="File to add the result to.")] = Path("results/pocket-trail.jsonl"),
    note: Annotated[str, typer.Option(help="What is being tried, for the trail.")] = "",
) -> None:
    """Fine-tune full models with each loss and seed, and add their accuracies to the trail."""
    setting, folder = World(**json.loads(world)), plm or plm_folder()
    data, base = Data("nli", fingerprint(), setting), Pretrained(folder.name, folder_digest(folder))
    recipe = PROFILES["pocket"].training["nli"].full
    experiments = {(loss, s): FineTuned(base, data, s, recipe, loss) for s in seed for loss in LOSSES}
    with TemporaryDirectory() as root:
        store = Store(Path(root))
        run(list(experiments.values()), store, Inputs(plm=str(folder)), workers=1)
        metrics = {key: store.record(experiment)["metrics"] for key, experiment in experiments.items()}
    runs = [{"loss": loss, "seed": s} | _accuracies(metrics[loss, s]) for loss, s in experiments]
    means = {
        loss: {
            "id": round(100 * mean(metrics[loss, s]["mnli-m"]["accuracy"] for s in seed), 2),
            "hans": round(100 * mean(metrics[loss, s]["hans"]["accuracy"] for s in seed), 2),
        }
        for loss in LOSSES
    }
    pretraining = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))
    line = {
        "note": note,
        "world": asdict(setting),
        "generator": data.sha256,
        "plm": base.sha256,
        "pretraining": pretraining["settings"],
        "training": asdict(recipe),
        "means": means,
        "runs": runs,
    }
    trail.parent.mkdir(parents=True, exist_ok=True)
    with trail.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    print(json.dumps(means))


def _accuracies(metrics: dict[str, Any]) -> dict[str, Any]:
    """Return accuracies in percent: in distribution, HANS-like, and by heuristic and label."""
    hans = metrics["hans"]
    subsets = {name: round(100 * accuracy, 1) for name, accuracy in hans["subsets"].items()}
    return {
        "id": round(100 * metrics["mnli-m"]["accuracy"], 2),
        "hans": round(100 * hans["accuracy"], 2),
        "subsets": subsets,
    }


if __name__ == "__main__":
    typer.run(main)
