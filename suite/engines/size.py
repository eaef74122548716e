"""How much work a family is, and so whether families are better trained in one hull."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax
import keras
import numpy as np

from suite.families import Family
from suite.hull import Hull, Misfit

BYTES_PER_SECOND = 2e10
FLOPS_PER_SECOND = 1e11
"""What training touches and computes on two cores; right to within a factor of 3."""

COMPILE_SECONDS = 3.5
"""What a program of small dense models costs to trace and compile, with its probe, about."""

NORMALIZATION_COST = 4
"""Batch normalization goes over its outputs more often than other layers."""


def member_bytes(family: Family) -> int:
    """Rough bytes that a step of one member touches: weights with their slots, activations."""
    model = family.template.model
    weights = sum(int(np.prod(v.shape)) for v in model.weights)
    layers = model.layers if model.built else []
    activations = sum(_activations(layer) for layer in layers)
    return 4 * (4 * weights + 2 * activations * family.template.batch_size)


def _activations(layer: keras.layers.Layer) -> int:
    """Numbers that a layer puts out for one row, weighed."""
    weight = NORMALIZATION_COST if isinstance(layer, keras.layers.BatchNormalization) else 1
    tensors = jax.tree.leaves(getattr(layer, "output", None))
    return weight * sum(int(np.prod([size or 1 for size in t.shape])) for t in tensors)


def member_seconds(family: Family, rows: int) -> float:
    """Roughly what training one member takes, given the rows of the training split."""
    steps = rows // family.template.batch_size * family.epochs
    step = member_bytes(family) / BYTES_PER_SECOND + member_flops(family) / FLOPS_PER_SECOND
    return step * steps


def member_flops(family: Family) -> float:
    """Multiplications and additions of one step: a product forward, two backward."""
    model = family.template.model
    layers = model.layers if model.built else []
    return 6.0 * family.template.batch_size * sum(_products(layer) for layer in layers)


def _products(layer: keras.layers.Layer) -> int:
    """Multiplications of one row with the layer's kernels."""
    kernels = [v for v in layer.trainable_weights if len(v.shape) >= 2]
    shapes = [t.shape[1:-1] for t in jax.tree.leaves(getattr(layer, "output", None))]
    places = max((int(np.prod([size or 1 for size in shape])) for shape in shapes), default=1)
    return sum(int(np.prod(v.shape)) for v in kernels) * places


Berthing = tuple[Hull | None, Sequence[Family]]
"""A hull with the families in it, or no hull and one family."""

Priced = tuple[float, list[Berthing]]
"""The seconds that families take in all, and how they are berthed then."""


def berthings(
    families: Sequence[Family],
    rows: int,
    weight: Callable[[Family], float],
    programs: int = 1,
) -> list[Berthing]:
    """Families of one kind, merged where that saves more compiling than it costs in training.

    Args:
        families: of one `mergeable` kind.
        rows: of the training split.
        weight: how many members of a family there will be.
        programs: how many a berth will have, each for another number of members.
    """
    ordered = sorted(families, key=member_bytes)
    return _cheapest(ordered, rows, weight, programs * COMPILE_SECONDS)[1]


def _cheapest(
    families: Sequence[Family], rows: int, weight: Callable[[Family], float], compiling: float
) -> Priced:
    """`families`, ordered by their size, in one hull, or split where their sizes differ most.

    Each part of a split is at its cheapest.
    """
    least = sum(weight(f) * member_seconds(f, rows) for f in families)
    if len(families) == 1:
        return compiling + least, [(None, families)]
    try:
        hull = Hull(families)
    except Misfit:
        return _together([_cheapest(own, rows, weight, compiling) for own in _apart(families)])
    training = sum(map(weight, families)) * member_seconds(hull.family(), rows)
    merged: Priced = compiling + training, [(hull, families)]
    if training - least <= compiling:  # what no second program can win
        return merged
    sizes = [member_bytes(family) for family in families]
    cut = max(range(1, len(sizes)), key=lambda i: sizes[i] / sizes[i - 1])
    parts = [_cheapest(own, rows, weight, compiling) for own in (families[:cut], families[cut:])]
    return min(merged, _together(parts), key=lambda found: found[0])


def _together(parts: Sequence[Priced]) -> Priced:
    """Parts beside each other."""
    return sum(seconds for seconds, _ in parts), [one for _, own in parts for one in own]


def _apart(families: Sequence[Family]) -> list[list[Family]]:
    """Families without a common hull: together where their layers are of one kind."""
    kinds: dict[str, list[Family]] = {}
    for family in families:
        kinds.setdefault(Hull.kind(family), []).append(family)
    return [[family] for family in families] if len(kinds) == 1 else list(kinds.values())
