"""Claims held against what the trials of a run say: confirmed, not confirmed, or undecided."""

from __future__ import annotations

import enum
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suite.claim import MEANINGS, Claim
from suite.contrasts import MATRIX, SEEN, TUNED, Seen
from suite.evidence import Evidence, TaskEvidence
from suite.frame import HP, recipe_columns
from suite.grid import grid_of
from suite.measures import measured
from suite.stats.arms import Duel
from suite.stats.intervals import Interval, bca_mean, spread
from suite.stats.looks import holm
from suite.stats.paired import fewest_pairs, sign_flip
from suite.stats.verdict import ALPHA
from suite.trial import Level, canonical

Floats = NDArray[np.float64]

COLUMNS = (
    *("claim", "task", "answer", "measure", "factor", "level", "reference", "direction"),
    *("value", "value_reference", "effect", "low", "high", "pairs", "p", "p_holm", "smallest"),
    *("view", "where"),
)


class Answer(enum.StrEnum):
    """What a run says of a claim."""

    CONFIRMED = "confirmed"
    NOT_CONFIRMED = "not confirmed"  # the opposite is found, or nothing worth knowing
    UNDECIDED = "undecided"  # the sample says neither


def claims_frame(claims: Sequence[Claim], evidence: Evidence) -> pd.DataFrame:
    """One row a claim and task on which it was tested.

    Columns: `claim`, `task`, `answer`, `measure`, `factor`, `level`, `reference`, `direction`,
    `value` and `value_reference` (means of the measure), `effect` with `low` and `high` (95 %
    interval), `pairs`, `p` (two-sided), `p_holm` (adjusted over all claims of the run), `smallest`
    (difference worth knowing), `view`, `where`.
    """
    return answered([_row(claim, own) for claim, own in tested(claims, evidence)])


