"""The same records from one process, from Dask workers, after a killed worker and from two processes at once."""

import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cloudpickle
import dask
import psutil
import pytest
from distributed import LocalCluster
from rich.console import Console
from rich.progress import Progress

from srnet import InputError, Recipe, pocket
from srnet.environment import Inputs
from srnet.executor import compute as compute_module
from srnet.executor import workers as executor
from srnet.executor.agenda import Agenda
from srnet.executor.workers import PREFIX, _local_client, run
from srnet.experiments.expressions import Data, Experiment, FineTuned, Pretrained, Pruned
from srnet.experiments.methods import MaskTraining
from srnet.machine import own_gpu
from srnet.store.records import VOLATILE
from srnet.store.store import Store
from srnet.training.models import folder_digest

INPUTS = Inputs(device="cpu")
DATA = Data("nli", pocket.FINGERPRINTS["nli"], pocket.World(train=48, dev=12, test=12))
PLM = Pretrained("pocket", folder_digest(pocket.plm_folder()))
RECIPE = Recipe(steps=30, batch_size=8, lr=1e-3)
FULL = [FineTuned(PLM, DATA, seed, RECIPE, loss) for seed in (1, 2) for loss in ("std", "poe")]
MASKS = [Pruned(full, DATA, full.seed, 0.5, MaskTraining(RECIPE, 10), full.loss) for full in FULL]
WANTED: list[Experiment] = [*FULL, *MASKS]
ALL = len(WANTED) + 2  # token ids and the bias model


def lasting(root: Path) -> dict[str, Any]:
    """Return all records below a folder without what may differ between equal runs."""
    records = {path.parent.name: json.loads(path.read_text()) for path in root.glob("*/record.json")}
    skipped = {*VOLATILE, "checksum"}
    return {key: {name: record[name] for name in record.keys() - skipped} for key, record in records.items()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Results of an undisturbed run in this process."""
    store = Store(tmp_path_factory.mktemp("store"))
    assert len(run(WANTED, store, INPUTS, workers=1).computed) == ALL
    return store


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """Two workers that declare a GPU each."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", resources={"GPU": 1}
    ) as cluster:
        yield cluster


def test_dask_workers_give_the_same_records(undisturbed: Store, cluster: LocalCluster, tmp_path: Path) -> None:
    store = Store(tmp_path)
    report = run(WANTED, store, INPUTS, scheduler=cluster.scheduler_address)
    assert {each.key for each in report.computed} == {*lasting(tmp_path)}
    assert len(report.computed) == ALL
    assert lasting(tmp_path) == lasting(undisturbed.root)
    assert len({store.record(each)["machine"]["process"] for each in WANTED}) == 2


def test_a_worker_that_is_killed_in_the_middle_changes_nothing(
    undisturbed: Store, cluster: LocalCluster, tmp_path: Path
) -> None:
    store, killed = Store(tmp_path, snapshot_every=0), list[int]()

    def kill_a_worker() -> None:
        """Kill the worker that computes a mask and has saved where it stands."""
        end = time.monotonic() + 60
        while not killed and time.monotonic() < end:
            walked = os.walk(tmp_path / "unfinished")  # unlike glob, it minds no folder that vanishes meanwhile
            saved = {Path(folder).name for folder, _, files in walked if any(f.endswith(".safetensors") for f in files)}
            locks = {str(tmp_path / "unfinished" / f"{each.key}.lock") for each in MASKS if each.key in saved}
            for worker in cluster.workers.values():
                if locks & {file.path for file in psutil.Process(worker.pid).open_files()}:
                    os.kill(worker.pid, signal.SIGKILL)
                    killed.append(worker.pid)
                    break

    killer = threading.Thread(target=kill_a_worker)
    killer.start()
    report = run(WANTED, store, INPUTS, scheduler=cluster.scheduler_address)
    killer.join()
    assert len(killed) == 1
    assert not report.failed
    assert max(store.record(each)["resumed"] for each in MASKS) == 1
    assert lasting(tmp_path) == lasting(undisturbed.root)
    assert store.unfinished() == []


def test_a_worker_that_dies_again_and_again_is_a_failure(tmp_path: Path) -> None:
    class Lethal(Inputs):
        """Inputs that end the process that asks for a device."""

        @property
        def place(self) -> str:
            os._exit(1)

    cloudpickle.register_pickle_by_value(sys.modules[__name__])
    store = Store(tmp_path)
    with dask.config.set({"distributed.scheduler.allowed-failures": 0}):
        report = run(WANTED[:1], store, Lethal(), workers=2)
    reason = "its worker process died again and again"
    assert all(reason in why for why in report.failed.values())
    assert len(report.failed) == 2
    assert report.skipped == WANTED[:1]
    assert all(reason in failure["failed"] for failure in store.failures().values())


