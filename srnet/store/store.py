"""The store: one folder per experiment, either whole or absent, with a record that says what was done.

    KEY/                record.json and the files of a result, whose SHA-256 and size the record holds
    failed/KEY.json     why an experiment failed when it was last tried
    unfinished/KEY/     what an experiment that runs, or was interrupted, has written so far
    unfinished/KEY.lock held by the process that computes it
    damaged/            results that were not what had been written

Tensors are safetensors and records JSON, so that reading them runs no code.
"""

from __future__ import annotations

import errno
import os
import shutil
import time
import traceback
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from filelock import FileLock, Timeout

from srnet.environment import MANIFEST, SNAPSHOT_EVERY, default_below, default_root
from srnet.errors import InputError
from srnet.files import check_folder, sha256
from srnet.store.layers import RECORD, DamagedError, Folder, file_damage
from srnet.store.published import Published
from srnet.store.records import describe, now, read_record, software, write_record

if TYPE_CHECKING:
    from torch import Tensor

    from srnet.experiments.expressions import Experiment
    from srnet.training.snapshots import Snapshot


NO_LOCKS = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOSYS)  # as some network file systems answer
FULL = (errno.ENOSPC, errno.EDQUOT)


class BusyError(RuntimeError):
    """Another process is computing the experiment."""


