"""A line of the record: today's schema, the older ones as releases wrote them, a newer one."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_store import made

from suite.errors import RecordError
from suite.health import MEASURES, Packed
from suite.line import MIGRATIONS, SCHEMA, NewerRecordError, decode, encode, key_in, pieces
from suite.segments import RECORD
from suite.store import Store
from suite.trial import Status

SCHEMAS = sorted((Path(__file__).parent / "schemas").glob("*.jsonl"))


def line_of(content: object) -> str:
    """Any JSON as a line whose checksum holds."""
    text = json.dumps(content)
    return f"{zlib.crc32(text.encode()):08x} {text}"


def of_schema(schema: object) -> str:
    """An outcome that claims to be of another schema."""
    return line_of({**json.loads(encode(made()).partition(" ")[2]), "schema": schema})


@pytest.mark.parametrize("path", SCHEMAS, ids=lambda path: path.stem)
def test_what_an_older_release_wrote_is_read_as_if_written_today(path):
    """Three trials each: completed, diverged, failed; health whatever way it was written."""
    outcomes = [decode(line) for line in path.read_bytes().splitlines()]
    assert [outcome.status for outcome in outcomes] == [*Status]
    assert [outcome.trial.seed for outcome in outcomes] == [0, 1, 2]
    assert outcomes[0].metrics["val.accuracy"] == 0.75
    assert outcomes[2].message == "ValueError: units ± 5"
    assert {outcome.mixed for outcome in outcomes} == {""}
    for outcome in outcomes:
        assert outcome.trial.key == json.loads(encode(outcome)[9:])["key"]
        assert decode(encode(outcome)) == outcome
    if "health" in path.stem:
        assert outcomes[0].health.gradient[0] == (0.1234,) * 4
        assert outcomes[0].health.dead[1] == (None,) * 4
        assert all(isinstance(getattr(outcomes[1].health, name), Packed) for name in MEASURES)
    else:
        assert outcomes[0].health is None


def test_every_older_schema_has_a_migration_and_a_fixture():
    """Whoever raises the schema keeps a record of the one before."""
    assert sorted(MIGRATIONS) == [*range(1, SCHEMA)]
    assert {int(path.stem.partition("-")[0]) for path in SCHEMAS} == {*range(1, SCHEMA)}


def test_a_newer_record_is_refused_by_name_and_left_alone(tmp_path):
    """It is no damage: nothing of it is dropped, put aside or trained again."""
    home = tmp_path / RECORD
    home.mkdir()
    text = f"{encode(made(0))}\n{of_schema(SCHEMA + 1)}\n"
    (home / "0.jsonl").write_text(text)
    said = r"schema=3, .*Update the suite.*line 2 of .*0\.jsonl"
    with Store(tmp_path) as store, pytest.raises(NewerRecordError, match=said):
        store.outcomes()
    assert (home / "0.jsonl").read_text() == text
    assert not (tmp_path / "quarantine.jsonl").exists()


@pytest.mark.parametrize("content", [[], "text", 3, None, {}, {"schema": SCHEMA}, {"schema": 1}])
def test_json_that_is_no_outcome_is_damage(content):
    """Its checksum may hold."""
    with pytest.raises(RecordError, match="Expected an outcome as schema 2 has it"):
        decode(line_of(content))


def test_a_damaged_end_of_line_joins_two_lines_that_are_told_apart():
    """Whatever one bit makes of the line's end; a message that looks like an end is none."""
    tricky = made(1, message='}x12345678 {"schema":1}')
    one, two = encode(made(0)).encode(), encode(tricky).encode()
    for bit in range(8):
        end = bytes([ord("\n") ^ 1 << bit])
        assert pieces(one + end + two) == [one, two]
        assert pieces(two + end) == [two]
    assert pieces(two) == [two]


def test_the_trial_of_a_damaged_line_is_named_where_it_can_be_read():
    """For whoever wants to know what is trained again."""
    line = encode(made(3)).encode()
    assert key_in(line[:-40]) == made(3).trial.key
    assert key_in(line[:40]) == ""


@given(st.binary(max_size=60))
@settings(deadline=None, database=None)
def test_any_bytes_are_an_outcome_or_damage(raw):
    """Nothing else ever comes out of reading."""
    with pytest.raises(RecordError):
        decode(raw)
    assert b"".join(pieces(raw)) in raw or len(pieces(raw)) > 1
