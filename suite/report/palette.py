"""Colours by role, light and dark: the one place that the page and the figures take them from.

Figures are drawn in the light colours; in the page each of them becomes a variable, `var(--ink)`,
so that no two roles may share a light colour. Blue and orange for good and bad, and the order of
the series, are told apart by people of every kind of colour blindness; nothing is said by colour
alone.
"""

from __future__ import annotations

from collections.abc import Mapping

ROLES: Mapping[str, tuple[str, str]] = {
    "page": ("#f5f6f7", "#111417"),
    "card": ("#ffffff", "#191d21"),
    "ink": ("#1b2026", "#e6e9ec"),
    "muted": ("#5b646e", "#a2abb4"),
    "line": ("#d5dade", "#363d44"),
    "grid": ("#e8ebee", "#272d33"),
    "rope": ("#eceff2", "#262c33"),
    "accent": ("#17609f", "#7dbdf7"),
    "helps": ("#0f68ad", "#6cb4f4"),
    "hurts": ("#b5460f", "#f2985d"),
    "equivalent": ("#57606a", "#aab3bc"),
    "underpowered": ("#8a939c", "#79838d"),
    "series-1": ("#1a6fbf", "#6ab0f5"),
    "series-2": ("#c4530b", "#f29a5f"),
    "series-3": ("#00795a", "#43c29b"),
    "series-4": ("#8a4aa6", "#cba0e4"),
    "series-5": ("#866700", "#d6b544"),
    "series-6": ("#b0305c", "#f08aac"),
    "series-7": ("#3f4a56", "#b4bec8"),
    "seq-0": ("#e6f0fa", "#1b2b3c"),
    "seq-1": ("#c9dff3", "#23405c"),
    "seq-2": ("#9fc6e8", "#2c577f"),
    "seq-3": ("#6ba6d8", "#3a74a6"),
    "seq-4": ("#3d84c1", "#5896c9"),
    "seq-5": ("#1d62a3", "#86b8e2"),
    "seq-6": ("#0c4379", "#bcdcf7"),
    "on-low": ("#10202f", "#f2f6fa"),
    "on-high": ("#fefefe", "#0b1520"),
}
"""Role -> its colour on a light and on a dark page."""

SERIES = tuple(f"series-{i}" for i in range(1, 8))
STEPS = 7
"""Of the ramp `seq-0` (least) to `seq-6` (most)."""
LOW_STEPS = 4
"""Steps that carry text of the colour `on-low`; those above carry `on-high`."""

VARIABLES = {light: f"var(--{role})" for role, (light, _) in ROLES.items()}


def colour(role: str) -> str:
    """The light colour of a role, `#rrggbb`."""
    return ROLES[role][0]


def step_of(share: float) -> int:
    """The step of the ramp for a share from 0 to 1.

    >>> step_of(0.0), step_of(0.5), step_of(1.0)
    (0, 3, 6)
    """
    return min(STEPS - 1, max(0, int(share * STEPS)))


def css_variables(dark: bool) -> str:
    """The declarations of all roles."""
    return "".join(f"--{role}:{pair[dark]};" for role, pair in ROLES.items())
