"""A compact copy of a results folder, to be kept or passed on: a few MB for ten thousand trials."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from suite.errors import UsageError
from suite.frame import described
from suite.publication import TABLES
from suite.search.log import ASKS, CHOICES
from suite.store import PACKED, RECORD, Store, encode
from suite.trial import Outcome

DIGITS = 4
"""Significant digits of curves in a copy; metrics keep all of theirs."""


def archive(results: Path, copy: Path) -> Path:
    """Copy what a results folder cannot be made anew without, and its tables; return the record.

    The copy is read like any other results folder (`compare`, `report`, `load_results`). Its record
    is one compressed segment; curves are rounded to `DIGITS` significant digits.

    Raises:
        UsageError: there is something at `copy` already.
        RecordError: `results` is no results folder.
    """
    described(results)
    if copy.exists():
        raise UsageError(f"Expected a folder that does not exist yet. Received: {copy}.")
    outcomes = Store(results).outcomes()
    (copy / RECORD).mkdir(parents=True)
    shutil.copyfile(results / "run.json", copy / "run.json")
    for path in sorted((results / TABLES).glob("*.csv")) + sorted((results / TABLES).glob("*.md")):
        (copy / TABLES).mkdir(exist_ok=True)
        shutil.copyfile(path, copy / TABLES / path.name)
    for name in (ASKS, CHOICES):
        if (results / f"{name}.csv").exists():  # searches
            shutil.copyfile(results / f"{name}.csv", copy / f"{name}.csv")
    segment = copy / RECORD / f"archive.jsonl{PACKED}"
    lines = "".join(encode(_rounded(outcomes[key])) + "\n" for key in sorted(outcomes))
    segment.write_bytes(gzip.compress(lines.encode(), compresslevel=9, mtime=0))
    return segment


def _rounded(outcome: Outcome) -> Outcome:
    return replace(outcome, curves={log: _short(curve) for log, curve in outcome.curves.items()})


def _short(curve: Sequence[float]) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in curve]
