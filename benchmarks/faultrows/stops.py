"""Ctrl-C once and twice, and SIGTERM: what is in flight is recorded, or all stops at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faultrows import hostile
from benchmarks.faultrows.plugins import MARK, ROOT, left_behind
from benchmarks.faultrows.row import Found, Row
from suite.exits import Exit
from suite.segments import RECORD
from suite.store import Store

STUDY = """
question = "Does it stop as it should?"
seeds = 2
epochs = 20
[factors]
batch_size = [8, 16, 24]
"""
TRIALS = 6
AT_ONCE = 3.0
"""Seconds within which a second signal has ended everything."""


@dataclass(frozen=True)
class Stop:
    """How one run was stopped.

    Attributes:
        before, after: trials recorded when the (first) signal came, and when the run had ended.
        seconds: from the last signal to the end.
        tables: whether the tables are written.
        whole: whether the same command then trained the rest, and nothing twice.
    """

    name: str
    code: int
    before: int
    after: int
    seconds: float
    tables: bool
    left: int
    whole: bool

    @property
    def kept(self) -> bool:
        """Whether all is as promised."""
        drained = "twice" in self.name or (self.tables and self.before < self.after)
        prompt = "twice" not in self.name or self.seconds < AT_ONCE
        return self.code == Exit.INTERRUPTED and drained and prompt and not self.left and self.whole


def command(folder: Path) -> list[str]:
    """A run of one task whose trials come in several chunks."""
    (folder / "tasks").mkdir(parents=True, exist_ok=True)
    (folder / "tasks" / "a_sound.py").write_text(hostile.source(None), encoding="utf-8")
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    options = ["--tasks-dir", folder / "tasks", "-s", folder / "study.toml", "-t", "a_sound"]
    arguments = [ROOT / "run_suite.py", *options, "-o", folder / "out"]
    return [sys.executable, *map(str, arguments)]


def stopped(folder: Path, name: str, number: signal.Signals, times: int) -> Stop:
    """Start a run, stop it when something is recorded, and let the same command go on."""
    environment = {**os.environ, MARK: str(folder)}
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    child = subprocess.Popen(command(folder), env=environment, start_new_session=True, **silent)
    while child.poll() is None and not recorded(folder):
        time.sleep(0.02)
    before = recorded(folder)
    for _ in range(times):
        os.killpg(child.pid, number)  # as a terminal does
        sent = time.perf_counter()
        time.sleep(0.3)
    code = child.wait()
    seconds = time.perf_counter() - sent
    after, tables = recorded(folder), (folder / "out" / "trials.csv").is_file()
    left = len(left_behind(folder))
    again = subprocess.run(command(folder), check=False, **silent)
    keys = lines(folder)
    whole = again.returncode == 0 and len(keys) == len(set(keys)) == TRIALS
    return Stop(name, code, before, after, seconds, tables, left, whole)


def recorded(folder: Path) -> int:
    """Trials in the record of a folder."""
    home = folder / "out"
    return len(Store(home).outcomes()) if (home / RECORD).is_dir() else 0


def lines(folder: Path) -> list[str]:
    """The keys of all lines of a record."""
    texts = [path.read_text() for path in sorted((folder / "out" / RECORD).glob("*.jsonl"))]
    return [json.loads(line.partition(" ")[2])["key"] for t in texts for line in t.splitlines()]


CASES = {
    "Ctrl-C once": (signal.SIGINT, 1),
    "SIGTERM": (signal.SIGTERM, 1),
    "Ctrl-C twice": (signal.SIGINT, 2),
}


def _measure(folder: Path, quick: bool) -> Found:
    rounds = 1 if quick else 5
    found = [
        stopped(folder / f"{name} {number}", name, *case)
        for name, case in CASES.items()
        for number in range(rounds)
    ]
    said = [
        f"{own.name}: exit code {own.code}, {own.before} trials recorded and {own.after} at the "
        f"end, {own.seconds:.1f} s"
        for own in found[::rounds]
    ]
    broken = [own for own in found if not own.kept]
    return Found(
        f"{len(found)} runs stopped, {len(found) - len(broken)} as promised; {'; '.join(said)}"
        + (f"; not so: {broken}" if broken else ""),
        not broken,
    )


ROWS = [
    Row(
        "stops",
        "Ctrl-C once, twice; SIGTERM",
        "drains the chunk in flight and writes the tables; a second one stops at once; exit code "
        "130; the same command goes on, and trains nothing twice",
        _measure,
    )
]
