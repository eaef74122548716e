"""A cluster of this machine alone: a scheduler in this process, worker processes of one thread."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from distributed import LocalCluster

from suite.environment import environment_of_workers

LEAVE = 5.0
"""Seconds that worker processes have to leave; then they are killed."""


class LocalWorkers:
    """`count` worker processes; Dask's nanny starts another in place of one that dies.

    They are a session of their own, so that a Ctrl-C in the terminal reaches this process alone,
    and leave by themselves where this process is killed.
    """

    def __init__(self, count: int, backend: str) -> None:
        self._folder = TemporaryDirectory(prefix="suite-workers-", ignore_cleanup_errors=True)
        self._scheduler = LocalCluster(
            n_workers=0, processes=False, protocol="tcp", dashboard_address=None
        )
        options = {
            "nworkers": count,
            "nthreads": 1,
            "local-directory": self._folder.name,
            "death-timeout": 60,
        }
        words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        module = [sys.executable, "-m", "distributed.cli.dask_worker", self.address]
        with (Path(self._folder.name) / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*module, *words, "--no-dashboard"],
                env=environment_of_workers(backend),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def address(self) -> str:
        """The scheduler's."""
        return str(self._scheduler.scheduler_address)

    def close(self) -> None:
        """End the workers, then the scheduler."""
        self._signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=LEAVE)
        self._signal(signal.SIGKILL)
        self._process.wait()
        self._scheduler.close()
        self._folder.cleanup()

    def _signal(self, number: signal.Signals) -> None:
        try:
            os.killpg(self._process.pid, number)
        except ProcessLookupError:  # all of them have left
            return
