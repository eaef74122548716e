"""GridOracle: every cell once, in batches, after a reload, and where a build declares more."""

from __future__ import annotations

from itertools import islice

import keras_tuner
import pytest
from hypothesis import given
from hypothesis import strategies as st
from searching import (
    CONDITIONAL_CELLS,
    KERAS_TUNERS_OWN,
    LOSS,
    conditional_space,
    continuous_space,
    in_folder,
    space_of_12,
    space_of_96,
    told,
    usual,
)

from suite.errors import UsageError
from suite.search.cells import point
from suite.search.grid import GridOracle, shuffled

pytestmark = [pytest.mark.filterwarnings(warning) for warning in KERAS_TUNERS_OWN]


def values_of(trial):
    """The values of a trial, to be compared."""
    return point(trial.hyperparameters.values)


def search(oracle, batch=8):
    """The values of all trials, asked in batches of distinct tuners until the oracle stops."""
    found = []
    while True:
        asked = [oracle.create_trial(f"tuner-{number}") for number in range(batch)]
        running = [trial for trial in asked if trial.status == "RUNNING"]
        for trial in running:
            found.append(values_of(trial))
            told(oracle, trial, 1.0)
        if not running:
            return found


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("batch", [1, 8, 100])
@pytest.mark.parametrize(
    ("space", "cells"), [(space_of_96, 96), (conditional_space, CONDITIONAL_CELLS)]
)
def test_every_cell_is_tried_once(tmp_path, shuffle, batch, space, cells):
    """In batches of any size, conditional scopes included."""
    oracle = in_folder(GridOracle(**usual(space()), shuffle=shuffle), tmp_path)
    found = search(oracle, batch)
    assert len(found) == len(set(found)) == cells


def test_a_batch_is_as_many_running_trials_as_were_asked(tmp_path):
    """KerasTuner's own grid gives two, then one a round."""
    oracle = in_folder(GridOracle(**usual(space_of_96())), tmp_path)
    trials = [oracle.create_trial(f"tuner-{number}") for number in range(50)]
    assert {trial.status for trial in trials} == {"RUNNING"}
    assert len({trial.trial_id for trial in trials}) == 50
    assert len(set(map(values_of, trials))) == 50


def test_the_order_is_that_of_nested_loops(tmp_path):
    """Unless it is shuffled, which makes another order of each seed, the same one every time."""

    def order(name, seed=1, **own):
        oracle = GridOracle(**usual(space_of_12(), seed), **own)
        return search(in_folder(oracle, tmp_path / name))

    plain, one, two = order("a"), order("b", shuffle=True), order("c", seed=2, shuffle=True)
    units = [dict(values)["units"] for values in plain]
    assert units == [8, 16, 24, 32] * 3
    assert one == order("d", shuffle=True)
    assert sorted(map(sorted, one)) == sorted(map(sorted, two)) == sorted(map(sorted, plain))
    assert one != two
    assert one != plain


def test_a_continuous_space_has_points_levels_each(tmp_path):
    """Five by default, both ends included; `points` says otherwise."""
    oracle = in_folder(GridOracle(**usual(continuous_space())), tmp_path / "five")
    found = [dict(values) for values in search(oracle, batch=50)]
    assert len(found) == 5 * 5 * 5 * 2
    assert {values["units"] for values in found} == {16, 32, 64, 128, 256}
    assert {values["rate"] for values in found} >= {1e-4, 1.0}
    fewer = in_folder(GridOracle(**usual(continuous_space()), points=2), tmp_path / "two")
    assert len(search(fewer, batch=50)) == 2 * 2 * 2 * 2


def test_fewer_than_two_points_is_a_usage_error():
    """A range has two ends."""
    with pytest.raises(UsageError, match=r"two ends of a range\. Received: points=1\. .* points=2"):
        GridOracle(**usual(space_of_12()), points=1)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("rounds", [0, 1, 3])
