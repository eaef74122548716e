"""How the members of a family are laid out over devices, seeds and configs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from suite.engines.program import Shape
from suite.families import Crew, Member

Place = tuple[int, int, int]


@dataclass(frozen=True)
class Muster:
    """A crew, its shape, and which of its places hold a member for the first time.

    Places left over are filled with repeated members, whose results are ignored.
    """

    crew: Crew
    shape: Shape
    counted: Sequence[tuple[Place, Member]]


def even(count: int, width: int) -> int:
    """The size of equal groups, at most `width`, that `count` things fall into.

    >>> even(100, 32)
    25
    """
    groups = -(-count // width)
    return -(-count // groups)


def shape_for(members: Sequence[Member], lanes: int, width: int) -> Shape:
    """A shape of at most `lanes` x `width` that holds `members` in equal crews.

    Where a seed has `width` members or more, a lane holds members of one seed; where it has fewer,
    a lane holds several seeds.
    """
    counts = [len(same) for same in _by_seed(members)]
    per_lane = -(-len(members) // lanes)
    configs = even(max(counts), min(width, max(per_lane, 1)))
    groups = sum(-(-count // configs) for count in counts)
    return Shape(lanes, even(-(-groups // lanes), max(1, width // configs)), configs)


def musters(members: Sequence[Member], shape: Shape) -> list[Muster]:
    """Lay out `members` in crews of that shape."""
    groups = [
        same[start : start + shape.configs]
        for same in _by_seed(members)
        for start in range(0, len(same), shape.configs)
    ]
    size = shape.lanes * shape.seeds
    return [_muster(groups[i : i + size], shape) for i in range(0, len(groups), size)]


def _by_seed(members: Sequence[Member]) -> list[list[Member]]:
    seeds: dict[int, list[Member]] = {}
    for member in members:
        seeds.setdefault(member.trial.seed, []).append(member)
    return list(seeds.values())


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
