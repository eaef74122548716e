"""Arms drawn from recorded trials: identical ones, and ones with an effect that was put there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from suite.contrasts import levels
from suite.held import Scale, held_levels
from suite.summary import Judged, of_task

ARMS = ("a", "b")


@dataclass(frozen=True)
class Pool:
    """The recorded trials of one task: every recipe on every seed."""

    frame: pd.DataFrame
    judged: Judged

    @cached_property
    def by_seed(self) -> Mapping[int, pd.DataFrame]:
        """The rows of each seed."""
        return {int(str(seed)): rows for seed, rows in self.frame.groupby("seed")}

    def drawn(
        self, random: np.random.Generator, factors: int, seeds: int, effect: float
    ) -> pd.DataFrame:
        """Trials of a matrix of factors with levels a and b, which say nothing about the trials.

        Every arm gets recorded seeds of its own, renumbered from 0. `effect` is added to the test
        metric, and taken from the objective, of every trial that has level b of the first factor.
        """
        cells = [*product(ARMS, repeat=factors)]
        picked = random.choice([*self.by_seed], size=(len(cells), seeds), replace=False)
        return pd.concat(
            [
                self._arm(cell, [int(seed) for seed in own], effect if cell[0] == "b" else 0.0)
                for cell, own in zip(cells, picked, strict=True)
            ],
            ignore_index=True,
        )

    def _arm(self, cell: Sequence[str], seeds: Sequence[int], effect: float) -> pd.DataFrame:
        rows = pd.concat([self.by_seed[seed].assign(seed=i) for i, seed in enumerate(seeds)])
        names = {f"hp.technique_{i}": level for i, level in enumerate(cell)}
        sign = 1.0 if self.judged.direction == "min" else -1.0
        test, objective = f"test.{self.judged.metric}", f"val.{self.judged.objective}"
        return rows.assign(
            **names,
            **{test: rows[test] + effect, objective: rows[objective] - sign * effect},
            trial=[f"{'-'.join(cell)}-{i}" for i in range(len(rows))],
        )


def compared(pool: Pool, frame: pd.DataFrame, scale: Scale) -> pd.DataFrame:
    """What the suite says of drawn trials: the compared levels, in both views."""
    rows = of_task(frame, pool.judged)
    names = [c.removeprefix("hp.") for c in frame.columns if c.startswith("hp.technique_")]
    held = [*held_levels(rows, pool.judged, scale, dict.fromkeys(names, ARMS))]
    table = levels(held, scale)
    return table[table["verdict"] != ""]


@dataclass(frozen=True)
class Draw:
    """One draw, judged.

    Attributes:
        found: the rows of `compared`.
        effect: what had been put there, in the first factor.
    """

    found: pd.DataFrame
    effect: float

    def of(self, view: str) -> list[dict[str, Any]]:
        """The comparisons of one view."""
        return [dict(row) for row in self.found[self.found["view"] == view].to_dict("records")]
