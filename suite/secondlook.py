"""A second look at a study: which comparisons were to get how many more seeds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from suite.study import level_name
from suite.trial import Level

SECOND_LOOK = "second_look"
"""The key of `run.json`."""


@dataclass(frozen=True)
class SecondLook:
    """What was planned after the first look.

    Attributes:
        first: seeds of the first look, 0 to `first` - 1; further seeds belong to the second.
        planned: (task, factor, level's name) -> number of further seeds.
    """

    first: int
    planned: Mapping[tuple[str, str, str], int]

    def seeds(self, task: str, factor: str, level: Level) -> range:
        """The further seeds of one comparison; none where it had been settled."""
        more = self.planned.get((task, factor, level_name(level)), 0)
        return range(self.first, self.first + more)

    def content(self) -> dict[str, Any]:
        """For `run.json`."""
        planned = [
            {"task": task, "factor": factor, "level": level, "seeds": seeds}
            for (task, factor, level), seeds in self.planned.items()
        ]
        return {"first": self.first, "planned": planned}


def second_look_of(run: Mapping[str, Any]) -> SecondLook | None:
    """The second look that a `run.json` tells of; None where there was one look."""
    found = run.get(SECOND_LOOK)
    if not found:
        return None
    planned = {(p["task"], p["factor"], p["level"]): int(p["seeds"]) for p in found["planned"]}
    return SecondLook(int(found["first"]), planned)
