"""A second process, with another hash seed, that loads a task and says what it got.

Started early and asked late: loading goes on beside the other examiners.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from suite.environment import environment_for
from suite.registry import Plugin

CHILD = "suite.check.child"
HASH_SEED = "4711"
"""Any fixed one: that of this process is random, or another."""
PATIENCE = 300.0
"""Seconds after which loading is given up."""


class SecondProcess:
    """Loads a plugin in a process of its own; `answer` waits for it."""

    def __init__(self, plugin: Plugin, source: str) -> None:
        self._folder = TemporaryDirectory()
        self._file = Path(self._folder.name) / "answer.json"
        asked = {"plugin": {**asdict(plugin), "path": str(plugin.path)}, "source": source}
        environment = {**environment_for("jax"), "PYTHONHASHSEED": HASH_SEED}
        self._child = subprocess.Popen(
            [sys.executable, "-m", CHILD, json.dumps(asked), str(self._file)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def answer(self) -> dict[str, Any]:
        """`fingerprint` of the data and `sketch` of the default model, or `error`."""
        try:
            code = self._child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            return {"error": f"no answer within {PATIENCE:.0f} s"}
        if not self._file.is_file():
            return {"error": f"the process ended with exit code {code}"}
        found: dict[str, Any] = json.loads(self._file.read_text(encoding="utf-8"))
        return found

    def close(self) -> None:
        """End the process, whatever it is doing, and forget its answer."""
        self._child.kill()
        self._child.wait()
        self._folder.cleanup()
