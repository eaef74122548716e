"""Which engine a run gets."""

from __future__ import annotations

import keras

from suite.engines.engine import Engine
from suite.engines.fit import FitEngine
from suite.engines.fleet import FleetEngine
from suite.errors import UsageError, unknown
from suite.request import ENGINES

DIFFERENTIATED = ("jax", "tensorflow")
"""Backends whose gradients the probe knows how to ask for."""
COST = (
    "Keras runs on {backend}, so trials train one by one with model.fit: expect a trial to take "
    "seconds instead of hundredths. Unset KERAS_BACKEND for the fleet engine."
)


def cost_of(name: str | None) -> str:
    """What an engine costs beside the fastest there is, in a sentence; empty for the fastest.

    Raises UsageError for an unknown name, and for the fleet on another backend than JAX.
    """
    backend = keras.backend.backend()
    if name not in (None, *ENGINES):
        raise unknown("engine", name, ENGINES)
    if name == "fleet" and backend != "jax":
        raise UsageError(
            f"Expected KERAS_BACKEND=jax (or unset) for the fleet engine. "
            f"Received: KERAS_BACKEND={backend}. Use --engine fit on that backend."
        )
    return COST.format(backend=backend) if name is None and backend != "jax" else ""


def engine_named(
    name: str | None,
    probed: bool = False,
    devices: int | None = None,
    host_bytes: int | None = None,
) -> Engine:
    """The engine of that name, or the fastest that Keras' backend allows; takes the devices.

    Args:
        name: "fleet", "fit", or None.
        probed: whether outcomes tell a training's health, where the backend gives gradients.
        devices, host_bytes: what a fleet may use of the machine; by default all of it.

    Raises UsageError as `cost_of` does.
    """
    cost_of(name)
    backend = keras.backend.backend()
    if name == "fit" or backend != "jax":
        return FitEngine(probed and backend in DIFFERENTIATED)
    return FleetEngine(devices=devices, probed=probed, host_bytes=host_bytes)
