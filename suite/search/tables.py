"""Tables of searches: what each tuner reached at what cost, and what became of its choices."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from suite.search.merit import (
    area,
    best_score,
    curves_of,
    expected_best,
    expected_best_of_draws,
    paired_difference,
    par_of,
    regret,
    seconds_of,
)
from suite.stats.intervals import Interval
from suite.summary import Judged
from suite.tables.table import Table
from suite.tables.text import number

REFERENCE = "random"
DIGITS = 4
SHARES = {"quarter": 0.25, "half": 0.5, "whole": 1.0}
"""Parts of the budget at which searches are looked at."""
BAND = 999
"""Bootstrap samples of a curve's band: a picture needs fewer than a figure in a table."""

Known = Mapping[str, Mapping[int, float]]
"""The best score known of a task, by repeat."""


@dataclass(frozen=True)
class Searches:
    """The searches of one task, ready for tables.

    Attributes:
        asks, choices: as `suite.search.log` frames them, of this task.
        budgets: full trainings of each tuner, in the order of rows. A tuner with more than the
            least of them is a yardstick: it is looked at after as large a share of its own.
        known: the best score known, by repeat.
    """

    judged: Judged
    asks: pd.DataFrame
    choices: pd.DataFrame
    budgets: Mapping[str, float]
    known: Mapping[int, float]

    @property
    def budget(self) -> int:
        """Full trainings of a search that is no yardstick."""
        return max(1, round(min(self.budgets.values())))

    @property
    def par(self) -> float:
        """What a diverged trial counts as: the median trial of random search."""
        drawn = self.asks[self.asks["tuner"] == REFERENCE]
        return par_of((self.asks if drawn.empty else drawn)["score"], self.judged.direction)

    def of(self, tuner: str) -> pd.DataFrame:
        """The asks of one tuner."""
        return self.asks[self.asks["tuner"] == tuner]

    def curves(self, tuner: str) -> pd.DataFrame:
        """What its searches had reached after 1..budget trainings, or as large a share of more."""
        points = np.arange(1, self.budget + 1)
        scale = self.budgets[tuner] / self.budget
        found = curves_of(self.of(tuner), points * scale, self.judged.direction, self.par)
        return found.set_axis(points, axis=1)

    def chosen(self, tuner: str) -> pd.DataFrame:
        """The choices of one tuner by repeat."""
        return self.choices[self.choices["tuner"] == tuner].set_index("repeat")


def searches_of(
    asks: pd.DataFrame,
    choices: pd.DataFrame,
    judged: Judged,
    budgets: Mapping[str, float],
    known: Known | None = None,
) -> Searches | None:
    """The searches of one task; None where none has asked anything.

    `known` defaults to the best score of all asks of the task.
    """
    own = asks[asks["task"] == judged.task]
    if own.empty:
        return None
    top = best_score(own["score"], judged.direction)
    best = (known or {}).get(judged.task) or dict.fromkeys(own["repeat"].unique(), top)
    ran = {tuner: budget for tuner, budget in budgets.items() if (own["tuner"] == tuner).any()}
    return Searches(judged, own, choices[choices["task"] == judged.task], ran, best)


def search_tables(
    asks: pd.DataFrame,
    choices: pd.DataFrame,
    tasks: Mapping[str, Judged],
    budgets: Mapping[str, float],
    known: Known | None = None,
) -> Iterator[Table]:
    """Two tables a task that was searched: what tuners reached, and what they chose."""
    for judged in tasks.values():
        searches = searches_of(asks, choices, judged, budgets, known)
        if searches is not None:
            yield reached_table(searches)
            yield choice_table(searches)


def reached_table(searches: Searches) -> Table:
    """The best objective at a quarter, half and the whole of the budget, and the mean regret."""
    places = {name: max(1, round(searches.budget * share)) for name, share in SHARES.items()}
    rows = [_reached(searches, tuner, places) for tuner in searches.budgets]
    judged = searches.judged
    better = "lower" if judged.direction == "min" else "higher"
    repeats = max(row["repeats"] for row in rows)
    return Table(
        f"search-{judged.task}",
        f"{judged.task}: best {judged.objective} on val ({better} is better)",
        pd.DataFrame(rows),
        ["tuner", *(f"after {place}" for place in places.values()), "regret"],
        [[row["tuner"], *(_within(row, name) for name in (*places, "regret"))] for row in rows],
        f"after: full trainings spent; mean of {repeats} searches, ± half of its 95% interval. "
        f"regret: the distance to the best score known, on the mean from the first training to the "
        f"last. A trial that diverged, or is worse than the median one of random search, counts as "
        f"that one." + _yardsticks(searches),
    )


def _reached(searches: Searches, tuner: str, places: Mapping[str, int]) -> dict[str, Any]:
    """One row of figures: `<what>`, `<what>_low`, `<what>_high`."""
    curves = searches.curves(tuner)
    regrets = regret(curves, searches.known, searches.judged.direction)
    row: dict[str, Any] = {
        "tuner": tuner,
        "trainings": searches.budgets[tuner],
        "repeats": len(curves),
        "asks": len(searches.of(tuner)) / len(curves),
        "diverged": float(searches.of(tuner)["score"].isna().mean()),
    }
    for name, place in places.items():
        row |= _parts(name, expected_best(curves[place]))
    return row | _parts("regret", expected_best(area(regrets)))


