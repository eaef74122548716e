"""Reading a record: what its segments hold, read on where more was appended since.

Damage is noted and counts as never written; what cannot be a record at all is refused.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, NamedTuple

from suite.errors import RecordError
from suite.foreign import lines_of, opened, unpacked
from suite.line import NewerRecordError, decode, pieces
from suite.quarantine import Damage
from suite.trial import Outcome, Status

RECORD = "record"
MOST_DAMAGE = 10_000
"""Lines that may be damaged."""
PACKED = ".gz"
"""The ending of a segment that was put away (`suite.archive`); nothing is appended to it."""
ANY = (".jsonl",)
"""How the names end of all segments that something may be appended to."""


class Look(NamedTuple):
    """What changes where a file does."""

    inode: int
    size: int
    changed: int


@dataclass(frozen=True)
class End:
    """How far a segment was read: how it looked then, whole lines, and their bytes unpacked."""

    look: Look | None = None
    place: int = 0
    lines: int = 0


class Segments:
    """The segments of one folder's record as far as they were read.

    Attributes:
        found: outcomes by trial key. The first of each counts, except that a failed one gives way
            to a later one.
        damage: what could not be read.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found: dict[str, Outcome] = {}
        self.damage: list[Damage] = []
        self._ends: dict[Path, End] = {}

    def read(self, busy: Sequence[str] = ()) -> None:
        """Read what was appended; all again, where a segment is damaged or has changed otherwise.

        Args:
            busy: how the names end of segments that somebody writes to; half a line at their ends
                is no damage.

        Raises RecordError where a segment cannot be read, or a newer release has written it.
        """
        if self.damage or any(map(self._has_changed, self._ends)):
            self.found, self.damage, self._ends = {}, [], {}
        for segment in segments_of(self.folder):
            self.read_on(segment, busy)

    def read_on(self, segment: Path, busy: Sequence[str] = ANY) -> list[Outcome]:
        """Read what was appended to one segment, and return that."""
        end, look = self._ends.get(segment, End()), look_of(segment)
        nothing_new = look == end.look if segment.suffix == PACKED else look.size <= end.place
        if end.look and nothing_new:
            return []
        try:
            new = list(self._read(segment, end, look, tuple(busy)))
        except (OSError, EOFError, ValueError, zlib.error) as error:
            raise RecordError(
                f"Expected a record that can be read. Received: {segment} ({error})."
            ) from error
        for outcome in new:
            known = self.found.get(outcome.trial.key)
            if known is None or known.status is Status.FAILED:
                self.found[outcome.trial.key] = outcome
        return new

    def mended(self, segment: Path) -> None:
        """Take note that damage was taken out of a segment: what is left was read."""
        look = look_of(segment)
        self._ends[segment] = End(look, look.size, self._ends[segment].lines)

    def _has_changed(self, segment: Path) -> bool:
        """Whether a segment that was read is gone, or has changed and has not grown."""
        look, before = look_of(segment) if segment.exists() else None, self._ends[segment].look
        if look is None or before is None:
            return True
        grown = look.inode == before.inode and look.size > before.size
        return look != before and (not grown or segment.suffix == PACKED)

    def _read(
        self, segment: Path, end: End, look: Look, busy: tuple[str, ...]
    ) -> Iterator[Outcome]:
        place, number = end.place, end.lines
        with self._opened(segment) as file:
            if place:
                file.seek(place)
            for line in lines_of(file):
                if not line.endswith(b"\n") and segment.name.endswith(busy):
                    break  # it is still being written
                place, number = place + len(line), number + 1
                yield from self._decoded(segment, number, line.removesuffix(b"\n"))
        self._ends[segment] = End(look, place, number)

    def _opened(self, segment: Path) -> IO[bytes]:
        file = opened(segment, self.folder)
        return unpacked(file) if segment.suffix == PACKED else file

    def _decoded(self, segment: Path, number: int, line: bytes) -> Iterator[Outcome]:
        """The outcome of a line; of two, where the end of the first one was damaged."""
        try:
            yield decode(line)
        except NewerRecordError as error:
            raise NewerRecordError(f"{error} It is line {number} of {segment}.") from error
        except RecordError as error:
            parts = pieces(line)
            if parts == [line]:
                self._damaged(Damage(segment, number, str(error), line))
                return
            end = line[len(parts[0]) : len(parts[0]) + 1]
            self._damaged(Damage(segment, number, "the end of the line is damaged", end))
            for part in parts:
                yield from self._decoded(segment, number, part)

    def _damaged(self, damage: Damage) -> None:
        """Note damage; RecordError where there is so much that this is no record."""
        self.damage.append(damage)
        if len(self.damage) > MOST_DAMAGE:
            raise RecordError(
                f"Expected a record that can be read. Received: {damage.segment}, "
                f"with more than {MOST_DAMAGE:,} damaged lines."
            )


def look_of(segment: Path) -> Look:
    """How a segment looks; a link is not followed."""
    state = segment.lstat()
    return Look(state.st_ino, state.st_size, state.st_mtime_ns)


def segments_of(folder: Path) -> list[Path]:
    """The segments of a record, in the order in which they were begun."""
    home = folder / RECORD
    return sorted([*home.glob("*.jsonl"), *home.glob(f"*.jsonl{PACKED}")])
