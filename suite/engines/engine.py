"""What every engine offers: trials in, outcomes out, a chunk at a time."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from suite.task import Task
from suite.trial import Outcome, Trial

Claim = Callable[[Sequence[str]], Container[str]]
"""Asked just before trials are trained, by key: which of them this process is to train."""


def everything(keys: Sequence[str]) -> Container[str]:
    """The claim of a process that trains alone."""
    return set(keys)


class Watcher(Protocol):
    """Is told what an engine is doing, so that a person can be."""

    def stage(self, text: str) -> None:
        """What has just begun, such as "compiling 96 trials of one structure"."""


@dataclass(frozen=True)
class Estimate:
    """What training would take: `programs` to compile, and `seconds`, measured on a few trials."""

    programs: int
    seconds: float


class Trainer(Protocol):
    """An engine at work on one task, for as long as trials of it come."""

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

    def train(
        self, task: Task, trials: Sequence[Trial], watcher: Watcher, claim: Claim = everything
    ) -> Iterator[Sequence[Outcome]]:
        """Train all `trials` that `claim` grants; yield outcomes as they come, each trial once.

        A trial that cannot be built or trained, or that diverges, is an outcome like any other.
        """

    def trainer(self, task: Task, *, expected: int, states: Path, last: int) -> Trainer:
        """A trainer for trials of `task` that come in batches.

        Args:
            expected: how many trials will come in all, about.
            states: a folder for what is needed to go on with a trial.
            last: the number of epochs after which no trial goes on.
        """

    def estimate(self, task: Task, trials: Sequence[Trial], watcher: Watcher) -> Estimate:
        """Measure one epoch of a few trials and say what all would take; nothing is recorded."""
