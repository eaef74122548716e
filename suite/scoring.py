"""From what an engine measured to an Outcome: divergence, the task's metric, the trivial score."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import get_scorer, get_scorer_names

from suite.data import Arrays, Data, leaves
from suite.errors import PluginError, unknown
from suite.registry import defined, where
from suite.task import Metric, Task
from suite.trial import Outcome, Status, Trial

Floats = NDArray[Any]

MOST_WORDS = 500
"""Characters of an error that are recorded."""
VALUE_METRICS = ("neg_", "r2", "explained_variance", "max_error", "d2_")
"""How the names of scikit-learn's scorers of predicted values begin."""
CLASS_METRICS = (
    "neg_log_loss",
    "neg_brier_score",
    "neg_negative_likelihood_ratio",
    "d2_log_loss_score",
    "d2_brier_score",
)
"""Those that begin so and score predicted probabilities all the same."""


class _Classes(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # sklearn ships no types
    """A "fitted classifier" whose input is the model's outputs; scorers ask it for both forms."""

    def __init__(self, classes: Any = None) -> None:
        self.classes = classes
        self.classes_ = classes

    def predict_proba(self, outputs: Floats) -> Floats:
        if outputs.shape[-1] == 1:
            return np.concatenate([1 - outputs, outputs], axis=-1)
        shares: Floats = outputs / outputs.sum(axis=-1, keepdims=True)  # float32 sums to 1 +- 1e-7
        return shares

    def predict(self, outputs: Floats) -> Floats:
        chosen: Floats = self.classes[self.predict_proba(outputs).argmax(axis=-1)]
        return chosen


class _Values(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # sklearn ships no types
    """A "fitted regressor" whose input is the model's outputs."""

    def fit(self, *_: Any) -> _Values:
        return self

    def predict(self, outputs: Floats) -> Floats:
        return outputs[:, 0] if outputs.ndim == 2 and outputs.shape[1] == 1 else outputs


class Judge:
    """Scores model outputs by a task's metric.

    A metric of classes reads outputs as probabilities: a last axis of length 1 holds the
    probability of the second class, a longer one a probability a class. A metric of values takes
    them as they are.
    """

    def __init__(self, task: Task, data: Data) -> None:
        self.metric: Metric | None = type(task).metric  # through the class: a function stays one
        self.objective = task.goal()
        self.data = data
        self.path = task.path
        if isinstance(self.metric, str) and self.metric not in get_scorer_names():
            raise PluginError(
                f"{unknown('metric', self.metric, get_scorer_names())} "
                f"It is the metric of task {task.name!r}."
            )

    @property
    def judges(self) -> bool:
        """Whether there is a metric; without one the objective is all that is known."""
        return self.metric is not None

    @property
    def name(self) -> str:
        """The metric's name, for columns and headings."""
        if isinstance(self.metric, str):
            return self.metric
        return str(getattr(self.metric, "__name__", "metric"))

    @property
    def _place(self) -> str:
        """Where a metric of the task's own is defined, for the head of a message."""
        if self.path is None or self.metric is None or isinstance(self.metric, str):
            return ""
        return f"{defined(self.metric, self.path)}: "

    @cached_property
    def _estimator(self) -> Any:
        of_values = self.name.startswith(VALUE_METRICS) and self.name not in CLASS_METRICS
        targets = next(iter(leaves(self.data.train.y).values()))
        return _Values() if of_values else _Classes(np.unique(targets))

    def score(self, split: str, outputs: Any) -> float:
        """The metric of `outputs` against the targets of `split`; higher is better."""
        targets: Arrays = self.data.splits[split].y
        assert self.metric is not None
        if not isinstance(self.metric, str):
            return self._number(self.metric(targets, outputs))
        array = next(iter(leaves(targets).values()))
        flat = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
        with config_context(assume_finite=True, skip_parameter_validation=True):
            return float(get_scorer(self.metric)(self._estimator, np.asarray(outputs), flat))

    def _number(self, value: Any) -> float:
        """What a metric of the task's own gave; PluginError where it is no number."""
        if isinstance(value, int | float | np.number | np.ndarray) and np.ndim(value) == 0:
            return float(value)
        size = f" of length {len(value):,}" if hasattr(value, "__len__") else ""
        raise PluginError(
            f"{self._place}Expected {self.name}(y_true, outputs) to return a number. "
            f"Received: {type(value).__name__}{size}."
        )

    def trivial(self) -> dict[str, float]:
        """The score of the trivial predictor on val (where its outputs are constant) and test."""
        outputs = self.data.trivial
        targets = next(iter(leaves(self.data.test.y).values()))
        # One row of a sequence's class probabilities has an axis for each of its targets' axes.
        each_row = outputs.ndim > 1 and outputs.shape[:-1] != targets.shape[1:]
        scores = {}
        for split in ("val", "test"):
            rows = len(self.data.splits[split])
            if not each_row:
                scores[split] = self.score(split, np.broadcast_to(outputs, (rows, *outputs.shape)))
            elif len(outputs) == rows:
                scores[split] = self.score(split, outputs)
        if not np.isfinite(list(scores.values())).all() or "test" not in scores:
            raise PluginError(
                f"{self._place}Expected a trivial predictor of one row or of every row of test, "
                f"whose {self.name} is a number, in task {self.data.name!r}. "
                f"Received: trivial of shape {outputs.shape}, {scores}."
            )
        return scores

    def outcome(
        self,
        trial: Trial,
        engine: str,
        seconds: float,
        curves: Mapping[str, Floats],
        epoch: int,
        outputs: Mapping[str, Any],
        sparsity: float = math.nan,
    ) -> Outcome:
        """The outcome of a training that ran to its end.

        Args:
            curves: log name -> one figure an epoch.
            epoch: the selected epoch, from 1; 0 where there was none.
            outputs: split name -> the selected model's outputs.
            sparsity: the share of its weights that are small (`suite.weights.SMALL`), if known.
        """
        finite = np.isfinite(np.stack(list(curves.values()))).all(axis=0)
        if not finite.all():
            bad = int(np.argmin(finite))
            logs = [name for name, curve in curves.items() if not np.isfinite(curve[bad])]
            return Outcome(
                trial,
                Status.DIVERGED,
                engine,
                seconds,
                curves={name: curve[:bad].tolist() for name, curve in curves.items()},
                message=f"{', '.join(sorted(logs))} not finite in epoch {bad + 1}",
            )
        bad_splits = [s for s, o in outputs.items() if not np.isfinite(np.asarray(o)).all()]
        if bad_splits:
            message = f"outputs on {', '.join(bad_splits)} not finite in epoch {epoch}"
            whole = {name: curve.tolist() for name, curve in curves.items()}
            return Outcome(trial, Status.DIVERGED, engine, seconds, curves=whole, message=message)
        metrics = {
            f"{split}.{self.name}": self.score(split, values) for split, values in outputs.items()
        }
        if not np.isfinite(list(metrics.values())).all():
            message = f"{self.name} is no finite number: {metrics}"
            return Outcome(trial, Status.FAILED, engine, seconds, message=message)
        goal = self.objective[0]
        if math.isfinite(sparsity):
            metrics["sparsity"] = sparsity
        metrics[f"val.{goal.removeprefix('val_')}"] = float(curves[goal][epoch - 1])
        return Outcome(
            trial,
            Status.COMPLETED,
            engine,
            seconds,
            epoch=epoch,
            metrics=metrics,
            curves={name: curve.tolist() for name, curve in curves.items()},
        )


def failure(
    trial: Trial, engine: str, error: BaseException, task: Task, seconds: float = 0.0
) -> Outcome:
    """The outcome of a trial that could not be built or trained; where in the task's file, too."""
    text = str(error)[:MOST_WORDS].strip().splitlines()
    message = f"{type(error).__name__}: {text[0] if text else 'no message'}"
    if task.path and str(task.path) not in message:
        place = where(error, task.path)
        known = place != str(task.path)
        message = f"{place if known else defined(type(task).build, task.path)}: {message}"
    return Outcome(trial, Status.FAILED, engine, seconds, message=message)
