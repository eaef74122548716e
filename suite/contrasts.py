"""Every level of every factor against the factor's first level: effects, p-values, verdicts.

Two views. "matrix" averages over all cells that hold a level; "tuned" takes for each level the cell
that is best on validation, and repeats that choice on resampled seeds (`suite.stats.arms`). Both
compare on the test metric, seed by seed.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suite.factors import FACTORS
from suite.grid import Grid, arm_of
from suite.held import Held, Scale
from suite.stats.arms import Duel, resamples
from suite.stats.intervals import Interval, bca_mean, spread
from suite.stats.looks import holm, level_a_look, repeated_p
from suite.stats.paired import fewest_pairs, sign_flip, superiority, wilcoxon
from suite.stats.power import more_pairs, power, sign_flip_power, student_power
from suite.stats.verdict import ALPHA, Verdict, verdict
from suite.summary import Judged

Floats = NDArray[np.float64]
MATRIX = "matrix"
TUNED = "tuned"
VIEWS = (TUNED, MATRIX)
COLUMNS = (
    *("task", "factor", "level", "reference", "view", "test", "effect", "low", "high", "error"),
    *("pairs", "looks", "p", "p_wilcoxon", "p_holm", "superiority", "rope", "power", "verdict"),
    *("more_seeds", "diverged", "trials", "recipe", "recipe_reference", "shares", "mechanism"),
)
SHARED = "seed, split, batches, initial weights and dropout numbers"
SHARES = {
    "initializer": "seed, split, batches, and the uniform numbers that weights are shaped from",
    "batch_size": "seed, split and initial weights; the batches differ in size",
}
SHARES_OWN = "seed, split and batch order; models of another size start from other weights"


@dataclass(frozen=True)
class Seen:
    """What one view makes of two arms on some seeds: mean difference, its error, p-values.

    `greater` is the one-sided p-value of a positive difference.
    """

    differences: Floats
    interval: Interval
    error: float
    p_value: float
    greater: float


def seen_in_matrix(duel: Duel, level: float) -> Seen:
    """Two arms averaged over their cells."""
    differences = duel.a.score.mean(axis=0) - duel.b.score.mean(axis=0)
    error = spread(differences) / math.sqrt(len(differences)) if len(differences) else math.nan
    return Seen(
        differences,
        bca_mean(differences, level),
        error,
        sign_flip(differences),
        sign_flip(differences, "greater"),
    )


def seen_tuned(duel: Duel, level: float) -> Seen:
    """Two arms, each with its best cell."""
    return Seen(
        duel.differences,
        duel.interval(level),
        duel.error,
        duel.p_value(),
        duel.p_value(side=1.0),
    )


SEEN = {MATRIX: seen_in_matrix, TUNED: seen_tuned}
POWERS = {MATRIX: sign_flip_power, TUNED: student_power}


def levels(held: Sequence[Held], scale: Scale) -> pd.DataFrame:
    """One row a level and view, each level held against the first one of its factor.

    Columns: `task`, `factor`, `level`, `reference`, `view`, `test` (mean over seeds), `effect`,
    `low`, `high` (difference to the reference with its 95% interval), `error` (its standard error),
    `pairs`, `looks`, `p` (two-sided), `p_wilcoxon`, `p_holm` (`p` adjusted within task and view),
    `superiority`, `rope`, `power` (to find an effect as large as `rope`, at the level that Holm
    asks of the least p), `verdict`, `more_seeds`, `diverged` (rate), `trials`, `recipe` and
    `recipe_reference` (of the tuned view), `shares` (what the two of a pair have in common),
    `mechanism` (what changed inside the trainings). The reference's own row has no effect and no
    verdict.

    Args:
        held: of one task, as `suite.held.held_levels` gives them.
    """
    if not held:
        return pd.DataFrame(columns=list(COLUMNS))
    views = [
        pd.DataFrame([_row(own, scale, view) for own in held], columns=list(COLUMNS))
        for view in VIEWS
    ]
    return pd.concat([_adjusted(view, scale) for view in views], ignore_index=True)


def shares(factor: str) -> str:
    """What the two of a pair have in common where this factor differs."""
    return SHARES.get(factor, SHARED if factor in FACTORS else SHARES_OWN)


def _row(held: Held, scale: Scale, view: str) -> dict[str, Any]:
    arm = held.arm
    row = {
        "task": held.judged.task,
        "factor": held.factor,
        "level": held.level,
        "reference": held.reference,
        "view": view,
        "test": _mean(arm, view, held.judged),
        "rope": scale.rope,
        "diverged": float((arm["status"] == "diverged").mean()),
        "trials": len(arm),
        "shares": shares(held.factor),
        "mechanism": "" if held.is_reference else held.mechanism,
    }
    return row if held.is_reference else row | _compared(held, view, scale.looks)


def _mean(arm: pd.DataFrame, view: str, judged: Judged) -> float:
    """The mean test metric of an arm: of all its cells, or tuned, over repeats of the tuning."""
    if view == MATRIX:
        return float(arm.groupby("seed")["test"].mean().mean())
    whole = arm_of(arm, judged)
    pairs = whole.loss.shape[1]
    return float(whole.tuned(resamples(pairs)).mean()) if pairs else math.nan


def _compared(held: Held, view: str, looks: int) -> dict[str, Any]:
    """All figures of a comparison but for those that depend on the other comparisons."""
    seen, own, stages = SEEN[view], held.whole, held.stages
    whole = seen(own.duel, 1 - level_a_look(ALPHA, looks))
    p_value = whole.p_value
    if looks > 1:
        greater = [seen(held.grid.on(seeds).duel, 1 - ALPHA).greater for seeds in stages]
        p_value = repeated_p(greater, looks)
    recipes = own.chosen if view == TUNED and len(own.seeds) else ("", "")
    return {
        "effect": whole.interval.estimate,
        "low": whole.interval.low,
        "high": whole.interval.high,
        "error": whole.error,
        "pairs": len(whole.differences),
        "looks": len(stages),
        "p": p_value,
        "p_wilcoxon": wilcoxon(whole.differences),
        "superiority": superiority(whole.differences),
        "recipe": recipes[0],
        "recipe_reference": recipes[1],
    }


def _adjusted(table: pd.DataFrame, scale: Scale) -> pd.DataFrame:
    """The comparisons of one view, with what depends on how many there are."""
    compared = table["level"] != table["reference"]
    table["p_holm"] = holm(table["p"].to_numpy(float))
    tests = max(1, int(compared.sum()))
    judged = [
        _judged(row, scale, tests) if own else NOT_JUDGED
        for row, own in zip(table.to_dict("records"), compared, strict=True)
    ]
    return table.assign(**pd.DataFrame(judged, index=table.index))


NOT_JUDGED = {"verdict": "", "power": math.nan, "more_seeds": math.nan}


def _judged(row: Mapping[Any, Any], scale: Scale, tests: int) -> dict[str, Any]:
    interval = Interval(row["effect"], row["low"], row["high"])
    found = verdict(interval, row["p_holm"], row["pairs"], scale.rope)
    level = level_a_look(ALPHA / tests, scale.looks)
    more = math.nan
    if found is Verdict.UNDERPOWERED:
        facts = (row["effect"], row["error"], row["pairs"], row["p"])
        more = more_pairs(*facts, scale.rope, tests, ALPHA)
    return {
        "verdict": found.value,
        "power": power(scale.rope, row["error"], int(row["pairs"]), level, POWERS[row["view"]])
        if row["pairs"] >= fewest_pairs(ALPHA)
        else 0.0,
        "more_seeds": more,
    }


def pairs_of(held: Sequence[Held]) -> pd.DataFrame:
    """The pairs behind every comparison, one row each.

    Columns: `task`, `factor`, `level`, `view`, `look`, `seed`, `score`, `score_reference`.
    """
    found: list[dict[str, Any]] = []
    for own in (own for own in held if not own.is_reference and len(own.whole.seeds)):
        same = {"task": own.judged.task, "factor": own.factor, "level": own.level}
        found += [same | pair for pair in _pairs(own.whole, own.stages)]
    return pd.DataFrame(found)


def _pairs(grid: Grid, stages: Sequence[NDArray[np.int64]]) -> Iterator[dict[str, Any]]:
    duel = grid.duel
    scores = {
        TUNED: (duel.a.best, duel.b.best),
        MATRIX: (duel.a.score.mean(axis=0), duel.b.score.mean(axis=0)),
    }
    for view, (one, two) in scores.items():
        for i, seed in enumerate(grid.seeds):
            look = next(number for number, own in enumerate(stages, start=1) if seed in own)
            yield {
                "view": view,
                "look": look,
                "seed": int(seed),
                "score": float(one[i]),
                "score_reference": float(two[i]),
            }
