"""Rows about the record: torn and flipped bytes, full disks, many writers, other releases."""

from __future__ import annotations

import contextlib
import errno
import os
import random
import shutil
import subprocess
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

from benchmarks.faultrows.made import (
    MATRIX,
    WRITER,
    child,
    command,
    keys,
    lines,
    made,
    recorded,
    run,
)
from benchmarks.faultrows.row import Found, Row
from suite.errors import StorageError
from suite.files import ROOM
from suite.line import NewerRecordError, decode, encode
from suite.quarantine import quarantined
from suite.segments import RECORD
from suite.store import Store

FLIPS = 200
WRITERS, EACH = 8, 500
SMALL_DISK = ROOM + 16 * 2**20
SCHEMAS = Path(__file__).resolve().parents[2] / "tests" / "schemas"


def torn(folder: Path, quick: bool) -> Found:
    """Cut the last line at every byte; open for writing, as a run does."""
    segment = recorded(folder, range(3))
    whole = segment.read_bytes()
    start = whole.rindex(b"\n", 0, -1) + 1
    kept = [made(0).trial.key, made(1).trial.key]
    opened = right = aside = 0
    ends = range(start + 1, len(whole) - 1, 29 if quick else 1)
    for end in ends:
        segment.write_bytes(whole[:end])
        (folder / "quarantine.jsonl").unlink(missing_ok=True)
        with Store(folder) as store:
            opened += 1
            right += list(store.outcomes()) == kept and segment.read_bytes() == whole[:start]
        aside += len(quarantined(folder)) == 1
    count = len(ends)
    figures = f"{count} cuts: {opened} opened, {right} without the torn line alone, {aside} of it "
    return Found(figures + "in the quarantine file", opened == right == aside == count)


def flipped(folder: Path, quick: bool) -> Found:
    """Flip one bit at random places of a record, the ends of lines included; open, append."""
    segment = recorded(folder, range(40))
    whole = segment.read_bytes()
    places, found = random.Random(2), dict.fromkeys(("detected", "alone", "named", "again"), 0)
    ends = [place for place, byte in enumerate(whole) if byte == ord("\n")]
    flips = FLIPS // 10 if quick else FLIPS
    chosen = [*places.sample(ends, 10), *places.sample(range(len(whole)), flips - 10)]
    every = keys(folder)
    for place in chosen:
        changed = bytearray(whole)
        changed[place] ^= 1 << places.randrange(8)
        segment.write_bytes(changed)
        (folder / "quarantine.jsonl").unlink(missing_ok=True)
        with Store(folder) as store:
            left = store.outcomes()
            missing = [key for key in every if key not in left]
            at_end = place in ends
            found["detected"] += bool(store.damage)
            found["alone"] += len(missing) == (0 if at_end else 1)
            found["named"] += bool(store.faults())
            store.append([outcome for s in range(40) if (outcome := made(s)).trial.key in missing])
        found["again"] += len(Store(folder).outcomes()) == 40
        for other in (folder / RECORD).glob("*.jsonl"):
            if other != segment:
                other.unlink()
    told = (
        f"{len(chosen)} flips: {found['detected']} detected, {found['alone']} cost their own line "
        f"alone, {found['named']} named for the report, {found['again']} trained again on resume"
    )
    return Found(told, all(count == len(chosen) for count in found.values()))


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path | None]:
    """A file system of a few MB in `folder`; None where mounting is not allowed."""
    place = folder / "small disk"
    place.mkdir()
    how = ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", str(place)]
    if os.geteuid() or shutil.which("mount") is None:
        yield None
        return
    if subprocess.run(how, capture_output=True, check=False).returncode:
        yield None
        return
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(path: Path) -> None:
    """Take all the room there is."""
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))


def append_until(folder: Path, first: int, spoil: Callable[[int], None]) -> tuple[list[str], str]:
    """Append outcomes one by one until that fails; the acknowledged keys, and the error's text."""
    acknowledged: list[str] = []
    with Store(folder) as store:
        for number in range(200):
            spoil(number)
            try:
                store.append([made(first + number)])
            except StorageError as error:
                return acknowledged, str(error)
            acknowledged.append(made(first + number).trial.key)
    return acknowledged, ""


def broken(folder: Path, name: str, fault: Callable[..., object]) -> tuple[int, bool]:
    """Let a call of the system fail in an append; acknowledged trials lost, and whether named."""
    with contextlib.ExitStack() as stack:

        def spoil(number: int) -> None:
            if number == 5:
                stack.enter_context(mock.patch(f"suite.store.os.{name}", fault))

        acknowledged, text = append_until(folder, 0, spoil)
    lost = len(set(acknowledged) - set(Store(folder).outcomes()))
    append_until(folder, 300, lambda _: None)
    lost += len(set(acknowledged) - set(Store(folder).outcomes()))
    return lost, len(acknowledged) == 5 and str(folder) in text


