"""Nets that are sick by construction, and healthy ones; two groups, of other shapes and data.

One group sets the thresholds of `suite.detectors`, the other one says how often they are right.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.preprocessing import StandardScaler

from suite.data import Data, Split
from suite.task import Task
from suite.trial import Level, Trial

EPOCHS = 4
SIZES = (256, 64, 64)
HEALTHY = "healthy"


@dataclass(frozen=True)
class Group:
    """Nets of every kind.

    Attributes:
        tables: data for dense nets; `sequences`: data for recurrent ones, (rows, steps, features).
        widths, depths: of shallow nets; `deep`: depths where depth is the sickness.
        seeds: each net is trained from so many.
    """

    name: str
    tables: Sequence[str]
    sequences: Sequence[str]
    widths: Sequence[int]
    depths: Sequence[int]
    deep: Sequence[int]
    seeds: Sequence[int]


SETTING = Group("setting", ("wine", "iris"), ("waves",), (24, 48), (1, 2, 3), (7, 9), range(4))
TESTING = Group(
    "testing",
    ("cancer", "digits"),
    ("strokes",),
    (16, 40, 64),
    (1, 2, 4),
    (6, 8, 11),
    range(10, 14),
)
GROUPS = {group.name: group for group in (SETTING, TESTING)}
KINDS = (HEALTHY, "vanishing", "exploding", "dead units", "saturated units", "diverged")


def rows_of(name: str) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Inputs and classes of one data set, standardised."""
    if name == "waves":  # which of two frequencies is louder
        random = np.random.default_rng(1)
        y = random.integers(0, 2, 400)
        time = np.arange(24)[None, :, None]
        phase = random.uniform(0, 6, (400, 1, 2))
        x = np.sin(time * np.where(y == 1, 0.4, 0.9)[:, None, None] + phase)
        return x + random.normal(0, 0.5, x.shape), y
    if name == "strokes":  # digits, read row by row
        images, y = load_digits(return_X_y=True)
        return images.reshape(-1, 8, 8) / 8 - 1, y
    loaders = {
        "wine": load_wine, "iris": load_iris, "cancer": load_breast_cancer, "digits": load_digits,
    }  # fmt: skip
    x, y = loaders[name](return_X_y=True)
    return StandardScaler().fit_transform(x), y


def data_of(name: str) -> Data:
    """A few rows of a data set; small ones are drawn with repetition."""
    x, y = rows_of(name)
    order = np.random.default_rng(0).permutation(len(x))
    order = np.resize(order, sum(SIZES))
    parts = np.split(order, np.cumsum(SIZES)[:-1])
    splits = [Split(x[own].astype("float32"), y[own].astype("int32")) for own in parts]
    trivial = np.bincount(y) / len(y)
    return Data(
        *splits,
        trivial=trivial,
        trivial_name="class shares",
        name=name,
        source="scikit-learn",
        licence="",
        repeats=True,
    )


class Net(Task):
    """A net whose every habit is a hyperparameter."""

    objective = "val_loss"
    metric = None
    epochs = EPOCHS

    def __init__(self, rows: str) -> None:
        self.rows = rows
        super().__init__()
        self.name = rows

    def data(self, source: str) -> Data:  # noqa: ARG002
        """The rows that this net is trained on."""
        return data_of(self.rows)

    def build(self, hp: Any) -> keras.Model:
        """Hidden layers of one kind, an output layer, an optimizer."""
        hidden = [
            layer for number in range(hp.Int("depth", 1, 16)) for layer in self._hidden(hp, number)
        ]
        classes = len(self.dataset.trivial)
        shape = self.input_shape
        ends = {} if hp.get("scale") else {"kernel_initializer": "zeros"}
        model = keras.Sequential([keras.Input(shape), *hidden, keras.layers.Dense(classes, **ends)])
        rate = hp.Float("learning_rate", 1e-9, 1e9)
        optimizers = {"sgd": keras.optimizers.SGD, "adam": keras.optimizers.Adam}
        # Of logits: the loss of probabilities is cut off at 1e-7, and with it the gradients.
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile(optimizers[hp.Choice("optimizer", ["sgd", "adam"])](rate), loss)
        return model

    def _hidden(self, hp: Any, number: int) -> list[keras.layers.Layer]:
        width, last = hp.Int("width", 1, 512), number == hp.get("depth") - 1
        activation = hp.Choice("activation", ["relu", "tanh", "sigmoid", "elu", "linear"])
        scale = hp.Float("scale", 0.0, 1e6)
        spread = ("fan_in", "untruncated_normal")
        common = {
            "kernel_initializer": keras.initializers.VarianceScaling(scale, *spread)
            if scale
            else "zeros",
            "kernel_regularizer": keras.regularizers.L2(hp.Float("l2", 0.0, 1e6)),
        }
        if hp.Choice("layer", ["dense", "recurrent"]) == "recurrent":
            inner = keras.initializers.Orthogonal(hp.Float("gain", 0.0, 1e3))
            return [
                keras.layers.SimpleRNN(
                    width,
                    activation=activation,
                    recurrent_initializer=inner,
                    return_sequences=not last,
                    **common,
                )
            ]
        bias = keras.initializers.Constant(hp.Float("bias", -1e3, 1e3))
        dense = keras.layers.Dense(width, bias_initializer=bias, **common)
        normalized = [keras.layers.BatchNormalization()] if hp.Boolean("batch_norm") else []
        return [dense, *normalized, keras.layers.Activation(activation)]


