"""A search study: which tuners search which space with what budget, declared before it runs."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Discriminator, Field, PlainValidator, Tag, model_validator

from suite.errors import StudyError, unknown
from suite.factors import FACTORS
from suite.part import Part, ValidLevel
from suite.study import (
    EpochsByTask,
    Few,
    Levels,
    Name,
    Question,
    Word,
    Words,
    check_levels,
    check_size,
    level_error,
)
from suite.trial import canonical

TUNERS = {
    "grid": "every cell of the space in shuffled order; a continuous range at five points",
    "random": "KerasTuner's random search",
    "bayesian": "KerasTuner's Gaussian process with an upper confidence bound",
    "hyperband": "KerasTuner's Hyperband: many short trainings, the best third goes on",
    "tpe": "Optuna's tree-structured Parzen estimator, asked in batches",
}
"""The tuners by name, with their meaning. Their oracles are made in `suite.search.tuners`."""


def _number(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise ValueError("a finite number")


Number = Annotated[float, PlainValidator(_number)]


class Range(Part):
    """Numbers that a tuner chooses from.

    Attributes:
        low, high: the ends, both included. 16 and 16.0 are the same end.
        step: the distance of two neighbours; with a logarithmic sampling, their ratio. Without it
            every number between the ends (every whole number, where the task wants one).
        sampling: how the ends are filled: "linear", "log" or "reverse_log"; where it is left out,
            as the factor or the task has it, and linear where neither says.
    """

    low: Number
    high: Number
    step: Number | None = None
    sampling: Literal["linear", "log", "reverse_log"] | None = None


Searched = Annotated[
    Annotated[Levels, Tag("<plain>")] | Annotated[Range, Tag("<range>")],
    Discriminator(lambda value: "<range>" if isinstance(value, dict | Range) else "<plain>"),
]
Count = Annotated[int, Field(ge=1, le=10_000)]
Fresh = Annotated[int, Field(ge=0, le=1_000)]
Times = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class TunerClaim(Part):
    """A claim about a tuner.

    Attributes:
        claim: the sentence that is tested.
        tuner: a name out of `TUNERS` or "random x2", the yardstick.
        measure: "regret": it stays closer to the best objective known on its way than random
            search; "choice": what it chose scores higher on test, on fresh seeds, than what random
            search chose; "typical": than the median trial of its own search.
    """

    claim: str
    tuner: str
    measure: Literal["regret", "choice", "typical"] = "regret"


class SearchPreset(Part):
    """What a preset changes; entries of `space` and `fixed` replace those of the study by name."""

    tuners: Words | None = None
    yardstick: Times | None = None
    trials: Count | None = None
    batch: Count | None = None
    epochs: EpochsByTask | None = None
    repeats: Count | None = None
    fresh: Fresh | None = None
    space: dict[Word, Searched] = Few
    own: bool | None = None
    fixed: dict[Word, ValidLevel] = Few


@dataclass(frozen=True)
class Entrant:
    """One contender of a study: a tuner with a budget, under the name that the tables show.

    Attributes:
        tuner: a name out of `TUNERS`.
        trials: the budget in full trainings; one of so many times the epochs of a full training.
        yardstick: it has more to spend than the others, who are measured against it.
    """

    name: str
    tuner: str
    trials: int
    yardstick: bool = False


class SearchStudy(Part):
    """One declared comparison of tuners.

    Attributes:
        name, question: what it is called and what it asks.
        tasks: the tasks it is meant for; empty for every task there is.
        tuners: names out of `TUNERS`.
        yardstick: random search with so many times the budget runs beside the tuners; 0 for none.
        trials: the budget of a search in full trainings. It is spent in epochs: Hyperband trains
            more recipes, most of them shorter.
        batch: trials that a search asks for at once.
        epochs: epochs of a full training, by task or for all; a task's own where it says nothing.
        repeats: independently seeded searches of each tuner.
        fresh: seeds on which the recipe that a search chose is trained again.
        space: levels or a range for each hyperparameter that is searched.
        own: the task's own hyperparameters (those that are no standard factor) are searched too,
            as the task declares them, where `space` says nothing else.
        fixed: hyperparameters with one value for all. Standard factors that are named nowhere
            stay at their defaults.
        claims: about tuners, confirmed by the searches or not (`suite.search.claims`).
        presets: named sizes of the study.
    """

    repeated: ClassVar[str] = "repeats"
    """The key that says how often everything is repeated."""

    kind: Literal["search"] = "search"
    name: Name
    question: Question
    tasks: Words = Field(default_factory=list)
    tuners: Words = Field(default_factory=lambda: list(TUNERS))
    yardstick: Times = 2.0
    trials: Count = 60
    batch: Count = 8
    epochs: EpochsByTask | None = None
    repeats: Count = 10
    fresh: Fresh = 3
    space: dict[Word, Searched] = Few
    own: bool = True
    fixed: dict[Word, ValidLevel] = Few
    claims: list[TunerClaim] = Field(default_factory=list, max_length=100)
    presets: dict[Word, SearchPreset] = Few

    @model_validator(mode="after")
    def _whole(self) -> SearchStudy:
        for sized in (self, *map(self.at, self.presets)):
            _check_tuners(sized.tuners)
            check_size(sized.name, sized.trainings)
            _check_yardstick(sized.yardstick)
            _check_space(sized)
        names = [entrant.name for entrant in self.entrants()]
        for claim in self.claims:
            if claim.tuner not in names:
                raise StudyError(
                    f"In claim {claim.claim!r}: {unknown('tuner', claim.tuner, names)}"
                )
        return self

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits over the declaration; repeats, fresh seeds and presets change nothing.

        More repeats add searches and leave those there are as they were.
        """
        content = self.model_dump(mode="json", exclude={"presets", "repeats", "fresh", "claims"})
        return hashlib.sha256(canonical(content).encode()).hexdigest()[:16]

    def at(self, preset: str | None) -> SearchStudy:
        """The study in the size of `preset`; itself for None."""
        if preset is None:
            return self
        if preset not in self.presets:
            raise unknown("preset", preset, self.presets)
        change = {k: v for k, v in dict(self.presets[preset]).items() if v is not None}
        merged = {k: {**getattr(self, k), **change[k]} for k in ("space", "fixed")}
        return self.model_copy(update={**change, **merged})

    def epochs_for(self, task: str, default: int) -> int:
        """Epochs of a full training of `task`, whose own default is given."""
        if isinstance(self.epochs, Mapping):
            return self.epochs.get(task, default)
        return default if self.epochs is None else self.epochs

    @property
    def trainings(self) -> int:
        """Full trainings of one task, those of the choices included."""
        entrants = self.entrants()
        return self.repeats * (sum(own.trials for own in entrants) + self.fresh * len(entrants))

    def entrants(self) -> list[Entrant]:
        """The tuners in the study's order, then the yardstick, if there is one."""
        found = [Entrant(tuner, tuner, self.trials) for tuner in self.tuners]
        if self.yardstick:
            trials = round(self.yardstick * self.trials)
            found.append(Entrant(f"random x{self.yardstick:g}", "random", trials, yardstick=True))
        return found


