"""Embedding gradients on TensorFlow, summed before the optimizer sees them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras


def sum_slices(optimizer: keras.optimizers.Optimizer) -> None:
    """Let `optimizer` receive dense gradients, in place.

    On TensorFlow the gradient of an embedding comes as slices, one for every time a row was looked
    up. Keras' optimizers square them one by one: a row that a batch holds twice adds g1^2 + g2^2
    to Adam's second moment instead of (g1 + g2)^2, and trains differently than on any other
    backend. Summed first, all backends agree.
    """
    import tensorflow as tf  # noqa: PLC0415  # only where it is the backend

    apply = optimizer.apply

    def dense(gradients: Sequence[Any], *arguments: Any, **options: Any) -> Any:
        summed = [g if g is None else tf.convert_to_tensor(g) for g in gradients]
        return apply(summed, *arguments, **options)

    optimizer.apply = dense
