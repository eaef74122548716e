"""KerasTuner's hyperparameters as Optuna's distributions, and their values there and back.

| KerasTuner | Optuna |
| --- | --- |
| `Boolean`, unordered `Choice`, `Choice` of two | categorical |
| other ordered `Choice`, `Int` and `Float` with a step | whole number: the index of the level |
| `Int`, `Float` without step, linear or log | the same |
| with sampling "reverse_log" | the same in log, mirrored: low + high - value |
| `Fixed` | nothing to sample |
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import Trial

from suite.search.cells import KINDS, Steps, Values, active, assemble, levels
from suite.trial import Level

Params = dict[str, Level]


@dataclass(frozen=True)
class Plain:
    """A parameter whose values are those of the hyperparameter."""

    name: str
    distribution: BaseDistribution

    def value(self, param: Any) -> Level:
        """The hyperparameter's value."""
        level: Level = param
        return level

    def param(self, value: Any) -> Level | None:
        """Optuna's value; None where the distribution has no such value."""
        inside = self.distribution._contains(self.distribution.to_internal_repr(value))
        return self.value(value) if inside else None


@dataclass(frozen=True)
class Chosen(Plain):
    """A category."""

    distribution: CategoricalDistribution

    def param(self, value: Any) -> Level | None:
        """The category; None for a value that is none."""
        return self.value(value) if value in self.distribution.choices else None


@dataclass(frozen=True)
class Mirrored(Plain):
    """A number whose density rises towards its upper end as log's does towards its lower."""

    low: float
    high: float

    def value(self, param: Any) -> Level:
        """The number on the other side of the middle; rounding does not leave the range."""
        mirrored: Level = min(max(self.low + self.high - param, self.low), self.high)
        return mirrored


@dataclass(frozen=True)
class Indexed(Plain):
    """A number out of ordered levels."""

    levels: Sequence[Any]

    def value(self, param: Any) -> Level:
        """The level at that index."""
        level: Level = self.levels[param]
        return level

    def param(self, value: Any) -> Level | None:
        """The index of the level; None where there is no such level."""
        if not isinstance(self.levels, Steps):
            return self.levels.index(value) if value in self.levels else None
        low, high = self.levels.declaration.min_value, self.levels.declaration.max_value
        return self.levels.nearest(value) if low <= value <= high else None


def parameter(declaration: Any) -> Plain | None:
    """The parameter of a hyperparameter; None for a fixed one."""
    name = _name(declaration)
    if isinstance(declaration, KINDS.Fixed):
        return None
    if isinstance(declaration, KINDS.Boolean) or _is_category(declaration):
        return Chosen(name, CategoricalDistribution(levels(declaration, 2)))
    if isinstance(declaration, KINDS.Choice) or declaration.step is not None:
        own = levels(declaration, 2)
        return Indexed(name, IntDistribution(0, len(own) - 1), own)
    return _free_number(name, declaration)


def _is_category(declaration: Any) -> bool:
    """A choice without an order, or of two: an order says nothing then, and costs more."""
    chosen = isinstance(declaration, KINDS.Choice)
    return chosen and (not declaration.ordered or len(declaration.values) == 2)


def _free_number(name: str, declaration: Any) -> Plain:
    low, high, log = declaration.min_value, declaration.max_value, declaration.sampling != "linear"
    whole = isinstance(declaration, KINDS.Int)
    kind = IntDistribution if whole else FloatDistribution
    distribution = kind(low, high, log=log)
    if declaration.sampling == "reverse_log":
        return Mirrored(name, distribution, low, high)
    return Plain(name, distribution)


def _name(declaration: Any) -> str:
    """Its name; with its conditions where it has some, so that namesakes are kept apart."""
    if not declaration.conditions:
        return str(declaration.name)
    conditions = {own.name: own.values for own in declaration.conditions}
    return f"{declaration.name} where {json.dumps(conditions, sort_keys=True)}"


class Mapped:
    """A space of KerasTuner's as parameters of Optuna's."""

    def __init__(self, space: Sequence[Any]) -> None:
        self._space = list(space)
        self._parameters = {id(own): parameter(own) for own in self._space}
        self.size = len(self._space)

    def suggest(self, trial: Trial) -> Values:
        """The values that Optuna suggests, each only where its conditions hold."""
        return assemble(self._space, lambda own: self._suggested(trial, own))

    def _suggested(self, trial: Trial, declaration: Any) -> Level:
        own = self._parameters[id(declaration)]
        if own is None:
            fixed: Level = declaration.value
            return fixed
        return own.value(_drawn(trial, own))

    def told(self, values: Mapping[str, Level]) -> tuple[Params, dict[str, BaseDistribution]]:
        """Optuna's params and distributions of these values, as far as the space has them."""
        params: Params = {}
        distributions: dict[str, BaseDistribution] = {}
        for declaration in active(self._space, values):
            own = self._parameters[id(declaration)]
            param = own.param(values[declaration.name]) if own else None
            if own is not None and param is not None:
                params[own.name] = param
                distributions[own.name] = own.distribution
        return params, distributions


def _drawn(trial: Trial, own: Plain) -> Any:
    match own.distribution:
        case CategoricalDistribution(choices=choices):
            return trial.suggest_categorical(own.name, choices)
        case IntDistribution(low=low, high=high, log=log):
            return trial.suggest_int(own.name, low, high, log=log)
        case FloatDistribution(low=low, high=high, log=log):
            return trial.suggest_float(own.name, low, high, log=log)
