"""From a study to the space that a tuner searches, and from a suggestion back to a recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import keras_tuner
from keras_tuner.src.engine.conditions import Parent  # the public names leave it out

from suite.errors import StudyError, UsageError
from suite.factors import FACTORS
from suite.search.study import Range, SearchStudy, check_sampling
from suite.space import check_level, of_task, undeclared
from suite.study import Dependent, Study, level_name
from suite.task import Task
from suite.trial import Level
from suite.weights import recorded_initializers

KINDS = keras_tuner.engine.hyperparameters
Declared = Any
"""A KerasTuner hyperparameter: its name, its kind, its values, the conditions it is under."""


# A search study: the space of a task.


def space_of(task: Task, study: SearchStudy) -> keras_tuner.HyperParameters:
    """What a tuner may choose for `task`, in the order in which the task declares it.

    The entries of the study's `space`, with its levels or ranges; with `own`, the task's own
    hyperparameters as declared; `fixed` values, as entries without a choice, so that a suggestion
    is a whole recipe. Conditions that the task declares stay; one on something that is no part of
    the space is settled here, by that thing's default.

    Raises:
        UsageError: the study names what the task does not declare, or gives it levels or a range
            that it does not take; or no choice is left.
    """
    every, defaults = explored(task)
    _check_names(task, study, [own.name for own in every])
    hp = keras_tuner.HyperParameters()
    for own in every:
        if own.name in study.space or own.name in study.fixed or _own(own.name, study):
            _place(hp, _entry(own, study), defaults)
    if all(isinstance(own, KINDS.Fixed) for own in hp.space):
        raise UsageError(
            f"Expected something to choose in task {task.name!r}. "
            f"Received: study {study.name!r}, which leaves one value for everything."
        )
    return hp


def explored(task: Task) -> tuple[list[Declared], dict[str, Level]]:
    """Everything that `build` declares, and the values that count by default.

    A build sees what its own values lead to. So the task is built once for each conditional scope
    that was closed in every build before, with values that open it, as KerasTuner's tuners do.
    """
    every = keras_tuner.HyperParameters()
    entered: list[Any] = []
    closed: list[Any] = [[]]
    defaults: dict[str, Level] = {}
    while closed:
        scope = closed.pop(0)
        if scope in entered:
            continue
        hp = keras_tuner.HyperParameters()
        hp.values = {condition.name: condition.values[0] for condition in scope}
        with recorded_initializers():  # nobody looks at the weights
            task.build(hp)
        every.merge(hp, overwrite=False)
        defaults = defaults or dict(hp.values)
        entered += [scope, *hp.active_scopes]
        closed += hp.inactive_scopes
    return list(every.space), defaults


def _check_names(task: Task, study: SearchStudy, names: Sequence[str]) -> None:
    for name in (*study.space, *study.fixed):
        if name not in names:
            raise undeclared("hyperparameter", name, task, dict.fromkeys(names))


def _own(name: str, study: SearchStudy) -> bool:
    return study.own and name not in FACTORS


def _entry(own: Declared, study: SearchStudy) -> Declared:
    """The declaration `own` as the study has it searched; a copy."""
    if own.name in study.fixed:
        return _leveled(own, [study.fixed[own.name]])
    searched = study.space.get(own.name)
    if searched is None:
        return type(own).from_config(own.get_config())
    return _ranged(own, searched) if isinstance(searched, Range) else _leveled(own, searched)


def _leveled(own: Declared, levels: Sequence[Level]) -> Declared:
    """A choice among `levels`, whatever the task declares the name to be."""
    if of_task(own):  # a standard factor's levels were checked when the study was read
        for level in levels:
            check_level(own, level)
    return choice(own.name, levels, own.conditions, own.default)


def _ranged(own: Declared, numbers: Range) -> Declared:
    """A number from a range, whole where the task, or the standard factor, has whole numbers."""
    factor = FACTORS.get(own.name)
    if factor is None and not isinstance(own, KINDS.Int | KINDS.Float):
        raise StudyError(
            f"Expected a list of levels for {own.name!r}. "
            f"Received: a range, low={numbers.low:g}, high={numbers.high:g}."
        )
    if factor is None:
        check_level(own, numbers.low)
        check_level(own, numbers.high)
    declared = factor.sampling if factor else own.sampling
    check_sampling(own.name, numbers, numbers.sampling or declared)
    whole = isinstance(factor.default if factor else own.min_value, int)
    inside = numbers.low <= own.default <= numbers.high
    start = own.default if inside else numbers.low
    return (KINDS.Int if whole else KINDS.Float)(
        own.name,
        int(numbers.low) if whole else numbers.low,
        int(numbers.high) if whole else numbers.high,
        step=_step(own.name, numbers, whole=whole),
        sampling=numbers.sampling or declared or "linear",
        default=int(start) if whole else float(start),
        conditions=own.conditions,
    )


def _step(name: str, numbers: Range, *, whole: bool) -> float | int | None:
    if numbers.step is None or not whole:
        return numbers.step
    if numbers.step != int(numbers.step):
        raise StudyError(
            f"Expected the step of {name!r} to be a whole number. Received: step={numbers.step:g}."
        )
    return int(numbers.step)


def _place(hp: keras_tuner.HyperParameters, entry: Declared, defaults: Mapping[str, Level]) -> None:
    """Add `entry`, unless it is under a condition that no suggestion could ever fulfil."""
    known = {own.name for own in hp.space}
    settled = [c for c in entry.conditions if c.name not in known]
    if all(condition.is_active(defaults) for condition in settled):
        entry.conditions = [c for c in entry.conditions if c.name in known]
        hp.merge([entry], overwrite=False)


def choice(
    name: str, levels: Sequence[Level], conditions: Sequence[Any] = (), default: Any = None
) -> Declared:
    """A hyperparameter with the given levels, by default `default`, if it is one, or the first.

    One level is a fixed value. `Choice` would turn truth values into 0 and 1.
    """
    under = list(conditions)
    start = default if default in levels else levels[0]
    if len(levels) == 1:
        return KINDS.Fixed(name, levels[0], conditions=under)
    if all(isinstance(level, bool) for level in levels):
        return KINDS.Boolean(name, default=start, conditions=under)
    return KINDS.Choice(name, list(levels), default=start, conditions=under)


# A matrix study: its cells as a space, to search among outcomes that are recorded already.


def space_of_matrix(study: Study) -> keras_tuner.HyperParameters:
    """The cells of a study's matrix as a space, nuisance factors included; `fixed` is left out.

    A factor whose levels depend on another's becomes one entry for each level of that one, under
    a name of its own (`learning_rate (sgd)`), since KerasTuner 1.4.8 loses the value of a name
    that is declared under several conditions. `matrix_values` is the way back.
    """
    plain, dependent = _parts(study)
    hp = keras_tuner.HyperParameters()
    hp.merge([choice(name, levels) for name, levels in plain.items()])
    for name, depends in dependent.items():
        fixed = depends.by in study.fixed
        for level in [study.fixed[depends.by]] if fixed else plain[depends.by]:
            levels = depends.levels[level_name(level)]
            under = [] if fixed else [Parent(depends.by, [level])]
            hp.merge([choice(branch(name, level), levels, under)])
    return hp


def matrix_values(study: Study, values: Mapping[str, Level]) -> dict[str, Level]:
    """The recipe, as `plan.recipes` has it, of a suggestion out of `space_of_matrix`.

    >>> rates = Dependent(by="optimizer", levels={"sgd": [0.1, 1.0], "adam": [0.01]})
    >>> study = Study(name="s", question="?", factors={"optimizer": ["sgd", "adam"]},
    ...               nuisance={"learning_rate": rates}, fixed={"l2": 0.1})
    >>> matrix_values(study, {"optimizer": "sgd", "learning_rate (sgd)": 1.0})
    {'l2': 0.1, 'optimizer': 'sgd', 'learning_rate': 1.0}
    """
    plain, dependent = _parts(study)
    cell = {**study.fixed, **{name: values[name] for name in plain}}
    own = {name: values[branch(name, cell[by.by])] for name, by in dependent.items()}
    return {**cell, **own}


def branch(name: str, level: Level) -> str:
    """The name, in a space, of a factor under one level of the factor that it depends on."""
    return f"{name} ({level_name(level)})"


def _parts(study: Study) -> tuple[dict[str, Sequence[Level]], dict[str, Dependent]]:
    """The factors with levels of their own, and those whose levels depend on another's."""
    plain: dict[str, Sequence[Level]] = dict(study.factors)
    plain |= {k: v for k, v in study.nuisance.items() if not isinstance(v, Dependent)}
    dependent = {k: v for k, v in study.nuisance.items() if isinstance(v, Dependent)}
    return plain, dependent