def short(descriptor: int, data: bytes) -> int:
    """Writes half of what it is given, then no more."""
    if len(data) < 1000:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return WRITE(descriptor, data[: len(data) // 2])


def fails(_: int) -> None:
    """A disk that is breaking."""
    raise OSError(errno.EIO, os.strerror(errno.EIO))


WRITE = os.write


def real_run(place: Path, folder: Path) -> tuple[int, int, int, bool]:
    """A run whose disk fills up; exit code, recorded, lost after room was made, whether named."""
    out, cache = place / "out", folder / "cache"
    words = command(folder, MATRIX, out=out)
    filler = threading.Thread(target=_fill_when_begun, args=(out,), daemon=True)
    filler.start()
    done = run(words, cache)
    filler.join()
    before = set(Store(out).outcomes())
    (out / "balloon").unlink()
    again = run(words, cache)
    if again.returncode:
        raise RuntimeError(again.stdout + again.stderr)
    after = set(keys(out))
    return done.returncode, len(before), len(before - after), str(out) in done.stderr


def _fill_when_begun(out: Path) -> None:
    """Wait for the first trials, for a minute or two, then leave no room."""
    end = time.monotonic() + 120
    while time.monotonic() < end:
        if any(path.stat().st_size for path in (out / RECORD).glob("*.jsonl")):
            break
        time.sleep(0.01)
    fill(out / "balloon")


def disks(folder: Path, quick: bool) -> Found:
    """A disk that is really full, a short write, an fsync that fails; in full also a real run."""
    told, kept = [], True
    with small_disk(folder) as place:
        if place is None:
            told.append("no tmpfs may be mounted here")
        else:
            acknowledged, text = append_until(
                place / "out", 0, lambda n: fill(place / "balloon") if n == 20 else None
            )
            lost = len(set(acknowledged) - set(Store(place / "out").outcomes()))
            (place / "balloon").unlink()
            more, _ = append_until(place / "out", 300, lambda _: None)
            lost += len({*acknowledged, *more} - set(Store(place / "out").outcomes()))
            named = str(place / "out") in text
            told.append(f"full tmpfs: {len(acknowledged)} acknowledged, {lost} lost, code 5")
            kept &= named and not lost and len(more) == 200
            if not quick:
                shutil.rmtree(place / "out")
                code, before, gone, named = real_run(place, folder)
                told.append(f"real run on it: code {code}, {before} recorded, {gone} lost")
                kept &= code == 5 and named and not gone
    for name, call, fault in (("short write", "write", short), ("EIO on fsync", "fsync", fails)):
        lost, named = broken(folder / name, call, fault)
        told.append(f"{name} (patched os.{call}): {lost} lost, folder named: {named}")
        kept &= named and not lost
    return Found("; ".join(told), kept)


def writers(folder: Path, quick: bool) -> Found:
    """Processes that append to one folder at the same time."""
    each = EACH // 10 if quick else EACH
    started = [child(WRITER, folder, 10_000 * n, each) for n in range(WRITERS)]
    said = [process.communicate() for process in started]
    if any(process.returncode for process in started):
        raise RuntimeError(said)
    acknowledged = {key for output, _ in said for key in output.split()}
    store = Store(folder)
    found = store.outcomes()
    count, all_lines = WRITERS * each, len(lines(folder))
    told = f"{WRITERS} writers x {each}: {len(acknowledged & found.keys()):,} of {count:,} trials, "
    told += f"{len(store.damage)} interleaved, {all_lines - len(found)} doubled"
    return Found(told, acknowledged == set(found) and len(found) == count == all_lines)


def releases(folder: Path, quick: bool) -> Found:
    """A record in each older schema; one that a newer release has written."""
    del quick
    fixtures = sorted(SCHEMAS.glob("*.jsonl"))
    read = same = 0
    for fixture in fixtures:
        home = folder / fixture.stem
        (home / RECORD).mkdir(parents=True)
        shutil.copy(fixture, home / RECORD)
        store = Store(home)
        outcomes = store.outcomes()
        read += len(outcomes) == len(lines(home)) and not store.damage
        same += all(decode(encode(outcome)) == outcome for outcome in outcomes.values())
    home = folder / "newer"
    segment = recorded(home, range(2))
    text = encode(made(5)).partition(" ")[2].replace('"schema":2', '"schema":3')
    newer = f"{zlib.crc32(text.encode()):08x} {text}\n".encode()
    segment.write_bytes(before := segment.read_bytes() + newer)
    try:
        with Store(home) as store:
            store.outcomes()
        refused = ""
    except NewerRecordError as error:
        refused = str(error)
    whole = segment.read_bytes() == before
    told = f"{len(fixtures)} older forms: {read} read, {same} kept their figures; schema 3: "
    told += "refused by name and left as it was" if refused and whole else "not refused"
    kept = read == same == len(fixtures) > 0 and "schema=3" in refused and whole
    return Found(told, kept)


ROWS = [
    Row(
        "torn line",
        "the record cut at every byte offset of its last line",
        "always opens; only the torn line is gone, kept aside in a quarantine file",
        torn,
    ),
    Row(
        "bit flips",
        f"one bit flipped, {FLIPS} places",
        "every one detected, that line alone dropped, named in the report, trained again on resume",
        flipped,
    ),
    Row(
        "full disk",
        "disk full, short write, EIO on fsync",
        "acknowledged trials intact, exit code 5 with the folder named, resume loses 0",
        disks,
    ),
    Row(
        "writers",
        f"{WRITERS} writers x {EACH} trials on one folder",
        f"{WRITERS * EACH:,} of {WRITERS * EACH:,}, 0 interleaved",
        writers,
    ),
    Row(
        "releases",
        "a record written by an older release, by a newer one",
        "migrated on reading; refused by name",
        releases,
    ),
]
