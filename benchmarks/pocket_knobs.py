"""Try settings of the pocket world on full models: how biased is plain fine-tuning, how much does PoE repair?

    python benchmarks/pocket_knobs.py --task nli --seed 1 --seed 2 --world '{"high_overlap_negatives": 0.03}'

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

from srnet.data.tasks import TASKS, find_task
from srnet.environment import Inputs
from srnet.executor.workers import run
from srnet.experiments.expressions import Bias, Data, FineTuned, Pretrained
from srnet.pocket import FINGERPRINTS, World, plm_folder
from srnet.store.store import Store
from srnet.study.profiles import PROFILES
from srnet.training.models import folder_digest

LOSSES = ("std", "poe")


def main(
    seed: Annotated[list[int], typer.Option(help="Seed of fine-tuning; may be repeated.")],
    task: Annotated[str, typer.Option(help=f"One of {', '.join(TASKS)}.")] = "nli",
    world: Annotated[str, typer.Option(help="Settings of the world that differ from its defaults, as JSON.")] = "{}",
    plm: Annotated[Path | None, typer.Option(help="Pre-trained folder; the shipped one if not given.")] = None,
    trail: Annotated[Path, typer.Option(help="File to add the result to.")] = Path("results/pocket-trail.jsonl"),
    note: Annotated[str, typer.Option(help="What is being tried, for the trail.")] = "",
) -> None:
    """Fine-tune full models with each loss and seed, and add their scores, in percent, to the trail."""
    setting, folder, metric = World(**json.loads(world)), plm or plm_folder(), find_task(task).metric
    tests = (TASKS[task].dev_name, *TASKS[task].ood)
    data, base = Data(task, FINGERPRINTS[task], setting), Pretrained(folder.name, folder_digest(folder))
    training = PROFILES["pocket"].training[task]
    experiments = {
        (loss, s): FineTuned(base, data, s, training.full_with(loss), loss, interval=training.interval)
        for s in seed
        for loss in LOSSES
    }
    with TemporaryDirectory() as root:
        store = Store(Path(root))
        run([*experiments.values(), Bias(data)], store, Inputs(plm=str(folder)), workers=1)
        metrics = {key: store.record(experiment)["metrics"] for key, experiment in experiments.items()}
        bias = _percent(store.record(Bias(data))["metrics"], metric)
    scores = {key: _percent(by_set, metric) for key, by_set in metrics.items()}
    means = {loss: {name: round(mean(scores[loss, s][name] for s in seed), 2) for name in tests} for loss in LOSSES}
    line = {
        "note": note,
        "task": task,
        "world": asdict(setting),
        "generator": data.sha256,
        "plm": base.sha256,
        "pretraining": json.loads((folder / "recipe.json").read_text(encoding="utf-8"))["settings"],
        "training": {loss: asdict(training.full_with(loss)) for loss in LOSSES} | {"interval": training.interval},
        "bias": bias,
        "means": means,
        "runs": [
            {"loss": loss, "seed": s} | scores[loss, s] | {"subsets": _subsets(metrics[loss, s])}
            for loss, s in experiments
        ],
    }
    trail.parent.mkdir(parents=True, exist_ok=True)
    with trail.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
    print(json.dumps({"bias": bias} | means))


def _percent(metrics: dict[str, Any], metric: str) -> dict[str, float]:
    """Return the headline score on each set, in percent."""
    return {name: round(100 * scores[metric], 2) for name, scores in metrics.items()}


def _subsets(metrics: dict[str, Any]) -> dict[str, float]:
    """Return accuracies in percent by set and class, and where a set has subsets by these too."""
    return {
        f"{name}/{group}": round(100 * accuracy, 1)
        for name, scores in metrics.items()
        for group, accuracy in scores.get("subsets", scores["classes"]).items()
    }


if __name__ == "__main__":
    typer.run(main)
