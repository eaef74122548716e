"""Mechanism: what else changed inside the trainings where a technique was used.

An association over the matrix, not a cause: the technique may help for another reason.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suite.detectors import DETECTORS
from suite.stats.paired import sign_flip
from suite.stats.verdict import ALPHA

SIGNS = "signs"
"""The column of a trial's findings, as `suite.frame` writes it."""
CHANGED = 0.1
"""Share of an arm's trainings by which a sickness must have become rarer or commoner."""


def mechanism(arm: pd.DataFrame, against: pd.DataFrame) -> str:
    """What a level's trainings suffer from more or less often than the reference's, in words.

    "" where nothing changed by `CHANGED` and beyond chance (sign flips over seeds, Bonferroni over
    the detectors), and where the trainings were not looked into.

    Args:
        arm, against: rows of `suite.summary.of_task`, all cells and seeds of either level.
    """
    if SIGNS not in arm or arm[SIGNS].isna().all() or against[SIGNS].isna().all():
        return ""
    seeds = np.intersect1d(arm["seed"], against["seed"])
    ours, theirs = (_rates(own, seeds) for own in (arm, against))
    found = []
    for detector, one, two in zip(DETECTORS, ours, theirs, strict=True):
        known = np.isfinite(one - two)
        change = one[known] - two[known]
        if not len(change) or abs(change.mean()) < CHANGED:
            continue
        if sign_flip(change) <= ALPHA / len(DETECTORS):
            rates = f"{one[known].mean():.0%} instead of {two[known].mean():.0%}"
            found.append(f"{detector.plural} in {rates}")
    return f"{', '.join(found)} of its trainings" if found else ""


def _rates(rows: pd.DataFrame, seeds: NDArray[np.int64]) -> NDArray[np.float64]:
    """By detector and seed, the share of trainings with its finding; NaN where none was seen."""
    numbers, texts = pd.factorize(rows[SIGNS])
    known = (numbers >= 0) & np.isin(rows["seed"], seeds)
    at, count = np.searchsorted(seeds, rows["seed"][known]), len(seeds)
    has = np.array([[d.name in text.split(", ") for text in texts] for d in DETECTORS], float)
    with np.errstate(invalid="ignore"):
        totals = [np.bincount(at, own[numbers[known]], count) for own in has]
        shares: NDArray[np.float64] = np.array(totals) / np.bincount(at, minlength=count)
    return shares
