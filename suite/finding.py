"""A finding of the doctor's: what was looked at, what was found, what is left to do."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What was found in one respect.

    Attributes:
        name: in which.
        text: what was found.
        remedy: what is left for the user to do; empty where nothing is.
    """

    name: str
    text: str
    remedy: str = ""
