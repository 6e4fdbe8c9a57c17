"""Kill a study with SIGKILL at random instants, let it go on each time, and compare the end with an undisturbed run.

    python benchmarks/kills.py --profile pocket --task nli --kills 20

The whole process group is killed: the command and its workers. Records must be equal, but for times and machines; they
hold the checksums of weights, masks and logits, so these are equal bit for bit. Ends with status 1 if anything differs.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer

from srnet.store.records import CHECKSUM, VOLATILE


def main(
    profile: Annotated[str, typer.Option(help="Size of the study.")] = "pocket",
    task: Annotated[str, typer.Option(help="Which task.")] = "nli",
    figure: Annotated[str, typer.Option(help="Which figure.")] = "figure-2",
    workers: Annotated[int, typer.Option(help="Processes.")] = 2,
    kills: Annotated[int, typer.Option(help="How often.")] = 20,
    every: Annotated[float, typer.Option(help="Seconds between two snapshots of an experiment.")] = 0.5,
    seed: Annotated[int, typer.Option(help="Seed of the instants.")] = 0,
) -> None:
    """Compare a killed study with an undisturbed one."""
    words = ["--profile", profile, "--task", task, "--figure", figure, "--seed", "1", "--workers", str(workers)]
    with TemporaryDirectory() as folder:
        undisturbed, killed = Path(folder) / "undisturbed", Path(folder) / "killed"
        _run([*words, "--store", str(undisturbed)])
        wanted = lasting(undisturbed)
        seconds = [record["seconds"] for record in _records(undisturbed).values()]
        print(f"undisturbed: {len(wanted)} experiments, {sum(seconds) / workers:.0f} s")
        # Points between one result and the next, and not times, so that a machine of changing speed is no matter.
        draw = random.Random(seed)
        instants = sorted(draw.uniform(0, len(wanted) - 1) for _ in range(kills))
        words += ["--store", str(killed), "--snapshot-every", str(every)]
        for number, instant in enumerate(instants, start=1):
            if not _run(words, killed, int(instant), instant % 1 * median(seconds)):
                print(f"kill {number}: the study ended before it")
                sys.exit(1)
            kept, unfinished = lasting(killed), len(list(killed.glob("unfinished/*/*.safetensors")))
            print(f"kill {number}: {len(kept)} results, {unfinished} snapshots")
            _compare(kept, {key: wanted[key] for key in kept})
        _run(words)
        _compare(lasting(killed), wanted)
        resumed = sum(record["resumed"] for record in _records(killed).values())
        print(f"killed {kills} times, {resumed} times gone on from a snapshot: all {len(wanted)} records are equal")


def lasting(root: Path) -> dict[str, Any]:
    """Return the records below a folder without what may differ between two equal runs."""
    skipped = {*VOLATILE, CHECKSUM}
    records = _records(root).items()
    return {key: {name: record[name] for name in record.keys() - skipped} for key, record in records}


def _records(root: Path) -> dict[str, Any]:
    return {path.parent.name: json.loads(path.read_text()) for path in root.glob("*/record.json")}


def _compare(found: dict[str, Any], wanted: dict[str, Any]) -> None:
    differing = [key for key in wanted.keys() | found.keys() if found.get(key) != wanted.get(key)]
    if differing:
        print(f"these records differ: {', '.join(sorted(differing))}")
        sys.exit(1)


def _run(words: list[str], store: Path | None = None, results: int = 0, delay: float = 0.0) -> bool:
    """Run a study; given its store, kill it `delay` seconds after it has written anew and has so many results.

    Returns:
        Whether it was killed before its end. A study that fails by itself ends this program.
    """
    command = [sys.executable, "-m", "srnet", "run", *words]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
    before = _written(store) if store else set()
    while store and process.poll() is None and (_written(store) <= before or len(_records(store)) < results):
        time.sleep(0.01)
    try:
        output, _ = process.communicate(timeout=delay if store else None)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return True
    if process.returncode:
        print(output.decode())
        sys.exit(1)
    return False


def _written(store: Path) -> set[str]:
    return {os.path.join(folder, name) for folder, _, names in os.walk(store) for name in names}


if __name__ == "__main__":
    typer.run(main)
