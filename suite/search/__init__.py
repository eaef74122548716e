"""Searches: KerasTuner's oracles asked in batches, their trials trained as fleets.

Public names, for scripts and notebooks: `FleetTuner`, `GridOracle`, `OptunaOracle`. They are
imported on first use. Where Keras was not imported before, that settles its backend: JAX, one
device a core (`suite.environment.settle`).
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from suite.search.grid import GridOracle
    from suite.search.sampled import OptunaOracle
    from suite.search.tuner import FleetTuner

__all__ = ["FleetTuner", "GridOracle", "OptunaOracle"]

_HOMES = {
    "FleetTuner": "suite.search.tuner",
    "GridOracle": "suite.search.grid",
    "OptunaOracle": "suite.search.sampled",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'suite.search' has no attribute {name!r}")
    if "keras" not in sys.modules:
        import_module("suite.environment").settle()
    return getattr(import_module(_HOMES[name]), name)
