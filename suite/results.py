"""What a run leaves behind: trials.csv and .parquet, the tables, run.json, the last words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from suite.errors import RecordError, UsageError
from suite.frame import frame_of
from suite.provenance import provenance
from suite.request import Request
from suite.store import Store, write_whole
from suite.summary import Judged, judged_of
from suite.tables import Table
from suite.trial import Status

INTERRUPTED = 130


@dataclass
class Report:
    """What has happened so far, for `run.json` and the exit code."""

    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    winners: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """0 if all went well, 1 if trials or plugins failed, 130 if interrupted."""
        if self.interrupted:
            return INTERRUPTED
        return 1 if self.problems or self.counts.get(Status.FAILED.value) else 0


def begun(folder: Path) -> Mapping[str, Any]:
    """The `run.json` of a folder that a run was begun in; empty for a new folder."""
    description = folder / "run.json"
    if not description.is_file():
        return {}
    try:
        content = json.loads(description.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError(f"a {type(content).__name__} instead of an object")
    except ValueError as error:
        raise RecordError(
            f"Expected JSON in {description}. Received: {error}. Delete that one file; the trials "
            f"are not in it."
        ) from error
    return content


def check_same_study(request: Request, before: Mapping[str, Any]) -> None:
    """Refuse a folder that was begun with another study; more seeds are no other study."""
    if not before:
        return
    study = {"name": "no name", "fingerprint": "no fingerprint", **before.get("study", {})}
    if study["fingerprint"] != request.study.fingerprint:
        raise UsageError(
            f"Expected the study that {request.out} was begun with, {study['name']!r} "
            f"({study['fingerprint']}). Received: {request.study.name!r} "
            f"({request.study.fingerprint}). Choose another --out."
        )


def describe(request: Request, report: Report, store: Store) -> None:
    """Write `run.json`: what was run, with what, on what, and how it went so far."""
    damage = [asdict(line) | {"segment": line.segment.name} for line in store.damage]
    content = {
        "study": {
            "fingerprint": request.study.fingerprint,
            **request.study.model_dump(mode="json", exclude={"presets"}),
        },
        "tasks": report.tasks,
        "counts": report.counts,
        "winners": report.winners,
        "problems": report.problems,
        "damaged_lines": damage,
        "seconds": {name: round(value, 3) for name, value in report.seconds.items()},
        "interrupted": report.interrupted,
        **provenance(),
    }
    write_whole(request.out / "run.json", json.dumps(content, indent=2, allow_nan=False) + "\n")


TablesOf = Callable[[pd.DataFrame, Mapping[str, Judged]], Iterable[Table]]


def publish(request: Request, report: Report, store: Store, tables_of: TablesOf) -> list[Table]:
    """Write every derived file; return the tables to show."""
    frame = frame_of(store.outcomes().values(), request.study.name)
    counts = frame["status"].value_counts().to_dict() if len(frame) else {}
    report.counts = {str(status): int(count) for status, count in counts.items()}
    write_trials(frame, request.out)
    tasks = {name: judged_of(name, task) for name, task in report.tasks.items()}
    tables = list(tables_of(frame, tasks))
    for table in tables:
        table.write(request.out / "tables")
    describe(request, report, store)
    return tables


def write_trials(frame: pd.DataFrame, folder: Path) -> None:
    """Write `trials.csv` and `trials.parquet`; nothing where there are no trials yet."""
    if len(frame):
        write_whole(folder / "trials.csv", frame.to_csv(index=False))
        frame.to_parquet(folder / "trials.parquet", index=False)


def say_end(console: Console, request: Request, report: Report, store: Store) -> None:
    """Problems, counts, and where the results are."""
    counts = ", ".join(f"{count} {status}" for status, count in report.counts.items())
    console.print()
    for problem in report.problems:
        console.print(f"problem: {problem}", style="red", markup=False, soft_wrap=True)
    if store.damage:
        console.print(f"{len(store.damage)} damaged lines of the record were left out")
    if report.interrupted:
        console.print("interrupted; the same command goes on from here")
    total = report.seconds["total"]
    console.print(
        f"{counts or 'no trials'} in {total:.0f} s; results in {request.out}",
        soft_wrap=True,
        markup=False,
    )