@dataclass
class Entry:
    """A result being written.

    Attributes:
        folder: where to put files; it becomes the experiment's folder.
        snapshot: where to save how far the experiment is, if it is long. Files that are in `folder` when that happens
            are there again when the experiment goes on; other files of an interrupted run are not.
        record: what to say of the experiment beside what the store says by itself.
    """

    folder: Path
    snapshot: Snapshot
    record: dict[str, Any] = field(default_factory=dict)
    _files: dict[str, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        past = self.snapshot.keep("files", self.files) or {}
        if all(file_damage(self.folder / name, about) is None for name, about in past.items()):
            self._files = past
        else:
            self.snapshot.discard()
        for path in self.folder.iterdir():
            if path.name not in self._files:
                path.unlink()

    def save(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        """Write tensors as ``name.safetensors``."""
        from safetensors.torch import save_file

        save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, self.folder / f"{name}.safetensors")

    def files(self) -> dict[str, dict[str, Any]]:
        """Return SHA-256 and size of every file written so far; a file is written once."""
        for path in sorted(self.folder.iterdir()):
            if path.name not in self._files:
                path.chmod(0o644)  # safetensors writes files that only their owner can read
                self._files[path.name] = {"sha256": sha256(path), "bytes": path.stat().st_size}
        return self._files


class Store:
    """Results of experiments in a folder, and below it others that are only read.

    Args:
        root: the folder; it is made when the first result is written.
        below: folders of results that are looked up where `root` has none, in this order. They may hold records
            without the files that belong to them, or be published (`srnet.store.published`): then figures can be drawn,
            but nothing can be built on them.
        snapshot_every: seconds between two savings of where a long experiment stands.

    Raises:
        InputError: if `root` cannot be a folder of results.
    """

    def __init__(self, root: Path, below: Sequence[Path] = (), snapshot_every: float = SNAPSHOT_EVERY) -> None:
        check_folder(root)
        if (root / MANIFEST).is_file():
            raise InputError(f"{root}: published results, which are only read: name them with --below, not --store")
        self.root, self.below, self.snapshot_every = root, tuple(below), snapshot_every
        self._local, self._below = Folder(root), [_layer(folder) for folder in below]
        self._distrusted: set[str] = set()  # keys whose results in the folders below are damaged

    def folder(self, experiment: Experiment) -> Path:
        """Return where the result of `experiment` lies, or will lie, in the local folder."""
        return self.root / experiment.key

    def keys(self) -> list[str]:
        """Return the keys of all results in the local folder, sorted."""
        return self._local.keys()

    def keys_below(self) -> list[str]:
        """Return the keys of all results in the folders below, sorted."""
        return sorted({key for layer in self._below for key in layer.keys()})  # noqa: SIM118

    def holds(self, experiment: Experiment) -> bool:
        """Tell whether there is a result of `experiment`, be it what was written or not.

        Raises:
            InputError: if a manifest or a file of published results is not what was published.
        """
        return any(layer.holds(experiment.key) for layer in self._layers(experiment.key))

    def has(self, experiment: Experiment) -> bool:
        """Tell whether the record of `experiment` is there, and, in the local folder, its files."""
        layers = self._layers(experiment.key)
        return any(layer.has(experiment.key, files=layer is self._local) for layer in layers)

    def whole(self, experiment: Experiment) -> bool:
        """Tell whether the record of `experiment` and all its files are there, as long as the record says."""
        return any(layer.has(experiment.key, files=True) for layer in self._layers(experiment.key))

    def record(self, experiment: Experiment) -> dict[str, Any]:
        """Return the record of `experiment`.

        Raises:
            DamagedError: if it is not what was written.
            InputError: if it is not there.
        """
        return self._holder(experiment.key, str(experiment)).record(experiment.key)

    def read(self, key: str) -> dict[str, Any]:
        """Return the record of the experiment of that key; raises as `record` does."""
        return self._holder(key, key).record(key)

    def published(self, experiment: Experiment) -> dict[str, Any] | None:
        """Return all that is published of `experiment`; None if its record is not a published one.

        Raises as `record` does.
        """
        layer = self._holder(experiment.key, str(experiment))
        return layer.line(experiment.key) if isinstance(layer, Published) else None

    def file(self, experiment: Experiment, name: str) -> Path:
        """Return the path of one file of a result, after its checksum has been verified.

        Raises:
            DamagedError: if the file is missing or not what was written.
            InputError: if there is no result.
        """
        about = self.record(experiment)["files"].get(name)
        if about is None:
            raise InputError(f"{self.folder(experiment)}: the result of {experiment} has no file {name}")
        for layer in self._layers(experiment.key):
            if path := layer.find(experiment.key, name):
                if problem := file_damage(path, about):
                    raise DamagedError(experiment.key, problem)
                return path
        raise DamagedError(experiment.key, f"{self.folder(experiment) / name}: the file is missing")

    def tensors(self, experiment: Experiment, name: str) -> dict[str, Tensor]:
        """Return the tensors that were saved as `name`, on the CPU; raises as `file` does."""
        from safetensors.torch import load_file

        return load_file(self.file(experiment, f"{name}.safetensors"))

    def verify(self, key: str) -> None:
        """Read every file of a result in the local folder.

        Raises:
            DamagedError: if a byte is not what was written; the message names the first such file.
            InputError: if there is no such result.
        """
        if not self._local.holds(key):
            raise InputError(f"{self.root}: no result with the key {key}")
        for name, about in self._local.record(key)["files"].items():
            if problem := file_damage(self.root / key / name, about):
                raise DamagedError(key, problem)

    @contextmanager
    def writing(self, experiment: Experiment) -> Iterator[Entry | None]:
        """Yield an entry to fill, which on success becomes the result of `experiment`.

        What was saved in the entry's snapshot remains on failure and when the process dies; nothing else does. The
        entry is None if another process has computed the experiment in the meantime.

        Raises:
            BusyError: if another process is computing it.
        """
        from srnet.training.snapshots import Snapshot

        unfinished, start = self._unfinished(experiment.key), time.perf_counter()
        with self._locked(experiment.key):
            if self.whole(experiment):
                yield None
                return
            self._set_aside(experiment.key)  # what is there then is not whole, and would be in the way
            snapshot = Snapshot(unfinished, self.snapshot_every, software())
            past = snapshot.keep("past", lambda: {"seconds": seconds(), "resumed": resumed}) or {}
            resumed = past.get("resumed", -1) + 1

            def seconds() -> float:
                return past.get("seconds", 0.0) + time.perf_counter() - start

            try:
                entry = Entry(unfinished / "entry", snapshot)
                yield entry
                record = describe(experiment) | entry.record | {"files": entry.files()}
                record |= {"seconds": round(seconds(), 3), "resumed": resumed, "finished": now()}
                write_record(entry.folder / RECORD, record)
                os.replace(entry.folder, self.folder(experiment))
                self.forget_failure(experiment.key)
                shutil.rmtree(unfinished)
            except BaseException:
                if not list(unfinished.glob("*.safetensors")):
                    shutil.rmtree(unfinished, ignore_errors=True)
                raise

    def set_aside(self, key: str) -> str | None:
        """Move a result that is not what was written to ``damaged/``; one in a folder below is not used any more.

        Returns:
            What is wrong with it; None if nothing is, or if another process is seeing to it.
        """
        try:
            with self._locked(key):
                problem = self._set_aside(key)
        except BusyError:
            return None
        for layer in self._below if problem is None else ():
            if damage := layer.damage(key):
                self._distrusted.add(key)
                problem = damage
        return problem

    def check_writable(self) -> None:
        """Check that results can be written, and make the folder.

        Raises:
            InputError: if it cannot be made or written to, or its file system has no locks; nothing is left then.
        """
        made = [folder for folder in (self.root / "unfinished", self.root, *self.root.parents) if not folder.exists()]
        probe = f"check-{uuid4().hex}"
        try:
            with self._locked(probe):
                pass
        except OSError as error:
            with suppress(OSError):
                self._lock(probe).unlink(missing_ok=True)
            for folder in made:
                with suppress(OSError):  # it was not made, or another process has begun to use it
                    folder.rmdir()
            raise InputError(f"{self.root}: {_in_words(error)}; or name another folder with --store") from None

    def clear_up(self) -> None:
        """Remove what processes left that were killed between the end of an experiment and their clearing up."""
        for key in self.unfinished():
            if (self.root / key).is_dir():
                with suppress(BusyError, OSError), self._locked(key):
                    shutil.rmtree(self._unfinished(key), ignore_errors=True)

    def remove(self, key: str, only_unfinished: bool = False) -> bool:
        """Delete a result of the local folder, and what is unfinished of it, unless a process is computing it.

        Args:
            key: of the experiment.
            only_unfinished: leave the result, if there is one.

        Returns:
            Whether it has been deleted.
        """
        unfinished = self._unfinished(key)
        try:
            with self._locked(key):
                if (self.root / key).is_dir() and not only_unfinished:
                    shutil.rmtree(unfinished, ignore_errors=True)
                    unfinished.mkdir()
                    os.replace(self.root / key, unfinished / "entry")  # whole or absent, whatever happens
                if unfinished.is_dir():
                    shutil.rmtree(unfinished)
        except BusyError:
            return False
        return True

    def size(self, key: str) -> int:
        """Return how many bytes the files of a result in the local folder take."""
        return sum(path.stat().st_size for path in (self.root / key).iterdir())

    def fail(self, experiment: Experiment, error: BaseException) -> None:
        """Record that `experiment` failed, and why; where even that cannot be written, the caller's report must do."""
        reason, trace = f"{type(error).__name__}: {error}", traceback.format_exception(error)
        record = describe(experiment) | {"failed": reason, "traceback": "".join(trace), "finished": now()}
        try:
            write_record(self.failure_file(experiment.key), record)
        except OSError as problem:
            warnings.warn(f"{self.root}: the failure of {experiment.title} cannot be recorded: {problem}", stacklevel=2)

    def failures(self) -> dict[str, dict[str, Any]]:
        """Return the records of failed experiments by key; of one that is not readable, just that."""
        found = {}
        for path in sorted((self.root / "failed").glob("*.json")):
            with suppress(FileNotFoundError):  # another process has just computed it
                found[path.stem] = _failure(path)
        return found

    def failure_file(self, key: str) -> Path:
        """Return where the failure of an experiment is recorded."""
        return self.root / "failed" / f"{key}.json"

    def forget_failure(self, key: str) -> None:
        """Delete the record of a failure, if there is one."""
        self.failure_file(key).unlink(missing_ok=True)

    def unfinished(self) -> list[str]:
        """Return the keys of experiments that are being computed or were interrupted, sorted."""
        return sorted(path.name for path in (self.root / "unfinished").glob("*") if path.is_dir())

    def aside(self) -> list[Path]:
        """Return the folders of results that were set aside, sorted."""
        return sorted(path for path in (self.root / "damaged").glob("*") if path.is_dir())

    def _layers(self, key: str) -> list[Folder | Published]:
        return [self._local] if key in self._distrusted else [self._local, *self._below]

    def _holder(self, key: str, name: str) -> Folder | Published:
        """Return the first layer that holds a result."""
        for layer in self._layers(key):
            if layer.holds(key):
                return layer
        raise InputError(f"{self.root}: no result of {name} ({key}); compute it first")

    def _set_aside(self, key: str) -> str | None:
        if not self._local.holds(key):
            return None
        try:
            self.verify(key)
        except DamagedError as error:
            aside = self.root / "damaged"
            aside.mkdir(exist_ok=True)
            os.replace(self.root / key, aside / f"{key}-{len(list(aside.glob(f'{key}-*'))) + 1}")
            return error.problem
        return None

    def _unfinished(self, key: str) -> Path:
        return self.root / "unfinished" / key

    def _lock(self, key: str) -> Path:
        return self.root / "unfinished" / f"{key}.lock"

    @contextmanager
    def _locked(self, key: str) -> Iterator[None]:
        """Hold the lock of an experiment, which the system releases if the process dies."""
        path = self._lock(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(path, blocking=False, fallback_to_soft=False):  # a soft lock outlives a killed process
                yield
                path.unlink(missing_ok=True)  # while it is held: whoever waits for this file notices
        except Timeout:
            raise BusyError(f"another process computes {key}") from None


def default_store() -> Store:
    """Return the store that notebooks use if nothing else is said, wherever they are started.

    Raises:
        InputError: if SRNET_STORE or SRNET_BELOW names what is no folder of results.
    """
    below = default_below(anywhere=True)
    check_results(below)
    return Store(default_root(anywhere=True), below)


def check_results(folders: Sequence[Path]) -> None:
    """Check that folders hold results, or are stores in which there are none yet.

    Raises:
        InputError: if one of them does not.
    """
    for folder in folders:
        check_folder(folder)
        if not folder.exists():
            raise InputError(f"{folder}: no such folder; name a folder of results")
        names = (MANIFEST, "unfinished", "failed")
        if not any((folder / name).exists() for name in names) and not Folder(folder).keys():
            raise InputError(f"{folder}: holds no results; name a store, or published results, with their {MANIFEST}")


def read_only(folders: Sequence[Path]) -> Store:
    """Return a store of folders of results that are only read, and may hold records without their files.

    Args:
        folders: at least one; the first that has a result counts.
    """
    return Store(folders[0] / "nothing-is-written", folders)


def _in_words(error: OSError) -> str:
    """Return why results cannot be written, and what to do about it."""
    reason = f"{error.strerror} ({error.filename})" if error.filename else error.strerror
    if error.errno in NO_LOCKS:
        return f"its file system gives no locks: {reason}; mount it so that it does"
    remedy = "make room there" if error.errno in FULL else "get leave to"
    return f"cannot be written: {reason}; {remedy}"


def _layer(folder: Path) -> Folder | Published:
    return Published(folder) if (folder / MANIFEST).is_file() else Folder(folder)


def _failure(path: Path) -> dict[str, Any]:
    try:
        return read_record(path)
    except ValueError as error:
        return {"key": path.stem, "title": path.stem, "failed": f"{path}: not the record that was written ({error})"}
