"""What notebooks use: `suite.load_results(folder)`.

>>> import suite
>>> results = suite.load_results("results/reference")   # doctest: +SKIP
>>> results.verdicts().query("verdict == 'helps'")      # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from suite.compare import Comparison, compare
from suite.evidence import Evidence
from suite.reading import Reading, read
from suite.tables.table import Table
from suite.trial import Outcome


class Results:
    """A results folder, read. Nothing in the folder is changed, and no Keras is imported.

    Made by `load_results`. `reading` holds the parts that the methods are made of.
    """

    def __init__(self, reading: Reading) -> None:
        self.reading = reading

    def __repr__(self) -> str:
        """The folder, its study, tasks and number of trials."""
        tasks = ", ".join(self.reading.judged)
        name = self.reading.study.name
        return f"<Results {self.reading.folder}: {name} on {tasks}, {len(self)} trials>"

    def __len__(self) -> int:
        """Number of recorded trials."""
        return len(self.reading.outcomes)

    @property
    def evidence(self) -> Evidence:
        """Effects, pairs, importance and the rest by task; see `suite.evidence`."""
        return self.reading.evidence

    def dataframe(self) -> pd.DataFrame:
        """One row a trial.

        Columns: `task`, `study`, `trial` (its key), `seed`, `status`, `engine`, one `hp.<name>` a
        hyperparameter, `epoch` (selected, from 1), `epochs`, `val.<metric>` and `test.<metric>`,
        `seconds`, `message`.
        """
        return self.reading.frame.copy()

    def curves(self, task: str | None = None) -> pd.DataFrame:
        """One row a trial, epoch and log of Keras, of one task or of all.

        Columns: `task`, `trial`, `seed`, `epoch` (from 1), `log` (`loss`, `val_loss`, ...) and
        `value`. A trial that diverged has the epochs before it did.
        """
        rows = [
            row
            for outcome in self.reading.outcomes.values()
            if task in (None, outcome.trial.task)
            for row in _curve_rows(outcome)
        ]
        return pd.DataFrame(rows, columns=["task", "trial", "seed", "epoch", "log", "value"])

    def verdicts(self) -> pd.DataFrame:
        """Every level of every factor against the factor's first level; empty for a search.

        Columns as of `suite.contrasts.levels`, among them `effect`, `low`, `high` in units of the
        test metric, `p_holm`, `verdict` and, where it is "underpowered", `more_seeds`.
        """
        levels = self.evidence.levels
        return levels[levels["verdict"] != ""].reset_index(drop=True) if len(levels) else levels

    def tables(self) -> Iterator[Table]:
        """The tables that a run prints and writes."""
        return self.reading.tables()

    def compare(self, other: Results | str | PathLike[str]) -> Comparison:
        """What changed from these results to newer ones, paired by trial."""
        newer = other if isinstance(other, Results) else load_results(other)
        return compare(self.reading, newer.reading)


def _curve_rows(outcome: Outcome) -> Iterator[dict[str, Any]]:
    trial = outcome.trial
    for log, curve in outcome.curves.items():
        for epoch, value in enumerate(curve, start=1):
            yield {
                "task": trial.task,
                "trial": trial.key,
                "seed": trial.seed,
                "epoch": epoch,
                "log": log,
                "value": value,
            }


def load_results(path: str | PathLike[str]) -> Results:
    """Read a results folder, such as `results/reference`.

    Raises:
        RecordError: the folder is none that a run has left.
    """
    return Results(read(Path(path)))
