"""Two arms that each take their best cell: known cases, invariances, and error rates simulated."""

from __future__ import annotations

import math
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from suite.stats.arms import RESAMPLES, Arm, Duel, resamples

seeds = st.integers(0, 2**32 - 1)


def arm(random, merits, pairs: int, noise: float = 1.0, scatter: float | None = None) -> Arm:
    """Cells of such merits: validation and test each with a noise of their own."""
    merits = np.asarray(merits, float)[:, None]
    drawn = random.normal(size=(2, len(merits), pairs))
    return Arm(noise * drawn[0] - merits, merits + (scatter or noise) * drawn[1])


def duel(seed: int, merits=(0.0, 0.2, 0.4), pairs: int = 8, gain: float = 0.0) -> Duel:
    """Two arms alike but for `gain`."""
    random = np.random.default_rng(seed)
    a, b = arm(random, merits, pairs), arm(random, merits, pairs)
    return Duel(Arm(a.loss, a.score + gain), b)


def alone(differences) -> Duel:
    """Arms of one cell each, that differ by so much."""
    values = np.asarray(differences, float)[None]
    return Duel(Arm(np.zeros_like(values), values), Arm(np.zeros_like(values), 0 * values))


# What is chosen.


def test_the_chosen_cell_is_best_on_validation_not_on_test():
    """Losses of .5 and .4 on average: the second cell, whatever the test metric."""
    own = Arm(np.array([[0.1, 0.9], [0.4, 0.4]]), np.array([[1.0, 1.0], [0.2, 0.3]]))
    assert own.chosen == 1
    assert own.best.tolist() == [0.2, 0.3]


def test_the_first_of_equals_is_chosen():
    """Two cells of the same loss."""
    assert Arm(np.full((3, 4), 0.5), np.zeros((3, 4))).chosen == 0


@pytest.mark.parametrize("pairs", [2, 20, 200])
@pytest.mark.parametrize("lost", [math.inf, math.nan])
def test_a_cell_that_diverged_once_loses_against_one_that_never_did(pairs, lost):
    """However good it was on the other seeds, and however many they are."""
    loss = np.vstack([np.ones(pairs), np.zeros(pairs)])
    loss[1, 0] = lost
    assert Arm(loss, loss).chosen == 0


def test_of_cells_that_all_diverged_the_one_that_did_least_often_is_chosen():
    """Once beats twice, although the loss of the other seeds is worse."""
    loss = np.array([[math.inf, math.inf, 0.0, 0.0], [5.0, 5.0, 5.0, math.inf]])
    assert Arm(loss, loss).chosen == 1


def test_a_resample_chooses_by_the_seeds_it_holds():
    """Seed 0 twice: the first cell, .1; seed 1 twice: the second, .4; both: a tie, the first."""
    own = Arm(np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([[0.1, 0.3], [0.2, 0.4]]))
    draws = np.array([[2, 0], [0, 2], [1, 1]])
    assert own.tuned(draws) == pytest.approx([0.1, 0.4, 0.2])


# Arms of one cell.


@pytest.mark.parametrize("pairs", [6, 10, 15, 40])
def test_with_one_cell_it_is_students_paired_test(pairs):
    """Within the noise of the resamples: 2% of the spread for the mean, 8% for its error."""
    values = np.random.default_rng(pairs).normal(0.5, 1, pairs)
    found = alone(values)
    error = stats.sem(values)
    assert found.effect == pytest.approx(values.mean(), abs=4 * error / math.sqrt(RESAMPLES))
    assert found.error == pytest.approx(error, rel=0.08)
    low, high = stats.t.interval(0.95, pairs - 1, values.mean(), error)
    assert found.interval().low == pytest.approx(low, abs=0.25 * error)
    assert found.interval().high == pytest.approx(high, abs=0.25 * error)


def test_a_clear_winner_in_both_arms_leaves_the_pairs_of_two_cells():
    """One cell far ahead on validation: as if there were no other."""
    random = np.random.default_rng(3)
    scores = random.normal(size=(2, 5, 12))
    loss = np.ones((5, 12))
    loss[2] = -9.0
    found = Duel(Arm(loss, scores[0]), Arm(loss, scores[1]))
    single = alone(scores[0, 2] - scores[1, 2])
    assert found.effect == pytest.approx(single.effect)
    assert found.error == pytest.approx(single.error)
    assert found.differences == pytest.approx(single.differences)


# Properties.


