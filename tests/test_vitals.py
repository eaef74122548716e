"""Vitals: layers matched by name, moments, and means that can be worked out by hand."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import pytest
from planted import planted
from unwell import EPOCHS, health, looked_into

from suite.flow import change_of, flows_of, health_by_level
from suite.health import DIGITS, Health, packed
from suite.vitals import FLOOR, geometric, maps_of, mean, merged, vitals_of

approx = partial(pytest.approx, rel=10**-DIGITS)
"""What was held, `DIGITS` digits of it, or worked out from that."""


def rows_of(outcomes):
    """What of the rows of `suite.summary.of_task` is looked at."""
    return pd.DataFrame(
        [
            {"task": o.trial.task, "trial": o.trial.key}
            | {f"hp.{name}": level for name, level in o.trial.hp.items()}
            for o in outcomes
        ]
    )


@pytest.fixture(scope="module")
def example():
    """Rows and vitals of a planted matrix on two seeds."""
    outcomes = looked_into(planted({}, seeds=2))
    return rows_of(outcomes), vitals_of([o.health for o in outcomes])


def test_layers_are_matched_by_name_and_only_those_with_kernels_are_kept(example):
    """A batch normalization between them moves no layer out of its column."""
    _, vitals = example
    assert vitals.layers == ("dense 1", "dense 2")
    assert np.all(vitals.gradient[:, :, 1] == 1.0)
    assert vitals.update[:, 0] == approx(0.01)


def test_a_layer_that_a_trial_lacks_is_nan():
    """And it stands where the trials that have it say."""
    deep = Health(("dense 1", "dense 2", "dense 3"), *[((0.5,) * 2, (0.25,) * 2, (0.125,) * 2)] * 5)
    vitals = vitals_of([health(False, 0), None, deep])
    assert vitals.layers == ("dense 1", "dense 2", "dense 3")
    assert np.isnan(vitals.gradient[0, -1]).tolist() == [False, False, True]
    assert np.isnan(vitals.gradient[1]).all()
    assert vitals.dead[2].tolist() == [0.5, 0.25, 0.125]


def test_moments_are_the_first_the_middle_and_the_last_epoch():
    """Numbered from 1."""
    gradient = (tuple(float(e) for e in range(1, 8)),)
    seen = Health(("dense 1",), gradient, gradient, gradient, gradient, gradient)
    vitals = vitals_of([seen])
    assert vitals.epochs == (1, 4, 7)
    assert vitals.gradient[0, :, 0].tolist() == [1.0, 4.0, 7.0]
    assert vitals.update[0].tolist() == [7.0]


def test_the_last_epoch_is_the_last_with_finite_gradients():
    """A trial that diverged is seen as it was before."""
    broken = ((0.1, 10.0, None), (0.2, 20.0, 3.0))
    seen = Health(("dense 1", "dense 2"), *[broken] * 5)
    vitals = vitals_of([seen])
    assert vitals.gradient[0, -1].tolist() == [10.0, 20.0]
    assert vitals.dead[0].tolist() == [10.0, 20.0]


def test_nothing_is_made_of_nothing():
    """No health, no epochs, no kernels: no vitals."""
    bare = Health(("layer_normalization 1",), *[((0.1,),)] * 5)
    none = Health(("dense 1",), *[((),)] * 5)
    for healths in ([], [None], [bare], [none]):
        assert vitals_of(healths) is None


def test_packed_and_plain_grids_give_the_same_vitals():
    """The record's grids and those of a training that just ended."""
    plain = [health(n, s) for n in (False, True) for s in (0, 1)]
    names = ("gradient", "weight", "update", "dead", "saturated")
    read = [Health(h.layers, *(packed(getattr(h, name)) for name in names)) for h in plain]
    one, two = vitals_of(plain), vitals_of(read)
    np.testing.assert_allclose(one.gradient, two.gradient, rtol=5e-5)
    np.testing.assert_allclose(one.dead, two.dead, rtol=5e-5)


def test_means_leave_out_what_is_no_number():
    """And are NaN, without a warning, where there is none at all; a norm of 0 counts as FLOOR."""
    values = np.array([[1.0, np.nan, np.nan], [100.0, 4.0, np.nan]])
    assert mean(values)[:2].tolist() == [50.5, 4.0]
    assert np.isnan(mean(values)[2])
    assert geometric(values)[:2] == pytest.approx([10.0, 4.0])
    assert geometric(np.array([[0.0], [1.0]])) == pytest.approx(np.sqrt(FLOOR))


def test_orders_are_merged():
    """What only the shorter one has stands behind its predecessor there."""
    found = merged([["conv2d 1", "dense 1"], ["conv2d 1", "gru 1"], ["dense 1", "dense 2"]])
    assert found.index("conv2d 1") < found.index("dense 1") < found.index("dense 2")
    assert sorted(found) == ["conv2d 1", "dense 1", "dense 2", "gru 1"]


def test_maps_are_means_over_seeds():
    """Geometric for norms; a seed that ended early counts as far as it went."""
    short = health(True, 1, EPOCHS - 2)
    layers, maps = maps_of([health(True, 0), short])
    assert layers == ("dense 1", "dense 2")
    assert maps["gradient"][0] == approx([0.1, 0.1, 0.01, 0.01])
    assert maps["dead"][0] == pytest.approx([0.125, 0.125, 0.0, 0.0])
    assert np.isnan(maps["saturated"]).all()


def test_the_table_holds_the_means_worked_out_by_hand(example):
    """One row a factor, level and layer."""
    rows, vitals = example
    found = health_by_level(rows, {"batch_norm": (False, True), "l2": (0.0, 0.1)}, vitals)
    assert len(found) == 2 * 2 * 2
    first = found[(found["factor"] == "batch_norm") & (found["layer"] == "dense 1")]
    assert first["level"].tolist() == [False, True]
    assert first["gradient"].tolist() == approx([0.0001, 0.1])
    assert first["dead"].tolist() == pytest.approx([0.125, 0.125])
    assert first["saturated"].isna().all()
    assert first["trials"].tolist() == [12, 12]


def test_the_factor_that_changes_the_flow_is_found(example):
    """Three powers of ten at `dense 1`, none at `dense 2`: 1.5 on the average; L2 changes none."""
    rows, vitals = example
    assert change_of(rows, "batch_norm", vitals) == approx(1.5)
    assert change_of(rows, "l2", vitals) == pytest.approx(0.0)
    flows = flows_of(rows, "batch_norm", (False, True), vitals)
    assert flows[False][0] == approx([0.0001, 1.0])
    assert flows[True][2] == approx([0.1, 1.0])
