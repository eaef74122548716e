"""The hyperparameters that a task declares, held against the factors that a study varies."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import keras_tuner

from suite.errors import UsageError, unknown
from suite.factors import FACTORS
from suite.study import Dependent, Study, level_error
from suite.task import Task
from suite.trial import Level
from suite.weights import recorded_initializers


def declared(task: Task) -> dict[str, Any]:
    """Every hyperparameter that `build` declares on its defaults, by name."""
    hp = keras_tuner.HyperParameters()
    with recorded_initializers():  # nobody looks at the weights
        task.build(hp)
    return {own.name: own for own in hp.space}


def check_factors(task: Task, study: Study) -> None:
    """Raise UsageError where the study varies what the task does not declare, or to no valid level.

    The levels of standard factors were checked when the study was read.
    """
    own = declared(task)
    varied: dict[str, list[Level]] = {name: list(levels) for name, levels in study.factors.items()}
    varied |= {name: [level] for name, level in study.fixed.items()}
    for name, levels in study.nuisance.items():
        by = levels.levels.values() if isinstance(levels, Dependent) else [levels]
        varied[name] = [level for group in by for level in group]
    for name, levels in varied.items():
        if name not in own:
            raise undeclared("factor", name, task, own)
        if of_task(own[name]):
            for level in levels:
                check_level(own[name], level)


def undeclared(kind: str, name: str, task: Task, names: Iterable[str]) -> UsageError:
    """The error for a hyperparameter that a study names and `task` does not declare."""
    why = "."
    if name in FACTORS:
        why = (
            ": its build(hp) does not use suite.Techniques, which brings the standard factors. "
            "A study may name the task's own."
        )
    return UsageError(f"{unknown(kind, name, names)} Task {task.name!r} declares no other{why}")


def of_task(declaration: Any) -> bool:
    """Whether levels are held against the task's declaration, not against a standard factor's.

    They are where the task gives a standard name choices of its own, which are all it knows.
    """
    factor = FACTORS.get(declaration.name)
    return factor is None or (
        bool(factor.levels)
        and isinstance(declaration, keras_tuner.engine.hyperparameters.Choice)
        and list(declaration.values) != list(factor.levels)
    )


def check_level(declaration: Any, level: Level) -> None:
    """Raise StudyError where a hyperparameter that a task declares does not take `level`."""
    kinds = keras_tuner.engine.hyperparameters
    if isinstance(declaration, kinds.Boolean | kinds.Choice | kinds.Fixed):
        values = list(declaration.values)
        same = [v for v in values if v == level and isinstance(v, bool) == isinstance(level, bool)]
        if not same:
            raise level_error(declaration.name, level, "", values)
        return
    low = getattr(declaration, "min_value", None)
    high = getattr(declaration, "max_value", None)
    if low is not None and high is not None:
        good = isinstance(level, int | float) and not isinstance(level, bool)
        whole = isinstance(declaration, kinds.Int)
        if not good or not low <= level <= high or (whole and level != int(level)):
            noun = "a whole number" if whole else "a number"
            raise level_error(declaration.name, level, f"{noun} from {low} to {high}", [])
