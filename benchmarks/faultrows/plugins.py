"""Plugins that break: whatever one does, the other tasks finish and nothing is left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import psutil

from benchmarks.faultrows import hostile
from benchmarks.faultrows.row import Found, Row
from suite.store import Store

ROOT = Path(__file__).parents[2]
SOUND = ("a_sound", "z_leaving")
DEADLINE = 20.0
"""Seconds; a training of these tasks compiles for a few."""
MEMORY = 2.0
"""GiB; such a training holds about half of one."""
MARK = "KERAS_SUITE_FAULTS"
QUICK = ("import_raises", "data_ends", "data_segfaults", "data_eats", "metric_is_text")
"""What the quick version does beside one hang."""


def run(folder: Path, names: Sequence[str], deadline: float, *more: str) -> tuple[int, str]:
    """A run of faulty tasks between two sound ones: its exit code, and what it said."""
    tasks = folder / "tasks"
    tasks.mkdir(parents=True)
    hostile.write(tasks, names)
    (folder / "study.toml").write_text(hostile.STUDY, encoding="utf-8")
    chosen = [word for name in (SOUND[0], *names, SOUND[1]) for word in ("-t", name)]
    options = ["--tasks-dir", tasks, "-s", folder / "study.toml", "-o", folder / "out", *chosen]
    limits = ["--deadline", deadline, "--memory-limit", MEMORY]
    done = subprocess.run(
        [sys.executable, ROOT / "run_suite.py", *map(str, options), *map(str, limits), *more],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, MARK: str(folder)},
    )
    return done.returncode, done.stdout + done.stderr


def left_behind(folder: Path) -> list[int]:
    """Processes that a run in a folder has left: they have inherited its mark."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == str(folder):
                found.append(process.pid)
        except (psutil.Error, OSError):
            continue
    return found


def unnamed(folder: Path, names: Iterable[str]) -> list[str]:
    """The faults that are not told with the plugin's file, the line and what happened."""
    problems = json.loads((folder / "out" / "run.json").read_text(encoding="utf-8"))["problems"]
    missing = []
    for name in names:
        fault, path = hostile.FAULTS[name], folder / "tasks" / f"{name}.py"
        lines = hostile.line_of(path), hostile.definition_of(path)
        places = [f"{path}:{line}: " for line in lines]
        told = [text for text in problems if any(place in text for place in places)]
        if not any(fault.clue in text for text in told):
            missing.append(name)
    return missing


def finished(folder: Path) -> int:
    """How many trials of the sound tasks are completed; four are asked for."""
    outcomes = Store(folder / "out").outcomes().values()
    return sum(o.trial.task in SOUND and o.status.value == "completed" for o in outcomes)


def _measure(folder: Path, quick: bool) -> Found:
    names = [*QUICK, "data_hangs"] if quick else list(hostile.FAULTS)
    code, said = run(folder, names, DEADLINE)
    left, missing, whole = left_behind(folder), unnamed(folder, names), finished(folder)
    kept = code == 1 and not left and not missing and whole == 4 and "Traceback" not in said
    return Found(
        f"{len(names)} faulty plugins in one run: {len(names) - len(missing)} told with file and "
        f"line, {whole} of 4 trials of the sound tasks finished, {len(left)} processes left"
        + (f"; not told: {', '.join(missing)}" if missing else ""),
        kept,
    )


ROWS = [
    Row(
        "plugins",
        "a plugin that fails at import, hangs, eats memory, calls `os._exit`, dies of a signal, "
        "returns rubbish, leaves processes behind",
        "the other tasks finish; the fault is told with the plugin's file and line; no process is "
        "left behind",
        _measure,
    )
]
