"""Two arms of a matrix as arrays: cell i of one faces cell i of the other, on the same seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suite.frame import recipe_columns
from suite.stats.arms import Arm, Duel
from suite.summary import Judged

Floats = NDArray[np.float64]
Places = NDArray[np.int64]


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
        if kept.all():
            return self
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
    ours = sorted({*recipe_columns(one), *recipe_columns(two)} - {column})
    named = _cells(one, two, ours)
    cells = np.intersect1d(*named)
    seeds = np.intersect1d(one["seed"], two["seed"])
    tables = [
        [_table(own, figure, at, cells, seeds) for figure in (_loss(own, judged), own["test"])]
        for own, at in zip((one, two), named, strict=True)
    ]
    whole = ~np.isnan([scores for _, scores in tables]).any(axis=(0, 1))
    duel = Duel(*(Arm(loss[:, whole], score[:, whole]) for loss, score in tables))
    recipes = [_recipes(own, at, cells) for own, at in zip((one, two), named, strict=True)]
    return Grid(duel, seeds[whole].astype(np.int64), (recipes[0], recipes[1]))


def arm_of(rows: pd.DataFrame, judged: Judged) -> Arm:
    """An arm alone, on the seeds on which all of its cells were trained; its cells are recipes."""
    at, names = pd.factorize(rows["recipe"])
    cells, seeds = np.arange(len(names)), np.unique(rows["seed"])
    loss, score = (
        _table(rows, figure, at, cells, seeds) for figure in (_loss(rows, judged), rows["test"])
    )
    whole = ~np.isnan(score).any(axis=0)
    return Arm(loss[:, whole], score[:, whole])


def _loss(rows: pd.DataFrame, judged: Judged) -> pd.Series[float]:
    return rows["objective"] if judged.direction == "min" else -rows["objective"]


def _table(
    rows: pd.DataFrame, figure: pd.Series[float], at: Places, cells: Places, seeds: Places
) -> Floats:
    """A figure of each row by its cell and seed, shape (cells, seeds); NaN where none was trained.

    `cells` and `seeds` ascend; a row of another cell or seed is left out.
    """
    table = np.full((len(cells), len(seeds)), np.nan)
    known = np.isin(at, cells) & np.isin(rows["seed"], seeds)
    places = np.searchsorted(cells, at[known]), np.searchsorted(seeds, rows["seed"][known])
    table[places] = figure[known]
    return table


def _recipes(rows: pd.DataFrame, at: Places, cells: Places) -> list[str]:
    """The recipe of each cell."""
    _, first = np.unique(at, return_index=True)
    names = dict(zip(at[first].tolist(), rows["recipe"].iloc[first], strict=True))
    return [names[cell] for cell in cells.tolist()]


def _cells(one: pd.DataFrame, two: pd.DataFrame, columns: Sequence[str]) -> tuple[Places, Places]:
    """The number of each row's cell, in either arm.

    A cell is its levels of all columns, or their places among the arm's own levels.
    """
    arms = [own.drop_duplicates("recipe") for own in (one, two)]
    whole = np.zeros(sum(map(len, arms)), np.int64)
    for column in columns:
        ours, theirs = (set(own[column].dropna()) for own in arms)
        values = [own[column].astype(str) for own in arms]
        if ours != theirs and len(ours) == len(theirs):
            values = [
                own[column].map(
                    {level: str(i) for i, level in enumerate(sorted(levels, key=_order))}
                )
                for own, levels in zip(arms, (ours, theirs), strict=True)
            ]
        numbers, _ = pd.factorize(pd.concat(values), use_na_sentinel=False)
        _, whole = np.unique(np.stack([whole, numbers]), axis=1, return_inverse=True)
    split = np.split(whole, [len(arms[0])])
    found = [
        own["recipe"]
        .map(dict(zip(arm["recipe"], numbers.tolist(), strict=True)))
        .to_numpy(np.int64)
        for own, arm, numbers in zip((one, two), arms, split, strict=True)
    ]
    return found[0], found[1]


def _order(level: object) -> tuple[bool, object]:
    """Numbers by size, then texts."""
    is_text = isinstance(level, str)
    return is_text, level
