"""Initial weights from a seed: Keras' initializers as quantile functions of shared uniform numbers.

Every variable is made from one array of uniform numbers that depends on the seed alone
(`suite.seeding`), sent through the quantile function of the distribution that the initializer
names. So the weights are the same on every Keras backend, and two initializers of one seed differ
only in the distribution they shape the same numbers into: their comparison is paired.

Sources of the distributions: the `get_config` of Keras' own initializers; Glorot & Bengio 2010,
He et al. 2015, LeCun et al. 1998 (variance scaling); Saxe et al. 2014 (orthogonal).
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from suite.seeding import dropout_state, weight_uniforms
from suite.trial import canonical

Weights = NDArray[Any]
SMALL = 1e-3
"""The size below which an entry of a kernel or an embedding counts as zero."""
Draw = NDArray[np.float64]

VECTORS = 1000  # first number of variables of rank 0 and 1, which seldom start at random
TRUNCATION = 2.0  # standard deviations at which Keras cuts its truncated normal
TRUNCATED_STD = 0.87962566103423978  # standard deviation of a unit normal cut there


@dataclass(frozen=True)
class WeightSpec:
    """How one variable starts: its number among the model's weights, and its initializer.

    `initializer` is the serialized initializer as canonical JSON, its seed left out.
    """

    shape: tuple[int, ...]
    dtype: str
    number: int
    initializer: str


@dataclass(frozen=True)
class Padded:
    """How a variable of a hull starts (`suite.hull`): a smaller one's start, with filling around.

    Attributes:
        start: of the smaller variable; None where there is none.
        index: for each axis, where along it the smaller variable sits.
        filling: the value of the rest, in the hull's shape.
    """

    start: WeightSpec | Weights | None
    index: tuple[NDArray[np.int64], ...]
    filling: Weights

    @property
    def shape(self) -> tuple[int, ...]:
        """The hull's shape."""
        return tuple(self.filling.shape)

    @property
    def dtype(self) -> str:
        """The variable's type."""
        return str(self.filling.dtype)

    @property
    def count(self) -> int:
        """How many of the hull's numbers are the smaller variable's."""
        return math.prod(map(len, self.index)) if self.start is not None else 0

    def around(self, inner: Weights) -> Weights:
        """The smaller variable's value in the hull's shape."""
        value = self.filling.copy()
        value[np.ix_(*self.index)] = inner
        return value

    def inside(self, outer: Weights) -> Weights:
        """The smaller variable's value out of the hull's."""
        inner: Weights = outer[np.ix_(*self.index)]
        return inner


Start = WeightSpec | Weights | Padded
"""How a variable starts: drawn from the seed, at the value it was built with, or as a part."""


def _normal(uniforms: Draw) -> Draw:
    """Standard normal; an exact 0, which has no finite quantile, moves to the smallest number."""
    return np.asarray(ndtri(np.maximum(uniforms, np.finfo(np.float64).tiny)))


def _truncated_normal(uniforms: Draw) -> Draw:
    low, high = ndtr(-TRUNCATION), ndtr(TRUNCATION)
    return np.asarray(ndtri(low + uniforms * (high - low)))


def fans(shape: Sequence[int]) -> tuple[float, float]:
    """Inputs and outputs of one unit: a kernel's last two axes are channels, the rest its field.

    >>> fans((3, 3, 8, 16))
    (72.0, 144.0)
    """
    if len(shape) < 2:
        size = float(shape[0]) if shape else 1.0
        return size, size
    field = math.prod(shape[:-2])
    return float(shape[-2] * field), float(shape[-1] * field)


def _variance_scaling(config: Mapping[str, Any], uniforms: Draw) -> Draw:
    fan_in, fan_out = fans(uniforms.shape)
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[config["mode"]]
    variance = config["scale"] / max(1.0, fan)
    match config["distribution"]:
        case "uniform":
            return np.asarray(math.sqrt(3 * variance) * (2 * uniforms - 1))
        case "untruncated_normal":
            return math.sqrt(variance) * _normal(uniforms)
        case _:
            return math.sqrt(variance) / TRUNCATED_STD * _truncated_normal(uniforms)


def _orthogonal(config: Mapping[str, Any], uniforms: Draw) -> Draw:
    rows, columns = math.prod(uniforms.shape[:-1]), uniforms.shape[-1]
    normal = _normal(uniforms).reshape(rows, columns)
    q, r = np.linalg.qr(normal if rows >= columns else normal.T)
    q = q * np.sign(np.diag(r))
    return float(config["gain"]) * (q if rows >= columns else q.T).reshape(uniforms.shape)


SCALINGS = (
    "VarianceScaling",
    "GlorotUniform",
    "GlorotNormal",
    "HeUniform",
    "HeNormal",
    "LecunUniform",
    "LecunNormal",
)
SCALING_CONFIGS = {
    name: keras.initializers.VarianceScaling.get_config(getattr(keras.initializers, name)())
    for name in SCALINGS
}


DRAWN = (*SCALINGS, "RandomNormal", "TruncatedNormal", "RandomUniform", "Orthogonal")


def _shaped(name: str, config: Mapping[str, Any], uniforms: Draw) -> Draw | None:
    """`uniforms` in the distribution of the named initializer; None where we know no quantile."""
    match name:
        case _ if name in SCALINGS and config.get("input_axes") is None:
            return _variance_scaling({**SCALING_CONFIGS[name], **config}, uniforms)
        case "RandomNormal":
            return float(config["mean"]) + float(config["stddev"]) * _normal(uniforms)
        case "TruncatedNormal":
            return float(config["mean"]) + float(config["stddev"]) * _truncated_normal(uniforms)
        case "RandomUniform":
            low, high = float(config["minval"]), float(config["maxval"])
            return low + (high - low) * uniforms
        case "Orthogonal" if uniforms.ndim >= 2:
            return _orthogonal(config, uniforms)
    return None


