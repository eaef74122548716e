"""Scripts of recorded trials, and running them away from the suite."""

from __future__ import annotations

import contextlib
import io
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from suite.blueprint import draw_up
from suite.reproduce.arrays import file_name, save
from suite.reproduce.script import script_of
from suite.scoring import Judge
from suite.task import Task
from suite.trial import Outcome

QUICK = "--xla_backend_optimization_level=0"  # JAX compiles in half the time; same figures
RUNNER = """
import contextlib, io, json, runpy, sys
for path in sys.argv[1:]:
    said, code = io.StringIO(), 0
    with contextlib.redirect_stdout(said):
        try:
            runpy.run_path(path)
        except SystemExit as stop:
            code = int(stop.code or 0)
    print(json.dumps([code, said.getvalue()]))
assert "suite" not in sys.modules
"""


TEXTS: dict[str, str] = {}


def text_of(task: Task, outcome: Outcome) -> str:
    """The script of an outcome, made once; its data file lies beside it."""
    if outcome.trial.key not in TEXTS:
        TEXTS[outcome.trial.key] = made_text(task, outcome)
    return TEXTS[outcome.trial.key]


def made_text(task: Task, outcome: Outcome) -> str:
    """The script of an outcome; its data file lies beside it."""
    blueprint = draw_up(task, outcome.trial.hp, task.dataset)
    path = f'Path(__file__).with_name("{file_name(task.name, task.dataset)}")'
    return script_of(outcome, blueprint, Judge(task, task.dataset), path)


def written(task: Task, outcome: Outcome, folder: Path) -> Path:
    """The script of an outcome as a file, with its data file."""
    save(task.dataset, folder / file_name(task.name, task.dataset))
    path = folder / f"{task.name}-{outcome.trial.key}.py"
    path.write_text(text_of(task, outcome), encoding="utf-8")
    return path


@contextlib.contextmanager
def quickly_compiled() -> Iterator[None]:
    """JAX compiles in this process as it does in that of the scripts."""
    import jax

    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


def run_here(path: Path) -> tuple[int, str]:
    """(exit code, output) of a script in this process, which has Keras already."""
    said, code = io.StringIO(), 0
    with contextlib.redirect_stdout(said):
        try:
            runpy.run_path(str(path))
        except SystemExit as stop:
            code = int(stop.code or 0)
    return code, said.getvalue()


def run_alone(paths: Sequence[Path], backend: str) -> list[tuple[int, str]]:
    """(exit code, output) of each script, in one process that cannot import the suite."""
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, *map(str, paths)],
        env={**inherited, "KERAS_BACKEND": backend, "XLA_FLAGS": QUICK},
        cwd=paths[0].parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [tuple(json.loads(line)) for line in done.stdout.splitlines() if line.startswith("[")]
