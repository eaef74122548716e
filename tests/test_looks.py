"""P-values among others, and p-values that were looked at twice: published figures, simulation."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from suite.stats.looks import holm, level_a_look, repeated_p, z_of
from suite.stats.paired import sign_flip

shares = st.floats(1e-9, 1.0)


# Holm.


def test_holms_adjustment_worked_out_by_hand():
    """R: p.adjust(c(.01, .04, .03, .005), "holm") is .03 .06 .06 .02: 4 x .005, 3 x .01, 2 x .03,
    and .04 is not below the one before.
    """
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(shares, min_size=1, max_size=12))
@settings(deadline=None, database=None)
def test_holm_keeps_the_order_and_lies_between_none_and_bonferroni(values):
    """Adjusted values are no less than the raw ones, no more than m times, and never above 1."""
    found = holm(values)
    assert np.all(found >= np.array(values) - 1e-12)
    assert np.all(found <= np.minimum(1.0, len(values) * np.array(values)) + 1e-12)
    ordered = found[np.argsort(values, kind="stable")]
    assert all(one <= two + 1e-12 for one, two in pairwise(ordered))


@given(st.lists(shares, min_size=1, max_size=12), st.sampled_from([0.01, 0.05, 0.2]))
@settings(deadline=None, database=None)
def test_holm_rejects_as_stepping_down_does(values, alpha):
    """The smallest against alpha / m, the next against alpha / (m - 1), until one fails."""
    rejected = 0
    for left, value in zip(range(len(values), 0, -1), sorted(values), strict=True):
        if value * left > alpha:
            break
        rejected += 1
    assert np.sum(holm(values) <= alpha) == rejected


def test_holm_agrees_with_statsmodels():
    """`multipletests(method="holm")`, with ties and values of 1 among twenty."""
    values = np.random.default_rng(0).choice([0.001, 0.002, 0.01, 0.03, 0.2, 1.0], 20)
    assert holm(values) == pytest.approx(multipletests(values, method="holm")[1])


def test_what_was_not_tested_does_not_count():
    """NaNs stay NaN, and the others are adjusted for their own number; none at all is fine."""
    found = holm([math.nan, 0.01, math.nan, 0.04])
    assert np.isnan(found[[0, 2]]).all()
    assert found[[1, 3]] == pytest.approx([0.02, 0.04])
    assert np.isnan(holm([math.nan])).all()
    assert holm([]).shape == (0,)
    assert holm([0.0, 1.0]).tolist() == [0.0, 1.0]


# Pocock's bounds.


@pytest.mark.parametrize(("looks", "bound"), [(1, 1.960), (2, 2.178), (3, 2.289), (4, 2.361)])
def test_the_bounds_are_pococks(looks, bound):
    """Pocock 1977, table 1, for 5%; five looks: 2.413."""
    assert stats.norm.isf(level_a_look(0.05, looks) / 2) == pytest.approx(bound, abs=6e-4)


@pytest.mark.parametrize(("looks", "bound"), [(2, 2.772), (3, 2.873), (5, 2.986)])
def test_the_bounds_are_pococks_at_1_percent(looks, bound):
    """Jennison & Turnbull 2000, table 2.1, for 1%."""
    assert stats.norm.isf(level_a_look(0.01, looks) / 2) == pytest.approx(bound, abs=1.5e-3)


def test_more_looks_cost_more_and_less_than_bonferroni():
    """The level a look falls with the number of looks, and stays above alpha / looks."""
    levels = [level_a_look(0.05, looks) for looks in range(1, 7)]
    assert levels == sorted(levels, reverse=True)
    assert all(level > 0.05 / looks for looks, level in enumerate(levels[1:], start=2))


@pytest.mark.parametrize("p", [1e-6, 0.004, 0.2, 0.5, 0.9])
def test_two_looks_agree_with_the_bivariate_normal(p):
    """One stage of two: twice the chance that either of two correlated normals exceeds it."""
    z = stats.norm.isf(p)
    root = math.sqrt(0.5)
    below = stats.multivariate_normal.cdf([z, z], cov=[[1, root], [root, 1]])
    greater = 2 * (1 - float(below))
    assert repeated_p([p], 2) == pytest.approx(
        min(1.0, greater, repeated_p([1 - p], 2)), rel=1e-6, abs=1e-13
    )


# Looking twice.


def test_one_look_is_an_ordinary_two_sided_test():
    """Twice the smaller side."""
    assert repeated_p([0.01], 1) == pytest.approx(0.02)
    assert repeated_p([0.99], 1) == pytest.approx(0.02)
    assert repeated_p([0.5], 1) == 1


@given(st.lists(st.floats(0.001, 0.999), min_size=1, max_size=3))
@settings(deadline=None, database=None)
def test_another_look_never_lowers_the_evidence_already_seen(stages):
    """The p-value after a further stage is at most the one before, and at most 1."""
    values = [repeated_p(stages[: k + 1], len(stages)) for k in range(len(stages))]
    assert all(0 < value <= 1 for value in values)
    assert all(two <= one + 1e-12 for one, two in pairwise(values))


@given(st.lists(st.floats(0.001, 0.999), min_size=1, max_size=2))
@settings(deadline=None, database=None)
def test_either_side_is_judged_alike(stages):
    """Exchanging the arms leaves the two-sided p-value as it is."""
    turned = [1 - p for p in stages]
    assert repeated_p(turned, 2) == pytest.approx(repeated_p(stages, 2))
    assert repeated_p(stages, 2, turned) == pytest.approx(repeated_p(stages, 2))


@pytest.mark.parametrize("looks", [2, 3, 4])
def test_a_p_value_at_alpha_is_a_statistic_on_the_bound(looks):
    """At each look, the level of `level_a_look` is exactly where the repeated p-value is alpha."""
    z = stats.norm.isf(level_a_look(0.05, looks) / 2)
    stages = [0.5] * (looks - 1) + [stats.norm.sf(z * math.sqrt(looks))]
    assert repeated_p([level_a_look(0.05, looks) / 2], looks) == pytest.approx(0.05, abs=1e-5)
    assert repeated_p(stages, looks) == pytest.approx(0.05, abs=1e-5)


def staged(repeats: int):
    """Pairs of equal arms: six, then three more where those looked promising and thirty else."""
    random = np.random.default_rng(0)
    for _ in range(repeats):
        first = random.normal(size=6)
        promising = abs(first.mean()) * math.sqrt(6) > 1
        yield first, random.normal(size=3 if promising else 30)


def greater(values) -> float:
    """One-sided p-value of Student's t test."""
    return float(stats.t.sf(values.mean() / stats.sem(values), len(values) - 1))


