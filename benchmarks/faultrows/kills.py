"""Row: `kill -9` at random moments of real runs, of a matrix by the fleet and of searches."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.faultrows.made import MATRIX, ROOT, SEARCH, command, environment, keys, run
from benchmarks.faultrows.row import Found, Row
from suite.store import Store

KILLS, FEW = 200, 4
"""Half of them hit a matrix, half of them a study of searches."""
STARTING = 2.0
"""Seconds that a process needs at least before it does anything at all."""


@dataclass
class Count:
    """What killing cost.

    Attributes:
        kills: all of them; `midway` are those with a part of the trials recorded.
        lost: trials that were recorded once and are not any more.
        doubled: trials that stand in the record twice.
        wrong: runs that did not end with the trials of a run without a kill.
    """

    kills: int = 0
    midway: int = 0
    trials: int = 0
    lost: int = 0
    doubled: int = 0
    wrong: int = 0

    def after(self, finished: set[str], folder: Path, whole: set[str]) -> set[str]:
        """Look at the record after a kill, or an end; return the keys that are in it."""
        found = set(Store(folder / "out").outcomes())
        self.lost += len(finished - found)
        self.midway += 0 < len(found) < len(whole)
        return found


def killed(words: list[str], cache: Path, delay: float) -> bool:
    """Whether a run was killed after `delay` seconds; False where it had ended by then."""
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    child = subprocess.Popen(
        words, cwd=ROOT, start_new_session=True, env=environment(cache), **silent
    )
    try:
        child.wait(timeout=delay)
    except subprocess.TimeoutExpired:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        return True
    return False


def kill(study: str, folder: Path, kills: int) -> Count:
    """Kill runs of a study at random moments, each until it ends for once, then begin anew."""
    cache, delays, count = folder / "cache", random.Random(1), Count()
    first = run(command(folder / "unbroken", study), cache)
    if first.returncode:
        raise RuntimeError(first.stdout + first.stderr)
    begun = time.perf_counter()
    run(command(folder / "again", study), cache)
    length = time.perf_counter() - begun
    whole, number = set(keys(folder / "unbroken" / "out")), 0
    while count.kills < kills:
        place, finished = folder / f"study {number}", set[str]()
        words, dead = command(place, study), True
        number += 1
        while dead and count.kills < kills:
            dead = killed(words, cache, delays.uniform(STARTING, length))
            count.kills += dead
            finished = count.after(finished, place, whole) if dead else finished
        if dead:
            run(words, cache)
        found = keys(place / "out")
        count.lost += len(finished - set(found))
        count.doubled += len(found) - len(set(found))
        count.trials += len(found)
        count.wrong += set(found) != whole
    return count


def measure(folder: Path, quick: bool) -> Found:
    """Both kinds."""
    kills = (FEW if quick else KILLS) // 2
    told, kept = [], True
    for name, study in (("matrix", MATRIX), ("searches", SEARCH)):
        count = kill(study, folder / name, kills)
        told.append(
            f"{name}: {count.kills} kills, {count.midway} of them midway, {count.trials} trials: "
            f"{count.lost} lost, {count.doubled} doubled, {count.wrong} runs that ended otherwise"
        )
        kept &= not (count.lost or count.doubled or count.wrong)
    return Found("; ".join(told), kept)


ROWS = [
    Row(
        "kills",
        f"`kill -9` at {KILLS} random moments of a matrix and of searches",
        "0 finished trials lost, 0 trained twice but for the chunk in flight",
        measure,
    )
]
