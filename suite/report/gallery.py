"""Which figures a results folder has: by task, and over tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pandas as pd

from suite.evidence import Evidence, TaskEvidence
from suite.frame import HP, factor_columns
from suite.importance import interaction
from suite.reading import Reading
from suite.report.charts.bars import divergence_chart, importance_chart
from suite.report.charts.effects import across_chart, effects_chart
from suite.report.charts.flow import flow_charts
from suite.report.charts.grids import interaction_chart
from suite.report.charts.heat import heat_charts
from suite.report.charts.learning import learning_chart
from suite.report.charts.pairs import pairs_chart
from suite.report.charts.parallel import ordered, parallel_chart
from suite.report.charts.ranks import ranks_chart
from suite.report.charts.searching import search_charts
from suite.report.drawing import Drawing, styled
from suite.search.study import SearchStudy
from suite.words import slug

PAIRS = 3
"""Interactions that have a heat map."""


@dataclass(frozen=True)
class Gallery:
    """The figures of a report.

    Attributes:
        tasks: by task, in the order in which they are read.
        inside: by task, what its trainings looked like from inside; none where nobody looked.
        across: what holds over tasks.
        claims: by row of `suite.claims.claims_frame`; none where nothing faces anything.
    """

    tasks: Mapping[str, list[Drawing]] = field(default_factory=dict)
    inside: Mapping[str, list[Drawing]] = field(default_factory=dict)
    across: list[Drawing] = field(default_factory=list)
    claims: Mapping[int, Drawing] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Drawing]:
        for drawings in (*self.tasks.values(), *self.inside.values()):
            yield from drawings
        yield from self.across
        yield from self.claims.values()


def gallery_of(reading: Reading) -> Gallery:
    """Draw all figures of a run."""
    with styled():
        if isinstance(reading.study, SearchStudy):
            searches = {name: list(_searches(reading, name)) for name in reading.judged}
            return Gallery(searches, claims=dict(_claims(reading)))
        known = reading.evidence.tasks
        tasks = {name: list(_task(reading, own)) for name, own in known.items()}
        inside = {name: list(_inside(own)) for name, own in known.items()}
        across = list(_across(reading.evidence))
        return Gallery(tasks, inside, across, dict(_claims(reading)))


def _claims(reading: Reading) -> Iterator[tuple[int, Drawing]]:
    """A picture a row of the claims."""
    rows = reading.claims.to_dict("records")
    for i, (row, arms) in enumerate(zip(rows, reading.arms, strict=True)):
        name = f"claim-{i + 1}-{slug(row['task'])}"
        drawing = pairs_chart(name, row, arms, reading.metrics)
        if drawing:
            yield i, drawing


def _task(reading: Reading, own: TaskEvidence) -> Iterator[Drawing]:
    """The figures of one task of a matrix, as many as there is something to draw for."""
    name = slug(own.judged.task)
    candidates = (
        effects_chart(f"effects-{name}", own.judged, own.levels),
        learning_chart(f"learning-{name}", own.judged, own.rows, own.ranked, reading.outcomes),
        importance_chart(f"importance-{name}", own.importance),
        _parallel(f"recipes-{name}", own),
        divergence_chart(f"divergence-{name}", own.divergence),
    )
    yield from (drawing for drawing in candidates if drawing)
    for i, factors in enumerate(strongest_pairs(own.importance), start=1):
        means = _in_order(interaction(own.rows, factors), own)
        if means.size:
            yield interaction_chart(f"interaction-{name}-{i}", own.judged, means)


def strongest_pairs(shares: pd.DataFrame) -> list[list[str]]:
    """The pairs of factors that interact most."""
    if shares.empty:
        return []
    pairs = shares[shares["order"] == 2].sort_values("share", ascending=False, kind="stable")
    return [source.split(" x ") for source in pairs["source"].head(PAIRS)]


def _in_order(means: pd.DataFrame, own: TaskEvidence) -> pd.DataFrame:
    """Levels in the study's order."""
    one, two = (
        ordered(axis.tolist(), own.factors.get(str(axis.name).removeprefix(HP), ()))
        for axis in (means.index, means.columns)
    )
    found = means.reindex(index=one, columns=two)
    found.index.name, found.columns.name = means.index.name, means.columns.name
    return found


def _parallel(name: str, own: TaskEvidence) -> Drawing | None:
    factors = [column.removeprefix(HP) for column in factor_columns(own.rows)]
    return parallel_chart(name, own.judged, own.ranked, factors, own.factors)


def _inside(own: TaskEvidence) -> Iterator[Drawing]:
    """Gradients by depth, and maps of the best recipe."""
    name = slug(own.judged.task)
    if own.vitals is None:
        return
    yield from flow_charts(f"flow-{name}", own.rows, own.factors, own.vitals, own.best)
    best = [own.outcomes[trial].health for trial in own.rows["trial"][own.best]]
    yield from heat_charts(f"health-{name}", [health for health in best if health])


def _across(evidence: Evidence) -> Iterator[Drawing]:
    across = evidence.across
    if across.empty:
        return
    yield across_chart("over-tasks", across)
    for i, (factor, rows) in enumerate(across.groupby("factor", sort=False), start=1):
        drawing = ranks_chart(f"ranks-{i}-{slug(str(factor))}", str(factor), rows)
        if drawing:
            yield drawing


def _searches(reading: Reading, task: str) -> Iterator[Drawing]:
    regrets = reading.regrets
    if not regrets.empty:
        own = regrets[regrets["task"] == task]
        yield from search_charts(f"tuners-{slug(task)}", reading.judged[task], own)
