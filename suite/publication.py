"""What is derived from a results folder: trials as tables, the tables, figures, the report."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from suite.csvtext import csv_parts
from suite.errors import RecordError
from suite.files import replacing, write_whole
from suite.reading import Reading
from suite.report.page import write_both
from suite.tables.table import Table
from suite.uncollected import apart
from suite.views import write_manifest

TABLES = "tables"
FIGURES = "figures"
PAGE = "report.html"


@apart()
def publish(reading: Reading, folder: Path) -> list[Table]:
    """Write every derived file into `folder`; return the tables.

    Raises RecordError where a part of it is a link, which may lead anywhere.
    """
    for part in (folder / TABLES, folder / FIGURES):
        if part.is_symlink():
            raise RecordError(f"Expected a folder at {part}. Received: a link to {part.resolve()}.")
    write_trials(reading.frame, folder)
    tables = list(reading.tables())
    for table in tables:
        table.write(folder / TABLES)
    write_both(reading, folder / PAGE, folder / FIGURES)
    write_manifest(folder, reading.outcomes)
    return tables


def write_trials(frame: pd.DataFrame, folder: Path) -> None:
    """Write `trials.csv` and `trials.parquet`; nothing where there are no trials yet."""
    if len(frame):
        write_whole(folder / "trials.csv", csv_parts(frame))
        with replacing(folder / "trials.parquet") as beside:
            frame.to_parquet(beside, index=False)
