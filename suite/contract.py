"""What the test of a task file asks of its task; `tests/test_template.py` is an example.

Nothing here imports Keras before it is called, so that `task_at` can choose the backend.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.environment import settle, spare_tensorflow
from suite.registry import inspect, load
from suite.trial import Level, Outcome, Trial

if TYPE_CHECKING:
    import keras_tuner

    from suite.task import Task

EPOCHS = 3


class _Silent:
    """A watcher that does not look."""

    def stage(self, text: str) -> None:
        """Nothing."""


def task_at(path: Path) -> Task:
    """The task of a file, on its embedded data; Keras on JAX where nothing else was chosen."""
    settle()
    spare_tensorflow()
    return load(inspect(path), "embedded")


def levels(task: Task) -> Iterator[tuple[str, keras_tuner.HyperParameters]]:
    """One hyperparameter after the other at each of its choices, or at both ends of its range.

    The others are at their defaults. Yields a name for messages ("units=64") and what
    `task.build` takes.
    """
    from suite.blueprint import hyperparameters  # noqa: PLC0415  # Keras
    from suite.search.spaces import explored  # noqa: PLC0415

    declared, defaults = explored(task)
    for own in declared:
        opened = {condition.name: condition.values[0] for condition in own.conditions}
        for level in _levels(own):
            values = {**defaults, **opened, own.name: level}
            yield f"{own.name}={level}", hyperparameters(values)


def _levels(own: Any) -> list[Level]:
    if hasattr(own, "min_value"):
        return [own.min_value, own.max_value]
    return list(own.values)


def trivial_score(task: Task) -> float:
    """The metric of the trivial predictor on the test split."""
    from suite.scoring import Judge  # noqa: PLC0415

    return Judge(task, task.dataset).trivial()["test"]


def short_training(task: Task, epochs: int = EPOCHS) -> Outcome:
    """One training on default hyperparameters, by the engine that a run would take."""
    from suite.engines.choice import engine_named  # noqa: PLC0415

    engine = engine_named(None)
    trial = Trial(task.name, task.source, {}, seed=0, epochs=epochs)
    ((outcome,),) = engine.train(task, [trial], _Silent())
    return outcome
