"""Hyperband in conversation: the published schedule, promotions, divergence, small spaces."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import pytest
from keras_tuner.oracles import HyperbandOracle
from searching import (
    continuous_space,
    loss_of,
    space_of_12,
    usual,
    whole_search,
)

from suite.search.cells import point
from suite.search.conversation import Conversation


def hyperband(max_epochs, iterations=1, space=continuous_space):
    """A conversation with Hyperband of factor 3."""
    oracle = HyperbandOracle(
        max_epochs=max_epochs, factor=3, hyperband_iterations=iterations, **usual(space())
    )
    return Conversation(oracle, seed=0)


def test_asking_on_without_telling_waits():
    """Hyperband's last bracket wants results: fewer than asked, and not finished."""
    talk = hyperband(max_epochs=3)
    started = talk.ask(100)
    assert 0 < len(started) < 100
    assert talk.ask(1) == []
    assert not talk.finished
    talk.tell({one.trial_id: loss_of(one) for one in started})
    assert {one.parent for one in talk.ask(100)} <= {one.trial_id for one in started}


HALVING = {
    # By hand from Li et al. 2018: s = floor(log3 R) .. 0, n = ceil((floor(log3 R) + 1) / (s + 1)
    # * 3 ** s) configurations at R / 3 ** s epochs, of which a third goes on to thrice the epochs.
    # (configurations, epochs) of each rung; in brackets of KerasTuner where it rounds up.
    27: [
        [(27, 1), (9, 3), (3, 9), (1, 27)],
        [(12, 3), (4, 9), (2, 27)],  # Li et al.: 12, 4, 1
        [(6, 9), (2, 27)],
        [(4, 27)],
    ],
    81: [
        [(81, 1), (27, 3), (9, 9), (3, 27), (1, 81)],
        [(34, 3), (12, 9), (4, 27), (2, 81)],  # Li et al.: 34, 11, 3, 1
        [(15, 9), (5, 27), (2, 81)],  # Li et al.: 15, 5, 1
        [(8, 27), (3, 81)],  # Li et al.: 8, 2
        [(5, 81)],
    ],
}


@pytest.mark.parametrize("batch", [1, 8, 50])
@pytest.mark.parametrize("max_epochs", HALVING)
def test_hyperband_trains_the_published_schedule(max_epochs, batch):
    """Rung by rung and epoch by epoch, in batches of any size.

    KerasTuner differs from Li et al. (2018) in that it rounds the sizes of later rungs up where the
    paper rounds down, so that a bracket may end with two instead of one; and in that a promoted
    trial trains on from where it stood, so that it costs the further epochs only.
    """
    found = whole_search(hyperband(max_epochs), batch=batch)
    ends = Counter((one.initial_epoch, one.epochs) for one in found)
    expected: Counter[tuple[int, int]] = Counter()
    for bracket in HALVING[max_epochs]:
        expected[0, bracket[0][1]] += bracket[0][0]
        for (_, before), (size, epochs) in pairwise(bracket):
            expected[before, epochs] += size
    assert ends == expected
    trained = sum(one.epochs - one.initial_epoch for one in found)
    assert trained == sum(n * (end - start) for (start, end), n in expected.items())


def test_hyperbands_sizes_are_keras_tuners_own():
    """The schedule written out above is what its oracle says of itself."""
    for max_epochs, brackets in HALVING.items():
        oracle = hyperband(max_epochs).oracle
        for number, bracket in zip(range(len(brackets))[::-1], brackets, strict=True):
            sizes = [
                (oracle._get_size(number, rung), oracle._get_epochs(number, rung))
                for rung in range(number + 1)
            ]
            assert sizes == bracket


def test_hyperband_promotes_the_best():
    """A promoted trial goes on from its parent, with its values; none better was left."""
    found = {one.trial_id: one for one in whole_search(hyperband(max_epochs=9))}
    promoted = [one for one in found.values() if one.parent]
    first_rung = [one for one in found.values() if one.epochs == 1]
    chosen = {one.parent for one in promoted if one.initial_epoch == 1}
    assert len(first_rung) == 9
    assert chosen == {o.trial_id for o in sorted(first_rung, key=loss_of)[:3]}
    for one in promoted:
        assert one.values == found[one.parent].values
        assert one.initial_epoch == found[one.parent].epochs < one.epochs
        assert not any(name.startswith("tuner/") for name in one.values)


def test_hyperband_starts_a_cell_again_with_more_epochs_only():
    """Where all cells of a small space were tried, brackets draw anew, as the algorithm does."""
    found = whole_search(hyperband(max_epochs=9, iterations=10**6, space=space_of_12))
    fresh = [(point(one.values), one.epochs) for one in found if one.parent is None]
    assert len(set(fresh)) == len(fresh) > 12
    assert len({cell for cell, _ in fresh}) == 12


@pytest.mark.parametrize("batch", [3, 8])
def test_hyperband_promotes_no_diverged_trial_over_a_finite_one(batch):
    """Nor waits for it: every bracket comes to its end, though every third trial diverges."""
    found, scores = {}, {}

    def score(one):
        found[one.trial_id] = one
        value = None if len(found) % 3 == 0 else 100.0 - len(found)  # later ones are better
        scores[one.trial_id] = value
        return value

    asked = whole_search(hyperband(max_epochs=27), score, batch)
    expected = Counter(end for bracket in HALVING[27] for n, end in bracket for _ in range(n))
    assert Counter(one.epochs for one in asked) == expected
    parents = {one.parent for one in asked if one.parent}
    assert len(parents) == 9 + 3 + 1 + 4 + 2 + 2
    assert all(scores[parent] is not None for parent in parents)
