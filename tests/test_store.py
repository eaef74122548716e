"""The record: what was acknowledged is there, what is damaged is named, and nobody shares it."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from suite.errors import PluginError, RecordError, StorageError
from suite.files import write_whole
from suite.line import decode, encode
from suite.segments import RECORD
from suite.store import Store
from suite.trial import Outcome, Status, Trial

ROOT = Path(__file__).parents[1]
KILLS = 10
WRITER = """
import itertools, sys
from pathlib import Path
from suite.store import Store
from test_store import made
with Store(Path(sys.argv[1])) as store:
    for seed in itertools.count(int(sys.argv[2])):
        outcome = made(seed, curves={"loss": [seed / 7.0] * 300})
        store.append([outcome])
        print(outcome.trial.key, flush=True)
"""
HOLDER = """
import sys
from pathlib import Path
from suite.store import Store
with Store(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""

finite = st.floats(allow_nan=False, allow_infinity=False)
levels = st.text().filter(str.isprintable) | st.integers(-(2**63), 2**63) | finite | st.booleans()


def made(seed: int = 0, **changes: object) -> Outcome:
    """An outcome whose trial differs with `seed`."""
    trial = Trial("churn", "embedded", {"dropout": 0.3, "batch_norm": True}, seed, 4)
    fields = {"epoch": 2, "metrics": {"val.auc": 0.75}, "curves": {"loss": [0.5, 0.25]}}
    return Outcome(trial, Status.COMPLETED, "fleet", 1.5, **{**fields, **changes})


def recorded(folder: Path, *seeds: int) -> Path:
    """Append an outcome a seed; return the one segment that holds them."""
    with Store(folder) as store:
        store.append([made(seed) for seed in seeds])
    (segment,) = (folder / RECORD).iterdir()
    return segment


def keys(*seeds: int) -> list[str]:
    """The keys of `made(seed)`."""
    return [made(seed).trial.key for seed in seeds]


def child(script: str, *arguments: object) -> subprocess.Popen[str]:
    """A Python process that finds the suite and this file."""
    paths = {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    return subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **paths},
    )


@pytest.fixture
def read_only(tmp_path):
    """A folder that may only be read; root, who may write everywhere, gives that up meanwhile."""
    tmp_path.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    yield tmp_path
    if root:
        os.seteuid(0)
    tmp_path.chmod(0o755)


@given(
    hp=st.dictionaries(st.text().filter(str.isprintable), levels),
    metrics=st.dictionaries(st.text().filter(str.isprintable), finite),
    curve=st.lists(finite),
    message=st.text(),
    status=st.sampled_from(Status),
    epoch=st.none() | st.integers(0),
)
@settings(deadline=None, database=None)
def test_what_is_written_is_what_is_read(hp, metrics, curve, message, status, epoch):
    """Any levels, figures and text survive the record, types included; a line is one line."""
    trial = Trial("a", "embedded", hp, 3, 4)
    curves = {"loss": curve}
    outcome = Outcome(trial, status, "fit", 0.1, epoch, metrics, curves, message)
    line = encode(outcome)
    assert line.isascii()
    assert line.splitlines() == [line]
    back = decode(line)
    assert back == outcome
    assert back.trial.key == trial.key
    assert {n: type(v) for n, v in back.trial.hp.items()} == {n: type(v) for n, v in hp.items()}


@pytest.mark.parametrize("where", ["hp", "metrics"])
def test_what_could_not_be_read_again_is_not_written(where):
    """A name that would move a terminal's cursor; the task is told, and nothing acknowledged."""
    names = {where: {"a\x1b[2J": 0.5}}
    trial = Trial("a", "embedded", names.get("hp", {}), 3, 4)
    outcome = Outcome(trial, Status.COMPLETED, "fit", 0.1, 2, names.get("metrics", {}))
    with pytest.raises(PluginError, match="that a record can hold"):
        encode(outcome)


