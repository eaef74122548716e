"""Rows about the folder: held by another run, joined, changed, moved, examined."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.faultrows.made import (
    HOLDER,
    MATRIX,
    PLUGINS,
    ROOT,
    TINY,
    child,
    command,
    environment,
    keys,
    lines,
    made,
    recorded,
    run,
)
from benchmarks.faultrows.record import small_disk
from benchmarks.faultrows.row import Found, Row
from benchmarks.synthetic import NARROW, study_of, write
from suite.errors import InUseError
from suite.segments import RECORD
from suite.store import Store

Done = subprocess.CompletedProcess[str]

LEAVES, FREE = 2.0, 1.0
"""Seconds in which a second run leaves, and in which a dead holder's lock is free."""
SHARED = 400
LONG = MATRIX.replace("seeds = 2", "seeds = 40").replace("epochs = 4", "epochs = 80")
LONG_TRIALS = 16 * 40
"""Long enough for a second run to arrive in the middle."""
JOINER = """
import sys, time
from pathlib import Path
from benchmarks.faultrows.made import made
from suite.errors import InUseError
from suite.store import Store
with Store(Path(sys.argv[1]), join=True) as store:
    outcomes = {made(seed).trial.key: made(seed) for seed in range(int(sys.argv[2]))}
    left = list(outcomes)
    while left:
        mine = store.claim(store.free(left)[:5])
        store.append([outcomes[key] for key in left if key in mine])
        print(*mine, sep="\\n", flush=True)
        time.sleep(0.002 if mine else 0.05)
        news = {outcome.trial.key for outcome in store.news()}
        left = [key for key in left if key not in mine and key not in news]
"""
"""A process that shares the work on some trials with others, without training them."""

ROWS_OF_A_FILE = (
    "load_wine(return_X_y=True)",
    "(a[: int(open(__file__[:-7] + 'rows.txt').read())] for a in load_wine(return_X_y=True))",
)
"""What makes wine's data depend on a file beside its code."""


def held(folder: Path, quick: bool) -> Found:
    """A second run on a folder in use; then the holder is killed."""
    del quick
    holder = child(HOLDER, folder / "out")
    assert holder.stdout is not None
    holder.stdout.readline()
    words, started = command(folder, TINY), time.perf_counter()
    done = run(words, folder / "cache")
    took = time.perf_counter() - started
    named = str(holder.pid) in done.stderr and socket.gethostname() in done.stderr
    holder.send_signal(signal.SIGKILL)
    started = time.perf_counter()
    free = _free_after(folder / "out", started)
    holder.communicate()
    told = f"left after {took:.1f} s with code {done.returncode}, pid and host named: {named}; "
    told += f"a killed holder's lock was free after {free * 1000:.0f} ms"
    return Found(told, named and done.returncode == 3 and took <= LEAVES and free <= FREE)


def _free_after(folder: Path, started: float) -> float:
    """Seconds from `started` until somebody else may write to a folder."""
    while True:
        try:
            with Store(folder):
                return time.perf_counter() - started
        except InUseError:
            time.sleep(0.01)


def joined(folder: Path, quick: bool) -> Found:
    """Processes that share trials, one of them killed; in full also two real runs."""
    place, count = folder / "shared", SHARED // 4 if quick else SHARED
    place.mkdir()
    sharing = [child(JOINER, place, count) for _ in range(4)]
    while len(lines(place)) < count // 4:
        time.sleep(0.01)
    sharing[0].kill()
    said = [process.communicate() for process in sharing]
    if any(process.returncode for process in sharing[1:]):
        raise RuntimeError(said)
    found = keys(place)
    shares = sum(len(output.split()) > 0 for output, _ in said)
    told = f"{shares} processes, one killed: {len(set(found))} of {count} trials, "
    told += f"{len(found) - len(set(found))} trained twice"
    kept = len(found) == len(set(found)) == count
    if not quick:
        own = _two_runs(folder / "real")
        told += f"; two real runs: {own[0]} and {own[1]} of {own[2]} trials, {own[3]} trained twice"
        kept &= own[0] > 0 and own[1] > 0 and own[2] == LONG_TRIALS and not own[3]
    return Found(told, kept)


