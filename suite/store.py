"""The record of a run: one line a trial, appended, checksummed, fsync-ed; the truth of a folder.

A results folder holds `record/*.jsonl`, one segment a writing process. A line is the CRC-32 of its
JSON in eight hex digits, a space, and the JSON. A line that was torn by a kill, or damaged since,
fails its checksum and counts as never written; its trial is trained again.
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from filelock import FileLock, Timeout

from suite.errors import RecordError
from suite.foreign import lines_of, opened, parsed, unpacked
from suite.forms import check_outcome
from suite.health import health_from
from suite.trial import Outcome, Status, Trial, canonical

SCHEMA = 1
RECORD = "record"
PACKED = ".gz"
"""The ending of a segment that was put away (`suite.archive`); nothing is appended to it."""


def encode(outcome: Outcome) -> str:
    """One outcome as a line of the record, without the line's end."""
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
    }
    if outcome.health:
        content["health"] = outcome.health.content()
    text = canonical(content)
    return f"{zlib.crc32(text.encode()):08x} {text}"


def decode(line: str) -> Outcome:
    """The outcome of a line of the record; raises `RecordError` where the line is damaged."""
    checksum, _, text = line.partition(" ")
    if f"{zlib.crc32(text.encode()):08x}" != checksum:
        raise RecordError(f"Expected a line whose checksum holds. Received: {line[:40]!r}...")
    content: Mapping[str, Any] = parsed(text)
    if content["schema"] != SCHEMA:
        raise RecordError(
            f"Expected a record of schema {SCHEMA}. Received: schema={content['schema']}."
        )
    check_outcome(content)
    names = ("task", "source", "hp", "seed", "epochs")
    trial = Trial(**{name: content[name] for name in names})
    vars(trial)["key"] = content["key"]  # it was worked out when the line was written
    return Outcome(
        trial=trial,
        status=Status(content["status"]),
        engine=content["engine"],
        seconds=content["seconds"],
        epoch=content["epoch"],
        metrics=content["metrics"],
        curves=content["curves"],
        message=content["message"],
        health=health_from(content["health"]) if "health" in content else None,
    )


@dataclass(frozen=True)
class Damage:
    """A line of the record that could not be read."""

    segment: Path
    line: int
    reason: str


class Store:
    """The record of one results folder.

    Reading needs no lock. Writing goes to a segment of this process's own, under a lock that keeps
    a second run out of the folder; use the store as a context manager for that.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.damage: list[Damage] = []
        self._lock = FileLock(folder / ".lock")
        self._segment: int | None = None

    def __enter__(self) -> Store:
        try:
            (self.folder / RECORD).mkdir(parents=True, exist_ok=True)
            self._lock.acquire(timeout=0)
        except Timeout:
            raise RecordError(
                f"Expected a results folder that no other run is writing to. "
                f"Received: {self.folder}. Wait for that run, or choose another --out."
            ) from None
        except OSError as error:
            raise RecordError(
                f"Expected a results folder that can be written to. "
                f"Received: {self.folder} ({error.strerror})."
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._close()
        self._lock.release()

    def _close(self) -> None:
        if self._segment is not None:
            os.close(self._segment)
            self._segment = None

    def append(self, outcomes: Iterable[Outcome]) -> None:
        """Write outcomes; when this returns, they are on the disk."""
        data = "".join(encode(outcome) + "\n" for outcome in outcomes).encode()
        try:
            self._write(data)
        except OSError as error:
            self._close()  # the next line goes to a new segment, not behind half of this one
            raise RecordError(
                f"Expected a results folder that can be written to. "
                f"Received: {self.folder} ({error.strerror})."
            ) from error

    def _write(self, data: bytes) -> None:
        if self._segment is None:
            name = f"{time.time_ns():020d}-{os.getpid()}.jsonl"
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
            self._segment = os.open(self.folder / RECORD / name, flags, 0o644)
            folder = os.open(self.folder / RECORD, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        while data:
            data = data[os.write(self._segment, data) :]
        os.fsync(self._segment)

    def outcomes(self) -> dict[str, Outcome]:
        """All recorded outcomes by trial key; fills `damage`.

        The first of each counts, except that a failed one gives way to a later one.
        """
        self.damage.clear()
        found: dict[str, Outcome] = {}
        folder = self.folder / RECORD
        for segment in sorted([*folder.glob("*.jsonl"), *folder.glob(f"*.jsonl{PACKED}")]):
            for outcome in self._read(segment):
                known = found.get(outcome.trial.key)
                if known is None or known.status is Status.FAILED:
                    found[outcome.trial.key] = outcome
        return found

    def _read(self, segment: Path) -> Iterator[Outcome]:
        try:
            with self._opened(segment) as file:
                for number, line in enumerate(lines_of(file), start=1):
                    try:
                        yield decode(line.decode(errors="replace").rstrip("\n"))
                    except (RecordError, ValueError, KeyError, TypeError) as error:
                        self.damage.append(Damage(segment, number, str(error)))
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise RecordError(
                f"Expected a record that can be read. Received: {segment} ({error})."
            ) from error

    def _opened(self, segment: Path) -> IO[bytes]:
        file = opened(segment, self.folder)
        return unpacked(file) if segment.suffix == PACKED else file


def write_whole(path: Path, text: str) -> None:
    """Write a derived file beside its place and rename it there, so that it is never half there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
