"""A second look through the command line, on a stranger's task."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import suite
from suite.secondlook import second_look_of

ROOT = Path(__file__).parents[1]
STUDY = """
question = "Does dropout help wine?"
seeds = 8
epochs = 6
[factors]
dropout = [0.0, 0.2]
optimizer = ["sgd", "adam"]
[nuisance]
learning_rate = [0.01, 0.03]
"""


def said(*words: object) -> str:
    """What the command line prints; its exit code is 0."""
    own = ["--tasks-dir", ROOT / "tests" / "plugins"]
    command = [sys.executable, ROOT / "run_suite.py", *words, *own]
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_second_look_trains_what_it_asked_for_and_judges_anew(tmp_path):
    """Within the budget, each trial once; a budget of one trial trains nothing; a third look is
    none: what was planned has been trained.
    """
    study, out = tmp_path / "wine.toml", tmp_path / "out"
    study.write_text(STUDY)
    said("-t", "wine", "--study", study, "--out", out)
    before = suite.load_results(out)
    assert len(before) == 64
    assert "beyond the budget" in said("resolve", out, "--budget", 1)
    assert len(suite.load_results(out)) == 64
    said("resolve", out, "--budget", 2000)
    after = suite.load_results(out)
    look = second_look_of(after.reading.run)
    assert look is not None
    assert look.first == 8
    assert len(after) == 64 + 8 * max(look.planned.values())
    tuned = after.verdicts().query("view == 'tuned'").set_index("factor")
    for (_, factor, _), seeds in look.planned.items():
        assert tuned.loc[factor, "pairs"] == 8 + seeds
        assert tuned.loc[factor, "looks"] == 2
    said("resolve", out)
    assert len(suite.load_results(out)) == len(after)
