"""The reference engine: plain `model.fit`, one trial at a time, on whatever backend Keras has."""

from __future__ import annotations

import time
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from suite.blueprint import Blueprint, build_state, draw_up
from suite.data import Data
from suite.engines.engine import Claim, Estimate, Watcher, evaluation_size, everything
from suite.engines.fitprobe import FitProbe
from suite.engines.slices import sum_slices
from suite.families import by_recipe
from suite.health import Health
from suite.scoring import Judge, failure
from suite.seeding import batch_order
from suite.task import Task
from suite.trial import Outcome, Trial
from suite.weights import reset, sparsity_of


class FitEngine:
    """Trains with `model.fit`. One model is built a recipe and reset to each seed's start.

    Args:
        probed: whether outcomes tell the training's health (`suite.health`).
    """

    workers: Sequence[Mapping[str, Any]] = ()

    def __init__(self, probed: bool = False) -> None:
        self.probed = probed
        self.name = f"fit-{keras.backend.backend()}"
        self.clock = {"training": 0.0}

    def train(
        self, task: Task, trials: Sequence[Trial], watcher: Watcher, claim: Claim = everything
    ) -> Iterator[Sequence[Outcome]]:
        """See `suite.engines.engine.Engine.train`; yields one outcome at a time."""
        judge = Judge(task, task.dataset)
        for every in by_recipe(trials):
            mine = claim([trial.key for trial in every])
            same = [trial for trial in every if trial.key in mine]
            if not same:
                continue
            watcher.stage(f"fitting {len(same)} trials of one recipe")
            try:
                fitting = Fitting(task, same[0], task.dataset, self.probed)
            except Exception as error:  # a plugin may raise anything; it is reported
                yield [failure(trial, self.name, error, task) for trial in same]
                continue
            for trial in same:
                outcome = self._outcome(fitting, trial, judge)
                self.clock["training"] += outcome.seconds
                yield [outcome]

    def trainer(self, task: Task, *, expected: int, states: Path | None, last: int) -> FitTrainer:  # noqa: ARG002
        """See `suite.engines.engine.Engine.trainer`; a trial that goes on begins anew here."""
        return FitTrainer(self, task)

    def estimate(self, task: Task, trials: Sequence[Trial], watcher: Watcher) -> Estimate:
        """See `suite.engines.engine.Engine.estimate`: two epochs of the first trial."""
        judge = Judge(task, task.dataset)
        watcher.stage("fitting one trial")
        clock = [time.perf_counter()]
        fitting = Fitting(task, trials[0], task.dataset)
        for epochs in (1, 2):
            fitting.run(replace(trials[0], epochs=epochs), judge)
            clock.append(time.perf_counter())
        first, two = clock[1] - clock[0], clock[2] - clock[1]
        recipes = len(by_recipe(trials))
        epochs_left = sum(trial.epochs for trial in trials)
        compiling = recipes * max(0.0, first - two / 2)
        return Estimate(recipes, 0.0, compiling, epochs_left * two / 2)

    def close(self) -> None:
        """Nothing of it goes on."""

    def _outcome(self, fitting: Fitting, trial: Trial, judge: Judge) -> Outcome:
        started = time.perf_counter()
        try:
            curves, epoch, outputs = fitting.run(trial, judge)
            seconds = time.perf_counter() - started
            outcome = judge.outcome(
                trial, self.name, seconds, curves, epoch, outputs, fitting.sparsity()
            )
            return outcome.with_health(fitting.health())
        except Exception as error:  # a plugin may raise anything; it is reported
            return failure(trial, self.name, error, fitting.task, time.perf_counter() - started)


@dataclass(frozen=True)
class FitTrainer:
    """The reference engine on one task."""

    engine: FitEngine
    task: Task

    def expect(self, trials: Sequence[Trial]) -> None:
        """Nothing can be prepared: every recipe is compiled when its turn comes."""

    def train(
        self,
        trials: Sequence[Trial],
        watcher: Watcher,
        skip: Container[str] = (),
        claim: Claim = everything,
    ) -> Iterator[Sequence[Outcome]]:
        """See `suite.engines.engine.Trainer.train`."""
        waiting = [trial for trial in trials if trial.key not in skip]
        yield from self.engine.train(self.task, waiting, watcher, claim)


class Fitting:
    """One recipe's model, ready to be trained on any seed; probed after every epoch if wished."""

    def __init__(self, task: Task, trial: Trial, data: Data, probed: bool = False) -> None:
        self.task = task
        self.data = data
        self.blueprint: Blueprint = draw_up(task, trial.hp, data, trial.epochs)
        self.model = self.blueprint.model
        size = self.blueprint.batch_size
        build_state(self.model, data.train.take(slice(0, size)))
        if keras.backend.backend() == "tensorflow":
            sum_slices(self.model.optimizer)
        self._probe = FitProbe(self.model, data.train, size) if probed else None
        self._optimizer = [
            keras.ops.convert_to_numpy(v.value) for v in self.model.optimizer.variables
        ]

    def reset(self, seed: int) -> None:
        """Weights, seed generators and optimizer as a training with `seed` begins."""
        reset(self.model, self.blueprint.starts, seed)
        for variable, value in zip(self.model.optimizer.variables, self._optimizer, strict=True):
            variable.assign(value)

    def run(
        self, trial: Trial, judge: Judge
    ) -> tuple[dict[str, np.ndarray[Any, Any]], int, dict[str, Any]]:
        """Train; return the curves, the selected epoch from 1, and its outputs by split."""
        self.reset(trial.seed)
        if self._probe:
            self._probe.seen.clear()
        goal, direction = judge.objective
        sign = 1 if direction == "min" else -1
        logs: list[dict[str, float]] = []
        best, epoch, weights = np.inf, 0, self.model.get_weights()
        for number in range(trial.epochs):
            logs.append(self._epoch(trial.seed, number))
            if self._probe:
                self._probe.look()
            if sign * logs[-1][goal] < best:
                best, epoch = sign * logs[-1][goal], number + 1
                weights = self.model.get_weights()
        self.model.set_weights(weights)
        curves = {name: np.array([log[name] for log in logs]) for name in logs[0]}
        outputs = {
            name: self.model.predict(self.data.splits[name].x, verbose=0)
            for name in ("val", "test")
        }
        return curves, epoch, outputs

    def sparsity(self) -> float:
        """The share of small weights in the selected epoch of the last run."""
        trainable = [bool(variable.trainable) for variable in self.model.weights]
        return sparsity_of(self.model.get_weights(), trainable)

    def health(self) -> Health | None:
        """What the probe saw in the last run; None where there is none."""
        return self._probe.health(self.blueprint.parts) if self._probe else None

    def _epoch(self, seed: int, number: int) -> dict[str, float]:
        """One `fit` of one epoch, on the rows in this epoch's order."""
        size = self.blueprint.batch_size
        order = batch_order(seed, number, len(self.data.train), size).ravel()
        rows = self.data.train.take(order)
        history = self.model.fit(
            rows.x,
            rows.y,
            batch_size=size,
            shuffle=False,
            initial_epoch=number,
            epochs=number + 1,
            validation_data=(self.data.val.x, self.data.val.y),
            validation_batch_size=evaluation_size(len(self.data.val)),
            verbose=0,
        )
        return {name: float(values[-1]) for name, values in history.history.items()}
