"""Real schedulers and workers for tests: processes of Dask's own commands, ended afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from distributed import Client

ROOT = Path(__file__).parents[1]
PLUGINS = Path(__file__).parent / "plugins"
STARTING = 60.0


@contextmanager
def process(
    folder: Path, module: str, *arguments: str, path: str = "", variables: Mapping[str, str] = {}
) -> Iterator[subprocess.Popen[bytes]]:
    """A process of one of Dask's commands in a session of its own; killed at the end."""
    inherited = {k: v for k, v in os.environ.items() if k not in ("XLA_FLAGS", "KERAS_BACKEND")}
    paths = os.pathsep.join(filter(None, [path, str(ROOT)]))
    with (folder / "log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{module}", *arguments],
            env={**inherited, "PYTHONPATH": paths, **variables},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield child
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


@contextmanager
def scheduler(folder: Path) -> Iterator[str]:
    """A scheduler's address."""
    file = folder / "scheduler.json"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", file]
    with process(folder, "dask_scheduler", *map(str, options)):
        address = until(lambda: _address_in(file))
        yield address


def worker(address: str, folder: Path, *, path: str = "", name: str = "worker"):
    """A worker process of one thread, without a nanny that would start it again."""
    options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--death-timeout", "30"]
    own = ["--local-directory", str(folder), "--name", name]
    return process(folder, "dask_worker", address, *options, *own, path=path)


def wait_for_workers(address: str, count: int) -> None:
    """Return once so many workers have registered."""
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=STARTING)


def until(look):
    """What `look` finds, as soon as it finds something."""
    ends = time.monotonic() + STARTING
    while not (found := look()):
        assert time.monotonic() < ends, "nothing came"
        time.sleep(0.05)
    return found


def _address_in(file: Path) -> str:
    import json

    with suppress(FileNotFoundError, ValueError):
        return str(json.loads(file.read_text())["address"])
    return ""


@contextmanager
def older_package(folder: Path, name: str, version: str) -> Iterator[str]:
    """A folder that, put before all others, makes an installed package look as old as that."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    yield str(folder)
