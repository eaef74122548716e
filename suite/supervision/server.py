"""The fork server: a quiet process from which the process of each task is forked.

It is forked off itself when Keras and JAX are imported but have started nothing (neither threads of
their own nor a device), so a task's process is there within milliseconds and shares their memory.
It runs no task's code, so it always answers; and it adopts whatever a task's process leaves behind,
so that it can end all of it. Linux alone has what that takes.
"""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import NoReturn

import psutil

from suite.interrupt import drain
from suite.supervision.wire import Wire

PID = struct.Struct("!i")
FORK, REAP, KILL = b"f", b"r", b"k"
GRACE = 5.0
"""Seconds that a process which has said its last word is given to end."""
DEATH_SIGNAL, SUBREAPER = 1, 36
"""Of Linux's prctl: what to be sent when the parent dies; to adopt orphans among descendants."""


def available() -> bool:
    """Whether tasks can have processes of their own on this machine."""
    return sys.platform == "linux"


def quiet() -> bool:
    """Whether JAX has started no devices here: with their threads around, nothing is forked."""
    bridge = sys.modules.get("jax._src.xla_bridge")
    return bridge is None or not bridge.backends_are_initialized()


def die_with_parent() -> None:
    """Have this process killed when its parent ends; nothing outside Linux."""
    if available():
        _prctl(DEATH_SIGNAL, signal.SIGKILL)


def adopt() -> None:
    """Have this process become the parent of what its descendants leave; nothing outside Linux."""
    if available():
        _prctl(SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0):
        raise OSError(ctypes.get_errno(), f"prctl {option}")


class ForkServer:
    """Forks a process for one task after another; each runs `body` on its end of a wire.

    Args:
        body: what a task's process does.
    """

    def __init__(self, body: Callable[[Wire], None]) -> None:
        self._control, theirs = socket.socketpair()
        sys.stdout.flush()
        sys.stderr.flush()
        self.pid = os.fork()
        if not self.pid:
            self._control.close()
            _serve(theirs, body)
        theirs.close()

    def fork(self) -> tuple[int, Wire]:
        """A new process: its id, and the wire to it."""
        self._control.sendall(FORK)
        data, (descriptor, *_), _, _ = socket.recv_fds(self._control, PID.size, 1)
        return PID.unpack(data)[0], Wire(socket.socket(fileno=descriptor))

    def end(self, at_once: bool) -> int:
        """End the latest process and all it has left behind; its status as `os.waitpid` has it.

        Unless `at_once`, it is given `GRACE` seconds to end by itself.
        """
        self._control.sendall(KILL if at_once else REAP)
        status: int = PID.unpack(self._control.recv(PID.size, socket.MSG_WAITALL))[0]
        return status

    def close(self) -> None:
        """End the server and whatever it has forked."""
        self._control.close()
        os.waitpid(self.pid, 0)


def _serve(control: socket.socket, body: Callable[[Wire], None]) -> NoReturn:
    """Obey until the other end closes, which it also does by dying."""
    os.setsid()  # what is typed on the terminal is for the supervisor alone
    drain()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    adopt()
    worker = 0
    while order := control.recv(1):
        if order == FORK:
            ours, theirs = socket.socketpair()
            worker = os.fork()
            if not worker:
                control.close()
                theirs.close()
                _live(Wire(ours), body)
            ours.close()
            socket.send_fds(control, [PID.pack(worker)], [theirs.fileno()])
            theirs.close()
        else:
            control.sendall(PID.pack(_ended(worker, 0 if order == KILL else GRACE)))
    end_descendants()
    os._exit(0)


def _live(wire: Wire, body: Callable[[Wire], None]) -> NoReturn:
    os.setsid()
    die_with_parent()
    leave, code = os._exit, 1
    try:
        body(wire)
        code = 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        wire.close()
        leave(code)


def _ended(worker: int, grace: float) -> int:
    """The status of the worker, which is killed when the grace is over, like all it has left."""
    until = time.monotonic() + grace
    while True:
        known, status = os.waitpid(worker, os.WNOHANG)
        if known:
            break
        if time.monotonic() >= until:
            os.kill(worker, signal.SIGKILL)
            status = os.waitpid(worker, 0)[1]
            break
        time.sleep(0.005)
    end_descendants()
    return status


def end_descendants() -> None:
    """Kill them until there are none; those that lose their parents become children of this one."""
    while family := psutil.Process().children(recursive=True):
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        with suppress(ChildProcessError):
            while os.waitpid(-1, 0)[0]:
                pass
