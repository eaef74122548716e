"""Rows as 64-bit codes: equal rows have equal codes, and others, but for a freak, do not."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from suite.data import Array, Arrays, leaves

Codes = NDArray[np.uint64]
CHUNK = 2**22
"""Numbers that are mixed at once: 32 MB."""
_MIX = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9))


def codes_of(array: Array) -> Codes:
    """A code for each row of (rows, ...), shape (rows,); the mixing is SplitMix64's."""
    flat = np.ascontiguousarray(array).reshape(len(array), -1)
    rows = max(1, CHUNK // max(1, flat.shape[1]))
    random = np.random.default_rng(flat.shape[1])
    factors = random.integers(0, 2**63, flat.shape[1], dtype=np.uint64) * np.uint64(2) + np.uint64(
        1
    )
    parts = [_mixed(flat[i : i + rows], factors) for i in range(0, len(flat), rows)]
    return np.concatenate(parts) if parts else np.zeros(0, np.uint64)


def _mixed(flat: Array, factors: Codes) -> Codes:
    bits = (flat.astype(np.float64) + 0.0).view(np.uint64)  # -0.0 becomes 0.0
    for factor in _MIX:
        bits = (bits ^ (bits >> np.uint64(31))) * factor
    codes: Codes = (bits * factors).sum(axis=1, dtype=np.uint64)
    return codes


def codes_of_all(arrays: Arrays) -> Codes:
    """A code for each row over several arrays together."""
    each = [codes_of(array) for array in leaves(arrays).values()]
    return each[0] if len(each) == 1 else joined(each)


def joined(each: Sequence[Codes]) -> Codes:
    """One code a row out of several."""
    return codes_of(np.stack(each, axis=1) >> np.uint64(12))  # what fits a float64 exactly


PAIRS = (("train", "val"), ("train", "test"), ("val", "test"))
"""Each two splits, the one that must not know the other first."""
