"""How long tables, figures and the report take: 20,000 recorded trials, from import to files.

    python benchmarks/report.py              two matrices, a minute on two cores
    python benchmarks/report.py --check      exit code 1 where a promise is not kept
    python benchmarks/report.py --profile    where the time goes, by function

Every measurement runs in a fresh process, as the command `report` does. Leave the machine alone
meanwhile; what others took of it is reported.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # to be run as a file, too

from benchmarks.closing import AsData, Check, close
from benchmarks.measure import busy
from benchmarks.synthetic import NARROW, WIDE, study_of, write

ROOT = Path(__file__).resolve().parents[1]
TASKS = ("alpha", "beta", "gamma", "delta")
SHAPES = {"288 recipes": (NARROW, 18), "1,120 recipes": (WIDE, 5)}
"""Factors and seeds: both are 20,000 trials and more over the four tasks."""
SECONDS = 20.0
MEGABYTES = 8.0
HEAVY = ("keras", "keras_tuner", "jax", "tensorflow")
CHILD = f"""
import json, resource, sys, time
from pathlib import Path
from suite.publication import publish
from suite.reading import read
imported = time.perf_counter()
reading = read(Path(sys.argv[1]))
was_read = time.perf_counter()
publish(reading, Path(sys.argv[1]))
done = time.perf_counter()
print(json.dumps({{
    "trials": len(reading.outcomes),
    "reading": was_read - imported,
    "publishing": done - was_read,
    "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10,
    "heavy": [name for name in {HEAVY!r} if name in sys.modules],
}}))
"""


def measured(folder: Path, profile: bool) -> dict[str, Any]:
    """Read and publish a folder in a process of its own; seconds of the whole and of its parts."""
    how = ["-m", "cProfile", "-s", "cumulative"] if profile else []
    script = folder / "child.py"
    script.write_text(CHILD, encoding="utf-8")
    before, started = busy(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, *how, str(script), str(folder)],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    seconds = time.perf_counter() - started
    total, ours, all_of_us = (b - a for a, b in zip(before, busy(), strict=True))
    if done.returncode:
        sys.exit(done.stderr[-3000:])
    if profile:
        print("\n".join(line for line in done.stdout.splitlines()[:90]))
    found: dict[str, Any] = json.loads(next(x for x in done.stdout.splitlines() if x[:1] == "{"))
    size = (folder / "report.html").stat().st_size / 1e6
    disturbance = round(max(0.0, (all_of_us - ours) / total), 3)
    return found | {"seconds": seconds, "megabytes": size, "disturbance": disturbance}


def shortfalls(runs: dict[str, dict[str, Any]]) -> list[str]:
    """What of the promises these runs do not show, a line each."""
    missed = []
    for name, run in runs.items():
        if run["seconds"] > SECONDS:
            missed.append(f"{name}: Expected {SECONDS:g} s. Received: {run['seconds']:.1f} s.")
        if run["megabytes"] > MEGABYTES:
            size = f"{run['megabytes']:.1f} MB"
            missed.append(f"{name}: Expected {MEGABYTES:g} MB at most. Received: {size}.")
        if run["heavy"]:
            missed.append(f"{name}: Expected no import of {', '.join(run['heavy'])}.")
    return missed


def table_of(runs: dict[str, dict[str, Any]]) -> Table:
    """All runs."""
    title = "20,000 trials of four tasks: tables, figures, report"
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("matrix of a task", no_wrap=True)
    for name in ("trials", "sec", "reading", "publishing", "MB", "memory", "others"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, run in runs.items():
        parts = [f"{run[part]:.1f}" for part in ("seconds", "reading", "publishing", "megabytes")]
        others = f"{run['disturbance']:.0%}"
        table.add_row(name, f"{run['trials']:,}", *parts, f"{run['memory']:.0f} MB", others)
    return table


def report(
    as_data: AsData = False,
    check: Check = False,
    profile: Annotated[bool, typer.Option(help="Say where the time goes.")] = False,
) -> None:
    """Measure how long it takes to publish 20,000 recorded trials."""
    runs: dict[str, dict[str, Any]] = {}
    for name, (factors, seeds) in SHAPES.items():
        with TemporaryDirectory(prefix="report-") as place:
            folder = write(Path(place), study_of(factors, seeds), TASKS)
            runs[name] = measured(folder, profile)
    missed = shortfalls(runs)
    close({"runs": runs}, missed, as_data=as_data, check=check, table=table_of(runs))


if __name__ == "__main__":
    typer.run(report)
