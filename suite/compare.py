"""Two results folders side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from suite.frame import HP, read_results
from suite.stats import paired_effect
from suite.summary import Judged, judged_of, of_task, ranking
from suite.tables import Table, effect_text, level_text, number, recipe_text

SIDES = ("old", "new")


def compare_folders(old: Path, new: Path) -> Iterator[Table]:
    """For every task that both folders hold: best recipes, and each level's figure in both.

    Raises RecordError where a folder is not a results folder.
    """
    (frame_a, run_a), (frame_b, run_b) = read_results(old), read_results(new)
    shared = [task for task in run_a["tasks"] if task in run_b["tasks"]]
    pairs = {}
    for task in shared:
        judged = judged_of(task, run_a["tasks"][task])
        pairs[task] = (judged, of_task(frame_a, judged), of_task(frame_b, judged))
    yield _tasks_table(pairs, run_a, run_b)
    for judged, a, b in pairs.values():
        yield _levels_table(judged, a, b)


Pairs = Mapping[str, tuple[Judged, pd.DataFrame, pd.DataFrame]]


def _tasks_table(pairs: Pairs, run_a: Mapping[str, Any], run_b: Mapping[str, Any]) -> Table:
    """One row a task: trials in common, their mean difference, each side's best recipe."""
    rows, shown = [], []
    for task, (judged, a, b) in pairs.items():
        both = a.merge(b, on="trial", suffixes=("_old", "_new"))
        effect = paired_effect(both["test_new"], both["test_old"])
        tops = [_top(ranking(side, judged)) for side in (a, b)]
        row = {
            "task": task,
            "metric": judged.metric,
            **{f"trials_{s}": len(frame) for s, frame in zip(SIDES, (a, b), strict=True)},
            "trials_shared": len(both),
            "effect": effect.estimate,
            "low": effect.low,
            "high": effect.high,
            **{f"best_test_{s}": top["test"] for s, top in zip(SIDES, tops, strict=True)},
        }
        rows.append(row)
        shown.append([task, str(len(both)), effect_text(row)])
        for side, top, frame in zip(SIDES, tops, (a, b), strict=True):
            recipe = {str(k): v for k, v in top.items() if str(k).startswith(HP)}
            text = f"  {side}: {recipe_text(recipe)}"
            shown.append([text, str(len(frame)), number(top["test"])])
    note = "Trials shared by both folders and the mean difference new - old of their test metric; "
    note += "below, each folder's best recipe, its trials, and that recipe's test metric."
    for part in ("fingerprint", "name"):
        if run_a["study"][part] != run_b["study"][part]:
            note += f" The studies differ: {run_a['study'][part]} and {run_b['study'][part]}."
            break
    return Table(
        "compare", "old and new", pd.DataFrame(rows), ["task", "trials", "test"], shown, note
    )


def _top(ranked: pd.DataFrame) -> Mapping[str, Any]:
    return {"test": math.nan} if ranked.empty else {str(k): v for k, v in ranked.iloc[0].items()}


def _levels_table(judged: Judged, a: pd.DataFrame, b: pd.DataFrame) -> Table:
    """One row a level of each factor: its mean test metric over the matrix, on either side."""
    rows, shown = [], []
    for column in (c for c in a.columns if c.startswith(HP) and c in b.columns):
        known = pd.concat([a[column], b[column]]).dropna().unique()
        if len(known) < 2:
            continue
        shown.append([column.removeprefix(HP), "", "", ""])
        for level in known:
            old, new = (side.loc[side[column] == level, "test"].mean() for side in (a, b))
            row = {"factor": column.removeprefix(HP), "level": level, "old": old, "new": new}
            rows.append(row | {"difference": new - old})
            shown.append([f"  {level_text(level)}", number(old), number(new), number(new - old)])
    return Table(
        f"compare-{judged.task}",
        f"{judged.task}: {judged.metric} on test, average over the matrix",
        pd.DataFrame(rows),
        ["factor", "old", "new", "new - old"],
        shown,
    )
