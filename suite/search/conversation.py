"""Asks any oracle of KerasTuner in batches, and tells it what came of them."""

from __future__ import annotations

import math
import threading
import time
import warnings
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count as count_from
from typing import Any

import keras_tuner
from keras_tuner.src.engine import oracle as engine
from sklearn import config_context
from sklearn.exceptions import ConvergenceWarning

from suite.errors import UsageError, unknown
from suite.search.cells import OWN, Values, own_values
from suite.search.distinct import RUNNING, STOPPED, Guard
from suite.trial import Level

UNCHECKED = {"assume_finite": True, "skip_parameter_validation": True}
"""Checks that scikit-learn leaves out: a ninth of the time of KerasTuner's Gaussian process, which
asks it thousands of times for one trial. Only finite scores are told."""

DIVERGED = "diverged"
"""The message of a trial that has no finite score of its own: it is kept with the trial."""


@dataclass(frozen=True)
class Suggestion:
    """One trial that an oracle wants.

    Attributes:
        trial_id: the oracle's own.
        hp: with its values, to build from. It is the oracle's: what a build declares on it becomes
            known to the oracle when the trial is told.
        values: the active values, without KerasTuner's own "tuner/..." entries.
        epochs: train up to this epoch (Hyperband's "tuner/epochs"); None where the oracle leaves
            that to its caller.
        initial_epoch: epochs that the parent was trained for already; 0 without a parent.
        parent: id of the trial whose state goes on (Hyperband's "tuner/trial_id").
    """

    trial_id: str
    hp: keras_tuner.HyperParameters
    values: Mapping[str, Level]
    epochs: int | None
    initial_epoch: int
    parent: str | None


class Conversation:
    """A conversation with one oracle: `ask` for trials, `tell` their scores, and so on.

    No two suggestions are alike (in values and epochs), and a finite space is searched to its last
    cell. A diverged trial stands just beyond the worst finite score of the conversation and moves
    along with it: models learn to stay away, Hyperband promotes every finite trial before it.
    Equal oracles that are told equal scores answer alike.

    Attributes:
        seconds: time spent in the oracle so far, asking and telling.
        finished: the oracle will offer nothing more, or every cell of the space was tried.
    """

    def __init__(
        self, oracle: keras_tuner.Oracle, *, seed: int, quiet: bool = True, keep_files: bool = False
    ) -> None:
        """`keep_files=False`: KerasTuner writes none of its JSON files; the record is elsewhere.

        Raises UsageError for an oracle of several objectives, which has no single score to be told.
        """
        if hasattr(oracle.objective, "objectives"):
            names = [own.name for own in oracle.objective.objectives]
            raise UsageError(f"Expected an oracle of one objective. Received: objective={names}.")
        self.oracle = oracle
        self.seconds = 0.0
        self.finished = False
        self._keep_files = keep_files
        self._direction = 1.0 if oracle.objective.direction == "min" else -1.0
        if quiet:
            oracle.verbose = 0
        if not keep_files:
            oracle.save = oracle._save_trial = _write_nothing
        Guard(oracle, seed).install()
        weakref.finalize(self, _forget, oracle).atexit = False

    def ask(self, count: int) -> list[Suggestion]:
        """Up to `count` new trials; fewer where the oracle wants results first, or is finished."""
        suggestions: list[Suggestion] = []
        with self._talking():
            while len(suggestions) < count and not self.finished:
                trial = self.oracle.create_trial(self._free_name())
                if trial.status != RUNNING:
                    nothing_to_wait_for = not self.oracle.ongoing_trials
                    self.finished = trial.status == STOPPED or nothing_to_wait_for
                    break
                suggestions.append(suggestion(trial))
        return suggestions

    def tell(
        self, scores: Mapping[str, float | None], steps: Mapping[str, int] | None = None
    ) -> None:
        """Tell the scores of trials that were asked, in whatever order they came.

        Args:
            scores: trial id -> objective; None or no finite number where the trial diverged.
            steps: trial id -> epoch of that score, for KerasTuner's own records.

        Raises UsageError for a trial that is not waiting for its score; then nothing is told.
        """
        waiting = {trial.trial_id for trial in self.oracle.ongoing_trials.values()}
        for trial_id in scores:
            if trial_id not in waiting:
                raise unknown("running trial", trial_id, sorted(waiting))
        order = [trial_id for trial_id in self.oracle.start_order if trial_id in scores]
        with self._talking():
            finite = {name: value for name in order if (value := _finite(scores[name])) is not None}
            beyond = self._beyond_the_worst(finite)
            self._move_diverged(beyond)
            for trial_id in order:
                step = (steps or {}).get(trial_id, 0)
                self._end(trial_id, finite.get(trial_id), beyond, step)

    def _free_name(self) -> str:
        """A tuner id without a running trial: KerasTuner gives one running trial to each."""
        names = (f"member-{number}" for number in count_from())
        return next(name for name in names if name not in self.oracle.ongoing_trials)

    def _beyond_the_worst(self, new: Mapping[str, float]) -> float:
        """The number next to the worst finite score known, on its far side; 0 if none is known."""
        old = [
            trial.score
            for trial in self.oracle.trials.values()
            if trial.status == "COMPLETED" and trial.message != DIVERGED
        ]
        finite = [self._direction * score for score in (*old, *new.values())]
        if not finite:
            return 0.0
        return self._direction * math.nextafter(max(finite), math.inf)

    def _move_diverged(self, beyond: float) -> None:
        for trial in self.oracle.trials.values():
            done = trial.status == "COMPLETED" and trial.message == DIVERGED
            if done and trial.score != beyond:
                trial.metrics.metrics.pop(self.oracle.objective.name)
                self._report(trial.trial_id, beyond, trial.best_step)
                self.oracle.score_trial(trial)
                self.oracle._save_trial(trial)

    def _end(self, trial_id: str, score: float | None, beyond: float, step: int) -> None:
        trial = self.oracle.trials[trial_id]
        self._report(trial_id, beyond if score is None else score, step)
        trial.status = "COMPLETED"
        trial.message = DIVERGED if score is None else None
        self.oracle.end_trial(trial)
        if self._keep_files:
            self.oracle.save()  # KerasTuner itself saves while the trial still counts as running

    def _report(self, trial_id: str, score: float, step: int) -> None:
        self.oracle.update_trial(trial_id, {self.oracle.objective.name: score}, step=step)

    @contextmanager
    def _talking(self) -> Iterator[None]:
        start = time.perf_counter()
        try:
            with _quiet_threads(), _released(self.oracle), config_context(**UNCHECKED):
                yield
        finally:
            self.seconds += time.perf_counter() - start


