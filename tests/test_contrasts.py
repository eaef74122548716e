"""Levels compared, on a matrix worked out by hand (`example.py`) and on planted effects."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from example import JUDGED, matrix, outcome
from planted import planted

from suite.contrasts import COLUMNS, MATRIX, TUNED, levels, pairs_of, shares
from suite.frame import frame_of
from suite.held import Scale, held_levels
from suite.secondlook import SecondLook, second_look_of
from suite.summary import of_task
from suite.trial import Status

FACTORS = {"optimizer": (), "dropout": ()}


def rows(*more) -> pd.DataFrame:
    """The rows of the matrix, and of more outcomes."""
    return of_task(frame_of([*matrix(), *more], "s"), JUDGED)


def compared(table: pd.DataFrame, factors=FACTORS) -> pd.DataFrame:
    """The levels of a table of rows."""
    return levels([*held_levels(table, JUDGED, Scale(0.005), factors)], Scale(0.005))


def level_rows(view: str, table: pd.DataFrame) -> dict[tuple[str, object], dict[str, object]]:
    """The rows of one view by factor and level."""
    chosen = table[table["view"] == view].to_dict("records")
    return {(row["factor"], row["level"]): row for row in chosen}


def test_levels_averaged_over_the_matrix():
    """Seed 0: sgd (.78 + .68) / 2 = .73, adam .86; seed 1: .75, (.50 + .86) / 2 = .68."""
    table = level_rows(MATRIX, compared(rows()))
    sgd, adam = table["optimizer", "sgd"], table["optimizer", "adam"]
    assert (sgd["test"], adam["test"]) == pytest.approx((0.74, 0.77))
    assert adam["effect"] == pytest.approx(0.03)
    assert (adam["low"], adam["high"]) == pytest.approx(
        (-1.2406, 1.3006), abs=1e-4
    )  # t(.975, 1) = 12.706
    assert (adam["pairs"], adam["diverged"], sgd["diverged"]) == (2, 0.25, 0.0)
    assert table["dropout", 0.5]["test"] == pytest.approx(0.77)
    assert table["dropout", 0.5]["effect"] == pytest.approx(0.03)


def test_levels_with_everything_else_tuned():
    """sgd at its best has dropout 0: .78, .80, so .79 however the two seeds are drawn. adam has 0.5
    (.84, .86), but where seed 0 alone is drawn (a quarter of the time) it has 0.0 (.88): .86.
    """
    table = level_rows(TUNED, compared(rows()))
    sgd, adam = table["optimizer", "sgd"], table["optimizer", "adam"]
    assert (sgd["test"], adam["test"]) == pytest.approx((0.79, 0.86), abs=0.001)
    assert adam["effect"] == pytest.approx(0.07, abs=0.001)
    assert adam["effect"] == pytest.approx(adam["test"] - sgd["test"])
    assert adam["low"] < 0 < adam["high"]
    assert '"hp.dropout": 0.5' in adam["recipe"]


def test_tuning_looks_at_validation_alone():
    """A cell that is best on test and worst on validation is not chosen."""
    lucky = [
        outcome({"optimizer": "sgd", "dropout": 0.9}, seed, (0.9, 0.1, 0.99)) for seed in (0, 1)
    ]
    table = level_rows(TUNED, compared(rows(*lucky)))
    assert table["optimizer", "sgd"]["test"] == pytest.approx(0.79, abs=0.001)


def test_the_first_level_is_the_reference():
    """It has no effect against itself; the order is that of the trials."""
    table = compared(rows())
    firsts = table.groupby(["factor", "view"], sort=False).head(1)
    assert set(firsts["level"]) == {"sgd", 0.0}
    assert firsts[["effect", "low", "high"]].isna().all(axis=None)


def test_effects_are_paired_over_the_seeds_that_both_levels_have():
    """A third seed of adam has no partner: it counts in adam's mean, and in no difference."""
    third = [
        outcome({"optimizer": "adam", "dropout": d}, 2, (0.4, 0.9, 1.0), Status.COMPLETED)
        for d in (0.0, 0.5)
    ]
    adam = level_rows(MATRIX, compared(rows(*third)))["optimizer", "adam"]
    assert adam["pairs"] == 2
    assert adam["effect"] == pytest.approx(0.03)
    assert adam["test"] == pytest.approx((0.86 + 0.68 + 1.0) / 3)