def test_a_second_look_finds_what_the_first_wrote(tmp_path):
    """Outcomes come back by key, in the order of writing, from every segment of the folder."""
    for seed in range(3):
        with Store(tmp_path) as store:
            store.append([made(seed), made(seed + 10)])
    found = Store(tmp_path).outcomes()
    assert list(found) == keys(0, 10, 1, 11, 2, 12)
    assert found[keys(11)[0]] == made(11)
    assert len(list((tmp_path / RECORD).iterdir())) == 3


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    """Reading makes no folder and raises nothing."""
    assert Store(tmp_path / "none").outcomes() == {}
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("where", ["metrics", "curves", "hp", "seconds"])
def test_what_json_cannot_hold_is_refused_before_anything_is_written(tmp_path, where, value):
    """NaN and infinity are no JSON: they raise, and leave the record as it was."""
    change = {"metrics": {"metrics": {"a": value}}, "curves": {"curves": {"loss": [1.0, value]}}}
    bad = made(0, **change.get(where, {}))
    if where == "hp":
        bad = Outcome(Trial("a", "b", {"x": value}, 0, 1), Status.COMPLETED, "fit", 1.0)
    if where == "seconds":
        bad = Outcome(bad.trial, Status.COMPLETED, "fit", value)
    with Store(tmp_path) as store:
        with pytest.raises(ValueError, match="JSON compliant"):
            store.append([made(1), bad])
        store.append([made(2)])
    reader = Store(tmp_path)
    assert list(reader.outcomes()) == keys(2)
    assert reader.damage == []


def test_a_line_torn_anywhere_is_dropped_and_named(tmp_path):
    """Cut at every byte of its last line, a segment keeps the lines before and names the torn."""
    segment = recorded(tmp_path, 0, 1, 2)
    whole = segment.read_bytes()
    start = whole.rindex(b"\n", 0, -1) + 1
    store = Store(tmp_path)
    for end in range(start + 1, len(whole) - 1):
        segment.write_bytes(whole[:end])
        assert list(store.outcomes()) == keys(0, 1)
        assert [(d.segment, d.line) for d in store.damage] == [(segment, 3)]
        assert store.damage[0].reason
    segment.write_bytes(whole[:start])
    assert list(store.outcomes()) == keys(0, 1)
    assert store.damage == []


def test_a_whole_line_counts_without_its_end(tmp_path):
    """A kill between a line's last byte and its newline loses nothing."""
    segment = recorded(tmp_path, 0, 1)
    segment.write_bytes(segment.read_bytes()[:-1])
    store = Store(tmp_path)
    assert list(store.outcomes()) == keys(0, 1)
    assert store.damage == []


def test_a_flipped_bit_costs_its_own_line_only(tmp_path):
    """Each byte of a line in turn, one bit flipped: that line is dropped and named, no other."""
    segment = recorded(tmp_path, 0, 1, 2)
    whole = segment.read_bytes()
    first, last = whole.index(b"\n") + 1, whole.rindex(b"\n", 0, -1)
    store = Store(tmp_path)
    for place in range(first, last):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 8
        segment.write_bytes(flipped)
        assert list(store.outcomes()) == keys(0, 2), f"byte {place}"
        assert store.damage[0].line == 2


@pytest.mark.parametrize("line", ["", "nonsense", "00000000 {}", "e5bb1ae1 []", "\x00" * 50])
def test_a_line_of_anything_else_is_damage(tmp_path, line):
    """Whatever stands in a segment, the lines around it are read."""
    segment = recorded(tmp_path, 0)
    segment.write_text(segment.read_text() + line + "\n" + encode(made(1)) + "\n")
    store = Store(tmp_path)
    assert list(store.outcomes()) == keys(0, 1)
    assert [damage.line for damage in store.damage] == [2]


def test_a_trial_written_twice_counts_once(tmp_path):
    """The first outcome of a key stands; a failed one gives way to what a later try gave."""
    for seconds in ((1.0, 2.0), (3.0,)):
        with Store(tmp_path) as store:
            store.append([Outcome(made().trial, Status.DIVERGED, "fit", s) for s in seconds])
    (found,) = Store(tmp_path).outcomes().values()
    assert found.seconds == 1.0
    with Store(tmp_path / "again") as store:
        for status in (Status.FAILED, Status.COMPLETED, Status.DIVERGED):
            store.append([Outcome(made().trial, status, "fit", 1.0)])
    (found,) = Store(tmp_path / "again").outcomes().values()
    assert found.status is Status.COMPLETED


