"""What a run leaves behind: trials.csv and .parquet, the tables, run.json, the last words."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from suite.errors import RecordError, UsageError
from suite.foreign import parsed, text_of
from suite.provenance import provenance
from suite.publication import publish
from suite.reading import Reading
from suite.request import Request
from suite.secondlook import SECOND_LOOK
from suite.store import Store, write_whole
from suite.tables.table import Table
from suite.trial import Status

INTERRUPTED = 130


@dataclass
class Report:
    """What has happened so far, for `run.json` and the exit code.

    `second_look` is what `run.json` holds of one (`suite.secondlook`).
    """

    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    winners: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    interrupted: bool = False
    second_look: Mapping[str, Any] | None = None

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
        content = parsed(text_of(description, folder))
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


def describe(request: Request, report: Report, store: Store) -> dict[str, Any]:
    """Write `run.json`: what was run, with what, on what, and how it went so far; return it."""
    damage = [asdict(line) | {"segment": line.segment.name} for line in store.damage]
    content = {
        "study": {
            "fingerprint": request.study.fingerprint,
            **request.study.model_dump(mode="json", exclude={"presets"}),
        },
        "tasks": report.tasks,
        "counts": report.counts,
        "winners": report.winners,
        **({SECOND_LOOK: report.second_look} if report.second_look else {}),
        "problems": report.problems,
        "damaged_lines": damage,
        "seconds": {name: round(value, 3) for name, value in report.seconds.items()},
        "interrupted": report.interrupted,
        **provenance(),
    }
    write_whole(request.out / "run.json", json.dumps(content, indent=2, allow_nan=False) + "\n")
    return content


def published(request: Request, report: Report, store: Store) -> list[Table]:
    """Describe the run and write every file that is derived from it; return the tables."""
    outcomes = store.outcomes()
    statuses = Counter(outcome.status.value for outcome in outcomes.values())
    report.counts = dict(statuses.most_common())
    content = describe(request, report, store)
    return publish(Reading(request.out, content, request.study, outcomes), request.out)


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