def test_servers_listen_on_the_loopback_interface_alone() -> None:
    with _local_client(1) as client:
        processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
        listening = [each.laddr.ip for one in processes for each in one.net_connections() if each.status == "LISTEN"]
        assert len(listening) >= 3  # scheduler, its dashboard, a worker
        assert set(listening) == {"127.0.0.1"}
        assert client.scheduler.address.startswith("tcp://127.0.0.1:")


@pytest.mark.parametrize("script", ["script.py", "-"])
def test_a_script_without_a_main_guard_runs_and_runs_once(tmp_path: Path, script: str) -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r}); import test_workers as t\n"
        "print('begun'); report = t.run(t.WANTED[:1], t.Store(t.Path('store')), t.INPUTS, workers=2)\n"
        "print(len(report.computed), 'computed')"
    )
    (tmp_path / "script.py").write_text(program)
    result = subprocess.run(
        [sys.executable, script], cwd=tmp_path, input=program, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines().count("begun") == 1
    assert result.stdout.splitlines()[-1] == "3 computed"
    assert result.stderr == ""


def test_no_scheduler_at_an_address(tmp_path: Path) -> None:
    with dask.config.set({"distributed.comm.timeouts.connect": "1s"}), pytest.raises(InputError, match="tcp://127"):
        run(WANTED, Store(tmp_path), INPUTS, scheduler="tcp://127.0.0.1:9")


def test_a_scheduler_that_goes_away_stops_the_run_and_fails_nothing(undisturbed: Store, tmp_path: Path) -> None:
    address = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}
    cluster = LocalCluster(n_workers=1, threads_per_worker=1, **address)

    def go_away() -> None:
        while not list(tmp_path.glob("*/record.json")):
            time.sleep(0.01)
        cluster.close()

    closing = threading.Thread(target=go_away)
    closing.start()
    store = Store(tmp_path)
    report = run(WANTED, store, INPUTS, scheduler=cluster.scheduler_address)
    closing.join()
    assert report.stopped is not None
    assert "is gone" in report.stopped
    assert not report.failed
    assert not store.failures()
    assert len(report.computed) < ALL == len(report.computed) + len(report.not_tried)
    assert run(WANTED, store, INPUTS, workers=1).not_tried == []
    assert lasting(tmp_path) == lasting(undisturbed.root)


def test_task_keys_are_the_experiments_keys(undisturbed: Store, cluster: LocalCluster, tmp_path: Path) -> None:
    run(WANTED[:1], Store(tmp_path), INPUTS, scheduler=cluster.scheduler_address)
    tasks = {transition[0] for transition in cluster.scheduler.transition_log}
    assert {f"{PREFIX}-{each.key}" for each in (WANTED[0], *WANTED[0].operands)} <= tasks


