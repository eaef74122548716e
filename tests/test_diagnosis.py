"""Diagnosis: nobody stands in two splits; what logistic regression makes of the measures."""

from __future__ import annotations

import types

import numpy as np
import pandas as pd
import pytest
from taskfiles import load, task_class


@pytest.fixture(scope="module")
def module():
    return load("diagnosis")


@pytest.fixture(scope="module")
def data(module):
    return task_class(module)().dataset


def test_a_row_is_a_speaker(module, data):
    """252 of them, none twice; 751 measures, and neither the number nor the answer among them."""
    frame = module.embedded()
    assert (len(frame), frame["ill"].sum(), frame["id"].is_unique) == (252, 188, True)
    assert not frame.drop(columns="id").duplicated().any()
    assert sum(len(split) for split in data.splits.values()) == 252
    assert data.train.x.shape == (128, 751)


def test_measures_are_standardised_on_train(data):
    """But for those that count as three spreads, which is told by their being exactly that."""
    near = (np.abs(data.train.x) < 3).all(axis=0)
    assert near.sum() > 50
    np.testing.assert_allclose(data.train.x[:, near].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(data.train.x[:, near].std(axis=0), 1, atol=1e-5)
    assert (np.abs(data.test.x.mean(axis=0)) > 1e-4).any()
    assert all(np.abs(split.x).max() == 3 for split in data.splits.values())


def test_full_splits_by_speaker(module, monkeypatch):
    """Three recordings a speaker: all of them in one split."""
    speakers = np.repeat(np.arange(200), 3)
    frame = pd.DataFrame(
        {
            "id": speakers,
            "who": speakers.astype(float),
            "noise": np.random.default_rng(0).random(600),
            "class": pd.Categorical((speakers % 4 > 0).astype(int).astype(str)),
        }
    )
    fetched = types.SimpleNamespace(frame=frame)
    monkeypatch.setattr(module, "fetch_openml", lambda **_: fetched)
    data = task_class(module)("full").dataset
    seen = {name: set(split.x[:, 0].tolist()) for name, split in data.splits.items()}
    assert [len(own) for own in seen.values()] == [64, 68, 68]
    assert len(set.union(*seen.values())) == 200
    assert [len(split) for split in data.splits.values()] == [192, 204, 204]
    assert data.train.y.mean() == 0.75


@pytest.mark.slow
def test_the_baseline_scores_what_the_docstring_says(data):
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    model = LogisticRegression(C=0.01, max_iter=2000).fit(data.train.x, data.train.y[:, 0])
    found = roc_auc_score(data.test.y[:, 0], model.decision_function(data.test.x))
    assert found == pytest.approx(0.83, abs=0.01)