def suggestion(trial: Any) -> Suggestion:
    """A trial of KerasTuner as a suggestion."""
    values: Values = trial.hyperparameters.values
    epochs = values.get(f"{OWN}epochs")
    parent = values.get(f"{OWN}trial_id")
    return Suggestion(
        trial_id=trial.trial_id,
        hp=trial.hyperparameters,
        values=own_values(values),
        epochs=None if epochs is None else int(epochs),
        initial_epoch=int(values.get(f"{OWN}initial_epoch", 0)),
        parent=None if parent is None else str(parent),
    )


def _finite(score: float | None) -> float | None:
    return float(score) if score is not None and math.isfinite(score) else None


def _write_nothing(*_: object) -> None:
    """In the place of KerasTuner's `save`: the suite's record is the truth."""


@contextmanager
def _quiet_threads() -> Iterator[None]:
    """Without the warnings that KerasTuner 1.4.8 causes at each call, which nobody can act on."""
    with warnings.catch_warnings():
        names = r"(currentThread|getName)\(\) is deprecated"
        warnings.filterwarnings("ignore", names, DeprecationWarning)
        warnings.filterwarnings("ignore", category=ConvergenceWarning)  # of its Gaussian process
        yield


@contextmanager
def _released(oracle: keras_tuner.Oracle) -> Iterator[None]:
    """Give back the oracle's lock where a method raises: KerasTuner 1.4.8 keeps it for ever."""
    thread = threading.current_thread().name
    held_before = engine.THREADS[oracle] == thread
    try:
        yield
    finally:
        if engine.THREADS[oracle] == thread and not held_before:
            engine.THREADS[oracle] = None
            engine.LOCKS[oracle].release()


def _forget(oracle: keras_tuner.Oracle) -> None:
    """Let the oracle be collected: KerasTuner keeps every oracle in the table of its locks."""
    engine.LOCKS.pop(oracle, None)
    engine.THREADS.pop(oracle, None)
