"""What holds over tasks: published examples, autorank, and what few tasks cannot say."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from autorank import autorank
from scipy import stats

from suite.stats.across import critical_difference, friedman_power, over_tasks, ranking_over
from suite.stats.paired import wilcoxon

ROUNDING = [  # Hollander & Wolfe 1973, p. 140, as in R's ?friedman.test: seconds to first base
    *([5.40, 5.50, 5.55], [5.85, 5.70, 5.75], [5.20, 5.60, 5.50], [5.55, 5.50, 5.40]),
    *([5.90, 5.85, 5.70], [5.45, 5.55, 5.60], [5.40, 5.40, 5.35], [5.45, 5.50, 5.35]),
    *([5.25, 5.15, 5.00], [5.85, 5.80, 5.70], [5.25, 5.20, 5.10], [5.65, 5.55, 5.45]),
    *([5.60, 5.35, 5.45], [5.05, 5.00, 4.95], [5.50, 5.50, 5.40], [5.45, 5.55, 5.50]),
    *([5.55, 5.55, 5.35], [5.45, 5.50, 5.55], [5.50, 5.45, 5.25], [5.65, 5.60, 5.40]),
    *([5.70, 5.65, 5.55], [6.30, 6.30, 6.25]),
]


def table(rows, names="abcdefgh") -> pd.DataFrame:
    """Scores with a column a treatment."""
    rows = np.asarray(rows, float)
    return pd.DataFrame(rows, columns=list(names[: rows.shape[1]]))


def drawn(blocks: int, treatments: int, step: float = 0.4, seed: int = 0) -> pd.DataFrame:
    """Normal scores, each treatment better than the one before."""
    noise = np.random.default_rng(seed).normal(size=(blocks, treatments))
    return table(noise + step * np.arange(treatments))


# Friedman, Nemenyi, Conover.


def test_friedmans_test_gives_the_published_p_value():
    """R: friedman.test(RoundingTimes): chi-squared = 11.143, df = 2, p-value = 0.003805."""
    found = ranking_over(table(ROUNDING))
    assert found.p_value == pytest.approx(0.003805, abs=5e-7)
    assert stats.chi2.isf(found.p_value, 2) == pytest.approx(11.143, abs=5e-4)


@pytest.mark.parametrize(
    ("treatments", "q"),
    [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (6, 2.850), (7, 2.949), (8, 3.031)],
)
def test_critical_differences_use_the_published_quantiles(treatments, q):
    """Demsar 2006, table 5a, for 5%; with k (k + 1) = 6 N the difference is the quantile."""
    blocks = treatments * (treatments + 1)
    assert critical_difference(treatments, blocks) * math.sqrt(6) == pytest.approx(q, abs=1e-3)


@pytest.mark.parametrize(("alpha", "difference"), [(0.05, 1.25), (0.10, 1.12)])
def test_critical_differences_of_the_published_example(alpha, difference):
    """Demsar 2006, section 3.2.2: four classifiers on 14 data sets."""
    assert critical_difference(4, 14, alpha) == pytest.approx(difference, abs=5e-3)


@pytest.mark.parametrize(("blocks", "treatments"), [(6, 3), (12, 4), (25, 6)])
def test_ranks_p_value_and_critical_difference_agree_with_autorank(blocks, treatments):
    """autorank, forced to Friedman and Nemenyi."""
    scores = drawn(blocks, treatments)
    found = ranking_over(scores)
    theirs = autorank(scores, alpha=0.05, force_mode="nonparametric")
    assert theirs.omnibus == "friedman"
    assert found.p_value == pytest.approx(theirs.pvalue)
    assert found.critical_difference == pytest.approx(theirs.cd, rel=1e-4)  # it has a table
    assert found.ranks.to_dict() == pytest.approx(theirs.rankdf["meanrank"].to_dict())


def test_wilcoxons_test_agrees_with_autorank():
    """Two populations, twelve pairs; autorank asks whether the better one is better, one-sided."""
    scores = drawn(12, 2)
    theirs = autorank(scores, alpha=0.05, force_mode="nonparametric")
    assert theirs.omnibus == "wilcoxon"
    assert wilcoxon(scores["a"] - scores["b"]) == pytest.approx(2 * theirs.pvalue)


def test_pairs_are_compared_by_conovers_formula():
    """Conover 1999, section 5.8, by hand: |R_i - R_j| over its error is t with (b-1)(k-1) df."""
    scores = drawn(10, 3)
    ranks = stats.rankdata(scores.to_numpy(), axis=1)
    sums, blocks, k = ranks.sum(axis=0), 10, 3
    error = math.sqrt(2 * (blocks * (ranks**2).sum() - (sums**2).sum()) / ((blocks - 1) * (k - 1)))
    pairs = [("a", "b"), ("a", "c"), ("b", "c")]
    away = [abs(sums["abc".index(x)] - sums["abc".index(y)]) for x, y in pairs]
    raw = np.array([2 * stats.t.sf(d / error, (blocks - 1) * (k - 1)) for d in away])
    order = np.argsort(raw)
    expected = np.empty(3)
    expected[order] = np.minimum(1, np.maximum.accumulate(raw[order] * [3, 2, 1]))
    found = ranking_over(scores).pairwise
    assert [found.loc[x, y] for x, y in pairs] == pytest.approx(expected)
    assert (found.to_numpy() == found.to_numpy().T).all()
    assert (np.diag(found) == 1).all()


# Ranks.


def test_the_best_has_rank_one_and_ties_share():
    """Scores 3, 2, 2 and 1, 5, 3: ranks 1, 2.5, 2.5 and 3, 1, 2; their means."""
    found = ranking_over(table([[3, 2, 2], [1, 5, 3]]))
    assert found.ranks.to_dict() == {"a": 2.0, "b": 1.75, "c": 2.25}


def test_an_order_is_what_counts_not_the_size():
    """Any increasing change of a block's scores leaves all as it is; so does minus infinity."""
    scores = drawn(8, 4)
    plain, bent = ranking_over(scores), ranking_over(np.exp(scores) * 1e6)
    assert bent.ranks.to_dict() == plain.ranks.to_dict()
    assert bent.p_value == pytest.approx(plain.p_value)
    assert bent.pairwise.to_numpy() == pytest.approx(plain.pairwise.to_numpy())


