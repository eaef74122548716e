"""Build functions as KerasTuner's users have them, and arrays for them."""

from __future__ import annotations

import keras
import numpy as np

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(200, 4))
YES = (X.sum(axis=1) > 0).astype(int)
THREE = np.digitize(X[:, 0], [-0.5, 0.5])
ONE_HOT = np.eye(3)[THREE]
SPLITS = {
    "train": (X[:120], YES[:120]), "val": (X[120:160], YES[120:160]), "test": (X[160:], YES[160:])
}  # fmt: skip


def network(outputs=1, activation="sigmoid", loss="binary_crossentropy", metrics=(), features=4):
    """A build function as KerasTuner's guide has them."""

    def build(hp):
        units = hp.Int("units", 4, 16, step=4)
        layers = [keras.layers.Dense(units, activation=hp.Choice("activation", ["relu", "tanh"]))]
        last = keras.layers.Dense(outputs, activation=activation)
        model = keras.Sequential([keras.Input((features,)), *layers, last])
        rate = hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")
        model.compile(keras.optimizers.Adam(rate), loss, metrics=list(metrics))
        return model

    return build


YES_OR_NO = network(metrics=["accuracy"])
CLASSES = network(3, "softmax", "sparse_categorical_crossentropy", ["accuracy"])
CLASSES_ONE_HOT = network(3, "softmax", "categorical_crossentropy")
NUMBER = network(1, None, "mse", ["mae"])
NUMBERS = network(3, None, "mse")