@lru_cache(maxsize=4096)
def initial_weight(spec: WeightSpec, seed: int) -> Weights:
    """The starting value of one variable under one seed, shape `spec.shape`, read-only.

    An initializer outside the known families is asked itself, after Keras was seeded with the
    trial's seed; then the value may differ between backends.
    """
    serialized = json.loads(spec.initializer)
    uniforms = weight_uniforms(seed, spec.number, spec.shape)
    drawn = _shaped(serialized["class_name"], serialized["config"], uniforms)
    if drawn is None:
        keras.utils.set_random_seed(seed + spec.number)
        initializer = keras.initializers.deserialize(serialized)
        drawn = keras.ops.convert_to_numpy(initializer(spec.shape, dtype=spec.dtype))
    weight: Weights = drawn.astype(spec.dtype)
    weight.setflags(write=False)
    return weight


@contextmanager
def recorded_initializers() -> Iterator[dict[int, Any]]:
    """While a model is built: `id(variable)` -> the initializer that its layer asked for.

    A Keras variable does not keep its initializer, and a model's config does not say which variable
    each of its initializers belongs to; `Layer.add_weight` sees both. Variables that will be drawn
    from a seed later are built as zeros, which is cheaper.
    """
    record: dict[int, Any] = {}
    original = keras.layers.Layer.add_weight

    def add_weight(
        layer: keras.layers.Layer, shape: Any = None, initializer: Any = None, *args: Any, **kw: Any
    ) -> Any:
        if initializer is None and "int" not in str(kw.get("dtype")):
            initializer = "glorot_uniform"  # what Keras takes for floating-point variables
        asked = keras.initializers.get(initializer) if isinstance(initializer, str) else initializer
        built = "zeros" if type(asked).__name__ in DRAWN else initializer
        variable = original(layer, shape, built, *args, **kw)
        record[id(variable)] = asked
        return variable

    keras.layers.Layer.add_weight = add_weight
    try:
        yield record
    finally:
        keras.layers.Layer.add_weight = original


def start_of(variable: keras.Variable, initializer: Any, number: int) -> Start:
    """How `variable` starts, given the initializer that was recorded for it (None: none)."""
    constants = (keras.initializers.Zeros, keras.initializers.Ones, keras.initializers.Constant)
    random = isinstance(initializer, keras.initializers.Initializer)
    if not random or isinstance(initializer, constants):
        fixed: Weights = keras.ops.convert_to_numpy(variable.value)
        return fixed
    serialized = keras.initializers.serialize(initializer)
    serialized["config"].pop("seed", None)
    return WeightSpec(
        shape=tuple(variable.shape),
        dtype=str(variable.dtype),
        number=number,
        initializer=canonical(serialized),
    )


def starts_of(model: keras.Model, initializers: Mapping[int, Any]) -> dict[int, Start]:
    """`id(variable)` -> how it starts, for every weight of a built model."""
    starts: dict[int, Start] = {}
    ranks = {True: 0, False: VECTORS}  # next number for kernels and embeddings, for the others
    for variable in model.weights:
        matrix = len(variable.shape) >= 2
        starts[id(variable)] = start_of(
            variable, initializers.get(id(variable)), number=ranks[matrix]
        )
        ranks[matrix] += 1
    return starts


def sparsity_of(weights: Sequence[Weights], trainable: Sequence[bool]) -> float:
    """The share of entries below `SMALL` among the trained weights of rank two and more; or NaN."""
    pairs = zip(weights, trainable, strict=True)
    kernels = [np.abs(weight).ravel() for weight, own in pairs if own and weight.ndim >= 2]
    return float((np.concatenate(kernels) < SMALL).mean()) if kernels else math.nan


def seed_generators(
    model: keras.Model, drawing: Sequence[int] | None = None
) -> list[tuple[int, keras.Variable]]:
    """(number, state) of every seed generator of the model.

    The number counts the layers that draw random numbers, a dropout layer of rate 0 (which owns no
    generator) included: the same layer has the same number at every rate. `drawing` gives these
    layers other numbers.
    """
    numbered = []
    layers = [layer for layer in model._flatten_layers() if draws_numbers(layer)]
    for number, layer in zip(drawing or range(len(layers)), layers, strict=True):
        for position, generator in enumerate(layer._seed_generators):
            numbered.append((number + VECTORS * position, generator.state))
    return numbered


def draws_numbers(layer: keras.layers.Layer) -> bool:
    """Whether a layer draws random numbers in training, at some rate."""
    return isinstance(layer, keras.layers.Dropout) or bool(layer._seed_generators)


def seed_state(seed: int, number: int) -> NDArray[np.uint32]:
    """The starting state of seed generator `number`, shape (2,)."""
    return np.array([dropout_state(seed, number), 0], dtype=np.uint32)


def start_weights(starts: Sequence[Start], seed: int) -> list[Weights]:
    """The starting values of all weights of a model under one seed."""
    return [_start_weight(start, seed) for start in starts]


def _start_weight(start: Start, seed: int) -> Weights:
    if isinstance(start, WeightSpec):
        return initial_weight(start, seed)
    if not isinstance(start, Padded):
        return start
    return start.filling if start.start is None else start.around(_start_weight(start.start, seed))


def reset(model: keras.Model, starts: Sequence[Start], seed: int) -> None:
    """Put a built model at the start of a training with `seed`, its optimizer untouched."""
    for variable, weight in zip(model.weights, start_weights(starts, seed), strict=True):
        variable.assign(weight)
    for number, state in seed_generators(model):
        state.assign(seed_state(seed, number))
