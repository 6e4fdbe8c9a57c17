"""Files: written so that they are wholly there or not at all, read line by line, and their digests."""

import errno
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


def check_folder(folder: Path) -> Path:
    """Check that a path is that of a folder which can be read, or that a folder can be made there.

    Returns:
        The folder, or the nearest above it that is there.

    Raises:
        InputError: if it is something else, or leads through something else.
    """
    there = folder
    try:
        while not there.exists():
            if there.is_symlink():
                raise InputError(
                    f"{folder}: the link {there} leads to no folder; make the one it names, or name another"
                )
            there = there.absolute().parent
    except OSError as error:
        raise InputError(f"{folder}: cannot be a folder: {error.strerror}; name another") from None
    if not there.is_dir():
        raise InputError(f"{folder}: {'this' if there == folder else there} is no folder; name another")
    if not os.access(there, os.R_OK | os.X_OK):
        raise InputError(
            f"{folder}: {there} cannot be read: {os.strerror(errno.EACCES)}; get leave to, or name another"
        )
    return there


def check_target(folder: Path) -> None:
    """Check that files can be written to a folder, which need not be there.

    Raises:
        InputError: if it cannot be a folder (`check_folder`), or nothing can be written in it.
    """
    above = check_folder(folder)
    if not os.access(above, os.W_OK):
        raise InputError(f"{folder}: nothing can be written in {above}; give another place")


def check_new_folder(folder: Path) -> None:
    """Check that a folder can be written: it is not there, or empty.

    Raises:
        InputError: if it holds something, or is a file, or its name is no text in this locale.
    """
    try:
        str(folder).encode()
    except UnicodeEncodeError:  # a tokenizer is not written by Python, and would not find it
        remedy = "choose a UTF-8 locale (LC_ALL=C.UTF-8), or give a folder of another name"
        raise InputError(f"{folder}: a name that cannot be read in this locale; {remedy}") from None
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        raise InputError(f"{folder}: there is something of this name that is no folder; give another name")
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder}: the folder is not empty; give a new one, so that nothing is overwritten")
    check_target(folder)


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
