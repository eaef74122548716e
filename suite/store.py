"""The record of a run: one line a trial, appended, checksummed, fsync-ed; the truth of a folder.

A results folder holds `record/*.jsonl`, one segment a writing process (`suite.line` says what a
line is, `suite.segments` reads them). A line that was torn by a kill, or damaged since, fails its
checksum and counts as never written: it is put aside (`suite.quarantine`), and its trial is trained
again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from suite.files import ROOM, require_room, unwritable, writing
from suite.line import encode
from suite.quarantine import Damage, put_aside, quarantined
from suite.segments import PACKED, RECORD, Segments, segments_of
from suite.trial import Outcome
from suite.writers import Writers


class Store:
    """The record of one results folder.

    Reading needs no lock. Writing goes to a segment of this process's own; use the store as a
    context manager for that. It keeps a second run out of the folder, or lets it in to share the
    work (`claim`) where that one asks to join.
    """

    def __init__(self, folder: Path, join: bool = False) -> None:
        self.folder = folder
        self.join = join
        self.writers = Writers(folder)
        self._segment: int | None = None
        self._path: Path | None = None
        self._entered = 0
        self._read = Segments(folder)
        self._others: dict[str, Outcome] = {}  # recorded by others since this store was entered
        self._unseen: list[Outcome] = []

    def __enter__(self) -> Store:
        """Begin to write.

        Raises:
            InUseError: another run writes to the folder, and this one was not asked to join it.
            StorageError: the folder cannot be written to, or has no room.
        """
        if not self._entered:
            try:
                with writing(self.folder):
                    (self.folder / RECORD).mkdir(parents=True, exist_ok=True)
                    self.writers.enter(self.join)
                    self._try_out()
                require_room(self.folder, ROOM)
            except BaseException:
                self.writers.leave()
                raise
        self._entered += 1
        return self

    def _try_out(self) -> None:
        """Write, sync and remove a file: what a system promises of a folder need not be true."""
        probe = self.folder / RECORD / f".{self.writers.name}"
        try:
            with probe.open("wb") as file:
                file.write(b"\n" * 4096)
                file.flush()
                os.fsync(file.fileno())
        finally:
            probe.unlink(missing_ok=True)

    def __exit__(self, *_: object) -> None:
        self._entered -= 1
        if not self._entered:
            self._close()
            self.writers.leave()

    def _close(self) -> None:
        if self._segment is not None:
            os.close(self._segment)
            self._segment = None

    def append(self, outcomes: Iterable[Outcome]) -> None:
        """Write outcomes; when this returns, they are on the disk.

        Raises StorageError where they may not be; what was appended before stays.
        """
        data = "".join(encode(outcome) + "\n" for outcome in outcomes).encode()
        try:
            self._write(data)
        except OSError as error:
            self._close()  # the next line goes to a new segment, not behind half of this one
            raise unwritable(self.folder, error) from error

    def _write(self, data: bytes) -> None:
        if self._segment is None:
            self._open()
        assert self._segment is not None
        while data:
            data = data[os.write(self._segment, data) :]
        os.fsync(self._segment)
        assert self._path is not None
        if not os.path.samestat(os.fstat(self._segment), self._path.stat()):
            raise FileNotFoundError(2, "another file has taken the place of the record's")

    def _open(self) -> None:
        """Begin a segment, named so that it comes after all others whatever the clock says."""
        stamps = [path.name[:20] for path in segments_of(self.folder)]
        newest = max((int(stamp) for stamp in stamps if stamp.isdecimal()), default=0)
        name = f"{max(time.time_ns(), newest + 1):020d}-{self.writers.name}.jsonl"
        self._path = self.folder / RECORD / name
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        self._segment = os.open(self._path, flags, 0o644)
        folder = os.open(self.folder / RECORD, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    @property
    def damage(self) -> list[Damage]:
        """What the last `outcomes` could not read."""
        return self._read.damage

    def outcomes(self) -> dict[str, Outcome]:
        """All recorded outcomes by trial key; fills `damage`.

        The first of each counts, except that a failed one gives way to a later one. Where this
        process writes to the folder, damage is put aside. The next call reads on from here.

        Raises RecordError where a segment cannot be read, or a newer release has written it.
        """
        self._read.read(self._in_use())
        if self._entered and self.damage:
            self._put_aside()
        return self._read.found.copy()

    def faults(self) -> list[dict[str, object]]:
        """All damage that is known, put aside or not, as `run.json` names it."""
        aside = quarantined(self.folder)
        known = {(entry["segment"], entry["line"], entry["trial"]) for entry in aside}
        named = [{k: v for k, v in entry.items() if k != "bytes"} for entry in aside]
        for one in self.damage:
            entry = one.described()
            if (entry["segment"], entry["line"], entry["trial"]) not in known:
                named.append(entry)
        return named

    def _in_use(self) -> tuple[str, ...]:
        """How the names end of the segments that somebody is writing to, as far as is known."""
        if not self._entered:
            return ()
        return tuple(f"-{name}.jsonl" for name in (*self.writers.living(), self.writers.name))

    def _put_aside(self) -> None:
        """Move damage out of the segments that nobody writes to any more."""
        with writing(self.folder), self.writers.claims():
            busy = (PACKED, *self._in_use())
            dead = [one for one in self.damage if not one.segment.name.endswith(busy)]
            if dead:
                put_aside(self.folder, dead)
            for one in dead:
                self._read.mended(one.segment)

    # Sharing the work with runs that joined.

    def claim(self, keys: Sequence[str]) -> set[str]:
        """Those of `keys` that this process is to train: nobody else does, or has done so.

        What others have recorded meanwhile comes out of `news`.
        """
        with writing(self.folder), self.writers.claims() as claims:
            self._catch_up()
            taken = (claims.others | self._others.keys()) - claims.mine
            mine = [key for key in keys if key not in taken]
            claims.add(mine)
        return set(mine)

    def free(self, keys: Iterable[str]) -> list[str]:
        """Those of `keys` that nobody else has claimed or recorded."""
        with writing(self.folder), self.writers.claims() as claims:
            self._catch_up()
            taken = claims.others | self._others.keys()
        return [key for key in keys if key not in taken]

    def news(self) -> list[Outcome]:
        """What others have recorded since this was asked last."""
        new, self._unseen = self._unseen, []
        return new

    def _catch_up(self) -> None:
        """Read what others have appended."""
        for segment in segments_of(self.folder):
            if segment != self._path and segment.suffix != PACKED:
                new = self._read.read_on(segment)
                self._others |= {outcome.trial.key: outcome for outcome in new}
                self._unseen += new
