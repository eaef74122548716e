"""What a matrix would cost on n workers: extrapolated from what a few trials take on one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from suite.cluster.chunks import MOST, ROUNDS, Kinds, cut, size_for, spread
from suite.engines.engine import Engine, Watcher
from suite.families import by_recipe
from suite.task import Task
from suite.trial import Trial

SAMPLED = 3
"""Structures of a task that are measured; the others are taken to be as fast on average."""

RECORDING = 0.3e-3
"""Seconds in which the driver takes in a trial, encodes it and writes it: read back, 144 recorded
trials of 4 epochs with their health took 0.014 ms to unpickle and 0.205 ms to encode."""

PUBLISHING = 0.9e-3
"""Seconds that tables, figures and report take a trial, at the end (`benchmarks/report.py`)."""


@dataclass(frozen=True)
class Costs:
    """What the trials of one task are, and what they cost one worker.

    Attributes:
        trials, recipes, programs: how many there are.
        sampled: how many programs were measured.
        building: seconds a recipe.
        compiling: seconds a program.
        training: seconds a trial.
    """

    trials: int
    recipes: int
    programs: int
    sampled: int
    building: float
    compiling: float
    training: float

    def seconds(self, workers: int) -> float:
        """Seconds from the first chunk to the last outcome.

        A worker compiles its share of the programs, one at the least, and trains whole chunks; the
        driver records meanwhile, alone.
        """
        size = size_for(self.trials, workers, ROUNDS)
        chunks = -(-self.trials // size)
        share = min(self.trials, -(-chunks // workers) * size) / self.trials
        compiling = -(-self.programs // workers) * self.compiling
        working = self.recipes * self.building + self.trials * self.training
        return max(compiling + share * working, self.trials * RECORDING)


def costs_of(engine: Engine, task: Task, trials: Sequence[Trial], watcher: Watcher) -> Costs:
    """Measure a chunk of each of a few structures with `engine`, which has one worker's devices."""
    kinds = Kinds(task)
    watcher.stage("looking for what changes the models' structure")
    kinds.learn(trials)
    groups: dict[str, list[Trial]] = {}
    for same in by_recipe(trials):
        groups.setdefault(kinds.of(same[0]), []).extend(same)
    chosen = spread(sorted(groups.values(), key=len), SAMPLED)
    weights = [len(own) for own in chosen]
    building, compiling, training = [], [], []
    for own in chosen:
        chunk = max(cut(own, kinds, MOST), key=lambda chunk: len(chunk.trials)).trials
        measured = engine.estimate(task, chunk, watcher)
        building.append(measured.building / len(by_recipe(chunk)))
        compiling.append(measured.compiling / max(1, measured.programs))
        training.append(measured.training / len(chunk))
    recipes = sum(len(by_recipe(own)) for own in groups.values())
    return Costs(
        trials=len(trials),
        recipes=recipes,
        programs=len(groups) if engine.name == "fleet" else recipes,
        sampled=len(chosen),
        building=float(np.average(building, weights=weights)),
        compiling=float(np.average(compiling, weights=weights)),
        training=float(np.average(training, weights=weights)),
    )


def seconds_on(costs: Sequence[Costs], workers: int, start: float) -> float:
    """Seconds of a whole run: `start` a worker, then one task after the other, then the tables."""
    trials = sum(own.trials for own in costs)
    return start + sum(own.seconds(workers) for own in costs) + trials * PUBLISHING
