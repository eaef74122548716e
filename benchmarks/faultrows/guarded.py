"""A process that reads results folders under guard, and says what it did beside reading them.

    python -m benchmarks.faultrows.guarded FOLDER...

An audit hook sees every file that is opened to be written, renamed or removed, every process that
is started, every connection, and every class that is unpickled. Prints one JSON object.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NETWORK = ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto")
PROCESSES = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "pty.spawn")
CHANGES = ("os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.symlink", "os.link", "os.truncate")
UNPICKLED = "pickle.find_class"
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Guard:
    """Notes what a process does.

    Attributes:
        allowed: the folders in which it may write.
        seen: what it did beside, as (event, what).
    """

    def __init__(self) -> None:
        self.allowed: tuple[str, ...] = ()
        self.seen: list[tuple[str, str]] = []
        self._on = False

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """See one event."""
        if not self._on:
            return
        if event in NETWORK or event in PROCESSES or event == UNPICKLED:
            self.seen.append((event, ascii(arguments)[:200]))
        elif event == "open" and arguments[2] & WRITING:
            self._written(event, arguments[0])
        elif event in CHANGES:
            self._written(event, *arguments[: 2 if event in ("os.rename", "os.link") else 1])

    def _written(self, event: str, *paths: Any) -> None:
        for path in paths:
            if isinstance(path, int) or path == os.devnull:
                continue
            name = os.fsdecode(path)
            followed = event in ("open", "os.mkdir")  # the others change a link, not where it leads
            real = os.path.realpath(name if followed else os.path.dirname(name) or ".")
            if not any(Path(real).is_relative_to(home) for home in self.allowed):
                self.seen.append((event, real))

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """See what happens meanwhile."""
        self._on = True
        try:
            yield
        finally:
            self._on = False


def command(*arguments: str) -> dict[str, Any]:
    """A command of the suite in this process: exit code, first line of what it says, seconds."""
    from suite import cli

    out, errors = io.StringIO(), io.StringIO()
    started, code, crash = time.perf_counter(), 0, ""
    sys.argv = ["run_suite.py", *arguments]
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        try:
            cli.main()
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException as error:  # a crash is what is looked for
            crash = f"{type(error).__name__}: {error}"[:300]
    said = errors.getvalue()
    return {
        "command": arguments[0],
        "code": code,
        "crash": crash,
        "said": said[:300],
        "lines": said.count("\n"),
        "escapes": "\x1b" in out.getvalue() + said,
        "seconds": time.perf_counter() - started,
    }


def read(folder: str, guard: Guard) -> list[dict[str, Any]]:
    """Whatever reads a stranger's folder, from within the folder."""
    guard.allowed = (os.path.realpath(folder),)
    os.chdir(folder)
    commands = (("report", folder), ("compare", folder, folder), ("resolve", folder, "--dry-run"))
    with guard.watching():
        return [command(*arguments) for arguments in commands]


def main() -> None:
    """Read all folders, after a sound one, with which everything is imported."""
    sound, *folders = sys.argv[1:]
    warm = Guard()
    read(sound, warm)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    guard, found = Guard(), {}
    sys.addaudithook(guard)
    for folder in folders:
        found[folder] = read(folder, guard)
    homes = tuple(map(os.path.realpath, folders))
    files = [str(getattr(module, "__file__", "")) for module in sys.modules.values()]
    print(
        json.dumps(
            {
                "found": found,
                "seen": guard.seen,
                "imported": [file for file in files if file.startswith(homes)],
                "megabytes": (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024,
            }
        )
    )


if __name__ == "__main__":
    main()
