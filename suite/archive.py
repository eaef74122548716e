"""A compact copy of a results folder, to be kept or passed on: a few MB for ten thousand trials."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from suite.errors import UsageError
from suite.files import replacing
from suite.frame import described
from suite.line import encode
from suite.publication import TABLES
from suite.search.log import ASKS, CHOICES
from suite.segments import PACKED, RECORD
from suite.store import Store
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
    name = f"archive.jsonl{PACKED}"
    with replacing(copy) as beside:
        (beside / RECORD).mkdir(parents=True)
        shutil.copyfile(results / "run.json", beside / "run.json")
        for ending in ("csv", "md"):
            for path in sorted((results / TABLES).glob(f"*.{ending}")):
                (beside / TABLES).mkdir(exist_ok=True)
                shutil.copyfile(path, beside / TABLES / path.name)
        for log in (ASKS, CHOICES):
            if (results / f"{log}.csv").exists():  # searches
                shutil.copyfile(results / f"{log}.csv", beside / f"{log}.csv")
        lines = "".join(encode(_rounded(outcomes[key])) + "\n" for key in sorted(outcomes))
        packed = gzip.compress(lines.encode(), compresslevel=9, mtime=0)
        (beside / RECORD / name).write_bytes(packed)
    return copy / RECORD / name


def _rounded(outcome: Outcome) -> Outcome:
    return replace(outcome, curves={log: _short(curve) for log, curve in outcome.curves.items()})


def _short(curve: Sequence[float]) -> list[float]:
    return [float(f"{value:.{DIGITS}g}") for value in curve]
