"""Where a long run stands, saved from time to time, so that after an interruption it goes on bit for bit.

Often called a checkpoint; in this package that is a model in the middle of its fine-tuning, ``A^t_L(f(θ))``.
"""

import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from srnet.files import sha256

State = Any
"""Nested dictionaries (with string keys) and lists of tensors, numbers, strings, booleans and None."""


class Snapshot:
    """The saved state of one run, to which every part of the run adds what it needs to go on.

    It is one safetensors file, named by its own SHA-256; a file that is not what its name says is not used.

    Args:
        folder: where the file lies, or will lie; only one process at a time may use it.
        every: seconds between two savings; 0 saves after every step.
        about: what the run depends on beside its inputs, such as versions of libraries. A state that was saved under
            another `about` is not used, because the run would not go on as it began.
    """

    def __init__(self, folder: Path, every: float, about: Mapping[str, str]) -> None:
        self.folder, self.every, self._about = folder, every, dict(about)
        self._parts: dict[str, Callable[[], State]] = {}
        self._saved = self._read()
        self._last = time.monotonic()

    def keep(self, name: str, state: Callable[[], State]) -> State | None:
        """Have a part of the run saved from now on.

        Args:
            name: of the part.
            state: returns what the part needs to go on; called between two steps.

        Returns:
            What the interrupted run had saved of the part, tensors on the CPU and tuples as lists; None if there is
            nothing to go on from.
        """
        self._parts[name] = state
        return self._saved.get(name)

    def tick(self) -> None:
        """Save the state of all parts if it is time; to be called between two steps."""
        if time.monotonic() - self._last >= self.every:
            self.save()
            self._last = time.monotonic()

    def save(self) -> None:
        """Save the state of all parts; what was saved before remains until the new state is complete."""
        tensors: dict[str, Tensor] = {}
        parts = _without_tensors({name: state() for name, state in self._parts.items()}, tensors, {})
        metadata = {"state": json.dumps({"about": self._about, "parts": parts})}
        self.folder.mkdir(parents=True, exist_ok=True)
        before, temporary = self._files(), self.folder / ".state"
        try:
            save_file(tensors, temporary, metadata)
        except BaseException:
            temporary.unlink(missing_ok=True)  # on a full disk, half a state is in the way
            raise
        saved = self.folder / f"{sha256(temporary)}.safetensors"
        os.replace(temporary, saved)
        for file in before:
            if file != saved:
                file.unlink()

    def discard(self) -> None:
        """Remove what was saved: the run begins anew."""
        self._saved = {}
        for file in self._files():
            file.unlink()

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.safetensors"), key=lambda file: file.stat().st_mtime_ns, reverse=True)

    def _read(self) -> dict[str, State]:
        for file in self._files():
            if sha256(file) == file.stem:
                with safe_open(file, "pt") as content:
                    state = json.loads(content.metadata()["state"])
                    tensors = {name: content.get_tensor(name) for name in content.keys()}  # noqa: SIM118
                if state["about"] == self._about:
                    return _with_tensors(state["parts"], tensors)
        return {}


def steps_saved(folder: Path) -> int | None:
    """Return how many training steps had been done when the run of a folder was last saved, if it was."""
    with suppress(OSError, SafetensorError, KeyError):  # replaced by a newer one in this moment, or not of training
        for file in folder.glob("*.safetensors"):
            with safe_open(file, "pt") as content:
                parts = json.loads(content.metadata()["state"])["parts"]
            return len(parts["training"]["trace"]["losses"])
    return None


def _without_tensors(value: State, tensors: dict[str, Tensor], names: dict[int, str]) -> Any:
    """Return `value` with the name of each tensor in its place, as JSON can hold it, and add them to `tensors`.

    Args:
        value: what to save.
        tensors: receives the tensors by name.
        names: names by identity; a tensor that occurs twice is saved once.
    """
    if isinstance(value, Tensor):
        if id(value) not in names:
            names[id(value)] = str(len(names))
            whole = value.untyped_storage().nbytes() == value.nbytes
            tensors[names[id(value)]] = value.detach().contiguous() if whole else value.detach().clone()
        return {"tensor": names[id(value)]}
    if isinstance(value, dict):
        return {name: _without_tensors(each, tensors, names) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_without_tensors(each, tensors, names) for each in value]
    return value


def _with_tensors(value: Any, tensors: dict[str, Tensor]) -> State:
    """Undo `_without_tensors`."""
    if isinstance(value, dict):
        if value.keys() == {"tensor"}:
            return tensors[value["tensor"]]
        return {name: _with_tensors(each, tensors) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_tensors(each, tensors) for each in value]
    return value
