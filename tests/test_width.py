"""The width of a fleet is found by trying, and only where a try can pay."""

from __future__ import annotations

from suite.engines.width import WidthSearch


def climb(cost, remaining=10_000, compile_seconds=1.0, start=8) -> WidthSearch:
    """Search with `cost(width)` seconds a member and epoch until the width stays."""
    search = WidthSearch(start)
    for _ in range(20):
        width = search.width(remaining, epochs=10)
        if width in search.seconds:
            break
        search.learn(width, cost(width))
        search.compile_seconds = compile_seconds
    return search


def test_it_climbs_to_the_best_width_on_either_side():
    """From 8 it finds 64 where wide is cheap, and 2 where narrow is."""
    wide = climb(lambda width: abs(width - 64) + 1)
    narrow = climb(lambda width: abs(width - 2) + 1)
    assert wide.width(10_000, 10) == 64
    assert narrow.width(10_000, 10) == 2


def test_it_does_not_try_what_cannot_pay():
    """With little left to train, no second program is compiled."""
    search = climb(lambda _: 0.001, remaining=10, compile_seconds=1.0)
    assert list(search.seconds) == [8]


def test_the_memory_budget_caps_it():
    """Above the cap it never goes again, however cheap wide is."""
    search = climb(lambda width: 1 / width)
    search.cap(16)
    assert search.width(10_000, 10) <= 16


def test_it_starts_where_the_caches_end():
    """Large members start narrow, small ones wide, never beyond 256."""
    assert WidthSearch.for_bytes(2**30).start == 1
    assert WidthSearch.for_bytes(2**17).start == 64
    assert WidthSearch.for_bytes(1).start == 256
