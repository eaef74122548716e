"""Knobs of a model made traceable: numbers that Keras branches on become inputs of the program.

The learning rate, or the largest one of a schedule, is an optimizer variable;
`suite.engines.traced` stands in for the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import keras

from suite.blueprint import dropouts, penalised
from suite.engines.traced import (
    TracedL1L2,
    open_bias,
    open_clipping,
    open_dropout,
    open_gate,
    open_mask,
    open_momentum,
    open_schedule,
)
from suite.schedules import CONSTANT, numbers_of

LEARNING_RATE = "learning_rate"
OPENINGS = {
    "momentum": open_momentum,
    "nesterov": open_momentum,
    "clipnorm": open_clipping,
    "clipvalue": open_clipping,
}
"""Knobs of an optimizer that Keras branches on, each with what makes it traceable."""
WEIGHT_DECAY = "weight_decay"

ORDER = ("bias", "live", "present")


class Knobs:
    """The varying knobs of a template, ready to be bound to traced numbers.

    Args:
        model: the template, its optimizer not built; layers, regularizers and optimizer are changed
            in place.
        varying: the knobs that will be bound, as `suite.families` names them.
    """

    def __init__(self, model: keras.Model, varying: Sequence[str]) -> None:
        self.names = tuple(name for name in varying if name != LEARNING_RATE)
        _schedule(model, self.names)
        self._targets = {name: _opened(model, name) for name in sorted(self.names, key=_rank)}
        penalties = []
        for variable in penalised(model):
            own = variable.regularizer
            traced = TracedL1L2(float(getattr(own, "l1", 0)), float(getattr(own, "l2", 0)))
            variable.regularizer = traced
            penalties.append(traced)
        for name in self.names:
            kind, _, number = name.partition("/")
            if kind in ("l1", "l2"):
                self._targets[name] = (penalties[int(number)], kind)

    def bind(self, values: Mapping[str, jax.Array]) -> None:
        """Let the model's next calls compute with these numbers."""
        for name in self.names:
            target, attribute = self._targets[name]
            setattr(target, attribute, values[name])


def _schedule(model: keras.Model, varying: Sequence[str]) -> None:
    """Make an optimizer's schedule traceable, its largest rate a variable as without a schedule."""
    own = model.optimizer
    numbers = numbers_of(own._learning_rate)
    if numbers is None:
        return
    peak, shape = numbers
    if not isinstance(own._learning_rate, keras.Variable):
        model.optimizer = type(own).from_config({**own.get_config(), "learning_rate": peak})
    elif not set(shape) & set(varying):
        return
    open_schedule(model.optimizer, shape)


def _rank(name: str) -> int:
    """The order of opening: a gate steps over all that was opened in its layer before."""
    kind = name.partition("/")[0]
    return ORDER.index(kind) if kind in ORDER else -1


def _opened(model: keras.Model, name: str) -> tuple[Any, str]:
    """Make a knob traceable; the object and the attribute that its number is bound to."""
    kind, _, number = name.partition("/")
    if kind == WEIGHT_DECAY:
        return model.optimizer, kind
    if kind in CONSTANT:
        return model.optimizer, f"traced_{kind}"
    if kind in OPENINGS:
        OPENINGS[kind](model.optimizer)
        return model.optimizer, f"traced_{kind}"
    if kind == "rate":
        layer = dropouts(model)[int(number)]
        open_dropout(layer)
        return layer, "traced_rate"
    if kind in ("l1", "l2"):
        return model, kind  # replaced, once all penalties are known
    layer = model.get_layer(number)
    if kind == "present":
        open_gate(layer)
    elif kind == "bias":
        open_bias(layer)
    elif not isinstance(layer, keras.layers.Dropout):
        open_mask(layer)
    elif not hasattr(layer, "traced_rate"):
        open_dropout(layer)
    return layer, f"traced_{kind}"
