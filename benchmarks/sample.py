"""A part of a study's matrix in which every level, and every pair of levels, keeps its share."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from itertools import combinations

from suite.errors import UsageError
from suite.plan import recipes
from suite.study import Dependent, Study
from suite.trial import Level

Recipe = Mapping[str, Level]
Pair = tuple[object, object]


def drawn(study: Study, trials: int) -> list[Recipe]:
    """Recipes for so many trials, each recipe on all of the study's seeds; always the same ones.

    One after the other the recipe whose pairs of levels were used least so far; ties are broken by
    chance, from a fixed seed. The last recipe is there in full where `trials` is no multiple of the
    seeds.
    """
    matrix = list(recipes(study))
    count = -(-trials // study.seeds)
    if count > len(matrix):
        raise UsageError(
            f"Expected at most the {len(matrix) * study.seeds} trials of study {study.name!r}. "
            f"Received: trials={trials}."
        )
    waiting = [(r, pairs(study, r)) for r in random.Random(0).sample(matrix, len(matrix))]
    used: Counter[Pair] = Counter()
    chosen: list[Recipe] = []
    for _ in range(count):
        scores = [sum(used[pair] for pair in own) for _, own in waiting]
        recipe, own = waiting.pop(scores.index(min(scores)))
        used.update(own)
        chosen.append(recipe)
    return chosen


def pairs(study: Study, recipe: Recipe) -> list[Pair]:
    """Every two levels of a recipe; one that depends on another's level is another under each."""
    levels: list[object] = []
    for name, level in recipe.items():
        nuisance = study.nuisance.get(name)
        under = recipe[nuisance.by] if isinstance(nuisance, Dependent) else None
        levels.append((name, level, under))
    return list(combinations(levels, 2))
