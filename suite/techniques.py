"""The standard factors, put to work: hyperparameters to Keras layers and an optimizer."""

from __future__ import annotations

from typing import Any

import keras
import keras_tuner

from suite.declare import declare
from suite.factors import FACTORS
from suite.trial import Level


class Techniques:
    """Blocks of layers, and an optimizer, in which every standard factor takes effect.

    Args:
        hp: the `keras_tuner.HyperParameters` that `build(hp)` received. Each factor is declared in
            it under its standard name (`suite.factors.FACTORS`), so a KerasTuner oracle can search
            it and a study can set it.

    The order inside a block is kernel, batch normalization, activation, (pooling,) dropout. Dropout
    and the L1/L2 penalty are always there, at strength zero where they are off: then models that
    differ in them alone have one structure and train in one fleet.
    """

    def __init__(self, hp: keras_tuner.HyperParameters) -> None:
        self.values: dict[str, Level] = {
            name: declare(hp, factor) for name, factor in FACTORS.items() if name != "batch_size"
        }

    def kernel(self) -> dict[str, Any]:
        """Keyword arguments for any Keras layer that has a kernel: initializer and regularizer."""
        return {
            "kernel_initializer": str(self.values["initializer"]),
            "kernel_regularizer": keras.regularizers.L1L2(
                l1=float(self.values["l1"]), l2=float(self.values["l2"])
            ),
        }

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
        """The optimizer, with its learning rate and gradient clipping."""
        clipnorm = float(self.values["clipnorm"]) or None
        rate = float(self.values["learning_rate"])
        name = str(self.values["optimizer"])
        if name == "momentum":
            return keras.optimizers.SGD(rate, momentum=0.9, clipnorm=clipnorm)
        classes = {
            "sgd": keras.optimizers.SGD,
            "rmsprop": keras.optimizers.RMSprop,
            "adam": keras.optimizers.Adam,
            "adamw": keras.optimizers.AdamW,
            "nadam": keras.optimizers.Nadam,
            "adagrad": keras.optimizers.Adagrad,
        }
        return classes[name](rate, clipnorm=clipnorm)
