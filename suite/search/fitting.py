"""What a user passes to `search`: arrays and options of `fit`, taken apart or refused by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras
import keras_tuner
import numpy as np

from suite.arrays import arrays_of, pair_of, split_of
from suite.data import Data
from suite.engines.patience import Patience
from suite.errors import UsageError, unknown

HONOURED = (
    "x",
    "y",
    "validation_data",
    "validation_split",
    "epochs",
    "batch_size",
    "callbacks",
    "shuffle",
    "verbose",
)
"""Options of `keras.Model.fit` that a fleet honours."""

POSITIONS = ("x", "y", "batch_size", "epochs", "verbose", "callbacks")
"""The first parameters of `keras.Model.fit`, as they may be passed by position."""

BATCH_SIZE = 32
EPOCHS = 1


@dataclass(frozen=True)
class FitOptions:
    """Options of one `fit`, without its arrays."""

    epochs: int = EPOCHS
    batch_size: int = BATCH_SIZE


@dataclass(frozen=True)
class Arguments:
    """Everything that was passed to `search`.

    Attributes:
        data: training and validation rows; the validation rows stand in for a test split.
        options: what a trial does where its hypermodel's own `fit` says nothing else.
        patience: of early stopping; None without.
        given: the arguments as they were given, for a hypermodel's own `fit`.
        verbose: 0 for silence.
    """

    data: Data
    options: FitOptions
    patience: Patience | None
    given: Mapping[str, Any] = field(repr=False)
    verbose: int


def arguments_of(
    args: Sequence[Any], kwargs: Mapping[str, Any], objective: keras_tuner.Objective
) -> Arguments:
    """The arguments of `search`; UsageError, naming it, for what a fleet cannot honour."""
    if len(args) > len(POSITIONS):
        raise UsageError(f"Expected at most {len(POSITIONS)} positions. Received: {len(args)}.")
    given = {**dict(zip(POSITIONS, args, strict=False)), **kwargs}
    check_names(given)
    if given.get("shuffle", True) is not True:
        raise UsageError(f"Expected shuffle=True. Received: shuffle={given['shuffle']!r}.")
    verbose = given.get("verbose", 1)
    return Arguments(
        data=_data(given),
        options=options_of(given, FitOptions()),
        patience=_patience(given.get("callbacks") or [], objective),
        given=given,
        verbose=1 if verbose == "auto" else int(verbose),
    )


def check_names(given: Mapping[str, Any]) -> None:
    """Raise UsageError for an option that a fleet does not honour."""
    for name, value in given.items():
        if name not in HONOURED and value is not None:
            raise UsageError(
                f"{unknown('option of fit', name, HONOURED)} FleetTuner does not honour it; "
                f"KerasTuner's own tuners do."
            )


def options_of(given: Mapping[str, Any], default: FitOptions) -> FitOptions:
    """Epochs and batch size out of the arguments of one `fit`."""
    numbers = {}
    for name in ("epochs", "batch_size"):
        value = given.get(name)
        value = getattr(default, name) if value is None else value
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
            raise UsageError(f"Expected {name} to be a whole number from 1. Received: {value!r}.")
        numbers[name] = int(value)
    return FitOptions(**numbers)


def _data(given: Mapping[str, Any]) -> Data:
    x, y = arrays_of(given.get("x"), "x"), arrays_of(given.get("y"), "y")
    train = split_of(x, y, "the training data")
    held = given.get("validation_data")
    share = given.get("validation_split") or 0.0
    if held is not None:
        x, y = pair_of(held, "validation_data")
        val = split_of(arrays_of(x, "x_val"), arrays_of(y, "y_val"), "validation_data")
    elif isinstance(share, int | float | np.number) and 0 < share < 1:
        rows = int(len(train) * (1 - share))  # Keras, too, holds out the last ones
        train, val = train.take(slice(0, rows)), train.take(slice(rows, None))
    else:
        raise UsageError(
            "Expected validation_data=(x, y), or validation_split between 0 and 1. "
            f"Received: validation_split={share!r}."
        )
    if not len(train) or not len(val):
        raise UsageError(
            f"Expected rows to train and to validate on. Received: {len(train)}, {len(val)}."
        )
    return Data(train, val, val, np.zeros(1), "", "arrays", "passed to search", "the user's own")


def _patience(callbacks: Sequence[Any], objective: keras_tuner.Objective) -> Patience | None:
    """Early stopping out of the callbacks; UsageError for any other callback, by name."""
    for callback in callbacks:
        if type(callback) is not keras.callbacks.EarlyStopping:
            raise UsageError(
                f"Expected no callback but keras.callbacks.EarlyStopping. "
                f"Received: {type(callback).__name__}. A fleet trains many models in one program "
                f"and cannot call it; KerasTuner's own tuners do."
            )
    if len(callbacks) > 1:
        raise UsageError(f"Expected one EarlyStopping. Received: {len(callbacks)}.")
    if not callbacks:
        return None
    early = callbacks[0]
    if early.baseline is not None:
        raise UsageError(f"Expected EarlyStopping without baseline. Received: {early.baseline}.")
    direction = early.mode if early.mode in ("min", "max") else _direction(early.monitor, objective)
    return Patience(
        monitor=early.monitor,
        direction=direction,
        epochs=max(1, int(early.patience)),
        min_delta=abs(float(early.min_delta)),
        start_from_epoch=int(early.start_from_epoch),
    )


def _direction(monitor: str, objective: keras_tuner.Objective) -> str:
    if monitor == objective.name:
        return str(objective.direction)
    try:
        return str(keras_tuner.Oracle(objective=monitor).objective.direction)
    except ValueError as error:
        raise UsageError(
            f"Expected EarlyStopping(mode='min' or 'max') for monitor={monitor!r}, whose direction "
            f"is not known. Received: mode='auto'."
        ) from error
