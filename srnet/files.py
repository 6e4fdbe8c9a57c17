"""Files: written so that they are wholly there or not at all, read line by line, and their digests."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from srnet.errors import InputError

LFS_POINTER = b"version https://git-lfs.github.com/spec/"
"""What a file begins with that git left in place of one it keeps elsewhere."""
POINTER = "a git-lfs pointer, not the file itself; fetch that with `git lfs pull`"


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`; on success it takes the name `path`, on failure it is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def check_new_folder(folder: Path) -> None:
    """Check that a folder can be written: it is not there, or empty.

    Raises:
        InputError: if it holds something, or is a file.
    """
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise InputError(f"{folder}: there is something of this name that is no folder; give another name")
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder}: the folder is not empty; give a new one, so that nothing is overwritten")
    above = next(each for each in folder.absolute().parents if each.exists())
    if not above.is_dir() or not os.access(above, os.W_OK):
        raise InputError(f"{folder}: nothing can be written in {above}; give another place")


@contextmanager
def folder_written_whole(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `folder`; on success it takes its name, on failure it is removed.

    Raises:
        InputError: if there is something in `folder` (`check_new_folder`).
    """
    check_new_folder(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        yield temporary
        os.chmod(temporary, 0o755)
        for path in temporary.rglob("*"):
            os.chmod(path, 0o755 if path.is_dir() else 0o644)
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield the lines of a file, each with its number, from 1, and its end; only LF ends a line.

    Lines are split as bytes: as text they would also end at the separators U+0085 and U+2028 within a sentence, and
    a file that cannot be decoded would not tell the number of the line.

    Raises:
        InputError: if the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            yield from enumerate(file, start=1)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error


def refuse_pointer(path: Path) -> None:
    """Check that a file is not one that git left in place of another; a file that cannot be read is left to others.

    Raises:
        InputError: it is a git-lfs pointer.
    """
    with suppress(OSError), path.open("rb") as file:
        if file.read(len(LFS_POINTER)) == LFS_POINTER:
            raise InputError(f"{path}: {POINTER}")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def digest(paths: Iterable[Path], root: Path) -> str:
    """Return one SHA-256, in hexadecimal, for several files: their places below `root` and their contents."""
    lines = (f"{path.relative_to(root).as_posix()} {sha256(path)}\n" for path in paths)
    return hashlib.sha256("".join(lines).encode()).hexdigest()
