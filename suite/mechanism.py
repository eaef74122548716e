"""Mechanism: what else changed inside the trainings where a technique was used.

An association over the matrix, not a cause: the technique may help for another reason.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

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
    found = []
    for detector in DETECTORS:
        rates = [_rates(own, detector.name) for own in (arm, against)]
        seeds = rates[0].index.intersection(rates[1].index)
        if not len(seeds):
            continue
        ours, theirs = (own.loc[seeds].to_numpy(float) for own in rates)
        change = float(np.mean(ours - theirs))
        if abs(change) >= CHANGED and sign_flip(ours - theirs) <= ALPHA / len(DETECTORS):
            found.append(f"{detector.plural} in {ours.mean():.0%} instead of {theirs.mean():.0%}")
    return f"{', '.join(found)} of its trainings" if found else ""


def _rates(rows: pd.DataFrame, name: str) -> pd.Series[float]:
    """By seed, the share of trainings with this finding."""
    known = rows[rows[SIGNS].notna()]
    has = known[SIGNS].map(lambda text: name in text.split(", "))
    return has.groupby(known["seed"]).mean()
