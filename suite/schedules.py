"""Schedules: how the learning rate changes over a training, as Keras' own schedules and as numbers.

A schedule is told in terms of the whole training, its epochs times its batches:

- constant: the learning rate itself, all along;
- step: a tenth of it after half of the training, a hundredth after three quarters (as He et al.
  2016 cut it for residual networks);
- cosine: down to 0 along half a cosine (Loshchilov & Hutter 2017, without restarts);
- warmup: up from 0 in a straight line over the first tenth, then constant (Goyal et al. 2017);
- warmup_cosine: the same tenth, then down to 0 along half a cosine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import keras

from suite.errors import PluginError

NEVER = 1e30
"""A step that no training comes to."""
CUT = 0.1
"""What a step schedule multiplies the learning rate by, twice."""
CUTS = (0.5, 0.75)
"""The shares of the training after which it does."""
WARMUP = 0.1
"""Share of the training in which the learning rate rises."""
CONSTANT: Mapping[str, float] = {
    "warmup": 0.0,
    "decay": 1.0,
    "floor": 1.0,
    "cut": NEVER,
    "second_cut": NEVER,
}
"""A constant rate in numbers: steps of the rise and of the cosine behind it, the share of the rate
that the cosine ends at, and the last steps before the two cuts."""
STEPS = "training_steps"


def lasting(hp: Any, steps: Callable[[], int]) -> None:
    """Tell `hp` how many steps the training of what it builds has, unless it knows."""
    if not hasattr(hp, STEPS):
        setattr(hp, STEPS, steps)


def steps_of(hp: Any) -> int:
    """The steps that `hp` was told of; PluginError where it was not."""
    if not hasattr(hp, STEPS):
        raise PluginError(
            "Expected Techniques(hp, steps=...), the steps of the whole training, for a schedule "
            "outside of a suite.Task, which knows them. Received: no steps."
        )
    return int(getattr(hp, STEPS)())


def scheduled(name: str, rate: float, steps: int) -> Any:
    """What an optimizer takes as its learning rate.

    Args:
        name: of the schedule, a level of the factor `schedule`.
        rate: the largest learning rate.
        steps: of the whole training.
    """
    schedules = keras.optimizers.schedules
    rising = max(1, round(WARMUP * steps))
    match name:
        case "step":
            cuts = [max(1, round(share * steps)) - 1 for share in CUTS]
            return schedules.PiecewiseConstantDecay(cuts, [rate, rate * CUT, rate * CUT * CUT])
        case "cosine":
            return schedules.CosineDecay(rate, max(1, steps))
        case "warmup" | "warmup_cosine":
            return schedules.CosineDecay(
                0.0,
                max(1, steps - rising),
                alpha=1.0 if name == "warmup" else 0.0,
                warmup_target=rate,
                warmup_steps=rising,
            )
        case _:
            return rate


def stretch(model: keras.Model, hp: Any, steps: int) -> None:
    """Let a model's schedule, if it has one of these, last for `steps`."""
    if isinstance(model.optimizer._learning_rate, keras.optimizers.schedules.LearningRateSchedule):
        name, rate = str(hp.values.get("schedule", "")), hp.values.get("learning_rate", 0.0)
        made = scheduled(name, float(rate), steps)
        if not isinstance(made, float):
            model.optimizer.learning_rate = made


def numbers_of(rate: Any) -> tuple[float, Mapping[str, float]] | None:
    """The largest rate of an optimizer, and its schedule in the numbers of `CONSTANT`.

    None for what cannot be said in them: another schedule, or a function.
    """
    if isinstance(rate, keras.Variable):
        return float(keras.ops.convert_to_numpy(rate)), CONSTANT
    if type(rate) is keras.optimizers.schedules.PiecewiseConstantDecay:
        return _cuts(list(rate.boundaries), [float(value) for value in rate.values])
    if type(rate) is not keras.optimizers.schedules.CosineDecay:
        return None
    cosine = {"decay": float(rate.decay_steps), "floor": float(rate.alpha)}
    if rate.warmup_target is None:
        return float(rate.initial_learning_rate), {**CONSTANT, **cosine}
    if rate.initial_learning_rate != 0.0:
        return None
    rising = {"warmup": float(rate.warmup_steps)}
    return float(rate.warmup_target), {**CONSTANT, **cosine, **rising}


def _cuts(boundaries: list[Any], rates: list[float]) -> tuple[float, Mapping[str, float]] | None:
    tenths = [rates[0] * CUT**i for i in range(3)]
    alike = len(rates) == 3 and all(map(math.isclose, rates, tenths))
    if not alike or not all(isinstance(value, int) for value in boundaries):
        return None
    first, second = map(float, boundaries)
    return rates[0], {**CONSTANT, "cut": first, "second_cut": second}


def is_known(config: Any) -> bool:
    """Whether the serialized schedule of an optimizer's config is one that numbers can tell."""
    if not isinstance(config, Mapping) or "class_name" not in config:
        return False
    if config["class_name"] not in ("CosineDecay", "PiecewiseConstantDecay"):
        return False
    return numbers_of(keras.optimizers.schedules.deserialize(dict(config))) is not None
