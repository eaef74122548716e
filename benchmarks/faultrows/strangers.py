"""A stranger's results folder: nothing of it is run, nothing is written elsewhere or fetched."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks.faultrows import attacks
from benchmarks.faultrows.row import Found, Row
from suite.csvtext import ACTIVE
from suite.environment import environment_for

MOST_SECONDS = 60.0
"""Of one command on one folder."""
MOST_MEGABYTES = 1024
"""By which reading all of them lets the process grow."""
ROOT = Path(__file__).parents[2]


def planted(home: Path) -> dict[str, Path]:
    """The folders: a sound one, all inert attacks in one, hostile names, and each other attack."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "theirs.txt").write_text("theirs", encoding="utf-8")
    (home / "their folder").mkdir()
    folders = {name: home / name for name in ("sound", "inert", "names")}
    attacks.sound(folders["sound"])
    attacks.sound(folders["inert"])
    attacks.sound(folders["names"], attacks.NAMES)
    for number, (name, plant) in enumerate(attacks.INERT.items()):
        before = set((folders["inert"] / "record").iterdir())
        plant(folders["inert"])
        for path in set((folders["inert"] / "record").iterdir()) - before:
            if path.name == "2.jsonl":  # the next attack writes one, too
                path.rename(path.with_name(f"2-{number:03d}.jsonl"))
        assert name
    for number, (name, plant) in enumerate(attacks.REFUSED.items()):
        folders[name] = home / f"refused-{number}"
        attacks.sound(folders[name])
        plant(folders[name])
    return folders


def read(home: Path, folders: Mapping[str, Path]) -> dict[str, Any]:
    """What a guarded process says of all folders; it writes fonts' caches of its own elsewhere."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.faultrows.guarded", *map(str, folders.values())],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**environment_for("jax"), "PYTHONDONTWRITEBYTECODE": "1", "COLUMNS": "200"},
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-500:])
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert set(answer["found"]) == {str(folders[name]) for name in folders if name != "sound"}
    assert home.is_dir()
    return answer


def faults(home: Path, folders: Mapping[str, Path], answer: Mapping[str, Any]) -> Iterator[str]:
    """Whatever should not have happened, a few words each."""
    names = {str(path): name for name, path in folders.items()}
    yield from (f"{event}: {what}" for event, what in answer["seen"])
    yield from (f"imported {file}" for file in answer["imported"])
    if answer["megabytes"] > MOST_MEGABYTES:
        yield f"{answer['megabytes']} MB more of memory"
    for folder, commands in answer["found"].items():
        refused = names[folder] in attacks.REFUSED
        yield from _wrong(names[folder], commands, refused)
    for path in home.rglob(attacks.CANARY):
        yield f"{path.name} was made"
    if (home / "theirs.txt").read_text(encoding="utf-8") != "theirs":
        yield "theirs.txt was changed"
    if any((home / "their folder").iterdir()):
        yield "their folder was written to"
    known = {path.name for path in folders.values()} | {"theirs.txt", "their folder"}
    yield from (f"{path} was made" for path in home.iterdir() if path.name not in known)
    yield from _cells(folders["names"])


def _wrong(name: str, commands: list[dict[str, Any]], refused: bool) -> Iterator[str]:
    for own in commands:
        what = f"{name}: {own['command']}"
        if own["crash"]:
            yield f"{what}: {own['crash']}"
        if own["escapes"]:
            yield f"{what}: control characters reach the terminal"
        if own["seconds"] > MOST_SECONDS:
            yield f"{what}: {own['seconds']:.0f} s"
        if own["code"] and not (own["lines"] == 1 and own["said"].startswith("Error: Expected ")):
            yield f"{what}: {own['said']}"
        if own["code"] and not refused:
            yield f"{what}: exit code {own['code']}: {own['said']}"
    if refused and not any(own["code"] for own in commands):
        yield f"{name}: not refused"


def _cells(folder: Path) -> Iterator[str]:
    """Cells of CSV files that a spreadsheet would run."""
    for path in folder.rglob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            for cell in (cell for row in csv.reader(file) for cell in row):
                try:
                    float(cell or 0)
                except ValueError:
                    if cell.startswith(ACTIVE):
                        yield f"{path.name}: the cell {cell[:40]!r}"


def _measure(folder: Path, quick: bool) -> Found:  # noqa: ARG001  # there is one size
    folders = planted(folder / "home")
    answer = read(folder / "home", folders)
    found = list(faults(folder / "home", folders, answer))
    files = len(attacks.INERT) + len(attacks.REFUSED) + len(attacks.NAMES)
    slowest = max(own["seconds"] for commands in answer["found"].values() for own in commands)
    return Found(
        f"{files} attacks in {len(folders) - 1} folders: {len(found)} had an effect"
        + (f" ({'; '.join(found[:5])})" if found else "")
        + f"; slowest command {slowest:.1f} s, {answer['megabytes']} MB more of memory",
        not found and os.path.isdir(folder),
    )


ROWS = [
    Row(
        "strangers",
        "a stranger's results folder: pickles, `.keras` with Lambda, links, `../` names, huge or "
        "deep JSON, bombs, names such as `<script>` and `=HYPERLINK()`",
        "`compare`, `report` and `resolve --dry-run` run nothing of it, write nothing outside it, "
        "ask no network; cells of CSV files are no formulas",
        _measure,
    )
]
