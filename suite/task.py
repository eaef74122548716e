"""Task: a `keras_tuner.HyperModel` that brings its data and the metric it is judged by.

`Task.from_build` makes one of a build function and arrays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import keras
import keras_tuner
import numpy as np

from suite.data import Arrays, Data, leaves
from suite.declare import declare
from suite.errors import PluginError, UsageError, unknown
from suite.factors import FACTORS
from suite.given import given
from suite.schedules import lasting, stretch
from suite.targets import kind_of
from suite.usermodel import UserModel, compiled, direction_of

SOURCES = ("embedded", "full")
Metric = str | Callable[[Arrays, Arrays], float]
Build = Callable[[keras_tuner.HyperParameters], keras.Model]


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
    path: Path | None = None
    """The file that the task was loaded from, for messages."""

    def __init__(self, source: str = "embedded") -> None:
        super().__init__(name=type(self).__name__.lower())
        if source not in SOURCES:
            raise unknown("data source", source, SOURCES)
        self.source = source
        built = self.build  # KerasTuner's wrapper around the subclass's own

        def build(hp: keras_tuner.HyperParameters) -> keras.Model:
            self.batch_size_of(hp)  # declared with the rest, so that a tuner can search it
            lasting(hp, lambda: self.epochs * self.steps_of(hp))
            return built(hp)

        self.build = build  # type: ignore[method-assign]  # as HyperModel does it

    @staticmethod
    def from_build(
        build: Build | keras_tuner.HyperModel,
        x: Any = None,
        y: Any = None,
        *,
        train: tuple[Any, Any] | None = None,
        val: tuple[Any, Any] | None = None,
        test: tuple[Any, Any] | None = None,
        seed: int = 0,
        gap: int | None = None,
        objective: str | keras_tuner.Objective | None = None,
        metric: Metric | None = None,
        epochs: int = epochs,
        batch_size: int = batch_size,
        repeats: bool = False,
        name: str = "arrays",
        source: str = "given as arrays",
        licence: str = "not stated",
    ) -> Task:
        """The task of a `build(hp)` as KerasTuner takes it, and arrays.

        The build function is called once, on the defaults of its hyperparameters. What the targets
        are follows from it: a 0 or 1, a class number, one-hot classes, or numbers. The trivial
        predictor says the training targets' mean or the classes' shares.

        Args:
            build: a function, or a hypermodel without a `fit` of its own.
            x, y: all rows, to be split: 60, 20 and 20 percent at random by `seed`, classes equally
                frequent in each; or by time, where `gap` is given. Whatever was learned from rows,
                such as their mean, must not have been learned from these: split them first.
            train, val, test: instead, three pairs (x, y).
            gap: the rows are in the order of time; so many are left out between two splits.
            objective: as of `Task`; by default the first metric that `build` compiles, or the loss.
            metric: as of `Task`; by default ROC AUC, accuracy, or the negative mean absolute error.
            epochs, batch_size: as of `Task`.
            repeats, name, source, licence: as of `Data`.

        Raises:
            UsageError: arrays, model and options do not fit together.
            PluginError: `build` does not return a compiled model.
        """
        made, hp = _function_of(build), keras_tuner.HyperParameters()
        asked = UserModel(compiled(made(hp), "build(hp)"))
        if "batch_size" in hp.values:
            raise UsageError(
                "Expected build(hp) to leave the hyperparameter 'batch_size' to the suite, which "
                "declares it for fit. Received: a build(hp) that declares it, too."
            )
        arrays = given(x, y, train, val, test, seed, gap)
        outputs = asked.outputs(arrays.rows)
        kind = kind_of(arrays.targets, outputs)
        arrays = arrays.as_kind(kind)
        described = {"repeats": repeats, "name": name, "source": source, "licence": licence}
        data = arrays.data(kind, outputs[0], **described)
        judged = kind.metric if metric is None else metric
        if isinstance(judged, str) and asked.gives_logits:
            raise UsageError(
                f"Expected a model whose outputs the metric {judged!r} can read: probabilities, or "
                "numbers. Received: a loss with from_logits=True. Give the last layer its "
                "activation instead, or pass metric, a function (y_true, outputs) -> float."
            )
        content = {
            "__doc__": f"A build function and arrays: {name}.",
            "objective": _objective_of(asked.logs(arrays.rows), objective),
            "metric": judged if isinstance(judged, str) else staticmethod(judged),
            "epochs": _count("epochs", epochs),
            "batch_size": _count("batch_size", batch_size),
            "data": lambda self, source: data,  # noqa: ARG005  # there is one source
            "build": lambda self, hp: compiled(made(hp), f"build(hp) of task {self.name!r}"),
        }
        task: Task = type("Built", (Task,), content)()
        return task

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
        """`model.fit` with the hyperparameter `batch_size`: what KerasTuner's own tuners call.

        A schedule of the learning rate lasts for the epochs and the rows that `fit` is given.
        """
        kwargs.setdefault("batch_size", self.batch_size_of(hp))
        rows = args[0] if args else kwargs.get("x")
        if isinstance(rows, np.ndarray | Mapping):
            count = len(next(iter(leaves(rows).values())))
            kept = count - int(count * kwargs.get("validation_split", 0.0))
            stretch(model, hp, kwargs.get("epochs", 1) * math.ceil(kept / kwargs["batch_size"]))
        return model.fit(*args, **kwargs)

    def batch_size_of(self, hp: keras_tuner.HyperParameters) -> int:
        """The batch size that `hp` holds; the task's own by default; all training rows for 0."""
        size = int(declare(hp, FACTORS["batch_size"], self.batch_size))
        return size or len(self.dataset.train)

    def steps_of(self, hp: keras_tuner.HyperParameters) -> int:
        """The steps of an epoch: its full batches; one, where there are fewer rows than that."""
        return max(1, len(self.dataset.train) // self.batch_size_of(hp))

    def goal(self) -> tuple[str, str]:
        """Name and direction ("min" or "max") of the objective."""
        known = direction_of(self.objective)
        if known is None:
            raise PluginError(
                f"Expected an objective whose direction is known, or keras_tuner.Objective(name, "
                f'"min" or "max"). Received: objective={self.objective!r} in task {self.name!r}.'
            )
        return known


def _function_of(build: Any) -> Build:
    """The build function that was given, or that of a hypermodel; UsageError for anything else."""
    if isinstance(build, keras_tuner.HyperModel):
        if type(build).fit is not keras_tuner.HyperModel.fit:
            raise UsageError(
                "Expected a hypermodel without a fit of its own. "
                f"Received: {type(build).__name__}, which has one. FleetTuner honours it."
            )
        return build.build  # type: ignore[no-any-return]
    if isinstance(build, type) or not callable(build):
        raise UsageError(
            "Expected build to be a function build(hp), or a keras_tuner.HyperModel. "
            f"Received: {build!r}."
        )
    return build  # type: ignore[no-any-return]


def _objective_of(
    logs: list[str], asked: str | keras_tuner.Objective | None
) -> str | keras_tuner.Objective:
    """The objective asked for, if it is logged; the first metric whose direction is known, else."""
    names = [f"val_{log}" for log in logs]
    if asked is None:
        known = [name for name in names[1:] if direction_of(name)]
        return known[0] if known else "val_loss"
    name = getattr(asked, "name", asked)
    if name not in names:
        raise unknown("objective", name, names)
    return asked


def _count(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise UsageError(f"Expected {name} to be a whole number from 1. Received: {value!r}.")
    return value
