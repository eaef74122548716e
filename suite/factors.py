"""The standard factors: names and levels, known without importing Keras.

A factor is nothing but a hyperparameter name with levels. These are the names that every task built
with `suite.Techniques` understands; a task may declare more of its own (`units`, `depth`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from suite.trial import Level

INITIALIZERS = (
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_uniform",
    "lecun_normal",
    "random_normal",
    "random_normal_0.01",
    "random_normal_0.3",
    "random_normal_1",
    "random_uniform",
    "truncated_normal",
    "orthogonal",
    "zeros",
)
"""Keras' own names; a number behind one is the standard deviation, Keras' is 0.05."""
OPTIMIZERS = (
    *("adam", "sgd", "momentum", "nesterov", "rmsprop", "adamw", "nadam", "adagrad", "lion"),
)
SCHEDULES = ("constant", "step", "cosine", "warmup", "warmup_cosine")
ACTIVATIONS = ("relu", "tanh", "sigmoid", "elu", "selu", "gelu", "leaky_relu", "swish")


@dataclass(frozen=True)
class Factor:
    """One hyperparameter: what a study may set it to, and where a tuner looks.

    Attributes:
        levels: all there are, for a factor that is not a number.
        low, high: the range that a study may set a number to.
        search: what a tuner chooses from: levels, or (low, high) where `sampling` says how.
        sampling: "linear" or "log" between two ends; "" for levels.
        placed: whether only a model has it that has a place for it (a recurrent layer).
    """

    name: str
    meaning: str
    default: Level
    levels: Sequence[Level] = ()
    low: float = 0.0
    high: float = 0.0
    search: Sequence[Level] = ()
    sampling: str = ""
    placed: bool = False

    def refusal(self, level: Level) -> str | None:
        """Why `level` is not one of this factor's, or None where it is."""
        if self.levels:
            good = any(level == own and type(level) is type(own) for own in self.levels)
            return None if good else "one of " + ", ".join(repr(own) for own in self.levels)
        number = isinstance(level, int | float) and not isinstance(level, bool)
        whole = isinstance(self.default, int) and not isinstance(self.default, bool)
        if whole and number and level != int(level):
            return f"a whole number from {self.low:g} to {self.high:g}"
        if number and self.low <= float(level) <= self.high:
            return None
        return f"a number from {self.low:g} to {self.high:g}"


FACTORS = {
    factor.name: factor
    for factor in (
        Factor("initializer", "how kernels start", "glorot_uniform", INITIALIZERS),
        Factor("optimizer", "how gradients move weights", "adam", OPTIMIZERS),
        Factor(
            "learning_rate",
            "size of a step",
            1e-3,
            low=1e-6,
            high=10.0,
            search=(1e-4, 1.0),
            sampling="log",
        ),
        Factor(
            "batch_size",
            "rows a gradient is averaged over; 0 is all of them",
            32,
            low=0,
            high=65536,
            search=(16, 256),
            sampling="log",
        ),
        Factor(
            "dropout",
            "share of units dropped in training",
            0.0,
            low=0.0,
            high=0.95,
            search=(0.0, 0.6),
            sampling="linear",
        ),
        Factor(
            "input_dropout",
            "share of inputs dropped in training",
            0.0,
            low=0.0,
            high=0.95,
            search=(0.0, 0.5),
            sampling="linear",
            placed=True,
        ),
        Factor(
            "recurrent_dropout",
            "share of a recurrent layer's state dropped in training",
            0.0,
            low=0.0,
            high=0.95,
            search=(0.0, 0.5),
            sampling="linear",
            placed=True,
        ),
        Factor("batch_norm", "batch normalization after each layer", False, (False, True)),
        Factor(
            "l1",
            "strength of the L1 penalty on kernels",
            0.0,
            low=0.0,
            high=1.0,
            search=(0.0, 1e-5, 1e-4, 1e-3),
        ),
        Factor(
            "l2",
            "strength of the L2 penalty on kernels",
            0.0,
            low=0.0,
            high=1.0,
            search=(0.0, 1e-4, 1e-3, 1e-2),
        ),
        Factor("activation", "non-linearity of hidden layers", "relu", ACTIVATIONS),
        Factor(
            "clipnorm",
            "largest norm of a gradient; 0 is off",
            0.0,
            low=0.0,
            high=1e6,
            search=(0.0, 0.1, 1.0, 10.0),
        ),
        Factor(
            "clipvalue",
            "largest size of a gradient's entries; 0 is off",
            0.0,
            low=0.0,
            high=1e6,
            search=(0.0, 0.01, 0.1, 1.0),
        ),
        Factor("schedule", "how the learning rate changes in training", "constant", SCHEDULES),
    )
}
