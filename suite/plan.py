"""From a study and a task to the trials to train. No Keras here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product

from suite.errors import StudyError
from suite.study import Dependent, Study, check_size, level_name, size
from suite.trial import Level, Trial


def recipes(study: Study) -> Iterator[dict[str, Level]]:
    """Every cell of the study's matrix: the product of its factors and nuisance factors.

    Cells that the study excludes are left out.
    """
    plain: dict[str, Sequence[Level]] = dict(study.factors)
    dependent: dict[str, Dependent] = {}
    for name, levels in study.nuisance.items():
        if isinstance(levels, Dependent):
            dependent[name] = levels
        else:
            plain[name] = levels
    for values in product(*plain.values()):
        cell: dict[str, Level] = {**study.fixed, **dict(zip(plain, values, strict=True))}
        choices = [_levels(name, depends, cell) for name, depends in dependent.items()]
        for own in product(*choices):
            whole = {**cell, **dict(zip(dependent, own, strict=True))}
            if not study.excludes(whole):
                yield whole


def _levels(name: str, depends: Dependent, cell: dict[str, Level]) -> Sequence[Level]:
    if depends.by not in cell:
        raise StudyError(
            f"Expected {name!r} to depend on a factor of the study, one of "
            f"{', '.join(map(repr, cell))}. Received: by={depends.by!r}."
        )
    level = level_name(cell[depends.by])
    if level not in depends.levels:
        raise StudyError(
            f"Expected levels of {name!r} for {depends.by}={level!r}. "
            f"Received: levels for {', '.join(map(repr, depends.levels))}."
        )
    return depends.levels[level]


def trials(study: Study, task: str, source: str, default_epochs: int) -> list[Trial]:
    """The trials of one task: every cell of the matrix on every seed, seed by seed."""
    check_size(study.name, size(study))
    cells = [(own, study.epochs_of(own, task, default_epochs)) for own in recipes(study)]
    if not cells:
        raise StudyError(
            f"Expected study {study.name!r} to leave cells of its matrix. "
            f"Received: exclude={study.exclude}, which leaves none."
        )
    return [
        Trial(task, source, cell, seed, epochs)
        for seed in range(study.seeds)
        for cell, epochs in cells
    ]
