"""A study: which factors at which levels, on how many seeds, declared before it runs, in TOML."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Annotated, Any, ClassVar

from pydantic import AfterValidator, Discriminator, Field, Tag, model_validator

from suite.claim import Claim
from suite.errors import StudyError, unknown
from suite.factors import FACTORS
from suite.part import Part, ValidLevel
from suite.trial import Level, canonical
from suite.words import shown


def _one_type(levels: list[Level]) -> list[Level]:
    """Whole numbers among fractions become fractions: 0 and 0.0 are one level with one key."""
    if any(isinstance(level, float) for level in levels):
        return [float(v) if type(v) is int else v for v in levels]
    return levels


Levels = Annotated[list[ValidLevel], Field(max_length=1_000), AfterValidator(_one_type)]
Word = Annotated[str, AfterValidator(shown)]
"""The name of a factor or of a task."""
Words = Annotated[list[Word], Field(max_length=1_000)]
Few: Any = Field(default_factory=dict, max_length=100)
"""Of a table: as many entries as anybody may want."""
Question = Annotated[str, Field(max_length=10_000)]
Name = Annotated[str, Field(pattern=r"^[^/\\\x00-\x1f.][^/\\\x00-\x1f]*$"), AfterValidator(shown)]
Seeds = Annotated[int, Field(ge=1, le=10_000)]
Epochs = Annotated[int, Field(ge=1, le=1_000_000)]
Effect = Annotated[float, Field(ge=0, allow_inf_nan=False)]
EpochsByTask = Annotated[
    Annotated[Epochs, Tag("<plain>")] | Annotated[dict[str, Epochs], Tag("<table>")],
    Discriminator(lambda value: "<table>" if isinstance(value, dict) else "<plain>"),
]
EffectByTask = Annotated[
    Annotated[Effect, Tag("<plain>")] | Annotated[dict[str, Effect], Tag("<table>")],
    Discriminator(lambda value: "<table>" if isinstance(value, dict) else "<plain>"),
]


SMALLEST_EFFECT = 0.005
"""Half a point of accuracy or of AUC: what is worth knowing where a study does not say."""


class Dependent(Part):
    """Levels of a factor that differ with the level of another one.

    The learning rate under SGD and the learning rate under Adam are two hyperparameters.
    """

    by: Word
    levels: dict[Word, Levels]


Nuisance = Annotated[
    Annotated[Levels, Tag("<plain>")] | Annotated[Dependent, Tag("<dependent>")],
    Discriminator(
        lambda value: "<dependent>" if isinstance(value, dict | Dependent) else "<plain>"
    ),
]


class Paced(Part):
    """Epochs of a training that differ with the level of a factor.

    So trainings of unlike cost an epoch, such as those of other batch sizes, can be held against
    each other after as many updates, or after as many seconds.
    """

    by: str
    levels: dict[str, Epochs]


class Preset(Part):
    """What a preset changes: factors named here replace those of the study."""

    factors: dict[Word, Levels] = Few
    nuisance: dict[Word, Nuisance] = Few
    fixed: dict[Word, ValidLevel] = Few
    seeds: Seeds | None = None
    epochs: EpochsByTask | None = None
    paced: Paced | None = None
    diagnostics: bool | None = None


class Study(Part):
    """One declared study.

    Attributes:
        name, question: what it is called and what it asks.
        tasks: the tasks it is meant for; empty for every task there is.
        factors: the scientific factors and their levels; the matrix is their full product.
        nuisance: factors that every arm may tune for itself, such as the learning rate; they
            multiply the matrix too, but no conclusion is drawn about them.
        fixed: hyperparameters with one value for all.
        seeds: how many seeds each recipe is trained on, counted from 0.
        epochs: epochs of a training, by task or for all; a task's own where it says nothing.
        paced: epochs by the level of a factor; levels that it does not name have `epochs`.
        exclude: cells that are left out: those with all levels of one of these tables.
        smallest_effect: the smallest difference of the metric that is worth knowing, by task
            or for all.
        diagnostics: whether every epoch ends with a look into the model (`suite.health`).
        winners: whether each task's best recipe is trained again by `model.fit` and exported.
        claims: sentences that the trials confirm, or do not (`suite.claims`).
        presets: named sizes of the study.
    """

    repeated: ClassVar[str] = "seeds"
    """The key that says how often everything is repeated."""

    name: Name
    question: Question
    tasks: Words = Field(default_factory=list, max_length=1_000)
    factors: Annotated[dict[Word, Levels], Field(max_length=100)]
    nuisance: dict[Word, Nuisance] = Few
    fixed: dict[Word, ValidLevel] = Few
    seeds: Seeds = 3
    epochs: EpochsByTask | None = None
    smallest_effect: EffectByTask = SMALLEST_EFFECT
    paced: Paced | None = None
    exclude: list[dict[str, ValidLevel]] = Field(default_factory=list)
    diagnostics: bool = True
    winners: bool = True
    claims: list[Claim] = Field(default_factory=list, max_length=100)
    presets: dict[Word, Preset] = Few

    @model_validator(mode="after")
    def _whole(self) -> Study:
        for sized in (self, *map(self.at, self.presets)):
            check_size(sized.name, size(sized))
            _check_factors(sized.factors, sized.nuisance, sized.fixed)
            _check_dependence(sized.factors, sized.nuisance, sized.fixed)
            _check_names(sized)
        return self

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits over what decides a trial; more seeds or presets change nothing."""
        aside = {"presets", "seeds", "diagnostics", "winners", "claims"}
        aside |= {name for name in ("paced", "exclude") if not getattr(self, name)}
        content = self.model_dump(mode="json", exclude=aside)
        return hashlib.sha256(canonical(content).encode()).hexdigest()[:16]

    def at(self, preset: str | None) -> Study:
        """The study in the size of `preset`; itself for None."""
        if preset is None:
            return self
        if preset not in self.presets:
            raise unknown("preset", preset, self.presets)
        change = self.presets[preset]
        return self.model_copy(
            update={
                "factors": {**self.factors, **change.factors},
                "nuisance": {**self.nuisance, **change.nuisance},
                "fixed": {**self.fixed, **change.fixed},
                "seeds": change.seeds or self.seeds,
                "epochs": change.epochs if change.epochs is not None else self.epochs,
                "paced": change.paced or self.paced,
                "diagnostics": self.diagnostics
                if change.diagnostics is None
                else change.diagnostics,
            }
        )

    def epochs_for(self, task: str, default: int) -> int:
        """Epochs of a training of `task`, whose own default is given."""
        if isinstance(self.epochs, Mapping):
            return self.epochs.get(task, default)
        return default if self.epochs is None else self.epochs

    def epochs_of(self, cell: Mapping[str, Level], task: str, default: int) -> int:
        """Epochs of a training of one cell of the matrix."""
        usual = self.epochs_for(task, default)
        if self.paced is None:
            return usual
        return self.paced.levels.get(level_name(cell[self.paced.by]), usual)

    def excludes(self, cell: Mapping[str, Level]) -> bool:
        """Whether a cell of the full product is left out."""
        return any(
            all(cell[name] == level for name, level in table.items()) for table in self.exclude
        )

    def smallest_effect_for(self, task: str) -> float:
        """The smallest difference of the metric of `task` that is worth knowing."""
        if isinstance(self.smallest_effect, Mapping):
            return self.smallest_effect.get(task, SMALLEST_EFFECT)
        return self.smallest_effect


