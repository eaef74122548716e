"""Knobs of a model made traceable: numbers that Keras branches on become inputs of the program.

The learning rate is an optimizer variable already. `Dropout.rate` and the L1/L2 strengths are plain
Python numbers that Keras compares with zero, so the template's layers get a call, and its variables
a regularizer, that compute with a traced number instead. What they compute is what Keras computes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MethodType
from typing import Any

import jax
import jax.numpy as jnp
import keras

from suite.blueprint import dropouts, penalised

LEARNING_RATE = "learning_rate"


class TracedL1L2(keras.regularizers.Regularizer):  # type: ignore[misc]  # keras ships no types
    """L1 and L2 penalty with strengths that may be traced; strengths fixed at 0 cost nothing."""

    def __init__(self, l1: Any, l2: Any) -> None:
        self.l1 = l1
        self.l2 = l2

    def __call__(self, x: Any) -> Any:
        if _is_zero(self.l1) and _is_zero(self.l2):
            return keras.ops.zeros((), x.dtype)
        return _penalty(keras.ops.convert_to_tensor(x), self.l1, self.l2)


def _is_zero(strength: Any) -> bool:
    return isinstance(strength, float) and strength == 0.0


def _penalty_value(x: jax.Array, l1: Any, l2: Any) -> jax.Array:
    """`sum(l1 |x| + l2 x^2)`.

    Summed by a product with ones: XLA adds up the minor axis of an array on a CPU one number after
    the other, which took 40 % of a training step; a product it vectorises.
    """
    rows = x.reshape(-1, x.shape[-1]) if x.ndim > 1 else x.reshape(-1, 1)
    weighed = l1 * jnp.abs(rows) + l2 * jnp.square(rows)
    return jnp.sum(jnp.ones(rows.shape[0], x.dtype) @ weighed)


def _penalty_forward(x: jax.Array, l1: Any, l2: Any) -> tuple[jax.Array, tuple[Any, ...]]:
    return _penalty_value(x, l1, l2), (x, l1, l2)


def _penalty_backward(saved: tuple[Any, ...], cotangent: jax.Array) -> tuple[jax.Array, Any, Any]:
    x, l1, l2 = saved
    gradient = cotangent * (l1 * jnp.sign(x) + 2 * l2 * x)
    return gradient, jnp.zeros_like(l1), jnp.zeros_like(l2)


_penalty = jax.custom_vjp(_penalty_value)
_penalty.defvjp(_penalty_forward, _penalty_backward)


def _drop(layer: keras.layers.Dropout, inputs: Any, training: bool = False) -> Any:
    """`Dropout.call` on JAX with a traced rate: the same random numbers, the same scaling."""
    if not training:
        return inputs
    keep = 1.0 - layer.traced_rate
    uniforms = keras.random.uniform(inputs.shape, dtype=inputs.dtype, seed=layer.seed_generator)
    return inputs * jnp.where(uniforms < keep, 1.0 / keep, 0.0)


class Knobs:
    """The varying knobs of a template, ready to be bound to traced numbers.

    Args:
        model: the template; its dropout layers and regularizers are replaced in place.
        varying: the knobs that will be bound, as `suite.families` names them.
    """

    def __init__(self, model: keras.Model, varying: Sequence[str]) -> None:
        self.names = tuple(name for name in varying if name != LEARNING_RATE)
        self._dropouts = dropouts(model)
        self._penalties = []
        for variable in penalised(model):
            own = variable.regularizer
            traced = TracedL1L2(float(getattr(own, "l1", 0)), float(getattr(own, "l2", 0)))
            variable.regularizer = traced
            self._penalties.append(traced)
        for name in self.names:
            kind, number = name.split("/")
            if kind == "rate":
                _open_up(self._dropouts[int(number)])

    def bind(self, values: Mapping[str, jax.Array]) -> None:
        """Let the model's next calls compute with these numbers."""
        for name in self.names:
            kind, number = name.split("/")
            if kind == "rate":
                self._dropouts[int(number)].traced_rate = values[name]
            else:
                setattr(self._penalties[int(number)], kind, values[name])


def _open_up(layer: keras.layers.Dropout) -> None:
    if not layer._seed_generators:  # built with rate 0
        layer._tracker.unlock()
        layer.seed_generator = keras.random.SeedGenerator(seed=0)
        layer._tracker.lock()
    layer.call = MethodType(_drop, layer)
