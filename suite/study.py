"""A study: which factors at which levels, on how many seeds, declared before it runs, in TOML."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
    ValidationError,
    model_validator,
)

from suite.errors import StudyError, unknown
from suite.factors import FACTORS
from suite.trial import Level, canonical

STUDIES = Path(__file__).parent / "studies"
ValidLevel = StrictStr | StrictBool | StrictInt | StrictFloat
Levels = list[ValidLevel]


class Part(BaseModel):
    """Base of everything in a study file: immutable, and strict about names."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Dependent(Part):
    """Levels of a factor that differ with the level of another one.

    The learning rate under SGD and the learning rate under Adam are two hyperparameters.
    """

    by: str
    levels: dict[str, Levels]


class Preset(Part):
    """What a preset changes: factors named here replace those of the study."""

    factors: dict[str, Levels] = {}
    nuisance: dict[str, Levels | Dependent] = {}
    fixed: dict[str, ValidLevel] = {}
    seeds: Annotated[int, Field(ge=1, le=10_000)] | None = None
    epochs: int | dict[str, int] | None = None


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
        smallest_effect: the smallest difference of the metric that is worth knowing, by task
            or for all.
        presets: named sizes of the study.
    """

    name: str
    question: str
    tasks: list[str] = []
    factors: dict[str, Levels]
    nuisance: dict[str, Levels | Dependent] = {}
    fixed: dict[str, ValidLevel] = {}
    seeds: Annotated[int, Field(ge=1, le=10_000)] = 3
    epochs: int | dict[str, int] | None = None
    smallest_effect: float | dict[str, float] = 0.005
    presets: dict[str, Preset] = {}

    @model_validator(mode="after")
    def _whole(self) -> Study:
        _check_factors(self.factors, self.nuisance, self.fixed)
        for preset in self.presets.values():
            _check_factors(preset.factors, preset.nuisance, preset.fixed)
        return self

    @cached_property
    def fingerprint(self) -> str:
        """Sixteen hex digits over the declaration; more seeds or other presets change nothing."""
        content = self.model_dump(mode="json", exclude={"presets", "seeds"})
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
            }
        )

    def epochs_for(self, task: str, default: int) -> int:
        """Epochs of a training of `task`, whose own default is given."""
        if isinstance(self.epochs, Mapping):
            return self.epochs.get(task, default)
        return default if self.epochs is None else self.epochs


def _check_factors(
    factors: Mapping[str, Sequence[Level]],
    nuisance: Mapping[str, Sequence[Level] | Dependent],
    fixed: Mapping[str, Level],
) -> None:
    """Raise StudyError for an empty factor, a doubled level, or a level that no model accepts."""
    groups: dict[str, Sequence[Level]] = {**factors, **{k: [v] for k, v in fixed.items()}}
    for name, levels in nuisance.items():
        if isinstance(levels, Dependent):
            groups |= {f"{name} ({level})": own for level, own in levels.levels.items()}
        else:
            groups[name] = levels
    for label, levels in groups.items():
        if not levels:
            raise StudyError(
                f"Expected factor {label!r} to have at least one level. Received: {label}=[]."
            )
        if len(set(map(repr, levels))) < len(levels):
            raise StudyError(
                f"Expected the levels of {label!r} to differ. Received: {label}={list(levels)}."
            )
        factor = FACTORS.get(label.split(" ")[0])
        for level in levels:
            refusal = factor.refusal(level) if factor else None
            if factor and refusal:
                raise level_error(factor.name, level, refusal, factor.levels)


def level_error(name: str, level: Level, refusal: str, valid: Sequence[Level]) -> StudyError:
    """The error for a level that factor `name` does not have."""
    if valid:
        return StudyError(str(unknown(f"{name} level", level, valid)))
    return StudyError(f"Expected levels of {name!r} to be {refusal}. Received: {name}={level!r}.")


def shipped() -> dict[str, Path]:
    """The studies that come with the suite, by name."""
    return {path.stem: path for path in sorted(STUDIES.glob("*.toml"))}


def load(name: str) -> Study:
    """The study of a shipped name or of a TOML file's path."""
    if name.endswith(".toml"):
        return read(Path(name))
    if name not in shipped():
        raise unknown("study", name, shipped())
    return read(shipped()[name])


def read(path: Path) -> Study:
    """Read and check a study file."""
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        content.setdefault("name", path.stem)
        return Study.model_validate(content)
    except FileNotFoundError:
        raise StudyError(f"Expected a study file that exists. Received: study={path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"Expected a readable study file. Received: {path} ({error}).") from error
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"Expected TOML in {path}. Received: {error}.") from error
    except ValidationError as error:
        raise StudyError(_explain(path, error)) from error


def _explain(path: Path, error: ValidationError) -> str:
    """The first fault of a study file in one sentence."""
    fault = error.errors()[0]
    place = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        return f"In {path}: {unknown('key', fault['loc'][-1], Study.model_fields)}"
    if fault["type"] == "missing":
        return f"In {path}: Expected the key {place!r}. Received: none of that name."
    received = fault["input"] if not isinstance(fault["input"], dict | list) else "..."
    return f"In {path}: {place}: {fault['msg']}. Received: {received!r}."
