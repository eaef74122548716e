"""Claims with their answers, and one sentence of evidence each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from suite.claims import Answer, contrast_text, meaning
from suite.contrasts import TUNED
from suite.tables.table import Table
from suite.tables.text import number, p_text, setting_text, size_text

SIGNS = {Answer.CONFIRMED: "✓", Answer.NOT_CONFIRMED: "✗", Answer.UNDECIDED: "?"}
NOTE = (
    "confirmed: the difference lies on the claimed side, p of at most .05 after Holm over all "
    "claims of the run. not confirmed: it lies on the other side, or its whole 95% interval within "
    "what is not worth knowing. undecided: the trials say neither; so they do below six pairs."
)


def claim_sentence(row: Mapping[Any, Any], metrics: Mapping[str, str]) -> str:
    """A claim's answer with its evidence in one sentence."""
    if not math.isfinite(row["effect"]):
        return f"{row['answer']} on {row['task']}: no trials to hold against each other"
    values = f"{size_text(row['value'])} against {size_text(row['value_reference'])}"
    interval = f"{row['effect']:+.3g} [{number(row['low'])}, {number(row['high'])}]"
    how = "each side tuned" if row["view"] == TUNED else "averaged over the matrix"
    return (
        f"{row['answer']} on {row['task']}: {contrast_text(row, setting_text)}, "
        f"{meaning(row, metrics)}: {values}, difference {interval}, p {p_text(row['p_holm'])}, "
        f"{row['pairs']:.0f} pairs, {how}{_where(row)}"
    )


def _where(row: Mapping[Any, Any]) -> str:
    return f", where {row['where'].strip('{}')}" if row["where"] else ""


def claims_table(claims: pd.DataFrame, metrics: Mapping[str, str]) -> Table:
    """One row a claim and task.

    Args:
        claims: `suite.claims.claims_frame`.
        metrics: the metric of each task.
    """
    rows = claims.to_dict("records")
    sentences = [claim_sentence(row, metrics) for row in rows]
    shown = [
        [row["claim"], row["task"], f"{SIGNS[Answer(row['answer'])]} {row['answer']}", evidence]
        for row, evidence in zip(rows, map(_evidence, rows), strict=True)
    ]
    return Table(
        "claims",
        "claims: what the trials say of each",
        claims.assign(
            sentence=sentences,
            level=[str(value) for value in claims["level"]],
            reference=[str(value) for value in claims["reference"]],
        ),
        ["claim", "task", "answer", "evidence"],
        shown,
        NOTE,
    )


def _evidence(row: Mapping[Any, Any]) -> str:
    if not math.isfinite(row["effect"]):
        return "-"
    return (
        f"{row['measure']} {size_text(row['value'])} against {size_text(row['value_reference'])} "
        f"({row['effect']:+.3g} [{number(row['low'])}, {number(row['high'])}])"
    )
