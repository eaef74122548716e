"""Nets of three kinds on made-up rows, and their gradients worked out by hand."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from suite.data import Data, Split
from suite.task import Task
from suite.weights import reset

ROWS = {"train": 96, "val": 32, "test": 32}
SHAPES = {"dense": (12,), "convolutional": (8, 8, 2), "recurrent": (10, 3)}


def rows_for(kind: str) -> Data:
    """Random rows, and whether their mean is above 0."""
    random = np.random.default_rng(3)
    splits = {}
    for name, count in ROWS.items():
        x = random.normal(size=(count, *SHAPES[kind])).astype("float32")
        y = (x.reshape(count, -1).mean(axis=1, keepdims=True) > 0).astype("float32")
        splits[name] = Split(x, y)
    trivial = np.array([0.5], "float32")
    return Data(**splits, trivial=trivial, trivial_name="half", name=kind, source="", licence="")


class Net(Task):
    """A net of one kind, with a penalty, and clipped: neither may show in the gradient."""

    objective = "val_binary_crossentropy"
    metric = "roc_auc"
    batch_size = 16

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__()
        self.name = kind

    def data(self, source: str) -> Data:  # noqa: ARG002
        """The rows of this kind."""
        return rows_for(self.kind)

    def build(self, hp: Any) -> keras.Model:  # noqa: ARG002
        """Two layers and an output."""
        penalty = keras.regularizers.L1L2(1e-3, 1e-2)
        hidden = {
            "dense": [
                keras.layers.Dense(9, activation="tanh", kernel_regularizer=penalty),
                keras.layers.Dense(7, activation="relu"),
            ],
            "convolutional": [
                keras.layers.Conv2D(4, 3, activation="relu", kernel_regularizer=penalty),
                keras.layers.Flatten(),
            ],
            "recurrent": [
                keras.layers.SimpleRNN(6, return_sequences=True, kernel_regularizer=penalty),
                keras.layers.GRU(5),
            ],
        }[self.kind]
        output = keras.layers.Dense(1, activation="sigmoid")
        model = keras.Sequential([keras.Input(SHAPES[self.kind]), *hidden, output])
        optimizer = keras.optimizers.SGD(0.05, momentum=0.9, clipnorm=0.01)
        loss = "binary_crossentropy"
        model.compile(optimizer, loss, metrics=[loss])
        return model


def batch_of(data: Data, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The probe's batch: rows evenly spread over train, first and last included."""
    numbers = np.floor(np.linspace(0, len(data.train) - 1, size)).astype(int)
    return data.train.x[numbers], data.train.y[numbers]


def cross_entropy(outputs: Any, y: Any) -> Any:
    """Its mean over a batch, written out."""
    ops = keras.ops
    outputs = ops.clip(outputs, 1e-7, 1 - 1e-7)
    return -ops.mean(y * ops.log(outputs) + (1 - y) * ops.log(1 - outputs))


def norms_by_hand(model: keras.Model, x: Any, y: Any) -> list[float]:
    """The gradient's norm by layer, by `jax.grad` or `tf.GradientTape`, whichever backend runs."""
    values = [v.value for v in model.trainable_variables]
    if keras.backend.backend() == "jax":
        import jax

        rest = [v.value for v in model.non_trainable_variables]

        def loss(values: Any) -> Any:
            outputs, _ = model.stateless_call(values, rest, x)
            return cross_entropy(outputs, y)

        gradients = jax.grad(loss)(values)
    else:
        import tensorflow as tf

        with tf.GradientTape() as tape:
            found = cross_entropy(model(x), y)
        gradients = tape.gradient(found, values)
    squares = {
        id(v): float(np.sum(np.square(keras.ops.convert_to_numpy(g))))
        for v, g in zip(model.trainable_variables, gradients, strict=True)
    }
    layers = [layer for layer in model.layers if layer.trainable_weights]
    return [sum(squares[id(v)] for v in own.trainable_weights) ** 0.5 for own in layers]


def trained_by_hand(task: Net, fitting: Any, seed: int, epochs: int) -> list[list[float]]:
    """Norms, (layers, epochs), after each epoch of a `model.fit` that nobody looked into."""
    model = fitting.model
    reset(model, fitting.blueprint.starts, seed)
    x, y = batch_of(task.dataset, task.batch_size)
    found = []
    for number in range(epochs):
        fitting._epoch(seed, number)
        found.append(norms_by_hand(model, x, y))
    return [list(row) for row in zip(*found, strict=True)]
