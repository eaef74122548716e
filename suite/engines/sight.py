"""From what the probe saw of a template's variables to the health of one member's own layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from suite.anatomy import Part, Site
from suite.health import Health, grid
from suite.weights import Padded, Start

Array = NDArray[Any]
PREFIX = "probe/"
"""How the names of what the probe saw begin, beside the logs of the same epochs."""
NORMS = ("gradient", "weight", "update")
ACTIVITY = ("dead", "saturated")


def flat(seen: Mapping[str, Any]) -> dict[str, Any]:
    """What a probe returns, under one name an array: norms by variable, activity site by site."""
    found = {f"{PREFIX}{name}": seen[name] for name in NORMS}
    for name in ACTIVITY:
        found |= {f"{PREFIX}{name}/{i}": array for i, array in enumerate(seen[name])}
    return found


@dataclass(frozen=True)
class Sight:
    """Which variable and which site of a model the columns of `flat` are about.

    Attributes:
        variables: position of each trained variable in `model.weights`.
        sites: position of each site's kernel there, and the name of its activation.
    """

    variables: Sequence[int]
    sites: Sequence[tuple[int, str]]

    def health(
        self,
        parts: Sequence[Part],
        curves: Mapping[str, Array],
        order: Sequence[int | None] = (),
        starts: Sequence[Start] = (),
    ) -> Health | None:
        """The health of a model with these parts; None where it was not probed.

        Args:
            parts: the layers of the member's own model.
            curves: by name as in `flat`, shape (epochs, ...); others may be among them.
            order: for each weight of a hull, which one of the member's own model it is.
            starts: of the hull's weights: they tell which units are the member's.
        """
        if f"{PREFIX}gradient" not in curves:
            return None
        own = [*order] if order else [*range(1 + max(self.variables, default=0))]
        column = {own[position]: i for i, position in enumerate(self.variables)}
        site = {(own[position], name): i for i, (position, name) in enumerate(self.sites)}
        unit = {own[position]: _units(starts, position) for position, _ in self.sites}
        whole = {name: np.asarray(curves[f"{PREFIX}{name}"], float) for name in NORMS}
        sizes = {
            name: [
                np.sqrt(squares[:, [column[w] for w in part.weights]].sum(axis=1)) for part in parts
            ]
            for name, squares in whole.items()
        }
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = [s / w for s, w in zip(sizes["update"], sizes["weight"], strict=True)]
        nothing = np.full(len(whole["gradient"]), np.nan)
        active = {
            name: [
                curves[f"{PREFIX}{name}/{site[part.kernel, part.activation]}"][
                    :, unit[part.kernel]
                ].mean(axis=1)
                if (part.kernel, part.activation) in site
                else nothing
                for part in parts
            ]
            for name in ACTIVITY
        }
        return Health(
            tuple(part.name for part in parts),
            *map(grid, (sizes["gradient"], sizes["weight"], ratios, *active.values())),
        )


def _units(starts: Sequence[Start], position: int) -> Any:
    """Which units of a layer are the member's: those that its kernel has columns for."""
    start = starts[position] if starts else None
    padded = isinstance(start, Padded) and start.start is not None
    return start.index[-1] if padded and isinstance(start, Padded) else slice(None)


def sight_of(model: keras.Model, sites: Sequence[Site]) -> Sight:
    """The sight of a built model."""
    position = {id(v): i for i, v in enumerate(model.weights)}
    return Sight(
        [position[id(v)] for v in model.trainable_variables],
        [(site.kernel, site.activation) for site in sites],
    )
