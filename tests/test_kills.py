"""`kill -9`, fifty times, at random moments of live searches by all five tuners."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from test_live import assert_same, command_line, keys, log

from suite.store import Store

ROOT = Path(__file__).parents[1]
KILLS = 50
STARTING = 3.0
"""Seconds that a process needs at least before it does anything at all."""
STUDY = """
kind = "search"
question = "Does it bear being killed?"
tuners = ["grid", "random", "bayesian", "hyperband", "tpe"]
yardstick = 0
trials = 7
batch = 2
epochs = 9
repeats = 2
fresh = 1
own = false
[space]
learning_rate = { low = 1e-3, high = 1.0, sampling = "log" }
dropout = { low = 0.0, high = 0.6 }
"""


def started(folder):
    """A process that carries out the study in `folder`, or goes on with it."""
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    return subprocess.Popen(command_line(folder, STUDY), cwd=ROOT, text=True, **silent)


def killed(folder, delay):
    """Whether a process was killed after `delay` seconds; False where it had ended by then."""
    child = started(folder)
    try:
        _, error = child.communicate(timeout=delay)
    except subprocess.TimeoutExpired:
        child.send_signal(signal.SIGKILL)
        child.communicate()
        return True
    assert child.returncode == 0, error
    return False


@pytest.mark.slow
def test_fifty_kills_lose_nothing_and_train_nothing_twice(tmp_path):
    """Every finished trial stays, no trial is trained twice, and every end is that of a run
    without a kill: the same asks, choices and tables, to the last digit.

    A study that ends although it was killed is compared, and the next one begins.
    """
    begun = time.perf_counter()
    assert not killed(tmp_path / "unbroken", None)
    length = time.perf_counter() - begun
    expected, trained = log(tmp_path / "unbroken"), set(keys(tmp_path / "unbroken"))
    delays, kills, between, folders = random.Random(1), 0, 0, 0
    while kills < KILLS:
        folder, finished = tmp_path / f"study {folders}", {}
        folders += 1
        while True:
            more = kills < KILLS
            dead = killed(folder, delays.uniform(STARTING, length) if more else None)
            record = Store(folder / "out").outcomes()
            assert record.items() >= finished.items(), "a finished trial was lost"
            between += dead and 0 < len(record) < len(trained)
            finished, kills = record, kills + dead
            if not dead:
                break
        assert len(finished) == len(keys(folder)), "a trial was trained twice"
        assert set(finished) == trained
        assert_same(log(folder), expected)
    print(f"{kills} kills of {folders} studies of {len(trained)} trials, {between} of them midway")
    assert between >= KILLS // 10, "the kills came too early or too late to prove anything"
