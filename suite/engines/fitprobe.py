"""The probe beside `model.fit`: on JAX the fleet's own function, on TensorFlow a gradient tape."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np

from suite.anatomy import Part, sites_of
from suite.data import Split
from suite.engines.probe import TapeProbe, TracedProbe, probe_rows
from suite.engines.sight import flat, sight_of
from suite.errors import UsageError
from suite.health import Health


class FitProbe:
    """Looks into a model whenever it is told to, and keeps what it saw.

    Raises UsageError on a backend of Keras that it knows no gradients of.

    Attributes:
        seen: what `suite.engines.sight.flat` gives, an entry an epoch.
    """

    def __init__(self, model: keras.Model, train: Split, batch_size: int) -> None:
        self.model = model
        self.rows = train.take(probe_rows(len(train), batch_size))
        self.seen: list[dict[str, np.ndarray[Any, Any]]] = []
        sites = sites_of(model)
        self.sight = sight_of(model, sites)
        backend = keras.backend.backend()
        if backend == "jax":
            import jax  # noqa: PLC0415  # only where it is the backend

            self._traced = jax.jit(TracedProbe(model, sites).__call__)
        elif backend == "tensorflow":
            self._taped = TapeProbe(model, sites)
        else:
            raise UsageError(
                f"Expected KERAS_BACKEND=jax or tensorflow for gradients. Received: {backend}."
            )
        self._look = self._with_jax if backend == "jax" else self._with_tape

    def look(self) -> None:
        """Add what is seen now."""
        found = flat(self._look())
        self.seen.append({n: keras.ops.convert_to_numpy(a) for n, a in found.items()})

    def health(self, parts: Sequence[Part]) -> Health | None:
        """The health that was seen since `seen` was empty."""
        if not self.seen:
            return None
        curves = {name: np.stack([one[name] for one in self.seen]) for name in self.seen[0]}
        return self.sight.health(parts, curves)

    def _with_jax(self) -> dict[str, Any]:
        model = self.model
        lists = (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
        )
        found: dict[str, Any] = self._traced(
            *([v.value for v in own] for own in lists), self.rows.x, self.rows.y
        )
        return found

    def _with_tape(self) -> dict[str, Any]:
        return self._taped(self.rows.x, self.rows.y)
