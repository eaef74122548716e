"""Measures: what a claim can be about, one figure a trial, from curves, metrics and health."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from suite.health import Health
from suite.summary import Judged
from suite.trial import Outcome, Status
from suite.vitals import FLOOR, array_of, has_kernel

Floats = NDArray[np.float64]
FAR = 0.9
"""How far from where trainings begin to the best recipe the target of `epochs` lies."""


def measured(
    measure: str,
    rows: pd.DataFrame,
    judged: Judged,
    outcomes: Mapping[str, Outcome],
    best: NDArray[np.bool_],
) -> pd.Series[float]:
    """A measure of each trial; NaN where a trial has none.

    Args:
        measure: a name of `suite.claim.MEANINGS`.
        rows: of one task, as `suite.summary.of_task` gives them.
        outcomes: by trial key.
        best: which of the rows are of the best recipe, true or false.
    """
    if measure == "score":
        return rows["test"]
    found = [outcomes[trial] for trial in rows["trial"]]
    goal = target(found, judged, best) if measure == "epochs" else math.nan
    most = max((own.trial.epochs for own in found), default=0)
    figures: Mapping[str, Callable[[Outcome], float]] = {
        "gap": lambda own: _gap(own, judged),
        "epochs": lambda own: epochs_to(own, judged, goal, most),
        "rises": _rises,
        "jitter": lambda own: _jitter(own, judged),
        "seconds": lambda own: own.seconds / max(1, _epochs(own)),
        "sparsity": lambda own: own.metrics.get("sparsity", math.nan),
        "decay": lambda own: _seen(own.health, "gradient", _decay),
        "gradient": lambda own: _seen(own.health, "gradient", lambda norms: norms[:, 0].max()),
        "update": lambda own: _seen(own.health, "update", np.min),
        "diverged": lambda own: float(own.status is Status.DIVERGED),
    }
    return pd.Series([figures[measure](own) for own in found], rows.index, dtype=float)


def objective_of(outcome: Outcome, judged: Judged) -> Floats:
    """The objective on validation, epoch by epoch; less is better."""
    curve = np.array(outcome.curves.get(f"val_{judged.objective}", ()), float)
    return curve if judged.direction == "min" else -curve


def target(found: Sequence[Outcome], judged: Judged, best: NDArray[np.bool_]) -> float:
    """The objective, less is better, that counts as learned: `FAR` of the way to the best recipe.

    The way begins at the median of all trials after their first epoch, and ends at the mean over
    seeds of the best epoch of the recipe that is best on validation. NaN where there is neither.
    """
    firsts = [own[0] for own in (objective_of(o, judged)[:1] for o in found) if len(own)]
    curves = (
        objective_of(own, judged) for own, is_best in zip(found, best, strict=True) if is_best
    )
    lasts = [curve.min() for curve in curves if len(curve)]
    if not firsts or not lasts:
        return math.nan
    begin, end = float(np.median(firsts)), float(np.mean(lasts))
    return begin + FAR * (end - begin)


def epochs_to(outcome: Outcome, judged: Judged, goal: float, most: int) -> float:
    """The first epoch, from 1, that reaches `goal`; one more than `most`, where none does."""
    reached = np.flatnonzero(objective_of(outcome, judged) <= goal)
    return float(reached[0] + 1) if len(reached) else float(most + 1)


def _epochs(outcome: Outcome) -> int:
    return max(map(len, outcome.curves.values()), default=0)


def _gap(outcome: Outcome, judged: Judged) -> float:
    train = outcome.curves.get(judged.objective, ())
    held = objective_of(outcome, judged)
    if outcome.status is not Status.COMPLETED or not len(train) or not len(held):
        return math.nan
    sign = 1.0 if judged.direction == "min" else -1.0
    return float(held[-1] - sign * train[-1])


def _rises(outcome: Outcome) -> float:
    loss = np.array(outcome.curves.get("loss", ()), float)
    return float((np.diff(loss) > 0).mean()) if len(loss) > 1 else math.nan


def _jitter(outcome: Outcome, judged: Judged) -> float:
    curve = objective_of(outcome, judged)
    if not len(curve):
        return math.nan
    descent = np.diff(curve[: curve.argmin() + 1])
    return float((descent > 0).mean()) if len(descent) else 0.0


def _decay(norms: Floats) -> float:
    return float(norms[-1, 0] - norms[0, 0])


def _seen(health: Health | None, name: str, figure: Callable[[Floats], float]) -> float:
    """A figure of the logarithms of a norm by layer and epoch, layers with a kernel alone."""
    if health is None or not health.epochs:
        return math.nan
    kept = [i for i, layer in enumerate(health.layers) if has_kernel(layer)]
    norms = np.log10(np.maximum(array_of([health], name)[0][kept], FLOOR))
    return float(figure(norms)) if kept else math.nan
