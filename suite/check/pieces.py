"""A task on fewer rows, or on others; and how far two short trainings are apart."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from suite.data import Data, Split
from suite.task import Task
from suite.trial import Outcome


def on(task: Task, data: Data) -> Task:
    """`task` on other data."""
    other = copy.copy(task)
    other.dataset = data
    return other


def cut(data: Data, rows: Mapping[str, int]) -> Data:
    """At most so many rows of each split, taken at equal distances."""
    train, val, test = (_cut(split, rows[name]) for name, split in data.splits.items())
    return replace(data, train=train, val=val, test=test, times=None)


def _cut(split: Split, rows: int) -> Split:
    if len(split) <= rows:
        return split
    return split.take(np.linspace(0, len(split) - 1, rows).astype(int))


def curves_gap(one: Outcome, other: Outcome) -> float:
    """The largest relative difference between the curves of two trainings, as long as both go."""
    gaps = [
        abs(a - b) / max(abs(a), abs(b), 1e-6)
        for name in set(one.curves) & set(other.curves)
        for a, b in zip(one.curves[name], other.curves[name], strict=False)  # one may have diverged
    ]
    return max(gaps, default=0.0)
