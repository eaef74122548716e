"""What n pairs would have found, against statsmodels; how many more are asked for."""

from __future__ import annotations

import math

import pytest
from statsmodels.stats.power import TTestPower

from suite.stats.power import MOST, more_pairs, power


@pytest.mark.parametrize(("effect", "pairs"), [(0.5, 10), (1.0, 10), (0.8, 20), (0.3, 50)])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_power_is_that_of_the_paired_t_test(effect, pairs, alpha):
    """As statsmodels has it, for differences of standard deviation 1."""
    known = TTestPower().power(effect_size=effect, nobs=pairs, alpha=alpha)
    assert power(effect, 1 / math.sqrt(pairs), pairs, alpha) == pytest.approx(known, abs=1e-6)


def test_so_few_pairs_have_no_power():
    """Five pairs reach no p of .05 in an exact test, nine none of .05 / 8 but ten do."""
    assert power(9.0, 0.1, 5, 0.05) == 0
    assert power(9.0, 0.1, 8, 0.05 / 8) == 0
    assert power(9.0, 0.1, 9, 0.05 / 8) > 0.99


def test_no_doubt_is_full_power():
    """Differences that never vary are found if there are any."""
    assert power(0.1, 0.0, 8, 0.05) == 1
    assert power(0.0, 0.0, 8, 0.05) == 0


def test_a_smaller_effect_asks_for_more_pairs():
    """Down to where not even a thousand would do."""
    asked = [more_pairs(effect, 1.0, 10, 0.1, 0.0, 1, 0.05) for effect in (3.0, 2.0, 1.0, 0.01)]
    assert asked == sorted(asked)
    assert asked[0] >= 1
    assert math.isinf(asked[-1])


def test_an_effect_that_is_nothing_asks_for_pairs_that_show_it():
    """An estimate of 0 is settled by an interval that fits into the region, not by a finding."""
    wide, narrow = (more_pairs(0.0, 1.0, 10, 1.0, rope, 1, 0.05) for rope in (3.0, 1.5))
    assert 1 <= wide < narrow <= MOST


def test_more_tests_ask_for_more_pairs():
    """Holm's worst case has to be reached."""
    assert more_pairs(2.0, 1.0, 10, 0.05, 0.0, 8, 0.05) > more_pairs(
        2.0, 1.0, 10, 0.05, 0.0, 1, 0.05
    )


def test_nothing_is_known_of_a_single_pair():
    """No spread, no number."""
    assert math.isnan(more_pairs(0.1, math.nan, 1, math.nan, 0.005, 1, 0.05))
