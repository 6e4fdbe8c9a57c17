"""The layers of a store: folders of results, one folder for each, the local one and those that lie below it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from srnet.errors import InputError
from srnet.files import sha256
from srnet.store.records import read_record

RECORD = "record.json"
KEY = re.compile(r"[0-9a-f]{20}")


class DamagedError(InputError):
    """A result in the store is not what was written.

    Attributes:
        key: of its experiment.
    """

    def __init__(self, key: str, problem: str) -> None:
        super().__init__(f"{problem}; `srnet run` computes the experiment anew, `srnet store verify` looks for more")
        self.key, self.problem = key, problem

    def __reduce__(self) -> tuple[type[DamagedError], tuple[str, str]]:
        return DamagedError, (self.key, self.problem)


class Folder:
    """Results as they were written: records, and the files that belong to them or, if nothing builds on them, none.

    Args:
        root: the folder; it need not be there.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def keys(self) -> list[str]:
        """Return the keys of all results, sorted."""
        return sorted(path.name for path in self.root.glob("*") if KEY.fullmatch(path.name))

    def holds(self, key: str) -> bool:
        """Tell whether there is a result of that key, be it what was written or not."""
        return (self.root / key).is_dir()

    def has(self, key: str, files: bool) -> bool:
        """Tell whether there is a readable record and, if asked, all files of the size that it says."""
        try:
            record = self.record(key)
        except DamagedError:
            return False
        sizes = ((self.root / key / name, about["bytes"]) for name, about in record["files"].items())
        return not files or all(path.is_file() and path.stat().st_size == size for path, size in sizes)

    def record(self, key: str) -> dict[str, Any]:
        """Return the record of a result.

        Raises:
            DamagedError: if it is missing or not what was written.
            InputError: if the system does not let it be read.
        """
        path = self.root / key / RECORD
        try:
            record = read_record(path)
        except FileNotFoundError:
            raise DamagedError(key, f"{path}: the record is missing") from None
        except OSError as error:
            raise InputError(f"{path}: cannot be read: {error.strerror}") from None
        except ValueError as error:
            raise DamagedError(key, f"{path}: not the record that was written ({error})") from None
        if record["key"] != key:
            raise DamagedError(key, f"{path}: the record is of another experiment, {record['key']}")
        return record

    def find(self, key: str, name: str) -> Path | None:
        """Return where a file of a result is; None if it did not come with the record."""
        path = self.root / key / name
        return path if path.exists() else None

    def damage(self, key: str) -> str | None:
        """Return what is wrong with a result; files that are not there are no damage."""
        if not self.holds(key):
            return None
        try:
            files = self.record(key)["files"]
        except DamagedError as error:
            return error.problem
        there = ((self.find(key, name), about) for name, about in files.items())
        problems = (file_damage(path, about) for path, about in there if path)
        return next((problem for problem in problems if problem), None)


def file_damage(path: Path, about: Mapping[str, Any]) -> str | None:
    """Return what is wrong with a file, None if it has the SHA-256 and the size in bytes that are said of it.

    Raises:
        InputError: if the system does not let it be read.
    """
    if not path.is_file():
        return f"{path}: the file is missing"
    try:
        changed = path.stat().st_size != about["bytes"] or sha256(path) != about["sha256"]
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    if changed:
        return f"{path}: the file has changed since it was written"
    return None
