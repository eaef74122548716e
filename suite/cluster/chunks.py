"""Chunks: a task's trials, cut so that a worker meets few structures and builds a model once.

Which hyperparameters change a model's structure is found by changing them one at a time in a few
recipes: tens of models, where building every recipe's would keep the driver busy for an hour at a
million trials. A mistake costs compiling, never a wrong number: workers sort trials by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from suite.blueprint import draw_up
from suite.families import by_recipe
from suite.task import Task
from suite.trial import Level, Trial, canonical

Thing = TypeVar("Thing")

BASES = 3
"""Recipes in which every hyperparameter is changed."""

LEVELS = 4
"""Levels at most that a hyperparameter is changed to."""

ROUNDS = 4
"""Chunks that every worker gets of a matrix, at least; a lost worker loses one of them."""

MOST = 256
"""Trials of a chunk at most."""

LEAST = 8
"""Trials of a chunk at least, where there are as many."""

SPAN = 400
"""Trials at most of which a worker makes models ready before its first chunk."""


@dataclass(frozen=True)
class Chunk:
    """Trials that go to a worker together.

    `kind` names their structure, or their structures where several were put together.
    """

    number: int
    kind: str
    trials: Sequence[Trial]


class Kinds:
    """Tells what structure a trial has, as far as it follows from single hyperparameters."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.names: set[str] = set()
        self._tried: set[tuple[str, Level]] = set()

    def learn(self, trials: Sequence[Trial]) -> None:
        """Find the hyperparameters that change the structure, by the levels that `trials` have."""
        recipes = [same[0].hp for same in by_recipe(trials)]
        levels = {name: own for name, own in _levels(recipes).items() if len(own) > 1}
        fresh = {
            name: [v for v in own if (name, v) not in self._tried] for name, own in levels.items()
        }
        if not any(len(own) > 1 for own in fresh.values()):
            return
        for base in {canonical(dict(r)): r for r in spread(recipes, BASES)}.values():
            own = self._structure(base)
            for name in [n for n in levels if n not in self.names and n in base]:
                others = [level for level in levels[name] if level != base[name]]
                if any(self._structure({**base, name: level}) != own for level in others):
                    self.names.add(name)
        self._tried |= {(name, level) for name, own in levels.items() for level in own}

    def of(self, trial: Trial) -> str:
        """The name of a trial's structure."""
        own = {name: trial.hp[name] for name in sorted(self.names) if name in trial.hp}
        return canonical([own, trial.epochs])

    def _structure(self, values: Mapping[str, Level]) -> str:
        try:
            return draw_up(self.task, values, self.task.dataset).structure
        except Exception as error:  # a plugin may raise anything; its trials will say so
            return f"{type(error).__name__}: {error}"


def _levels(recipes: Sequence[Mapping[str, Level]]) -> dict[str, list[Level]]:
    """Name -> some of its levels, the first and the last among them."""
    found: dict[str, dict[Level, None]] = {}
    for recipe in recipes:
        for name, level in recipe.items():
            found.setdefault(name, {})[level] = None
    return {name: spread(_sorted(own), LEVELS) for name, own in found.items()}


def _sorted(levels: Mapping[Level, None]) -> list[Level]:
    return sorted(levels, key=lambda level: (isinstance(level, str), level))


def spread(things: Sequence[Thing], count: int) -> list[Thing]:
    """At most `count` of them at equal distances, the first and the last included."""
    if len(things) <= count:
        return list(things)
    return [things[round(i * (len(things) - 1) / (count - 1))] for i in range(count)]


def size_for(trials: int, workers: int, rounds: int) -> int:
    """How many trials a chunk should have, so that every worker gets `rounds` of them."""
    return max(LEAST, min(MOST, -(-trials // (workers * rounds))))


def cut(trials: Sequence[Trial], kinds: Kinds, size: int) -> list[Chunk]:
    """Chunks of about `size` trials: those of a structure together, all seeds of a recipe together.

    Structures of many trials are cut into equal chunks; those of few share one.
    """
    found: list[tuple[str, list[Trial]]] = []
    shared: list[Trial] = []
    names: list[str] = []
    for kind, groups in _by_kind(trials, kinds, size).items():
        count = sum(map(len, groups))
        if count > size // 2:
            found += [(kind, part) for part in _parts(groups, -(-count // -(-count // size)))]
            continue
        if len(shared) + count > size:
            found.append((canonical(names), shared))
            shared, names = [], []
        shared, names = [*shared, *(t for group in groups for t in group)], [*names, kind]
    if shared:
        found.append((canonical(names), shared))
    return [Chunk(number, kind, own) for number, (kind, own) in enumerate(found)]


def _by_kind(trials: Sequence[Trial], kinds: Kinds, size: int) -> dict[str, list[list[Trial]]]:
    """Kind -> its recipes' trials, those of a recipe in groups of at most `size`."""
    found: dict[str, list[list[Trial]]] = {}
    for same in by_recipe(trials):
        groups = found.setdefault(kinds.of(same[0]), [])
        groups += [same[i : i + size] for i in range(0, len(same), size)]
    return dict(sorted(found.items()))


def _parts(groups: Sequence[Sequence[Trial]], size: int) -> Iterator[list[Trial]]:
    """Groups put together until there are `size` trials."""
    part: list[Trial] = []
    for group in groups:
        if part and len(part) + len(group) > size:
            yield part
            part = []
        part += group
    yield part


def span(trials: Sequence[Trial], kinds: Kinds) -> list[Trial]:
    """Trials of every structure, and in each structure of every level: few stand for all."""
    seen: set[tuple[str, str, Level]] = set()
    chosen: list[Trial] = []
    for same in by_recipe(trials):
        kind = kinds.of(same[0])
        own = {(kind, name, level) for name, level in same[0].hp.items()}
        if own - seen and len(chosen) < SPAN:
            seen |= own
            chosen.append(same[0])
    return chosen


class Waiting:
    """Chunks that wait for a worker, by kind."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self._chunks: dict[str, list[Chunk]] = {}
        for chunk in reversed(chunks):
            self.back(chunk)

    def __len__(self) -> int:
        return sum(map(len, self._chunks.values()))

    def back(self, chunk: Chunk) -> None:
        """Put a chunk back; it is the next one of its kind."""
        self._chunks.setdefault(chunk.kind, []).append(chunk)

    def count(self, kind: str) -> int:
        """Chunks of a kind."""
        return len(self._chunks.get(kind, ()))

    def take(self, kind: str) -> Chunk:
        """The next chunk of a kind."""
        chunk = self._chunks[kind].pop()
        if not self._chunks[kind]:
            del self._chunks[kind]
        return chunk

    def kinds(self) -> list[str]:
        """The kinds of which some wait, those with the most first."""
        return sorted(self._chunks, key=lambda kind: -len(self._chunks[kind]))
