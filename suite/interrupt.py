"""Ctrl-C: remembered, so that it is not lost where a library swallows it."""

from __future__ import annotations

import signal
import threading
from types import FrameType

_pressed = threading.Event()


def watch() -> None:
    """From now on Ctrl-C raises KeyboardInterrupt, and `check` raises it again."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _handle)


def check() -> None:
    """Raise KeyboardInterrupt if Ctrl-C was pressed, even if nobody noticed."""
    if _pressed.is_set():
        _pressed.clear()
        raise KeyboardInterrupt


def _handle(number: int, frame: FrameType | None) -> None:
    _pressed.set()
    signal.default_int_handler(number, frame)
