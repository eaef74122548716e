"""Task: a `keras_tuner.HyperModel` that brings its data and the metric it is judged by."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar

import keras
import keras_tuner

from suite.data import Arrays, Data, leaves
from suite.declare import declare
from suite.errors import PluginError, unknown
from suite.factors import FACTORS

SOURCES = ("embedded", "full")
Metric = str | Callable[[Arrays, Arrays], float]


class Task(keras_tuner.HyperModel):  # type: ignore[misc]  # keras_tuner ships no types
    """A model to train, the data to train it on, and how it is judged.

    A subclass sets the class attributes and writes `data` and `build`; `tasks/_template.py` is a
    commented example. Because it is a `keras_tuner.HyperModel`, it also works with every tuner of
    KerasTuner as it is.

    Attributes:
        objective: the Keras log name that selects the epoch and the recipe, as KerasTuner names it
            ("val_accuracy"), or a `keras_tuner.Objective` where the direction cannot be inferred.
            Prefer a metric to "val_loss": the loss holds the L1/L2 penalty, which makes recipes
            of different strength incomparable.
        metric: what the task is judged by on the test split: the name of a scikit-learn scorer, or
            a function (y_true, outputs) -> float. Higher is better, as with every scorer.
            None where the objective is all that is asked for.
        epochs: epochs of a full training.
        batch_size: the default of the hyperparameter `batch_size`.
    """

    objective: ClassVar[str | keras_tuner.Objective] = "val_loss"
    metric: ClassVar[Metric | None] = "accuracy"
    epochs: ClassVar[int] = 20
    batch_size: ClassVar[int] = 32

    def __init__(self, source: str = "embedded") -> None:
        super().__init__(name=type(self).__name__.lower())
        if source not in SOURCES:
            raise unknown("data source", source, SOURCES)
        self.source = source
        built = self.build  # KerasTuner's wrapper around the subclass's own

        def build(hp: keras_tuner.HyperParameters) -> keras.Model:
            self.batch_size_of(hp)  # declared with the rest, so that a tuner can search it
            return built(hp)

        self.build = build  # type: ignore[method-assign]  # as HyperModel does it

    def data(self, source: str) -> Data:  # noqa: ARG002
        """Load, clean and split the data; `source` is "embedded" or "full"."""
        raise PluginError(f"Expected task {self.name!r} to define data(self, source).")

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:  # noqa: ARG002
        """A compiled model, exactly as KerasTuner expects it."""
        raise PluginError(f"Expected task {self.name!r} to define build(self, hp).")

    @cached_property
    def dataset(self) -> Data:
        """The data of this task's source, loaded once, checked."""
        loaded = self.data(self.source)
        if not isinstance(loaded, Data):
            raise PluginError(
                f"Expected data() of task {self.name!r} to return a suite.Data. "
                f"Received: {type(loaded).__name__}."
            )
        return loaded.checked(self.name)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one row of `x`, where `x` is a single array."""
        arrays = leaves(self.dataset.train.x)
        if len(arrays) != 1:
            raise PluginError(
                f"Expected a single array x for input_shape. Received: x with {sorted(arrays)}."
            )
        return tuple(next(iter(arrays.values())).shape[1:])

    def fit(
        self, hp: keras_tuner.HyperParameters, model: keras.Model, *args: Any, **kwargs: Any
    ) -> Any:
        """`model.fit` with the hyperparameter `batch_size`: what KerasTuner's own tuners call."""
        kwargs.setdefault("batch_size", self.batch_size_of(hp))
        return model.fit(*args, **kwargs)

    def batch_size_of(self, hp: keras_tuner.HyperParameters) -> int:
        """The batch size that `hp` holds; the task's own by default."""
        return int(declare(hp, FACTORS["batch_size"], self.batch_size))

    def goal(self) -> tuple[str, str]:
        """Name and direction ("min" or "max") of the objective."""
        try:
            made = keras_tuner.Oracle(objective=self.objective).objective
        except ValueError as error:
            raise PluginError(
                f"Expected an objective whose direction is known, or keras_tuner.Objective(name, "
                f'"min" or "max"). Received: objective={self.objective!r} in task {self.name!r}.'
            ) from error
        return str(made.name), str(made.direction)
