"""Parity: fleet and `model.fit` train the same trial to the same curves."""

from __future__ import annotations

from collections.abc import Iterator

from suite.check.note import Finding, Note
from suite.check.pieces import curves_gap
from suite.check.recipes import Recipe
from suite.check.subject import EPOCHS, Subject

TOLERANCE = 1e-3
"""Relative difference that rounding may make; the suite's own parity tests allow as much."""


def examine(subject: Subject) -> Iterator[Note]:
    """See `suite.check.examine`."""
    recipes: dict[str, Recipe] = {"on the default hyperparameters": {}}
    if subject.all_on:
        recipes["with the standard techniques switched on"] = subject.all_on
    for words, recipe in recipes.items():
        fleet, fit = subject.short(recipe), subject.fitted(recipe)
        gap = curves_gap(fleet, fit)
        if fleet.status == fit.status and gap <= TOLERANCE:
            continue
        statuses = f"fleet {fleet.status} {fleet.message}; fit {fit.status} {fit.message}"
        yield Finding(
            f"{words[0].upper()}{words[1:]}, the curves of fleet and fit differ by {gap:.1e} after "
            f"{EPOCHS} epochs (relative; {TOLERANCE:g} is allowed)."
            if fleet.status == fit.status
            else f"{words[0].upper()}{words[1:]}: {statuses}.",
            "A matrix, trained by the fleet, says nothing about what model.fit would give.",
            "Look for a fit() or train_step() of the model's own, class or sample weights, "
            "callbacks inside the model, and layers that keep Python numbers between batches.",
        )
