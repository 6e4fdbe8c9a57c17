"""The workers of a Dask cluster: they are looked at before they are given work, and what they lack is said."""

import time
from collections.abc import Callable, Iterable, Mapping
from math import inf
from pathlib import Path
from typing import Any

from distributed import Client
from distributed.comm import CommClosedError
from distributed.protocol import deserialize_bytes, serialize_bytes

from srnet.environment import Inputs
from srnet.errors import InputError
from srnet.executor.agenda import LOOK_AGAIN
from srnet.store.records import software
from srnet.store.store import Store

Worker = Mapping[str, Any]  # what the scheduler says of a worker
Say = Callable[[str], None]


def parcel(function: Callable[..., Any], *arguments: Any) -> bytes:
    """Return a call that is made by whoever deserialises it: the task `deserialize_bytes` of these bytes.

    Dask deserialises a task's function and arguments where an error ends the worker, or the run in the scheduler. So it
    is given what every Dask has, and whatever a worker lacks is an error of the task.
    """
    return serialize_bytes(_Call(function, arguments))


class _Call:
    def __init__(self, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
        self.call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self.call


class Crew:
    """The workers of a scheduler; those that lack something are given no work.

    Args:
        client: of the scheduler.
        store: where results are kept.
        inputs: where text and pre-trained models lie.
        say: is given, in one line, what is wrong.
    """

    def __init__(self, client: Client, store: Store, inputs: Inputs, say: Say) -> None:
        self.client, self.say = client, say
        self._check = parcel(lack, software(), store, inputs)
        self._present: Mapping[str, Worker] = {}
        self._lacks: dict[str, str | None] = {}  # by address of a worker that is there; None if it lacks nothing
        self._said, self._looked = "", -inf

    @property
    def able(self) -> dict[str, Worker]:
        """The workers that are there and lack nothing, by address."""
        return {name: about for name, about in self._present.items() if self._lacks.get(name, "") is None}

    @property
    def chosen(self) -> list[str] | None:
        """Addresses of the workers that are given work; None if any may take it."""
        return sorted(self.able) if any(self._lacks.values()) else None

    @property
    def has_gpus(self) -> bool:
        """Whether a worker that lacks nothing declares the resource "GPU"."""
        return any("GPU" in worker["resources"] for worker in self.able.values())

    def gather(self) -> None:
        """Wait for the first worker that lacks nothing.

        Raises:
            InputError: if there are workers, and each of them lacks something.
        """
        self._look()
        while not self.able:
            if self._lacks and all(self._lacks.values()):
                raise InputError(f"no worker of {self._scheduler} can compute: {self._problems(self._lacks)}")
            self._say_who_is_waited_for()
            time.sleep(LOOK_AGAIN)
            self._look()

    def look(self) -> bool:
        """Look at the workers that are there, if that was not done just now, and say what the new ones lack.

        Returns:
            Whether others are given work than before.
        """
        if time.monotonic() - self._looked < LOOK_AGAIN:
            return False
        before = self.chosen
        self._look()
        self._say_who_is_waited_for()
        return self.chosen != before

    def works(self, name: str | None) -> bool:
        """Tell whether the worker of that address is there."""
        return name in self._present

    @property
    def _scheduler(self) -> str:
        return str(self.client.scheduler.address)

    def _look(self) -> None:
        self._looked = time.monotonic()
        self._present = self.client.scheduler_info(n_workers=-1)["workers"]
        self._lacks = {name: lacks for name, lacks in self._lacks.items() if name in self._present}
        new = [name for name in self._present if name not in self._lacks]
        if not new:
            return
        for name, answer in self.client.run(deserialize_bytes, self._check, workers=new, on_error="return").items():
            if not isinstance(answer, CommClosedError | TimeoutError):  # it has gone, or does not answer yet
                self._lacks[name] = _in_words(answer) if isinstance(answer, Exception) else answer
        if self.able and (problems := self._problems(new)):
            self.say(f"given no work: {problems}")

    def _problems(self, names: Iterable[str]) -> str:
        """Return what workers lack, in one line; what several lack is said of the first."""
        of: dict[str, list[str]] = {}
        for name in names:
            if problem := self._lacks.get(name):
                of.setdefault(problem, []).append(name)
        return "; ".join(f"worker {_first(workers)}: {problem}" for problem, workers in of.items())

    def _say_who_is_waited_for(self) -> None:
        """Say when nobody computes, once each time it comes to that."""
        states = {about["status"] for about in self.able.values()}
        found = ""
        if not self._present:
            found = f"the Dask scheduler {self._scheduler} has no worker: waiting for one"
        elif not self.able and len(self._lacks) == len(self._present):
            found = f"waiting for a worker that can compute: {self._problems(self._lacks)}"
        elif states == {"paused"}:
            found = "all workers are paused, for their memory is nearly full: waiting until some is free, or for others"
        if found and found != self._said:
            self.say(found)
        self._said = found


def lack(here: Mapping[str, str], store: Store, inputs: Inputs) -> str | None:
    """Return what this process lacks to compute for another one, and what to do about it; None if nothing.

    Args:
        here: the other one's software (`srnet.store.records.software`).
        store: where results are kept.
        inputs: where text and pre-trained models lie.
    """
    if not _same_code(there := software()["srnet"], here["srnet"]):
        return f"it has srnet {there}, the run has {here['srnet']}: install the same there, and start it anew"
    needed = [store.root, *store.below, inputs.data_dir, inputs.vectors, Path(inputs.plm or "")]
    if missing := [path for path in needed if path and path.is_absolute() and not path.exists()]:
        return f"there is no {missing[0]} on its machine: give it the same folders under the same paths"
    try:
        store.check_writable()
    except InputError as error:
        return str(error)
    return None


def _same_code(one: str, other: str) -> bool:
    """Tell whether two installations are of one version and, where both know it, of one commit."""
    return one == other or (("(" in one) != ("(" in other) and one.split()[0] == other.split()[0])


def _in_words(error: Exception) -> str:
    what = (str(error).splitlines() or [""])[0]
    return (
        f"{type(error).__name__}: {what}: its Python needs srnet {software()['srnet']} and what that needs; "
        "install it there, and start the worker anew"
    )


def _first(workers: list[str]) -> str:
    return f"{workers[0]} (and {len(workers) - 1:,} more)" if len(workers) > 1 else workers[0]
