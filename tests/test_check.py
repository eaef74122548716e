"""Check: each planted fault is found by its examiner and by no other; sound tasks pass."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from faulty import FAULTS, MORE, planted
from support import Silent
from taskfiles import FILES

from suite import cli

ROOT = Path(__file__).parents[1]


def more() -> list[object]:
    """The other faults; slow where one has to train, or to start a process, to find them."""
    dear = ("effects", "repeat")
    return [
        pytest.param(name, marks=[pytest.mark.slow] if fault.examiner in dear else [])
        for name, fault in MORE.items()
    ]


def found(path: Path, names: tuple[str, ...] = ()) -> dict[str, list[str]]:
    """What the examiners (all, or those named) find in a task file, by name."""
    from suite.check.examine import EXAMINERS, examine
    from suite.registry import inspect

    chosen = [one for one in EXAMINERS if not names or one.name in names]
    results = examine(inspect(path), Silent(), chosen)
    return {r.examiner.name: [f.found for f in r.findings] for r in results if r.findings}


@pytest.mark.parametrize("name", [*FAULTS, *more()])
def test_a_planted_fault_is_found_by_its_examiner(name, tmp_path):
    """In one finding, whose words give it away."""
    fault = {**FAULTS, **MORE}[name]
    findings = found(planted(tmp_path, name), (fault.examiner,))
    assert [*findings] == [fault.examiner]
    assert fault.clue in " ".join(findings[fault.examiner])


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
def test_no_other_examiner_speaks_of_a_planted_fault(name, tmp_path):
    """All ten examiners, in their order."""
    assert [*found(planted(tmp_path, name))] == [FAULTS[name].examiner]


def test_a_sound_task_passes(tmp_path):
    """All ten examiners."""
    assert found(planted(tmp_path, "sound")) == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", FILES)
def test_shipped_tasks_pass(name):
    """No false alarm."""
    assert found(FILES[name]) == {}


def test_every_examiner_has_a_planted_fault():
    """Whoever adds an examiner plants a fault for it."""
    from suite.check.examine import EXAMINERS

    assert {one.name for one in EXAMINERS} == {fault.examiner for fault in FAULTS.values()}


def test_an_examiner_that_fails_stops_no_other(tmp_path):
    """Its error is a finding of the contract; the next examiner speaks all the same."""
    from suite.check.examine import Examiner, examine
    from suite.check.note import Remark
    from suite.registry import inspect

    def failing(_):
        yield Remark("so far")
        raise KeyError("nope")

    examiners = (
        Examiner("contract", "?", lambda _: iter(())),
        Examiner("failing", "?", failing),
        Examiner("next", "?", lambda _: iter([Remark("here")])),
    )
    first, failed, last = examine(inspect(planted(tmp_path, "sound")), Silent(), examiners)
    assert "'failing' could not finish: KeyError: 'nope'" in first.findings[0].found
    assert [remark.text for remark in (*failed.remarks, *last.remarks)] == ["so far", "here"]


def test_repeated_rows_are_taken_for_distinct_where_the_data_say_so(tmp_path):
    """repeats=True silences the examiner of overlaps."""
    path = planted(tmp_path, "overlap")
    path.write_text(path.read_text().replace('"CC0")', '"CC0", repeats=True)'))
    assert found(path, ("overlap",)) == {}


# The command.


@pytest.fixture
def inside(monkeypatch, capsys):
    """The command in this process: exit code, output, errors."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["run_suite.py", "check", *map(str, arguments)])
        monkeypatch.delenv("COLUMNS", raising=False)
        code: object = 0
        try:
            cli.main()
        except SystemExit as stop:
            code = stop.code
        return int(code or 0), *capsys.readouterr()

    return call


def test_a_finding_is_exit_code_1_with_its_remedy_at_80_columns(inside, tmp_path):
    """A table of all examiners, then what was found, what it means, what to do."""
    planted(tmp_path, "unreadable")
    code, out, _ = inside("unreadable", "--tasks-dir", tmp_path)
    assert code == 1
    for word in ("contract", "parity", "skipped: data", "found", "means", "remedy", "1 finding,"):
        assert word in out
    assert "ZeroDivisionError" in out
    table = out[out.index("check unreadable") :]
    assert max(map(len, table.splitlines())) <= 80


def test_json_is_for_programs(inside, tmp_path):
    """One object on standard output; progress goes to standard error."""
    planted(tmp_path, "unreadable")
    code, out, err = inside("unreadable", "--json", "--tasks-dir", tmp_path)
    content = json.loads(out)
    assert (code, content["ok"], content["task"]) == (1, False, "unreadable")
    first, *rest = content["examiners"]
    assert set(first["findings"][0]) == {"found", "means", "remedy"}
    assert first["result"] == "finding"
    assert {one["result"] for one in rest} == {"skipped"}
    assert "unreadable: contract" in err


def test_an_unknown_task_is_exit_code_2_with_the_nearest(inside):
    """One sentence."""
    code, out, err = inside("chrun")
    assert (code, out) == (2, "")
    assert "Did you mean 'churn'?" in err
    assert err.count("\n") == 1
