"""The points of a KerasTuner space: levels of a hyperparameter, cells of a space, random draws.

A *cell* is one choice of a level for every active hyperparameter. Cells are numbered and made one
by one from their numbers, so that a space of billions costs no more than what is asked of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import keras_tuner

from suite.trial import Level

Values = dict[str, Level]
Point = frozenset[tuple[str, Level]]
"""The values of a trial as a set: equal where the values are, in whatever order."""

OWN = "tuner/"
"""What KerasTuner's own entries among the values begin with (Hyperband's epochs and parents)."""
KINDS = keras_tuner.engine.hyperparameters


def own_values(values: Mapping[str, Level]) -> Values:
    """The values without KerasTuner's own entries."""
    return {name: value for name, value in values.items() if not name.startswith(OWN)}


def point(values: Mapping[str, Level]) -> Point:
    """The values as a set, without KerasTuner's own entries."""
    return frozenset(own_values(values).items())


def is_active(declaration: Any, values: Mapping[str, Level]) -> bool:
    """Whether the values meet every condition under which the hyperparameter was declared."""
    return all(condition.is_active(values) for condition in declaration.conditions)


def assemble(space: Sequence[Any], level_of: Callable[[Any], Level]) -> Values:
    """One point: the level that `level_of` gives for every declaration that the earlier ones admit.

    Of two active declarations of one name the first counts, as it does for a `build`.
    """
    values: Values = {}
    for declaration in space:
        if declaration.name not in values and is_active(declaration, values):
            values[declaration.name] = level_of(declaration)
    return values


def active(space: Sequence[Any], values: Mapping[str, Level]) -> Iterator[Any]:
    """The declarations that the values belong to: the first active one of each name that has one.

    The values of a whole trial are needed: a condition is looked up among them.
    """
    seen: set[str] = set()
    for declaration in space:
        name = declaration.name
        if name in values and name not in seen and is_active(declaration, values):
            seen.add(name)
            yield declaration


def completed(space: Sequence[Any], values: Mapping[str, Level]) -> Values:
    """The active values of the space; the default where there is none.

    A trial has none for what was declared only after it had run: it was built on the default.
    """
    return assemble(space, lambda own: values.get(own.name, own.default))


class Steps(Sequence[Level]):
    """The levels of a number with a step, made one at a time, exactly as KerasTuner makes them."""

    def __init__(self, declaration: Any) -> None:
        self.declaration = declaration
        self.size = int(declaration._get_n_values())

    def __len__(self) -> int:
        return self.size

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(self.size))]
        at = range(self.size)[index]
        return self.declaration.prob_to_value((at + 0.5) / self.size)  # the middle of its share

    def nearest(self, value: float) -> int:
        """The index of the level nearest to the value."""
        guess: int = round(self.declaration.value_to_prob(value) * self.size - 0.5)
        near = [min(max(guess + by, 0), self.size - 1) for by in (-1, 0, 1)]
        return min(near, key=lambda at: float(abs(self[at] - value)))


def spaced(declaration: Any, points: int) -> list[Level]:
    """At most `points` levels from end to end, evenly spaced in the number's own sampling."""
    low, high = declaration.min_value, declaration.max_value
    shares = [at / (points - 1) for at in range(1, points - 1)]
    inner = [declaration._sample_numerical_value(share) for share in shares]
    if isinstance(declaration, KINDS.Int):
        inner = [round(value) for value in inner]
    bounded = [min(max(value, low), high) for value in inner]
    return list(dict.fromkeys([low, *bounded, high]))


def _thinned(levels: Sequence[Level], points: int) -> list[Level]:
    last = len(levels) - 1
    return [levels[round(at * last / (points - 1))] for at in range(points)]


def _too_many(levels: Sequence[Level], points: int, most: int | None) -> bool:
    return most is not None and len(levels) > max(most, points)


def levels(declaration: Any, points: int, most: int | None = None) -> Sequence[Level]:
    """The levels of one hyperparameter, in the order of its declaration, no level twice.

    A continuous one has `points` of them (two at least), and so has a number with more than `most`
    values.
    """
    if isinstance(declaration, KINDS.Boolean):
        return (False, True)
    if isinstance(declaration, KINDS.Choice | KINDS.Fixed):
        return tuple(dict.fromkeys(declaration.values))
    if declaration.step is not None:
        steps = Steps(declaration)
        return _thinned(steps, points) if _too_many(steps, points, most) else steps
    if isinstance(declaration, KINDS.Int):
        whole = range(declaration.min_value, declaration.max_value + 1)
        return spaced(declaration, points) if _too_many(whole, points, most) else whole
    return spaced(declaration, points)


class Cells:
    """All cells of a space, numbered from 0, the first hyperparameter slowest.

    Attributes:
        count: how many there are; may be larger than `len` could say.
    """

    def __init__(self, space: Sequence[Any], points: int, most: int | None = None) -> None:
        self._space = list(space)
        self._levels = [levels(declaration, points, most) for declaration in space]
        self._asked = [self._names_asked_from(at) for at in range(len(space) + 1)]
        self._counted: dict[tuple[int, Point], int] = {}
        self.count = self._below(0, {})

    def _names_asked_from(self, at: int) -> set[str]:
        """Names whose values decide what follows: those in conditions, those declared again."""
        later = self._space[at:]
        conditions = {condition.name for own in later for condition in own.conditions}
        return conditions | {own.name for own in later}

    def _is_open(self, at: int, values: Mapping[str, Level]) -> bool:
        own = self._space[at]
        return own.name not in values and is_active(own, values)

    def _below(self, at: int, values: Values) -> int:
        """How many cells there are once the declarations before `at` have these values."""
        if at == len(self._space):
            return 1
        decisive = ((n, value) for n, value in values.items() if n in self._asked[at])
        key = (at, frozenset(decisive))
        if key not in self._counted:
            self._counted[key] = sum(times * n for _, times, n in self._branches(at, values))
        return self._counted[key]

    def _branches(self, at: int, values: Values) -> Iterator[tuple[Sequence[Any], int, int]]:
        """(levels, how many, cells below each) of declaration `at`, alike levels together."""
        if not self._is_open(at, values):
            yield (), 1, self._below(at + 1, values)
            return
        name, own = self._space[at].name, self._levels[at]
        if name not in self._asked[at + 1]:
            yield own, len(own), self._below(at + 1, values)
            return
        for level in own:
            yield (level,), 1, self._below(at + 1, {**values, name: level})

    def cell(self, number: int) -> Values:
        """The values of one cell."""
        rest = range(self.count)[number]
        values: Values = {}
        for at, declaration in enumerate(self._space):
            for own, times, below in self._branches(at, values):
                if rest < times * below:
                    if own:
                        values[declaration.name] = own[rest // below]
                    rest %= below
                    break
                rest -= times * below
        return values

    def __iter__(self) -> Iterator[Values]:
        number = 0
        while number < self.count:
            yield self.cell(number)
            number += 1
