"""Outcomes that nothing was trained for, processes that write them, and runs of the real thing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from suite.line import decode
from suite.segments import RECORD
from suite.store import Store
from suite.trial import Outcome, Status, Trial

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "tests" / "plugins"
MATRIX = """
question = "Does dropout help wine?"
seeds = 2
epochs = 4
[factors]
dropout = [0.0, 0.5]
optimizer = ["sgd", "adam"]
units = [8, 16]
[nuisance]
learning_rate = [0.003, 0.03]
"""
TINY = """
kind = "search"
question = "How good is wine?"
tuners = ["random"]
yardstick = 0
trials = 2
batch = 2
epochs = 1
repeats = 1
fresh = 1
own = false
[space]
learning_rate = { low = 1e-3, high = 1.0, sampling = "log" }
"""
SEARCH = (
    TINY.replace('["random"]', '["random", "bayesian", "hyperband"]')
    .replace("trials = 2", "trials = 6")
    .replace("epochs = 1", "epochs = 9")
    .replace("repeats = 1", "repeats = 2")
    + "dropout = { low = 0.0, high = 0.6 }\n"
)
WRITER = """
import sys
from pathlib import Path
from benchmarks.faultrows.made import made
from suite.store import Store
folder, first, count = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
with Store(folder, join=True) as store:
    for seed in range(first, first + count):
        store.append([made(seed)])
        print(made(seed).trial.key, flush=True)
"""
"""A process that joins a folder, appends outcomes one by one and says so after each."""
HOLDER = """
import sys
from pathlib import Path
from suite.store import Store
with Store(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def made(seed: int) -> Outcome:
    """An outcome of some 2,000 bytes whose trial differs with `seed`."""
    trial = Trial("wine", "embedded", {"dropout": 0.3, "optimizer": "adam"}, seed, 40)
    curves = {name: [1.0 / (seed + n + 1) for n in range(40)] for name in ("loss", "val_loss")}
    return Outcome(trial, Status.COMPLETED, "fleet", 1.5, 2, {"val.accuracy": 0.75}, curves)


def recorded(folder: Path, seeds: Iterable[int]) -> Path:
    """Append an outcome a seed; return the one segment that holds them."""
    with Store(folder) as store:
        store.append([made(seed) for seed in seeds])
    (segment,) = (folder / RECORD).glob("*.jsonl")
    return segment


def lines(folder: Path) -> list[bytes]:
    """Every line of the record."""
    segments = sorted((folder / RECORD).glob("*.jsonl"))
    return [line for segment in segments for line in segment.read_bytes().splitlines()]


def keys(folder: Path) -> list[str]:
    """The key of every line of the record, in which nothing may be damaged."""
    return [decode(line).trial.key for line in lines(folder)]


def child(script: str, *arguments: object) -> subprocess.Popen[str]:
    """A Python process that finds the suite and the benchmarks."""
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def command(folder: Path, study: str, *more: object, out: Path | None = None) -> list[str]:
    """The words of a run of wine in `folder`, with its study written there."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "wine.toml"
    path.write_text(study, encoding="utf-8")
    place = out or folder / "out"
    options = ["--tasks-dir", PLUGINS, "--study", path, "--out", place, "-t", "wine", *more]
    return [sys.executable, str(ROOT / "run_suite.py"), *map(str, options)]


def environment(cache: Path) -> dict[str, str]:
    """The environment of runs that find the programs of the runs before compiled in `cache`."""
    persistent = {
        "JAX_COMPILATION_CACHE_DIR": str(cache),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    return {**os.environ, **persistent}


def run(words: list[str], cache: Path) -> subprocess.CompletedProcess[str]:
    """Run to the end."""
    return subprocess.run(
        words, cwd=ROOT, capture_output=True, text=True, check=False, env=environment(cache)
    )


def description(folder: Path) -> dict[str, object]:
    """A folder's `run.json`."""
    content: dict[str, object] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    return content