MOST_TRIALS = 1_000_000
"""Trials of one task; more are refused before any is planned."""


def size(study: Study) -> int:
    """An upper bound of the trials of one task, counted without building them."""
    most = [
        max((len(own) for own in levels.levels.values()), default=0)
        if isinstance(levels, Dependent)
        else len(levels)
        for levels in study.nuisance.values()
    ]
    return math.prod([*map(len, study.factors.values()), *most]) * study.seeds


def check_size(name: str, trials: int) -> None:
    """Raise StudyError where a study asks for more than `MOST_TRIALS` trials of a task."""
    if trials > MOST_TRIALS:
        text = f"{trials:,}" if trials < 10**15 else f"10^{len(str(trials)) - 1}"
        raise StudyError(
            f"Expected a matrix of at most {MOST_TRIALS:,} trials a task. "
            f"Received: study {name!r} with {text}."
        )


def _check_factors(
    factors: Mapping[str, Sequence[Level]],
    nuisance: Mapping[str, Sequence[Level] | Dependent],
    fixed: Mapping[str, Level],
) -> None:
    """Raise StudyError for an empty factor, a doubled level, or a level that no model accepts."""
    parts = [*factors, *nuisance, *fixed]
    for name in parts:
        if parts.count(name) > 1:
            raise StudyError(
                f"Expected factor {name!r} in one of factors, nuisance and fixed. "
                f"Received: {name} in {parts.count(name)} of them."
            )
    groups: dict[str, Sequence[Level]] = {**factors, **{k: [v] for k, v in fixed.items()}}
    for name, levels in nuisance.items():
        if isinstance(levels, Dependent):
            if not levels.levels:
                raise StudyError(
                    f"Expected {name!r} to have levels for some {levels.by}. Received: levels={{}}."
                )
            groups |= {f"{name} ({level})": own for level, own in levels.levels.items()}
        else:
            groups[name] = levels
    check_levels(groups)


