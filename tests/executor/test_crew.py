"""Workers of a Dask cluster that lack something: it is said what, and those that lack nothing compute."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from distributed import Client, LocalCluster
from distributed.comm import CommClosedError

from srnet import InputError, pocket
from srnet.environment import Inputs
from srnet.executor.crew import Crew, lack
from srnet.executor.workers import run
from srnet.experiments.expressions import Bias, Data
from srnet.store.records import software
from srnet.store.store import Store

INPUTS = Inputs(device="cpu")
DATA = Data("nli", pocket.FINGERPRINTS["nli"], pocket.World(train=48, dev=12, test=12))
ADDRESS = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0"}


class MadeUpClient:
    """A client of workers, each with what its check answers; as of Dask it has no more than a crew asks of it."""

    def __init__(self, answers: dict[str, Any], status: str = "running") -> None:
        self.answers, self.status = answers, status
        self.scheduler = self
        self.address = "tcp://scheduler:1"

    def scheduler_info(self, n_workers: int) -> dict[str, Any]:
        assert n_workers == -1  # else it is the first five
        return {"workers": {name: {"status": self.status, "resources": {}} for name in self.answers}}

    def run(self, *_: Any, workers: list[str], on_error: str) -> dict[str, Any]:
        return {name: self.answers[name] for name in workers}


@pytest.fixture
def crew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Crew, MadeUpClient, list[str]]]:
    monkeypatch.setattr("srnet.executor.crew.LOOK_AGAIN", 0.01)

    def made(answers: dict[str, Any], status: str = "running") -> tuple[Crew, MadeUpClient, list[str]]:
        client, said = MadeUpClient(answers, status), list[str]()
        return Crew(cast(Client, client), Store(tmp_path), INPUTS, said.append), client, said

    return made


def look(crew: Crew) -> bool:
    time.sleep(0.02)
    return crew.look()


def test_workers_that_lack_something_are_named_and_the_others_chosen(crew: Any) -> None:
    missing = ModuleNotFoundError("No module named 'srnet'")
    found, _, said = crew({"a": missing, "b": None, "c": missing, "d": "there is no /data on its machine"})
    found.gather()
    assert found.chosen == ["b"]
    assert len(said) == 1
    assert "worker a (and 1 more): ModuleNotFoundError: No module named 'srnet': " in said[0]
    assert "worker d: there is no /data" in said[0]
    assert not look(found)
    assert len(said) == 1


def test_where_all_lack_something_nothing_begins(crew: Any) -> None:
    found, _, said = crew({"a": AttributeError("no attribute 'Poe'\nmore lines"), "b": "it has srnet 0.0"})
    with pytest.raises(
        InputError, match=r"no worker of tcp://scheduler:1 .*a: AttributeError: no attribute 'Poe'.*b: it has"
    ):
        found.gather()
    assert said == []


def test_it_is_said_once_that_nobody_is_there_and_again_when_nobody_is_left(crew: Any) -> None:
    found, client, said = crew({})
    threading.Timer(0.3, client.answers.update, [{"a": None}]).start()
    found.gather()
    assert said == ["the Dask scheduler tcp://scheduler:1 has no worker: waiting for one"]
    assert found.chosen is None
    client.answers = {"b": "there is no /data"}
    assert look(found)
    assert found.chosen == [] == [*found.able]
    assert said[1:] == ["waiting for a worker that can compute: worker b: there is no /data"]
    client.answers = {}
    look(found)
    look(found)
    assert said[2:] == said[:1]
    client.answers = {"c": None}
    look(found)
    assert found.chosen is None
    assert [*found.able] == ["c"]


def test_a_worker_that_comes_back_is_looked_at_anew(crew: Any) -> None:
    found, client, _ = crew({"a": None, "b": "no"})
    found.gather()
    client.answers.pop("b")
    assert look(found)
    client.answers["b"] = None
    look(found)
    assert found.chosen is None
    assert [*found.able] == ["a", "b"]


def test_a_worker_that_goes_while_it_is_looked_at_lacks_nothing(crew: Any) -> None:
    found, client, said = crew({"a": None, "b": CommClosedError("gone")})
    found.gather()
    assert [*found.able] == ["a"]
    assert found.chosen is None
    client.answers["b"] = None
    look(found)
    assert [*found.able] == ["a", "b"]
    assert said == []


def test_paused_workers_are_said_to_be(crew: Any) -> None:
    found, _, said = crew({"a": None}, status="paused")
    found.gather()
    look(found)
    assert ["memory is nearly full" in each for each in said] == [True]


def test_what_a_process_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, here = Store(tmp_path / "store"), software()
    store.check_writable()
    assert lack(here, store, INPUTS) is None
    version = here["srnet"].split()[0]
    monkeypatch.setattr("srnet.executor.crew.software", lambda: {"srnet": f"{version} (abc)"})
    assert lack({"srnet": version}, store, INPUTS) is None  # installed, which knows no commit
    for other in (f"{version} (abd)", f"{version} (abc+changes)", "9.9", "9.9 (abc)"):
        assert f"it has srnet {version} (abc), the run has {other}:" in str(lack({"srnet": other}, store, INPUTS))
    here = {"srnet": version}
    gone = tmp_path / "gone"
    for inputs in (Inputs(data_dir=gone), Inputs(vectors=gone), Inputs(plm=str(gone))):
        assert f"there is no {gone} on its machine" in str(lack(here, store, inputs))
    assert lack(here, store, Inputs(plm="bert-base-uncased")) is None
    assert f"there is no {gone}" in str(lack(here, Store(gone), INPUTS))
    (tmp_path / "store" / "unfinished").rmdir()
    (tmp_path / "store" / "unfinished").touch()
    assert "cannot be written" in str(lack(here, store, INPUTS))


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=2, threads_per_worker=1, **ADDRESS) as cluster:
        yield cluster


def without_srnet() -> None:
    """Make a worker's Python one that lacks the package."""
    import sys

    for name in [name for name in sys.modules if name.split(".")[0] == "srnet"]:
        del sys.modules[name]
    sys.modules["srnet"] = None  # type: ignore[assignment]


def test_a_worker_without_the_package_is_named_lives_on_and_the_other_computes(
    cluster: LocalCluster, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import cloudpickle

    bias = [Bias(DATA), Bias(replace(DATA, world=pocket.World(train=60, dev=12, test=12)))]
    with Client(cluster) as client:
        one, other = client.scheduler_info(n_workers=-1)["workers"]
        cloudpickle.register_pickle_by_value(__import__(__name__))
        client.run(without_srnet, workers=[one])
        report = run(bias, Store(tmp_path / "store"), INPUTS, scheduler=cluster.scheduler_address)
        assert not report.failed
        assert len(report.computed) == len(bias) + len({each for one in bias for each in one.operands})
        output = capsys.readouterr().out
        assert f"given no work: worker {one}: ModuleNotFoundError: " in output
        assert other not in output
        client.run(without_srnet, workers=[other])
        with pytest.raises(InputError, match=r"no worker of tcp://.* can compute: .*\(and 1 more\)"):
            run([Bias(DATA)], Store(tmp_path / "other"), INPUTS, scheduler=cluster.scheduler_address)
        assert [*client.scheduler_info(n_workers=-1)["workers"]] == [one, other]