def test_a_reloaded_search_tries_each_cell_once(tmp_path, shuffle, rounds):
    """From KerasTuner's own files: what ran at the kill runs again, nothing else does."""

    def make():
        return in_folder(GridOracle(**usual(conditional_space()), shuffle=shuffle), tmp_path)

    oracle, ended = make(), []
    for _ in range(rounds):
        for trial in [oracle.create_trial(f"tuner-{number}") for number in range(4)]:
            ended.append(values_of(trial))
            told(oracle, trial, 1.0)
    oracle.save()
    cut_off = [values_of(oracle.create_trial(f"tuner-{number}")) for number in range(3)]
    again = make()
    again.reload()
    rest = search(again, batch=4)
    assert set(rest[:3]) == set(cut_off)
    assert len(ended + rest) == len(set(ended + rest)) == CONDITIONAL_CELLS


@pytest.mark.parametrize("shuffle", [False, True])
def test_hyperparameters_that_a_build_declares_are_searched_too(tmp_path, shuffle):
    """What ran before counts as its default; it waits for running builds before it stops."""
    oracle = in_folder(GridOracle(objective=LOSS, seed=1, shuffle=shuffle), tmp_path)
    found, asked = [], 0
    for _ in range(20):
        trials = [oracle.create_trial(f"tuner-{number}") for number in range(5)]
        for trial in trials:
            if trial.status != "RUNNING":
                continue
            hp = trial.hyperparameters
            if hp.Choice("optimizer", ["sgd", "adam"]) == "adam":
                hp.Choice("beta", [0.9, 0.99, 0.999])
            hp.Boolean("deep")
            told(oracle, trial, 1.0)
            asked += 1
            found.append(values_of(trial))
    assert oracle.create_trial("last").status == "STOPPED"
    cells = {
        (optimizer, beta, deep)
        for optimizer in ("sgd", "adam")
        for beta in (0.9, 0.99, 0.999)
        for deep in (False, True)
    }
    tried = {(v["optimizer"], v.get("beta", 0.9), v["deep"]) for v in map(dict, found)}
    assert tried == cells
    assert len(found) == asked == len(set(found))


def test_it_waits_while_a_running_build_may_declare_more(tmp_path):
    """IDLE, not STOPPED."""
    oracle = in_folder(GridOracle(objective=LOSS, seed=1), tmp_path)
    only = oracle.create_trial("one")
    assert oracle.create_trial("two").status == "IDLE"
    told(oracle, only, 1.0)
    assert oracle.create_trial("two").status == "STOPPED"


def test_max_trials_ends_it(tmp_path):
    """As with every oracle."""
    oracle = in_folder(GridOracle(**usual(space_of_96()), max_trials=10), tmp_path)
    assert len(search(oracle, batch=4)) == 10


def test_keras_tuners_own_tuner_runs_it(tmp_path, capsys):
    """A grid search by `keras_tuner.Tuner`, with nothing of the suite but the oracle."""
    seen = []

    class Plain(keras_tuner.Tuner):
        def run_trial(self, trial):
            seen.append(values_of(trial))
            return {LOSS.name: float(trial.hyperparameters["units"])}

    oracle = GridOracle(**usual(space_of_12()))
    tuner = Plain(oracle=oracle, directory=str(tmp_path), project_name="plain")
    tuner.search()
    capsys.readouterr()
    assert len(set(seen)) == len(seen) == 12
    assert tuner.get_best_hyperparameters()[0]["units"] == 8


@given(st.integers(0, 200), st.integers(1, 10))
def test_a_shuffle_has_each_number_once(count, seed):
    """A permutation, the same for the same seed."""
    order = list(shuffled(count, seed))
    assert sorted(order) == list(range(count))
    assert order == list(shuffled(count, seed))


def test_a_shuffle_is_fair():
    """Each of three numbers comes first in a third of 3,000 shuffles (within 5 deviations)."""
    firsts = [next(shuffled(3, seed)) for seed in range(3000)]
    assert all(abs(firsts.count(number) - 1000) < 130 for number in range(3))


def test_a_shuffle_of_a_vast_space_is_not_listed():
    """Its first numbers come at once, all over the range, none twice."""
    some = list(islice(shuffled(10**40, seed=1), 1000))
    assert len(set(some)) == 1000
    assert min(some) < 10**38 < 9 * 10**39 < max(some)
