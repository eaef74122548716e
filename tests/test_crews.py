"""Laying out members over devices, seeds and configs."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from support import trial

from suite.engines.crews import even, musters, shape_for
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
