"""The standard factors, put to work: hyperparameters to Keras layers and an optimizer."""

from __future__ import annotations

from typing import Any

import keras
import keras_tuner

from suite.declare import declare
from suite.factors import FACTORS
from suite.schedules import scheduled, steps_of
from suite.trial import Level


class Techniques:
    """Blocks of layers, and an optimizer, in which every standard factor takes effect.

    Args:
        hp: the `keras_tuner.HyperParameters` that `build(hp)` received. Each factor is declared in
            it under its standard name (`suite.factors.FACTORS`), so a KerasTuner oracle can search
            it and a study can set it.
        steps: of the whole training, for schedules of the learning rate; a `suite.Task` knows.

    The order inside a block is kernel, batch normalization, activation, (pooling,) dropout. Dropout
    and the L1/L2 penalty are always there, at strength zero where they are off: then models that
    differ in them alone have one structure and train in one fleet. Factors that need a place in the
    model (`input_dropout`, `recurrent_dropout`) are declared by the method that gives it to them.
    """

    def __init__(self, hp: keras_tuner.HyperParameters, steps: int | None = None) -> None:
        self.hp = hp
        self.steps = steps
        self.values: dict[str, Level] = {
            name: declare(hp, factor)
            for name, factor in FACTORS.items()
            if name != "batch_size" and not factor.placed
        }

    def kernel(self) -> dict[str, Any]:
        """Keyword arguments for any Keras layer that has a kernel: initializer and regularizer."""
        return {
            "kernel_initializer": initializer_of(str(self.values["initializer"])),
            "kernel_regularizer": keras.regularizers.L1L2(
                l1=float(self.values["l1"]), l2=float(self.values["l2"])
            ),
        }

    def recurrent(self) -> dict[str, Any]:
        """Keyword arguments for any recurrent Keras layer: those of `kernel`, recurrent dropout."""
        rate = declare(self.hp, FACTORS["recurrent_dropout"])
        return {**self.kernel(), "recurrent_dropout": float(rate)}

    def input_dropout(self) -> list[keras.layers.Layer]:
        """What stands before the first layer: dropout of inputs; nothing at rate 0."""
        rate = float(declare(self.hp, FACTORS["input_dropout"]))
        return [keras.layers.Dropout(rate)] if rate else []

    def after(self, *, dropout: bool = True) -> list[keras.layers.Layer]:
        """Batch normalization (if on), activation, dropout: what follows a linear layer."""
        layers: list[keras.layers.Layer] = []
        if self.values["batch_norm"]:
            layers.append(keras.layers.BatchNormalization())
        layers.append(keras.layers.Activation(str(self.values["activation"])))
        if dropout:
            layers.append(self.dropout())
        return layers

    def dropout(self) -> keras.layers.Layer:
        """A dropout layer at the factor's rate."""
        return keras.layers.Dropout(float(self.values["dropout"]))

    def dense(self, units: int) -> list[keras.layers.Layer]:
        """A hidden dense layer of `units`, and what follows it; input (batch, features)."""
        bias = not self.values["batch_norm"]  # batch normalization brings its own offset
        return [keras.layers.Dense(units, use_bias=bias, **self.kernel()), *self.after()]

    def conv(self, filters: int, kernel_size: int = 3, pool: int = 2) -> list[keras.layers.Layer]:
        """A convolution and what follows it; input (batch, height, width, channels).

        `pool` is the side of the max-pooling window; 1 leaves the pooling out.
        """
        bias = not self.values["batch_norm"]
        convolution = keras.layers.Conv2D(
            filters, kernel_size, padding="same", use_bias=bias, **self.kernel()
        )
        pooling = [keras.layers.MaxPooling2D(pool)] if pool > 1 else []
        return [convolution, *self.after(dropout=False), *pooling, self.dropout()]

    def output(self, units: int, activation: str | None = None) -> keras.layers.Layer:
        """The last layer: initializer and penalty apply; dropout and normalization do not."""
        return keras.layers.Dense(units, activation=activation, **self.kernel())

    def optimizer(self) -> keras.optimizers.Optimizer:
        """The optimizer, with its learning rate, the rate's schedule, and gradient clipping.

        Raises what Keras raises where gradients are clipped both by norm and by value.
        """
        options: dict[str, Any] = {
            name: float(self.values[name]) or None for name in ("clipnorm", "clipvalue")
        }
        rate: Any = float(self.values["learning_rate"])
        schedule = str(self.values["schedule"])
        if schedule != "constant":
            rate = scheduled(schedule, rate, self.steps or steps_of(self.hp))
        name = str(self.values["optimizer"])
        if name in ("momentum", "nesterov"):
            options |= {"momentum": 0.9, "nesterov": name == "nesterov"}
        return CLASSES[name](rate, **options)


CLASSES = {
    "sgd": keras.optimizers.SGD,
    "momentum": keras.optimizers.SGD,
    "nesterov": keras.optimizers.SGD,
    "rmsprop": keras.optimizers.RMSprop,
    "adam": keras.optimizers.Adam,
    "adamw": keras.optimizers.AdamW,
    "nadam": keras.optimizers.Nadam,
    "adagrad": keras.optimizers.Adagrad,
    "lion": keras.optimizers.Lion,
}


def initializer_of(name: str) -> str | keras.initializers.Initializer:
    """What Keras takes for a level: its own name, or the initializer of a standard deviation."""
    kind, _, deviation = name.rpartition("_")
    if kind == "random_normal":
        return keras.initializers.RandomNormal(stddev=float(deviation))
    return name