def test_few_tasks_claim_no_ranks():
    """From ten on."""
    assert not ranking_over(drawn(9, 3)).claimed
    assert ranking_over(drawn(10, 3)).claimed


@pytest.mark.parametrize(("blocks", "least"), [(2, 1 / 6), (5, 1 / 6**4)])
def test_tasks_that_all_agree_are_as_sure_as_their_number_allows(blocks, least):
    """No variance is left: p is the chance of agreement, (3!)^(1 - blocks), not 0; no warning."""
    found = ranking_over(table([[1, 2, 3]] * blocks)).pairwise
    assert found.loc["a", "b"] == found.loc["a", "c"] == pytest.approx(least)


def test_two_that_always_tie_are_not_told_apart():
    """a and b equal, c better, in every block."""
    found = ranking_over(table([[1, 1, 2]] * 5)).pairwise
    assert found.loc["a", "b"] == 1
    assert found.loc["a", "c"] == found.loc["b", "c"] == pytest.approx(1 / 6**4)


def test_where_everything_ties_nothing_differs():
    """p-values of 1, and nothing warns."""
    found = ranking_over(table([[1, 1, 1]] * 6))
    assert found.p_value == 1
    assert (found.pairwise == 1).all(axis=None)
    assert set(found.ranks) == {2.0}


@pytest.mark.parametrize("shape", [(5, 2), (1, 3), (0, 3), (0, 0)])
def test_too_few_have_no_test(shape):
    """Below three treatments or two blocks: ranks where there are any, and NaN."""
    found = ranking_over(table(np.arange(shape[0] * shape[1]).reshape(shape)))
    assert math.isnan(found.p_value)
    assert math.isnan(found.critical_difference)
    assert (found.power, found.claimed) == (0, False)
    assert len(found.ranks) == shape[1]
    assert found.ranks.isna().all() == (shape[0] == 0 or shape[1] == 0)


# Power.


@pytest.mark.parametrize(("treatments", "blocks"), [(3, 6), (4, 12), (5, 24)])
def test_the_power_is_the_rate_at_which_friedmans_test_finds_the_planted_order(treatments, blocks):
    """600 simulated tables with half a standard deviation between neighbours: within .08."""
    found = [drawn(blocks, treatments, 0.5, seed).to_numpy() for seed in range(600)]
    rate = np.mean([stats.friedmanchisquare(*one.T).pvalue <= 0.05 for one in found])
    assert friedman_power(treatments, blocks) == pytest.approx(rate, abs=0.08)


def test_power_grows_with_blocks_and_with_the_effect():
    """And is at most alpha without any effect; two blocks of three cannot reach 5% at all."""
    assert friedman_power(4, 6) < friedman_power(4, 12) < friedman_power(4, 30)
    assert friedman_power(4, 12, step=0.2) < friedman_power(4, 12, step=0.8)
    assert friedman_power(4, 12, step=0.0) <= 0.065
    assert friedman_power(3, 2, step=5.0) == 0


# Tasks resampled.


def test_an_effect_over_few_tasks_has_students_interval():
    """Five tasks: scipy's t interval of their effects; one task: an effect and no interval."""
    effects = [0.1, 0.3, -0.1, 0.2, 0.4]
    low, high = stats.t.interval(0.95, 4, np.mean(effects), stats.sem(effects))
    found = over_tasks(effects)
    assert (found.estimate, found.low, found.high) == pytest.approx((0.18, low, high))
    assert over_tasks([0.3]).estimate == 0.3
    assert math.isnan(over_tasks([0.3]).low)


def test_tasks_are_resampled_from_eight_on():
    """24 tasks: near scipy's t interval, and inside the range of the effects."""
    effects = np.random.default_rng(0).normal(0.2, 0.5, 24)
    low, high = stats.t.interval(0.95, 23, effects.mean(), stats.sem(effects))
    found = over_tasks(effects)
    assert found.low == pytest.approx(low, abs=0.1 * (high - low))
    assert found.high == pytest.approx(high, abs=0.1 * (high - low))