BASE: dict[str, Level] = {
    "layer": "dense", "depth": 2, "width": 32, "activation": "relu", "scale": 2.0, "gain": 1.0,
    "bias": 0.0, "batch_norm": False, "l2": 0.0, "optimizer": "adam", "learning_rate": 0.003,
}  # fmt: skip


def nets(group: Group, kind: str) -> Iterator[Trial]:
    """The trials of a group that are of one kind."""
    makers = {
        HEALTHY: _healthy,
        "vanishing": _vanishing,
        "exploding": _exploding,
        "dead units": _dead,
        "saturated units": _saturated,
        "diverged": _diverged,
    }
    for rows, own in makers[kind](group):
        for seed in group.seeds:
            yield Trial(rows, "embedded", {**BASE, **own}, seed, EPOCHS)


Nets = Iterator[tuple[str, dict[str, Level]]]


def _healthy(group: Group) -> Nets:
    """What textbooks advise: scaled weights, a few layers, a moderate learning rate."""
    scales: dict[str, float] = {"relu": 2.0, "tanh": 1.0, "elu": 1.5}
    for rows, width, depth, name in itertools.product(
        group.tables, group.widths, group.depths, scales
    ):
        for on in (False, True):
            yield (
                rows,
                {"width": width, "depth": depth, "activation": name, "scale": scales[name]}
                | {"batch_norm": on},
            )
    for rows, width, depth in itertools.product(group.sequences, group.widths, (1, 2)):
        yield (
            rows,
            {"layer": "recurrent", "width": width, "depth": depth, "activation": "tanh"}
            | {"scale": 1.0, "learning_rate": 0.001},
        )


def _vanishing(group: Group) -> Nets:
    """Deep sigmoids; deep nets of tiny weights; weights of zero."""
    for rows, width, depth, rate in itertools.product(
        group.tables, group.widths, group.deep, (0.001, 0.003)
    ):
        deep: dict[str, Level] = {"width": width, "depth": depth, "learning_rate": rate}
        yield rows, {**deep, "activation": "sigmoid", "scale": 1.0, "optimizer": "sgd"}
        yield rows, {**deep, "activation": "tanh", "scale": 0.05, "optimizer": "sgd"}
    for rows, width, depth, name in itertools.product(
        group.tables, group.widths, group.depths, ("relu", "tanh")
    ):
        yield rows, {"width": width, "depth": depth, "activation": name, "scale": 0.0}


def _exploding(group: Group) -> Nets:
    """Unclipped recurrent nets of large recurrent weights; deep nets of large weights."""
    for rows, width, gain, name in itertools.product(
        group.sequences, group.widths, (2.5, 3.0, 4.0), ("relu", "linear")
    ):
        yield (
            rows,
            {"layer": "recurrent", "width": width, "depth": 1, "activation": name, "gain": gain}
            | {"scale": 2.0, "optimizer": "sgd", "learning_rate": 1e-9},
        )
    for rows, width, depth, scale in itertools.product(
        group.tables, group.widths, group.deep, (12.0, 20.0)
    ):
        yield (
            rows,
            {"width": width, "depth": depth, "scale": scale, "optimizer": "sgd"}
            | {"learning_rate": 1e-9},
        )


def _dead(group: Group) -> Nets:
    """ReLUs behind a large negative bias."""
    for rows, width, depth, bias in itertools.product(
        group.tables, group.widths, group.depths, (-8.0, -12.0, -20.0)
    ):
        yield rows, {"width": width, "depth": depth, "bias": bias}


def _saturated(group: Group) -> Nets:
    """Bounded activations behind large weights."""
    for rows, width, depth, name in itertools.product(
        group.tables, group.widths, group.depths, ("tanh", "sigmoid")
    ):
        for scale in (400.0, 1600.0):
            yield rows, {"width": width, "depth": depth, "activation": name, "scale": scale}


def _diverged(group: Group) -> Nets:
    """Steps that overshoot a steep penalty, further each time."""
    for rows, width, depth, rate in itertools.product(
        group.tables, group.widths, group.depths, (1e3, 1e4)
    ):
        yield (
            rows,
            {"width": width, "depth": depth, "optimizer": "sgd", "learning_rate": rate, "l2": 0.1},
        )
        yield (
            rows,
            {"width": width, "depth": depth, "optimizer": "sgd", "learning_rate": rate * 10}
            | {"l2": 0.01},
        )


def every_task(trials: Sequence[Trial]) -> dict[str, Net]:
    """A task for each data set that the trials name."""
    return {name: Net(name) for name in dict.fromkeys(trial.task for trial in trials)}
