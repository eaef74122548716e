"""All tables of a matrix, in the order in which a person reads them."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from suite.evidence import Evidence
from suite.tables.best import best_table, winners_table
from suite.tables.claims import claims_table
from suite.tables.course import budgets_table, course_table
from suite.tables.health import health_table
from suite.tables.others import across_table, costs_table, divergence_table, importance_table
from suite.tables.table import Table
from suite.tables.verdicts import levels_table, verdicts_tables


def matrix_tables(evidence: Evidence, claims: pd.DataFrame | None = None) -> Iterator[Table]:
    """Best recipes, levels and the rest by task; winners; at the end verdicts and claims."""
    for own in evidence.tasks.values():
        yield best_table(own.ranked, own.judged)
        if not own.levels.empty:
            yield levels_table(own.levels, own.judged)
        if not own.importance.empty:
            yield importance_table(own.importance, own.judged)
        if not own.course.empty:
            yield course_table(own.course, own.judged)
        if not own.budgets.empty:
            yield budgets_table(own.budgets, own.judged)
        diverged = divergence_table(own.divergence, own.judged)
        if diverged is not None:
            yield diverged
    if not evidence.health.empty:
        yield health_table(evidence.health)
    if len(evidence.frame):
        yield costs_table(evidence.costs, evidence.seconds)
    if evidence.winners:
        yield winners_table(evidence.winners)
    if not evidence.across.empty:
        yield across_table(evidence.across, len(evidence.tasks))
    if not evidence.levels.empty:
        yield from verdicts_tables(evidence.levels, evidence.metrics)
    if claims is not None and len(claims):
        yield claims_table(claims, evidence.metrics)
