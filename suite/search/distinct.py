"""Keeps an oracle of KerasTuner from offering a point twice, or giving up while points are left.

KerasTuner 1.4.8 draws at random until 20 draws in a row were tried before, and then ends the search
though cells are left; its Bayesian oracle has no look at what was tried at all, and leaves the
range of an `Int`; and a name that is declared under several conditions loses its value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras_tuner
import numpy as np

from suite.search.cells import (
    KINDS,
    OWN,
    Cells,
    Point,
    Values,
    active,
    assemble,
    completed,
    point,
)

DRAWS = 32
"""Random draws that may collide before the cells are counted through."""

RUNNING = "RUNNING"
IDLE = "IDLE"
STOPPED = "STOPPED"
Answer = dict[str, Any]


def fresh(space: Sequence[Any], tried: set[Point], rng: np.random.Generator) -> Values | None:
    """A random point of the space that was not tried; None where every cell was.

    Draws as KerasTuner does, uniformly in each hyperparameter's own sampling. Where the draws keep
    colliding, the cells are gone through from a random one on. What has more values than there are
    points tried then has that many levels and two more, so that the end is only reached where
    every cell was tried indeed.
    """
    for _ in range(DRAWS):
        values = assemble(space, lambda own: own.prob_to_value(rng.random()))
        if point(values) not in tried:
            return values
    enough = len(tried) + 2
    cells = Cells(space, points=enough, most=enough)
    start = int(rng.random() * cells.count)
    for step in range(min(cells.count, len(tried) + 1)):  # that many cells cannot all be tried
        values = cells.cell((start + step) % cells.count)
        if point(values) not in tried:
            return values
    return None


def tried(oracle: keras_tuner.Oracle, epochs: int | None = None) -> set[Point]:
    """The points of all trials so far; those trained up to this epoch only, for Hyperband."""
    points = (trial.hyperparameters.values for trial in oracle.trials.values())
    if epochs is None:
        return {point(values) for values in points}
    return {point(values) for values in points if values.get(f"{OWN}epochs") == epochs}


def nothing_left(oracle: keras_tuner.Oracle) -> Answer:
    """The answer of an oracle without an untried point: the end, unless builds may find more."""
    growing = oracle.allow_new_entries and oracle.tune_new_entries and oracle.ongoing_trials
    return {"status": IDLE if growing else STOPPED, "values": None}


def starting_epochs(oracle: keras_tuner.Oracle) -> int | None:
    """The epochs of the next fresh trial in Hyperband's brackets; None for any other oracle."""
    if not isinstance(oracle, keras_tuner.oracles.HyperbandOracle):
        return None
    for bracket in oracle._brackets:
        number = bracket["bracket_num"]
        if len(bracket["rounds"][0]) < oracle._get_size(number, 0):
            return int(oracle._get_epochs(number, 0))
    return None


def keep_values(trial: Any, record: Callable[[Any], None]) -> None:
    """Let KerasTuner record a trial with the values it has; defaults where one is missing.

    KerasTuner would first go through the declarations, remove the value of each inactive one, also
    where another declaration of that name is active, and fill the gap at random without a seed.
    """
    hyperparameters = trial.hyperparameters
    entries = {n: value for n, value in hyperparameters.values.items() if n.startswith(OWN)}
    hyperparameters.values = completed(hyperparameters.space, hyperparameters.values) | entries
    hyperparameters.ensure_active_values = _as_they_are
    try:
        record(trial)
    finally:
        vars(hyperparameters).pop("ensure_active_values", None)  # gone already if called twice


def _as_they_are() -> None:
    """In the place of `HyperParameters.ensure_active_values`: they are already."""


class Guard:
    """Stands between an oracle and its `create_trial`: what passes was not offered before."""

    def __init__(self, oracle: keras_tuner.Oracle, seed: int) -> None:
        self.oracle = oracle
        self.seed = seed
        self.offers = oracle.populate_space
        self.draws = oracle._random_values
        self.records = oracle._record_values

    def install(self) -> None:
        """Put this guard's methods in the place of the oracle's, on this one oracle only."""
        self.oracle.populate_space = self.populate_space
        self.oracle._random_values = self.random_values
        self.oracle._record_values = lambda trial: keep_values(trial, self.records)

    def populate_space(self, trial_id: str) -> Answer:
        """The oracle's answer, with a fresh random point in the place of one tried before."""
        answer: Answer = self.offers(trial_id)
        values = _within(self.oracle.hyperparameters.space, answer.get("values") or {})
        own = any(name.startswith(OWN) for name in values)  # Hyperband's; it draws through us
        if answer["status"] != RUNNING or own or point(values) not in tried(self.oracle):
            return {"status": answer["status"], "values": values or None}
        other = self._fresh(None)
        if other is None:
            return nothing_left(self.oracle)
        return {"status": RUNNING, "values": other}

    def random_values(self) -> Values | None:
        """KerasTuner's random draw; a fresh point where it gave up; None if the space is used up.

        Hyperband may start a point again that was tried, with more epochs than it was tried with:
        the algorithm draws each bracket anew.
        """
        drawn: Values | None = self.draws()
        return self._fresh(starting_epochs(self.oracle)) if drawn is None else drawn

    def _fresh(self, epochs: int | None) -> Values | None:
        rng = np.random.default_rng([self.seed, len(self.oracle.trials)])
        return fresh(self.oracle.hyperparameters.space, tried(self.oracle, epochs), rng)


def _within(space: Sequence[Any], values: Mapping[str, Any]) -> Values:
    """Python's own numbers, within their ranges.

    The Bayesian oracle gives numpy's, and for an `Int` without step one more than its upper end.
    """
    plain = {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in values.items()
    }
    for own in active(space, plain):
        if isinstance(own, KINDS.Int | KINDS.Float):
            plain[own.name] = min(max(plain[own.name], own.min_value), own.max_value)
    return plain
