"""What the detectors report, on health that was written by hand, and on nets known to be sick."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from support import small_task, train, trial

from suite.detectors import DETECTORS, findings, reported, signs
from suite.health import Health, grid
from suite.mechanism import mechanism


def health(
    gradient=((1.0,), (1.0,)),
    weight=((2.0,), (2.0,)),
    dead=((0.0,), (None,)),
    saturated=((0.0,), (None,)),
    layers=("dense 1", "dense 2"),
) -> Health:
    """A well-behaved training of two layers, but for what is given; one column is all epochs'."""
    update = ((0.01,),) * len(gradient)
    grids = (gradient, weight, update, dead, saturated)
    most = max(len(row) for own in grids for row in own)
    return Health(layers, *([row * (most // len(row)) for row in own] for own in grids))


def names(own: Health) -> list[str]:
    return [finding.detector.name for finding in findings(own)]


def test_nothing_is_found_in_a_healthy_training():
    """Its signs are numbers all the same."""
    assert findings(health()) == []
    assert {name: own[0] for name, own in signs([health()]).items()} == pytest.approx(
        {
            "vanishing": 0.0,
            "exploding": math.log10(0.5),
            "dead units": 0.0,
            "saturated units": 0.0,
            "diverged": 0.0,
        }
    )


@pytest.mark.parametrize(
    ("sick", "expected", "layer"),
    [
        ({"gradient": ((1e-4,), (1.0,))}, "vanishing", "dense 1"),
        ({"gradient": ((0.0,), (1.0,))}, "vanishing", "dense 1"),
        ({"gradient": ((1.0,), (100.0,)), "weight": ((2.0,), (2.0,))}, "exploding", "dense 2"),
        ({"dead": ((0.9,), (None,))}, "dead units", "dense 1"),
        ({"saturated": ((0.9,), (None,))}, "saturated units", "dense 1"),
        ({"gradient": ((None,), (1.0,))}, "diverged", ""),
    ],
)
def test_each_sickness_is_found_where_it_is(sick, expected, layer):
    """And named with its layer."""
    (found,) = [f for f in findings(health(**sick)) if f.detector.name == expected]
    assert found.layer == layer
    assert found.sign >= found.detector.threshold


def test_one_bad_epoch_does_not_vanish_or_saturate():
    """Medians over epochs: the first of three may be anything; one explosion is enough."""
    assert (
        names(health(gradient=((1e-6, 1.0, 1.0), (1.0, 1.0, 1.0)), weight=((2.0,) * 3,) * 2)) == []
    )
    assert "exploding" in names(
        health(gradient=((1e3, 1.0, 1.0), (1e3, 1.0, 1.0)), weight=((2.0,) * 3,) * 2)
    )


def test_layers_that_only_scale_are_passed_over():
    """Batch normalization's small gradients are no sign."""
    own = health(
        gradient=((1.0,), (1e-9,), (1.0,)),
        weight=((2.0,),) * 3,
        dead=((0.0,), (None,), (None,)),
        saturated=((None,),) * 3,
        layers=("dense 1", "batch_normalization 1", "dense 2"),
    )
    assert findings(own) == []


def test_what_cannot_be_seen_is_not_reported():
    """One layer vanishes against nothing; no activation is not saturated; no health is None."""
    own = health(
        gradient=((1.0,),),
        weight=((1.0,),),
        dead=((None,),),
        saturated=((None,),),
        layers=("dense 1",),
    )
    assert findings(own) == []
    assert math.isnan(signs([own])["vanishing"][0])
    assert reported([None, own, health(dead=((1.0,), (None,)))]) == [None, "", "dead units"]


def test_trainings_of_any_length_are_judged_together():
    """As each is alone."""
    many = [health(), health(dead=((0.9, 0.9), (None, None)), gradient=((1.0, 1.0),) * 2,
            weight=((1.0, 1.0),) * 2, saturated=((0.0, 0.0), (None, None)))]  # fmt: skip
    together = signs(many)
    for number, own in enumerate(many):
        for name, values in signs([own]).items():
            assert together[name][number] == pytest.approx(values[0])


def test_sick_nets_are_told_from_a_sound_one():
    """Churn's own model: as it is, of sigmoids and tiny weights, and with a step far too large."""
    from suite.engines.fleet import FleetEngine

    sound = trial("churn", optimizer="adam", learning_rate=0.003, initializer="he_normal")
    wild = trial("churn", optimizer="sgd", learning_rate=1e6, l2=0.01)
    found = train(FleetEngine(probed=True), small_task("churn"), [sound, wild])
    assert findings(found[sound.key].health) == []
    assert "diverged" in names(found[wild.key].health)


# Joined to outcomes.


def arm(rates: list[float], cells: int = 10, sign: str = "vanishing") -> pd.DataFrame:
    """Rows of an arm: by seed, the share of its cells with that sign."""
    return pd.DataFrame(
        [
            {"seed": seed, "signs": sign if cell < rate * cells else ""}
            for seed, rate in enumerate(rates)
            for cell in range(cells)
        ]
    )


def test_a_change_beyond_chance_is_told():
    """By how many trainings, on either side."""
    text = mechanism(arm([0.1] * 8), arm([0.5, 0.6, 0.4, 0.5, 0.5, 0.6, 0.4, 0.5]))
    assert text == "vanishing gradients in 10% instead of 50% of its trainings"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ([0.1] * 8, [0.1] * 8),  # no change
        ([0.1] * 8, [0.1] * 7 + [0.2]),  # too small
        ([0.1, 0.9] * 4, [0.5, 0.2] * 4),  # by chance
        ([0.0] * 4, [1.0] * 4),  # too few seeds for any chance to be ruled out
    ],
)
def test_anything_else_is_not(ours, theirs):
    """No sentence at all."""
    assert mechanism(arm(ours), arm(theirs)) == ""


def test_without_a_look_into_the_trainings_nothing_is_told():
    """A column that is missing, or empty."""
    rows = arm([1.0] * 8)
    assert mechanism(rows.drop(columns="signs"), arm([0.0] * 8)) == ""
    assert mechanism(rows.assign(signs=None), arm([0.0] * 8)) == ""


def test_every_detector_says_what_it_means():
    """For the docs and the report."""
    assert all(d.meaning and d.plural for d in DETECTORS)
    assert grid([[float("inf")]]) == ((None,),)
