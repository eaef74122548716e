"""A results folder examined: the record, its description, what is derived from them.

What is derived and not right is written anew; what cannot be repaired is named with what to do.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from suite.errors import InUseError, RecordError, StorageError
from suite.files import remove, write_whole
from suite.finding import Finding
from suite.publication import publish
from suite.quarantine import quarantined
from suite.reading import Reading, read
from suite.segments import RECORD
from suite.store import Store
from suite.trial import Outcome
from suite.views import LOGS, stale

UNFINISHED = re.compile(r"\.\d+-")
"""How the name of a file begins that a process did not finish (`suite.files`)."""
AGAIN = "Give the command of the run again: it trains what is missing and writes the rest anew."
MOST_NAMED = 5


def examine(folder: Path) -> Iterator[Finding]:
    """Verify a results folder and write its derived files anew where they are not right.

    A folder that cannot be written to is only verified.

    Raises:
        RecordError: it is no results folder, or a newer release has written it.
        InUseError: a run is writing to it.
    """
    if not (folder / RECORD).is_dir():
        raise RecordError(f"Expected a results folder, with record/ in it. Received: {folder}.")
    try:
        with Store(folder) as store:
            yield from _examined(store, repair=True)
    except InUseError:
        raise
    except StorageError as error:
        yield Finding("writing", str(error), "Nothing was repaired; make the folder writable.")
        yield from _examined(Store(folder), repair=False)


def _examined(store: Store, repair: bool) -> Iterator[Finding]:
    outcomes = store.outcomes()
    yield _record(store, outcomes, repair)
    yield from _aside(store.folder)
    yield from _leftovers(store.folder, repair)
    try:
        reading = read(store.folder)
    except RecordError as error:
        yield Finding("run.json", str(error), AGAIN)
        return
    yield _description(reading)
    named = store.faults()
    if repair and reading.run.get("damaged_lines", []) != named:
        run = {**reading.run, "damaged_lines": named}
        write_whole(store.folder / "run.json", json.dumps(run, indent=2, allow_nan=False) + "\n")
        reading = read(store.folder)
    yield from _views(reading, repair)


def _record(store: Store, outcomes: Mapping[str, Outcome], repair: bool) -> Finding:
    segments = len(list((store.folder / RECORD).glob("*.jsonl*")))
    text = f"{len(outcomes):,} trials in {segments} segments"
    if not store.damage:
        return Finding("record", f"{text}, every line whole")
    lines = [f"line {d.line} of {d.segment.name}: {d.reason}" for d in store.damage[:MOST_NAMED]]
    more = len(store.damage) - len(lines)
    named = "; ".join([*lines, *([f"{more} more"] if more else [])])
    done = "put aside" if repair else "left out"
    return Finding("record", f"{text}; {len(store.damage)} damaged, {done}: {named}", AGAIN)


def _aside(folder: Path) -> Iterator[Finding]:
    aside = quarantined(folder)
    if aside:
        where = Counter(entry["segment"] for entry in aside)
        told = ", ".join(f"{count} of {segment}" for segment, count in sorted(where.items()))
        yield Finding("quarantine", f"{len(aside)} damaged lines in all: {told}")


def _leftovers(folder: Path, repair: bool) -> Iterator[Finding]:
    """Files that killed processes did not finish; nobody else is writing here now."""
    left = [path for path in sorted(folder.rglob(".*")) if UNFINISHED.match(path.name)]
    if left:
        for path in left if repair else ():
            remove(path)
        yield Finding("unfinished", f"{len(left)} files {'removed' if repair else 'lie about'}")


def _description(reading: Reading) -> Finding:
    tasks = ", ".join(reading.judged) or "no task yet"
    unknown = {outcome.trial.task for outcome in reading.outcomes.values()} - {*reading.judged}
    text = f"study {reading.study.name} on {tasks}"
    if unknown:
        return Finding("run.json", f"{text}; nothing of {', '.join(sorted(unknown))}", AGAIN)
    return Finding("run.json", text)


def _views(reading: Reading, repair: bool) -> Iterator[Finding]:
    wrong = stale(reading.folder, reading.outcomes)
    logs = {name: what for name, what in wrong.items() if name in LOGS}
    if logs:
        yield Finding("log", _told(logs), AGAIN)
    views = {name: what for name, what in wrong.items() if name not in LOGS}
    if not views:
        yield Finding("views", "as they were written from this record")
    elif repair and not logs:
        publish(reading, reading.folder)
        yield Finding("views", f"written anew: {_told(views)}")
    else:
        yield Finding("views", f"not right: {_told(views)}", AGAIN)


def _told(files: Mapping[str, str]) -> str:
    first = [f"{name} ({what})" for name, what in [*files.items()][:MOST_NAMED]]
    more = len(files) - len(first)
    return ", ".join([*first, *([f"{more} more"] if more else [])])
