"""What a sample would find, and how many more pairs would settle it: statsmodels, simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import TTestPower

from suite.stats.looks import level_a_look, repeated_p
from suite.stats.paired import fewest_pairs, sign_flip
from suite.stats.power import MOST, more_pairs, power, sign_flip_power, student_power


@pytest.mark.parametrize("pairs", [6, 10, 24])  # statsmodels has NaN where power is all but 1
@pytest.mark.parametrize("size", [0.0, 0.2, 0.9, 1.2])
@pytest.mark.parametrize("alpha", [0.05, 0.04])
def test_the_curve_is_that_of_students_paired_test(pairs, size, alpha):
    """`statsmodels.stats.power.TTestPower`, two-sided."""
    expected = TTestPower().power(size, pairs, alpha, alternative="two-sided")
    (found,) = student_power(np.array([size * math.sqrt(pairs)]), pairs, alpha)
    assert found == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("pairs", [8, 10, 20])
@pytest.mark.parametrize("size", [0.3, 0.5, 0.7, 1.0])
def test_samples_claim_the_power_that_they_have(pairs, size):
    """600 normal samples, each with the standard error it has: the mean claim is the true power,
    which the power at the estimated error would exceed by up to 8 points.
    """
    drawn = np.random.default_rng(pairs).normal(size, 1, (600, pairs))
    claimed = [power(size, float(error), pairs, 0.05) for error in stats.sem(drawn, axis=1)]
    (true,) = student_power(np.array([size * math.sqrt(pairs)]), pairs, 0.05)
    assert np.mean(claimed) == pytest.approx(true, abs=0.03)


@pytest.mark.parametrize("effect", [0.005, -0.02, 0.9])
def test_only_the_effect_in_standard_errors_counts(effect):
    """Neither the unit of the metric matters nor the sign."""
    assert power(effect, abs(effect) / 3, 12, 0.05) == pytest.approx(power(3.0, 1.0, 12, 0.05))


def test_no_effect_is_found_at_the_rate_of_false_findings():
    """An effect of 0 has the power alpha."""
    assert power(0.0, 1.0, 20, 0.05) == pytest.approx(0.05)


@pytest.mark.parametrize("alpha", [0.05, 0.05 / 8])
def test_too_few_pairs_have_no_power(alpha):
    """One pair fewer than can reach alpha finds nothing by sign flips, whatever the effect."""
    enough = fewest_pairs(alpha)
    assert power(100.0, 1.0, enough - 1, alpha, sign_flip_power) == 0
    assert power(100.0, 1.0, enough, alpha, sign_flip_power) > 0.99


@pytest.mark.parametrize("ratio", [30, 1e3, 1e9, 1e300])
@pytest.mark.parametrize("curve", [student_power, sign_flip_power])
def test_an_effect_beyond_doubt_is_found(ratio, curve):
    """Also where the noncentral t distribution has no digits left; nothing warns."""
    assert power(1.0, 1 / ratio, 20, 0.05, curve) == pytest.approx(1)


def test_without_noise_any_effect_is_found_and_none_is_not():
    """A standard error of 0."""
    assert power(1e-9, 0.0, 8, 0.05) == 1
    assert power(0.0, 0.0, 8, 0.05) == 0


def test_what_is_not_known_gives_no_power():
    """NaN for the error (fewer than two pairs) or the effect: 0, not 1."""
    assert power(1.0, math.nan, 8, 0.05) == 0
    assert power(math.nan, 1.0, 8, 0.05) == 0
    assert power(1.0, math.inf, 8, 0.05) == 0


@pytest.mark.parametrize(
    ("pairs", "size", "tests"), [(10, 0.7, 1), (12, 0.8, 1), (20, 0.6, 1), (9, 1.5, 8), (10, 1, 8)]
)
def test_the_sign_flip_test_finds_as_much_as_is_claimed(pairs, size, tests):
    """1,000 normal samples: the rate of findings is the mean claim, to within 5 points, also with
    hardly enough pairs (nine at .05 / 8), where Student's test would find a quarter more.
    """
    alpha = 0.05 / tests
    drawn = np.random.default_rng(pairs).normal(size, 1, (1000, pairs))
    rate = np.mean([sign_flip(one) <= alpha for one in drawn])
    errors = stats.sem(drawn, axis=1)
    claimed = [power(size, float(e), pairs, alpha, sign_flip_power) for e in errors]
    assert np.mean(claimed) == pytest.approx(rate, abs=0.05)


# How many more.


def first_look(size: float, pairs: int) -> np.ndarray:
    """A sample whose mean is `size` of its own standard deviations, which is 1."""
    values = np.random.default_rng(pairs).normal(size=pairs)
    return (values - values.mean()) / values.std(ddof=1) + size


def both_sides(values) -> tuple[float, float]:
    return sign_flip(values, "greater"), sign_flip(values, "less")


@pytest.mark.parametrize(
    ("pairs", "size", "tests"), [(5, 0.8, 1), (5, 0.9, 8), (6, 1.0, 24), (8, 0.7, 8), (8, 0.5, 1)]
)
def test_the_pairs_asked_for_settle_it_in_four_of_five_cases(pairs, size, tests):
    """If the effect is what it seems, so many more, looked at as a second look is, end in a finding
    with a chance of 72 to 90 percent (500 simulated second stages).
    """
    first = first_look(size, pairs)
    sides = both_sides(first)
    p_value = sign_flip(first)
    more = int(more_pairs(size, 1 / math.sqrt(pairs), pairs, p_value, 0.0, tests, 0.05))
    drawn = np.random.default_rng(1).normal(size, 1, (500, more))
    seconds = [both_sides(second) for second in drawn]
    found = [repeated_p([sides[0], g], 2, [sides[1], s]) <= 0.05 / tests for g, s in seconds]
    assert 0.72 <= np.mean(found) <= 0.9


@pytest.mark.parametrize(("pairs", "size", "rope"), [(6, 0.0, 0.8), (8, 0.1, 0.5), (10, 0.2, 0.6)])
def test_the_pairs_asked_for_show_equivalence_in_four_of_five_cases(pairs, size, rope):
    """A small effect: the interval of all pairs, at the level of two looks, fits the rope."""
    first = first_look(size, pairs)
    more = int(more_pairs(size, 1 / math.sqrt(pairs), pairs, 1.0, rope, 8, 0.05))
    level = 1 - level_a_look(0.05, 2)
    drawn = np.random.default_rng(1).normal(size, 1, (1000, more))
    whole = np.hstack([np.broadcast_to(first, (1000, pairs)), drawn])
    reach = stats.t.ppf((1 + level) / 2, pairs + more - 1) * stats.sem(whole, axis=1)
    assert 0.72 <= np.mean(np.abs(whole.mean(axis=1)) + reach <= rope) <= 0.9


@given(st.floats(0.2, 2.0), st.integers(4, 20), st.sampled_from([1, 3, 10]))
@settings(deadline=None, database=None, max_examples=30)
def test_more_is_asked_for_where_it_is_harder(size, pairs, tests):
    """A smaller effect, a larger p-value or more hypotheses never need fewer pairs."""
    error = 1 / math.sqrt(pairs)
    asked = more_pairs(size, error, pairs, 0.2, 0.0, tests, 0.05)
    assert asked >= 1
    assert more_pairs(size / 2, error, pairs, 0.2, 0.0, tests, 0.05) >= asked
    assert more_pairs(size, error, pairs, 0.8, 0.0, tests, 0.05) >= asked
    assert more_pairs(size, error, pairs, 0.2, 0.0, tests + 20, 0.05) >= asked
    assert more_pairs(-size, error, pairs, 0.2, 0.0, tests, 0.05) == asked


def test_no_effect_and_no_region_cannot_be_settled():
    """An effect of 0 with a region of 0: no number of pairs; and too small an effect needs more
    than a thousand, which are not asked for.
    """
    assert more_pairs(0.0, 1.0, 8, 1.0, 0.0, 1, 0.05) == math.inf
    assert more_pairs(0.001, 1 / math.sqrt(8), 8, 0.9, 0.0, 1, 0.05) == math.inf
    assert more_pairs(0.2, 1 / math.sqrt(8), 8, 0.6, 0.0, 1, 0.05) < MOST


def test_with_the_second_stage_there_are_pairs_enough_for_a_verdict():
    """Two pairs without noise need four more: six are the fewest that can say anything."""
    assert more_pairs(0.0, 0.0, 2, 1.0, 0.1, 1, 0.05) == 4


@pytest.mark.parametrize("effect", [0.0, 1e-300, 0.1, 1e9])
def test_equal_differences_ask_for_few_more(effect):
    """A standard error of 0 neither overflows nor warns."""
    assert 1 <= more_pairs(effect, 0.0, 5, 2 / 2**5, 0.05, 3, 0.05) <= 10


@pytest.mark.parametrize(
    ("effect", "error", "pairs"), [(0.1, math.nan, 5), (math.nan, 0.1, 5), (0.1, 0.1, 1), (0, 0, 0)]
)
def test_where_nothing_is_known_nothing_is_asked_for(effect, error, pairs):
    """NaN below two pairs, and without an effect or its error."""
    assert math.isnan(more_pairs(effect, error, pairs, 0.5, 0.01, 1, 0.05))
