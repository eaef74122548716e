"""What the trials of a task say, on a matrix worked out by hand (`example.py`)."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from example import JUDGED, matrix, outcome

from suite.frame import frame_of
from suite.summary import MATRIX, TUNED, Judged, levels, of_task, ranking
from suite.trial import Status


def rows(*more, judged: Judged = JUDGED) -> pd.DataFrame:
    """The rows of the matrix, and of more outcomes."""
    return of_task(frame_of([*matrix(), *more], "s"), judged)


def level_rows(view: str, table: pd.DataFrame) -> dict[tuple[str, object], dict[str, object]]:
    """The rows of one view by factor and level."""
    chosen = table[table["view"] == view].to_dict("records")
    return {(row["factor"], row["level"]): row for row in chosen}


def test_a_diverged_trial_counts_as_the_trivial_predictor():
    """It is there, with the worst objective and the trivial score; it is never dropped."""
    (diverged,) = rows().query("status == 'diverged'").to_dict("records")
    assert (diverged["val"], diverged["test"]) == (0.5, 0.5)
    assert diverged["objective"] == math.inf


def test_the_trivial_score_is_taken_from_test_where_val_has_none():
    """A trivial predictor of one output a test row has no score on val."""
    judged = Judged("churn", "auc", "loss", "min", {"test": 0.25}, "last price")
    (diverged,) = rows(judged=judged).query("status == 'diverged'").to_dict("records")
    assert (diverged["val"], diverged["test"]) == (0.25, 0.25)


def test_a_failed_trial_and_another_tasks_are_left_out():
    """A trial that could not be built says nothing of its recipe."""
    failed = outcome({"optimizer": "sgd", "dropout": 0.0}, 2, status=Status.FAILED)
    other = outcome({"optimizer": "sgd", "dropout": 0.0}, 0, (0.1, 0.9, 0.9), task="text")
    assert len(rows(failed, other)) == 8
    assert list(ranking(rows(failed, other), JUDGED)["seeds"]) == [2, 2, 2, 2]


def test_recipes_are_ranked_by_their_mean_objective():
    """Best first; a recipe with a diverged seed comes last, however good its other seed was."""
    table = ranking(rows(), JUDGED)
    named = list(zip(table["hp.optimizer"], table["hp.dropout"], strict=True))
    assert named == [("adam", 0.5), ("sgd", 0.0), ("sgd", 0.5), ("adam", 0.0)]
    assert list(table["objective"]) == pytest.approx([0.46, 0.52, 0.60, math.inf])
    assert list(table["val"]) == pytest.approx([0.87, 0.81, 0.71, 0.70])
    assert list(table["test"]) == pytest.approx([0.85, 0.79, 0.69, 0.69])
    assert list(table["diverged"]) == [0, 0, 0, 1]


def test_a_ranking_shows_the_spread_over_seeds():
    """Sample standard deviations: sqrt(2) * 0.01 for 0.84 and 0.86; none of an infinite loss."""
    table = ranking(rows(), JUDGED)
    assert table["test_sd"][0] == pytest.approx(0.02 / math.sqrt(2))
    assert table["test_sd"][3] == pytest.approx(0.38 / math.sqrt(2))
    assert table["objective_sd"][2] == 0
    assert math.isnan(table["objective_sd"][3])


def test_a_ranking_goes_the_objectives_way():
    """Where more is better, the largest comes first, and divergence last all the same."""
    judged = Judged("churn", "auc", "loss", "max", JUDGED.trivial, "majority class")
    table = ranking(rows(judged=judged), judged)
    assert list(table["objective"]) == pytest.approx([0.60, 0.52, 0.46, -math.inf])


def test_no_rows_have_no_ranking():
    """A task whose every trial failed ranks nothing."""
    failed = outcome({"dropout": 0.0}, status=Status.FAILED)
    empty = of_task(frame_of([failed], "s"), JUDGED)
    assert ranking(empty, JUDGED).empty
    assert levels(empty, JUDGED).empty


def test_no_trials_have_no_rows():
    """A folder without trials is no error."""
    assert of_task(frame_of([], "s"), JUDGED).empty


def test_levels_averaged_over_the_matrix():
    """Seed 0: sgd (.78 + .68) / 2 = .73, adam .86; seed 1: .75, (.50 + .86) / 2 = .68."""
    table = level_rows(MATRIX, levels(rows(), JUDGED))
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
    """sgd at its best has dropout 0 (.78, .80), adam 0.5 (.84, .86): .06 better on either seed."""
    table = level_rows(TUNED, levels(rows(), JUDGED))
    sgd, adam = table["optimizer", "sgd"], table["optimizer", "adam"]
    assert (sgd["test"], adam["test"]) == pytest.approx((0.79, 0.85))
    assert (adam["effect"], adam["low"], adam["high"]) == pytest.approx((0.06, 0.06, 0.06))
    assert table["dropout", 0.0]["test"] == pytest.approx(0.79)
    assert table["dropout", 0.5]["test"] == pytest.approx(0.85)


def test_tuning_looks_at_validation_alone():
    """A cell that is best on test and worst on validation is not chosen."""
    lucky = [
        outcome({"optimizer": "sgd", "dropout": 0.9}, seed, (0.9, 0.1, 0.99)) for seed in (0, 1)
    ]
    table = level_rows(TUNED, levels(rows(*lucky), JUDGED))
    assert table["optimizer", "sgd"]["test"] == pytest.approx(0.79)


def test_the_first_level_is_the_reference():
    """It has no effect against itself; the order is that of the trials."""
    table = levels(rows(), JUDGED)
    firsts = table.groupby(["factor", "view"], sort=False).head(1)
    assert set(firsts["level"]) == {"sgd", 0.0}
    assert firsts[["effect", "low", "high"]].isna().all(axis=None)


def test_effects_are_paired_over_the_seeds_that_both_levels_have():
    """A third seed of adam has no partner: it counts in adam's mean, and in no difference."""
    third = [
        outcome({"optimizer": "adam", "dropout": d}, 2, (0.4, 0.9, 1.0), Status.COMPLETED)
        for d in (0.0, 0.5)
    ]
    adam = level_rows(MATRIX, levels(rows(*third), JUDGED))["optimizer", "adam"]
    assert adam["pairs"] == 2
    assert adam["effect"] == pytest.approx(0.03)
    assert adam["test"] == pytest.approx((0.86 + 0.68 + 1.0) / 3)


def test_one_seed_has_an_effect_and_no_interval():
    """A single pair says by how much, not how sure."""
    one = of_task(frame_of(matrix()[:4], "s"), JUDGED)
    adam = level_rows(MATRIX, levels(one, JUDGED))["optimizer", "adam"]
    assert adam["effect"] == pytest.approx(0.13)
    assert math.isnan(adam["low"])
    assert math.isnan(adam["high"])


def test_only_the_named_factors_are_compared():
    """A study's scientific factors, not its nuisance factors."""
    assert set(levels(rows(), JUDGED, {"dropout": ()})["factor"]) == {"dropout"}


def test_the_first_level_is_the_studys_not_the_one_that_was_trained_first():
    """With the study's order given, its first level is the reference."""
    table = levels(rows(), JUDGED, {"optimizer": ["adam", "sgd"]})
    own = table[table["view"] == MATRIX].set_index("level")
    assert math.isnan(own["effect"]["adam"])
    assert own["effect"]["sgd"] == pytest.approx(-0.03)
