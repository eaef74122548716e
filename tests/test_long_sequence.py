"""The task long_sequence: pixels in reading order, a recurrent net of any cell and depth."""

from __future__ import annotations

import types

import keras_tuner
import numpy as np
import pytest
from test_tasks import load, task_class

MODULE = load("long_sequence")


@pytest.fixture(scope="module")
def task():
    return task_class(MODULE)()


def test_a_row_is_an_image_in_reading_order(task):
    """Pixel 8 of the sequence is the first of the second line; one mean, one spread, of train."""
    images = np.arange(2 * 64.0).reshape(2, 8, 8)
    np.testing.assert_array_equal(MODULE.split(images, np.zeros(2)).x[1, :, 0], np.arange(64) + 64)
    data = task.dataset
    assert data.train.x.shape[1:] == (64, 1)
    assert data.train.x.mean() == pytest.approx(0, abs=1e-5)
    assert data.train.x.std() == pytest.approx(1, abs=1e-5)
    assert abs(data.test.x.mean()) > 1e-4


@pytest.mark.parametrize("cell", ["simple_rnn", "gru", "lstm"])
def test_every_recurrent_layer_has_the_factors(task, cell):
    """Both kernels of each layer start as the initializer says and are penalised."""
    hp = keras_tuner.HyperParameters()
    hp.values = {"cell": cell, "depth": 3, "initializer": "zeros", "l2": 0.01, "dropout": 0.2}
    model = task.build(hp)
    names = {"simple_rnn": "SimpleRNN", "gru": "GRU", "lstm": "LSTM"}
    layers = [layer for layer in model.layers if type(layer).__name__ == names[cell]]
    assert [layer.return_sequences for layer in layers] == [True, True, False]
    for layer in layers:
        for kernel in (layer.cell.kernel, layer.cell.recurrent_kernel):
            assert kernel.regularizer.l2 == pytest.approx(0.01)
            assert not np.asarray(kernel).any()
    assert sum(type(layer).__name__ == "Dropout" for layer in model.layers) == 4


def test_the_activation_bends_a_simple_cell_alone(task):
    """Gates keep their own: a GRU with another one is no GRU."""
    for cell, expected in (("simple_rnn", "selu"), ("gru", "tanh"), ("lstm", "tanh")):
        hp = keras_tuner.HyperParameters()
        hp.values = {"cell": cell, "activation": "selu"}
        assert task.build(hp).layers[0].activation.__name__ == expected


def test_full_reads_mnist_by_pixel_and_drops_what_stands_in_its_test_split(monkeypatch):
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (400, 28, 28), dtype="uint8")
    labels = np.arange(400, dtype="uint8") % 10
    loader = types.SimpleNamespace(load_data=lambda: ((images, labels), (images[:20], labels[:20])))
    monkeypatch.setattr(MODULE.keras.datasets, "mnist", loader)
    data = task_class(MODULE)("full").dataset
    assert [len(split) for split in data.splits.values()] == [256, 124, 20]
    assert data.train.x.shape[1:] == (784, 1)


@pytest.mark.slow
def test_the_baseline_of_the_docstring_is_what_it_scores(task):
    """Logistic regression, which sees all pixels at once."""
    from sklearn.linear_model import LogisticRegression

    data = task.dataset
    x = {name: split.x[:, :, 0] for name, split in data.splits.items()}
    score = (
        LogisticRegression(max_iter=1000)
        .fit(x["train"], data.train.y)
        .score(x["test"], data.test.y)
    )
    assert f"{score:.3f}" in MODULE.__doc__
