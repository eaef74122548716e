"""Files that are never half there: written beside their place, then renamed into it."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from suite.errors import StorageError

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""The ways in which a system says that there is no room."""
ROOM = 16 * 2**20
"""Bytes that tables, figures and the report of a run need about."""


def unwritable(folder: Path, error: OSError) -> StorageError:
    """The error for a folder, or a file in one, that the system does not write to."""
    reason = error.strerror or str(error)
    hint = " Make room there, then give the same command again." if error.errno in FULL else ""
    return StorageError(
        f"Expected a folder that can be written to. Received: {folder} ({reason}).{hint}"
    )


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turn what the system says against writing into a `StorageError` that names `folder`."""
    try:
        yield
    except OSError as error:
        raise unwritable(folder, error) from error


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A place beside `path` to write a file or make a folder at, renamed to `path` at the end.

    It is removed where that fails.

    Raises StorageError where the system will not have it.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f"{beside_prefix(os.getpid())}{path.name}")
        remove(beside)  # whatever lies there, a link that leads elsewhere, say, is not written to
        try:
            yield beside
            beside.replace(path)
        except BaseException:
            with suppress(OSError):  # what went wrong is on its way already
                remove(beside)
            raise


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it; no matter if there is none."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def beside_prefix(pid: int) -> str:
    """How the names begin of files that a process has not finished."""
    return f".{pid}-"


def write_whole(path: Path, content: str | bytes | Iterator[str]) -> None:
    """Write a file beside its place, whole or part by part, to the disk, and rename it there."""
    parts = [content] if isinstance(content, str | bytes) else content
    with replacing(path) as beside, beside.open("wb") as file:
        file.writelines(own.encode() if isinstance(own, str) else own for own in parts)
        file.flush()
        os.fsync(file.fileno())


def room(folder: Path) -> int:
    """Bytes that are free where `folder` is, or would be made."""
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    return shutil.disk_usage(place).free


def require_room(folder: Path, needed: int) -> None:
    """Raise StorageError where fewer than `needed` bytes are free."""
    free = room(folder)
    if free < needed:
        raise StorageError(
            f"Expected {_megabytes(needed)} of room for the results in {folder}. "
            f"Received: {_megabytes(free)}. Make room there, or choose another --out."
        )


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
