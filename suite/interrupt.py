"""Ctrl-C and SIGTERM: once, and a run stops where nothing is in flight; twice, at once.

Outside a run Ctrl-C raises KeyboardInterrupt wherever it comes, and SIGTERM ends the process.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from suite.exits import Exit

SIGNALS = (signal.SIGINT, signal.SIGTERM)
TERMINAL = 1
"""Where bars hide the cursor: standard output."""
SHOW_CURSOR = b"\x1b[?25h"
_asked = threading.Event()


def asked() -> bool:
    """Whether the run is to stop."""
    return _asked.is_set()


def check() -> None:
    """Raise KeyboardInterrupt if the run is to stop. Called where nothing is in flight."""
    if _asked.is_set():
        raise KeyboardInterrupt


def drain() -> None:
    """From now on Ctrl-C asks this process to stop at the next `check`, and no more than that."""
    signal.signal(signal.SIGINT, lambda *_: _asked.set())


@contextmanager
def draining() -> Iterator[None]:
    """Meanwhile a first Ctrl-C or SIGTERM is left to `check`; a second one ends the process.

    Nothing is done on the second: what is recorded is on the disk, and child processes end with
    this one. In a thread that is not the main one signals are left as they are.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _asked.clear()
    before = [signal.signal(number, _handle) for number in SIGNALS]
    try:
        yield
    finally:
        for number, handler in zip(SIGNALS, before, strict=True):
            signal.signal(number, handler)


def _handle(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
    if _asked.is_set():
        if os.isatty(TERMINAL):
            os.write(TERMINAL, SHOW_CURSOR)
        os._exit(Exit.INTERRUPTED)
    _asked.set()
