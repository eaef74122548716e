"""Regression: sound splits, models and scores, and a training that completes."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # where the suite is

from suite.contract import levels, short_training, task_at, trivial_score

TASK = Path(__file__).resolve().parents[1] / "tasks" / "regression.py"


@pytest.fixture(scope="module")
def task():
    """The task on its embedded data."""
    return task_at(TASK)


def test_splits_are_sound(task):
    """Disjoint and finite, or loading raises; every class is learned; the same at every load."""
    data = task.dataset
    assert len(data.train) > len(data.val) > 0
    assert set(np.unique(data.test.y)) <= set(np.unique(data.train.y))
    assert task_at(TASK).dataset.fingerprint == data.fingerprint


def test_every_level_builds(task):
    """Each choice and both ends of each range give a model of the same outputs."""
    for level, hp in levels(task):
        assert task.build(hp).output_shape[1:] == task.dataset.trivial.shape, level


def test_the_trivial_predictor_scores_as_it_must(task):
    """One half: what says the same of every tumour tells none from another."""
    assert trivial_score(task) == pytest.approx(0.5)


def test_a_short_training_completes_and_learns(task):
    """Through the fleet, three epochs, on default hyperparameters."""
    outcome = short_training(task)
    assert outcome.status == "completed", outcome.message
    assert outcome.curves["loss"][-1] < outcome.curves["loss"][0]
