"""Real schedulers and workers, as processes of Dask's own commands that are ended afterwards."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from distributed import Client

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "tests" / "plugins"
PATIENCE = 300.0
"""Seconds in which what is waited for must have come."""

Found = TypeVar("Found")


@contextmanager
def process(
    folder: Path, module: str, *arguments: str, path: str = ""
) -> Iterator[subprocess.Popen[bytes]]:
    """One of Dask's commands in a session of its own; killed at the end."""
    inherited = {k: v for k, v in os.environ.items() if k not in ("XLA_FLAGS", "KERAS_BACKEND")}
    paths = os.pathsep.join(filter(None, [path, str(ROOT)]))
    with (folder / "log").open("ab") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{module}", *arguments],
            env={**inherited, "PYTHONPATH": paths},
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
        yield until(lambda: _address_in(file))


@contextmanager
def worker(
    address: str, folder: Path, name: str, path: str = ""
) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process of one thread, without a nanny that would start it again."""
    own = folder / name
    own.mkdir()
    options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--death-timeout", "30"]
    options += ["--local-directory", str(own), "--name", name]
    with process(own, "dask_worker", address, *options, path=path) as child:
        yield child


def wait_for_workers(address: str, count: int) -> None:
    """Return once so many workers have registered."""
    with Client(address, set_as_default=False) as client:
        client.wait_for_workers(count, timeout=PATIENCE)


@contextmanager
def driver(command: Sequence[str], said: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A run that writes what it says to a file; killed at the end if it still goes on."""
    with (
        said.open("wb") as file,
        subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT) as child,
    ):
        try:
            yield child
        finally:
            child.kill()


def until(look: Callable[[], Found]) -> Found:
    """What `look` finds, as soon as it finds something; TimeoutError where nothing comes."""
    ends = time.monotonic() + PATIENCE
    while not (found := look()):
        if time.monotonic() > ends:
            raise TimeoutError(f"nothing came within {PATIENCE:.0f} s")
        time.sleep(0.05)
    return found


def older_package(folder: Path, name: str, version: str) -> str:
    """A folder that, put before all others, makes an installed package look as old as that."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    return str(folder)


def _address_in(file: Path) -> str:
    with suppress(FileNotFoundError, ValueError):
        return str(json.loads(file.read_text())["address"])
    return ""
