"""A second look: which seeds it asks for, within which budget, and when it is refused."""

from __future__ import annotations

import pytest
from planted import planted
from recorded import planted_folder

from suite.errors import UsageError
from suite.reading import read
from suite.resolution import resolution_of

CELLS = 12
SMALL = {"batch_norm": 0.006}
"""An effect that eight seeds do not settle."""


@pytest.fixture
def folder(tmp_path):
    """Eight seeds of a small effect."""
    return planted_folder(tmp_path, planted(SMALL, seeds=8), seeds=8)


def test_open_verdicts_get_the_seeds_that_they_ask_for(folder):
    """Every cell of both arms, on so many seeds behind those of the first look; each trial once."""
    found = resolution_of(read(folder), budget=10_000)
    assert found.granted
    most = max(wish.seeds for wish in found.granted)
    assert len(found.trials) == len({t.key for t in found.trials}) == CELLS * most
    assert {trial.seed for trial in found.trials} == set(range(8, 8 + most))
    recorded = read(folder).outcomes
    assert not any(trial.key in recorded for trial in found.trials)
    assert set(found.look.planned.values()) == {wish.seeds for wish in found.granted}


def test_a_budget_is_kept_and_what_it_leaves_out_is_named(folder):
    """One trial less than everything: something is refused, and the rest fits."""
    whole = resolution_of(read(folder), budget=10_000)
    less = resolution_of(read(folder), budget=len(whole.trials) - 1)
    assert len(less.trials) < len(whole.trials)
    assert len(less.granted) + len(less.refused) == len(whole.granted)
    assert less.refused


def test_the_default_budget_is_as_much_again(folder):
    """As many trials as the first look had."""
    found = resolution_of(read(folder))
    assert len(found.trials) <= 8 * CELLS


def test_settled_verdicts_ask_for_nothing(tmp_path):
    """A large effect, hardly any noise: there is nothing to resolve."""
    outcomes = planted({"batch_norm": 0.05}, seeds=10, noise=0.0005)
    found = resolution_of(read(planted_folder(tmp_path, outcomes, seeds=10)))
    assert not found.trials
    assert not found.granted


def test_a_look_that_was_begun_is_taken_up_again(folder, tmp_path):
    """The same trials, whatever has been recorded of them and whatever the budget says."""
    first = resolution_of(read(folder), budget=10_000)
    half = planted_folder(
        tmp_path / "half",
        planted(SMALL, seeds=9),
        seeds=8,
        second_look=first.look.content(),
    )
    again = resolution_of(read(half), budget=1)
    assert {t.key for t in again.trials} == {t.key for t in first.trials}
    assert again.look == first.look


def test_an_unfinished_run_is_refused(tmp_path):
    """It says how to finish it."""
    outcomes = [o for o in planted(SMALL, seeds=8) if (o.trial.seed, o.trial.hp["lr"]) != (7, 1.0)]
    with pytest.raises(UsageError, match=r"4 recipes have fewer\. Run the same command again"):
        resolution_of(read(planted_folder(tmp_path, outcomes, seeds=8)))
