"""The recipes that a check builds and trains: each declared level, and everything switched on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from suite.factors import FACTORS
from suite.search.spaces import KINDS, explored
from suite.space import of_task
from suite.task import Task
from suite.trial import Level

Recipe = Mapping[str, Level]

STRONG: dict[str, tuple[Level, ...]] = {
    "learning_rate": (0.03,),
    "dropout": (0.5,),
    "l1": (0.01,),
    "l2": (0.1,),
    "clipnorm": (0.001,),
    "clipvalue": (0.0001,),
    "input_dropout": (0.5,),
    "recurrent_dropout": (0.5,),
}
"""A level of each standard number that shows in a training of two epochs, if it does anything."""

ALL_ON: Recipe = {
    "initializer": "he_uniform",
    "optimizer": "rmsprop",
    "learning_rate": 0.003,
    "dropout": 0.3,
    "batch_norm": True,
    "l1": 1e-4,
    "l2": 1e-3,
}
"""Many techniques at once, at levels that a training survives."""


@dataclass(frozen=True)
class Declared:
    """One hyperparameter of a task: its default, the other levels to try, what it depends on."""

    name: str
    default: Level
    levels: Sequence[Level]
    opened: Recipe

    def recipe(self, level: Level, base: Recipe) -> dict[str, Level]:
        """`base` with this hyperparameter at `level`."""
        return {**base, **self.opened, self.name: level}


def declared(task: Task) -> list[Declared]:
    """What `build` declares, with every choice, or both ends of each range, but the default."""
    every, defaults = explored(task)
    return [_declared(own, defaults) for own in every if not isinstance(own, KINDS.Fixed)]


def all_on(task: Task) -> Recipe:
    """Every standard factor that `build` declares, switched on."""
    every, _ = explored(task)
    names = {own.name for own in every if not of_task(own)}
    return {name: level for name, level in ALL_ON.items() if name in names}


def _declared(own: Any, defaults: Recipe) -> Declared:
    opened = {condition.name: condition.values[0] for condition in own.conditions}
    default = defaults.get(own.name, own.default)
    levels = [level for level in _levels(own) if not _equal(level, default)]
    return Declared(own.name, default, levels, opened)


def _levels(own: Any) -> list[Level]:
    if own.name in FACTORS and not of_task(own):
        standard = FACTORS[own.name]
        if own.name == "batch_size":
            return [max(1, int(own.default) // 2)]
        return list(STRONG.get(own.name, standard.levels))
    ends: list[Any] = [getattr(own, name, None) for name in ("min_value", "max_value")]
    return list(own.values) if None in ends else list(dict.fromkeys(ends))


def _equal(one: Level, other: Level) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)
