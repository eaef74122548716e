"""Rows: a worker of a cluster is killed while it trains; a worker has another Keras."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from benchmarks.faultrows.daskcommands import (
    PATIENCE,
    PLUGINS,
    ROOT,
    driver,
    older_package,
    scheduler,
    until,
    wait_for_workers,
    worker,
)
from benchmarks.faultrows.row import Found, Row
from suite.store import Store

STUDY = """
question = "Does it bear losing a machine?"
seeds = {seeds}
epochs = 3
diagnostics = false
[factors]
optimizer = ["sgd", "adam"]
dropout = [0.0, 0.2, 0.4]
units = [8, 16]
[nuisance]
learning_rate = [0.003, 0.01, 0.03]
"""
RECIPES = 2 * 3 * 2 * 3
SEEDS, FEW = 24, 3
WORKERS = 3
CLOSE = 1e-4
"""Relative difference of two curves at most; programs of other shapes round otherwise."""


def command(folder: Path, out: str, seeds: int, *more: str) -> list[str]:
    """The command line of a run of `RECIPES * seeds` trials."""
    study = folder / "study.toml"
    study.write_text(STUDY.format(seeds=seeds))
    options = ["--tasks-dir", PLUGINS, "--study", study, "--out", folder / out, "-t", "wine"]
    return [sys.executable, str(ROOT / "run_suite.py"), *map(str, options), *more]


def keys(out: Path) -> list[str]:
    """The keys of all lines of a record."""
    lines = [p.read_text().splitlines() for p in sorted((out / "record").glob("*.jsonl"))]
    return [json.loads(line.partition(" ")[2])["key"] for own in lines for line in own]


def begun(out: Path) -> bool:
    """Whether a trial is recorded."""
    return any(path.stat().st_size for path in (out / "record").glob("*.jsonl"))


def gap(out: Path, other: Path) -> float:
    """The largest relative difference between the curves of two records."""
    found, expected = Store(out).outcomes(), Store(other).outcomes()
    return max(
        abs(a - b) / max(abs(b), 1e-9)
        for key in expected.keys() & found.keys()
        for name, curve in expected[key].curves.items()
        for a, b in zip(found[key].curves[name], curve, strict=True)
    )


def lost_worker(folder: Path, quick: bool) -> Found:
    """Three workers, one killed once something is recorded; then the same in one process."""
    seeds = FEW if quick else SEEDS
    out, alone = folder / "out", folder / "alone"
    with ExitStack() as stack:
        address = stack.enter_context(scheduler(folder))
        names = [f"worker {number}" for number in range(WORKERS)]
        workers = [stack.enter_context(worker(address, folder, name)) for name in names]
        wait_for_workers(address, WORKERS)
        run = command(folder, "out", seeds, "--cluster", address)
        child = stack.enter_context(driver(run, folder / "said"))
        until(lambda: begun(out))
        before = set(keys(out))
        workers[0].send_signal(signal.SIGKILL)
        code = child.wait(timeout=2 * PATIENCE)
    subprocess.run(command(folder, "alone", seeds), cwd=ROOT, check=True, capture_output=True)
    written, whole = keys(out), set(keys(alone))
    lost, doubled = len(whole - set(written)), len(written) - len(set(written))
    failed = [o for o in Store(out).outcomes().values() if o.status.value != "completed"]
    noticed = "is gone" in (folder / "said").read_text()
    worst = gap(out, alone)
    figures = (
        f"{WORKERS} workers, 1 killed with {len(before)} of {RECIPES * seeds} trials recorded: "
        f"{lost} lost, {doubled} doubled, {len(failed)} failed; largest relative difference to one "
        f"process {worst:.1e}"
    )
    midway = noticed and before <= set(written) and len(before) < len(whole) == RECIPES * seeds
    kept = midway and code == 0 and not (lost or doubled or failed) and worst < CLOSE
    return Found(figures, kept)


def other_worker(folder: Path, quick: bool) -> Found:  # noqa: ARG001  # it is quick
    """Two workers, one of which seems to have another Keras."""
    out = folder / "out"
    with ExitStack() as stack:
        address = stack.enter_context(scheduler(folder))
        stack.enter_context(worker(address, folder, "good"))
        old = older_package(folder / "older", "keras", "3.1.4")
        stack.enter_context(worker(address, folder, "stale", old))
        wait_for_workers(address, 2)
        run = command(folder, "out", 1, "--cluster", address)
        child = stack.enter_context(driver(run, folder / "said"))
        code = child.wait(timeout=2 * PATIENCE)
    said = (folder / "said").read_text()
    refusals = re.findall(r"worker tcp://\S+ is refused: keras 3\.1\.4 instead of \S+", said)
    count = len(set(keys(out)))
    figures = f"{len(refusals)} of 2 workers refused by name; {count} of {RECIPES} trials trained"
    return Found(figures, code == 0 and len(refusals) == 1 and count == RECIPES)


ROWS = [
    Row(
        "lost worker",
        "one of three workers of a cluster is killed while it trains",
        "0 trials lost, 0 doubled, the numbers of one process",
        lost_worker,
    ),
    Row(
        "other worker",
        "a worker has another Keras than the driver",
        "refused by its address and by what differs; the others train",
        other_worker,
    ),
]
