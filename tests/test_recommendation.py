"""Recommendation: nobody's later ratings are trained on; what ridge regression makes of them."""

from __future__ import annotations

import zipfile

import numpy as np
import pandas as pd
import pytest
from taskfiles import load, task_class


@pytest.fixture(scope="module")
def module():
    return load("recommendation")


@pytest.fixture(scope="module")
def data(module):
    return task_class(module)().dataset


def test_each_users_first_ratings_are_trained_on_and_the_last_tested(module):
    """Users of many ratings and few, and one of a single rating, who is known all the same."""
    draw = np.random.default_rng(0)
    users = np.repeat(np.arange(6), [1, 2, 5, 10, 50, 333])
    frame = pd.DataFrame({"user": users, "item": np.arange(len(users)), "rating": 3.0})
    frame["time"] = draw.integers(0, 40, len(users))  # many at once
    train, val, test = module.parts(frame)
    assert set(train["user"]) == set(users)
    assert sorted([*train["item"], *val["item"], *test["item"]]) == list(range(len(users)))
    for early, late in ((train, val), (val, test)):
        last = early.groupby("user")["time"].max()
        first = late.groupby("user")["time"].min()
        assert (last.loc[first.index] <= first).all()
    assert [(part["user"] == 3).sum() for part in (train, val, test)] == [6, 2, 2]


def test_the_embedded_subset_is_what_the_docstring_says(module, data):
    assert len(module.embedded()) == 100_004
    assert sum(len(split) for split in data.splits.values()) == 43_083
    assert data.train.x["user"].max() == 670
    assert data.train.x["item"].max() == 453
    assert data.train.y.mean() == pytest.approx(0, abs=1e-5)


def test_a_pair_of_user_and_item_stands_in_one_split(data):
    pairs = [p for s in data.splits.values() for p in zip(s.x["user"], s.x["item"], strict=True)]
    assert len(set(pairs)) == len(pairs)


def test_what_training_has_not_seen_is_number_0(module, monkeypatch):
    """An item that is rated for the first time in test; numbers leave no gap."""
    frame = module.embedded().iloc[:3000]
    monkeypatch.setattr(module, "FEWEST", 1)
    train, _, test = module.parts(frame)
    unseen = ~test["item"].isin(train["item"])
    numbers = module.numbered(test["item"], train["item"])
    np.testing.assert_array_equal(numbers == 0, unseen)
    assert unseen.any()
    known = module.numbered(train["item"], train["item"])
    assert sorted(set(known)) == list(range(1, train["item"].nunique() + 1))


def test_full_reads_the_published_archive(module, tmp_path, monkeypatch):
    """Four columns apart by two colons."""
    path = tmp_path / "ml-1m.zip"
    rows = [
        f"{user}::{item}::{1 + (user + item) % 5}::{item}"
        for user in range(60)
        for item in range(9)
    ]
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("ml-1m/ratings.dat", "\n".join(rows))
    monkeypatch.setattr(module.keras.utils, "get_file", lambda *_: str(path))
    data = task_class(module)("full").dataset
    assert sum(len(split) for split in data.splits.values()) == 540
    assert data.train.x["user"].max() == 60


@pytest.mark.slow
def test_the_baseline_scores_what_the_docstring_says(data):
    from sklearn.linear_model import Ridge
    from sklearn.preprocessing import OneHotEncoder

    pairs = {n: np.stack([s.x["user"], s.x["item"]], axis=1) for n, s in data.splits.items()}
    columns = OneHotEncoder(handle_unknown="ignore").fit(pairs["train"])
    model = Ridge(alpha=10, solver="sparse_cg")
    model.fit(columns.transform(pairs["train"]), data.train.y[:, 0])
    off = model.predict(columns.transform(pairs["test"])) - data.test.y[:, 0]
    assert np.sqrt(np.square(off).mean()) == pytest.approx(0.90, abs=0.01)
    assert np.sqrt(np.square(data.test.y).mean()) == pytest.approx(1.01, abs=0.01)
