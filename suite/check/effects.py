"""Effects: every declared hyperparameter changes the model, its start, or its training."""

from __future__ import annotations

from collections.abc import Iterator

from suite.check.note import Finding, Note, some
from suite.check.pieces import curves_gap
from suite.check.recipes import Declared, Recipe
from suite.check.sketch import other_model, same_model
from suite.check.subject import EPOCHS, Subject
from suite.factors import FACTORS
from suite.trial import Level

EQUAL = 1e-6
"""Relative difference up to which two curves of one program are the same training."""


def examine(subject: Subject) -> Iterator[Note]:
    """See `suite.check.examine`.

    A level that changes neither layers nor starting weights is trained beside the default, from the
    same seed. One without effect is tried again with each other hyperparameter of the task changed.
    """
    for own in subject.declared:
        bases = [{}, *_bases(own, subject)]
        idle = [level for level in own.levels if _is_idle(own, level, bases, subject)]
        if idle and len(idle) == len(own.levels):
            yield _without_effect(own, subject)
        elif idle:
            yield Finding(
                f"{own.name}: {some([repr(level) for level in idle])} gives the very model of "
                f"{own.name}={own.default!r}.",
                "A study compares a level with itself under two names.",
                "Drop these levels, or let build(hp) tell them apart.",
            )


def _bases(own: Declared, subject: Subject) -> Iterator[Recipe]:
    """Recipes in which a hyperparameter may count that does not on the defaults."""
    for other in subject.declared:
        if other.name not in FACTORS and other.name != own.name:
            yield from (other.recipe(level, {}) for level in other.levels)
    yield subject.all_on


def _is_idle(own: Declared, level: Level, bases: list[Recipe], subject: Subject) -> bool:
    """Whether a level changes nothing, whatever the others are."""
    return not any(_counts(own, level, base, subject) for base in bases)


def _counts(own: Declared, level: Level, base: Recipe, subject: Subject) -> bool:
    """Whether a level changes anything beside the default, the others as in `base`."""
    before, after = (
        own.recipe(own.default, base) if base else {**own.opened},
        own.recipe(level, base),
    )
    one, other = subject.built(before), subject.built(after)
    if one is None or other is None:  # the contract reports it
        return one is not other
    if same_model(one, other):
        return False
    if other_model(one, other):
        return True
    plain, changed = subject.short(before), subject.short(after)
    return plain.status != changed.status or curves_gap(plain, changed) > EQUAL


def _without_effect(own: Declared, subject: Subject) -> Finding:
    levels = [repr(level) for level in own.levels]
    trained = not all(
        same_model(subject.sketch(own.opened), subject.sketch(own.recipe(level, {})))
        for level in own.levels
    )
    how = f" and equal curves over {EPOCHS} epochs" if trained else ""
    use = (
        "Build hidden layers with use.dense or use.conv, spread **use.kernel() into others, add "
        "use.dropout(), compile with use.optimizer(); or leave the factor out of your studies."
    )
    return Finding(
        f"{own.name} has no effect: {some(levels)} and {own.default!r} give the same layers, the "
        f"same starting weights{how}.",
        "A study that varies it compares a recipe with itself.",
        use if own.name in FACTORS else "Use its value in build(hp), or do not declare it.",
    )
