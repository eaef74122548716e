"""One word for a comparison: each case by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from suite.stats.intervals import Interval
from suite.stats.verdict import Verdict, verdict

sizes = st.floats(-10, 10)


@pytest.mark.parametrize(
    ("bounds", "p_value", "word"),
    [
        ((0.3, 0.8, 1.4), 0.01, "helps"),
        ((-1.4, -0.8, -0.3), 0.01, "hurts"),
        ((0.01, 0.05, 0.09), 0.01, "equivalent"),  # sure to be there, and too small to matter
        ((-0.05, 0.0, 0.09), 0.9, "equivalent"),
        ((-0.1, 0.0, 0.1), 0.9, "equivalent"),  # the region includes its bounds
        ((-0.05, 0.03, 0.11), 0.3, "underpowered"),  # reaches beyond the region on one side
        ((-0.4, 0.2, 0.8), 0.3, "underpowered"),
        ((0.05, 0.3, 0.6), 0.05, "helps"),  # alpha itself is reached
        ((0.05, 0.3, 0.6), 0.051, "underpowered"),  # Holm took it away
        ((0.0, 0.0, 0.0), 1.0, "equivalent"),
    ],
)
def test_the_word_follows_from_interval_and_p_value(bounds, p_value, word):
    """With a region of .1 on either side and ten pairs."""
    low, estimate, high = bounds
    assert verdict(Interval(estimate, low, high), p_value, 10, 0.1) == word


@pytest.mark.parametrize("pairs", range(6))
def test_five_pairs_say_nothing(pairs):
    """The least p-value of five pairs is .0625: neither a finding nor equivalence is claimed."""
    assert verdict(Interval(0.8, 0.7, 0.9), 0.001, pairs, 0.1) is Verdict.UNDERPOWERED
    assert verdict(Interval(0.0, 0.0, 0.0), 1.0, pairs, 0.1) is Verdict.UNDERPOWERED


def test_a_stricter_alpha_asks_for_more_pairs():
    """At .01 seven pairs (.0156) cannot settle anything; eight (.0078) can."""
    interval = Interval(0.8, 0.7, 0.9)
    assert verdict(interval, 0.001, 7, 0.1, alpha=0.01) is Verdict.UNDERPOWERED
    assert verdict(interval, 0.001, 8, 0.1, alpha=0.01) is Verdict.HELPS


@pytest.mark.parametrize("p_value", [0.0, 0.01, 1.0, math.nan])
def test_what_is_not_a_number_is_no_finding(p_value):
    """NaN bounds, a NaN estimate or a NaN p-value: underpowered, not "hurts"."""
    nothing = Interval(math.nan, math.nan, math.nan)
    assert verdict(nothing, p_value, 10, 0.1) is Verdict.UNDERPOWERED
    assert verdict(Interval(0.8, 0.3, 1.4), math.nan, 10, 0.1) is Verdict.UNDERPOWERED


def test_a_known_sign_without_bounds_is_a_finding():
    """An interval may be missing where the test is not."""
    assert verdict(Interval(0.8, math.nan, math.nan), 0.01, 10, 0.1) is Verdict.HELPS


@given(sizes, st.floats(0, 5), st.floats(0, 1), st.integers(0, 30), st.floats(0, 2))
def test_the_other_way_round_helps_is_hurts(estimate, reach, p_value, pairs, rope):
    """And the other two words stay as they are."""
    mirrored = {Verdict.HELPS: Verdict.HURTS, Verdict.HURTS: Verdict.HELPS}
    one = Interval(estimate, estimate - reach, estimate + reach)
    two = Interval(-estimate, -one.high, -one.low)
    found = verdict(one, p_value, pairs, rope)
    assert verdict(two, p_value, pairs, rope) is mirrored.get(found, found)
