"""OptunaOracle: the samplers of Optuna, TPE first of all, as an oracle of KerasTuner."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras_tuner
import numpy as np
import optuna
from optuna.samplers import BaseSampler, TPESampler
from optuna.trial import TrialState

from suite.errors import UsageError
from suite.search.cells import Point, Values, point
from suite.search.distinct import RUNNING, Answer, fresh, keep_values, nothing_left, tried
from suite.search.distributions import Mapped

ATTEMPTS = 3
"""Asks of the sampler that may repeat an earlier trial before a random point takes the place."""


def tpe(seed: int) -> BaseSampler:
    """The tree-structured Parzen estimator for batches (Watanabe 2023, arXiv 2304.11127).

    Running trials count as bad ones (`constant_liar`); hyperparameters are sampled jointly, those
    of a conditional scope one by one, where it is open. Optuna's `group=True` samples every scope
    each time, open or not, and takes twice as long.
    """
    return TPESampler(seed=seed, multivariate=True, constant_liar=True)


@dataclass(frozen=True)
class Told:
    """What Optuna is told of a trial."""

    values: Point
    state: TrialState
    score: float | None


class OptunaOracle(keras_tuner.Oracle):  # type: ignore[misc]  # keras_tuner ships no types
    """Asks a sampler of Optuna for each trial, and tells it how they ended.

    The seed and what was told decide what is suggested, also after a reload in the middle. Trials
    that it did not propose (reloaded, changed before their end) are told like its own; failed ones
    are told as failed. No values are suggested twice; a finite space is searched to its last cell.

    Args:
        sampler: a function seed -> sampler, called for every ask (`tpe` by default); or a sampler,
            for those that keep a state between asks: what it suggests after a reload is its affair.
        objective, max_trials, seed, hyperparameters, allow_new_entries, tune_new_entries,
            max_retries_per_trial, max_consecutive_failed_trials: as KerasTuner's oracles have them.

    Raises UsageError for a sampler that is neither.
    """

    _told: dict[str, Told]  # what the study knows, by trial id
    _numbers: dict[str, int]  # of the trials in the study

    def __init__(
        self,
        objective: Any = None,
        max_trials: int = 10,
        sampler: BaseSampler | Callable[[int], BaseSampler] | None = None,
        seed: int | None = None,
        hyperparameters: keras_tuner.HyperParameters | None = None,
        allow_new_entries: bool = True,
        tune_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
    ) -> None:
        super().__init__(
            objective=objective,
            max_trials=max_trials,
            hyperparameters=hyperparameters,
            allow_new_entries=allow_new_entries,
            tune_new_entries=tune_new_entries,
            seed=seed,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
        )
        self.sampler = tpe if sampler is None else sampler
        if not isinstance(self.sampler, BaseSampler) and not callable(self.sampler):
            raise UsageError(
                "Expected a sampler of Optuna, or a function seed -> sampler. "
                f"Received: sampler={sampler!r}. The default is sampler=None."
            )
        self._forget()

    def populate_space(self, trial_id: str) -> Answer:
        """The sampler's next point; a random one where it repeats itself; STOPPED at the end."""
        with _silent():
            self._catch_up()
            values = self._proposed(trial_id, tried(self))
        if values is None:
            rng = np.random.default_rng([self.seed, len(self.trials)])
            values = fresh(self.hyperparameters.space, tried(self), rng)
        return nothing_left(self) if values is None else {"status": RUNNING, "values": values}

    def _proposed(self, trial_id: str, taken: set[Point]) -> Values | None:
        for attempt in range(ATTEMPTS):
            self._study.sampler = self._sampler_for(attempt)
            asked = self._study.ask()
            values = self._mapped.suggest(asked)
            if point(values) not in taken:
                self._told[trial_id] = Told(point(values), TrialState.RUNNING, None)
                self._numbers[trial_id] = asked.number
                return values
            self._study.tell(asked.number, state=TrialState.FAIL)
        return None

    def _sampler_for(self, attempt: int) -> BaseSampler:
        if isinstance(self.sampler, BaseSampler):
            return self.sampler
        entropy = [self.seed, len(self.trials), attempt]
        made = self.sampler(int(np.random.SeedSequence(entropy).generate_state(1)[0]))
        before = self._study.sampler
        if isinstance(made, TPESampler) and type(before) is type(made):
            # What all trials of this study have in common: found anew, it is a quarter of an ask.
            made._search_space = before._search_space
        return made

    def _catch_up(self) -> None:
        """Tell Optuna what it does not know yet; all of it anew where what it knows is not so."""
        now = {trial_id: told_of(self.trials[trial_id]) for trial_id in self.start_order}
        known = all(_follows(now.get(trial_id), told) for trial_id, told in self._told.items())
        if not known or self._mapped.size != len(self.hyperparameters.space):
            self._forget()
        for trial_id, new in now.items():
            if trial_id not in self._told:
                self._add(trial_id, new)
            elif self._told[trial_id] != new:
                self._study.tell(self._numbers[trial_id], new.score, state=new.state)
        self._told = now

    def _add(self, trial_id: str, now: Told) -> None:
        values = self.trials[trial_id].hyperparameters.values
        params, distributions = self._mapped.told(values)
        trial = optuna.create_trial(
            state=now.state, value=now.score, params=params, distributions=distributions
        )
        self._numbers[trial_id] = len(self._study.get_trials(deepcopy=False))
        self._study.add_trial(trial)

    def _forget(self) -> None:
        """Begin with an empty study on the space as it is now."""
        with _silent():
            self._study = optuna.create_study(
                direction="maximize" if self.objective.direction == "max" else "minimize"
            )
        self._mapped = Mapped(self.hyperparameters.space)
        self._told = {}
        self._numbers = {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore KerasTuner's state; Optuna is told all trials anew at the next ask."""
        super().set_state(state)
        self._forget()

    def _record_values(self, trial: Any) -> None:
        keep_values(trial, super()._record_values)


def told_of(trial: Any) -> Told:
    """What is to be told of a trial of KerasTuner as it stands now."""
    values = point(trial.hyperparameters.values)
    if trial.status == RUNNING:
        return Told(values, TrialState.RUNNING, None)
    if trial.status == "COMPLETED" and math.isfinite(trial.score):
        return Told(values, TrialState.COMPLETE, trial.score)
    return Told(values, TrialState.FAIL, None)


def _follows(now: Told | None, told: Told) -> bool:
    """Whether a trial is as it was told, or was running then and has ended."""
    if now is None or now.values != told.values:
        return False
    return now == told or told.state == TrialState.RUNNING


@contextmanager
def _silent() -> Iterator[None]:
    """Without Optuna's log lines, and without its warnings of options that may change yet."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", category=optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)
