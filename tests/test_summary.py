"""What the trials of a task say, on a matrix worked out by hand (`example.py`)."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from example import JUDGED, matrix, outcome

from suite.frame import frame_of
from suite.summary import Judged, of_task, ranking
from suite.trial import Status


def rows(*more, judged: Judged = JUDGED) -> pd.DataFrame:
    """The rows of the matrix, and of more outcomes."""
    return of_task(frame_of([*matrix(), *more], "s"), judged)


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


def test_no_trials_have_no_rows():
    """A folder without trials is no error."""
    assert of_task(frame_of([], "s"), JUDGED).empty
