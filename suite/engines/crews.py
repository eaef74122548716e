"""How the members of a family are laid out over devices, seeds and configs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from suite.engines.program import Shape
from suite.families import Crew, Member


@dataclass(frozen=True)
class Muster:
    """A crew, its shape, and which of its places hold a member for the first time.

    Places left over are filled with repeated members, whose results are ignored.
    """

    crew: Crew
    shape: Shape
    counted: Sequence[tuple[tuple[int, int, int], Member]]


def even(count: int, width: int) -> int:
    """The size of equal groups, at most `width`, that `count` things fall into.

    >>> even(100, 32)
    25
    """
    groups = -(-count // width)
    return -(-count // groups)


def musters(members: Sequence[Member], lanes: int, width: int) -> list[Muster]:
    """Lay out `members` in crews of at most `lanes` x `width`, all of one shape.

    Where a seed has `width` members or more, a lane holds members of one seed; where it has fewer,
    a lane holds several seeds.
    """
    seeds: dict[int, list[Member]] = {}
    for member in members:
        seeds.setdefault(member.trial.seed, []).append(member)
    most = max(len(same) for same in seeds.values())
    per_lane = -(-len(members) // lanes)
    configs = even(most, min(width, max(per_lane, 1)))
    groups = [
        same[start : start + configs]
        for same in seeds.values()
        for start in range(0, len(same), configs)
    ]
    stacked = even(-(-len(groups) // lanes), max(1, width // configs))
    shape = Shape(lanes, stacked, configs)
    size = lanes * stacked
    return [_muster(groups[i : i + size], shape) for i in range(0, len(groups), size)]


def _muster(groups: Sequence[Sequence[Member]], shape: Shape) -> Muster:
    counted = []
    crew: list[list[list[Member]]] = [[] for _ in range(shape.lanes)]
    for i in range(shape.lanes * shape.seeds):
        lane = i % shape.lanes  # the first groups go to different devices
        group = groups[i] if i < len(groups) else groups[0]
        places = [group[j] if j < len(group) else group[0] for j in range(shape.configs)]
        if i < len(groups):
            counted += [((lane, len(crew[lane]), j), member) for j, member in enumerate(group)]
        crew[lane].append(places)
    return Muster(crew, shape, counted)
