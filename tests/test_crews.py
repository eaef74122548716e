"""Laying out members over devices, seeds and configs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support import trial

from suite.engines.crews import SLACK, even, musters, shape_for, small_of
from suite.engines.program import Shape
from suite.families import Member

members_of = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 30)), min_size=1, max_size=80, unique=True
).map(lambda pairs: [Member(trial("t", seed=s, l1=float(i)), {}, []) for s, i in pairs])


@given(members=members_of, lanes=st.integers(1, 4), width=st.integers(1, 20))
def test_every_member_sails_once_and_lanes_hold_what_they_may(members, lanes, width):
    """Each member counts exactly once; configs of one place share a seed; one shape for all."""
    laid = musters(members, shape_for(members, lanes, width))
    keys = [member.trial.key for muster in laid for _, member in muster.counted]
    assert sorted(keys) == sorted(member.trial.key for member in members)
    assert len({muster.shape for muster in laid}) == 1
    for muster in laid:
        shape = muster.shape
        assert shape.seeds * shape.configs <= max(width, 1)
        assert len(muster.crew) == shape.lanes == lanes
        for lane in muster.crew:
            assert len(lane) == shape.seeds
            for same in lane:
                assert len(same) == shape.configs
                assert len({member.trial.seed for member in same}) == 1
        for (lane, seed, config), member in muster.counted:
            assert muster.crew[lane][seed][config] is member


@given(count=st.integers(1, 500), width=st.integers(1, 100))
def test_even_groups_are_full_and_narrow_enough(count, width):
    """Groups are at most `width`, and no smaller size would do with as few groups."""
    size = even(count, width)
    assert size <= width or size == 1
    assert -(-count // size) == -(-count // width)


def spread(counts: list[int]) -> list[Member]:
    """So many members of each seed."""
    return [
        Member(trial("t", seed=seed, l1=float(i)), {}, [])
        for seed, count in enumerate(counts)
        for i in range(count)
    ]


@given(counts=st.lists(st.integers(1, 40), min_size=1, max_size=10), width=st.integers(1, 64))
def test_no_other_layout_leaves_far_fewer_places_empty(counts, width):
    """Of all shapes with fewer configs side by side, none saves more than the slack."""
    members, lanes = spread(counts), 2
    chosen = shape_for(members, lanes, width)
    taken = len(musters(members, chosen)) * chosen.members
    for configs in range(1, chosen.configs):
        groups = sum(-(-count // configs) for count in counts)
        other = Shape(lanes, even(-(-groups // lanes), max(1, width // configs)), configs)
        places = len(musters(members, other)) * other.members
        assert taken <= (1 + SLACK) * places


def test_equal_seeds_stand_side_by_side():
    """A matrix, whose seeds have the same recipes, shares batches as far as the width allows."""
    assert shape_for(spread([24] * 8), 2, 64) == Shape(2, 2, 24)
    assert shape_for(spread([24] * 8), 2, 16) == Shape(2, 1, 12)
    assert shape_for(spread([9]), 2, 64) == Shape(2, 1, 5)


def test_few_members_of_many_seeds_fill_their_places():
    """Searches in lockstep ask for a few trials of each seed: hardly a place stays empty."""
    counts = [2, 3, 1, 2, 1, 1, 2, 1, 1, 1]
    usual = shape_for(spread(counts), 2, 64)
    small = small_of(usual, 4)
    assert small.seeds * small.configs == 4
    for shape in (usual, small):
        assert len(musters(spread(counts), shape)) * shape.members <= (1 + SLACK) * 16


def test_a_small_shape_for_one_seed_has_all_places_side_by_side():
    """One search asks for trials of its own seed alone."""
    assert small_of(Shape(2, 1, 7), 4) == Shape(2, 1, 4)
    assert small_of(Shape(2, 1, 3), 4) == Shape(2, 1, 3)
