"""What several tests need: tasks on few rows, engines run to the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from suite.data import Data
from suite.engines.engine import Engine
from suite.registry import discover, load
from suite.task import Task
from suite.trial import Level, Outcome, Trial

ROWS = {"train": 256, "val": 96, "test": 64}


class Silent:
    """A watcher that does not look."""

    def stage(self, text: str) -> None:
        """Nothing."""


def few_rows(data: Data) -> Data:
    """The first rows of each split, and a constant trivial predictor."""
    cut = {name: split.take(slice(0, ROWS[name])) for name, split in data.splits.items()}
    trivial = data.trivial if data.trivial.ndim == 1 else data.trivial[: ROWS["test"]]
    return replace(data, **cut, trivial=trivial)


def small_task(name: str) -> Task:
    """A shipped task on few rows."""
    task = load(discover()[name], "embedded")
    task.__dict__["dataset"] = few_rows(task.dataset)
    return task


def trial(task: str, seed: int = 0, epochs: int = 3, **hp: Level) -> Trial:
    """A trial of `task` with the given hyperparameters."""
    return Trial(task, "embedded", hp, seed, epochs)


def train(engine: Engine, task: Task, trials: Sequence[Trial]) -> dict[str, Outcome]:
    """The outcomes of all trials by key; each trial has exactly one."""
    found = [o for chunk in engine.train(task, trials, Silent()) for o in chunk]
    by_key = {outcome.trial.key: outcome for outcome in found}
    assert len(found) == len(by_key) == len(trials)
    return by_key


def gap(a: Mapping[str, Sequence[float]], b: Mapping[str, Sequence[float]]) -> float:
    """The largest relative difference between two sets of curves."""
    assert set(a) == set(b)
    pairs = [(x, y) for name in a for x, y in zip(a[name], b[name], strict=True)]
    return max(abs(x - y) / max(abs(x), abs(y), 1e-6) for x, y in pairs)


def curves_of(outcomes: Mapping[str, Outcome]) -> dict[str, Any]:
    """Curves by trial key, fit for JSON."""
    return {key: {n: list(c) for n, c in o.curves.items()} for key, o in outcomes.items()}
