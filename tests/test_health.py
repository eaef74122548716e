"""Health in the record: packed grids come back as they were."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from unwell import health

from suite.health import MEASURES, Health, Packed, health_from, packed, rounded

SIZES = st.floats(1e-30, 1e30).map(rounded)
NUMBERS = st.one_of(st.none(), st.just(0.0), SIZES)


@given(st.lists(st.lists(NUMBERS, min_size=3, max_size=3).map(tuple), max_size=4).map(tuple))
def test_a_packed_grid_gives_back_every_digit(rows):
    """All that are recorded; equal to the grid it was made of, either way round."""
    found = packed(rows)
    assert tuple(found) == rows
    assert found == rows
    assert rows == found
    assert hash(found) == hash(rows)
    assert found.epochs == (3 if rows else 0)


def test_what_the_record_holds_is_read_back():
    """Through JSON; a second writing gives the same text, cut or not."""
    own = health(normalized=True, seed=1)
    content = json.loads(json.dumps(own.content()))
    again = health_from(content)
    assert again == own
    assert again.content() == content
    assert again.epochs == own.epochs
    assert again.until(2) == own.until(2)


def test_numpy_takes_it_as_it_is():
    """NaN where there is no number; a copy."""
    found = packed(((0.5, None), (2.0, 0.25)))
    array = np.array(found, float)
    np.testing.assert_array_equal(array, [[0.5, np.nan], [2.0, 0.25]])
    array[0, 0] = 7.0
    assert found[0] == (0.5, None)
    assert found[:1] == ((0.5, None),)
    with pytest.raises(IndexError):
        found[2]


def test_an_empty_health_is_one():
    """No layers, no epochs."""
    assert health_from(Health((), (), (), (), (), ()).content()).epochs == 0
    assert len(Packed(b"", 0)) == 0
    none = Health(("dense 1",), *[((),)] * len(MEASURES))
    assert health_from(none.content()).epochs == 0
