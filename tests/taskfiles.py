"""The shipped task files, as tests of each of them need them; and a machine without a network."""

from __future__ import annotations

import importlib.util
import socket
import types
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "tasks"
FILES = {path.stem: path for path in sorted(FOLDER.glob("*.py"))}
SHIPPED = tuple(name for name in FILES if not name.startswith("_"))
"""The names of the tasks; a new file is one more."""


def load(name: str) -> types.ModuleType:
    """The task file `name` as a module, by its path."""
    spec = importlib.util.spec_from_file_location(f"task_{name}", FILES[name])
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def task_class(module: types.ModuleType) -> type:
    """The one task that the file defines."""
    from suite import Task

    own = [
        value
        for value in vars(module).values()
        if getattr(value, "__module__", "") == module.__name__
    ]
    (found,) = [value for value in own if isinstance(value, type) and issubclass(value, Task)]
    return found


def block_network(patch: pytest.MonkeyPatch) -> None:
    """No socket can be made, no host looked up."""

    class Refused(socket.socket):
        def __init__(self, *_: object, **__: object) -> None:
            raise OSError("no network in this test")

    def refuse(*_: object, **__: object) -> None:
        raise OSError("no network in this test")

    patch.setattr(socket, "socket", Refused)
    patch.setattr(socket, "getaddrinfo", refuse)
