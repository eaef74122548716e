"""GridOracle: every cell of a space, for KerasTuner; asked in batches, resumed where it stopped.

KerasTuner 1.4.8's own `GridSearchOracle` derives each cell from a finished trial: it cannot be
asked in batches, and cannot resume (issue 1055). Here the trials are all the state there is.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import keras_tuner

from suite.errors import UsageError
from suite.search.cells import Cells, Values, completed, point
from suite.search.distinct import RUNNING, Answer, keep_values, nothing_left

MOST_LEVELS = 100
"""Values of a number of which the grid takes each; of more, it takes `points`."""


class GridOracle(keras_tuner.Oracle):  # type: ignore[misc]  # keras_tuner ships no types
    """Tries every cell of the space once, those of conditional scopes included.

    A hyperparameter that a build declares later makes cells of the trials so far those with its
    default, and the search goes on with the others.

    Args:
        objective, max_trials, seed, hyperparameters, allow_new_entries, tune_new_entries,
            max_retries_per_trial, max_consecutive_failed_trials: as KerasTuner's oracles have them.
        points: levels of a `Float` without step, and of a number with more than `MOST_LEVELS`
            values: evenly spaced in its own sampling, both ends included.
        shuffle: the cells in an order drawn from `seed` instead of the last hyperparameter fastest.
            A search that stops early then saw levels of every hyperparameter.

    Raises UsageError for fewer than two points.
    """

    def __init__(
        self,
        objective: Any = None,
        max_trials: int | None = None,
        seed: int | None = None,
        hyperparameters: keras_tuner.HyperParameters | None = None,
        allow_new_entries: bool = True,
        tune_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        points: int = 5,
        shuffle: bool = False,
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
        if points < 2:
            raise UsageError(
                f"Expected at least the two ends of a range. Received: points={points}."
                " The nearest valid one is points=2."
            )
        self.points = points
        self.shuffle = shuffle
        self._walk: Iterator[Values] = iter(())
        self._walked: int | None = None  # declarations in the space of this walk

    def populate_space(self, trial_id: str) -> Answer:  # noqa: ARG002  # KerasTuner's signature
        """The next cell without a trial; STOPPED after the last, IDLE if builds may find more."""
        size = len(self.hyperparameters.space)
        if size != self._walked:
            self._walk, self._walked = self._untried(), size
        values = next(self._walk, None)
        return nothing_left(self) if values is None else {"status": RUNNING, "values": values}

    def _untried(self) -> Iterator[Values]:
        """The cells that no trial was given yet, from the trials known when the walk begins."""
        space = list(self.hyperparameters.space)
        taken = {
            point(completed(space, trial.hyperparameters.values)) for trial in self.trials.values()
        }
        cells = Cells(space, self.points, MOST_LEVELS)
        order = shuffled(cells.count, self.seed) if self.shuffle else numbers(cells.count)
        return (values for values in map(cells.cell, order) if point(values) not in taken)

    def set_state(self, state: dict[str, Any]) -> None:
        """Restore KerasTuner's state; the walk begins anew and leaves out what has a trial."""
        super().set_state(state)
        self._walked = None

    def _record_values(self, trial: Any) -> None:
        keep_values(trial, super()._record_values)


def numbers(count: int) -> Iterator[int]:
    """0, 1, ... below `count`, which may be larger than a `range` can be long."""
    number = 0
    while number < count:
        yield number
        number += 1


def shuffled(count: int, seed: int) -> Iterator[int]:
    """The numbers below `count` in random order, in memory that grows with what is taken of them.

    The shuffle of Fisher and Yates, of which only the exchanged places are kept.

    >>> list(shuffled(5, seed=1))
    [1, 0, 3, 2, 4]
    >>> next(shuffled(10**30, seed=1)) < 10**30
    True
    """
    rng = random.Random(seed)
    exchanged: dict[int, int] = {}
    for place in numbers(count):
        other = rng.randrange(place, count)
        here = exchanged.pop(place, place)
        if other == place:
            yield here
        else:
            yield exchanged.get(other, other)
            exchanged[other] = here
