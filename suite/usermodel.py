"""What a model that a user's `build(hp)` made is asked before it is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import keras_tuner
import numpy as np

from suite.data import Split
from suite.errors import PluginError, UsageError


def compiled(model: Any, whose: str) -> keras.Model:
    """`model`, if it is a compiled Keras model; PluginError, naming whose it is, otherwise."""
    if not isinstance(model, keras.Model) or getattr(model, "optimizer", None) is None:
        raise PluginError(
            f"Expected {whose} to build a compiled keras.Model. Received: {type(model).__name__}."
        )
    return model


def build_state(model: keras.Model, batch: Split) -> None:
    """What `fit` does before its first step: variables of metrics and optimizer come to be."""
    model._symbolic_build(data_batch=(batch.x, batch.y))


def direction_of(objective: str | keras_tuner.Objective) -> tuple[str, str] | None:
    """Name and direction ("min" or "max") of an objective; None where KerasTuner knows none."""
    try:
        made = keras_tuner.Oracle(objective=objective).objective
    except ValueError:
        return None
    return str(made.name), str(made.direction)


@dataclass(frozen=True)
class UserModel:
    """A model on the defaults of its hyperparameters, looked at."""

    model: keras.Model

    def outputs(self, rows: Split) -> tuple[int, ...]:
        """Shape of the outputs for one row; UsageError where the model does not take `rows.x`."""
        try:
            made = self.model(rows.x)
        except Exception as error:  # a model may raise anything on inputs that are not its own
            shapes = {name: array.shape[1:] for name, array in rows.arrays() if name[0] == "x"}
            raise UsageError(
                f"Expected inputs that the model of build(hp) takes. Received: rows of shape "
                f"{shapes}: {_reason(error)}"
            ) from error
        if not keras.ops.is_tensor(made):
            raise UsageError(
                "Expected the model of build(hp) to have one output. "
                f"Received: a {type(made).__name__}. A class derived from suite.Task can have more."
            )
        return tuple(made.shape[1:])

    def logs(self, rows: Split) -> list[str]:
        """Names of what `fit` logs: "loss", then those of the metrics.

        Raises UsageError where loss or metrics do not take the targets.
        """
        try:
            build_state(self.model, rows)
            names = list(self.model.get_metrics_result())
        except Exception as error:  # of loss and metrics, which may be anyone's
            shape = np.asarray(rows.y).shape[1:]
            raise UsageError(
                "Expected targets that loss and metrics of build(hp) take. "
                f"Received: rows of shape {shape}: {_reason(error)}"
            ) from error
        return sorted(names, key=lambda name: name != "loss")

    @property
    def gives_logits(self) -> bool:
        """Whether the loss says that the outputs are no probabilities yet."""
        config: dict[str, Any] = getattr(self.model.loss, "get_config", dict)()
        return bool(config.get("from_logits", False))


def _reason(error: Exception) -> str:
    text = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {text.rstrip('.')}."
