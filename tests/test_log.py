"""The log of searches: what is written is what is read, and a diverged trial is never chosen."""

from __future__ import annotations

import math
from dataclasses import replace

import pandas as pd
import pytest

from suite.errors import RecordError
from suite.search.log import (
    Ask,
    Choice,
    asks_frame,
    best_of,
    choices_frame,
    read_log,
    write_log,
)

ASK = Ask(
    task="churn",
    tuner="tpe",
    repeat=0,
    number=1,
    round=1,
    trial="0123456789012345",
    recipe='{"dropout":0.5,"optimizer":"adam"}',
    epochs=20,
    cost=1.0,
    status="completed",
    score=0.1 + 0.2,
    val=0.8,
    test=0.7,
    oracle_seconds=0.001,
    train_seconds=0.1,
)
DIVERGED = replace(ASK, number=2, status="diverged", score=math.nan, val=math.nan, test=math.nan)
CHOICE = Choice("churn", "tpe", 0, ASK.trial, ASK.recipe, ASK.score, 0.8, 0.79, 0.78, 3)
NONE = Choice("churn", "tpe", 1, "", "", math.nan, 0.5, 0.5, 0.5, 0)


def scored(*scores: float) -> list[Ask]:
    return [replace(ASK, number=i + 1, score=score) for i, score in enumerate(scores)]


@pytest.mark.parametrize(("direction", "number"), [("min", 2), ("max", 3)])
def test_the_best_ask_has_the_best_score(direction, number):
    """By the direction of the objective."""
    assert best_of(scored(0.2, 0.1, 0.3), direction).number == number


def test_the_first_of_equals_is_the_best():
    """So that a later tie changes no choice."""
    assert best_of(scored(0.2, 0.1, 0.1), "min").number == 2


@pytest.mark.parametrize("direction", ["min", "max"])
@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_a_diverged_trial_is_never_the_best(direction, score):
    """Neither beside a finite one nor alone."""
    assert best_of(scored(score, 0.4), direction).number == 2
    assert best_of(scored(score), direction) is None
    assert best_of([], direction) is None


def test_what_is_written_is_read(tmp_path):
    """Every figure to the last digit, gaps as gaps, keys of digits as texts, no choice as "" ."""
    asks, choices = asks_frame([ASK, DIVERGED]), choices_frame([CHOICE, NONE])
    write_log(tmp_path, asks, choices)
    found = read_log(tmp_path)
    pd.testing.assert_frame_equal(found[0], asks, check_exact=True)
    pd.testing.assert_frame_equal(found[1], choices, check_exact=True)
    parquet = pd.read_parquet(tmp_path / "asks.parquet")
    pd.testing.assert_frame_equal(parquet, asks, check_exact=True)


def test_a_log_without_rows_has_its_columns(tmp_path):
    """A search may ask nothing."""
    assert list(asks_frame([]).columns)[:4] == ["task", "tuner", "repeat", "number"]
    write_log(tmp_path, asks_frame([]), choices_frame([]))
    asks, choices = read_log(tmp_path)
    assert (len(asks), len(choices)) == (0, 0)


def test_a_folder_without_a_log_is_named(tmp_path):
    """One sentence."""
    with pytest.raises(RecordError, match=rf"asks.csv and choices.csv.*Received: {tmp_path}"):
        read_log(tmp_path)