def test_a_second_writer_is_refused(tmp_path):
    """In this process or in another, one writer a folder; once it is gone the folder is free."""
    holder = child(HOLDER, tmp_path)
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(RecordError, match=r"no other run is writing to\. Received: .*--out"):
        Store(tmp_path).__enter__()
    holder.kill()
    holder.communicate()
    with Store(tmp_path), pytest.raises(RecordError, match="no other run"):
        Store(tmp_path).__enter__()
    with Store(tmp_path) as store:
        store.append([made()])


def test_reading_needs_no_lock(tmp_path):
    """A run in progress can be looked at."""
    with Store(tmp_path) as store:
        store.append([made()])
        assert list(Store(tmp_path).outcomes()) == keys(0)


def assert_refused(folder: Path) -> None:
    with pytest.raises(RecordError) as caught:
        Store(folder).__enter__()
    assert "Expected a folder that can be written to. Received: " in str(caught.value)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize("name", ["", "below", "a/b"])
def test_a_read_only_folder_is_refused(read_only, name):
    """A read-only folder, or a folder in one, is a RecordError that names it."""
    assert_refused(read_only / name)


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_a_file_is_no_folder(tmp_path, name):
    """`--out` on a file is a RecordError that names it."""
    (tmp_path / "file").write_text("")
    assert_refused(tmp_path / name)


def test_a_segment_that_cannot_be_read_is_a_record_error(tmp_path):
    """Trials that may be there are not quietly trained again."""
    (tmp_path / RECORD / "0.jsonl").mkdir(parents=True)
    with pytest.raises(RecordError, match=r"0\.jsonl"):
        Store(tmp_path).outcomes()


def test_a_full_disk_is_a_record_error_and_costs_no_later_line(tmp_path, monkeypatch):
    """A write that fails half-way raises; what is appended after it is not glued to the rest."""
    real = os.write

    def half(descriptor, data):
        if len(data) < 100:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data[: len(data) - 50])

    with Store(tmp_path) as store:
        monkeypatch.setattr(os, "write", half)
        with pytest.raises((RecordError, OSError)) as caught:
            store.append([made(0)])
        monkeypatch.undo()
        store.append([made(1)])
    assert list(Store(tmp_path).outcomes()) == keys(1)
    assert isinstance(caught.value, RecordError)
    assert "No space left on device" in str(caught.value)


def test_acknowledged_means_synced(tmp_path, monkeypatch):
    """When `append` returns, the segment is synced, and so is the folder that names it."""
    synced = []
    real = os.fsync

    def spy(descriptor):
        synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", spy)
    with Store(tmp_path) as store:
        store.append([made(0)])
        assert False in synced, "the segment"
        assert True in synced, "its folder"
        synced.clear()
        store.append([made(1)])
        assert False in synced


def test_a_kill_loses_nothing_acknowledged(tmp_path):
    """SIGKILL at ten places of an append: every key that was printed after it is in the record."""
    acknowledged = []
    for round_ in range(KILLS):
        writer = child(WRITER, tmp_path, round_ * 10_000)
        for _ in range(1 + 3 * round_):
            acknowledged.append(writer.stdout.readline().strip())
        writer.kill()
        acknowledged += writer.communicate()[0].split()
        found = Store(tmp_path).outcomes()
        assert set(acknowledged) <= set(found)
    assert len(acknowledged) == len(set(acknowledged)) >= KILLS


def test_a_derived_file_is_replaced_whole(tmp_path):
    """The new text stands in its place, nothing is left beside it, folders are made."""
    path = tmp_path / "tables" / "é.md"
    for text in ("old ±", "new"):
        write_whole(path, text)
        assert path.read_text(encoding="utf-8") == text
    assert list(path.parent.iterdir()) == [path]


def test_a_derived_file_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    """Until the new text is complete, the old one stands."""
    path = tmp_path / "run.json"
    write_whole(path, "old")

    def fail(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(StorageError, match="No space left"):
        write_whole(path, "new")
    assert path.read_text() == "old"
