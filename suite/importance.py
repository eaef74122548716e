"""Which factors matter on a task, alone and in pairs: the variance over the matrix, divided up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suite.frame import HP, factor_columns
from suite.stats.variance import Share, decomposition, forest_importance

Floats = NDArray[np.float64]
ANOVA = "anova"
FANOVA = "fanova"
SCORE, SEED = "(score)", "(seed)"  # no names of factors


def importance(rows: pd.DataFrame, nested: Mapping[str, str]) -> pd.DataFrame:
    """Shares of the variance of the test metric; one row a factor, and one a pair of factors.

    Columns: `task`, `source` (`dropout`, or `dropout x l2`), `order` (1 or 2), `share`, `low`,
    `high`, `method`: "anova" is the exact decomposition of a balanced matrix, with a bootstrap
    interval over seeds; "fanova" stands in where cells are missing (main effects alone, with the
    spread over forests).

    Args:
        rows: of one task of a matrix, as `suite.summary.of_task` gives them. A search's trials are
            no matrix: they crowd where the metric is good.
        nested: factors whose levels depend on another factor's, as a learning rate's on the
            optimizer's; their levels are compared by their places.
    """
    design = _design(rows, nested)
    if design.empty or rows["test"].nunique() < 2:
        return pd.DataFrame(columns=["task", "source", "order", "share", "low", "high", "method"])
    cells = _balanced(design, rows)
    method = FANOVA if cells is None else ANOVA
    shares = (
        forest_importance(design, rows["test"].to_numpy(float))
        if cells is None
        else decomposition(cells, [str(name) for name in design])
    )
    task = rows["task"].iloc[0]
    return pd.DataFrame([_row(share, task, method) for share in shares])


def _row(share: Share, task: str, method: str) -> dict[str, object]:
    return {
        "task": task,
        "source": " x ".join(share.factors),
        "order": len(share.factors),
        "share": share.share,
        "low": share.low,
        "high": share.high,
        "method": method,
    }


def _design(rows: pd.DataFrame, nested: Mapping[str, str]) -> pd.DataFrame:
    """One column a factor that varies, a nested one's levels by their places."""
    columns = factor_columns(rows)
    design = {column.removeprefix(HP): rows[column] for column in columns}
    for name, by in nested.items():
        if name in design and by in design:
            design[name] = design[name].groupby(design[by]).rank(method="dense")
    frame = pd.DataFrame(design)
    return frame[[name for name in frame if frame[name].nunique() > 1]]


def _balanced(design: pd.DataFrame, rows: pd.DataFrame) -> Floats | None:
    """The test metric with an axis a factor and seeds last; None where cells are missing."""
    figures = design.assign(**{SCORE: rows["test"], SEED: rows["seed"]})
    table = figures.pivot_table(SCORE, [str(name) for name in design], SEED, sort=True)
    table = table.dropna(axis=1)
    sizes = [design[name].nunique() for name in design]
    if len(table) != int(np.prod(sizes)) or not table.shape[1]:
        return None
    cells: Floats = table.to_numpy(float).reshape(*sizes, -1)
    return cells


def interaction(rows: pd.DataFrame, factors: Sequence[str]) -> pd.DataFrame:
    """Mean test metric by the levels of two factors: index the first, columns the second."""
    one, two = (f"{HP}{name}" for name in factors)
    return rows.pivot_table("test", one, two, sort=False)
