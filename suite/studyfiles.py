"""Study files: found by a shipped name or a path, read from TOML, checked by their kind."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from suite.claim import Claim
from suite.errors import MOST_SHOWN, StudyError, UsageError, unknown
from suite.part import Part
from suite.search.study import Range, SearchPreset, SearchStudy, TunerClaim
from suite.study import Dependent, Paced, Preset, Study

STUDIES = Path(__file__).parent / "studies"
KINDS: Mapping[str, type[Study] | type[SearchStudy]] = {"matrix": Study, "search": SearchStudy}
PRESETS: Mapping[str, type[Part]] = {"matrix": Preset, "search": SearchPreset}
INNER: Mapping[str, type[Part]] = {"<dependent>": Dependent, "<range>": Range}
NAMED: Mapping[str, type[Part]] = {"claims": Claim, "paced": Paced}
"""Keys whose values have keys of their own."""
MOST_BYTES = 256 << 10
"""Of a study file."""
MOST_DOTS = 40_000_000
"""Squares of the numbers of dots in its lines, added up: reading a key of n parts takes n^2."""
TAGS = ("<plain>", "<table>", *INNER)


def shipped() -> dict[str, Path]:
    """The studies that come with the suite, by name."""
    return {path.stem: path for path in sorted(STUDIES.glob("*.toml"))}


def load(name: str) -> Study | SearchStudy:
    """The study of a shipped name or of a TOML file's path."""
    if name.endswith(".toml"):
        return read(Path(name))
    if name not in shipped():
        raise UsageError(f"{unknown('study', name, shipped())} A file's path ends in .toml.")
    return read(shipped()[name])


def load_matrix(name: str) -> Study:
    """As `load`; UsageError where the study is a search, which has no matrix."""
    study = load(name)
    if isinstance(study, Study):
        return study
    raise UsageError(
        f"Expected a study of kind 'matrix'. Received: study={study.name!r} of kind {study.kind!r}."
    )


def fault_of(error: Exception) -> str:
    """The first fault of a study, in short."""
    if not isinstance(error, ValidationError):
        return str(error)
    fault = error.errors(include_url=False)[0]
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"


def read(path: Path) -> Study | SearchStudy:
    """Read and check a study file; its key `kind` is "matrix" where it is left out."""
    try:
        return _parsed(path)
    except UsageError as error:
        raise StudyError(f"In {path}: {error}") from error
    except FileNotFoundError:
        raise StudyError(f"Expected a study file that exists. Received: study={path}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise StudyError(f"Expected a readable study file. Received: {path} ({error}).") from error
    except tomllib.TOMLDecodeError as error:
        raise StudyError(f"Expected TOML in {path}. Received: {error}.") from error
    except (RecursionError, ValueError) as error:
        reason = str(error).partition(";")[0]
        raise StudyError(f"Expected a study file in {str(path)!r}. Received: {reason}.") from error


def _parsed(path: Path) -> Study | SearchStudy:
    if path.exists() and not path.is_file():
        raise StudyError("Expected a plain file. Received: none.")
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise StudyError(f"Expected at most {MOST_BYTES:,} bytes. Received: more.")
    text = data.decode().replace("\r\n", "\n")
    if sum(line.count(".") ** 2 for line in text.split("\n")) > MOST_DOTS:
        raise StudyError("Expected keys of few parts. Received: a line of a great many dots.")
    content = tomllib.loads(text)
    content.setdefault("name", path.stem)
    kind = content.pop("kind", "matrix")
    if kind not in list(KINDS):
        raise unknown("kind", kind, KINDS)
    try:
        return KINDS[kind].model_validate(content)
    except ValidationError as error:
        raise StudyError(_explain(kind, error)) from error


def _explain(kind: str, error: ValidationError) -> str:
    """One fault of a study file in a sentence; a misspelt key says more than the missing one."""
    fault = min(error.errors(), key=lambda fault: fault["type"] != "extra_forbidden")
    parts = [str(part) for part in fault["loc"] if part not in TAGS]
    place, context = ".".join(parts)[:MOST_SHOWN], fault.get("ctx", {})
    if fault["type"] == "extra_forbidden":
        return str(unknown("key", parts[-1], _model(kind, fault["loc"]).model_fields))
    if fault["type"] == "missing":
        return f"Expected the key {parts[-1]!r}. Received: none of that name at {place}."
    wanted = {
        "list_type": "a list",
        "dict_type": "a table",
        "model_type": "a table",
        "int_type": "a whole number",
        "float_type": "a number",
        "bool_type": "true or false",
        "finite_number": "a finite number",
        "string_type": "a text",
        "string_too_long": f"a text of at most {context.get('max_length')} characters",
        "too_long": f"of at most {context.get('max_length')} entries",
        "string_pattern_mismatch": "a name fit for a folder",
        "literal_error": f"one of {context.get('expected')}",
        "greater_than_equal": f"at least {context.get('ge')}",
        "less_than_equal": f"at most {context.get('le')}",
        "value_error": str(context.get("error")),
    }.get(fault["type"], fault["msg"])
    received = fault["input"] if not isinstance(fault["input"], dict | list) else "..."
    return f"Expected {place} to be {wanted}. Received: {place}={repr(received)[:MOST_SHOWN]}."


def _model(kind: str, place: tuple[Any, ...]) -> type[Part]:
    """The model whose keys may stand at a place of a study file."""
    inner = [INNER[part] for part in place if part in INNER]
    if inner:
        return inner[-1]
    named = [part for part in place[:-1] if part in NAMED]
    if named:
        return TunerClaim if kind == "search" else NAMED[named[-1]]
    return PRESETS[kind] if place[0] == "presets" else KINDS[kind]
