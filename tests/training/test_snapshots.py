"""Runs that are interrupted go on bit for bit from where they were saved."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from plms import make_plm

from srnet import Gradual, Recipe, pocket
from srnet.environment import Inputs
from srnet.executor.agenda import missing
from srnet.executor.compute import compute
from srnet.executor.work import BACKWARD, FORWARD
from srnet.executor.workers import run
from srnet.experiments.expressions import (
    Checkpoint,
    Data,
    Experiment,
    FineTuned,
    Masked,
    Pretrained,
    Pruned,
)
from srnet.experiments.methods import IterativePruning, MaskTraining
from srnet.pocket import World
from srnet.store.records import VOLATILE
from srnet.store.store import Store
from srnet.training.models import folder_digest
from srnet.training.snapshots import Snapshot

DATA = Data("nli", pocket.FINGERPRINTS["nli"], World(train=48, dev=12, test=12))
RECIPE = Recipe(steps=20, batch_size=4, lr=1e-2, warmup=3, weight_decay=0.1)
A_STEP = RECIPE.batch_size * (FORWARD + BACKWARD)


class KilledError(BaseException):
    """Stands for the end of the process."""


def experiments(plm: Pretrained) -> dict[str, Experiment]:
    full = FineTuned(plm, DATA, seed=1, recipe=RECIPE, checkpoints=(5, 12), interval=3)
    train = MaskTraining(replace(RECIPE, raw_epsilon=True), interval=2)
    mask = Pruned(full, DATA, 1, 0.7, train, loss="poe")
    soft = replace(train, init="soft", gradual=Gradual(0.2))

    def imp(method: IterativePruning) -> Experiment:
        return Pruned(plm, DATA, 1, 0.5, method, loss="poe").trajectory

    return {
        "fine-tuning": full,
        "fine-tuning to the last weights": replace(full, interval=None),
        "mask": mask,
        "mask of a checkpoint": replace(mask, of=Checkpoint(full, 12)),
        "mask with curves": replace(mask, of=plm, method=replace(train, curves=True)),
        "mask, soft and gradual": replace(mask, of=plm, method=soft),
        "imp": imp(IterativePruning(RECIPE)),
        "imp, rewound each round": imp(IterativePruning(RECIPE, rewind_each_round=True)),
        "imp, restarted": imp(IterativePruning(replace(RECIPE, raw_epsilon=True), restart=True)),
        "in isolation": FineTuned(
            Masked(plm, mask), DATA, 1, replace(RECIPE, clip_each=True), loss="reweight", interval=1
        ),
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Experiment], Inputs]:
    """A store with all operands, the experiments, and their inputs; the model has dropout."""
    folder = make_plm(tmp_path_factory.mktemp("plm"), "bert")
    found, inputs = experiments(Pretrained("tiny", folder_digest(folder))), Inputs(plm=str(folder), device="cpu")
    store = Store(tmp_path_factory.mktemp("store"))
    report = run(list(found.values()), store, inputs, workers=1)
    assert not report.failed
    return store.root, found, inputs


def after(step: int) -> Callable[[int], None]:
    """Return a callback for units of work that ends the process after a step."""
    left = step

    def advance(units: int) -> None:
        nonlocal left
        assert units == A_STEP
        left -= 1
        if not left:
            raise KilledError

    return advance


def lasting(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record without what may differ; the checksums of weights, masks and logits are in it."""
    return {name: record[name] for name in record if name not in VOLATILE}


@pytest.mark.parametrize("name", experiments(Pretrained("tiny")))
def test_an_interrupted_run_ends_as_an_undisturbed_one(
    name: str, place: tuple[Path, dict[str, Experiment], Inputs], tmp_path: Path
) -> None:
    root, found, inputs = place
    undisturbed, experiment = Store(root), found[name]
    store = Store(tmp_path, below=(root,), snapshot_every=0)
    store._distrusted.add(experiment.key)
    passed = 0
    for steps in (1, 4, 3, 12):  # killed before anything was saved, then after 3, 2 and 11 more steps
        with pytest.raises(KilledError):
            compute(experiment, store, inputs, after(steps))
        passed += steps - 1
    assert not store.has(experiment)
    seen: list[int] = []
    compute(experiment, store, inputs, seen.append)
    steps = undisturbed.record(experiment)["steps"]
    assert len(seen) == steps - passed
    assert lasting(store.record(experiment)) == lasting(undisturbed.record(experiment))
    assert store.record(experiment)["resumed"] == 3
    assert store.unfinished() == []
    assert missing([experiment], store) == []


