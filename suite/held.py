"""The levels of each factor with what they are held against: arms, cell facing cell, in stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suite.frame import HP
from suite.grid import Grid, grid_of
from suite.mechanism import mechanism
from suite.secondlook import SecondLook
from suite.summary import Judged
from suite.trial import Level


@dataclass(frozen=True)
class Scale:
    """How differences of one task are judged.

    Attributes:
        rope: differences up to this size are not worth knowing.
        second: the second look that was planned, if one was.
    """

    rope: float
    second: SecondLook | None = None

    @property
    def looks(self) -> int:
        """How many looks there are to be."""
        return 2 if self.second else 1


@dataclass(frozen=True)
class Held:
    """One level of a factor, held against the factor's first level.

    Attributes:
        rows: of the task, as `suite.summary.of_task` gives them.
        second: the seeds that a second look asked for.
        first: where they begin; None where there was one look.
    """

    judged: Judged
    factor: str
    level: Level
    reference: Level
    rows: pd.DataFrame
    first: int | None
    second: Sequence[int]

    @property
    def is_reference(self) -> bool:
        """Whether there is nothing to compare."""
        return self.level == self.reference

    @property
    def arm(self) -> pd.DataFrame:
        """The rows of the level; not kept, since all levels' together are many times the rows."""
        return self._of(self.level)

    @property
    def against(self) -> pd.DataFrame:
        """The rows of the reference; those of the level where it is the reference itself."""
        return self._of(self.reference)

    def _of(self, level: Level) -> pd.DataFrame:
        return self.rows[self.rows[f"{HP}{self.factor}"] == level]

    @cached_property
    def grid(self) -> Grid:
        """Both arms on all seeds that they share."""
        return grid_of(self.arm, self.against, f"{HP}{self.factor}", self.judged)

    @property
    def stages(self) -> list[NDArray[np.int64]]:
        """The seeds of the first look, and of the second where all that it asked for are there."""
        seeds = self.grid.seeds
        if self.first is None:
            return [seeds]
        further = seeds[np.isin(seeds, self.second)]
        whole = len(self.second) > 0 and len(further) == len(self.second)
        return [seeds[seeds < self.first], *([further] if whole else [])]

    @cached_property
    def mechanism(self) -> str:
        """What changed inside the trainings: `suite.mechanism`."""
        return mechanism(self.arm, self.against)

    @cached_property
    def whole(self) -> Grid:
        """Both arms on the seeds of all looks."""
        return self.grid.on(np.concatenate(self.stages))


def ordered_levels(rows: pd.DataFrame, factor: str, order: Sequence[Level] = ()) -> list[Level]:
    """The levels of a factor that were trained: as the study orders them, others behind."""
    place = {level: i for i, level in enumerate(order)}
    known: list[Level] = rows[f"{HP}{factor}"].dropna().unique().tolist()
    return sorted(known, key=lambda level: place.get(level, len(place)))


def held_levels(
    rows: pd.DataFrame, judged: Judged, scale: Scale, factors: Mapping[str, Sequence[Level]]
) -> Iterator[Held]:
    """Every level of every factor, factor by factor, the reference first.

    Args:
        rows: of one task, as `suite.summary.of_task` gives them.
        factors: the factors to compare, with the order of their levels.
    """
    for factor, order in factors.items():
        known = ordered_levels(rows, factor, order)
        for level in known:
            second = scale.second
            yield Held(
                judged,
                factor,
                level,
                known[0],
                rows,
                first=second.first if second else None,
                second=second.seeds(judged.task, factor, level) if second else (),
            )
