"""Where in a plugin's file a process was when it was ended, hung, or ended itself.

Python's faulthandler writes the stack to a file: when a fatal signal comes, when the supervisor
asks (`ASK`), and just before the process ends itself by `os._exit` or by a signal to itself.
"""

from __future__ import annotations

import faulthandler
import os
import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

ASK = signal.SIGUSR1
FRAME = re.compile(r'^  File "(.*)", line (\d+) in ', re.MULTILINE)


def keep(path: Path) -> None:
    """From now on this process leaves its last stack in a file."""
    file = path.open("w", encoding="ascii")  # open for as long as the process lives
    faulthandler.enable(file)
    faulthandler.register(ASK, file, all_threads=False)

    def noted(end: Callable[..., Any], own: Callable[..., bool]) -> Callable[..., Any]:
        def ending(*arguments: Any) -> Any:
            if own(*arguments):
                faulthandler.dump_traceback(file, all_threads=False)
            return end(*arguments)

        return ending

    vars(os)["_exit"] = noted(os._exit, lambda *_: True)
    vars(os)["kill"] = noted(os.kill, lambda pid, *_: pid in (0, os.getpid()))


def ask(pid: int) -> None:
    """Have a process write where it is, whatever it is doing; it may have ended."""
    try:
        os.kill(pid, ASK)
    except ProcessLookupError:
        return


def place(trace: Path, plugin: Path) -> str:
    """`file:line` of the last stack's innermost frame in the plugin's file; the file alone if none.

    faulthandler cuts names at 500 characters and writes what is not ASCII as escapes.
    """
    if not trace.is_file():
        return str(plugin)
    name = str(plugin).encode("ascii", "backslashreplace").decode()[:500]
    stacks = trace.read_text(encoding="ascii", errors="replace").split("most recent call first")
    lines = [line for file, line in FRAME.findall(stacks[-1]) if file == name]
    return f"{plugin}:{lines[0]}" if lines else str(plugin)