def test_one_seed_has_an_effect_and_no_interval():
    """A single pair says by how much, not how sure."""
    one = of_task(frame_of(matrix()[:4], "s"), JUDGED)
    adam = level_rows(MATRIX, compared(one))["optimizer", "adam"]
    assert adam["effect"] == pytest.approx(0.13)
    assert math.isnan(adam["low"])
    assert math.isnan(adam["high"])


def test_only_the_named_factors_are_compared():
    """A study's scientific factors, not its nuisance factors."""
    assert set(compared(rows(), {"dropout": ()})["factor"]) == {"dropout"}


def test_the_first_level_is_the_studys_not_the_one_that_was_trained_first():
    """With the study's order given, its first level is the reference."""
    table = compared(rows(), {"optimizer": ["adam", "sgd"]})
    own = table[table["view"] == MATRIX].set_index("level")
    assert math.isnan(own["effect"]["adam"])
    assert own["effect"]["sgd"] == pytest.approx(-0.03)


# Verdicts.


def told(outcomes, view=TUNED, **scale):
    """The compared levels of planted outcomes by factor and level."""
    table = of_task(frame_of(outcomes, "s"), JUDGED)
    factors = {"batch_norm": [False, True], "l2": [0.0, 0.1]}
    scaled = Scale(**{"rope": 0.005, **scale})
    found = levels([*held_levels(table, JUDGED, scaled, factors)], scaled)
    return level_rows(view, found[found["verdict"] != ""])


@pytest.mark.parametrize("view", [TUNED, MATRIX])
def test_a_planted_effect_is_found_and_its_absence_is_not(view):
    """+0.03 with noise of 0.005 over ten seeds helps; -0.03 hurts; the factor without effect does
    neither.
    """
    for effect, word in ((0.03, "helps"), (-0.03, "hurts")):
        found = told(planted({"batch_norm": effect}, seeds=10), view)
        assert found["batch_norm", True]["verdict"] == word
        assert found["batch_norm", True]["effect"] == pytest.approx(effect, abs=0.01)
        assert found["l2", 0.1]["verdict"] in ("equivalent", "underpowered")


@pytest.mark.parametrize("view", [TUNED, MATRIX])
def test_an_effect_inside_the_rope_is_equivalent(view):
    """Nothing planted, hardly any noise: all of the interval is too small to be worth knowing."""
    found = told(planted({}, seeds=10, noise=0.0005), view)
    assert {row["verdict"] for row in found.values()} == {"equivalent"}
    assert all(row["power"] > 0.99 for row in found.values())


def test_no_verdict_on_fewer_pairs_than_could_have_given_one():
    """Five pairs reach p = .0625 at best in an exact test, however large the effect; so there is
    none, and it says how many more would do.
    """
    found = told(planted({"batch_norm": 0.2}, seeds=5), MATRIX)["batch_norm", True]
    assert found["p"] == pytest.approx(2 / 2**5)
    assert told(planted({"batch_norm": 0.2}, seeds=5))["batch_norm", True]["verdict"] == (
        "underpowered"
    )
    assert found["verdict"] == "underpowered"
    assert found["power"] == 0
    assert 1 <= found["more_seeds"] <= 10


def test_p_values_are_adjusted_within_a_view():
    """Holm over the comparisons of one task and view: two here, so the least is doubled."""
    found = told(planted({"batch_norm": 0.03}, seeds=10))
    values = sorted(found.values(), key=lambda row: row["p"])
    assert values[0]["p_holm"] == pytest.approx(2 * values[0]["p"])
    assert values[1]["p_holm"] == pytest.approx(max(values[1]["p"], values[0]["p_holm"]))


def test_levels_that_differ_with_the_arm_face_each_other_by_their_places():
    """SGD's learning rates and Adam's are other numbers: low faces low, high faces high."""
    rates = {"sgd": (0.03, 0.3), "adam": (0.001, 0.01)}
    outcomes = [
        outcome({"optimizer": o, "learning_rate": r}, seed, (0.5, 0.8, 0.8 + 0.1 * place))
        for o, own in rates.items()
        for place, r in enumerate(own)
        for seed in range(8)
    ]
    table = compared(of_task(frame_of(outcomes, "s"), JUDGED), {"optimizer": ["sgd", "adam"]})
    adam = level_rows(MATRIX, table)["optimizer", "adam"]
    assert (adam["pairs"], adam["effect"]) == (8, pytest.approx(0.0))


