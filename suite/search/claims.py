"""Claims about tuners, held against what their searches reached and chose."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suite.claims import against, answered
from suite.contrasts import TUNED
from suite.search.merit import area, regret
from suite.search.study import TunerClaim
from suite.search.tables import REFERENCE, Searches
from suite.study import SMALLEST_EFFECT

Floats = NDArray[np.float64]
TRIED = "median trial"


@dataclass(frozen=True)
class Duel:
    """One claim on one task, search by search.

    Attributes:
        row: the columns of `suite.claims.claims_frame` that say what is claimed.
        level, reference: shape (searches,), paired by repeat.
    """

    row: Mapping[str, Any]
    level: Floats
    reference: Floats


def duels(claims: Sequence[TunerClaim], found: Sequence[Searches]) -> Iterator[Duel]:
    """Each claim on each task whose searches it is about."""
    for claim in claims:
        for searches in found:
            if {claim.tuner, REFERENCE} <= {*searches.budgets}:
                yield _duel(claim, searches)


def _duel(claim: TunerClaim, searches: Searches) -> Duel:
    own = [_figure(claim.measure, searches, name) for name in (claim.tuner, REFERENCE)]
    names = {"factor": "tuner", "level": claim.tuner, "reference": REFERENCE}
    if claim.measure == "typical":
        own[1] = searches.of(claim.tuner).groupby("repeat")["test"].median()
        names = {"factor": claim.tuner, "level": "choice", "reference": TRIED}
    one, two = (figures.astype(float).dropna() for figures in own)
    shared = one.index.intersection(two.index)
    row = {
        "claim": claim.claim,
        "task": searches.judged.task,
        "measure": "regret" if claim.measure == "regret" else "score",
        "direction": "lower" if claim.measure == "regret" else "higher",
        "smallest": 0.0 if claim.measure == "regret" else SMALLEST_EFFECT,
        "view": TUNED,
        "where": "",
    }
    arms = (np.array(figures[shared], np.float64) for figures in (one, two))
    return Duel(row | names, *arms)


def _figure(measure: str, searches: Searches, tuner: str) -> pd.Series[float]:
    """A measure of each repeat of a tuner's search."""
    if measure != "regret":
        return searches.chosen(tuner)["fresh_test"]
    return area(regret(searches.curves(tuner), searches.known, searches.judged.direction))


def search_claims(found: Sequence[Duel]) -> pd.DataFrame:
    """One row a claim and task, with the columns of `suite.claims.claims_frame`."""
    rows = []
    for duel in found:
        sides = {"value": duel.level, "value_reference": duel.reference}
        means = {name: float(own.mean()) if len(own) else np.nan for name, own in sides.items()}
        rows.append({**duel.row, **means, **against(duel.level - duel.reference)})
    return answered(rows)
