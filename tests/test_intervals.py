"""Statistics: answers known from mathematics or from SciPy, and coverage by simulation."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from suite.stats.intervals import bootstrap_mean, paired_effect, spread

samples = st.lists(st.floats(-1e6, 1e6), min_size=8, max_size=20)


def test_the_estimate_is_the_mean():
    """1, 2, 6: 3."""
    found = bootstrap_mean([1.0, 2.0, 6.0])
    assert found.estimate == 3.0
    assert found.low < 3.0 < found.high


@pytest.mark.parametrize("count", [2, 3, 7])
def test_few_values_have_students_interval(count):
    """Below eight values the interval is the one of `scipy.stats.t.interval`, exactly."""
    sample = np.random.default_rng(count).normal(size=count)
    found = bootstrap_mean(sample)
    low, high = stats.t.interval(0.95, count - 1, sample.mean(), stats.sem(sample))
    assert (found.low, found.high) == pytest.approx((low, high))


def test_equal_values_leave_no_doubt():
    """A sample without spread has an interval of no width."""
    found = bootstrap_mean([0.25] * 6)
    assert (found.estimate, found.low, found.high) == (0.25, 0.25, 0.25)


def test_a_large_normal_sample_has_students_interval():
    """With 200 values the bootstrap agrees with `scipy.stats.t.interval` to a hundredth of it."""
    sample = np.random.default_rng(1).normal(3.0, 2.0, 200)
    low, high = stats.t.interval(0.95, 199, sample.mean(), stats.sem(sample))
    found = bootstrap_mean(sample)
    assert found.low == pytest.approx(low, abs=0.05 * (high - low))
    assert found.high == pytest.approx(high, abs=0.05 * (high - low))


def test_a_higher_level_is_wider():
    """99% around 95% around 50%."""
    sample = np.random.default_rng(2).exponential(size=20)
    widths = [
        found.high - found.low
        for found in (bootstrap_mean(sample, level) for level in (0.5, 0.95, 0.99))
    ]
    assert widths == sorted(widths)
    assert widths[0] > 0


@pytest.mark.parametrize("draw", ["normal", "uniform"])
def test_the_95_percent_interval_of_ten_values_covers_95_percent(draw):
    """Over 1,000 simulated samples of ten, 92 to 98 percent of the intervals hold the true mean."""
    random = np.random.default_rng(0)
    drawn = getattr(random, draw)(size=(1000, 10))
    truth = {"normal": 0.0, "uniform": 0.5}[draw]
    found = [bootstrap_mean(s, resamples=1999, seed=i) for i, s in enumerate(drawn)]
    assert 0.92 <= np.mean([f.low <= truth <= f.high for f in found]) <= 0.98


@pytest.mark.parametrize("values", [[], [0.7]])
def test_fewer_than_two_values_have_no_interval(values):
    """The bounds are NaN, and nothing warns; a single value is its own mean."""
    found = bootstrap_mean(values)
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert found.estimate == 0.7 if values else math.isnan(found.estimate)


@given(samples)
@settings(deadline=None, database=None)
def test_an_interval_lies_within_the_sample(values):
    """From eight values on: means of resamples lie between the smallest and the largest value."""
    found = bootstrap_mean(values, resamples=99)
    slack = 1e-9 * (1 + max(map(abs, values)))
    assert min(values) - slack <= found.low <= found.high <= max(values) + slack
    assert found.estimate == pytest.approx(statistics.fmean(values), abs=slack)


def test_the_same_values_give_the_same_interval():
    """Tables written twice are equal; another seed resamples otherwise."""
    values = np.random.default_rng(3).normal(size=9)
    assert bootstrap_mean(values) == bootstrap_mean(values)
    assert bootstrap_mean(values, seed=1) != bootstrap_mean(values)


def test_a_paired_effect_is_of_the_differences():
    """Pairs that differ by 0.1 exactly differ by 0.1 for certain, however much they vary."""
    found = paired_effect([0.6, 0.9, 0.3], [0.5, 0.8, 0.2])
    assert (found.estimate, found.low, found.high) == pytest.approx((0.1, 0.1, 0.1))
    back = paired_effect([0.5, 0.8, 0.2], [0.6, 0.9, 0.3])
    assert back.estimate == -found.estimate


def test_pairs_must_match():
    """A value without a partner is an error, not a silent drop."""
    with pytest.raises(ValueError, match="broadcast"):
        paired_effect([1.0, 2.0, 3.0], [1.0, 2.0])


def test_pairs_of_thousands_stay_within_memory():
    """Two full matrices of 8,400 trials are compared without gigabytes of resamples at once."""
    import tracemalloc

    values = np.random.default_rng(4).normal(size=8_400)
    tracemalloc.start()
    bootstrap_mean(values)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 200e6


@given(samples)
@settings(deadline=None, database=None)
def test_spread_is_the_sample_standard_deviation(values):
    """With n - 1, as `statistics.stdev`."""
    assert spread(values) == pytest.approx(statistics.stdev(values), rel=1e-6, abs=1e-6)


def test_the_spread_of_one_value_is_unknown():
    """NaN, not 0, and nothing warns."""
    assert math.isnan(spread([1.0]))
    assert math.isnan(spread([]))
