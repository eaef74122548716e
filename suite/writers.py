"""Who writes to a results folder: its holder, those that joined it, and who trains what.

The holder has the lock `.lock`. Every writer, the holder too, has a lock of its own in `.writers`
and a list of the trials that it has claimed. The system frees a lock in the moment in which its
process ends, however it ends; then the claims are void and the folder is free.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from suite.errors import InUseError
from suite.files import write_whole

LOCK = ".lock"
HOLDER = ".holder.json"
WRITERS = ".writers"
MUTEX_SECONDS = 60.0
"""A writer keeps the others waiting for milliseconds; this long only where it hangs."""
NOTICE_SECONDS = 0.5
"""How long a holder may take from taking the lock to saying who it is."""


class Writers:
    """The writers of one folder, seen from one of them.

    Attributes:
        name: of this writer; its segments bear it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._home = folder / WRITERS
        self._lock = FileLock(folder / LOCK)
        self._own = FileLock(self._home / f"{self.name}.lock")
        self._mutex = FileLock(self._home / "mutex")
        self._mine: set[str] = set()

    def enter(self, join: bool) -> None:
        """Become a writer: the holder, or one that joins it.

        Raises InUseError where there is a holder and `join` is False; OSError where the system
        does not let anybody write.
        """
        if not self.hold() and not join:
            raise InUseError(
                f"Expected a results folder that no other run is writing to. Received: "
                f"{self.folder}, held by {self._holder()}. Wait for that run, join it with "
                f"--join, or choose another --out."
            )
        self._home.mkdir(exist_ok=True)
        with self._alone():
            self._own.acquire(timeout=0)

    @property
    def holds(self) -> bool:
        """Whether this writer is the holder, which writes everything but the record."""
        return self._lock.is_locked

    def hold(self) -> bool:
        """Become the holder where there is none; whether this writer is the holder now."""
        if self.holds:
            return True
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        who = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        }
        write_whole(self.folder / HOLDER, json.dumps(who) + "\n")
        return True

    def leave(self) -> None:
        """Be a writer no more; all claims are void."""
        with suppress(OSError):  # a broken disk; the system frees the locks all the same
            if self._own.is_locked:
                with self._alone():
                    self._forget(self.name)
                    self._own.release()
            if self.holds:
                (self.folder / HOLDER).unlink(missing_ok=True)
                self._lock.release()

    def _holder(self) -> str:
        """Who holds the lock, in words; it may have taken it a moment ago."""
        end = time.monotonic() + NOTICE_SECONDS
        while True:
            who = _content(self.folder / HOLDER)
            here = who.get("host") == socket.gethostname()
            if who and not (here and _gone(who["pid"])):
                return f"process {who['pid']} on {who['host']} since {who['since']}"
            if time.monotonic() > end:
                return f"a process that does not say who it is ({self.folder / LOCK})"
            time.sleep(0.02)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While no other writer claims, enters or leaves."""
        with self._mutex.acquire(timeout=MUTEX_SECONDS):
            yield

    def living(self) -> list[str]:
        """The names of the other writers that are alive; what the dead left is removed."""
        found = []
        for lock in sorted(self._home.glob("*.lock")):
            if lock.stem == self.name:
                continue
            probe = FileLock(lock)
            try:
                with probe.acquire(timeout=0):
                    self._forget(lock.stem)
            except Timeout:
                found.append(lock.stem)
        return found

    def _forget(self, name: str) -> None:
        for ending in ("keys", "lock"):
            (self._home / f"{name}.{ending}").unlink(missing_ok=True)

    @contextmanager
    def claims(self) -> Iterator[Claims]:
        """While this lasts nobody else claims anything."""
        with self._alone():
            yield Claims(self._home / f"{self.name}.keys", self._mine, self._others())

    def _others(self) -> set[str]:
        keys: set[str] = set()
        for name in self.living():
            path = self._home / f"{name}.keys"
            keys.update(path.read_text(encoding="ascii").split() if path.is_file() else ())
        return keys


class Claims:
    """What is claimed: `mine` by this writer, `others` by other writers that are alive."""

    def __init__(self, path: Path, mine: set[str], others: set[str]) -> None:
        self._path = path
        self.mine = mine
        self.others = others

    def add(self, keys: Iterable[str]) -> None:
        """Claim trials for this writer, which nobody else has claimed."""
        new = [key for key in keys if key not in self.mine]
        if new:
            with self._path.open("a", encoding="ascii") as file:
                file.write("".join(f"{key}\n" for key in new))
            self.mine.update(new)


def _content(path: Path) -> dict[str, Any]:
    """What a holder says of itself; empty where it says nothing."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and {"pid", "host", "since"} <= found.keys() else {}


def _gone(pid: int) -> bool:
    """Whether no process of this machine has that number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return False
