"""Whatever comes in, the answer is a result or one sentence: the record and the command line."""

from __future__ import annotations

import json
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.faultrows.attacks import PLAIN, outcome
from suite import cli
from suite.errors import RecordError
from suite.exits import MEANING, Exit
from suite.line import decode, encode
from suite.segments import RECORD
from suite.store import Store

SOUND = json.loads(encode(outcome(PLAIN, "a", 1)).partition(" ")[2])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
KEYS = st.sampled_from([*SOUND, "health", "schema", "more"])
QUIET = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}


def checksummed(text: str) -> bytes:
    """A line whose checksum is right."""
    raw = text.encode(errors="surrogatepass")
    return b"%08x %s" % (zlib.crc32(raw), raw)


@settings(max_examples=200, **QUIET)
@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_a_line_of_right_checksum_is_an_outcome_or_refused(changes):
    """Any value in any place; what is taken can be written again."""
    try:
        found = decode(checksummed(json.dumps({**SOUND, **changes})))
    except RecordError:
        return
    assert decode(encode(found)) == found


@settings(max_examples=100, **QUIET)
@given(st.binary(max_size=200) | st.text(max_size=200).map(checksummed))
def test_any_bytes_are_an_outcome_or_refused(raw):
    """Nothing but a RecordError."""
    with pytest.raises(RecordError):
        decode(raw)


@settings(max_examples=60, **QUIET)
@given(st.lists(st.binary(max_size=60), max_size=5), st.integers(0, 5), st.data())
def test_any_record_opens(tmp_path_factory, rubbish, place, data):
    """Sound lines are read between whatever stands around them; the rest is named."""
    folder = tmp_path_factory.mktemp("fuzzed")
    (folder / RECORD).mkdir()
    sound = encode(outcome(PLAIN, "a", 1)).encode()
    lines = [line.replace(b"\n", b"") for line in rubbish]
    lines.insert(min(place, len(lines)), sound)
    end = data.draw(st.sampled_from([b"", b"\n"]))
    (folder / RECORD / "1.jsonl").write_bytes(b"\n".join(lines) + end)
    store = Store(folder)
    assert list(store.outcomes()) == [SOUND["key"]]
    assert len(store.damage) <= len(rubbish)


WORDS = [
    *("--task", "-t", "--study", "-s", "--preset", "--seeds", "--epochs", "--engine", "--data"),
    *("--out", "--tasks-dir", "--deadline", "--memory-limit", "--json", "--nope", "--fail-on"),
    *("list", "compare", "report", "archive", "resolve", "replay", "reproduce", "new-task"),
    *("churn", "techniques", "quick", "fit", "embedded", "regression", "0", "-1", "1e9", "nan"),
    *("", "é", "none.toml", "/dev/null", "../..", "--", "-", "\x1b[2J", "a" * 500),
]


@settings(max_examples=150, **QUIET)
@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=8), min_size=1, max_size=5))
def test_any_command_line_ends_with_a_known_exit_code(monkeypatch, tmp_path, capsys, arguments):
    """No traceback; a message is one sentence. What would train, or write a task, does not."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("suite.cli.settle", lambda: "jax")
    monkeypatch.setattr("suite.runner.run", lambda *_: Exit.OK)
    monkeypatch.setattr("suite.scaffold._write", lambda *_: None)
    monkeypatch.setattr(sys, "argv", ["run_suite.py", *arguments])
    code: object = 0
    try:
        cli.main()
    except SystemExit as end:
        code = end.code
    assert Exit(int(code or 0)) in MEANING
    assert "Traceback" not in "".join(capsys.readouterr())


def test_the_docs_have_the_same_exit_codes():
    """One table: `--help`, the README and the code say the same."""
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")] for line in text.splitlines()]
    table = {int(row[1]): row[2] for row in rows if len(row) == 4 and row[1].isdigit()}
    assert table == {code.value: meaning for code, meaning in MEANING.items()}
