"""Declaring a standard factor as a KerasTuner hyperparameter."""

from __future__ import annotations

import keras_tuner

from suite.factors import Factor
from suite.trial import Level


def declare(hp: keras_tuner.HyperParameters, factor: Factor, default: Level | None = None) -> Level:
    """Declare `factor` in `hp`, with a default of the task's own; return the value that `hp` holds.

    A study's value stands whether or not a tuner would have looked there.
    """
    start = factor.default if default is None else default
    value: Level
    if factor.levels == (False, True):
        value = hp.Boolean(factor.name, default=bool(start))
    elif not factor.sampling:
        value = hp.Choice(factor.name, list(factor.levels or factor.search), default=start)
    else:
        low, high = factor.search
        kind = hp.Int if isinstance(factor.default, int) else hp.Float
        value = kind(factor.name, low, high, sampling=factor.sampling, default=start)
    return value
