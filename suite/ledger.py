"""What went wrong and what it cost: divergence by level, seconds by task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from suite.frame import HP
from suite.held import ordered_levels
from suite.trial import Level


def divergence(rows: pd.DataFrame, factors: Mapping[str, Sequence[Level]]) -> pd.DataFrame:
    """The rate of diverged trials by level, with Wilson's 95% interval (1927).

    Columns: `task`, `factor`, `level`, `trials`, `diverged`, `rate`, `low`, `high`.

    Args:
        rows: of one task, as `suite.summary.of_task` gives them.
        factors: with the order of their levels.
    """
    found = []
    for factor, order in factors.items():
        for level in ordered_levels(rows, factor, order):
            own = rows[rows[f"{HP}{factor}"] == level]
            count = int((own["status"] == "diverged").sum())
            low, high = proportion_confint(count, len(own), method="wilson")
            found.append(
                {
                    "task": own["task"].iloc[0],
                    "factor": factor,
                    "level": level,
                    "trials": len(own),
                    "diverged": count,
                    "rate": count / len(own),
                    "low": float(low),
                    "high": float(high),
                }
            )
    return pd.DataFrame(found)


def costs(frame: pd.DataFrame) -> pd.DataFrame:
    """What each task's trials took; one row a task.

    Columns: `task`, `trials`, `completed`, `diverged`, `failed`, `epochs` (trained in all),
    `seconds` (of training, over all trials), `seconds_a_trial`.
    """
    found = []
    for task, own in frame.groupby("task", sort=False):
        counts = own["status"].value_counts()
        found.append(
            {
                "task": task,
                "trials": len(own),
                **{s: int(counts.get(s, 0)) for s in ("completed", "diverged", "failed")},
                "epochs": int(own["epochs"].sum()),
                "seconds": float(own["seconds"].sum()),
                "seconds_a_trial": float(own["seconds"].mean()),
            }
        )
    return pd.DataFrame(found)
