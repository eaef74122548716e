"""What is damaged is put aside, once, and named ever after; what nobody may touch stays."""

from __future__ import annotations

import base64

import pytest
from test_store import keys, made, recorded

from suite import quarantine
from suite.quarantine import QUARANTINE, quarantined
from suite.report.facts import damaged
from suite.segments import RECORD
from suite.store import Store


def torn(folder):
    """A segment of three lines, the last of them torn; it, and what is left of that line."""
    segment = recorded(folder, 0, 1, 2)
    segment.write_bytes(segment.read_bytes()[:-20])
    return segment, segment.read_bytes().splitlines()[-1]


def test_a_torn_line_is_put_aside_byte_by_byte(tmp_path):
    """By whoever opens the folder to write; the segment is whole afterwards."""
    segment, rest = torn(tmp_path)
    with Store(tmp_path) as store:
        assert list(store.outcomes()) == keys(0, 1)
        (fault,) = store.faults()
    (entry,) = quarantined(tmp_path)
    assert base64.b64decode(entry["bytes"]) == rest
    assert fault == {key: entry[key] for key in ("segment", "line", "reason", "trial")}
    assert (fault["segment"], fault["line"]) == (segment.name, 3)
    later = Store(tmp_path)
    assert list(later.outcomes()) == keys(0, 1)
    assert later.damage == []
    assert later.faults() == [fault], "it is named ever after"


def test_reading_puts_nothing_aside(tmp_path):
    """A folder that is only looked at stays as it is; the damage is named all the same."""
    segment, _ = torn(tmp_path)
    before = segment.read_bytes()
    store = Store(tmp_path)
    store.outcomes()
    assert segment.read_bytes() == before
    assert not (tmp_path / QUARANTINE).exists()
    assert [fault["line"] for fault in store.faults()] == [3]


def test_the_report_names_each_line_and_counts_the_rest(tmp_path):
    """Where, which trial, why."""
    segment = recorded(tmp_path, 0, 1)
    content = bytearray(segment.read_bytes())
    content[60] ^= 4
    segment.write_bytes(content)
    with Store(tmp_path) as store:
        store.outcomes()
        (said,) = damaged(store.faults())
        place = f"line 1 of {segment.name}, trial {keys(0)[0]}"
        assert said.startswith(f"damaged and left out: {place}")
        assert "checksum" in said
        assert damaged(store.faults() * 50)[-1].endswith("30 more lines, which run.json names")


def test_a_kill_between_quarantine_and_segment_puts_aside_once(tmp_path, monkeypatch):
    """The same line is not named twice."""
    segment, _ = torn(tmp_path)

    def killed(_):
        raise KeyboardInterrupt

    monkeypatch.setattr(quarantine, "_clean", killed)
    with Store(tmp_path) as store, pytest.raises(KeyboardInterrupt):
        store.outcomes()
    monkeypatch.undo()
    with Store(tmp_path) as store:
        assert list(store.outcomes()) == keys(0, 1)
    assert len(quarantined(tmp_path)) == 1
    assert len(segment.read_bytes().splitlines()) == 2


def test_a_torn_quarantine_file_takes_further_entries(tmp_path):
    """A kill while it was written costs the entry that was being written."""
    torn(tmp_path)
    with Store(tmp_path) as store:
        store.outcomes()
    path = tmp_path / QUARANTINE
    path.write_bytes(path.read_bytes()[:-9])
    (tmp_path / RECORD / "9.jsonl").write_bytes(b"rubbish\n")
    with Store(tmp_path) as store:
        store.outcomes()
    first, second = quarantined(tmp_path)
    assert first["reason"] == "the entry itself is damaged"
    assert base64.b64decode(second["bytes"]) == b"rubbish"


def test_the_segment_of_a_living_writer_is_not_touched(tmp_path):
    """A line that is still being written is no damage, and is read once it is whole."""
    with Store(tmp_path) as one, Store(tmp_path, join=True) as two:
        one.append([made(0)])
        two.append([made(1)])
        (mine,) = (tmp_path / RECORD).glob(f"*-{one.writers.name}.jsonl")
        whole = mine.read_bytes()
        mine.write_bytes(whole[:-30])
        assert list(two.outcomes()) == keys(1)
        assert two.damage == []
        mine.write_bytes(whole)
        assert two.claim(keys(0, 2)) == set(keys(2))
        assert [outcome.trial.key for outcome in two.news()] == keys(0)
