"""The store: one folder per experiment, either whole or absent, with a record that says what was done.

A folder is filled under a temporary name and renamed when it is complete. Its ``record.json`` holds the SHA-256 of
every other file in it; tensors are safetensors, so that reading them runs no code.
"""

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from srnet.errors import InputError
from srnet.experiments import Experiment, canonical
from srnet.files import sha256, written_whole

RECORD = "record.json"
VOLATILE = ("seconds", "finished", "machine")  # fields of a record that may differ between two equal runs
LIBRARIES = ("torch", "transformers", "tokenizers", "datasets", "scikit-learn", "numpy")


@dataclass
class Entry:
    """A folder being filled.

    Attributes:
        folder: where to put files; it becomes the experiment's folder.
        record: what to say of the experiment beside what the store says by itself.
    """

    folder: Path
    record: dict[str, Any] = field(default_factory=dict)

    def save(self, name: str, tensors: Mapping[str, Tensor]) -> None:
        """Write tensors as ``name.safetensors``."""
        save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, self.folder / f"{name}.safetensors")


class Store:
    """Results of experiments in a folder.

    Args:
        root: the folder; it is made when the first result is written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, experiment: Experiment) -> Path:
        """Return where the result of `experiment` lies, or will lie."""
        return self.root / experiment.key

    def has(self, experiment: Experiment) -> bool:
        """Tell whether the result of `experiment` is there."""
        return (self.folder(experiment) / RECORD).exists()

    def record(self, experiment: Experiment) -> dict[str, Any]:
        """Return the record of `experiment`.

        Raises:
            InputError: if it is not there, or is not readable.
        """
        path = self.folder(experiment) / RECORD
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise InputError(f"{self.root}: no result of {experiment} ({experiment.key}); compute it first") from None
        except ValueError as error:
            raise InputError(f"{path}: not a readable record ({error}); delete its folder and run again") from None

    def file(self, experiment: Experiment, name: str) -> Path:
        """Return the path of one file of a result, after its checksum has been verified.

        Raises:
            InputError: if the file is missing or not what was written.
        """
        path, expected = self.folder(experiment) / name, self.record(experiment)["files"].get(name)
        if expected is None or not path.exists():
            raise InputError(f"{path}: the result of {experiment} lacks this file; delete its folder and run again")
        if sha256(path) != expected:
            raise InputError(f"{path}: the file has changed since it was written; delete its folder and run again")
        return path

    def tensors(self, experiment: Experiment, name: str) -> dict[str, Tensor]:
        """Return the tensors that were saved as `name`, on the CPU."""
        return load_file(self.file(experiment, f"{name}.safetensors"))

    @contextmanager
    def writing(self, experiment: Experiment) -> Iterator[Entry]:
        """Yield an entry to fill; on success it becomes the result of `experiment`, on failure nothing remains."""
        entry = Entry(self.root / f".{experiment.key}-{socket.gethostname()}-{os.getpid()}")
        shutil.rmtree(entry.folder, ignore_errors=True)
        if not self.has(experiment):  # what is there then has no record, and would be in the way
            shutil.rmtree(self.folder(experiment), ignore_errors=True)
        entry.folder.mkdir(parents=True)
        start = time.perf_counter()
        try:
            yield entry
            for path in entry.folder.iterdir():
                path.chmod(0o644)  # safetensors writes files that only their owner can read
            record = describe(experiment) | entry.record
            record["files"] = {path.name: sha256(path) for path in sorted(entry.folder.iterdir())}
            record |= {"seconds": round(time.perf_counter() - start, 3), "finished": _now(), "machine": _machine()}
            _write_json(entry.folder / RECORD, record)
            try:
                entry.folder.rename(self.folder(experiment))
            except OSError:
                if not self.has(experiment):
                    raise
            self._failure(experiment).unlink(missing_ok=True)
        finally:
            shutil.rmtree(entry.folder, ignore_errors=True)

    def fail(self, experiment: Experiment, error: Exception) -> None:
        """Record that `experiment` failed, and why."""
        reason = f"{type(error).__name__}: {error}"
        _write_json(self._failure(experiment), describe(experiment) | {"failed": reason, "finished": _now()})

    def failure(self, experiment: Experiment) -> str | None:
        """Return why `experiment` failed when it was last tried, if it did."""
        path = self._failure(experiment)
        return json.loads(path.read_text(encoding="utf-8"))["failed"] if path.exists() else None

    def remove_leftovers(self) -> None:
        """Remove the folders that processes of this machine were filling when they were killed."""
        for folder in self.root.glob(f".*-{socket.gethostname()}-*"):
            if not Path(f"/proc/{folder.name.rsplit('-', 1)[1]}").exists() and Path("/proc/self").exists():
                shutil.rmtree(folder, ignore_errors=True)

    def _failure(self, experiment: Experiment) -> Path:
        return self.root / "failed" / f"{experiment.key}.json"


def default_root() -> Path:
    """Return the folder of results: SRNET_STORE if it is set, else ``store`` in the checkout around the current folder.

    Outside a checkout it is ``store`` in the current folder.
    """
    if os.environ.get("SRNET_STORE"):
        return Path(os.environ["SRNET_STORE"])
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "_toc.yml").exists()), here) / "store"


def describe(experiment: Experiment) -> dict[str, Any]:
    """Return what a record says of any experiment: expression, key, and the software that computes it."""
    return {
        "experiment": canonical(experiment),
        "notation": str(experiment),
        "key": experiment.key,
        "operands": [operand.key for operand in experiment.operands],
        "software": _software(),
    }


@cache
def _software() -> dict[str, str]:
    return {"python": python_version(), "srnet": _revision()} | {name: version(name) for name in LIBRARIES}


def _revision() -> str:
    """Return the package's version and, in a checkout, the commit; "+changes" if the package differs from it."""
    here = Path(__file__).parent

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(here), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    try:
        git("ls-files", "--error-unmatch", __file__)  # else the checkout is somebody else's
        changes = "+changes" if git("status", "--porcelain", ".") else ""
        return f"{version('srnet')} ({git('rev-parse', '--short=12', 'HEAD')}{changes})"
    except (OSError, subprocess.CalledProcessError):
        return version("srnet")


def _machine() -> dict[str, object]:
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"
    return {"device": device, "threads": torch.get_num_threads(), "process": os.getpid()}


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _write_json(path: Path, content: dict[str, Any]) -> None:
    with written_whole(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
