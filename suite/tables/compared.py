"""Two runs side by side, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from suite.compare import Change, Comparison
from suite.tables.table import Table
from suite.tables.text import effect_text, level_text, number, p_text, seeds_text


def comparison_tables(found: Comparison) -> Iterator[Table]:
    """One table of the tasks that both runs have, and one a task of its factors' levels."""
    yield _tasks_table(found)
    for task in found.tasks["task"] if len(found.tasks) else ():
        own = found.levels[found.levels["task"] == task] if len(found.levels) else found.levels
        if not own.empty:
            yield _levels_table(task, own)


def _tasks_table(found: Comparison) -> Table:
    shown = []
    for row in found.tasks.to_dict("records"):
        counts = f"{row['identical']}/{row['trials_shared']}"
        shown.append([row["task"], counts, effect_text(row), p_text(row["p_holm"]), row["change"]])
        for side in ("old", "new"):
            recipe = f"  {side}: {row[f'recipe_{side}']}"
            trials = str(row[f"trials_{side}"])
            shown.append([recipe, trials, number(row[f"best_test_{side}"]), "", ""])
    return Table(
        "compare",
        "old and new",
        found.tasks,
        ["task", "trials", "test", "p", "change"],
        shown,
        "trials: of the very same figure / shared. test: mean difference new - old of the shared "
        "trials, with its 95% interval over seeds. p: sign-flip test over seeds, Holm-adjusted. "
        "Below, each side's best recipe, its trials, and that recipe's test metric. " + found.cause,
    )


def _levels_table(task: str, own: pd.DataFrame) -> Table:
    shown, last = [], ""
    for row in own.to_dict("records"):
        if row["factor"] != last:
            last = row["factor"]
            shown.append([last, "", "", "", "", ""])
        shown.append(_level_cells(row))
    return Table(
        f"compare-{task}",
        f"{task}: shared trials by level, on test",
        own,
        ["factor", "old", "new - old", "p", "change", "verdict"],
        shown,
        f"Paired over {seeds_text(int(own['pairs'].max()))}. verdict: of the level against the "
        f"factor's first one, where it changed.",
    )


def _level_cells(row: Mapping[Any, Any]) -> list[str]:
    before, after = row["verdict_old"], row["verdict_new"]
    turned = f"{before} to {after}" if before != after else ""
    same = row["change"] == Change.IDENTICAL
    return [
        f" {level_text(row['level'])}",
        number(row["old"]),
        "" if same else effect_text(row),
        "" if same else p_text(row["p_holm"]),
        row["change"],
        turned,
    ]
