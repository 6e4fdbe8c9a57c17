"""Benchmarks that no other test runs do run."""

import runpy
from pathlib import Path
from types import SimpleNamespace

from srnet.environment import Inputs
from srnet.experiments import Experiment
from srnet.study import choose
from srnet.study.profiles import PROFILES

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SCRIPT = BENCHMARKS / "gpu.py"


def test_without_a_gpu_the_gpus_table_is_of_a_tiny_model_and_has_positive_rates() -> None:
    table = runpy.run_path(str(SCRIPT))["main"]("cpu")
    model, training, layers, steps, tokens, share, memory = (list(column.cells) for column in table.columns)
    assert "no GPU" in table.title
    assert (model, training, layers) == (["tiny"] * 2, ["dense", "mask, 70 %"], ["eager"] * 2)
    rates = [float(cell.replace(",", "").rstrip("%")) for cell in [*steps, *tokens, *share]]
    assert min(rates) > 0
    assert memory == ["-", "-"]


def test_learning_rates_are_compared_by_losses_that_all_of_them_have() -> None:
    rates = runpy.run_path(str(BENCHMARKS / "rates.py"))
    search = rates["SEARCHES"]["pocket"]
    setting = choose("pocket", ["fact"], inputs=Inputs(device="cpu")).setting
    grid = rates["grid"](search, ["mask", "imp"], {"fact": [setting("fact", seed) for seed in search.seeds]})
    lacking = {each.key for each in grid["mask", "fact", 5e-4] if each.loss == "poe"}

    def record(experiment: Experiment) -> dict[str, object]:
        return {"metrics": {"fever": {"accuracy": experiment.seed / 10}}}  # type: ignore[attr-defined]

    store = SimpleNamespace(has=lambda experiment: experiment.key not in lacking, record=record)
    both = {"std": 55.0, "poe": 55.0}  # of seeds 5 and 6
    by_loss = {"mask": {"std": 55.0}, "imp": both}
    assert rates["scores"](grid, store) == {key: by_loss[key[0]] for key in grid}


def test_learning_rates_are_sought_with_other_seeds_than_the_study_has() -> None:
    for profile, search in runpy.run_path(str(BENCHMARKS / "rates.py"))["SEARCHES"].items():
        assert not set(search.seeds) & set(PROFILES[profile].seeds)
