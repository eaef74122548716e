"""A real scheduler and real worker processes: one is killed in the middle, one is another's age."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pandas as pd
import pytest
from clusters import PLUGINS, ROOT, older_package, scheduler, until, wait_for_workers, worker

from suite.store import Store

STUDY = """
question = "Does it bear losing a machine?"
seeds = 4
epochs = 3
diagnostics = false
[factors]
optimizer = ["sgd", "adam"]
dropout = [0.0, 0.2, 0.4]
units = [8, 16]
[nuisance]
learning_rate = [0.003, 0.01, 0.03]
"""
TRIALS = 4 * 2 * 3 * 2 * 3


def command(folder: Path, out: str, *more: str) -> list[str]:
    """The command line of a run."""
    study = folder / "study.toml"
    study.write_text(STUDY)
    options = ["--tasks-dir", PLUGINS, "--study", study, "--out", folder / out, "-t", "wine"]
    return [sys.executable, str(ROOT / "run_suite.py"), *map(str, options), *more]


def recorded(folder: Path) -> list[str]:
    """The keys of all lines of a record, in their order."""
    lines = [p.read_text().splitlines() for p in sorted((folder / "record").glob("*.jsonl"))]
    return [json.loads(line.partition(" ")[2])["key"] for own in lines for line in own]


def worst(folder: Path, other: Path) -> float:
    """The largest relative difference between the curves of two records."""
    found, expected = Store(folder).outcomes(), Store(other).outcomes()
    assert found.keys() == expected.keys()
    return max(
        abs(a - b) / max(abs(b), 1e-9)
        for key in expected
        for name, curve in expected[key].curves.items()
        for a, b in zip(found[key].curves[name], curve, strict=True)
    )


@pytest.mark.slow
def test_a_worker_is_killed_in_the_middle(tmp_path):
    """Three worker processes, one of them killed while it trains: no trial is lost, none is
    recorded twice, and every figure is that of one process.
    """
    with ExitStack() as open_:
        address = open_.enter_context(scheduler(tmp_path))
        workers = []
        for name in ("one", "two", "three"):
            (tmp_path / name).mkdir()
            workers.append(open_.enter_context(worker(address, tmp_path / name, name=name)))
        wait_for_workers(address, 3)
        run = command(tmp_path, "out", "--cluster", address)
        driver = subprocess.Popen(run, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        open_.callback(driver.kill)
        until(lambda: list((tmp_path / "out" / "record").glob("*.jsonl")))
        before = len(recorded(tmp_path / "out"))
        workers[0].send_signal(signal.SIGKILL)
        said, _ = driver.communicate(timeout=400)
    assert driver.returncode == 0, said
    keys = recorded(tmp_path / "out")
    assert 0 < before < TRIALS
    assert len(keys) == len(set(keys)) == TRIALS
    assert re.search(r"worker tcp://\S+ is gone", said)
    frame = pd.read_csv(tmp_path / "out" / "trials.csv")
    assert (frame["status"] == "completed").all()
    described = json.loads((tmp_path / "out" / "run.json").read_text())["workers"]
    assert len(described) == 3
    assert all(row["threads"] == 1 for row in described)
    alone = subprocess.run(command(tmp_path, "alone"), cwd=ROOT, check=False, capture_output=True)
    assert alone.returncode == 0
    gap = worst(tmp_path / "out", tmp_path / "alone")
    print(f"{before} of {TRIALS} were recorded at the kill; largest relative difference {gap:.1e}")
    assert gap < 1e-4


@pytest.mark.slow
def test_an_older_keras_is_refused_and_ctrl_c_leaves_nothing_running(tmp_path):
    """A worker with another Keras is named with both versions, and the other one does the work.

    Then Ctrl-C: exit code 130, tables of what there is; the same command, on processes of its own,
    trains the rest.
    """
    with ExitStack() as open_:
        address = open_.enter_context(scheduler(tmp_path))
        old = open_.enter_context(older_package(tmp_path / "old", "keras", "3.1.4"))
        open_.enter_context(worker(address, tmp_path, name="good"))
        open_.enter_context(worker(address, tmp_path, name="stale", path=old))
        wait_for_workers(address, 2)
        run = command(tmp_path, "out", "--cluster", address)
        driver = subprocess.Popen(run, cwd=ROOT, stdout=subprocess.PIPE, text=True)
        open_.callback(driver.kill)
        until(lambda: list((tmp_path / "out" / "record").glob("*.jsonl")))
        driver.send_signal(signal.SIGINT)
        said, _ = driver.communicate(timeout=100)
    assert driver.returncode == 130, said
    assert re.search(r"worker tcp://\S+ is refused: keras 3\.1\.4 instead of 3\.\d+\.\d+", said)
    before = recorded(tmp_path / "out")
    assert 0 < len(before) < TRIALS
    assert (tmp_path / "out" / "report.html").is_file()
    local = command(tmp_path, "out", "--cluster", "2")
    done = subprocess.run(local, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    after = recorded(tmp_path / "out")
    assert after[: len(before)] == before
    assert len(after) == len(set(after)) == TRIALS


def test_no_scheduler_is_one_sentence(tmp_path):
    """An address where nobody answers, and one of an unknown kind: one sentence each."""
    for address, code, words in (
        ("tcp://127.0.0.1:9", 1, "Expected a Dask scheduler at tcp://127.0.0.1:9"),
        ("smoke://signals:1", 2, "Expected an address that Dask can connect to"),
    ):
        run = command(tmp_path, "out", "--cluster", address)
        done = subprocess.run(run, cwd=ROOT, check=False, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        assert words in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        assert not (tmp_path / "out").exists()