def _check_tuners(tuners: Sequence[str]) -> None:
    if not tuners:
        raise StudyError("Expected at least one tuner. Received: tuners=[].")
    for tuner in tuners:
        if tuner not in TUNERS:
            raise StudyError(str(unknown("tuner", tuner, TUNERS)))
    if len(set(tuners)) < len(tuners):
        raise StudyError(f"Expected each tuner once. Received: tuners={list(tuners)}.")


def _check_yardstick(times: float) -> None:
    """More than the tuners' own budget, or none: random search with an equal one is a tuner."""
    if 0 < times <= 1:
        raise StudyError(
            "Expected a yardstick of more than 1 times the budget, or 0 for none. "
            f"Received: yardstick={times:g}."
        )


def _check_space(study: SearchStudy) -> None:
    """Raise StudyError for a name twice, or for levels and ranges that no model accepts."""
    for name in study.space:
        if name in study.fixed:
            raise StudyError(
                f"Expected {name!r} in one of space and fixed. Received: {name} in both."
            )
    if not study.space and not study.own:
        raise StudyError(
            "Expected something to search: entries in space, or own = true. "
            "Received: an empty space and own=false."
        )
    check_levels({k: [v] for k, v in study.fixed.items()})
    for name, searched in study.space.items():
        if isinstance(searched, Range):
            check_range(name, searched)
        else:
            check_levels({name: searched})


def check_range(name: str, numbers: Range) -> None:
    """Raise StudyError where the range is empty or its ends are none that factor `name` has."""
    ends = f"low={numbers.low:g}, high={numbers.high:g}"
    if numbers.low >= numbers.high:
        raise StudyError(f"Expected the range of {name!r} to have low < high. Received: {ends}.")
    factor = FACTORS.get(name)
    if factor and factor.levels:
        raise StudyError(f"Expected a list of levels for {name!r}. Received: a range, {ends}.")
    for end in (numbers.low, numbers.high) if factor else ():
        refusal = factor.refusal(end) if factor else None
        if refusal:
            raise level_error(name, end, refusal, ())
    check_sampling(name, numbers, numbers.sampling or (factor.sampling if factor else ""))


def check_sampling(name: str, numbers: Range, sampling: str) -> None:
    """Raise StudyError where `sampling` ("" for linear) and the range do not go together."""
    logarithmic = sampling in ("log", "reverse_log")
    if logarithmic and numbers.low <= 0:
        raise StudyError(
            f"Expected the range of {name!r} to begin above 0, since its sampling is {sampling!r}. "
            f"Received: low={numbers.low:g}."
        )
    least = 1 if logarithmic else 0
    if numbers.step is not None and numbers.step <= least:
        raise StudyError(
            f"Expected the step of {name!r} to be more than {least} "
            f"({'a ratio' if logarithmic else 'a distance'}). Received: step={numbers.step:g}."
        )
