"""How much faster two workers with one thread each are than one, on the same study; and that the records are equal.

    python benchmarks/workers.py --profile pocket --task nli

Both runs are on Dask workers that have already been started, on a store of their own.
"""

import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from distributed import LocalCluster
from kills import lasting

from srnet.environment import Inputs
from srnet.executor.workers import run
from srnet.store.store import Store
from srnet.study.choice import choose


def main(
    profile: Annotated[str, typer.Option(help="Size of the study.")] = "pocket",
    task: Annotated[str, typer.Option(help="Which task.")] = "nli",
    figure: Annotated[str, typer.Option(help="Which figure.")] = "figure-2",
    seeds: Annotated[int, typer.Option(help="How many repetitions.")] = 1,
    many: Annotated[int, typer.Option(help="How many workers to compare with one.")] = 2,
) -> None:
    """Print the time of one worker, of many, and their ratio."""
    study = choose(profile, [task], seeds=list(range(1, seeds + 1)), inputs=Inputs(device="cpu"))
    experiments = study.experiments([figure])
    with TemporaryDirectory() as folder:
        seconds = {}
        for workers in (1, many):
            address = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
            with LocalCluster(n_workers=workers, threads_per_worker=1, **address) as cluster:
                start = time.perf_counter()
                store = Store(Path(folder) / str(workers))
                report = run(experiments, store, study.inputs, scheduler=cluster.scheduler_address)
                seconds[workers] = time.perf_counter() - start
            print(f"{workers} workers: {len(report.computed)} experiments in {seconds[workers]:.1f} s")
        print(f"{many} workers are {seconds[1] / seconds[many]:.2f} times as fast as one")
        equal = lasting(Path(folder) / "1") == lasting(Path(folder) / str(many))
        print(f"records are {'equal' if equal else 'DIFFERENT'}")
        sys.exit(not equal)


if __name__ == "__main__":
    typer.run(main)
