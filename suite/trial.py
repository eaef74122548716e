"""What passes between the stages of a run: a Trial to train, an Outcome that came of it."""

from __future__ import annotations

import enum
import hashlib
import json
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from suite.health import Health

Level = str | int | float | bool
"""A value of a factor, as a study file can write it."""


class Status(enum.StrEnum):
    """How a trial ended."""

    COMPLETED = "completed"
    DIVERGED = "diverged"  # the loss or the objective stopped being a finite number
    FAILED = "failed"  # the model could not be built or trained; the message says why


def canonical(value: object) -> str:
    """JSON with sorted keys and no spaces: the same text for the same value, on every machine."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True)
class Trial:
    """One training: a task, the values of its hyperparameters, a seed, a number of epochs."""

    task: str
    source: str
    hp: Mapping[str, Level]
    seed: int
    epochs: int
    _recipe: str = field(default="", init=False, repr=False, compare=False)
    _key: str = field(default="", init=False, repr=False, compare=False)

    @property
    def recipe(self) -> str:
        """The trial without its seed, as canonical JSON: what is averaged over seeds."""
        if not self._recipe:
            self._known(recipe=canonical(dict(self.hp)))
        return self._recipe

    @property
    def key(self) -> str:
        """Sixteen hex digits that name the trial, equal wherever the same trial is planned."""
        if not self._key:
            content = [self.task, self.source, dict(self.hp), self.seed, self.epochs]
            self._known(key=hashlib.sha256(canonical(content).encode()).hexdigest()[:16])
        return self._key

    def _known(self, **worked_out: str) -> Trial:
        for name, text in worked_out.items():
            object.__setattr__(self, f"_{name}", text)
        return self

    @classmethod
    def recorded(
        cls, task: str, source: str, hp: Mapping[str, Level], seed: int, epochs: int, **known: str
    ) -> Trial:
        """A trial whose `recipe` and `key` were worked out when it was recorded."""
        return cls(task, source, hp, seed, epochs)._known(**known)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What training a trial gave.

    `curves` maps a Keras log name (`loss`, `val_loss`, ...) to one figure an epoch. `epoch` is the
    selected epoch, counted from 1: the one whose objective was best. `metrics` holds the task's
    metric and objective at that epoch, on `val` and `test` (`val.roc_auc`, `test.roc_auc`), and
    `sparsity`, the share of small weights.
    `health` tells what the training looked like from inside; None where it was not probed.
    `mixed` names what differed from that which the results folder was begun with, such as the code
    of the task; empty where nothing did.
    """

    trial: Trial
    status: Status
    engine: str
    seconds: float
    epoch: int | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    curves: Mapping[str, Sequence[float]] = field(default_factory=dict)
    message: str = ""
    health: Health | None = None
    mixed: str = ""

    def __post_init__(self) -> None:
        """Curves as arrays: a record of a hundred thousand trials is held in memory as a whole."""
        compact = {name: array("d", curve) for name, curve in self.curves.items()}
        object.__setattr__(self, "curves", compact)

    def with_health(self, health: Health | None) -> Outcome:
        """The same with its health, up to the first epoch whose logs are not finite."""
        if health is None or self.status is Status.FAILED:
            return self
        lengths = [len(curve) for curve in self.curves.values()]
        return replace(self, health=health.until(max(lengths, default=0) + 1))
