"""What Keras' layers, penalties and optimizers compute, with numbers that may be traced.

Keras compares dropout rates, penalties, momentum and clipping with zero in Python, so a program
could not take them as inputs. The stand-ins here compute what Keras computes, and know two things
more: how to step over a layer, and how to leave out units (`suite.hull`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MethodType
from typing import Any

import jax
import jax.numpy as jnp
import keras

from suite.blueprint import OFF
from suite.schedules import CUT


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


def open_dropout(layer: keras.layers.Dropout) -> None:
    """Let `layer` drop at `layer.traced_rate`, among the units of `layer.traced_live` (if set)."""
    if not layer._seed_generators:  # built with rate 0
        layer._tracker.unlock()
        layer.seed_generator = keras.random.SeedGenerator(seed=0)
        layer._tracker.lock()
    layer.traced_rate = float(layer.rate)
    layer.traced_live = None
    layer.call = MethodType(_drop, layer)


def _drop(layer: keras.layers.Dropout, inputs: Any, training: bool = False) -> Any:
    """`Dropout.call` on JAX: the same random numbers, the same scaling."""
    if not training:
        return inputs
    keep = 1.0 - layer.traced_rate
    if layer.traced_live is None:
        asked = layer.noise_shape or inputs.shape
        shape = [a if a is not None else own for a, own in zip(asked, inputs.shape, strict=True)]
        uniforms = keras.random.uniform(shape, dtype=inputs.dtype, seed=layer.seed_generator)
    else:
        key = layer.seed_generator.next()
        uniforms = uniforms_among(key, layer.traced_live, inputs.shape[0], inputs.dtype)
    return inputs * jnp.where(uniforms < keep, 1.0 / keep, 0.0)


def uniforms_among(key: Any, live: jax.Array, rows: int, dtype: Any) -> jax.Array:
    """The uniform numbers that `jax.random.uniform` draws for the live units alone.

    Args:
        key: raw threefry key, shape (2,).
        live: 1 for a unit that is there, 0 for padding; shape (*units,).
        rows: rows of the batch.
        dtype: of the numbers.

    Returns:
        Shape (rows, *units). The live columns hold what a draw of shape (rows, live units) holds:
        JAX makes each number from its place in the flattened array alone (`jax_threefry_
        partitionable`), so one long draw, shared by all members of a seed, holds the draws of every
        width, and a member picks its own.
    """
    flat = live.reshape(-1) > 0
    ordinal = jnp.cumsum(flat.astype(jnp.int32)) - 1
    count = jnp.sum(flat.astype(jnp.int32))
    places = jnp.arange(rows, dtype=jnp.int32)[:, None] * count + ordinal[None, :]
    drawn = jax.random.uniform(key, (rows * live.size,), dtype)
    return jnp.take(drawn, places, mode="clip").reshape(rows, *live.shape)


def open_gate(layer: keras.layers.Layer) -> None:
    """Let `layer` be stepped over where `layer.traced_present` is 0."""
    original = layer.call
    layer.traced_present = 1.0

    def call(layer: keras.layers.Layer, inputs: Any, *args: Any, **kw: Any) -> Any:
        present = jnp.asarray(layer.traced_present) > 0
        safe = jnp.where(present, inputs, 0.0)  # an unused branch must not put out NaN gradients
        outputs = original(safe, *args, **kw)
        return jnp.where(present, outputs, _widened(inputs, outputs.shape[-1]))

    layer.call = MethodType(call, layer)


def _widened(inputs: jax.Array, channels: int) -> jax.Array:
    """`inputs` with channels of zeros behind its own."""
    lacking = channels - inputs.shape[-1]
    if not lacking:
        return inputs
    return jnp.pad(inputs, [(0, 0)] * (inputs.ndim - 1) + [(0, lacking)])


def open_bias(layer: keras.layers.Layer) -> None:
    """Let a dense or convolutional `layer` add its bias times `layer.traced_bias`."""
    layer.traced_bias = 1.0
    dense = isinstance(layer, keras.layers.Dense)

    def call(layer: keras.layers.Layer, inputs: Any, training: bool | None = None) -> Any:  # noqa: ARG001
        linear = keras.ops.matmul if dense else layer.convolution_op
        outputs = linear(inputs, layer.kernel)
        outputs = outputs + layer.traced_bias * keras.ops.convert_to_tensor(layer.bias)
        return outputs if layer.activation is None else layer.activation(outputs)

    layer.call = MethodType(call, layer)


def open_mask(layer: keras.layers.Layer) -> None:
    """Let `layer` put out 0 for units that are not in `layer.traced_live`."""
    original = layer.call
    layer.traced_live = 1.0

    def call(layer: keras.layers.Layer, inputs: Any, *args: Any, **kw: Any) -> Any:
        return original(inputs, *args, **kw) * layer.traced_live

    layer.call = MethodType(call, layer)


def open_momentum(optimizer: keras.optimizers.SGD) -> None:
    """Let SGD step with `traced_momentum`, and look ahead by `traced_nesterov`, 0 or 1.

    It must not be built yet. At momentum 0 the velocity is the step itself, so plain SGD comes out.
    """
    if hasattr(optimizer, "traced_momentum"):
        return
    optimizer.traced_momentum = float(optimizer.momentum)
    optimizer.traced_nesterov = float(optimizer.nesterov)
    optimizer.momentum = optimizer.momentum or 0.5  # any but 0: it decides that there are slots
    optimizer.update_step = MethodType(_step, optimizer)


def _step(optimizer: keras.optimizers.SGD, gradient: Any, variable: Any, rate: Any) -> None:
    rate = keras.ops.cast(rate, variable.dtype)
    velocity = optimizer.momentums[optimizer._get_variable_index(variable)]
    momentum, ahead = optimizer.traced_momentum, optimizer.traced_nesterov
    step = keras.ops.cast(gradient, variable.dtype) * rate
    optimizer.assign(velocity, velocity * momentum - step)
    if isinstance(ahead, float):
        moved = velocity * momentum - step if ahead else velocity
    else:
        moved = jnp.where(ahead > 0, velocity * momentum - step, velocity.value)
    optimizer.assign_add(variable, moved)


def open_clipping(optimizer: keras.optimizers.Optimizer) -> None:
    """Let `optimizer` clip gradients by `traced_clipnorm` and `traced_clipvalue`.

    A limit of `OFF` changes nothing.
    """
    if hasattr(optimizer, "traced_clipnorm"):
        return
    optimizer.traced_clipnorm = optimizer.clipnorm or OFF
    optimizer.traced_clipvalue = optimizer.clipvalue or OFF
    optimizer._clip_gradients = MethodType(_clip, optimizer)


def _clip(optimizer: keras.optimizers.Optimizer, gradients: Sequence[Any]) -> list[Any]:
    norm, size = optimizer.traced_clipnorm, optimizer.traced_clipvalue
    if not _is_off(norm):
        gradients = [
            g if g is None else g * (norm / jnp.maximum(_norm(g), norm)) for g in gradients
        ]
    if not _is_off(size):
        gradients = [g if g is None else jnp.clip(g, -size, size) for g in gradients]
    return list(gradients)


def _is_off(limit: Any) -> bool:
    return isinstance(limit, float) and limit == OFF


def _norm(gradient: jax.Array) -> jax.Array:
    """Euclidean norm, by a product, for the reason given in `_penalty_value`."""
    rows = gradient.reshape(-1, gradient.shape[-1]) if gradient.ndim > 1 else gradient[:, None]
    return jnp.sqrt(jnp.sum(jnp.ones(rows.shape[0], gradient.dtype) @ jnp.square(rows)))


def open_schedule(optimizer: keras.optimizers.Optimizer, shape: Mapping[str, Any]) -> None:
    """Let `optimizer`, made with a constant rate, follow a schedule that may be traced.

    Args:
        shape: the schedule's numbers (`suite.schedules.CONSTANT`); each becomes `traced_<name>`.
    """
    for name, value in shape.items():
        setattr(optimizer, f"traced_{name}", value)
    optimizer._get_current_learning_rate = MethodType(_rate, optimizer)


def _rate(optimizer: keras.optimizers.Optimizer) -> Any:
    """What Keras' `CosineDecay` and `PiecewiseConstantDecay` put out at this step."""
    peak = keras.ops.convert_to_tensor(optimizer._learning_rate)
    step = keras.ops.cast(optimizer.iterations, peak.dtype)
    warmup, floor = optimizer.traced_warmup, optimizer.traced_floor
    rising = step / jnp.maximum(warmup, 1.0)
    done = jnp.clip((step - warmup) / optimizer.traced_decay, 0.0, 1.0)
    falling = floor + (1.0 - floor) * 0.5 * (1.0 + jnp.cos(jnp.pi * done))
    share = jnp.where(step < warmup, rising, falling)
    for cut in (optimizer.traced_cut, optimizer.traced_second_cut):
        share = share * jnp.where(step > cut, CUT, 1.0)
    return peak * share
