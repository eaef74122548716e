"""Verdicts: technique by task at a glance, and the levels of each factor with their evidence."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from suite.contrasts import MATRIX, TUNED
from suite.stats.verdict import Verdict
from suite.summary import Judged
from suite.tables.table import Table
from suite.tables.text import effect_text, level_text, number, p_text, seeds_text

SIGNS = {
    Verdict.HELPS: "▲",
    Verdict.HURTS: "▼",
    Verdict.EQUIVALENT: "≈",
    Verdict.UNDERPOWERED: "?",
}
AT_ONCE = 5
"""Tasks side by side in 80 columns."""
LEGEND = (
    "▲ helps, ▼ hurts, ≈ equivalent (the whole 95% interval within the smallest effect worth "
    "knowing), ? underpowered. The figure is the mean difference of the test metric to the "
    "factor's first level, paired by seed, everything else tuned on each side."
)


def more_text(more: float) -> str:
    """How many seeds an underpowered comparison asks for.

    >>> more_text(9.0), more_text(float("inf")), more_text(float("nan"))
    ('about 9 more seeds', 'over 1000 more seeds', 'more seeds')
    """
    if math.isnan(more):
        return "more seeds"
    return f"about {more:.0f} more seeds" if math.isfinite(more) else "over 1000 more seeds"


def verdict_text(row: Mapping[Any, Any]) -> str:
    """A verdict in a cell: `helps`, `? 9 more seeds`; empty for a reference."""
    if row["verdict"] != Verdict.UNDERPOWERED:
        return str(row["verdict"])
    more = row["more_seeds"]
    if math.isnan(more):
        return "? more seeds"
    return f"? {more:.0f} more seeds" if math.isfinite(more) else "? > 1000 more"


def sentence(row: Mapping[Any, Any], metric: str) -> str:
    """A verdict with its evidence in one sentence."""
    what = f"{row['factor']} {level_text(row['level'])}"
    how = "both arms tuned" if row["view"] == TUNED else "averaged over the matrix"
    verb = {
        Verdict.HELPS: f"helps {row['task']}",
        Verdict.HURTS: f"hurts {row['task']}",
        Verdict.EQUIVALENT: f"makes no difference worth knowing to {row['task']}",
        Verdict.UNDERPOWERED: f"on {row['task']}: underpowered, {more_text(row['more_seeds'])} "
        f"would probably settle it",
    }[Verdict(row["verdict"])]
    return (
        f"{what} (against {level_text(row['reference'])}) {verb}: {effect_text(row) or '-'} "
        f"{metric}, {row['pairs']:.0f} pairs, {how}{beside(row)}"
    )


def beside(row: Mapping[Any, Any]) -> str:
    """What changed inside the trainings where a technique helps or hurts; else nothing."""
    found = row["verdict"] in (Verdict.HELPS, Verdict.HURTS) and row["mechanism"]
    return f"; with it {row['mechanism']} (an association, not a cause)" if found else ""


def verdicts_tables(levels: pd.DataFrame, metrics: Mapping[str, str]) -> Iterator[Table]:
    """Technique by task, tuned; a table for every `AT_ONCE` tasks.

    Args:
        levels: of all tasks, as `suite.contrasts.levels` gives them.
        metrics: the metric of each task.
    """
    own = levels[(levels["view"] == TUNED) & (levels["verdict"] != "")]
    tasks = list(own["task"].unique())
    for number_, start in enumerate(range(0, len(tasks), AT_ONCE)):
        some = tasks[start : start + AT_ONCE]
        yield _verdicts(own[own["task"].isin(some)], some, metrics, number_)


def _verdicts(
    own: pd.DataFrame, tasks: Sequence[str], metrics: Mapping[str, str], number_: int
) -> Table:
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for row in own.to_dict("records"):
        line = cells.setdefault((row["factor"], level_text(row["level"])), {})
        line[row["task"]] = f"{SIGNS[Verdict(row['verdict'])]} {row['effect']:+.3f}"
    shown, last = [], ""
    for (factor, level), line in cells.items():
        if factor != last:
            reference = own.loc[own["factor"] == factor, "reference"].iloc[0]
            shown.append([f"{factor} (to {level_text(reference)})", *[""] * len(tasks)])
            last = factor
        shown.append([f" {level}", *(line.get(task, "") for task in tasks)])
    return Table(
        "verdicts" if not number_ else f"verdicts-{number_ + 1}",
        "verdicts: " + ", ".join(f"{task} ({metrics[task]})" for task in tasks),
        own.assign(sentence=_sentences(own, metrics)),
        ["technique", *tasks],
        shown,
        LEGEND,
    )


def _sentences(own: pd.DataFrame, metrics: Mapping[str, str]) -> list[str]:
    rows: Sequence[Mapping[Any, Any]] = own.to_dict("records")
    return [sentence(row, metrics[row["task"]]) for row in rows]


def levels_table(levels: pd.DataFrame, judged: Judged) -> Table:
    """The levels of each factor of one task, with their evidence."""
    own = levels[levels["task"] == judged.task]
    matrix = own[own["view"] == MATRIX].set_index(["factor", "level"])["effect"]
    shown, last = [], ""
    for row in own[own["view"] == TUNED].to_dict("records"):
        if row["factor"] != last:
            last = row["factor"]
            shown.append([last, "", "", "", "", ""])
        shown.append([f" {level_text(row['level'])}", *_evidence(row, matrix)])
    pairs = int(own["pairs"].max()) if own["pairs"].notna().any() else 0
    rope = own["rope"].iloc[0] if len(own) else math.nan
    return Table(
        f"levels-{judged.task}",
        f"{judged.task}: levels of each factor, {judged.metric} on test",
        own,
        ["factor", "test", "effect", "p", "verdict", "matrix"],
        shown,
        f"test, effect: everything else tuned, for each level anew, and over again on resampled "
        f"seeds; effect is the difference to the factor's first level with its 95% interval, "
        f"paired over {seeds_text(pairs)} at most. p: Holm-adjusted within the task. Differences "
        f"up to {rope:g} are not worth knowing. matrix: the effect averaged over the whole matrix. "
        f"A diverged trial counts as the trivial predictor.",
    )


def _evidence(row: Mapping[Any, Any], matrix: pd.Series[float]) -> list[str]:
    average = float(matrix.get((row["factor"], row["level"]), math.nan))
    return [
        number(row["test"]),
        effect_text(row),
        p_text(row["p_holm"]) if row["verdict"] else "",
        verdict_text(row),
        f"{average:+.3f}" if math.isfinite(average) else "",
    ]