def _two_runs(folder: Path) -> tuple[int, int, int, int]:
    """A run and one that joins it; what each recorded, all trials, those trained twice."""
    words, cache = command(folder, LONG), environment(folder / "cache")
    silent = {"cwd": ROOT, "env": cache, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    first = subprocess.Popen(words, text=True, **silent)
    while not (folder / "out" / "run.json").is_file() and first.poll() is None:
        time.sleep(0.05)
    second = subprocess.Popen([*words, "--join"], text=True, **silent)
    said = [process.communicate()[0] for process in (first, second)]
    if first.returncode or second.returncode:
        raise RuntimeError(said)
    found = keys(folder / "out")
    segments = sorted((folder / "out" / RECORD).glob("*.jsonl"))
    begun = [path for path in segments if f"-{first.pid}-" in path.name]
    own = sum(len(path.read_bytes().splitlines()) for path in begun)
    return own, len(found) - own, len(set(found)), len(found) - len(set(found))


def changed(folder: Path, quick: bool) -> Found:
    """The study, the data, the task's code change, one at a time; then mixing is allowed."""
    del quick
    plugins, cache = folder / "tasks", folder / "cache"
    plugins.mkdir()
    source = (PLUGINS / "wine.py").read_text(encoding="utf-8").replace(*ROWS_OF_A_FILE)

    def go(study: str, text: str, *more: object, rows: int = 178) -> Done:
        (plugins / "wine.py").write_text(text, encoding="utf-8")
        (plugins / "rows.txt").write_text(str(rows), encoding="utf-8")
        words = command(folder, study, *more)
        return run([str(plugins) if word == str(PLUGINS) else word for word in words], cache)

    first = go(TINY, source)
    if first.returncode:
        raise RuntimeError(first.stdout + first.stderr)
    other = source.replace("default=16", "default=17")
    cases = {
        "the study": (TINY.replace("epochs = 1", "epochs = 2"), source, 178),
        "the task's code": (TINY, other, 178),
        "the data": (TINY, source, 176),
    }
    before, told = lines(folder / "out"), []
    for name, (study, text, rows) in cases.items():
        done = go(study, text, rows=rows)
        if done.returncode == 2 and name in done.stderr and lines(folder / "out") == before:
            told.append(name)
    mixed = go(TINY.replace("trials = 2", "trials = 4"), other, "--allow-mixed")
    table = (folder / "out" / "trials.csv").read_text(encoding="utf-8").splitlines()
    marked = sum("the task's code" in row for row in table[1:])
    new = len(lines(folder / "out")) - len(before)
    figures = f"refused by name: {', '.join(told)}; with --allow-mixed code {mixed.returncode}, "
    figures += f"{marked} of {new} further trials marked, {len(table) - 1 - marked} others not"
    kept = len(told) == len(cases) and mixed.returncode == 0 and 0 < marked == new
    return Found(figures, kept)


def surroundings(folder: Path, quick: bool) -> Found:
    """A clock set back, a folder moved between runs, strange names, a folder that is read-only."""
    told, kept = [], True
    clock = folder / "clock"
    future = recorded(clock, range(2))
    future.rename(future.with_name(f"{4 * 10**18:020d}-1.jsonl"))
    with Store(clock) as store:
        store.append([made(2)])
    order = list(Store(clock).outcomes()) == [made(seed).trial.key for seed in range(3)]
    told.append(f"clock set back: {'in order' if order else 'out of order'}")
    kept &= order
    strange = folder / "Žluť 結果 é"
    study = TINY
    done = run(command(strange, study), folder / "cache")
    told.append(f"spaces and non-ASCII: code {done.returncode}")
    kept &= done.returncode == 0
    moved = folder / "moved away"
    shutil.move(strange / "out", moved)
    before = lines(moved)
    done = run(command(strange, study, out=moved), folder / "cache")
    told.append(f"moved: code {done.returncode}, {len(lines(moved)) - len(before)} trained again")
    kept &= done.returncode == 0 and lines(moved) == before
    if not quick:
        done = run([sys.executable, "run_suite.py", "report", str(moved)], folder / "cache")
        kept &= done.returncode == 0
    code, sentence = _read_only(folder)
    told.append(f"read-only: code {code}, {'one sentence' if sentence else 'no clear sentence'}")
    kept &= code == 5 and sentence
    return Found("; ".join(told), kept)


def _read_only(folder: Path) -> tuple[int, bool]:
    """A run in a folder that may only be read; for root, whom no mode stops, on such a disk."""
    if os.geteuid():
        place = folder / "read only"
        place.mkdir()
        place.chmod(0o555)
        return _refused(command(folder, TINY, out=place / "out"), place)
    with small_disk(folder) as disk:
        if disk is None:
            raise RuntimeError("no disk may be mounted here")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        return _refused(command(folder, TINY, out=disk / "out"), disk)


def _refused(words: list[str], place: Path) -> tuple[int, bool]:
    """The exit code of a run, and whether it says one sentence that names `place`."""
    done = run(words, place.parent / "cache")
    told = done.stderr.strip().splitlines()
    return done.returncode, len(told) == 1 and str(place) in told[0]


def examined(folder: Path, quick: bool) -> Found:
    """Views damaged in several ways, a line torn; `doctor` finds and mends them."""
    del quick
    place = write(folder / "results", study_of(NARROW, 1), ["alpha"], epochs=4)
    doctor = [sys.executable, "run_suite.py", "doctor", str(place)]
    cache = folder / "cache"
    run(doctor, cache)
    well = run(doctor, cache).returncode
    (place / "trials.csv").write_text("rubbish", encoding="utf-8")
    (place / "report.html").unlink()
    (place / "tables" / ".999-x.csv").write_text("half", encoding="utf-8")
    mended = run(doctor, cache)
    names = ("trials.csv (changed)", "report.html (missing)", "1 files removed")
    named = all(name in " ".join(mended.stdout.split()) for name in names)
    again = run(doctor, cache).returncode
    (segment,) = (place / RECORD).glob("*.jsonl")
    segment.write_bytes(segment.read_bytes()[:-9])
    torn = run(doctor, cache).returncode
    codes = (well, mended.returncode, again, torn)
    told = f"whole, views damaged, mended, line torn: codes {', '.join(map(str, codes))}; "
    told += f"damage named: {named}"
    return Found(told, codes == (0, 0, 0, 1) and named)


ROWS = [
    Row(
        "in use",
        "a second run on a folder in use; its holder killed",
        "leaves within 2 s with exit code 3, the holder's pid and host; "
        "a dead holder's lock is free within 1 s",
        held,
    ),
    Row("join", "a second run that joins with `--join`", "0 trials trained twice", joined),
    Row(
        "changed",
        "the code, the study or the data changed since the folder was begun",
        "refuses to mix, says what changed; `--allow-mixed` marks the rows",
        changed,
    ),
    Row(
        "surroundings",
        "clock set back, folder moved, folder read-only, path with spaces and non-ASCII",
        "works, or one clear sentence",
        surroundings,
    ),
    Row(
        "doctor",
        "derived files changed, missing or unfinished; a line torn",
        "`doctor` names and mends them; exit code 1 where trials are to be trained again",
        examined,
    ),
]
