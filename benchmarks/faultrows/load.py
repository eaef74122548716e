"""Row about a very large record: it is opened, reported and gone on with, in little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.faultrows.made import ROOT, command, description, environment, lines
from benchmarks.faultrows.row import Found, Row
from benchmarks.synthetic import NARROW, study_of, write
from suite.files import write_whole
from suite.segments import RECORD
from suite.study import Study

TRIALS, FEW = 100_000, 2_000
SECONDS, MEGABYTES = 60.0, 1024.0
EPOCHS = 20
LEFT = 2
"""Trials that a resumed run has still to train."""
READ = """
import sys
from pathlib import Path
from suite.publication import publish
from suite.reading import read
reading = read(Path(sys.argv[1]))
{body}
"""
WAITER = """
import resource, subprocess, sys, time
started = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
took = time.perf_counter() - started
print(took, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""A small process in between: the memory of whoever forks counts as the new process's own."""
BODIES = {
    "opens": "assert len(reading.frame)",
    "reports": "publish(reading, Path(sys.argv[1]))",
}
FILE = """name = "synthetic"
question = {question}
seeds = {seeds}
epochs = {epochs}
winners = false
[factors]
{factors}
[nuisance.learning_rate]
by = "optimizer"
[nuisance.learning_rate.levels]
{rates}
"""


def load(folder: Path, quick: bool) -> Found:
    """A very large record: opened, reported, gone on with, each in a process of its own."""
    cells = 288
    seeds = -(-(FEW if quick else TRIALS) // (4 * cells))
    place = write(folder / "large", study_of(NARROW, seeds), ["alpha", "beta", "gamma", "delta"])
    figures = {
        name: measured([sys.executable, "-c", READ.format(body=body), str(place)], folder)
        for name, body in BODIES.items()
    }
    description(place)
    figures["resumes"] = measured(begun(folder, 4 * seeds), folder)
    resumed = len(lines(folder / "out"))
    told = [f"{name} in {took:.0f} s and {size:.0f} MB" for name, (took, size) in figures.items()]
    kept = resumed == 4 * seeds * cells
    kept &= all(took <= SECONDS and size <= MEGABYTES for took, size in figures.values())
    return Found(f"{4 * seeds * cells:,} trials: {', '.join(told)}", kept)


def begun(folder: Path, seeds: int) -> list[str]:
    """A run of wine of which all but `LEFT` trials are recorded; the words that go on with it."""
    study = study_of(NARROW, seeds)
    words = command(folder, text_of(study))
    place = write(folder / "out", study.model_copy(update={"epochs": EPOCHS}), ["wine"], EPOCHS)
    (segment,) = (place / RECORD).glob("*.jsonl")
    with segment.open("r+b") as file:
        whole = file.readlines()
        file.truncate(file.tell() - sum(map(len, whole[-LEFT:])))
    run = description(place)
    run["tasks"] = {}  # as of a run that was stopped before it had described one
    write_whole(place / "run.json", json.dumps(run))
    return words


def text_of(study: Study) -> str:
    """A matrix as a study file; lists of JSON are lists of TOML."""
    rates = study.nuisance["learning_rate"]
    return FILE.format(
        question=json.dumps(study.question),
        seeds=study.seeds,
        epochs=EPOCHS,
        factors=_entries(study.factors),
        rates=_entries(rates.levels if hasattr(rates, "levels") else {}),
    )


def _entries(lists: object) -> str:
    return "\n".join(f"{name} = {json.dumps(own)}" for name, own in dict(lists).items())


def measured(words: list[str], folder: Path) -> tuple[float, float]:
    """Seconds and MB of a process, the largest of it and of those that it waited for."""
    cache = environment(folder / "cache") | {"PYTHONPATH": str(ROOT)}
    asked = [sys.executable, "-c", WAITER, *words]
    done = subprocess.run(
        asked, env=cache, cwd=ROOT, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    took, memory = map(float, done.stdout.split()[-2:])
    return took, memory / 2**10


ROWS = [
    Row(
        "load",
        f"a record of {TRIALS:,} trials",
        "opens, reports and resumes within 60 s and 1 GB each",
        load,
    ),
]
