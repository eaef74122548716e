"""Every comparison of a run with all its evidence, both views side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup

from suite.contrasts import MATRIX, TUNED, VIEWS
from suite.evidence import Evidence, TaskEvidence
from suite.report.sheets import recipe_of, verdict_words
from suite.report.strip import strip
from suite.stats.verdict import Verdict
from suite.tables.text import effect_text, level_text, number
from suite.tables.verdicts import SIGNS, sentence

Row = Mapping[Any, Any]
WORDS = {TUNED: "everything else tuned", MATRIX: "average over the matrix"}
STEPS = (1.0, 2.0, 4.0, 8.0)
"""Effects in ROPEs at which the colour of a verdict becomes stronger."""


@dataclass(frozen=True)
class Comparison:
    """A level against the reference of its factor, on one task.

    Attributes:
        anchor: its place in the page.
        views: by view, its row of `suite.contrasts.levels`.
        pairs: by seed, scores of the level and of the reference in each view.
        recipes: in words and with a trial's key: of the level, of the reference; tuned view.
        reference_diverged: rate of diverged trials at the reference.
    """

    anchor: str
    metric: str
    views: Mapping[str, Row]
    pairs: Mapping[int, Mapping[str, tuple[float, float]]]
    recipes: Sequence[tuple[str, str]]
    reference_diverged: float

    @property
    def row(self) -> Row:
        """The tuned view's row."""
        return self.views[TUNED]

    @property
    def title(self) -> str:
        """`dropout 0.3 against 0 on churn`."""
        row = self.row
        level, reference = (level_text(row[name]) for name in ("level", "reference"))
        return f"{row['factor']} {level} against {reference} on {row['task']}"

    @property
    def size(self) -> float:
        """The effect in smallest effects worth knowing."""
        return strength(self.row)

    def sentence(self, view: str = TUNED) -> str:
        """The verdict in words."""
        return sentence(self.views[view], self.metric)

    def facts(self) -> Iterator[tuple[str, list[str]]]:
        """Names and figures, one figure a view."""
        rows = [self.views[view] for view in VIEWS]
        yield "verdict", [verdict_words(row) for row in rows]
        yield f"effect on {self.metric}, 95 % interval", [effect_text(row) or "-" for row in rows]
        for name, key, digits in FIGURES:
            yield name, [number(row[key], digits) for row in rows]
        yield "pairs (looks)", [f"{row['pairs']:.0f} ({row['looks']:.0f})" for row in rows]
        yield "diverged, level", [f"{row['diverged']:.1%} of {row['trials']}" for row in rows]
        yield "diverged, reference", [f"{self.reference_diverged:.1%}"] * len(rows)

    def strip(self, view: str) -> Markup:
        """The paired differences of a view."""
        differences = {
            seed: scores[view][0] - scores[view][1]
            for seed, scores in self.pairs.items()
            if view in scores
        }
        return strip(self.views[view], differences, f"{self.title}, {WORDS[view]}: differences")

    def table(self) -> Iterator[list[str]]:
        """Seed, then score, reference and difference of each view."""
        for seed, scores in self.pairs.items():
            cells = []
            for view in VIEWS:
                one, two = scores.get(view, (math.nan, math.nan))
                signed = f"{one - two:+.4f}" if math.isfinite(one - two) else "-"
                cells += [number(one, 4), number(two, 4), signed]
            yield [str(seed), *cells]


FIGURES = (
    ("p, two-sided", "p", 4),
    ("p after Holm", "p_holm", 4),
    ("p of Wilcoxon's test of the pairs", "p_wilcoxon", 4),
    ("probability of superiority", "superiority", 2),
    ("power to find the smallest effect worth knowing", "power", 2),
    ("mean on test", "test", 4),
)


@dataclass(frozen=True)
class Cell:
    """One cell of the map of verdicts; `shown` has words and classes by view."""

    comparison: Comparison
    shown: Mapping[str, tuple[str, str]]


@dataclass(frozen=True)
class Group:
    """A factor in the map of verdicts: its levels, each with a cell a task, or None."""

    factor: str
    reference: str
    rows: Sequence[tuple[str, Sequence[Cell | None]]]


def comparisons_of(evidence: Evidence) -> list[Comparison]:
    """All comparisons, task by task."""
    found: list[Comparison] = []
    for own in evidence.tasks.values():
        if not own.levels.empty:
            found += _of_task(own, len(found))
    return found


def _of_task(own: TaskEvidence, before: int) -> Iterator[Comparison]:
    views: dict[tuple[str, str], dict[str, Row]] = {}
    diverged: dict[str, float] = {}
    for row in own.levels.to_dict("records"):
        if row["verdict"]:
            views.setdefault((row["factor"], level_text(row["level"])), {})[row["view"]] = row
        else:
            diverged[row["factor"]] = row["diverged"]
    pairs = _pairs(own.pairs)
    trial_of = dict(zip(own.rows["recipe"], own.rows["trial"], strict=True))
    for number_, (key, rows) in enumerate(views.items(), start=before + 1):
        if set(rows) == set(VIEWS):
            recipes = [_recipe(rows[TUNED][name], trial_of) for name in RECIPES]
            found = pairs.get(key, {})
            anchor = f"e{number_}"
            metric = own.judged.metric
            yield Comparison(anchor, metric, rows, found, recipes, diverged.get(key[0], math.nan))


RECIPES = ("recipe", "recipe_reference")


def _recipe(recipe: Any, trial_of: Mapping[str, str]) -> tuple[str, str]:
    return recipe_of(recipe) if recipe in trial_of else "-", trial_of.get(recipe, "")


def _pairs(
    pairs: pd.DataFrame,
) -> dict[tuple[str, str], dict[int, dict[str, tuple[float, float]]]]:
    """By factor and level, seed, and view: the score and the reference's."""
    found: dict[tuple[str, str], dict[int, dict[str, tuple[float, float]]]] = {}
    for row in pairs.to_dict("records"):
        own = found.setdefault((row["factor"], level_text(row["level"])), {})
        scores = own.setdefault(row["seed"], {})
        scores[row["view"]] = (row["score"], row["score_reference"])
    return found


def groups_of(comparisons: Sequence[Comparison], tasks: Sequence[str]) -> list[Group]:
    """The map of verdicts: factors and levels in their order, a cell for each of the tasks."""
    factors: dict[str, dict[str, dict[str, Cell]]] = {}
    for own in comparisons:
        shown = {view: _shown(own.views[view]) for view in VIEWS}
        levels = factors.setdefault(str(own.row["factor"]), {})
        levels.setdefault(level_text(own.row["level"]), {})[own.row["task"]] = Cell(own, shown)
    return [
        Group(
            factor,
            level_text(next(c for c in comparisons if c.row["factor"] == factor).row["reference"]),
            [(level, [cells.get(task) for task in tasks]) for level, cells in levels.items()],
        )
        for factor, levels in factors.items()
    ]


def _shown(row: Row) -> tuple[str, str]:
    """Words and classes of a cell."""
    verdict = Verdict(row["verdict"])
    effect = f"{row['effect']:+.3f}" if math.isfinite(row["effect"]) else "-"
    effect = "0.000" if effect in ("+0.000", "-0.000") else effect
    step = sum(strength(row) >= limit for limit in STEPS)
    return f"{SIGNS[verdict]} {effect}", f"{verdict.value} s{step}"


def strength(row: Row) -> float:
    """|effect| / ROPE; 0 where there is no effect."""
    if not math.isfinite(row["effect"]):
        return 0.0
    return abs(row["effect"]) / row["rope"] if row["rope"] > 0 else math.inf
