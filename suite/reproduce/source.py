"""Python source of nested calls and lists, laid out as the formatter ruff would."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

WIDTH = 100


@dataclass(frozen=True)
class Group:
    """A call, a list or a dict: what opens it, its items with their labels (`name=`), its end."""

    opening: str
    items: Sequence[tuple[str, Source]]
    closing: str

    def __str__(self) -> str:
        inner = ", ".join(f"{label}{item}" for label, item in self.items)
        return f"{self.opening}{inner}{self.closing}"


Source = str | Group


def call(name: str, /, *positional: Source, **named: Source) -> Group:
    """`name(positional, ..., named=..., ...)`."""
    items = [("", item) for item in positional] + [(f"{n}=", item) for n, item in named.items()]
    return Group(f"{name}(", items, ")")


def listed(items: Sequence[Source]) -> Group:
    """`[item, ...]`."""
    return Group("[", [("", item) for item in items], "]")


def by_name(items: Mapping[str, Source]) -> Group:
    """`{"name": item, ...}`."""
    return Group("{", [(f"{text(name)}: ", item) for name, item in items.items()], "}")


def text(value: str) -> str:
    """A string literal in double quotes."""
    return json.dumps(value, ensure_ascii=False)


def number(value: float) -> str:
    """The shortest literal of the same number; of the same float32, where it is one.

    >>> number(0.003000000026077032), number(0.1), number(64), number(True)
    ('0.003', '0.1', '64', 'True')
    """
    if not isinstance(value, float | np.floating):
        return repr(value)
    if not math.isfinite(value):
        return f'float("{value}")'
    short = np.float32(value)
    return str(short) if float(short) == float(value) else repr(float(value))


def literal(value: Any) -> Source:
    """The source of a plain value: None, a number, a text, or lists, tuples and dicts of them."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Mapping):
        return by_name({str(name): literal(item) for name, item in value.items()})
    if isinstance(value, tuple):
        inner = ", ".join(str(literal(item)) for item in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, list):
        return listed([literal(item) for item in value])
    return number(value)


def laid_out(source: Source, lead: str = "", trail: str = "", indent: str = "") -> list[str]:
    """`lead`, the source and `trail` in lines of at most `WIDTH`, broken at brackets.

    A call whose arguments fit on one line of their own stands on three; whatever is longer, and
    every list that is broken, has a line for each item.
    """
    whole = f"{indent}{lead}{source}{trail}"
    if len(whole) <= WIDTH or isinstance(source, str) or not source.items:
        return [whole]
    deeper = indent + " " * 4
    is_call = source.opening.endswith("(")
    body = [deeper + ", ".join(f"{label}{item}" for label, item in source.items)]
    if len(body[0]) > WIDTH or not is_call:
        end = "" if is_call and len(source.items) == 1 else ","
        parts = [laid_out(item, label, end, deeper) for label, item in source.items]
        body = [line for part in parts for line in part]
    return [f"{indent}{lead}{source.opening}", *body, f"{indent}{source.closing}{trail}"]
