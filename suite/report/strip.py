"""The small picture of paired differences that goes with every comparison.

There are two for each comparison, a hundred and more in a page; matplotlib would take seconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

WIDTH, HEIGHT = 320, 74
EDGE = 12
ROWS = (15, 23, 31)
"""Heights of the dots: neighbours in the order of seeds do not cover each other."""
BELOW = 46
"""Height of the mean with its interval."""


def strip(row: Mapping[Any, Any], differences: Mapping[int, float], label: str) -> Markup:
    """A dot a pair over the mean with its interval; the region of equivalence is shaded.

    Args:
        row: of the comparison.
        differences: by seed.
        label: what a screen reader says.
    """
    rope = float(row["rope"])
    ends = [row["low"], row["high"], row["effect"], rope, *differences.values()]
    reach = 1.06 * max(abs(end) for end in [*ends, 1e-9] if math.isfinite(end))

    def x(value: float) -> str:
        inner = WIDTH / 2 - EDGE
        return f"{WIDTH / 2 + inner * value / reach:.1f}"

    parts = [
        Markup('<rect class="rope" x="{}" y="4" width="{:.1f}" height="50"/>').format(
            x(-rope), 2 * (WIDTH / 2 - EDGE) * rope / reach
        ),
        Markup('<path class="zero" d="M{0} 4V54"/>').format(x(0)),
        *(_dot(x(value), i, seed, value) for i, (seed, value) in enumerate(differences.items())),
        *_mean(row, x),
        *_scale(reach, x),
    ]
    whole = Markup('<svg class="strip" viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>')
    return whole.format(WIDTH, HEIGHT, label, Markup("").join(parts))


def _dot(x: str, i: int, seed: int, value: float) -> Markup:
    dot = Markup('<circle class="pair" cx="{}" cy="{}" r="3.4"><title>{}</title></circle>')
    return dot.format(x, ROWS[i % len(ROWS)], f"seed {seed}: {value:+.4f}")


def _mean(row: Mapping[Any, Any], x: Any) -> Sequence[Markup]:
    parts = []
    if math.isfinite(row["low"]):
        line = Markup('<path class="interval" d="M{} {}H{}"/>')
        parts.append(line.format(x(row["low"]), BELOW, x(row["high"])))
    if math.isfinite(row["effect"]):
        dot = Markup('<circle class="mean {}" cx="{}" cy="{}" r="5"/>')
        parts.append(dot.format(row["verdict"], x(row["effect"]), BELOW))
    return parts


def _scale(reach: float, x: Any) -> Sequence[Markup]:
    """0 and a round number at either side."""
    power = 10.0 ** math.floor(math.log10(reach))
    tick = max(power * n for n in (1, 2, 5) if power * n <= reach)
    words = Markup('<text x="{}" y="69" text-anchor="middle">{}</text>')
    return [words.format(x(v), f"{v:+g}" if v else "0") for v in (-tick, 0.0, tick)]