def test_files_of_an_interrupted_run_that_are_in_no_checkpoint_are_written_again(
    place: tuple[Path, dict[str, Experiment], Inputs], tmp_path: Path
) -> None:
    root, found, inputs = place
    full = found["fine-tuning"]
    store = Store(tmp_path, below=(root,), snapshot_every=0)
    store._distrusted.add(full.key)
    with pytest.raises(KilledError):
        compute(full, store, inputs, after(7))
    entry = tmp_path / "unfinished" / full.key / "entry"
    assert {path.name for path in entry.iterdir()} == {"weights-5.safetensors", "logits-5.safetensors"}
    damaged = entry / "weights-5.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"x")
    (entry / "half-written").touch()
    seen: list[int] = []
    compute(full, store, inputs, seen.append)
    assert len(seen) == RECIPE.steps  # from the beginning: what the snapshot counts on is damaged
    assert lasting(store.record(full)) == lasting(Store(root).record(full))


def saved(folder: Path, **about: str) -> tuple[Snapshot, Any]:
    snapshot = Snapshot(folder, every=0, about=about)
    shared = torch.arange(6.0)
    state = {"a": [shared, (shared[:2], None)], "b": {"c": torch.tensor(True), "d": 0.1, "e": "x"}}
    snapshot.keep("part", lambda: state)
    snapshot.keep("other", lambda: {"again": shared})
    return snapshot, state


def test_a_state_comes_back_as_it_was(tmp_path: Path) -> None:
    snapshot, state = saved(tmp_path)
    snapshot.tick()
    past = Snapshot(tmp_path, 0, {}).keep("part", dict)
    assert past is not None
    assert torch.equal(past["a"][0], state["a"][0])
    assert torch.equal(past["a"][1][0], state["a"][0][:2])
    assert past["a"][1][1] is None
    assert past["b"] == state["b"]
    assert len(list(tmp_path.iterdir())) == 1
    snapshot.save()
    assert len(list(tmp_path.iterdir())) == 1


def test_a_state_is_saved_when_it_is_time(tmp_path: Path) -> None:
    snapshot = Snapshot(tmp_path, every=3600, about={})
    snapshot.tick()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("position", [0, 9, 100, -1])
def test_a_damaged_state_is_not_used(tmp_path: Path, position: int) -> None:
    saved(tmp_path)[0].save()
    (file,) = tmp_path.iterdir()
    content = bytearray(file.read_bytes())
    content[position] ^= 1
    file.write_bytes(content)
    assert Snapshot(tmp_path, 0, {}).keep("part", dict) is None


def test_a_state_of_other_software_is_not_used(tmp_path: Path) -> None:
    saved(tmp_path, torch="2.13")[0].save()
    assert Snapshot(tmp_path, 0, {"torch": "2.14"}).keep("part", dict) is None
    assert Snapshot(tmp_path, 0, {"torch": "2.13"}).keep("part", dict) is not None


def test_the_newer_of_two_whole_states_is_used(tmp_path: Path) -> None:
    """As a process leaves them that is killed before it has removed the older one."""
    for step in (1, 2):
        snapshot = Snapshot(tmp_path, 0, {})
        snapshot.keep("part", lambda step=step: {"step": step})  # type: ignore[misc]
        snapshot._files = lambda: []  # type: ignore[method-assign]
        snapshot.save()
    (tmp_path / ".state").write_bytes(b"half")
    assert len(list(tmp_path.glob("*.safetensors"))) == 2
    assert Snapshot(tmp_path, 0, {}).keep("part", dict) == {"step": 2}
