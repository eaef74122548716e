"""What the process of one task may take, and how much of it is taken."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

DEADLINE = 1800.0
"""Seconds without a sign of life after which a task is given up, by default."""
MEMORY_SHARE = 0.75
"""Share of the machine's memory that a task's process may hold, by default."""
GIB = 1 << 30
MOST_APART = 1.0
"""Seconds between two looks that count as silence; after more, it was this process that stood
still: stopped by a signal, or asleep with the machine."""
CONTAINER = Path("/sys/fs/cgroup/memory.max")
"""Where Linux says how much memory a container may use; "max" where it may use all."""


def memory_there() -> int:
    """Bytes of memory of this machine, or of the container that this process lives in."""
    total = int(psutil.virtual_memory().total)
    try:
        return min(total, int(CONTAINER.read_text(encoding="ascii")))
    except (OSError, ValueError):  # no container, or one without a limit
        return total


@dataclass(frozen=True)
class Limits:
    """What the process of one task may take.

    Attributes:
        deadline: seconds that it may go without a sign of life: without beginning another stage
            (building, compiling, a chunk of training) or finishing trials.
        memory: bytes that it and all it started may hold in memory together.
    """

    deadline: float = DEADLINE
    memory: int = field(default_factory=lambda: int(MEMORY_SHARE * memory_there()))


def limits_of(deadline: float, gibibytes: float | None) -> Limits:
    """Limits as the command line gives them; without a limit of memory, the default."""
    return Limits(deadline) if gibibytes is None else Limits(deadline, int(gibibytes * GIB))


class Meter:
    """Watches one process.

    Args:
        pid: of the process; it may have ended.
    """

    def __init__(self, pid: int, limits: Limits) -> None:
        self.pid = pid
        self.limits = limits
        self._looked = time.monotonic()
        self._silent = 0.0

    def alive(self) -> None:
        """A sign of life was heard."""
        self._silent = 0.0

    def breach(self) -> str:
        """Which limit was passed, in a sentence; empty where none was."""
        now = time.monotonic()
        self._silent += min(now - self._looked, MOST_APART)
        self._looked = now
        if self._silent > self.limits.deadline:
            return (
                f"Expected a sign of life every {self.limits.deadline:g} s (--deadline). "
                f"Received: none for {self._silent:.0f} s"
            )
        held = resident(self.pid)
        if held > self.limits.memory:
            return (
                f"Expected at most {self.limits.memory / GIB:.3g} GiB of memory (--memory-limit). "
                f"Received: {held / GIB:.3g} GiB held"
            )
        return ""


def resident(pid: int) -> int:
    """Bytes that a process and its descendants hold in memory; 0 where it has ended."""
    try:
        whole = psutil.Process(pid)
        family = [whole, *whole.children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    return sum(map(_resident, family))


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0
