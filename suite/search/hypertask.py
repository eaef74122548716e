"""A user's own hypermodel and arrays as a task that engines can train."""

from __future__ import annotations

import copy
import hashlib
from typing import Any

import keras
import keras_tuner

from suite.data import Data
from suite.errors import UsageError
from suite.search.fitting import Arguments, FitOptions, check_names, options_of
from suite.task import Task
from suite.trial import canonical
from suite.usermodel import compiled


class _Recorder:
    """Stands in for a model in a hypermodel's own `fit`: notes what `fit` would be called with."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def fit(self, x: Any = None, y: Any = None, **kwargs: Any) -> _Recorder:
        self.calls.append({"x": x, "y": y, **kwargs})
        return self


class HyperTask(Task):
    """A hypermodel with the arrays that were passed to `search`; judged by its objective alone.

    Args:
        tuner: its `_build_hypermodel` builds, so that the tuner's own loss, metrics or optimizer
            take effect.
        arguments: of `search`.
        name: of the project, for messages and the record.
    """

    metric = None

    def __init__(self, tuner: keras_tuner.Tuner, arguments: Arguments, name: str) -> None:
        keras_tuner.HyperModel.__init__(self, name=name)
        self.objective = tuner.oracle.objective  # type: ignore[misc]  # of the tuner, not a class
        self.source = source_of(arguments)
        self._tuner = tuner
        self._arguments = arguments
        self._entries: dict[str, Any] = {}
        self.build = self._built  # type: ignore[method-assign]  # without KerasTuner's wrapper

    @property
    def dataset(self) -> Data:
        """The arrays that were passed."""
        return self._arguments.data

    def _built(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        model = compiled(self._tuner._build_hypermodel(hp), "the hypermodel")
        self._entries |= {own.name: own for own in hp.space}
        size = self._tuner.max_model_size
        if size and model.built and model.count_params() > size:
            raise UsageError(
                f"Expected at most max_model_size={size} parameters. "
                f"Received: a model of {model.count_params()}."
            )
        return model

    def complete(self, hp: keras_tuner.HyperParameters) -> None:
        """Add to `hp` what builds have declared since, at its defaults, as KerasTuner does."""
        tuned = self._tuner.oracle
        if tuned.allow_new_entries and tuned.tune_new_entries:
            known = {own.name for own in tuned.hyperparameters.space}
            new = [own for name, own in self._entries.items() if name not in known]
            hp.merge(new)
            for own in new:
                hp.values.setdefault(own.name, own.default)

    def batch_size_of(self, hp: keras_tuner.HyperParameters) -> int:
        """The batch size that the hypermodel's own `fit` asks for, or that of `search`."""
        return self.options(hp).batch_size

    def options(self, hp: keras_tuner.HyperParameters) -> FitOptions:
        """Epochs and batch size for these hyperparameters.

        A hypermodel's own `fit` is asked: it is called with a stand-in for the model. Raises
        UsageError where it does anything but pass its arguments on to `model.fit`.
        """
        hypermodel, default = self._tuner.hypermodel, self._arguments.options
        if type(hypermodel).fit in (keras_tuner.HyperModel.fit, Task.fit):
            if isinstance(hypermodel, Task):
                own = {"batch_size": hypermodel.batch_size_of(hp)}
                return options_of({**own, **_numbers(self._arguments.given)}, default)
            return default
        recorder = _Recorder()
        given = {k: v for k, v in self._arguments.given.items() if k not in ("x", "y")}
        x, y = (self._arguments.given.get(name) for name in ("x", "y"))
        try:
            returned = hypermodel.fit(hp, recorder, x, y, **copy.copy(given))
        except Exception as error:
            raise UsageError(
                f"Expected {type(hypermodel).__name__}.fit to pass its arguments on to model.fit. "
                f"Received: {type(error).__name__}: {error}."
            ) from error
        if returned is not recorder or len(recorder.calls) != 1:
            raise UsageError(
                f"Expected {type(hypermodel).__name__}.fit to return the result of one call of "
                f"model.fit. Received: {len(recorder.calls)} calls."
            )
        (call,) = recorder.calls
        if call["x"] is not x or call["y"] is not y:
            raise UsageError(
                f"Expected {type(hypermodel).__name__}.fit to pass on the arrays of search. "
                f"Received: others."
            )
        check_names(call)
        return options_of(call, default)


def source_of(arguments: Arguments) -> str:
    """Twenty-four hex digits over the arrays and what every trial does with them."""
    parts = [arguments.data.fingerprint, arguments.options.batch_size, repr(arguments.patience)]
    return hashlib.sha256(canonical(parts).encode()).hexdigest()[:24]


def _numbers(given: Any) -> dict[str, Any]:
    return {k: given[k] for k in ("epochs", "batch_size") if given.get(k) is not None}
