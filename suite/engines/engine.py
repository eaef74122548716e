"""What every engine offers: trials in, outcomes out, a chunk at a time."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from suite.task import Task
from suite.trial import Outcome, Trial

EVALUATION_ROWS = 1024
"""Rows of one evaluation step at most: bounds the activations of a whole fleet."""


def evaluation_size(rows: int) -> int:
    """Rows of one evaluation step; the same in every engine.

    A loss that leaves some targets out (padding) is a mean over what is left of each step, so its
    mean over all steps depends on how rows are divided into them. Equal steps, if there are any:
    a smaller last one would have to be compiled as well.

    >>> evaluation_size(387), evaluation_size(2000), evaluation_size(2053)
    (387, 1000, 684)
    """
    fewest = -(-rows // EVALUATION_ROWS)
    return rows // next((n for n in range(fewest, 2 * fewest) if rows % n == 0), fewest)


Claim = Callable[[Sequence[str]], Container[str]]
"""Asked just before trials are trained, by key: which of them this process is to train."""


def everything(keys: Sequence[str]) -> Container[str]:
    """The claim of a process that trains alone."""
    return set(keys)


class Watcher(Protocol):
    """Is told what an engine is doing, so that a person can be."""

    def stage(self, text: str) -> None:
        """What has just begun, such as "compiling 96 trials of one structure"."""


@runtime_checkable
class Speaker(Watcher, Protocol):
    """A watcher that also takes messages that stay."""

    def say(self, text: str) -> None:
        """A message that stays."""


@dataclass(frozen=True)
class Estimate:
    """What training would take, measured on a few trials.

    Attributes:
        programs: how many there are to compile.
        building, compiling, training: seconds.
    """

    programs: int
    building: float
    compiling: float
    training: float

    @property
    def seconds(self) -> float:
        """All that it would take."""
        return self.building + self.compiling + self.training


class Trainer(Protocol):
    """An engine at work on one task, for as long as trials of it come."""

    def expect(self, trials: Sequence[Trial]) -> None:
        """Make room for models like those of `trials`, which are not trained."""

    def train(
        self,
        trials: Sequence[Trial],
        watcher: Watcher,
        skip: Container[str] = (),
        claim: Claim = everything,
    ) -> Iterator[Sequence[Outcome]]:
        """As `Engine.train`, with what earlier calls left: programs, states.

        Trials whose keys are in `skip` have outcomes already: they are not yielded.
        """


class Engine(Protocol):
    """A way to train trials of one task."""

    @property
    def name(self) -> str:
        """Under which name outcomes are recorded."""

    @property
    def clock(self) -> Mapping[str, float]:
        """Where the engine's time went so far: seconds by kind of work."""

    @property
    def workers(self) -> Sequence[Mapping[str, Any]]:
        """Other processes that it trains in, for `run.json`; empty where this one trains alone."""

    def train(
        self, task: Task, trials: Sequence[Trial], watcher: Watcher, claim: Claim = everything
    ) -> Iterator[Sequence[Outcome]]:
        """Train all `trials` that `claim` grants; yield outcomes as they come, each trial once.

        A trial that cannot be built or trained, or that diverges, is an outcome like any other.
        """

    def trainer(self, task: Task, *, expected: int, states: Path | None, last: int) -> Trainer:
        """A trainer for trials of `task` that come in batches.

        Args:
            expected: how many trials will come in all, about.
            states: a folder for what is needed to go on with a trial; None where none goes on.
            last: the number of epochs after which no trial goes on.
        """

    def estimate(self, task: Task, trials: Sequence[Trial], watcher: Watcher) -> Estimate:
        """Measure one epoch of a few trials and say what all would take; nothing is recorded."""

    def close(self) -> None:
        """Leave nothing behind that goes on."""