def _check_names(study: Study) -> None:
    """Raise StudyError where epochs, excluded cells or claims name what the study does not set."""
    known = [*study.factors, *study.nuisance, *study.fixed]
    named = {f"claim {own.claim!r}": [*own.where, own.factor, own.over] for own in study.claims}
    named |= {f"exclude {table}": [*table] for table in study.exclude}
    if study.paced:
        named["paced"] = [study.paced.by]
    for place, names in named.items():
        for name in names:
            if name is not None and name not in known:
                raise StudyError(f"In {place}: {unknown('factor', name, known)}")


def check_levels(groups: Mapping[str, Sequence[Level]]) -> None:
    """Raise StudyError for no levels, a doubled one, or one that a standard factor does not have.

    A key is a factor's name, with a remark in brackets behind it where one factor has many groups.
    """
    for label, levels in groups.items():
        if not levels:
            raise StudyError(
                f"Expected factor {label!r} to have at least one level. Received: {label}=[]."
            )
        if len(set(levels)) < len(levels):
            raise StudyError(
                f"Expected the levels of {label!r} to differ. Received: {label}={list(levels)}."
            )
        factor = FACTORS.get(label.split(" ")[0])
        for level in levels:
            refusal = factor.refusal(level) if factor else None
            if factor and refusal:
                raise level_error(factor.name, level, refusal, factor.levels)


def level_name(level: Level) -> str:
    """A level as a key of a study file."""
    return str(level).lower() if isinstance(level, bool) else str(level)


def _check_dependence(
    factors: Mapping[str, Sequence[Level]],
    nuisance: Mapping[str, Sequence[Level] | Dependent],
    fixed: Mapping[str, Level],
) -> None:
    known: dict[str, Sequence[Level]] = {**factors, **{k: [v] for k, v in fixed.items()}}
    known |= {k: v for k, v in nuisance.items() if not isinstance(v, Dependent)}
    for name, depends in nuisance.items():
        if not isinstance(depends, Dependent):
            continue
        if depends.by not in known:
            raise StudyError(
                f"Expected {name!r} to depend on a factor of the study, one of "
                f"{', '.join(map(repr, known)) or 'none at all'}. Received: by={depends.by!r}."
            )
        for level in map(level_name, known[depends.by]):
            if level not in depends.levels:
                raise StudyError(
                    f"Expected levels of {name!r} for {depends.by}={level!r}. "
                    f"Received: levels for {', '.join(map(repr, depends.levels))}."
                )


def level_error(name: str, level: Level, refusal: str, valid: Sequence[Level]) -> StudyError:
    """The error for a level that factor `name` does not have."""
    if valid:
        names = map(level_name, valid)
        return StudyError(str(unknown(f"{name} level", level_name(level), names)))
    return StudyError(f"Expected levels of {name!r} to be {refusal}. Received: {name}={level!r}.")
