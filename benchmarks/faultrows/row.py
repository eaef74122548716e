"""One row of the table of faults: what goes wrong, what is promised, what was measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Found:
    """What a row measured.

    Attributes:
        figures: in words and numbers, such as "200 kills: 0 lost, 0 doubled".
        kept: whether they show what is promised.
    """

    figures: str
    kept: bool


@dataclass(frozen=True)
class Row:
    """A fault and its promise.

    Attributes:
        name: one short word or two, to ask for the row by.
        fault: what goes wrong.
        promise: what the suite promises then.
        measure: does the fault in an empty folder, `quick` in seconds or in full, and counts.
    """

    name: str
    fault: str
    promise: str
    measure: Callable[[Path, bool], Found]
