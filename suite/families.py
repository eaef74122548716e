"""Families: trials whose models have the same structure, so that one program can train them all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from suite.anatomy import Part
from suite.blueprint import Blueprint, draw_up
from suite.data import Data
from suite.task import Task
from suite.trial import Trial
from suite.weights import Start

Knob = float | NDArray[np.float32]


@dataclass(frozen=True)
class Member:
    """One trial of a family: its knobs and how its weights start.

    A knob is a number, or in a hull (`suite.hull`) an array that says which units are the member's.
    There, `order` tells for each weight which one of the member's own model it is, or None.
    `parts` are the layers of its own model, in a hull, too.
    """

    trial: Trial
    knobs: Mapping[str, Knob]
    starts: Sequence[Start]
    parts: Sequence[Part] = ()
    order: Sequence[int | None] = ()


Crew = Sequence[Sequence[Sequence[Member]]]
"""Members by device, seed and config; those that differ in the last index alone share a seed."""


@dataclass(frozen=True)
class Family:
    """Members of one structure.

    Attributes:
        template: the blueprint of one member; its model is the one that gets compiled.
        members: all members, in the order of their trials.
        varying: the knobs in which members differ, and so the ones that the program takes as
            inputs; all others are constants of the template.
    """

    template: Blueprint
    members: Sequence[Member]
    varying: tuple[str, ...]

    @property
    def epochs(self) -> int:
        """Epochs of the member that trains longest."""
        return max(member.trial.epochs for member in self.members)


@dataclass(frozen=True)
class Refusal:
    """Trials whose model could not be built, or not be made ready to train, and the reason."""

    trials: Sequence[Trial]
    error: Exception


def by_recipe(trials: Iterable[Trial]) -> list[list[Trial]]:
    """Trials that differ in their seed alone, together."""
    recipes: dict[tuple[str, int], list[Trial]] = {}
    for trial in trials:
        recipes.setdefault((trial.recipe, trial.epochs), []).append(trial)
    return list(recipes.values())


def group(task: Task, data: Data, trials: Iterable[Trial]) -> tuple[list[Family], list[Refusal]]:
    """Sort trials into families; recipes whose `build` raises come back as refusals.

    One model is built a recipe, never one a seed, and only one a family is kept.
    """
    templates: dict[str, Blueprint] = {}
    members: dict[str, list[Member]] = {}
    refusals = []
    for same in by_recipe(trials):
        try:
            blueprint = draw_up(task, same[0].hp, data, same[0].epochs)
        except Exception as error:  # a plugin may raise anything; it is reported
            refusals.append(Refusal(same, error))
            continue
        key = blueprint.structure
        templates.setdefault(key, blueprint)
        members.setdefault(key, []).extend(
            Member(trial, blueprint.knobs, blueprint.starts, blueprint.parts) for trial in same
        )
    families = [
        Family(templates[key], family, varying_of(family)) for key, family in members.items()
    ]
    return families, refusals


def varying_of(members: Sequence[Member]) -> tuple[str, ...]:
    """The knobs in which members differ, and the masks of units that some layer holds in vain."""
    names = members[0].knobs
    return tuple(name for name in names if _varies([member.knobs[name] for member in members]))


def _varies(values: Sequence[Knob]) -> bool:
    if isinstance(values[0], np.ndarray):
        return any(not np.all(value) for value in values)
    return len({float(value) for value in values}) > 1
