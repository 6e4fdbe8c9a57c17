"""Publishing: a part of a store written as `srnet.store.published` reads it, the same bytes for the same results."""

import lzma
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from srnet.environment import MANIFEST
from srnet.errors import InputError
from srnet.experiments.expressions import KEYS, Experiment, Tokenised
from srnet.files import sha256, written_whole
from srnet.store.layout import at_step, digits, gold, predictions, steps_with_logits, test_sets
from srnet.store.published import text_of
from srnet.store.records import sealed, write_record
from srnet.store.store import Store


def publish(
    experiments: Sequence[Experiment], store: Store, folder: Path, profile: str, seeds: Sequence[int]
) -> dict[str, Any]:
    """Write records and predictions of experiments to a folder; each file is whole or absent, the manifest the last.

    Args:
        experiments: what is published, each once, of any tasks.
        store: where their results are.
        folder: where to write.
        profile: name of the profile that they are of.
        seeds: of the study that they are of.

    Returns:
        The manifest: profile and seeds; "keys", the key format; revisions, machines and versions of libraries that the
        records name; number of results, and hours that computing them took; SHA-256 and size of each file.

    Raises:
        DamagedError: if a result is not what was written.
        InputError: if a result is missing; nothing is written then.
    """
    if missing := [each for each in experiments if not store.has(each)]:
        count, first = f"{len(missing)} of {len(experiments)} results", f"{missing[0].title} ({missing[0].key})"
        raise InputError(f"{store.root}: {count} are missing, the first is {first}; `srnet run` computes them")
    texts: dict[str, list[str]] = {}
    for each in sorted(experiments, key=lambda each: (each.title, each.key)):  # what is alike lies side by side
        texts.setdefault(each.data.task, []).append(text_of(_line(each, store)))
    files = {}
    for task, lines in texts.items():
        path = folder / f"{task}.jsonl.xz"
        with written_whole(path) as temporary:
            temporary.write_bytes(lzma.compress("".join(lines).encode(), preset=9))
        files[path.name] = {"sha256": sha256(path), "bytes": path.stat().st_size}
    manifest = {"profile": profile, "seeds": list(seeds), **_about([store.record(each) for each in experiments])}
    write_record(folder / MANIFEST, manifest | {"files": files})
    return manifest | {"files": files}


def _line(experiment: Experiment, store: Store) -> dict[str, Any]:
    record = store.record(experiment)
    predicted = {at_step("logits", step): predictions(experiment, store, step) for step in steps_with_logits(record)}
    return {
        "key": experiment.key,
        "record": sealed(record),
        "predictions": {
            name: {part: digits(classes.numpy()) for part, classes in by_set.items()}
            for name, by_set in predicted.items()
        },
        "gold": {name: _gold(experiment, name, store) for name in test_sets(experiment, store)}
        if isinstance(experiment, Tokenised)
        else {},
    }


def _gold(tokens: Tokenised, name: str, store: Store) -> dict[str, str]:
    of_set = gold(tokens, name, store)
    codes = np.unique(of_set.subsets, return_inverse=True)[1]  # as in the record
    return {"labels": digits(of_set.labels.numpy()), "subsets": digits(codes)}


def _about(records: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    software = [record["software"] for record in records]
    libraries = {name: _different(each[name] for each in software) for name in software[0] if name != "srnet"}
    machines = ({name: each for name, each in record["machine"].items() if name != "process"} for record in records)
    return {
        "keys": KEYS,
        "revisions": _different(each["srnet"] for each in software),
        "machines": _different(machines),
        "libraries": libraries,
        "results": len(records),
        "hours": round(sum(record["seconds"] for record in records) / 3600, 2),
    }


def _different(values: Iterable[Any]) -> list[Any]:
    """Return each value once, sorted by its text."""
    return sorted({str(value): value for value in values}.values(), key=str)