@given(seeds, st.floats(-3, 3))
@settings(deadline=None, database=None, max_examples=40)
def test_the_other_way_round_the_effect_changes_its_sign_alone(seed, gain):
    """Exchanging the arms mirrors effect, interval and sides, and keeps error and p-value."""
    one = duel(seed, gain=gain)
    two = Duel(one.b, one.a)
    assert two.effect == pytest.approx(-one.effect)
    assert two.error == pytest.approx(one.error)
    assert two.p_value() == pytest.approx(one.p_value())
    assert two.p_value(side=1.0) == pytest.approx(one.p_value(side=-1.0))
    assert two.interval().low == pytest.approx(-one.interval().high)


@given(seeds, st.sampled_from([0.5, 0.9, 0.95, 0.99]), st.integers(2, 16))
@settings(deadline=None, database=None, max_examples=60)
def test_p_value_and_interval_agree(seed, level, pairs):
    """p is below 1 - level exactly where 0 is outside the interval, which holds the effect."""
    found = duel(seed, pairs=pairs, gain=0.8)
    interval = found.interval(level)
    assert interval.low <= interval.estimate == found.effect <= interval.high
    assert (found.p_value() < 1 - level) == (not interval.low <= 0 <= interval.high)


@given(seeds, st.floats(-5, 5), st.floats(-5, 5))
@settings(deadline=None, database=None, max_examples=40)
def test_an_effect_on_all_cells_moves_the_estimate_and_nothing_else(seed, gain, eased):
    """Scores better by a constant, and losses lower by another: same choices, same error."""
    plain = duel(seed)
    moved = Duel(Arm(plain.a.loss - eased, plain.a.score + gain), plain.b)
    assert moved.effect == pytest.approx(plain.effect + gain, abs=1e-9)
    assert moved.error == pytest.approx(plain.error, abs=1e-9)


@given(seeds, st.sampled_from([1e-9, 1e9]))
@settings(deadline=None, database=None, max_examples=20)
def test_the_unit_of_the_metric_does_not_matter(seed, unit):
    """Effect and error scale with it; the p-value stays."""
    plain = duel(seed, gain=0.5)
    scaled = Duel(*(Arm(own.loss, unit * own.score) for own in (plain.a, plain.b)))
    assert scaled.effect == pytest.approx(unit * plain.effect)
    assert scaled.p_value() == pytest.approx(plain.p_value())


def test_the_sides_add_up():
    """One-sided p-values sum to 1, and the two-sided one is twice the smaller."""
    found = duel(1, gain=0.6)
    more, less = found.p_value(side=1.0), found.p_value(side=-1.0)
    assert more + less == pytest.approx(1)
    assert found.p_value() == pytest.approx(2 * min(more, less))


def test_the_resamples_can_be_drawn_again():
    """Each draws as many seeds as there are, and they are those that the docstring names."""
    draws = resamples(7)
    assert (draws.sum(axis=1) == 7).all()
    again = np.random.default_rng(0).multinomial(7, [1 / 7] * 7, RESAMPLES)
    assert (draws == again).all()


# Edges.


def test_identical_arms_do_not_differ():
    """Recorded twice: no effect, no error, p of 1, an interval of no width."""
    own = duel(5).a
    found = Duel(own, own)
    assert (found.effect, found.error, found.p_value()) == (0, 0, 1)
    assert (found.interval().low, found.interval().high) == (0, 0)


@pytest.mark.parametrize("gain", [0.01, -0.01])
@pytest.mark.parametrize("pairs", [2, 5, 6, 10])
def test_equal_differences_are_worth_as_many_equal_signs(gain, pairs):
    """No spread is no certainty: 2 / 2^n, never 0, and 1 on the other side."""
    found = alone([gain] * pairs)
    side = math.copysign(1, gain)
    assert found.p_value() == 2 / 2**pairs
    assert found.p_value(side=side) == 1 / 2**pairs
    assert found.p_value(side=-side) == 1
    assert found.interval().low == pytest.approx(gain)


def test_without_pairs_nothing_is_known_and_of_one_only_the_difference():
    """NaN for what a sample of none or one cannot tell; nothing warns."""
    none, one = alone([]), alone([0.3])
    assert none.pairs == 0
    assert math.isnan(none.effect)
    assert none.differences.shape == (0,)
    assert one.effect == pytest.approx(0.3)
    for found in (none, one):
        assert math.isnan(found.error)
        assert math.isnan(found.p_value())
        assert math.isnan(found.p_value(side=1.0))
        assert math.isnan(found.interval().low)


def test_arms_without_cells_have_no_pairs():
    """No cell faces another: nothing is compared, and nothing is raised."""
    none = Arm(np.empty((0, 6)), np.empty((0, 6)))
    found = Duel(none, duel(0, pairs=6).b)
    assert found.pairs == 0
    assert math.isnan(found.p_value())
    assert found.differences.shape == (0,)


