"""A real scheduler and real worker processes: one is killed, one has another Keras; Ctrl-C."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import numpy as np
import psutil
import pytest

from benchmarks.faultrows.cluster import RECIPES, begun, command, keys, lost_worker, other_worker
from benchmarks.faultrows.daskcommands import ROOT, driver, until
from benchmarks.faultrows.made import PLUGINS, SEARCH
from suite.search.log import read_log

SEEDS = 3


@pytest.mark.slow
def test_a_worker_is_killed_in_the_middle(tmp_path):
    """Three worker processes, one of them killed while it trains: no trial is lost, none is
    recorded twice, and every figure is that of one process.
    """
    found = lost_worker(tmp_path, quick=True)
    print(found.figures)
    assert found.kept, (found.figures, (tmp_path / "said").read_text())
    described = json.loads((tmp_path / "out" / "run.json").read_text())["workers"]
    assert len(described) == 3
    assert all(row["threads"] == 1 and not row["refused"] for row in described)


@pytest.mark.slow
def test_another_keras_is_refused_by_name(tmp_path):
    """Its address and both versions are said, and the other worker trains everything."""
    found = other_worker(tmp_path, quick=True)
    assert found.kept, (found.figures, (tmp_path / "said").read_text())
    described = json.loads((tmp_path / "out" / "run.json").read_text())["workers"]
    assert sorted(bool(row["refused"]) for row in described) == [False, True]


@pytest.mark.slow
def test_ctrl_c_leaves_tables_and_no_process(tmp_path):
    """On two processes of its own: exit code 130, the tables of what there is, no worker left.

    The same command without a cluster trains the rest, and nothing twice.
    """
    out = tmp_path / "out"
    with driver(command(tmp_path, "out", SEEDS, "--cluster", "2"), tmp_path / "said") as child:
        until(lambda: begun(out))
        workers = psutil.Process(child.pid).children(recursive=True)
        child.send_signal(signal.SIGINT)
        child.wait(timeout=200)
    assert child.returncode == 130, (tmp_path / "said").read_text()
    assert len(workers) >= 3  # the command, and two workers
    _, alive = psutil.wait_procs(workers, timeout=10)
    assert not alive
    before = keys(out)
    assert 0 < len(before) < RECIPES * SEEDS
    assert (out / "report.html").is_file()
    done = subprocess.run(
        command(tmp_path, "out", SEEDS), cwd=ROOT, check=False, capture_output=True
    )
    assert done.returncode == 0, done.stdout
    after = keys(out)
    assert after[: len(before)] == before
    assert len(after) == len(set(after)) == RECIPES * SEEDS


@pytest.mark.slow
def test_a_search_asks_the_same_and_finds_the_same(tmp_path):
    """Two tuners, one of which promotes trials: on two processes, and on this one."""
    study, logs = tmp_path / "study.toml", []
    study.write_text(SEARCH.replace("trials = 6", "trials = 4"))
    for name, more in (("cluster", ["--cluster", "2"]), ("alone", [])):
        options = ["--tasks-dir", PLUGINS, "-s", study, "-t", "wine", "-o", tmp_path / name, *more]
        run = [sys.executable, ROOT / "run_suite.py", *options]
        done = subprocess.run([*map(str, run)], check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        logs.append(read_log(tmp_path / name)[0])
    one, two = (log.sort_values(["tuner", "repeat", "number"], ignore_index=True) for log in logs)
    assert len(one) == len(two) > 0
    assert one["recipe"].tolist() == two["recipe"].tolist()
    np.testing.assert_allclose(one["score"], two["score"], rtol=1e-4)


@pytest.mark.slow
def test_no_scheduler_is_one_sentence(tmp_path):
    """An address where nobody answers, and one of an unknown kind: one sentence each."""
    for address, code, words in (
        ("tcp://127.0.0.1:9", 1, "Expected a Dask scheduler at tcp://127.0.0.1:9"),
        ("smoke://signals:1", 2, "Expected an address that Dask can connect to"),
    ):
        run = command(tmp_path, "out", SEEDS, "--cluster", address)
        done = subprocess.run(run, cwd=ROOT, check=False, capture_output=True, text=True)
        assert done.returncode == code, done.stderr
        assert words in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1, done.stderr
        assert not (tmp_path / "out").exists()