def test_two_processes_on_one_store_compute_nothing_twice(undisturbed: Store, tmp_path: Path) -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import test_workers as t\n"
        "report = t.run(t.WANTED, t.Store(t.Path(sys.argv[2])), t.INPUTS, workers=1)\n"
        "print(*[each.key for each in report.computed]); assert not report.failed"
    )
    command = [sys.executable, "-c", program, str(Path(__file__).parent), str(tmp_path)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    computed = [process.communicate(timeout=120)[0].splitlines()[-1].split() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(computed[0] + computed[1]) == sorted(lasting(undisturbed.root))
    assert lasting(tmp_path) == lasting(undisturbed.root)
    assert not list((tmp_path / "unfinished").iterdir())


def test_a_flipped_byte_costs_one_experiment_and_no_more(
    undisturbed: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = Store(tmp_path, below=[undisturbed.root])
    for experiment in (WANTED[0], *WANTED[0].operands):
        store._distrusted.add(experiment.key)
    run(WANTED[:1], store, INPUTS, workers=1)
    weights = store.folder(WANTED[0]) / "weights.safetensors"
    content = bytearray(weights.read_bytes())
    content[len(content) // 2] ^= 1
    weights.write_bytes(content)
    store._distrusted.add(MASKS[0].key)
    report = run([MASKS[0]], store, INPUTS, workers=1)
    assert report.computed == [WANTED[0], MASKS[0]]
    assert report.damaged == [f"{weights}: the file has changed since it was written"]
    assert lasting(tmp_path).items() <= lasting(undisturbed.root).items()
    assert len(store.aside()) == 1
    assert f"set aside, computed anew: {weights}: the file has changed" in capsys.readouterr().out


def test_an_operand_that_vanishes_is_computed_anew(
    undisturbed: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    run(WANTED[:1], store, INPUTS, workers=1)
    compute = executor.compute

    def after_it_was_set_aside(experiment: Experiment, *arguments: Any) -> bool:
        if experiment == MASKS[0] and not store.aside():
            (store.folder(WANTED[0]) / "weights.safetensors").unlink()
            store.set_aside(WANTED[0].key)
        return compute(experiment, *arguments)

    monkeypatch.setattr(executor, "compute", after_it_was_set_aside)
    report = run([MASKS[0]], store, INPUTS, workers=1)
    assert report.computed == [WANTED[0], MASKS[0]]
    assert not report.failed
    assert not store.failures()
    assert lasting(tmp_path).items() <= lasting(undisturbed.root).items()


def test_divergence_is_a_record_and_the_rest_goes_on(undisturbed: Store, tmp_path: Path) -> None:
    store = Store(tmp_path, below=[undisturbed.root])
    diverging = replace(FULL[0], recipe=replace(RECIPE, lr=1e30, clip=1e30))
    masks = Pruned(diverging, DATA, 1, 0.5, MaskTraining(RECIPE, 10))
    other = replace(FULL[0], seed=3)
    report = run([masks, other], store, INPUTS, workers=1)
    assert report.failed.keys() == {diverging}
    assert report.skipped == [masks]
    assert report.computed == [other]
    failure = store.failures()[diverging.key]
    assert failure["failed"].startswith("DivergedError: the training loss is nan at step")
    assert "Traceback" in failure["traceback"]


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), "I/O error: No space left (os error 28)"])
def test_a_full_disk_stops_the_run_with_a_clear_message(
    undisturbed: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Any
) -> None:
    def is_full(*arguments: Any) -> Any:
        raise error if isinstance(error, OSError) else RuntimeError(error)

    monkeypatch.setattr("safetensors.torch.save_file", is_full)
    store = Store(tmp_path, below=[undisturbed.root])
    new = [replace(full, seed=3) for full in FULL[:2]]
    report = run(new, store, INPUTS, workers=1)
    assert report.stopped is not None
    assert "No space left" in report.stopped
    assert len(report.failed) == len(report.not_tried) == 1
    assert store.keys() == store.unfinished() == []


def test_keeping_checkpoints_changes_nothing(undisturbed: Store, tmp_path: Path) -> None:
    store, kept = Store(tmp_path, below=[undisturbed.root]), replace(FULL[0], checkpoints=(7, 20))
    run([kept], store, INPUTS, workers=1)
    found, plain = store.record(kept), store.record(FULL[0])
    assert found["metrics"] == plain["metrics"]
    assert found["files"].items() >= plain["files"].items()
    assert found["checkpoints"].keys() == {"7", "20"}


def test_every_worker_of_a_machine_with_several_gpus_has_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 4)
    assert [own_gpu("", name) for name in (0, 5)] == ["cuda:0", "cuda:1"]
    assert own_gpu("", "tcp://10.0.0.1:1234") == ""
    assert own_gpu("cpu", 1) == "cpu"


def test_a_study_that_is_killed_and_killed_again_ends_as_an_undisturbed_one() -> None:
    """The short form of what ``benchmarks/kills.py`` shows on the pocket profile."""
    script = Path(__file__).parents[2] / "benchmarks" / "kills.py"
    words = [
        "--profile",
        "smoke",
        "--task",
        "nli",
        "--figure",
        "figure-2",
        "--workers",
        "1",
        "--kills",
        "3",
        "--every",
        "0",
    ]
    result = subprocess.run([sys.executable, str(script), *words], capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "killed 3 times" in result.stdout


def test_a_log_has_its_first_and_last_line_and_one_a_minute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, log = 1000.0, io.StringIO()
    monkeypatch.setattr(executor, "time", SimpleNamespace(monotonic=lambda: now))
    with Progress(console=Console(file=log, force_terminal=False), auto_refresh=False) as bar:
        agenda = Agenda(WANTED, Store(tmp_path), lambda experiment: 1.0)
        watch = executor._Watch(bar, agenda, INPUTS)
        for experiment in agenda.todo:
            watch.finish(experiment)
            now += 25
        lines = [int(line.split(" of ")[0]) for line in log.getvalue().splitlines()]
    assert lines == [1, 4, 7, 10]  # after 0, 75, 150 and 225 seconds; all are ten


def test_the_last_line_of_a_log_is_not_held_back(tmp_path: Path) -> None:
    log = io.StringIO()
    with Progress(console=Console(file=log, force_terminal=False), auto_refresh=False) as bar:
        agenda = Agenda(WANTED, Store(tmp_path), lambda experiment: 1.0)
        watch = executor._Watch(bar, agenda, INPUTS)
        for experiment in agenda.todo:
            watch.finish(experiment)
        lines = [int(line.split(" of ")[0]) for line in log.getvalue().splitlines()]
    assert lines == [1, ALL]


def test_results_do_not_depend_on_the_number_of_threads(
    undisturbed: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = []
    fit = compute_module.fit

    def noted(*arguments: Any, **named: Any) -> Any:
        threads.append(compute_module.torch.get_num_threads())
        return fit(*arguments, **named)

    monkeypatch.setattr(compute_module, "fit", noted)
    store = Store(tmp_path, below=[undisturbed.root])
    store._distrusted.add(WANTED[0].key)
    compute_module.torch.set_num_threads(2)
    try:
        run(WANTED[:1], store, INPUTS, workers=1)
        assert compute_module.torch.get_num_threads() == 2
    finally:
        compute_module.torch.set_num_threads(1)
    assert threads == [1]
