"""Benchmarks that no other test runs do run."""

import runpy
from pathlib import Path

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "gpu.py"


def test_without_a_gpu_the_gpus_table_is_of_a_tiny_model_and_has_positive_rates() -> None:
    table = runpy.run_path(str(SCRIPT))["main"]("cpu")
    model, training, layers, steps, tokens, share, memory = (list(column.cells) for column in table.columns)
    assert "no GPU" in table.title
    assert (model, training, layers) == (["tiny"] * 2, ["dense", "mask, 70 %"], ["eager"] * 2)
    rates = [float(cell.replace(",", "").rstrip("%")) for cell in [*steps, *tokens, *share]]
    assert min(rates) > 0
    assert memory == ["-", "-"]
