"""What holds over tasks: published figures, and an implementation of somebody else's."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import friedmanchisquare

from suite.stats.across import (
    critical_difference,
    friedman_power,
    over_tasks,
    ranking_over,
)

ROUNDING = np.array(  # Hollander & Wolfe 1973, p. 140: seconds of 22 players by three methods
    [
        "5.40",
        "5.50",
        "5.55",
        "5.85",
        "5.70",
        "5.75",
        "5.20",
        "5.60",
        "5.50",
        "5.55",
        "5.50",
        "5.40",
        "5.90",
        "5.85",
        "5.70",
        "5.45",
        "5.55",
        "5.60",
        "5.40",
        "5.40",
        "5.35",
        "5.45",
        "5.50",
        "5.35",
        "5.25",
        "5.15",
        "5.00",
        "5.85",
        "5.80",
        "5.70",
        "5.25",
        "5.20",
        "5.10",
        "5.65",
        "5.55",
        "5.45",
        "5.60",
        "5.35",
        "5.45",
        "5.05",
        "5.00",
        "4.95",
        "5.50",
        "5.50",
        "5.40",
        "5.45",
        "5.55",
        "5.50",
        "5.55",
        "5.55",
        "5.35",
        "5.45",
        "5.50",
        "5.55",
        "5.50",
        "5.45",
        "5.25",
        "5.65",
        "5.60",
        "5.40",
        "5.70",
        "5.65",
        "5.55",
        "6.30",
        "6.30",
        "6.25",
    ],
    dtype=float,
).reshape(22, 3)
METHODS = ["round out", "narrow angle", "wide angle"]


def test_friedmans_test_has_the_published_p_value():
    """R's `friedman.test(RoundingTimes)`: chi-squared 11.143, p = 0.003805."""
    assert friedmanchisquare(*ROUNDING.T).statistic == pytest.approx(11.143, abs=5e-4)
    found = ranking_over(pd.DataFrame(-ROUNDING, columns=METHODS))
    assert found.p_value == pytest.approx(0.003805, abs=5e-7)
    assert found.ranks.idxmin() == "wide angle"
    assert found.claimed


def test_pairs_are_told_apart_by_name():
    """Who differs, Holm-adjusted, symmetric, nobody from himself."""
    found = ranking_over(pd.DataFrame(-ROUNDING, columns=METHODS)).pairwise
    assert found.loc["round out", "wide angle"] < 0.01
    assert found.loc["round out", "narrow angle"] > 0.05
    assert (found == found.T).all(axis=None)
    assert (np.diag(found) == 1).all()


@pytest.mark.parametrize(("treatments", "q"), [(2, 1.960), (3, 2.343), (5, 2.728), (10, 3.164)])
def test_critical_differences_are_demsars(treatments, q):
    """Table 5 of Demsar 2006, for 20 data sets."""
    known = q * math.sqrt(treatments * (treatments + 1) / (6 * 20))
    assert critical_difference(treatments, 20) == pytest.approx(known, rel=5e-4)


def test_few_tasks_claim_nothing():
    """Ranks are there; below ten tasks they are no claim, and below two no test."""
    few = ranking_over(pd.DataFrame(-ROUNDING[:4], columns=METHODS))
    assert not few.claimed
    assert few.power < 0.5
    assert math.isnan(ranking_over(pd.DataFrame(-ROUNDING[:1], columns=METHODS)).p_value)


def test_power_grows_with_the_blocks():
    """And is the error rate where nothing differs."""
    assert friedman_power(4, 5) < friedman_power(4, 15) < friedman_power(4, 60)
    assert friedman_power(4, 20, step=0.0) == pytest.approx(0.05, abs=0.02)


def test_an_effect_over_tasks_resamples_tasks():
    """Four tasks give Student's interval, one gives none."""
    found = over_tasks([0.1, 0.2, 0.3, 0.4])
    assert found.estimate == pytest.approx(0.25)
    assert found.low < 0.25 < found.high
    assert math.isnan(over_tasks([0.1]).low)
