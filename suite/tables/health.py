"""What the layers of a task's models looked like in the last epoch, by level of each factor."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from suite.tables.table import Table
from suite.tables.text import level_text, size_text

NOTE = (
    "The last epoch of each trial, on a batch of train. gradient: norm of the loss's gradient at a "
    "layer's weights; update: norm of the optimizer's next step over that of the weights; both "
    "geometric means over trials. A gradient that is smaller by powers of ten in the layers next "
    "to the input vanishes on its way there; a larger one explodes. dead: share of units that put "
    "out the same for every row. saturated: share of outputs on a flat part of the activation."
)


def health_table(health: pd.DataFrame) -> Table:
    """One row a factor, level and layer, of one task or of several.

    Args:
        health: `suite.flow.health_by_level`, one below the other.
    """
    several = health["task"].nunique() > 1
    shown, last = [], None
    for row in health.to_dict("records"):
        factor = f"{row['task']}: {row['factor']}" if several else str(row["factor"])
        if factor != last:
            last = factor
            shown.append([factor, *[""] * 6])
        shown.append(_cells(row))
    return Table(
        "health",
        "health: gradients and units by level and layer",
        health,
        ["factor", "layer", "gradient", "update", "dead", "saturated", "trials"],
        shown,
        NOTE,
        detail=True,
    )


def _cells(row: Mapping[Any, Any]) -> list[str]:
    sizes = (size_text(row[name]) for name in ("gradient", "update"))
    shares = (_share(row[name]) for name in ("dead", "saturated"))
    return [f" {level_text(row['level'])}", row["layer"], *sizes, *shares, str(row["trials"])]


def _share(value: float) -> str:
    return f"{value:.1%}" if math.isfinite(value) else "-"
