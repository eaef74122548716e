"""Figures, levels and recipes as people write them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from suite.frame import HP

SHORT = {
    "initializer": "",
    "optimizer": "",
    "activation": "",
    "learning_rate": "lr ",
    "dropout": "dropout ",
    "l1": "L1 ",
    "l2": "L2 ",
    "batch_size": "batch ",
    "clipnorm": "clip ",
}
"""What a level is preceded by in a recipe; a factor that is not here, by its name."""


def number(value: float, digits: int = 3) -> str:
    """A figure for reading; a dash where there is none.

    >>> number(0.12345), number(float("nan"))
    ('0.123', '-')
    """
    if not math.isfinite(value):
        return "-"
    return f"{value:.{digits}f}" if abs(value) < 10 else f"{value:.{digits}g}"


def size_text(value: float) -> str:
    """A norm or a ratio of any size for reading, three digits or two and a power of ten.

    >>> size_text(0.05264), size_text(0.0000164), size_text(float("nan"))
    ('0.0526', '1.6e-05', '-')
    """
    if not math.isfinite(value):
        return "-"
    value = float(f"{value:.3g}")
    return f"{value:.3g}" if 0.001 <= abs(value) < 1000 or not value else f"{value:.1e}"


def p_text(value: float) -> str:
    """A p-value for reading.

    >>> p_text(0.0316), p_text(0.00002), p_text(float("nan"))
    ('0.032', '<.001', '-')
    """
    return "<.001" if value < 0.0005 else number(value)


def level_text(level: Any) -> str:
    """A level as a person writes it.

    >>> level_text(True), level_text(0.0001), level_text("adam")
    ('on', '0.0001', 'adam')
    """
    if isinstance(level, bool) or str(level) in ("True", "False"):
        return "on" if str(level) == "True" else "off"
    return f"{level:g}" if isinstance(level, int | float) else str(level)


def setting_text(factor: str, level: Any) -> str:
    """A level of a factor as a person writes it; the batch size 0 is all rows.

    >>> setting_text("batch_size", 0), setting_text("dropout", 0.0)
    ('all rows', '0')
    """
    everything = factor == "batch_size" and str(level) == "0"
    return "all rows" if everything else level_text(level)


def recipe_text(recipe: Mapping[str, Any]) -> str:
    """A recipe in one line; techniques that are off are left out.

    >>> recipe_text({"hp.initializer": "he_normal", "hp.dropout": 0.0, "hp.batch_norm": True})
    'he_normal, batch_norm'
    """
    words = []
    named = {column.removeprefix(HP): level_text(level) for column, level in recipe.items()}
    for name in sorted(named, key=lambda name: name not in SHORT):  # the task's own come last
        if named[name] not in ("off", "0", "nan"):
            prefix = SHORT.get(name, f"{name} ")
            words.append(name if named[name] == "on" else f"{prefix}{named[name]}")
    return ", ".join(words) or "plain"


def seeds_text(count: int) -> str:
    """A number of seeds in words.

    >>> seeds_text(1), seeds_text(4)
    ('1 seed', '4 seeds')
    """
    return f"{count} seed" if count == 1 else f"{count} seeds"


def effect_text(row: Mapping[Any, Any]) -> str:
    """An effect with its interval, `+0.012 [0.008, 0.017]`; empty where there is none."""
    if not math.isfinite(row["effect"]):
        return ""
    return f"{row['effect']:+.3f} [{number(row['low'])}, {number(row['high'])}]"
