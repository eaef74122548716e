"""The form of what a results folder holds: every value that is read has the type it must have.

A record's checksum guards against damage, not against strangers: theirs is right, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from suite.errors import RecordError
from suite.health import MEASURES
from suite.words import shown

LONGEST = 10_000
"""Characters of a text, such as a message."""
MOST_SEEDS = 1_000_000_000
MOST_EPOCHS = 1_000_000

Name = Annotated[str, AfterValidator(shown)]
Text = Annotated[str, Field(max_length=LONGEST)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Plain = Annotated[str | bool | int | Finite, Field(union_mode="left_to_right")]
Count = Annotated[int, Field(ge=0, le=MOST_SEEDS)]


class Form(BaseModel):
    """Base of what a run has written: typed, and open to keys that a newer release may add."""

    model_config = ConfigDict(extra="ignore", strict=True)


class DataForm(Form):
    """The data of a task."""

    fingerprint: Name = ""


class TaskForm(Form):
    """A task in `run.json`: see `suite.jobs.Job.description`."""

    metric: Name
    objective: Name
    direction: Literal["min", "max"]
    trivial: dict[Name, Finite]
    trivial_name: Text
    epochs: Annotated[int, Field(ge=1, le=MOST_EPOCHS)] = 1
    data: DataForm = DataForm()


class WinnerForm(Form):
    """A row of `winners`: see `suite.winners`."""

    task: Name
    metric: Name
    recipe: dict[Name, Plain]
    fleet_val: Finite
    fleet_test: Finite
    trivial_test: Finite
    fresh_val: Finite
    fresh_test: Finite
    fresh_test_sd: Finite | None = None
    seeds: list[Count]
    exported_test: Finite
    model: Name


class PlannedForm(Form):
    """A comparison of a second look."""

    task: Name
    factor: Name
    level: Name
    seeds: Annotated[int, Field(ge=0, le=10_000)]


class LookForm(Form):
    """A second look: see `suite.secondlook`."""

    first: Annotated[int, Field(ge=1, le=10_000)]
    planned: Annotated[list[PlannedForm], Field(max_length=10_000)]


class RunForm(Form):
    """A `run.json`; its study is checked as a study file is."""

    study: dict[str, Any]
    tasks: Annotated[dict[Name, TaskForm], Field(max_length=1_000)]
    winners: list[WinnerForm] = []
    second_look: LookForm | None = None
    problems: list[str] = []
    damaged_lines: list[Any] = []
    command: list[str] = []
    commit: Name | None = None
    versions: dict[Name, Name] = {}
    hardware: dict[Name, Any] = {}
    seconds: dict[Name, Finite] = {}
    interrupted: bool = False


def check_run(content: Any, place: object) -> None:
    """Raise RecordError where a `run.json` does not have its form; `place` names the file."""
    try:
        RunForm.model_validate(content)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part)[:60] for part in fault["loc"])
        raise RecordError(
            f"Expected the study and the tasks of a run in {place}. "
            f"Received: {where or 'no object'}: {fault['msg']}."
        ) from error


def check_outcome(content: Mapping[str, Any]) -> None:
    """Raise ValueError where the content of a record's line does not have its form.

    Written out, since a record has a hundred thousand lines.
    """
    for name in ("key", "task", "source", "engine"):
        shown(_is(str, content[name], name))
    if len(_is(str, content["message"], "message")) > LONGEST:
        raise ValueError(f"a message of {len(content['message']):,} characters")
    for name, most in (("seed", MOST_SEEDS), ("epochs", MOST_EPOCHS)):
        _is(int, content[name], name)
        if not 0 <= content[name] <= most:
            raise ValueError(f"{name}={content[name]:.3g}")
    if content["epoch"] is not None:
        _is(int, content["epoch"], "epoch")
    _numbers([content["seconds"]], "seconds")
    if "health" in content:
        check_health(_is(dict, content["health"], "health"))
    for name, level in _is(dict, content["hp"], "hp").items():
        shown(name)
        if type(level) is str:
            shown(level)
        elif type(level) is not bool:
            _numbers([level], "hp")
    for name in _is(dict, content["metrics"], "metrics"):
        shown(name)
    _numbers(content["metrics"].values(), "metrics")
    for name, curve in _is(dict, content["curves"], "curves").items():
        shown(name)
        _numbers(_is(list, curve, "curves"), "curves")


def check_health(content: Mapping[str, Any]) -> None:
    """Raise ValueError where a training's health does not have its form: see `suite.health`."""
    layers = _is(list, content["layers"], "layers")
    for name in layers:
        shown(_is(str, name, "layers"))
    grids = [_is(str, content[measure], measure) for measure in MEASURES]
    sizes = {len(grid.rstrip("=")) * 3 // 4 for grid in grids}
    if len(sizes) > 1 or any(size % (4 * max(1, len(layers))) for size in sizes):
        raise ValueError(f"grids of {len(layers)} layers and of {sorted(sizes)} bytes")


def _is(kind: type, value: Any, name: str) -> Any:
    if type(value) is not kind:
        raise ValueError(f"{name} of type {type(value).__name__}")
    return value


def _numbers(values: Any, name: str) -> None:
    for value in values:
        if not isinstance(value, float) and (type(value) is not int or abs(value) > 2**63):
            raise ValueError(f"{name} with a {type(value).__name__}")
