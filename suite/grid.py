"""Two arms of a matrix as arrays: cell i of one faces cell i of the other, on the same seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suite.frame import recipe_columns
from suite.stats.arms import Arm, Duel
from suite.summary import Judged

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Grid:
    """The cells of two arms that face each other, on the seeds that all of them were trained on.

    Attributes:
        duel: the arms.
        seeds: shape (seeds,), ascending.
        recipes: of each cell, in either arm.
    """

    duel: Duel
    seeds: NDArray[np.int64]
    recipes: tuple[Sequence[str], Sequence[str]]

    def on(self, seeds: NDArray[np.int64]) -> Grid:
        """The same cells on some of the seeds."""
        kept = np.isin(self.seeds, seeds)
        arms = [Arm(a.loss[:, kept], a.score[:, kept]) for a in (self.duel.a, self.duel.b)]
        return replace(self, duel=Duel(*arms), seeds=self.seeds[kept])

    @property
    def chosen(self) -> tuple[str, str]:
        """The recipes that are best on validation, one an arm."""
        one, two = self.recipes
        return one[self.duel.a.chosen], two[self.duel.b.chosen]


def grid_of(one: pd.DataFrame, two: pd.DataFrame, column: str, judged: Judged) -> Grid:
    """Two arms of a factor, whose column is `column`, cell facing cell.

    Cells face each other that agree in all other columns. Where a column's levels differ with the
    arm (SGD's learning rates and Adam's), the lowest faces the lowest, and so on. A cell that has
    no counterpart, and a seed on which a cell is missing (it failed, or is still to come), is left
    out.

    Args:
        one, two: rows of `suite.summary.of_task` that hold the one and the other level.
    """
    columns = [c for c in recipe_columns(pd.concat([one, two])) if c != column]
    arms = [
        _with_loss(own, judged).assign(cell=_cells(own, other, columns))
        for own, other in ((one, two), (two, one))
    ]
    scores = [_table(arm, "test") for arm in arms]
    cells = scores[0].index.intersection(scores[1].index, sort=False)
    both = pd.concat([table.loc[cells] for table in scores])
    shared = scores[0].columns.intersection(scores[1].columns)
    seeds = np.array(sorted(s for s in shared if both[s].notna().all()), np.int64)
    recipes = [arm.drop_duplicates("cell").set_index("cell").loc[cells, "recipe"] for arm in arms]
    duel = Duel(*(_arm(own, cells, seeds) for own in arms))
    return Grid(duel, seeds, (recipes[0].tolist(), recipes[1].tolist()))


def arm_of(rows: pd.DataFrame, judged: Judged) -> Arm:
    """An arm alone, on the seeds on which all of its cells were trained; its cells are recipes."""
    whole = _with_loss(rows, judged).assign(cell=rows["recipe"])
    scores = _table(whole, "test").dropna(axis=1)
    return _arm(whole, scores.index, scores.columns)


def _with_loss(rows: pd.DataFrame, judged: Judged) -> pd.DataFrame:
    sign = 1.0 if judged.direction == "min" else -1.0
    return rows.assign(loss=sign * rows["objective"])


def _table(arm: pd.DataFrame, figure: str) -> pd.DataFrame:
    """A figure by cell (index) and seed (columns)."""
    return arm.pivot(index="cell", columns="seed", values=figure)


def _arm(arm: pd.DataFrame, cells: Any, seeds: Any) -> Arm:
    figures = (_table(arm, figure).loc[cells, seeds] for figure in ("loss", "test"))
    return Arm(*(figure.to_numpy(float) for figure in figures))


def _cells(own: pd.DataFrame, other: pd.DataFrame, columns: Sequence[str]) -> pd.Series[str]:
    """Each row's cell: its levels of all columns, or their places among the arm's own levels."""
    recipes = own.drop_duplicates("recipe")
    names = pd.Series("", index=recipes.index)
    for column in columns:
        levels, others = (set(rows[column].dropna()) for rows in (own, other))
        values = recipes[column].astype(str)
        if levels != others and len(levels) == len(others):
            places = {level: str(i) for i, level in enumerate(sorted(levels, key=_order))}
            values = recipes[column].map(places)
        names = names + "|" + values
    return own["recipe"].map(dict(zip(recipes["recipe"], names, strict=True)))


def _order(level: object) -> tuple[bool, object]:
    """Numbers by size, then texts."""
    is_text = isinstance(level, str)
    return is_text, level
