"""All that the trials of a run say, each part worked out when it is first asked for.

Everything here follows from the record and `run.json`; no Keras, no JAX.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suite.budgets import FACTOR, budgets
from suite.contrasts import TUNED, levels, pairs_of
from suite.course import course
from suite.flow import health_by_level
from suite.frame import HP
from suite.held import Held, Scale, held_levels
from suite.importance import importance
from suite.ledger import costs, divergence
from suite.secondlook import second_look_of
from suite.stats.across import over_tasks, ranking_over
from suite.study import Dependent, Study
from suite.summary import Judged, judged_of, of_task, ranking
from suite.trial import Level, Outcome
from suite.vitals import Vitals, vitals_of


@dataclass(frozen=True)
class TaskEvidence:
    """What the trials of one task of a matrix say.

    Attributes:
        rows: its trials, as `suite.summary.of_task` gives them.
        factors: the scientific factors that vary here, with the order of their levels.
        nested: nuisance factors whose levels depend on another factor's.
        outcomes: by trial key; what the trials looked like from inside is taken from them.
        train_rows: rows of the training split; 0 where `run.json` does not tell.
    """

    judged: Judged
    rows: pd.DataFrame
    scale: Scale
    factors: Mapping[str, Sequence[Level]]
    nested: Mapping[str, str] = field(default_factory=dict)
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
    train_rows: int = 0

    @cached_property
    def ranked(self) -> pd.DataFrame:
        """Recipes, best first: `suite.summary.ranking`."""
        return ranking(self.rows, self.judged)

    @cached_property
    def held(self) -> list[Held]:
        """Every level with what it is held against."""
        return [*held_levels(self.rows, self.judged, self.scale, self.factors)]

    @cached_property
    def levels(self) -> pd.DataFrame:
        """Effects and verdicts of every level in both views: `suite.contrasts.levels`."""
        return levels(self.held, self.scale)

    @cached_property
    def pairs(self) -> pd.DataFrame:
        """The pairs behind every comparison: `suite.contrasts.pairs_of`."""
        return pairs_of(self.held)

    @cached_property
    def importance(self) -> pd.DataFrame:
        """Shares of the variance by factor and pair of factors: `suite.importance`."""
        return importance(self.rows, self.nested)

    @cached_property
    def divergence(self) -> pd.DataFrame:
        """Rates of divergence by level: `suite.ledger.divergence`."""
        return divergence(self.rows, self.factors)

    @cached_property
    def vitals(self) -> Vitals | None:
        """The health of `rows`, in their order; None where no trial has any."""
        found = [self.outcomes.get(trial) for trial in self.rows["trial"]]
        return vitals_of([outcome.health if outcome else None for outcome in found])

    @cached_property
    def health(self) -> pd.DataFrame:
        """Gradients, steps, dead and saturated units by level and layer: `suite.flow`."""
        return health_by_level(self.rows, self.factors, self.vitals)

    @cached_property
    def course(self) -> pd.DataFrame:
        """Epochs that each level needs, and more: `suite.course`; empty without curves."""
        known = set(self.rows["trial"]) <= set(self.outcomes)
        own = (self.rows, self.judged, self.outcomes, self.factors, self.best)
        return course(*own) if known and len(self.rows) else pd.DataFrame()

    @cached_property
    def budgets(self) -> pd.DataFrame:
        """Batch sizes at equal budgets: `suite.budgets`; empty where they do not vary."""
        if FACTOR not in self.factors or not self.train_rows or self.course.empty:
            return pd.DataFrame()
        own = (self.rows, self.judged, self.outcomes, self.factors[FACTOR], self.train_rows)
        return budgets(*own)

    @cached_property
    def best(self) -> NDArray[np.bool_]:
        """Which of `rows` are trials of the best recipe."""
        first = self.rows["trial"] == self.ranked["trial"].iloc[0]
        return np.asarray(self.rows["recipe"] == self.rows["recipe"][first].iloc[0])


@dataclass(frozen=True)
class Evidence:
    """What the trials of a whole matrix run say.

    Attributes:
        frame: one row a trial: `suite.frame.frame_of`.
        tasks: the tasks that have trials which did not fail.
        winners: as `run.json` has them.
        seconds: where the last run's time went, by kind of work.
    """

    frame: pd.DataFrame
    tasks: Mapping[str, TaskEvidence]
    winners: Sequence[Mapping[str, Any]] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def metrics(self) -> dict[str, str]:
        """The metric of each task."""
        return {name: own.judged.metric for name, own in self.tasks.items()}

    @cached_property
    def levels(self) -> pd.DataFrame:
        """All tasks' levels, one below the other."""
        return _stacked([own.levels for own in self.tasks.values()])

    @cached_property
    def health(self) -> pd.DataFrame:
        """All tasks' layers by level, one below the other."""
        return _stacked([own.health for own in self.tasks.values()])

    @cached_property
    def costs(self) -> pd.DataFrame:
        """What each task's trials took: `suite.ledger.costs`."""
        return costs(self.frame)

    @cached_property
    def across(self) -> pd.DataFrame:
        """Tuned effects over tasks; one row a level that two tasks or more have.

        Columns: `factor`, `level`, `effect` (mean over tasks of the effect in shares of the task's
        distance from the trivial predictor to its best recipe), `low`, `high` (tasks resampled),
        `tasks`, and of the factor: `friedman_p`, `critical_difference`, `power`, `claimed`, and
        this level's `mean_rank`.
        """
        own = self.levels
        if own.empty:
            return own
        scales = {name: _distance(task) for name, task in self.tasks.items()}
        own = own[own["view"] == TUNED].assign(distance=lambda rows: rows["task"].map(scales))
        own = own.assign(scaled=own["effect"] / own["distance"])
        return _stacked([_over(own[own["factor"] == factor]) for factor in own["factor"].unique()])


