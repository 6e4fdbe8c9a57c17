"""Published results: what can be shown and judged without weights, one compressed file for each task.

    manifest.json     what the results are of, and SHA-256 and size of each file
    TASK.jsonl.xz     a line for each result: its record, and the classes that its model predicts

A line is JSON: "key"; "record", as the store has it; "predictions", by file of logits and data set; of token ids
"gold", by test set "labels" and codes of "subsets"; "checksum". Classes and codes are digits, one for each example
(`srnet.store.layout.digits`).
"""

import json
import lzma
import re
from collections.abc import Iterable, Mapping
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any

from srnet.environment import MANIFEST
from srnet.errors import InputError
from srnet.files import refuse_pointer
from srnet.store.layers import DamagedError, file_damage
from srnet.store.records import read_record, sealed, unsealed

REMEDY = "take the folder anew from where it was published, or name other folders with --below"
_START = re.compile(rb'\{"key": "([0-9a-f]{20})", ')


class Published:
    """A folder of published results, which is only read, and only when a result is asked for.

    Args:
        root: the folder, with a manifest.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What the results are of.

        Raises:
            InputError: if it is not what was written, or the results are of another key format.
        """
        from srnet.experiments.expressions import KEYS

        path = self.root / MANIFEST
        try:
            manifest = read_record(path)
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: not the manifest that was published ({error}); {REMEDY}") from None
        if manifest["keys"] != KEYS:
            raise InputError(
                f"{path}: results of key format {manifest['keys']}, here it is {KEYS}: what experiments mean has "
                "changed since; `srnet store publish` publishes anew, or name other folders with --below"
            )
        return manifest

    def keys(self) -> list[str]:
        """Return the keys of all results, sorted; raises as `holds` does."""
        return sorted(key for name in self.manifest["files"] for key in self._lines(name))

    def holds(self, key: str) -> bool:
        """Tell whether there is a result of that key.

        Raises:
            InputError: if the manifest or a file is not what was published.
        """
        return self._file_of(key) is not None

    def has(self, key: str, files: bool) -> bool:
        """Tell whether there is a readable record; the files that belong to it are never there."""
        try:
            return not files and self.holds(key) and bool(self.record(key))
        except DamagedError:
            return False

    def record(self, key: str) -> dict[str, Any]:
        """Return the record of a result; raises as `line` does."""
        return unsealed(self.line(key)["record"])

    def line(self, key: str) -> dict[str, Any]:
        """Return all that is published of a result.

        Raises:
            DamagedError: if it is not what was published, or of another experiment.
            InputError: if the manifest or the file is not what was published, or there is no such result.
        """
        name = self._file_of(key)
        if name is None:
            raise InputError(f"{self.root}: no published result with the key {key}")
        line = self._lines(name)[key]
        if problem := _problem(line, key):
            raise DamagedError(key, f"{self.root / name}: {key}: {problem}")
        return dict(json.loads(line))

    def find(self, key: str, name: str) -> None:
        """Return that a file of a result is not there, as `Folder.find` does."""

    def damage(self, key: str) -> str | None:
        """Return what is wrong with a result."""
        try:
            if self.holds(key):
                self.line(key)
        except DamagedError as error:
            return error.problem
        return None

    def _file_of(self, key: str) -> str | None:
        return next((name for name in self.manifest["files"] if key in self._lines(name)), None)

    def _lines(self, name: str) -> Mapping[str, bytes]:
        about = self.manifest["files"][name]
        return _lines(self.root / name, about["sha256"], about["bytes"])


def published_in(folders: Iterable[Path]) -> list[Published]:
    """Return those of some folders of results that are published, which have a manifest."""
    return [Published(folder) for folder in folders if (folder / MANIFEST).is_file()]


def text_of(line: Mapping[str, Any]) -> str:
    """Return the text of a line, sealed with its checksum, with its end."""
    return _spelt(sealed(line)) + "\n"


@lru_cache(maxsize=32)  # the tasks of a few folders
def _lines(path: Path, sha256: str, size: int) -> dict[str, bytes]:
    """Return the lines of a file by key; they are parsed when they are asked for."""
    refuse_pointer(path)
    if problem := file_damage(path, {"sha256": sha256, "bytes": size}):
        raise InputError(f"{problem}: it is not that of {MANIFEST}; {REMEDY}")
    try:
        lines = lzma.decompress(path.read_bytes()).splitlines()
    except lzma.LZMAError as error:
        raise InputError(f"{path}: cannot be unpacked ({error}); {REMEDY}") from None
    starts = [_START.match(line) for line in lines]
    if None in starts:
        raise InputError(f"{path}, line {starts.index(None) + 1}: names no result; {REMEDY}")
    return {start[1].decode(): line for start, line in zip(starts, lines, strict=True) if start}


@cache  # of lines that are in memory already
def _problem(line: bytes, key: str) -> str | None:
    """Return what is wrong with the line of a key."""
    from srnet.experiments.expressions import key_of

    try:
        found = json.loads(line)
        content = unsealed(found)
        record = unsealed(content["record"])
        if _spelt(found).encode() != line:
            raise ValueError("it is not spelt as it was written")
        own = key_of(record["experiment"])
    except (ValueError, KeyError) as error:
        return f"not the line that was published ({error})"
    if not key == content["key"] == record["key"] == own:
        return f"the record is of another experiment, {own}"
    return None


def _spelt(line: Mapping[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False)
