"""What an examiner has to say: findings, each with its remedy, and remarks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

DATA = "data"
MODEL = "model"
TRAINING = "training"
SPEED = "speed"


@dataclass(frozen=True)
class Finding:
    """A fault.

    Attributes:
        found: what was found, with numbers.
        means: why it matters.
        remedy: what to change.
        spoils: what later examiners cannot rely on: `DATA`, `MODEL`, `TRAINING`,
            `SPEED`.
    """

    found: str
    means: str
    remedy: str
    spoils: tuple[str, ...] = ()


@dataclass(frozen=True)
class Remark:
    """Something worth knowing that is no fault."""

    text: str


Note = Finding | Remark


def some(names: Sequence[object], most: int = 6) -> str:
    """A list for a sentence, cut short.

    >>> some(["a", "b", "c"], most=2)
    'a, b and 1 more'
    """
    shown = ", ".join(str(name) for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


def counted(number: int, noun: str) -> str:
    """A number with its noun.

    >>> counted(1, "row"), counted(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
