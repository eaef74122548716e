"""Stopping a run, and members that diverge: the rows of the table of faults on a small scale."""

from __future__ import annotations

import pytest

from benchmarks.faultrows import diverging, stops


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name == "Ctrl-C once" else [pytest.mark.slow])
        for name in stops.CASES
    ],
)
def test_a_run_stops_as_it_is_told(tmp_path, name):
    """Once: the chunk in flight is recorded, the tables are there. Twice: at once. Resumable."""
    found = stops.stopped(tmp_path, name, *stops.CASES[name])
    assert found.kept, found


def test_a_member_that_diverges_touches_no_neighbour(tmp_path):
    """Its epoch is told, it ranks last, and no JSON holds NaN."""
    found = diverging.ROWS[0].measure(tmp_path, True)
    assert found.kept, found.figures
