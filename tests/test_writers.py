"""Who writes to a folder: one holder, those that join it, and nothing trained twice."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

import pytest
from test_store import HOLDER, ROOT, child, keys, made

from suite.errors import InUseError, StorageError
from suite.files import require_room
from suite.segments import RECORD
from suite.store import Store

CLAIMER = """
import sys
from pathlib import Path
from suite.store import Store
with Store(Path(sys.argv[1]), join=True) as store:
    print(*store.claim(sys.argv[2:]), flush=True)
    sys.stdin.read()
"""


def test_whoever_is_refused_is_told_by_whom(tmp_path):
    """Process, host and since when; exit code 3."""
    holder = child(HOLDER, tmp_path)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(InUseError) as caught:
        Store(tmp_path).__enter__()
    holder.kill()
    holder.communicate()
    assert f"process {holder.pid} on {socket.gethostname()} since 20" in str(caught.value)
    assert "--join" in str(caught.value)
    assert caught.value.exit_code == 3


def test_the_command_line_refuses_at_once(tmp_path):
    """Keras is not imported for that: nothing of it is among the modules."""
    holder = child(HOLDER, tmp_path)
    assert holder.stdout.readline() == "held\n"
    code = (
        "import sys; from suite.cli import main\n"
        "try: main()\n"
        "finally: print([m for m in ('keras', 'jax', 'pandas') if m in sys.modules])"
    )
    words = [sys.executable, "-c", code, "--out", str(tmp_path), "-t", "churn"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    holder.kill()
    holder.communicate()
    assert done.returncode == 3
    assert done.stdout.strip() == "[]"
    assert f"process {holder.pid}" in done.stderr


def test_a_dead_holder_leaves_the_folder_free(tmp_path):
    """Within a second, its note about itself notwithstanding."""
    holder = child(HOLDER, tmp_path)
    assert holder.stdout.readline() == "held\n"
    holder.kill()
    holder.communicate()
    started = time.perf_counter()
    with Store(tmp_path) as store:
        assert time.perf_counter() - started < 1
        assert store.writers.holds
    assert not (tmp_path / ".holder.json").exists()


def test_what_one_has_claimed_nobody_else_gets(tmp_path):
    """Nor what is recorded; the claims of a process that died are void."""
    other = child(CLAIMER, tmp_path, *keys(0, 1))
    assert set(other.stdout.readline().split()) == set(keys(0, 1))
    with Store(tmp_path, join=True) as store:
        assert not store.writers.holds
        assert store.free(keys(0, 1, 2)) == keys(2)
        assert store.claim(keys(1, 2)) == set(keys(2))
        assert store.claim(keys(2)) == set(keys(2)), "what is mine stays mine"
        other.kill()
        other.communicate()
        assert store.free(keys(0, 1, 2)) == keys(0, 1, 2)
        assert store.claim(keys(0)) == set(keys(0))
        assert store.writers.hold(), "the holder is gone"


def test_what_others_record_is_news_once(tmp_path):
    """And counts as trained, when they have left as well."""
    with Store(tmp_path) as store:
        with Store(tmp_path, join=True) as other:
            assert other.claim(keys(0, 1)) == set(keys(0, 1))
            other.append([made(0)])
        assert store.claim(keys(0, 1)) == set(keys(1))
        assert [outcome.trial.key for outcome in store.news()] == keys(0)
        assert store.news() == []


def test_a_folder_that_vanishes_under_a_run_is_noticed(tmp_path):
    """Trials are not acknowledged into a file that nobody will find."""
    out = tmp_path / "out"
    with Store(out) as store:
        store.append([made(0)])
        out.rename(tmp_path / "moved")
        (out / RECORD).mkdir(parents=True)
        with pytest.raises(StorageError, match=r"out"):
            store.append([made(1)])
    assert list(Store(tmp_path / "moved").outcomes())[:1] == keys(0)


def test_a_clock_that_was_set_back_does_not_turn_the_order_round(tmp_path, monkeypatch):
    """What is written later comes later, whatever the clock says."""
    for seed, clock in enumerate((5 * 10**18, 10**18, 10**18)):
        monkeypatch.setattr(time, "time_ns", lambda clock=clock: clock)
        with Store(tmp_path) as store:
            store.append([made(seed)])
    assert list(Store(tmp_path).outcomes()) == keys(0, 1, 2)


def test_a_folder_without_room_is_refused_before_anything_is_trained(tmp_path, monkeypatch):
    """With what is needed and what there is; exit code 5."""
    free = os.statvfs(tmp_path).f_bavail * os.statvfs(tmp_path).f_frsize
    with pytest.raises(StorageError, match=r"Expected .* MB of room .*Received: .* MB") as caught:
        require_room(tmp_path / "not" / "yet", free * 2)
    assert caught.value.exit_code == 5
    monkeypatch.setattr("suite.store.ROOM", free * 2)
    with pytest.raises(StorageError):
        Store(tmp_path).__enter__()
    monkeypatch.undo()
    with Store(tmp_path):
        pass


def test_a_store_may_be_entered_again_by_its_own_process(tmp_path):
    """The folder is free when the outermost has left."""
    with Store(tmp_path) as store:
        with store:
            pass
        with pytest.raises(InUseError):
            Store(tmp_path).__enter__()
    with Store(tmp_path):
        pass