def test_two_looks_keep_5_percent_whatever_the_first_led_to():
    """2,000 studies of equal arms whose second stage depends on the first: at most 5% are found,
    where the pooled pairs, tested at each look as if it were the only one, find over 7%.
    """
    honest = naive = 0
    for first, second in staged(2000):
        honest += repeated_p([greater(first), greater(second)], 2) <= 0.05
        looks = greater(first), greater(np.concatenate([first, second]))
        naive += any(2 * min(p, 1 - p) <= 0.05 for p in looks)
    assert honest / 2000 <= 0.06
    assert naive / 2000 >= 0.07


def test_an_exact_test_must_tell_both_its_sides():
    """Six negative pairs: 1 for "greater", 1/64 for "less", and no better than six positive ones.

    With 1 - 1 = 0 in its place, six pairs would settle anything.
    """
    ups = np.arange(1.0, 7.0)
    sides = [(sign_flip(v, "greater"), sign_flip(v, "less")) for v in (ups, -ups)]
    up, down = (repeated_p([one], 2, [two]) for one, two in sides)
    assert up == down == pytest.approx(0.053, abs=1e-3)
    assert repeated_p([sides[1][0]], 2) < 1e-9


def test_exact_tests_keep_the_level_in_a_family_of_24():
    """Equal arms, six pairs and six more, against .05 / 24: hardly ever found on either side."""
    drawn = np.random.default_rng(2).normal(size=(1500, 2, 6))
    found = 0
    for stages in drawn:
        more, less = ([sign_flip(s, side) for s in stages] for side in ("greater", "less"))
        found += repeated_p(more, 2, less) <= 0.05 / 24
    assert found / 1500 <= 0.006


def test_quantiles_stay_finite():
    """A p-value of 0 or 1 is a large quantile, not an infinite one."""
    assert math.isfinite(z_of(0.0))
    assert z_of(1.0) == pytest.approx(-z_of(0.0))
    assert z_of(0.025) == pytest.approx(1.959964, abs=1e-6)
    assert 0 < repeated_p([0.0], 2) < 1e-9
