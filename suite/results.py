"""What a run leaves behind: trials.csv and .parquet, the tables, run.json, the last words."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from suite.errors import RecordError, UsageError
from suite.exits import Exit
from suite.files import write_whole
from suite.foreign import parsed, text_of
from suite.origin import DATA
from suite.provenance import provenance
from suite.publication import publish
from suite.reading import Reading
from suite.request import Request
from suite.secondlook import SECOND_LOOK
from suite.store import Store
from suite.tables.table import Table
from suite.trial import Status, canonical

LONGEST = 120
"""Signs of a value in a message."""


@dataclass
class Report:
    """What has happened so far, for `run.json` and the exit code.

    `second_look` is what `run.json` holds of one (`suite.secondlook`); `workers` are the processes
    of a cluster (`suite.engines.engine.Engine.workers`); `changed` names what differs in the study
    from that which the folder was begun with.
    """

    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    winners: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    interrupted: bool = False
    workers: list[Mapping[str, Any]] = field(default_factory=list)
    second_look: Mapping[str, Any] | None = None
    changed: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 if all went well, 1 if trials or plugins failed, 130 if interrupted."""
        if self.interrupted:
            return Exit.INTERRUPTED
        return Exit.FAILED if self.problems or self.counts.get(Status.FAILED.value) else Exit.OK


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


def mixing(folder: Path, changed: Sequence[str]) -> UsageError:
    """The error for a folder that was begun with something else."""
    return UsageError(
        f"Expected what {folder} was begun with. Received: {'; '.join(changed)}. "
        f"Choose another --out, or go on with --allow-mixed, which marks the further trials."
    )


def origin_in(task: Mapping[str, Any]) -> dict[str, str]:
    """What a task's results rest on, as far as its part of a `run.json` tells."""
    data = task.get("data", {}).get("fingerprint")
    return {**({DATA: data} if data else {}), **task.get("origin", {})}


def study_changes(request: Request, before: Mapping[str, Any]) -> list[str]:
    """What differs from the study that a folder was begun with; more seeds are no difference.

    Raises UsageError where something does, and mixing was not allowed.
    """
    study = before.get("study", {})
    if not before or study.get("fingerprint") == request.study.fingerprint:
        return []
    now = request.study.model_dump(mode="json", exclude={"presets", request.study.repeated})
    parts = [key for key, value in now.items() if study.get(key, value) != value]
    told = [f"{key} {_brief(study[key])} -> {_brief(now[key])}" for key in parts]
    changed = [f"the study: {', '.join(told) or 'its kind'}"]
    if not request.allow_mixed:
        raise mixing(request.out, changed)
    return changed


def _brief(value: Any) -> str:
    text = canonical(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 3] + "..."


def describe(request: Request, report: Report, store: Store) -> dict[str, Any]:
    """Write `run.json`: what was run, with what, on what, and how it went so far; return it."""
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
        "damaged_lines": store.faults(),
        "seconds": {name: round(value, 3) for name, value in report.seconds.items()},
        "interrupted": report.interrupted,
        **({"workers": report.workers} if report.workers else {}),
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
