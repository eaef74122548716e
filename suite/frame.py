"""The record as a data frame: one row a trial. What every table is made from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from suite.detectors import reported
from suite.errors import RecordError
from suite.foreign import parsed, text_of
from suite.forms import check_run
from suite.segments import RECORD
from suite.store import Store
from suite.trial import Outcome

HP = "hp."


def frame_of(outcomes: Iterable[Outcome], study: str) -> pd.DataFrame:
    """One row a trial: `task`, `study`, `trial`, `seed`, `status`, `engine`, `hp.<name>`..., then
    `epoch`, `epochs`, the metrics (`val.<metric>`, `test.<metric>`), `sparsity` (share of small
    weights at the selected epoch), `signs` (what the detectors report, where trainings were looked
    into), `mixed` (what differed from that which the folder was begun with, where something did),
    `seconds`, `message`.
    """
    every = [*outcomes]
    if not every:
        return pd.DataFrame(columns=_ordered([]))
    trials = [outcome.trial for outcome in every]
    frame = pd.DataFrame(
        {
            "task": [trial.task for trial in trials],
            "study": study,
            "trial": [trial.key for trial in trials],
            "seed": [trial.seed for trial in trials],
            "status": [outcome.status.value for outcome in every],
            "engine": [outcome.engine for outcome in every],
            **{f"{HP}{name}": own for name, own in _columns([t.hp for t in trials])},
            "epoch": pd.Series([outcome.epoch for outcome in every]),
            "epochs": [trial.epochs for trial in trials],
            **dict(_columns([outcome.metrics for outcome in every])),
            "seconds": [outcome.seconds for outcome in every],
            "message": [outcome.message for outcome in every],
        }
    )
    if any(outcome.mixed for outcome in every):
        frame["mixed"] = [outcome.mixed for outcome in every]
    if any(outcome.health for outcome in every):
        frame["signs"] = reported([outcome.health for outcome in every])
    return frame[_ordered(list(frame.columns))]


def _columns(rows: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, list[Any]]]:
    """The columns of rows that name them, NaN where a row does not."""
    names = dict.fromkeys(name for row in rows for name in row)
    yield from ((name, [row.get(name, math.nan) for row in rows]) for name in names)


def _ordered(columns: list[str]) -> list[str]:
    """Identity first, then factors, then measurements, whatever the first task brought."""
    head = ["task", "study", "trial", "seed", "status", "engine"]
    tail = [*(name for name in ("signs", "mixed") if name in columns), "seconds", "message"]
    factors = [name for name in columns if name.startswith(HP)]
    metrics = [name for name in columns if name.startswith(("val.", "test.", "sparsity"))]
    return [*head, *factors, "epoch", "epochs", *metrics, *tail]


def factor_columns(frame: pd.DataFrame) -> list[str]:
    """The `hp.` columns that hold more than one level."""
    return [c for c in frame.columns if c.startswith(HP) and frame[c].nunique() > 1]


def recipe_columns(frame: pd.DataFrame) -> list[str]:
    """The `hp.` columns that apply to these rows."""
    return [c for c in frame.columns if c.startswith(HP) and frame[c].notna().any()]


def read_results(folder: Path) -> tuple[pd.DataFrame, Mapping[str, Any]]:
    """A results folder's trials and its `run.json`; RecordError where there is none."""
    run = described(folder)
    return frame_of(Store(folder).outcomes().values(), run["study"]["name"]), run


def described(folder: Path) -> Mapping[str, Any]:
    """The `run.json` of a results folder; RecordError where there is none."""
    description = folder / "run.json"
    if not (folder / RECORD).is_dir() or not description.is_file():
        raise RecordError(
            f"Expected a results folder, with record/ and run.json in it. Received: {folder}."
        )
    try:
        run: Mapping[str, Any] = parsed(text_of(description, folder))
    except ValueError as error:
        raise RecordError(f"Expected JSON in {description}. Received: {error}.") from error
    check_run(run, description)
    return run
