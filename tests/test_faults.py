"""The table of faults: every row in its quick form that takes seconds, and the page in the docs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import faults
from benchmarks.faultrows import folder, record
from benchmarks.faultrows.row import Found, Row
from suite.errors import UsageError

ROOT = Path(__file__).parents[1]
MINUTES = ("changed", "surroundings", "doctor", "load")
"""Rows whose quick form needs several runs of the real thing, or thousands of trials."""
ROWS = [*record.ROWS, *folder.ROWS]


@pytest.mark.parametrize("row", [r for r in ROWS if r.name not in MINUTES], ids=lambda r: r.name)
def test_a_promise_is_kept(row, tmp_path):
    """On a small scale; the benchmark does it in full."""
    found = row.measure(tmp_path, True)
    assert found.kept, found.figures


@pytest.mark.slow
@pytest.mark.parametrize("name", [*MINUTES, "kills"])
def test_a_promise_is_kept_by_real_runs(name, tmp_path):
    """Likewise."""
    (row,) = faults.chosen([name])
    found = row.measure(tmp_path, True)
    assert found.kept, found.figures


def test_the_docs_carry_every_row():
    """Fault and promise as the rows have them."""
    page = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
    for row in faults.rows():
        assert f"| {row.fault} | {row.promise} |" in page, f"{row.name}: see --markdown"


def test_names_are_unique_and_a_wrong_one_is_answered_with_the_nearest():
    """A row is asked for by its name."""
    names = [row.name for row in faults.rows()]
    assert len(names) == len(set(names))
    with pytest.raises(UsageError, match="Did you mean 'writers'"):
        faults.chosen(["writer"])


def test_a_row_that_raises_is_not_kept_and_stops_no_other():
    """It says why."""

    def broken(*_):
        raise OSError("no luck")

    for measure, kept in ((broken, False), (lambda *_: Found("1 of 1", True), True)):
        found = faults.measured(Row("a", "b", "c", measure), True)
        assert found["kept"] == kept
    assert faults.measured(Row("a", "b", "c", broken), True)["figures"] == "OSError: no luck"


def test_the_command_checks():
    """Exit code 0 where every promise is kept; the table as Markdown."""
    words = ["benchmarks/faults.py", "--quick", "--check", "--markdown", "--row", "releases"]
    how = {"cwd": ROOT, "capture_output": True, "text": True}
    done = subprocess.run([sys.executable, *words], check=False, **how)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("| fault | promise | figures |\n| --- | --- | --- |\n| a record")
