"""Statistics of searches, against figures worked out by hand and against brute force."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.search.merit import (
    area,
    best_score,
    best_so_far,
    curves_of,
    expected_best,
    expected_best_of_draws,
    paired_difference,
    par_of,
    regret,
    seconds_of,
)
from suite.stats.intervals import bootstrap_mean

NAN = math.nan
SIGN = {"min": 1, "max": -1}
directions = pytest.mark.parametrize("direction", ["min", "max"])


def asks(**searches: list[float]) -> pd.DataFrame:
    """Asks at a full training each: `r0=[...]` are the scores of repeat 0."""
    rows = [
        {"repeat": int(name[1:]), "number": i + 1, "cost": i + 1.0, "score": score}
        for name, scores in searches.items()
        for i, score in enumerate(scores)
    ]
    return pd.DataFrame(rows)


# Best so far.


@directions
def test_the_best_so_far_follows_the_direction(direction):
    """Falling losses, rising scores."""
    sign = SIGN[direction]
    found = best_so_far([1, 2, 3], [sign * x for x in (3, 1, 2)], [1, 2, 3], direction, sign * 9)
    assert list(found) == [sign * 3, sign * 1, sign * 1]


def test_before_the_first_trial_has_ended_there_is_no_value():
    """After its end, and after the search's own end, there is."""
    found = best_so_far([0.5, 2.0], [5.0, 4.0], [0.25, 0.5, 1.9, 2.0, 60], "min", 9.0)
    np.testing.assert_array_equal(found, [NAN, 5.0, 5.0, 4.0, 4.0])


def test_a_sum_of_thirds_is_reached_at_one():
    """Costs are sums of fractions."""
    assert best_so_far(np.cumsum([0.1] * 10), range(10, 0, -1), [1.0], "min", 99) == [1.0]


@directions
@pytest.mark.parametrize("score", [NAN, math.inf, 1e6])
def test_a_trial_that_diverged_or_is_worse_than_par_counts_as_par(direction, score):
    """It takes nothing from a search that found better, and no loss is beyond all measure."""
    sign = SIGN[direction]
    found = best_so_far([1, 2], [sign * score, sign * 2.0], [1, 2], direction, sign * 3.0)
    assert list(found) == [sign * 3.0, sign * 2.0]


@directions
def test_par_is_the_median_with_diverged_trials_last(direction):
    """Where more than half diverged it is the worst finite score; without any there is none."""
    sign = SIGN[direction]
    assert par_of([sign * x for x in (5, 1, 3)], direction) == sign * 3
    assert par_of([sign * 1, NAN, sign * 2], direction) == sign * 2
    assert par_of([NAN, sign * 1, NAN, sign * 2, math.inf, NAN, NAN], direction) == sign * 2
    assert math.isnan(par_of([NAN], direction))


def test_the_best_score_is_finite_or_none():
    """Of any scores."""
    assert best_score([NAN, 2.0, 1.0], "min") == 1.0
    assert best_score([NAN, 2.0, 1.0], "max") == 2.0
    assert math.isnan(best_score([NAN], "min"))


def test_curves_have_a_row_a_repeat_whatever_the_order_of_rows():
    """A log may be shuffled."""
    table = asks(r0=[3.0, 1.0], r7=[2.0, 5.0]).sample(frac=1, random_state=1)
    curves = curves_of(table, [1, 2], "min", 9.0)
    assert list(curves.index) == [0, 7]
    assert curves.to_numpy().tolist() == [[3.0, 1.0], [2.0, 2.0]]


# Expected best.


def test_the_expected_best_is_a_mean_over_repeats_with_its_interval():
    """The interval is that of `bootstrap_mean`."""
    reached = [0.4, 0.5, 0.6]
    assert expected_best(reached) == bootstrap_mean(reached)
    assert expected_best(reached).estimate == pytest.approx(0.5)


def test_a_repeat_without_a_value_leaves_no_expected_best():
    """A mean over those that were quick would flatter."""
    assert math.isnan(expected_best([0.4, NAN]).estimate)


@directions
@given(scores=st.lists(st.integers(0, 5), min_size=1, max_size=4))
def test_the_expected_best_of_draws_is_that_of_all_draws(direction, scores):
    """Dodge's estimator against the mean over every tuple of m scores, ties included."""
    pick = min if direction == "min" else max
    worst = max(scores) if direction == "min" else min(scores)
    found = expected_best_of_draws(scores, 4, direction, worst)
    for m in range(1, 5):
        brute = np.mean([pick(draw) for draw in product(scores, repeat=m)])
        assert found[m - 1] == pytest.approx(brute)


def test_diverged_draws_count_as_par():
    """One of two trials diverged: the best of two is finite three times out of four."""
    found = expected_best_of_draws([1.0, NAN], 2, "min", 3.0)
    assert found == pytest.approx([2.0, 1.5])


def test_no_draws_are_refused():
    """There is nothing to estimate from."""
    with pytest.raises(ValueError, match=r"at least one score. Received: scores=\[\]"):
        expected_best_of_draws([], 3, "min", 1.0)


def test_random_search_comes_to_what_dodge_expects():
    """2,000 searches of 8 independent draws: the two estimates agree within their error."""
    draws = np.random.default_rng(0).normal(size=(2000, 8))
    table = asks(**{f"r{i}": list(row) for i, row in enumerate(draws)})
    curves = curves_of(table, range(1, 9), "min", 99.0)
    expected = expected_best_of_draws(draws.ravel(), 8, "min", 99.0)
    np.testing.assert_allclose(curves.mean(), expected, atol=0.05)


# Regret.


@directions
def test_regret_is_the_distance_to_the_best_known(direction):
    """At least 0, and 0 where the best was found; the area is its mean over the points."""
    sign = SIGN[direction]
    curves = sign * pd.DataFrame([[3.0, 1.0], [2.0, 2.0]], index=[0, 1], columns=[1, 2])
    found = regret(curves, sign * 1.0, direction)
    assert found.to_numpy().tolist() == [[2.0, 0.0], [1.0, 1.0]]
    assert area(found).tolist() == [1.0, 1.0]


def test_each_repeat_has_its_own_best_known():
    """On another seed other cells are best."""
    curves = pd.DataFrame([[3.0], [2.0]], index=[0, 5], columns=[1])
    assert regret(curves, {5: 2.0, 0: 1.0}, "min")[1].tolist() == [2.0, 0.0]


# Pairs and seconds.


def test_differences_are_paired_over_shared_repeats():
    """A repeat that one of them lacks, or has no figure for, is left out."""
    own = pd.Series({0: 3.0, 1: 5.0, 2: NAN, 4: 9.0})
    reference = pd.Series({1: 4.0, 0: 1.0, 2: 1.0, 3: 1.0})
    found = paired_difference(own, reference)
    assert found == bootstrap_mean([2.0, 1.0])


def test_seconds_are_those_of_one_search():
    """Sums over its asks, on the mean over repeats."""
    table = asks(r0=[1.0, 2.0], r1=[1.0]).assign(oracle_seconds=1.0, train_seconds=2.0)
    assert seconds_of(table) == (1.5, 3.0)