def answered(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Claims with the answers that their figures give, `p` adjusted over all of them."""
    table = pd.DataFrame(rows, columns=[*COLUMNS])
    table["p_holm"] = holm(table["p"].to_numpy(float))
    table["answer"] = [_answer(row).value for row in table.to_dict("records")]
    return table


def against(differences: Floats) -> dict[str, float]:
    """`effect`, `low`, `high`, `pairs` and `p` of paired differences, shape (pairs,)."""
    return _figures(_sample(differences))


def _figures(seen: Seen) -> dict[str, float]:
    return {
        "effect": seen.interval.estimate,
        "low": seen.interval.low,
        "high": seen.interval.high,
        "pairs": len(seen.differences),
        "p": seen.p_value,
    }


def _sample(differences: Floats) -> Seen:
    """Exact sign flips, and a bootstrap interval of the mean."""
    if not len(differences):
        return _nothing()
    interval = bca_mean(differences, 1 - ALPHA)
    error = spread(differences) / math.sqrt(len(differences))
    one_sided = sign_flip(differences, "greater")
    return Seen(differences, interval, error, sign_flip(differences), one_sided)


def tested(claims: Sequence[Claim], evidence: Evidence) -> Iterator[tuple[Claim, TaskEvidence]]:
    """Each claim with each task on which it is tested: the rows of `claims_frame`, in order."""
    for claim in claims:
        for name, own in evidence.tasks.items():
            if not claim.tasks or name in claim.tasks:
                yield claim, own


def arms_of(claim: Claim, own: TaskEvidence) -> tuple[Floats, Floats]:
    """What a claim holds against each other, seed by seed: of its level, and of its reference.

    Either has the shape (seeds,): the recipe that is best on validation where the claim is tuned,
    the mean over recipes elsewhere. Where a figure is held against a number, that number is the
    reference of every seed. Both are empty where no trials face each other.
    """
    rows = _rows(claim, own)
    if claim.than is not None:
        values = rows.groupby("seed")["test"].mean().to_numpy(float)
        return values, np.full(len(values), claim.than)
    duel = _duel(claim, rows, own)
    if not duel.pairs:
        return np.empty(0), np.empty(0)
    one, two = (a.best if claim.tuned else a.score.mean(axis=0) for a in (duel.a, duel.b))
    return one, two


def _rows(claim: Claim, own: TaskEvidence) -> pd.DataFrame:
    """The trials that a claim is about, the column `test` its measure."""
    rows = own.rows.assign(
        test=measured(claim.measure, own.rows, own.judged, own.outcomes, own.best)
    )
    for name, level in claim.where.items():
        rows = rows[rows[f"{HP}{name}"] == level]
    broken = rows.loc[rows["test"].isna(), "recipe"]
    rows = rows[~rows["recipe"].isin(broken)]
    return _ranges(rows, f"{HP}{claim.over}") if claim.over else rows


def _duel(claim: Claim, rows: pd.DataFrame, own: TaskEvidence) -> Duel:
    """Two levels, cell facing cell, paired by seed."""
    column = f"{HP}{claim.factor}"
    one, two = (rows[rows[column] == level] for level in (claim.level, claim.reference))
    return grid_of(one, two, column, own.judged).duel


def _row(claim: Claim, own: TaskEvidence) -> dict[str, Any]:
    rows = _rows(claim, own)
    seen, values = _against(claim, rows) if claim.than is not None else _contrast(claim, rows, own)
    smallest = own.scale.rope if claim.measure == "score" else 0.0
    return {
        "claim": claim.claim,
        "task": own.judged.task,
        "measure": claim.measure,
        "factor": claim.factor or "",
        "level": claim.level,
        "reference": claim.reference if claim.than is None else claim.than,
        "direction": claim.direction,
        "value": values[0],
        "value_reference": values[1],
        **_figures(seen),
        "smallest": smallest if claim.smallest is None else claim.smallest,
        "view": TUNED if claim.tuned else MATRIX,
        "where": canonical(dict(claim.where)) if claim.where else "",
    }


def _contrast(
    claim: Claim, rows: pd.DataFrame, own: TaskEvidence
) -> tuple[Seen, tuple[float, float]]:
    """Two levels, cell facing cell, paired by seed; with the mean of either side."""
    duel = _duel(claim, rows, own)
    if not duel.pairs:
        return _nothing(), (math.nan, math.nan)
    seen = SEEN[TUNED if claim.tuned else MATRIX](duel, 1 - ALPHA)
    arms = (duel.a, duel.b)
    means = [float((arm.best if claim.tuned else arm.score).mean()) for arm in arms]
    return seen, (means[0], means[1])


def _against(claim: Claim, rows: pd.DataFrame) -> tuple[Seen, tuple[float, float]]:
    """The measure of every seed, its mean over cells, held against a number."""
    assert claim.than is not None
    by_seed = rows.groupby("seed")["test"].mean().to_numpy(float)
    if not len(by_seed):
        return _nothing(), (math.nan, claim.than)
    seen = _sample(by_seed - claim.than)
    return seen, (float(by_seed.mean()), claim.than)


def _nothing() -> Seen:
    nan = math.nan
    return Seen(np.empty(0), Interval(nan, nan, nan), nan, nan, nan)


def _ranges(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """One row for all that differ in `column` alone: the range of the measure takes its place."""
    others = [name for name in recipe_columns(rows) if name != column]
    groups = rows.groupby([*others, "seed"], sort=False)
    kept = groups.first().reset_index()
    kept["test"] = groups["test"].agg(lambda own: own.max() - own.min()).to_numpy()
    kept["objective"] = groups["objective"].mean().to_numpy()
    kept["recipe"] = [canonical([str(value) for value in row]) for row in kept[others].to_numpy()]
    return kept.drop(columns=[column])


def _answer(row: Mapping[Any, Any]) -> Answer:
    """The answer, by the bounds of `suite.stats.verdict`."""
    if row["pairs"] < fewest_pairs(ALPHA) or not math.isfinite(row["p_holm"]):
        return Answer.UNDECIDED
    if -row["smallest"] <= row["low"] and row["high"] <= row["smallest"]:
        return Answer.NOT_CONFIRMED
    if row["p_holm"] > ALPHA:
        return Answer.UNDECIDED
    sign = 1.0 if row["direction"] == "higher" else -1.0
    return Answer.CONFIRMED if sign * row["effect"] > 0 else Answer.NOT_CONFIRMED


def meaning(row: Mapping[Any, Any], metrics: Mapping[str, str]) -> str:
    """What a claim's figure is, in words."""
    return metrics[row["task"]] if row["measure"] == "score" else MEANINGS[row["measure"]]


def contrast_text(row: Mapping[Any, Any], text: Callable[[str, Any], str]) -> str:
    """What was held against what; `text` writes a level of a factor."""
    factor = row["factor"]
    if not factor:
        return f"all trials against {text(factor, row['reference'])}"
    level, reference = (text(factor, _plain(row[name])) for name in ("level", "reference"))
    return f"{factor} {level} against {reference}"


def _plain(level: Level) -> Level:
    """A level without numpy's type, which a frame may have given it."""
    return level.item() if isinstance(level, np.generic) else level
