"""Each task in a process of its own: what breaks there costs that task alone."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import time

import pytest

from benchmarks.faultrows import hostile, plugins
from suite.errors import PluginError
from suite.supervision import trace
from suite.supervision.limits import GIB, Limits, Meter, limits_of, memory_there
from suite.supervision.wire import LENGTH, MOST_BYTES, Wire


def test_broken_plugins_stop_no_other_and_leave_nothing_behind(tmp_path):
    """One run: the sound tasks finish, each fault is told with file and line, exit code 1."""
    found = plugins.ROWS[0].measure(tmp_path / "é and spaces", True)
    assert found.kept, found.figures


@pytest.mark.slow
def test_every_broken_plugin(tmp_path):
    """All of them, in one run."""
    found = plugins.ROWS[0].measure(tmp_path, False)
    assert found.kept, found.figures


# Limits.


def test_the_default_memory_is_three_quarters_of_the_machines():
    """Given in GiB on the command line."""
    assert limits_of(60, None) == Limits(60.0, int(0.75 * memory_there()))
    assert limits_of(60, 1.5) == Limits(60.0, 3 * GIB // 2)


def test_silence_counts_while_this_process_runs(monkeypatch):
    """An hour in which the supervisor itself stood still is one second."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    meter = Meter(os.getpid(), Limits(10.0, 1 << 50))
    now[0] = 3600.0
    assert meter.breach() == ""
    for _ in range(10):
        now[0] += 1.0
        said = meter.breach()
    assert "every 10 s (--deadline). Received: none for 11 s" in said
    meter.alive()
    assert meter.breach() == ""


def test_memory_is_that_of_a_process_and_its_children():
    """A process that has ended holds none."""
    code = "import os, time; os.fork(); x = b'x' * (1 << 26); print(flush=True); time.sleep(60)"
    command = [sys.executable, "-c", code]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
    assert child.stdout is not None
    child.stdout.read(2)
    assert Meter(child.pid, Limits(60.0, 1 << 27)).breach().startswith("Expected at most 0.125 GiB")
    os.killpg(child.pid, 9)
    child.communicate()
    assert Meter(child.pid, Limits(60.0, 1)).breach() == ""


# Messages.


@pytest.fixture
def wires():
    """Both ends of a wire."""
    ends = [Wire(end) for end in socket.socketpair()]
    yield ends
    for end in ends:
        end.close()


def test_a_message_arrives_as_it_was_sent(wires):
    """Whatever JSON can hold."""
    content = {"a": [1, 2.5, None, "é\n"], "b": {"c": True}}
    wires[0].send(content)
    assert wires[1].receive() == content


def test_what_is_no_message_ends_the_connection(wires):
    """Too long, no JSON, no object, cut off: an EOFError that says which, and nothing is run."""
    for data, clue in [
        (LENGTH.pack(MOST_BYTES + 1), "a message of 67,108,865 bytes"),
        (LENGTH.pack(3) + b"abc", "no JSON"),
        (LENGTH.pack(2) + b"[]", "no object"),
        (LENGTH.pack(100_000) + b"[" * 100_000, "no JSON"),
    ]:
        wires[0].end.sendall(data)
        with pytest.raises(EOFError, match=clue):
            wires[1].receive()
    wires[0].end.sendall(struct.pack("!Q", 10) + b"short")
    wires[0].close()
    with pytest.raises(EOFError, match="ended"):
        wires[1].receive()


def test_what_json_cannot_hold_is_the_plugins_fault(wires, monkeypatch):
    """Neither an object nor what is longer than a message may be is sent."""
    with pytest.raises(PluginError, match="JSON can hold"):
        wires[0].send({"a": object()})
    monkeypatch.setattr("suite.supervision.wire.MOST_BYTES", 10)
    with pytest.raises(PluginError, match="at most 10 bytes"):
        wires[0].send({"a": "0123456789"})
    assert not wires[1].waiting(0)


# Places.


def test_the_place_is_the_innermost_line_in_the_file(tmp_path):
    """Of the last stack that was written; the file alone where it is in none."""
    plugin, written = tmp_path / "é.py", tmp_path / "trace"
    name = str(plugin).encode("ascii", "backslashreplace").decode()
    stack = "Current thread 0x01 (most recent call first):\n"
    frames = [f'  File "{name}", line {n} in f\n' for n in (7, 3)]
    written.write_text(f'{stack}{frames[1]}\n{stack}  File "/x.py", line 1 in g\n{"".join(frames)}')
    assert trace.place(written, plugin) == f"{plugin}:7"
    assert trace.place(written, tmp_path / "other.py") == str(tmp_path / "other.py")
    assert trace.place(tmp_path / "none", plugin) == str(plugin)


@pytest.mark.parametrize("name", sorted(hostile.FAULTS))
def test_the_line_of_a_fault_is_known(tmp_path, name):
    """The table's own arithmetic: every faulty file is Python, and its marked line is found."""
    hostile.write(tmp_path, [name])
    path = tmp_path / f"{name}.py"
    compile(path.read_text(), str(path), "exec")
    assert hostile.FAULTS[name].code in path.read_text().splitlines()[hostile.line_of(path) - 1]
