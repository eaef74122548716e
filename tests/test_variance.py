"""Shares of variance: worked out by hand, and planted in a design with holes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from suite.stats.variance import decomposition, forest_importance


def shares(cells, factors) -> dict[tuple[str, ...], float]:
    """Share by factors."""
    return {own.factors: own.share for own in decomposition(np.asarray(cells, float), factors)}


def test_a_two_by_two_design_by_hand():
    """1, 2; 3, 6: rows vary by 2.25, columns by 1, the interaction by .25, all by 3.5."""
    found = shares([[[1.0], [2.0]], [[3.0], [6.0]]], ["a", "b"])
    assert found == {
        ("a",): pytest.approx(2.25 / 3.5),
        ("b",): pytest.approx(1 / 3.5),
        ("a", "b"): pytest.approx(0.25 / 3.5),
    }


def test_shares_of_two_factors_add_up():
    """Nothing is left over, whatever the figures."""
    cells = np.random.default_rng(0).normal(size=(3, 4, 5))
    assert sum(shares(cells, ["a", "b"]).values()) == pytest.approx(1.0)


def test_an_interaction_of_three_is_nobodys_share():
    """The parity of three factors: no factor and no pair explains anything."""
    cells = np.fromfunction(lambda i, j, k, _: (i + j + k) % 2, (2, 2, 2, 4))
    assert max(shares(cells, ["a", "b", "c"]).values()) == pytest.approx(0.0)


def test_the_interval_holds_the_share():
    """A main effect ten times the noise: nearly all, and known closely; none without seeds."""
    random = np.random.default_rng(1)
    cells = np.arange(2.0)[:, None, None] + random.normal(0, 0.1, (2, 3, 12))
    main, *_ = decomposition(cells, ["a", "b"])
    assert 0.9 < main.low <= main.share <= main.high <= 1.0
    single, *_ = decomposition(cells[..., :1], ["a", "b"])
    assert np.isnan(single.low)


def test_a_metric_that_never_varies_has_no_shares():
    """All zero, and nothing warns."""
    assert set(shares(np.ones((2, 2, 5)), ["a", "b"]).values()) == {0.0}


def test_a_forest_finds_the_factor_that_matters():
    """In a random design with holes: `a` makes nearly all of the variance, `b` none."""
    random = np.random.default_rng(2)
    design = pd.DataFrame({n: random.integers(0, 3, 90) for n in ("a", "b", "c")})
    scores = design["a"].to_numpy(float) + random.normal(0, 0.05, 90)
    found = {own.factors[0]: own.share for own in forest_importance(design, scores)}
    assert found["a"] > 0.8
    assert found["b"] < 0.1