def evidence_of(
    frame: pd.DataFrame,
    study: Study,
    run: Mapping[str, Any],
    outcomes: Mapping[str, Outcome],
) -> Evidence:
    """The evidence of a matrix run, from its trials and what `run.json` tells of it."""
    second = second_look_of(run)
    nested = {n: own.by for n, own in study.nuisance.items() if isinstance(own, Dependent)}
    tasks = {}
    for name, described in run["tasks"].items():
        judged = judged_of(name, described)
        rows = of_task(frame, judged)
        if not rows.empty:
            scale = Scale(study.smallest_effect_for(name), second)
            factors = _varied(rows, study)
            trained = described.get("data", {}).get("rows", {}).get("train", 0)
            tasks[name] = TaskEvidence(judged, rows, scale, factors, nested, outcomes, trained)
    return Evidence(frame, tasks, run.get("winners", ()), run.get("seconds", {}))


def _varied(rows: pd.DataFrame, study: Study) -> dict[str, Sequence[Level]]:
    """The scientific factors that have more than one level here."""
    return {
        name: order
        for name, order in study.factors.items()
        if f"{HP}{name}" in rows and rows[f"{HP}{name}"].nunique() > 1
    }


def _distance(task: TaskEvidence) -> float:
    """The task's best recipe less its trivial predictor, on test; NaN where it is no better."""
    distance = float(task.ranked["test"].iloc[0]) - task.judged.trivial["test"]
    return distance if distance > 0 else np.nan


def _over(rows: pd.DataFrame) -> pd.DataFrame:
    scores = rows.pivot_table("test", "task", "level", sort=False).dropna()
    ranked = ranking_over(scores)
    found = []
    for level, own in rows.groupby("level", sort=False):
        effects = own["scaled"].dropna()
        if len(effects) < 2:
            continue
        interval = over_tasks(effects)
        found.append(
            {
                "factor": own["factor"].iloc[0],
                "level": level,
                "effect": interval.estimate,
                "low": interval.low,
                "high": interval.high,
                "tasks": len(effects),
                "mean_rank": float(ranked.ranks.get(level, np.nan)),
                "friedman_p": ranked.p_value,
                "critical_difference": ranked.critical_difference,
                "power": ranked.power,
                "claimed": ranked.claimed,
            }
        )
    return pd.DataFrame(found)


def _stacked(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    whole = [part for part in parts if not part.empty]
    return pd.concat(whole, ignore_index=True) if whole else pd.DataFrame()
