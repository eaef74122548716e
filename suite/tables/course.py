"""The course of trainings by level, and batch sizes at equal budgets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from suite.summary import Judged
from suite.tables.table import Table
from suite.tables.text import number, setting_text, size_text


def course_table(course: pd.DataFrame, judged: Judged) -> Table:
    """The course of trainings by level, as `suite.course.course` has it."""
    shown, last = [], ""
    for row in course.to_dict("records"):
        if row["factor"] != last:
            last = row["factor"]
            shown.append([last, *[""] * 6])
        epochs = (f"{row[name]:g}" for name in ("tuned", "matrix"))
        figures = [f"{row['reached']:.0%}", size_text(row["gap"]), *map(_share, _shares(row))]
        shown.append([f" {setting_text(row['factor'], row['level'])}", *epochs, *figures])
    goal = course["target"].iloc[0] if len(course) else math.nan
    return Table(
        f"course-{judged.task}",
        f"{judged.task}: epochs until {judged.objective} on validation is {size_text(goal)}",
        course,
        ["factor", "tuned", "matrix", "reached", "gap", "rises", "sparsity"],
        shown,
        "That is 90% of the way from the median first epoch to the best recipe. Median epochs: "
        "tuned, of the recipe of that level that is best on validation; matrix, of all its trials; "
        "a trial that never gets there counts as one epoch more than any has. gap: "
        f"{judged.objective} on validation less that on train, last epoch (the other way where "
        "most is best). rises: share of epochs in which the loss on train rose. sparsity: share of "
        "weights below a thousandth at the selected epoch. Means over trials.",
        detail=True,
    )


def _shares(row: Mapping[Any, Any]) -> tuple[float, float]:
    return row["rises"], row["sparsity"]


def _share(value: float) -> str:
    return f"{value:.1%}" if math.isfinite(value) else "-"


def budgets_table(budgets: pd.DataFrame, judged: Judged) -> Table:
    """Batch sizes after equal epochs, updates and seconds, as `suite.budgets.budgets` has them."""
    shown = [
        [
            setting_text("batch_size", row["level"]),
            f"{row['epochs']:.0f}",
            f"{row['updates']:.0f}",
            size_text(row["seconds"]),
            *(number(row[f"at_{kind}"]) for kind in ("epochs", "updates", "seconds")),
        ]
        for row in budgets.to_dict("records")
    ]
    least = {kind: budgets[kind].min() for kind in ("epochs", "updates", "seconds")}
    return Table(
        f"budgets-{judged.task}",
        f"{judged.task}: batch sizes at equal budgets, {judged.objective} on validation",
        budgets,
        ["batch", "epochs", "updates", "s", "at epochs", "at updates", "at s"],
        shown,
        "Each batch size with its best learning rate. epochs, updates, s: of one training; s as "
        "measured in a fleet of its kind. at: the best objective so far, mean over seeds, after "
        f"{least['epochs']:.0f} epochs, {least['updates']:.0f} updates, "
        f"{size_text(least['seconds'])} s; a dash where that pays for no whole epoch.",
    )
