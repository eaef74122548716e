"""The task's training on its defaults, on enough rows for a score; with other targets if asked."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import keras_tuner
import numpy as np

from suite.check.pieces import cut, on
from suite.data import Data, Split
from suite.engines.engine import Watcher
from suite.engines.fleet import FleetEngine
from suite.engines.program import Deck
from suite.scoring import Judge
from suite.task import Task
from suite.trial import Outcome, Status, Trial

MANY = {"train": 4096, "val": 2048, "test": 2048}
"""Rows at most."""
EPOCHS = 5
"""Epochs at most: enough to learn what leaks."""
SEEDS = 2


class Full:
    """Trains some seeds of the defaults in one program, as often as asked.

    The epoch of the least training loss is judged, so that val has no say in it.

    Attributes:
        data: the task's, `MANY` rows of it.
        judge: what scores on `data` are made by.
    """

    def __init__(self, task: Task, watcher: Watcher) -> None:
        self.data: Data = cut(task.dataset, MANY)
        self._task = on(task, self.data)
        self._task.objective = keras_tuner.Objective("loss", "min")  # type: ignore[misc]  # a copy's
        self._watcher = watcher
        self._engine = FleetEngine()
        self._port = self._engine.port(self._task, expected=64)
        self.judge = Judge(self._task, self.data)
        self.epochs = min(EPOCHS, task.epochs)

    @cached_property
    def real(self) -> list[Outcome]:
        """The outcomes on the task's own targets."""
        return self._first[0]

    @property
    def compile_seconds(self) -> float:
        """What building and compiling took."""
        clock = self._first[1]
        return clock["building"] + clock["compiling"]

    @property
    def epoch_seconds(self) -> float:
        """What an epoch of one trial takes on `data`."""
        return self._first[1]["training"] / SEEDS / self.epochs

    @cached_property
    def _first(self) -> tuple[list[Outcome], dict[str, float]]:
        """The first training, and where its time went."""
        outcomes = self._trained()
        return outcomes, dict(self._engine.clock)

    def trained_on(self, train: Split, first: int) -> list[Outcome]:
        """The outcomes with other training rows, as many as in `data`, on seeds from `first` on."""
        own = self._port.deck.train
        other = Deck(replace(self.data, train=train), self._engine.devices)
        self._port.deck.train = other.train  # the program takes the rows as an input
        try:
            return self._trained(first)
        finally:
            self._port.deck.train = own

    def score(self, outcomes: list[Outcome]) -> float | None:
        """The mean of the metric on test; None where a training did not complete."""
        if any(outcome.status is not Status.COMPLETED for outcome in outcomes):
            return None
        return float(np.mean([own.metrics[f"test.{self.judge.name}"] for own in outcomes]))

    def _trained(self, first: int = 0) -> list[Outcome]:
        name, source = self._task.name, self._task.source
        trials = [
            Trial(name, source, {}, seed, self.epochs) for seed in range(first, first + SEEDS)
        ]
        return [own for chunk in self._port.train(trials, self._watcher) for own in chunk]
