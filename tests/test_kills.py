"""`kill -9` at any moment of a search: nothing that ended is lost, or trained again."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from suite.store import Store

ROOT = Path(__file__).parents[1]
PLUGINS = Path(__file__).parent / "plugins"
KILLS = 50
STUDY = """
kind = "search"
question = "Which tuner finds a wine's grower soonest?"
tuners = ["grid", "random", "bayesian", "hyperband", "tpe"]
trials = 20
batch = 5
epochs = 9
repeats = 2
fresh = 1

[space]
learning_rate = { low = 1e-3, high = 0.1, sampling = "log" }
dropout = { low = 0.0, high = 0.5 }
optimizer = ["sgd", "adam"]
batch_norm = [false, true]
"""
TIMES = ["oracle_seconds", "train_seconds"]


def command(folder: Path, out: Path) -> list[str]:
    """The command line of the search."""
    study = folder / "wines.toml"
    study.write_text(STUDY)
    options = ["--tasks-dir", PLUGINS, "--study", study, "--out", out, "-t", "wine"]
    return [sys.executable, str(ROOT / "run_suite.py"), *map(str, options)]


def started(folder: Path, out: Path) -> subprocess.Popen[bytes]:
    """The search in a process of its own."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command(folder, out), cwd=ROOT, **quiet)


def keys_of(out: Path) -> Counter[str]:
    """How often each trial ended in the record; a torn line is none."""
    lines = [
        line
        for path in (out / "record").glob("*.jsonl")
        for line in path.read_text().splitlines(keepends=True)
        if line.endswith("\n")
    ]
    return Counter(json.loads(line.partition(" ")[2])["key"] for line in lines)


def asks_of(out: Path) -> pd.DataFrame:
    """What was asked and what came of it, seconds aside."""
    return pd.read_csv(out / "asks.csv").drop(columns=TIMES)


def tables_of(out: Path) -> dict[str, pd.DataFrame]:
    """The tables at full precision, seconds aside."""
    tables = {path.name: pd.read_csv(path) for path in (out / "tables").glob("*.csv")}
    return {
        name: table[[c for c in table if c not in ("oracle", "train") and "seconds" not in c]]
        for name, table in tables.items()
    }


@pytest.mark.slow
def test_fifty_kills_lose_nothing_and_repeat_nothing(tmp_path):
    """Every search ends with the asks and the tables of one that was not broken."""
    whole = tmp_path / "whole"
    began = time.monotonic()
    assert started(tmp_path, whole).wait() == 0
    length = time.monotonic() - began
    moments = random.Random(0)
    kills, searches, productive = 0, 0, 0
    while kills < KILLS:
        out = tmp_path / f"broken {searches}"
        searches += 1
        finished = False
        while not finished and kills < KILLS:
            before = keys_of(out)
            child = started(tmp_path, out)
            try:
                assert child.wait(moments.uniform(1.0, 0.9 * length)) == 0
                finished = True
            except subprocess.TimeoutExpired:
                child.send_signal(signal.SIGKILL)
                child.wait()
                kills += 1
            after = keys_of(out)
            assert before.keys() <= after.keys(), "a finished trial was lost"
            productive += len(after) > len(before)
        if not finished:
            assert started(tmp_path, out).wait() == 0
        assert set(keys_of(out).values()) == {1}, "a finished trial was trained again"
        assert not list(Store(out).damage)
        pd.testing.assert_frame_equal(asks_of(out), asks_of(whole), rtol=1e-4)
        for name, table in tables_of(whole).items():
            pd.testing.assert_frame_equal(tables_of(out)[name], table, rtol=1e-3)
    assert productive > searches, "no kill came in the middle: the test shows nothing"
