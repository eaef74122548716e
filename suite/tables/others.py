"""Importance, divergence, costs, and what holds over tasks."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd

from suite.importance import ANOVA
from suite.summary import Judged
from suite.tables.table import Table
from suite.tables.text import level_text, number

MOST_SOURCES = 10


def importance_table(shares: pd.DataFrame, judged: Judged) -> Table:
    """The sources of the most variance, main effects and interactions of two."""
    ranked = shares.sort_values("share", ascending=False, kind="stable", ignore_index=True)
    exact = len(shares) > 0 and shares["method"].iloc[0] == ANOVA
    rest = 1 - float(shares["share"].sum())
    shown = [
        [row["source"], f"{row['share']:.1%}", _range(row["low"], row["high"])]
        for row in ranked.head(MOST_SOURCES).to_dict("records")
    ]
    note = (
        "Share of the variance of the cells' mean test metric: exact decomposition of the balanced "
        f"matrix, 95% bootstrap interval over seeds. Interactions of three and more: {rest:.1%}."
        if exact
        else "Share of the variance by fANOVA, since cells of the matrix are missing: main effects "
        "alone, least and largest of repeated forests."
    )
    return Table(
        f"importance-{judged.task}",
        f"{judged.task}: what makes {judged.metric} vary over the matrix",
        ranked,
        ["source", "share", "interval"],
        shown,
        note,
        detail=True,
    )


def _range(low: float, high: float) -> str:
    return f"[{low:.1%}, {high:.1%}]" if math.isfinite(low) else "-"


def divergence_table(rates: pd.DataFrame, judged: Judged) -> Table | None:
    """The rate of divergence by level; None where nothing diverged."""
    if rates.empty or not rates["diverged"].any():
        return None
    shown, last = [], ""
    for row in rates.to_dict("records"):
        if row["factor"] != last:
            last = row["factor"]
            shown.append([last, "", "", ""])
        cells = [f"{row['diverged']}/{row['trials']}", f"{row['rate']:.1%}"]
        shown.append([f" {level_text(row['level'])}", *cells, _range(row["low"], row["high"])])
    return Table(
        f"divergence-{judged.task}",
        f"{judged.task}: diverged trials by level",
        rates,
        ["factor", "diverged", "rate", "interval"],
        shown,
        "The loss or the objective was no finite number. 95% interval of the rate: Wilson.",
        detail=True,
    )


def costs_table(costs: pd.DataFrame, seconds: Mapping[str, float]) -> Table:
    """What the trials took, and where the run's own time went."""
    shown = [
        [
            row["task"],
            *(str(row[name]) for name in ("trials", "diverged", "failed", "epochs")),
            f"{row['seconds']:.0f}",
            f"{row['seconds_a_trial'] * 1000:.1f}",
        ]
        for row in costs.to_dict("records")
    ]
    kinds = ("building", "compiling", "training", "scoring", "oracles", "winners", "total")
    parts = [f"{kind} {seconds[kind]:.0f}" for kind in kinds if kind in seconds]
    return Table(
        "costs",
        "costs: what the trials took",
        costs,
        ["task", "trials", "diverged", "failed", "epochs", "s", "ms a trial"],
        shown,
        f"s: seconds of training. The last run's time in seconds: {', '.join(parts)}."
        if parts
        else "s: seconds of training.",
        detail=True,
    )


def across_table(across: pd.DataFrame, tasks: int) -> Table:
    """Effects over tasks, each in shares of its task's distance from trivial to best recipe."""
    shown, last = [], ""
    for row in across.to_dict("records"):
        if row["factor"] != last:
            last = row["factor"]
            shown.append([last, "", "", ""])
        figures = [f"{row['effect']:+.1%}", _range(row["low"], row["high"]), str(row["tasks"])]
        shown.append([f" {level_text(row['level'])}", *figures])
    power = across["power"].max() if len(across) else math.nan
    claim = (
        "Friedman's test and mean ranks are in the file."
        if len(across) and across["claimed"].any()
        else f"{tasks} tasks are too few for a claim about ranks (10 at least; Friedman's test "
        f"would find neighbours half a standard deviation apart with a chance of "
        f"{number(power, 2)})."
    )
    return Table(
        "across",
        "over tasks: mean effect, tuned",
        across,
        ["factor", "effect", "interval", "tasks"],
        shown,
        "effect: mean over tasks of the difference to the factor's first level, in shares of the "
        f"task's distance from the trivial predictor to its best recipe. 95% interval: {tasks} "
        f"tasks resampled, or Student's t below eight. {claim}",
        detail=True,
    )
