"""A second look: exactly the seeds that underpowered verdicts ask for, within a budget of trials.

The error rate stays honest although one looks twice: stages are combined by the inverse normal
method with weights fixed beforehand, and both looks are held against Pocock's bounds
(`suite.stats.looks`). What the first look had settled at 5% and two looks would not have is open
again, and gets seeds as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from suite.contrasts import TUNED, levels
from suite.errors import UsageError
from suite.held import Scale, held_levels
from suite.reading import Reading
from suite.secondlook import SecondLook, second_look_of
from suite.stats.verdict import Verdict
from suite.study import Study, level_name
from suite.trial import Level, Outcome, Trial


@dataclass(frozen=True)
class Wish:
    """One comparison that more seeds would probably settle.

    Attributes:
        seeds: how many more, on each of `arms`' cells.
        arms: the level and its reference.
    """

    task: str
    factor: str
    arms: tuple[Level, Level]
    seeds: int

    @property
    def key(self) -> tuple[str, str, str]:
        """Task, factor and level, as a second look names it."""
        return self.task, self.factor, level_name(self.arms[0])


@dataclass(frozen=True)
class Resolution:
    """What a second look is to do.

    Attributes:
        look: the second look.
        granted: wishes within the budget.
        refused: wishes beyond it.
        hopeless: underpowered comparisons that not even a thousand more seeds would settle.
        trials: all that is to be trained, recorded or not.
    """

    look: SecondLook
    granted: Sequence[Wish]
    refused: Sequence[Wish]
    hopeless: int
    trials: Sequence[Trial]


def resolution_of(reading: Reading, budget: int | None = None) -> Resolution:
    """Plan a second look, or take up again the one that was begun.

    Args:
        reading: a finished matrix run.
        budget: trials at the most; by default as many as the first look had.

    Raises:
        UsageError: the folder holds a search, or a run that is not finished.
    """
    study = reading.study
    if not isinstance(study, Study):
        raise UsageError(
            f"Expected the results of a matrix. Received: {reading.folder}, a search; its "
            f"repeats are set by --seeds."
        )
    begun = second_look_of(reading.run)
    if begun:
        granted = [wish for wish in _wishes(reading, begun) if wish.key in begun.planned]
        granted = [replace(wish, seeds=begun.planned[wish.key]) for wish in granted]
        return Resolution(begun, granted, [], 0, _trials(reading, granted, begun.first))
    _check_finished(reading, study)
    wishes = [*_wishes(reading, SecondLook(study.seeds, {}))]
    able = [wish for wish in wishes if wish.seeds]
    limit = len(reading.outcomes) if budget is None else budget
    granted, refused = _within(reading, able, study.seeds, limit)
    look = SecondLook(study.seeds, {wish.key: wish.seeds for wish in granted})
    trials = _trials(reading, granted, study.seeds)
    return Resolution(look, granted, refused, len(wishes) - len(able), trials)


def _check_finished(reading: Reading, study: Study) -> None:
    """Raise UsageError where recipes lack seeds of the first look."""
    counts: dict[tuple[str, str], int] = {}
    for outcome in reading.outcomes.values():
        place = outcome.trial.task, outcome.trial.recipe
        counts[place] = counts.get(place, 0) + 1
    lacking = sum(count < study.seeds for count in counts.values())
    if lacking or reading.run.get("interrupted"):
        raise UsageError(
            f"Expected a finished run, every recipe on {study.seeds} seeds. Received: "
            f"{reading.folder}, where {lacking} recipes have fewer. Run the same command again, "
            f"which goes on where it stopped."
        )


def _wishes(reading: Reading, look: SecondLook) -> Iterable[Wish]:
    """The tuned comparisons that are open where two looks are planned.

    `seeds` is 0 where no number of seeds would do. Comparisons of a look that was begun all count.
    """
    for name, own in reading.evidence.tasks.items():
        scale = Scale(own.scale.rope, SecondLook(look.first, {}))
        table = levels([*held_levels(own.rows, own.judged, scale, own.factors)], scale)
        for row in table[table["view"] == TUNED].to_dict("records"):
            more = row["more_seeds"]
            arms = (row["level"], row["reference"])
            if (name, row["factor"], level_name(arms[0])) in look.planned:
                yield Wish(name, row["factor"], arms, 1)
            elif row["verdict"] == Verdict.UNDERPOWERED:
                yield Wish(name, row["factor"], arms, int(more) if math.isfinite(more) else 0)


def _within(
    reading: Reading, wishes: Sequence[Wish], first: int, budget: int
) -> tuple[list[Wish], list[Wish]]:
    """The wishes that fit the budget together, the cheapest first, and the others."""
    granted: list[Wish] = []
    refused: list[Wish] = []
    for wish in sorted(wishes, key=lambda own: len(_trials(reading, [own], first))):
        fits = len(_trials(reading, [*granted, wish], first)) <= budget
        (granted if fits else refused).append(wish)
    return granted, refused


def _trials(reading: Reading, wishes: Sequence[Wish], first: int) -> list[Trial]:
    """Every cell of both arms of every wish, on its further seeds; each trial once."""
    found: dict[str, Trial] = {}
    for wish in wishes:
        for cell in _cells(reading.outcomes.values(), wish):
            for seed in range(first, first + wish.seeds):
                trial = replace(cell, seed=seed)
                found[trial.key] = trial
    return list(found.values())


def _cells(outcomes: Iterable[Outcome], wish: Wish) -> list[Trial]:
    """One trial of every recipe in the two arms."""
    cells: dict[str, Trial] = {}
    for outcome in outcomes:
        trial = outcome.trial
        if trial.task == wish.task and trial.hp.get(wish.factor) in wish.arms:
            cells.setdefault(trial.recipe, trial)
    return list(cells.values())