def test_an_arm_that_always_diverged_counts_with_its_score():
    """All losses infinite: the trivial predictor's score is compared, and loses."""
    good = arm(np.random.default_rng(0), [3.0, 3.2], 8)
    lost = Arm(np.full((2, 8), math.inf), np.zeros((2, 8)))
    found = Duel(lost, good)
    assert found.effect < -2
    assert found.p_value() < 0.001
    assert Duel(lost, lost).p_value() == 1


def test_a_score_that_is_not_a_number_has_no_p_value():
    """NaN, not a finding."""
    found = alone([math.nan, 1.0, 1.0, 1.0, 1.0, 1.0])
    assert math.isnan(found.p_value())
    assert math.isnan(found.interval().low)


def test_huge_losses_do_not_blur_small_ones():
    """Cells that nearly diverged, at 1e30, leave the choice among those at 1e-3 alone."""
    loss = np.array([[2e-3] * 6, [1e-3] * 6, [1e30] * 6])
    assert Arm(loss, loss).tuned(resamples(6)) == pytest.approx(1e-3)


# Error rates.


def rates(merits, pairs: int, repeats: int, scatter: float = 1.0) -> tuple[float, float]:
    """How often equal arms differ at 5%: by the duel, and by the pairs of the chosen cells."""
    random = np.random.default_rng(0)
    duels = (
        Duel(*(arm(random, merits, pairs, 1.0, scatter) for _ in "ab")) for _ in range(repeats)
    )
    both = [
        (d.p_value() <= 0.05, stats.ttest_1samp(d.differences, 0).pvalue <= 0.05) for d in duels
    ]
    own, naive = np.mean(both, axis=0)
    return float(own), float(naive)


@pytest.mark.parametrize("merits", [[0.0], [0.0, 3.0], [0.0, 1.0, 2.0, 6.0]], ids=len)
def test_equal_arms_with_a_clear_best_cell_differ_in_5_percent(merits):
    """Where validation leaves no doubt, the level is met: 3 to 8 percent of 700."""
    assert 0.03 <= rates(merits, 8, 700)[0] <= 0.08


def test_equal_arms_whose_cells_validation_cannot_tell_apart_differ_in_5_percent_at_most():
    """Cells half a unit apart on test, of which noisy validation picks one: the pairs of the chosen
    cells, taken as they are, differ in over 20 percent; the duel holds its level.
    """
    own, naive = rates(np.linspace(0, 0.5, 6), 10, 500, scatter=0.2)
    assert own <= 0.06
    assert naive >= 0.20


def test_a_planted_effect_is_found():
    """One and a half units on every cell, ten pairs: in 80% or more, and never the wrong way."""
    found = [duel(seed, pairs=10, gain=1.5) for seed in range(200)]
    assert np.mean([d.p_value() <= 0.05 for d in found]) >= 0.8
    assert all(d.effect > 0 for d in found if d.p_value() <= 0.05)


def test_the_interval_covers_the_effect_of_the_technique():
    """A gain of 1 on every cell: in 92% or more of 400 duels the 95% interval holds it."""
    found = [duel(seed, pairs=10, gain=1.0).interval() for seed in range(400)]
    assert np.mean([i.low <= 1.0 <= i.high for i in found]) >= 0.92


@pytest.mark.slow
@pytest.mark.parametrize("cells", [1, 2, 12, 72])
@pytest.mark.parametrize("pairs", [6, 10, 20])
def test_equal_arms_never_differ_more_often_than_they_may(cells, pairs):
    """2,000 duels of equal arms, merits spread by .3 of the noise: 6.5% at the most, at 5%."""
    merits = 0.3 * np.random.default_rng(9).normal(size=cells)
    assert rates(merits, pairs, 2000)[0] <= 0.065


# Cost.


def test_a_large_task_is_judged_in_no_time():
    """288 cells, ten seeds: p-values and interval within .15 s (the fastest of five)."""
    resamples(10)
    taken = []
    for seed in range(5):
        own = duel(seed, np.linspace(0, 1, 288), 10)
        begun = time.perf_counter()
        own.interval(), own.p_value(), own.p_value(side=1.0)
        taken.append(time.perf_counter() - begun)
    assert min(taken) < 0.15


def test_a_thousand_cells_stay_within_memory():
    """1,000 cells on 20 seeds take less than 100 MB."""
    own = duel(0, np.linspace(0, 1, 1000), 20)
    tracemalloc.start()
    own.interval()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100e6
