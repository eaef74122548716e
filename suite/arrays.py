"""A user's arrays: NumPy arrays of numbers, or dicts of them by name; refused by name otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from suite.data import Array, Arrays, Split, leaves
from suite.errors import UsageError

WHOLE = np.iinfo(np.int32)


def arrays_of(value: Any, name: str) -> Arrays:
    """NumPy arrays of numbers; dicts of them by name. UsageError, naming it, for anything else."""
    if isinstance(value, Mapping):
        return {str(key): _array(own, f"{name}[{key!r}]") for key, own in value.items()}
    return _array(value, name)


def pair_of(value: Any, name: str) -> tuple[Any, Any]:
    """Inputs and targets, passed together; UsageError, naming them, where they are no pair."""
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise UsageError(
            f"Expected {name}=(x, y). Received: {name} of type {type(value).__name__}."
        )
    return value[0], value[1]


def split_of(x: Arrays, y: Arrays, what: str) -> Split:
    """Inputs with their targets; UsageError, naming `what`, where their rows differ in number."""
    rows = {len(array) for array in (*leaves(x).values(), *leaves(y).values())}
    if len(rows) != 1:
        raise UsageError(f"Expected as many rows in x as in y in {what}. Received: {sorted(rows)}.")
    return Split(x, y)


def _array(value: Any, name: str) -> Array:
    numbers = hasattr(value, "__array__") and not isinstance(value, str)
    array = np.asarray(value) if numbers else np.zeros((), object)
    if array.dtype.kind not in "fiub" or array.ndim == 0:
        kind = (
            f"an array of dtype {array.dtype}" if numbers and array.ndim else type(value).__name__
        )
        raise UsageError(
            f"Expected {name} to be an array of numbers (or a dict of such). Received: {kind}."
        )
    return array


def narrowed(array: Array) -> Array:
    """Fractions as float32, whole numbers and truth values as int32.

    UsageError for a whole number that is too large.

    >>> narrowed(np.array([0.5, 1.0])).dtype, narrowed(np.array([True])).dtype
    (dtype('float32'), dtype('int32'))
    """
    if array.dtype.kind == "f":
        return array.astype(np.float32)
    if array.size and not (WHOLE.min <= array.min() and array.max() <= WHOLE.max):
        raise UsageError(
            f"Expected whole numbers from {WHOLE.min} to {WHOLE.max} in x and y. "
            f"Received: {array.min()} to {array.max()}."
        )
    return array.astype(np.int32)
