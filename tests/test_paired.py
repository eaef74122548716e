"""Exact tests over pairs: published examples, SciPy's own tests, and what a sample cannot say."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from suite.stats.paired import DRAWN, ENUMERATED, fewest_pairs, sign_flip, superiority, wilcoxon

DEPRESSION = np.subtract(  # Hollander & Wolfe 1973, p. 29, as in R's ?wilcox.test
    [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30],
    [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29],
)
MAIZE = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]  # Darwin; Fisher 1935, s. 21
few = st.lists(st.integers(-20, 20), min_size=1, max_size=8)


def share(differences, beyond) -> float:
    """How many of all sign flips have a sum for which `beyond(sum, own sum)` holds."""
    sums = [
        sum(s * d for s, d in zip(signs, differences, strict=True))
        for signs in product((1, -1), repeat=len(differences))
    ]
    return sum(beyond(one, sum(differences)) for one in sums) / len(sums)


def test_wilcoxons_test_gives_the_published_p_value():
    """R: wilcox.test(x, y, paired = TRUE): V = 40, p-value = 0.03906; it is 20 of 512."""
    assert wilcoxon(DEPRESSION) == pytest.approx(20 / 512, abs=1e-12)


def test_the_sign_flip_test_gives_fishers_p_value():
    """Darwin's maize, 15 pairs: 1,726 of 32,768 flips, 5.267 percent (Fisher 1935, section 21).

    Flips are drawn from 15 pairs on: within three standard errors of a share of 9,999.
    """
    assert sign_flip(MAIZE) == pytest.approx(1726 / 32768, abs=3 * math.sqrt(0.05 * 0.95 / DRAWN))


@given(few)
@settings(deadline=None, database=None)
def test_the_sign_flip_test_counts_every_flip(values):
    """As counting them one by one does, on either side and on both."""
    assert sign_flip(values) == share(values, lambda one, own: abs(one) >= abs(own))
    assert sign_flip(values, "greater") == share(values, lambda one, own: one >= own)
    assert sign_flip(values, "less") == share(values, lambda one, own: one <= own)


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@pytest.mark.parametrize("count", [2, 6, 11])
def test_the_sign_flip_test_agrees_with_scipys_permutation_test(count, alternative):
    """`scipy.stats.permutation_test` of one sample against its mirror image, all of them."""
    values = np.random.default_rng(count).normal(0.4, 1, count)
    found = stats.permutation_test(
        (values, np.zeros(count)),
        lambda a, b, axis: (a - b).mean(axis=axis),
        permutation_type="samples",
        alternative=alternative,
        n_resamples=np.inf,
        vectorized=True,
    )
    assert sign_flip(values, alternative) == pytest.approx(found.pvalue, abs=1e-12)


@pytest.mark.parametrize("count", [1, 5, 8, 14])
def test_wilcoxons_test_agrees_with_scipy_where_nothing_ties(count):
    """`scipy.stats.wilcoxon(method="exact")`."""
    values = np.random.default_rng(count).normal(0.5, 1, count)
    assert wilcoxon(values) == pytest.approx(stats.wilcoxon(values, method="exact").pvalue)


def test_wilcoxons_test_of_many_pairs_is_near_scipys():
    """40 differences: the drawn flips give the exact p-value to within 0.01."""
    values = np.random.default_rng(5).normal(0.3, 1, 40)
    expected = stats.wilcoxon(values, method="exact").pvalue
    assert wilcoxon(values) == pytest.approx(expected, abs=0.01)


def test_wilcoxons_test_is_exact_with_ties_and_leaves_zeros_out():
    """1, 1, 1, 2 beside a 0: ranks 2, 2, 2, 4; only the two flips of all signs reach 10."""
    assert wilcoxon([1.0, 1.0, 0.0, 1.0, 2.0]) == 2 / 16
    assert wilcoxon([1.0, 1.0, -1.0, 2.0]) == 8 / 16  # sums of 6 and more: 10, and 6 three times


@pytest.mark.parametrize("pairs", range(1, ENUMERATED + 1))
def test_no_sample_gets_below_the_least_p_value(pairs):
    """All of one sign: 2 / 2^n, 1 / 2^n and 1; protocol: 5 pairs .0625, 6 .031, 8 .0078."""
    values = np.arange(1.0, pairs + 1)
    assert sign_flip(values) == wilcoxon(values) == 2 / 2**pairs
    assert sign_flip(-values, "less") == 1 / 2**pairs
    assert sign_flip(-values, "greater") == 1


def test_a_p_value_is_never_0():
    """200 pairs of one sign: the sample itself is one of the flips."""
    assert sign_flip(np.ones(200)) == 1 / (DRAWN + 1)
    assert sign_flip(np.ones(200), "greater") == 1 / (DRAWN + 1)


@pytest.mark.parametrize("scale", [1e-300, 1e-12, 1.0, 1e12, 1e300])
def test_the_unit_does_not_matter(scale):
    """Sums that are equal but for rounding count as equal at every scale: .1 + .2 and .3."""
    values = np.array([0.1, 0.2, -0.3, 0.4, 0.5, -0.6])
    exact = share([1, 2, -3, 4, 5, -6], lambda one, own: abs(one) >= abs(own))
    assert sign_flip(scale * values) == exact


def test_a_difference_that_dwarfs_the_others_decides_alone():
    """1e12 among ones: half of the flips keep its sign, and the others order them as before."""
    values = [1e12, 1.0, 1.0, -1.0]
    assert sign_flip(values) == share(values, lambda one, own: abs(one) >= abs(own))


@given(few)
@settings(deadline=None, database=None)
def test_the_other_way_round_the_p_value_is_the_same(values):
    """Exchanging the arms exchanges "greater" and "less"; the order of pairs is no matter."""
    turned = [-value for value in values]
    assert sign_flip(turned) == sign_flip(values)
    assert sign_flip(turned, "less") == sign_flip(values, "greater")
    assert wilcoxon(turned) == wilcoxon(values)
    assert sign_flip(values[::-1]) == sign_flip(values)
    assert superiority(turned) == pytest.approx(1 - superiority(values))


def test_equal_arms_do_not_differ():
    """All differences 0: p is 1, and either is as likely to win."""
    assert sign_flip(np.zeros(7)) == wilcoxon(np.zeros(7)) == 1
    assert superiority(np.zeros(7)) == 0.5


def test_without_pairs_nothing_is_known():
    """NaN; but Wilcoxon's test of no differences is 1, as of differences that are all 0."""
    assert math.isnan(sign_flip([]))
    assert math.isnan(superiority([]))
    assert wilcoxon([]) == 1


@pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
def test_a_mean_that_does_not_exist_has_no_p_value(odd):
    """NaN, and not 0, which would be a finding."""
    values = [1.0, 2.0, odd, 4.0, 5.0, 6.0]
    assert math.isnan(sign_flip(values))
    assert math.isnan(sign_flip(values, "greater"))


def test_an_infinite_difference_ranks_last():
    """Wilcoxon's test and superiority need an order alone; with NaN there is none."""
    assert wilcoxon([1.0, 2.0, math.inf]) == wilcoxon([1.0, 2.0, 3.0])
    assert superiority([1.0, -math.inf]) == 0.5
    assert math.isnan(wilcoxon([1.0, 2.0, math.nan]))
    assert math.isnan(superiority([1.0, 2.0, math.nan]))


def test_superiority_counts_ties_half():
    """Two wins, a tie, a loss: (2 + .5) / 4."""
    assert superiority([3.0, 0.0, 1.0, -5.0]) == 0.625


@pytest.mark.parametrize(
    ("alpha", "pairs"), [(1.0, 1), (0.0625, 5), (0.0624, 6), (0.05, 6), (0.01, 8), (0.05 / 8, 9)]
)
def test_the_fewest_pairs_are_the_first_that_can_reach_alpha(alpha, pairs):
    """The least p-value of so many is at most alpha, that of one fewer is not."""
    assert fewest_pairs(alpha) == pairs
    assert sign_flip(np.ones(pairs)) <= alpha
    assert pairs == 1 or sign_flip(np.ones(pairs - 1)) > alpha


@pytest.mark.parametrize(("pairs", "low", "high"), [(8, 0.025, 0.05), (20, 0.035, 0.065)])
def test_equal_arms_are_told_apart_in_5_percent_at_most(pairs, low, high):
    """1,500 samples of a skewless heavy-tailed noise; 8 pairs can give 12 / 256 = 4.7%."""
    drawn = np.random.default_rng(1).standard_t(2, size=(1500, pairs))
    rate = np.mean([sign_flip(one) <= 0.05 for one in drawn])
    assert low <= rate <= high + 0.01
