"""What everything in a study file is made from: strict, immutable parts and the levels in them."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainValidator

from suite.trial import Level
from suite.words import shown


def _finite(value: Any) -> Level:
    if isinstance(value, str):
        return shown(value)
    if isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise ValueError("a text, a finite number, true or false")


ValidLevel = Annotated[Any, PlainValidator(_finite)]


class Part(BaseModel):
    """Base of everything in a study file: immutable, and strict about names and types."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
