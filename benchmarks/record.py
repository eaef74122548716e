"""What passes between the benchmark and its contenders' processes: a request, a measurement."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from suite.trial import Level

SOURCE = "embedded"
SHARES = ("importing", "data", "building", "compiling", "training", "scoring", "storing", "other")
"""Kinds of work, in the order of a run. What no contender names (the start and the end of Python,
placing data on a device) is "other"; a peer's building, compiling and storing is "training"."""


@dataclass(frozen=True)
class Contender:
    """A way to train trials: how it is shown, the module that does it, Keras' backend in it."""

    label: str
    module: str
    backend: str


FLEET = "fleet"
BASELINE = "random-search-tensorflow"
CONTENDERS = {
    FLEET: Contender("the suite's fleet", "fleet", "jax"),
    BASELINE: Contender("RandomSearch, TensorFlow", "random_search", "tensorflow"),
    "random-search-jax": Contender("RandomSearch, JAX", "random_search", "jax"),
    # Keras loads the task's data here and trains nothing.
    "grid-search": Contender("GridSearchCV over MLP", "grid_search", "jax"),
}


@dataclass(frozen=True)
class Request:
    """What a contender is to train.

    Attributes:
        contender: its name in `CONTENDERS`.
        task, study: names of a task and of a shipped study in its standard size.
        recipes: the cells of the study's matrix that were drawn; a contender that draws its own
            draws from the same levels.
        trials: how many to train.
        epochs: of every training; None for the task's own.
        folder: an empty one, to write to.
    """

    contender: str
    task: str
    study: str
    recipes: Sequence[Mapping[str, Level]]
    trials: int
    epochs: int | None
    folder: str


@dataclass(frozen=True)
class Trained:
    """What a contender did: trials trained to their last epoch, and what else is to be said.

    `skipped` says why it cannot train this task; empty where it can.
    """

    trials: int = 0
    epochs: int = 0
    note: str = ""
    skipped: str = ""


@dataclass(frozen=True)
class Measurement:
    """A contender's run, from the start of its process to the end.

    Attributes:
        seconds: all of it.
        shares: kind of work -> seconds; they add up to `seconds`.
        disturbance: share of the machine's time that other processes took meanwhile.
    """

    task: str
    contender: str
    trained: Trained
    seconds: float
    shares: Mapping[str, float] = field(default_factory=dict)
    disturbance: float = 0.0

    @property
    def counted(self) -> float:
        """Seconds that the rate is computed from: the fleet's own all, a peer's without its start.

        A peer is spared importing, loading data and the end of its process: trials do not pay for
        those one by one.
        """
        return self.seconds if self.contender == FLEET else self.shares["training"]

    @property
    def rate(self) -> float:
        """Trials a second."""
        return self.trained.trials / self.counted


class Clock:
    """Seconds by kind of work.

    >>> clock = Clock()
    >>> with clock("training"):
    ...     pass
    >>> list(clock.seconds)
    ['training']
    """

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, kind: str) -> Iterator[None]:
        """Add what happens inside to `kind`."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.add(kind, time.perf_counter() - started)

    def add(self, kind: str, seconds: float) -> None:
        """Add seconds that were measured elsewhere."""
        self.seconds[kind] = self.seconds.get(kind, 0.0) + seconds
