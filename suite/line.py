"""One line of the record: an outcome as checksummed JSON, in today's schema or an older one.

A line is the CRC-32 of its JSON in eight hex digits, a space, and the JSON, all of it ASCII.

Schema 2 (today): every outcome says in `mixed` what differed from the folder's beginnings.
Schema 1: no `mixed`; `health`, where there is one, holds packed grids or, for a while, plain lists.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from sys import intern
from typing import Any

from suite.errors import PluginError, RecordError
from suite.foreign import parsed
from suite.forms import check_outcome
from suite.health import MEASURES, health_from, packed
from suite.trial import Level, Outcome, Status, Trial, canonical

SCHEMA = 2

Content = dict[str, Any]


class NewerRecordError(RecordError):
    """A line that a newer release has written: whole, but not to be understood here."""


def encode(outcome: Outcome) -> str:
    """One outcome as a line of the record, without the line's end.

    Raises PluginError for one that could not be read again: what is recorded is never lost.
    """
    trial = outcome.trial
    content = {
        "schema": SCHEMA,
        "key": trial.key,
        "task": trial.task,
        "source": trial.source,
        "hp": dict(trial.hp),
        "seed": trial.seed,
        "epochs": trial.epochs,
        "status": outcome.status.value,
        "engine": outcome.engine,
        "seconds": outcome.seconds,
        "epoch": outcome.epoch,
        "metrics": dict(outcome.metrics),
        "curves": {name: list(curve) for name, curve in outcome.curves.items()},
        "message": outcome.message,
        "mixed": outcome.mixed,
    }
    if outcome.health:
        content["health"] = outcome.health.content()
    try:
        check_outcome(content)
    except ValueError as error:
        raise PluginError(
            f"Expected results of task {trial.task!r} that a record can hold. Received: {error}."
        ) from error
    text = canonical(content)
    return f"{zlib.crc32(text.encode()):08x} {text}"


def decode(line: str | bytes) -> Outcome:
    """The outcome of a line of the record.

    Raises `NewerRecordError` for one of a newer release, `RecordError` for one that is damaged.
    """
    raw = line.encode() if isinstance(line, str) else line
    if not holds(raw):
        raise RecordError(f"Expected a line whose checksum holds. Received: {raw[:40]!r}...")
    try:
        content = migrated(parsed(raw[9:]))
        check_outcome(content)
        trial = _trial(content)
        return Outcome(
            trial=trial,
            status=Status(content["status"]),
            engine=intern(content["engine"]),
            seconds=content["seconds"],
            epoch=content["epoch"],
            metrics={intern(name): value for name, value in content["metrics"].items()},
            curves={intern(name): own for name, own in content["curves"].items()},
            message=content["message"],
            mixed=content["mixed"],
            health=health_from(content["health"]) if "health" in content else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RecordError(
            f"Expected an outcome as schema {SCHEMA} has it. "
            f"Received: {type(error).__name__}: {error}."
        ) from error


def _trial(content: Content) -> Trial:
    recipe, hp = _recipe(canonical(content["hp"]))
    task, source = intern(content["task"]), intern(content["source"])
    seed, epochs = content["seed"], content["epochs"]
    return Trial.recorded(task, source, hp, seed, epochs, recipe=recipe, key=content["key"])


@lru_cache(maxsize=1 << 14)
def _recipe(text: str) -> tuple[str, Mapping[str, Level]]:
    """A recipe as text and as values, one object of each for all of its seeds."""
    return text, {intern(name): level for name, level in json.loads(text).items()}


def migrated(content: Content) -> Content:
    """A line's content as today's schema has it; NewerRecordError where it is newer than that."""
    while content["schema"] != SCHEMA:
        known = MIGRATIONS.get(content["schema"])
        if known is None:
            raise NewerRecordError(
                f"Expected a record of schema {SCHEMA} or older. "
                f"Received: schema={content['schema']!r}, which a newer release has written. "
                f"Update the suite; this record was left as it is."
            )
        content = known(content)
    return content


def _from_1(content: Content) -> Content:
    health = content.get("health")
    if health and not isinstance(health[MEASURES[0]], str):
        grids = {name: packed(health[name]).text for name in MEASURES}
        content = {**content, "health": {"layers": health["layers"], **grids}}
    return {**content, "schema": 2, "mixed": ""}


MIGRATIONS: Mapping[int, Callable[[Content], Content]] = {1: _from_1}
"""By schema: how its content becomes that of the next one."""

_JOINT = re.compile(rb"(?<=\})[^\n](?=[0-9a-f]{8} \{\"|$)")
_KEY = re.compile(rb'"key":"([0-9a-f]{16})"')


def pieces(raw: bytes) -> list[bytes]:
    """The lines in what stands between two ends of line, where the end of one was damaged.

    Inside JSON no brace is followed by a checksum and an unescaped quote.
    """
    found = [piece for piece in _JOINT.split(raw) if piece]
    return found if any(map(holds, found)) else [raw]


def holds(line: bytes) -> bool:
    """Whether the checksum of a line holds."""
    checksum, _, text = line.partition(b" ")
    return b"%08x" % zlib.crc32(text) == checksum


def key_in(raw: bytes) -> str:
    """The key of the trial that a damaged line was about; empty where it cannot be read."""
    found = _KEY.search(raw)
    return found[1].decode() if found else ""
