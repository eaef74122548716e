"""Data frames as CSV that a spreadsheet takes for data alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

ACTIVE = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet takes for a formula."""
MARK = "'"
"""What makes a text of it, as spreadsheets themselves write it."""


PART = 10_000
"""Rows that are made text of at a time."""


def csv_parts(frame: pd.DataFrame) -> Iterator[str]:
    """`csv_text` bit by bit: the text of a hundred thousand trials takes much memory."""
    for start in range(0, max(1, len(frame)), PART):
        yield csv_text(frame.iloc[start : start + PART], header=not start)


def csv_text(frame: pd.DataFrame, header: bool = True) -> str:
    """A frame without its index. Texts that begin like a formula are marked; numbers never are."""
    texts = {
        name: column.map(marked)
        for name, column in frame.items()
        if not pd.api.types.is_numeric_dtype(column)
    }
    whole = frame.assign(**texts)  # type: ignore[arg-type]  # names of columns are texts
    whole.columns = pd.Index([marked(name) for name in frame.columns])
    return whole.to_csv(index=False, header=header)


def marked(cell: Any) -> Any:
    """A cell as it is written.

    >>> marked("=1+1"), marked("-0.5"), marked(-0.5), marked("adam")
    ("'=1+1", '-0.5', -0.5, 'adam')
    """
    if not isinstance(cell, str) or not cell.startswith((*ACTIVE, MARK)) or _is_number(cell):
        return cell
    return MARK + cell


def unmarked(cell: Any) -> Any:
    """A cell as it was before it was written."""
    return cell[1:] if isinstance(cell, str) and cell.startswith(MARK) else cell


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
