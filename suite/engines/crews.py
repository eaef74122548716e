"""How the members of a family are laid out over devices, seeds and configs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from suite.engines.program import Shape
from suite.families import Crew, Member

Place = tuple[int, int, int]

SLACK = 0.2
"""Share of the places that may be empty for the sake of more members beside each other."""


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
    a lane holds several seeds. Configs of one seed share batches, so as many of them stand side by
    side as leave no more than `SLACK` of the places empty that another shape would not.
    """
    counts = [len(same) for same in _by_seed(members)]
    per_lane = -(-len(members) // lanes)
    most = even(max(counts), min(width, max(per_lane, 1)))
    shapes = [_shape(counts, lanes, width, configs) for configs in range(most, 0, -1)]
    places = [_places(counts, shape) for shape in shapes]
    enough = (1 + SLACK) * min(places)
    return next(s for s, taken in zip(shapes, places, strict=True) if taken <= enough)


def small_of(shape: Shape, members: int) -> Shape:
    """A shape of at most `members` a lane, for trials that are spread over seeds as in `shape`."""
    places = min(members, shape.seeds * shape.configs)
    configs = min(shape.configs, places) if shape.seeds > 1 else places
    return Shape(shape.lanes, places // configs, configs)


def _shape(counts: Sequence[int], lanes: int, width: int, configs: int) -> Shape:
    groups = sum(-(-count // configs) for count in counts)
    return Shape(lanes, even(-(-groups // lanes), max(1, width // configs)), configs)


def _places(counts: Sequence[int], shape: Shape) -> int:
    """How many places the crews of that shape have that hold `counts` members of each seed."""
    groups = sum(-(-count // shape.configs) for count in counts)
    return -(-groups // (shape.lanes * shape.seeds)) * shape.members


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
