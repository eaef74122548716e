"""Row: `kill -9` at random moments of real runs, of a matrix by the fleet and of searches.

Every run is a process of its own, forked from one that has imported Keras and not yet used it.
"""

from __future__ import annotations

import json
import os
import random
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faultrows.made import SEARCH, child, command, keys
from benchmarks.faultrows.row import Found, Row
from suite.segments import RECORD
from suite.store import Store

KILLS, FEW = 200, 4
"""Half of them hit a matrix, half of them a study of searches."""
MIDWAY = 0.2
"""Share of the kills that must meet a run with a part of its trials recorded."""
CHUNKS, LATER = 2, 1.0
"""A kill comes after up to so many further appends, and then up to so many seconds later."""
MATRIX = """
question = "Does dropout help wine?"
seeds = 1
epochs = 4
[factors]
dropout = [0.0, 0.5]
optimizer = ["sgd", "adam", "rmsprop"]
units = [8, 16, 32]
[nuisance]
learning_rate = [0.003, 0.03]
"""
"""Nine families, so nine chunks at least."""
SERVER = """
import json, os, sys
from suite.environment import settle
settle()
import suite.runner
from suite.cli import main
print("ready", flush=True)
for line in sys.stdin:
    words, log = json.loads(line)
    pid = os.fork()
    if not pid:
        os.setpgid(0, 0)
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        for number in (1, 2):
            os.dup2(file, number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.argv = words
        try:
            main()
        except SystemExit as error:
            os._exit(error.code or 0)
        os._exit(0)
    os.setpgid(pid, pid)  # here, too: it is killed as a group, perhaps before it comes to that
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class Runs:
    """Real runs, one after the other."""

    def __init__(self) -> None:
        self._server = child(SERVER)
        self._read()

    def _read(self) -> str:
        assert self._server.stdout is not None
        return self._server.stdout.readline().strip()

    def start(self, words: list[str], log: Path) -> int:
        """Start a run; its number as a process, which leads a group of its own."""
        assert self._server.stdin is not None
        self._server.stdin.write(json.dumps([words[1:], str(log)]) + "\n")
        self._server.stdin.flush()
        return int(self._read())

    def end(self) -> int:
        """Wait for the run's end; its exit code, negative where a signal ended it."""
        return int(self._read())

    def close(self) -> None:
        """No more of them."""
        self._server.communicate()


@dataclass
class Count:
    """What killing cost.

    Attributes:
        kills: all of them; `midway` are those with a part of the trials recorded.
        trials: recorded in all, over `studies` that came to their ends.
        lost: trials that were recorded once and are not any more.
        doubled: trials that stand in the record twice.
        wrong: studies that did not end with the trials of one without a kill.
    """

    kills: int = 0
    midway: int = 0
    studies: int = 0
    trials: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: int = 0


def size(folder: Path) -> int:
    """Bytes of the record."""
    return sum(path.stat().st_size for path in (folder / "out" / RECORD).glob("*.jsonl"))


def killed(runs: Runs, words: list[str], folder: Path, chance: random.Random) -> bool:
    """Whether a run was killed at a random moment; False where it had ended by then."""
    pid = runs.start(words, folder / "log")
    appends, before = chance.randint(0, CHUNKS), size(folder)
    while appends and _runs(pid):
        time.sleep(0.002)
        now = size(folder)
        appends -= now > before
        before = now
    end = time.monotonic() + chance.uniform(0, LATER)
    while _runs(pid) and time.monotonic() < end:
        time.sleep(0.002)
    with suppress(ProcessLookupError):  # it has ended just now
        os.killpg(pid, signal.SIGKILL)
    code = runs.end()
    if code not in (0, -signal.SIGKILL):
        raise RuntimeError(f"exit code {code}: {(folder / 'log').read_text()[-2000:]}")
    return code == -signal.SIGKILL


def _runs(pid: int) -> bool:
    """Whether a child of the server has not ended yet; the server waits for it."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # gone before it was opened, or before read
        return False
    return state != "Z"


def kill(runs: Runs, study: str, folder: Path, kills: int) -> Count:
    """Kill runs of a study at random moments until one comes to its end, then begin anew."""
    chance, count = random.Random(1), Count()
    words = command(folder / "unbroken", study)
    runs.start(words, folder / "unbroken" / "log")
    if runs.end():
        raise RuntimeError((folder / "unbroken" / "log").read_text())
    whole = set(keys(folder / "unbroken" / "out"))
    while count.kills < kills:
        place, finished, dead = folder / f"study {count.studies}", set[str](), True
        words = command(place, study)
        while dead and count.kills < kills:
            dead = killed(runs, words, place, chance)
            found = set(Store(place / "out").outcomes())
            count.kills += dead
            count.midway += dead and 0 < len(found) < len(whole)
            count.lost += len(finished - found)
            finished = found
        if dead:
            runs.start(words, place / "log")
            count.wrong += runs.end() != 0
        found_keys = keys(place / "out")
        count.studies += 1
        count.trials += len(found_keys)
        count.lost += len(finished - set(found_keys))
        count.doubled += len(found_keys) - len(set(found_keys))
        count.wrong += set(found_keys) != whole
    return count


def measure(folder: Path, quick: bool) -> Found:
    """Both kinds."""
    kills = (FEW if quick else KILLS) // 2
    told, kept = [], True
    runs = Runs()
    try:
        for name, study in (("matrix", MATRIX), ("searches", SEARCH)):
            count = kill(runs, study, folder / name, kills)
            told.append(
                f"{name}: {count.kills} kills, {count.midway} of them midway, "
                f"{count.trials} trials of {count.studies} studies: {count.lost} lost, "
                f"{count.doubled} doubled, {count.wrong} studies ended otherwise"
            )
            kept &= not (count.lost or count.doubled or count.wrong)
            kept &= quick or count.midway >= MIDWAY * count.kills
    finally:
        runs.close()
    return Found("; ".join(told), kept)


ROWS = [
    Row(
        "kills",
        f"`kill -9` at {KILLS} random moments of a matrix and of searches",
        "0 finished trials lost, 0 trained twice but for the chunk in flight",
        measure,
    )
]
