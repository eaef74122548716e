"""Cats and dogs: silhouettes of two animals, none twice; what simple classifiers make of them."""

from __future__ import annotations

import types

import numpy as np
import pytest
from taskfiles import load, task_class

from suite.packaged import packaged, unpickled


@pytest.fixture(scope="module")
def module():
    return load("cats_dogs")


@pytest.fixture(scope="module")
def data(module):
    return task_class(module)().dataset


def flat(split):
    """Pixels in a row, and classes."""
    return split.x.reshape(len(split), -1), split.y[:, 0]


def test_the_packaged_silhouettes_are_what_the_docstring_says(module):
    """1,000 of each animal, 1,989 distinct."""
    images, animals = (
        unpickled(packaged("animal-mnist", f"{module.FOLDER}/animal_{part}_version_3.gz"))
        for part in ("data", "label")
    )
    mine = np.isin(animals, (2, 4))
    assert images[mine].shape == (2000, 28, 28)
    assert len(np.unique(images[mine], axis=0)) == 1989


def test_no_silhouette_stands_in_two_splits(data):
    assert [len(split) for split in data.splits.values()] == [1152, 418, 419]
    whole = np.concatenate([split.x for split in data.splits.values()])
    assert whole.shape[1:] == (14, 14, 1)
    assert len(np.unique(whole, axis=0)) == len(whole)


def test_pixels_are_standardised_on_train(data):
    """One mean and one spread, of all training pixels; no pixel is exactly 0."""
    assert data.train.x.mean() == pytest.approx(0, abs=1e-5)
    assert data.train.x.std() == pytest.approx(1, abs=1e-5)
    assert abs(data.test.x.mean()) > 1e-4
    assert all((split.x != 0).all() for split in data.splits.values())


def test_full_keeps_cats_and_dogs_and_the_official_test_split(module, monkeypatch):
    """Classes 3 and 5 of CIFAR-10; what stands in its test split is not trained on."""
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (1000, 32, 32, 3), dtype="uint8")
    labels = (np.arange(1000) % 10).astype("uint8")[:, None]
    loader = types.SimpleNamespace(
        load_data=lambda: ((images, labels), (images[:100], labels[:100]))
    )
    monkeypatch.setattr(module.keras.datasets, "cifar10", loader)
    data = task_class(module)("full").dataset
    assert [len(split) for split in data.splits.values()] == [128, 52, 20]
    assert data.train.x.shape[1:] == (32, 32, 3)
    assert data.test.y[:, 0].tolist() == [0, 1] * 10


@pytest.mark.slow
def test_the_baselines_score_what_the_docstring_says(data):
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import SVC

    for model, share in ((LogisticRegression(max_iter=1000), 0.86), (SVC(), 0.94)):
        assert model.fit(*flat(data.train)).score(*flat(data.test)) == pytest.approx(
            share, abs=0.01
        )
