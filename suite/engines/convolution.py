"""Convolution as patches times matrix, for XLA on a CPU.

XLA's CPU backend optimises convolutions only in the entry computation; inside a `scan` the gradient
convolutions fall to a naive loop (github.com/jax-ml/jax issue 12868), ten times slower and more. A
matrix product of image patches gives the same numbers at full speed.
"""

from __future__ import annotations

from itertools import product
from types import MethodType

import jax
import jax.numpy as jnp
import keras

CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D)


def patched(model: keras.Model) -> None:
    """Let the plain convolutions of `model` run as patches times matrix, in place."""
    for layer in model._flatten_layers():
        plain = type(layer) in CONVOLUTIONS and layer.groups == 1
        if plain and layer.data_format == "channels_last" and layer.padding in ("same", "valid"):
            layer.convolution_op = MethodType(_convolve, layer)


def _convolve(layer: keras.layers.Layer, inputs: jax.Array, kernel: jax.Array) -> jax.Array:
    """`layer`'s convolution of (batch, *space, channels) with (*window, channels, filters)."""
    inputs = keras.ops.convert_to_tensor(inputs)
    kernel = keras.ops.convert_to_tensor(kernel)
    window, filters = kernel.shape[:-2], kernel.shape[-1]
    reach = [(w - 1) * d + 1 for w, d in zip(window, layer.dilation_rate, strict=True)]
    if layer.padding == "same":
        inputs = _padded(inputs, reach, layer.strides)
    space = [
        (size - r) // s + 1
        for size, r, s in zip(inputs.shape[1:-1], reach, layer.strides, strict=True)
    ]
    shifts = [
        tuple(
            slice(i * d, i * d + (n - 1) * s + 1, s)
            for i, d, n, s in zip(at, layer.dilation_rate, space, layer.strides, strict=True)
        )
        for at in product(*map(range, window))
    ]
    patches = jnp.concatenate([inputs[(slice(None), *shift)] for shift in shifts], axis=-1)
    flat = patches.reshape(-1, patches.shape[-1]) @ kernel.reshape(-1, filters)
    return flat.reshape(inputs.shape[0], *space, filters)


def _padded(inputs: jax.Array, reach: list[int], strides: tuple[int, ...]) -> jax.Array:
    """Zeros around the space axes so that the output has ceil(size / stride) places."""
    pads = []
    for size, r, s in zip(inputs.shape[1:-1], reach, strides, strict=True):
        total = max(0, (-(-size // s) - 1) * s + r - size)
        pads.append((total // 2, total - total // 2))
    return jnp.pad(inputs, [(0, 0), *pads, (0, 0)])