def test_a_cell_without_a_counterpart_is_left_out():
    """A recipe that one arm alone was trained with says nothing of the difference."""
    lonely = [outcome({"optimizer": "sgd", "dropout": 0.9}, s, (0.1, 0.9, 0.1)) for s in (0, 1)]
    adam = level_rows(MATRIX, compared(rows(*lonely)))["optimizer", "adam"]
    assert adam["effect"] == pytest.approx(0.03)


def test_a_seed_on_which_a_cell_is_missing_is_left_out():
    """A run that was broken off compares the seeds that are whole."""
    part = [outcome({"optimizer": o, "dropout": 0.0}, 2, (0.4, 1, 1)) for o in ("sgd", "adam")]
    adam = level_rows(MATRIX, compared(rows(*part)))["optimizer", "adam"]
    assert (adam["pairs"], adam["effect"]) == (2, pytest.approx(0.03))


def test_every_column_is_there_whatever_there_is_to_compare():
    """No rows, one level, two: the same columns."""
    empty = compared(rows()[:0], {})
    one = compared(rows()[lambda table: table["hp.optimizer"] == "sgd"], {"optimizer": ()})
    for table in (empty, one, compared(rows())):
        assert tuple(table.columns) == COLUMNS
    assert (one["verdict"] == "").all()


def test_pairs_are_the_evidence():
    """Their mean difference is the effect; tuned, it is that of the cells that were chosen."""
    table = of_task(frame_of(planted({"batch_norm": 0.03}, seeds=8), "s"), JUDGED)
    factors = {"batch_norm": [False, True]}
    found = compared(table, factors)
    pairs = pairs_of([*held_levels(table, JUDGED, Scale(0.005), factors)])
    for view, own in pairs.groupby("view"):
        effect = level_rows(str(view), found)["batch_norm", True]["effect"]
        gains = own["score"] - own["score_reference"]
        assert gains.mean() == pytest.approx(effect, abs=0.002 if view == TUNED else 1e-12)
        assert list(own["seed"]) == list(range(8))
        assert set(own["look"]) == {1}


def test_what_pairs_share_is_said():
    """Initializers shape the same numbers; a batch size changes batches; units change weights."""
    assert "initial weights and dropout" in shares("dropout")
    assert "uniform numbers" in shares("initializer")
    assert "batches differ" in shares("batch_size")
    assert "another size" in shares("units")


# Two looks.


def look(seeds: int) -> SecondLook:
    """A second look at batch normalization, after eight seeds."""
    return SecondLook(8, {("churn", "batch_norm", "true"): seeds})


def test_two_looks_are_stricter_than_one():
    """The same pairs have a larger p-value and a wider interval where a second look is planned."""
    outcomes = planted({"batch_norm": 0.008}, seeds=8)
    one = told(outcomes)["batch_norm", True]
    two = told(outcomes, second=look(6))["batch_norm", True]
    assert two["p"] > one["p"]
    assert two["low"] < one["low"]
    assert two["looks"] == 1


def test_a_second_look_counts_when_it_is_whole():
    """Five of six further seeds are no second look yet; all six are; a seventh is not asked for."""
    pairs = {}
    for seeds in (13, 14, 15):
        outcomes = planted({"batch_norm": 0.008}, seeds=seeds)
        found = told(outcomes, second=look(6))["batch_norm", True]
        pairs[seeds] = (found["pairs"], found["looks"])
    assert pairs == {13: (8, 1), 14: (14, 2), 15: (14, 2)}


def test_a_settled_comparison_keeps_its_first_seeds():
    """Seeds that another comparison asked for do not leak into one that was settled."""
    found = told(planted({"batch_norm": 0.008}, seeds=14), second=look(6))
    assert (found["l2", 0.1]["pairs"], found["l2", 0.1]["looks"]) == (8, 1)


def test_a_second_look_survives_run_json():
    """Written and read: the same."""
    assert second_look_of({"second_look": look(6).content()}) == look(6)
    assert second_look_of({}) is None


def test_a_diverged_cell_is_never_chosen():
    """An arm whose best-looking cell diverged on one seed takes another."""
    outcomes = planted({}, seeds=8)
    worst = {o.trial.key for o in outcomes if o.trial.hp["lr"] == 0.1 and o.trial.seed == 3}
    outcomes = [
        outcome(o.trial.hp, o.trial.seed, status=Status.DIVERGED) if o.trial.key in worst else o
        for o in outcomes
    ]
    found = told(outcomes)["batch_norm", True]
    assert '"hp.lr": 0.1' not in found["recipe"]
    assert np.isfinite([found["effect"], found["low"], found["high"], found["p"]]).all()