def choice_table(searches: Searches) -> Table:
    """The metric of what tuners chose, on the seed it was chosen on and on fresh ones."""
    rows = [_chosen(searches, tuner) for tuner in searches.budgets]
    judged = searches.judged
    seeds = searches.choices["fresh_seeds"].max() if len(searches.choices) else 0
    afresh = (
        f"the choice trained in full on {seeds:g} seeds that did not choose it."
        if seeds
        else "none, for want of seeds that did not choose."
    )
    return Table(
        f"choice-{judged.task}",
        f"{judged.task}: {judged.metric} of what searches chose (higher is better)",
        pd.DataFrame(rows),
        ["tuner", "val", "fresh val", "fresh test", "test to random", "oracle", "train"],
        [_choice_cells(row) for row in rows],
        f"val: of the choice as the search saw it, which flatters. fresh: {afresh} test to random: "
        f"difference of fresh test to plain random search with its 95% interval, paired over "
        f"repeats. oracle, train: seconds of one search." + _yardsticks(searches),
    )


def _chosen(searches: Searches, tuner: str) -> dict[str, Any]:
    chosen = searches.chosen(tuner)
    oracle, train = seconds_of(searches.of(tuner))
    effect = Interval(math.nan, math.nan, math.nan)
    if tuner != REFERENCE:
        reference = searches.chosen(REFERENCE)["fresh_test"]
        effect = paired_difference(chosen["fresh_test"], reference)
    return {
        "tuner": tuner,
        "repeats": len(chosen),
        "undecided": int((chosen["trial"] == "").sum()),
        "fresh_seeds": float(chosen["fresh_seeds"].mean()),
        **{name: float(chosen[name].mean()) for name in ("val", "fresh_val", "fresh_test")},
        "effect": effect.estimate,
        "effect_low": effect.low,
        "effect_high": effect.high,
        "oracle_seconds": oracle,
        "train_seconds": train,
    }


def _choice_cells(row: Mapping[str, Any]) -> list[str]:
    figures = [number(row[name], DIGITS) for name in ("val", "fresh_val", "fresh_test")]
    times = [number(row[f"{name}_seconds"], 1) for name in ("oracle", "train")]
    return [row["tuner"], *figures, _signed(row), *times]


def _signed(row: Mapping[str, Any]) -> str:
    """`+0.0012 [-0.0003, 0.0027]`; empty where there is no difference to show."""
    if not math.isfinite(row["effect"]):
        return ""
    bounds = ", ".join(number(row[f"effect_{end}"], DIGITS) for end in ("low", "high"))
    return f"{row['effect']:+.{DIGITS}f} [{bounds}]"


def _parts(name: str, interval: Interval) -> dict[str, float]:
    return {name: interval.estimate, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _within(row: Mapping[str, Any], name: str) -> str:
    """`0.4123 ±0.0012`; the figure alone where there is no interval."""
    half = (row[f"{name}_high"] - row[f"{name}_low"]) / 2
    text = number(row[name], DIGITS)
    return f"{text} ±{number(half, DIGITS)}" if math.isfinite(half) else text


def _yardsticks(searches: Searches) -> str:
    """A sentence on the rows that had more to spend."""
    times = {t: b / searches.budget for t, b in searches.budgets.items() if b > searches.budget}
    return "".join(
        f" {tuner} is a yardstick: it has, and is looked at after, {n:g} times as many trainings."
        for tuner, n in times.items()
    )


def curves_frame(
    asks: pd.DataFrame,
    choices: pd.DataFrame,
    tasks: Mapping[str, Judged],
    budgets: Mapping[str, float],
    known: Known | None = None,
) -> pd.DataFrame:
    """Every curve, for plots: a row a task, tuner and number of trainings m of the plain budget.

    Columns: `task`, `tuner`, `trainings` (m), `spent` (more than m for a yardstick), `best` with
    `best_low` and `best_high`, `regret`, and `draws`: for random search, Dodge's estimate of the
    expected best of m from all its trials.
    """
    found = [searches_of(asks, choices, judged, budgets, known) for judged in tasks.values()]
    rows = [
        row
        for searches in found
        if searches is not None
        for tuner in searches.budgets
        for row in _curve_rows(searches, tuner)
    ]
    return pd.DataFrame(rows)


def _curve_rows(searches: Searches, tuner: str) -> Iterator[dict[str, Any]]:
    curves = searches.curves(tuner)
    direction = searches.judged.direction
    regrets = regret(curves, searches.known, direction).mean(skipna=False)
    draws = np.full(searches.budget, math.nan)
    if tuner == REFERENCE:
        scores = searches.of(tuner)["score"]
        draws = expected_best_of_draws(scores, searches.budget, direction, searches.par)
    for m in range(1, searches.budget + 1):
        yield {
            "task": searches.judged.task,
            "tuner": tuner,
            "trainings": m,
            "spent": m * searches.budgets[tuner] / searches.budget,
            **_parts("best", expected_best(curves[m], resamples=BAND)),
            "regret": regrets[m],
            "draws": draws[m - 1],
        }
