"""Facts about a run for the head and the foot of the page: size, date, origin, machine, data."""

from __future__ import annotations

import json
import re
import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from suite.reading import Reading
from suite.search.study import SearchStudy
from suite.segments import RECORD
from suite.study import Study
from suite.tables.text import seeds_text

MOST_NAMED = 20
"""Damaged lines that the report names; `run.json` names all."""


@dataclass(frozen=True)
class Facts:
    """All of them.

    Attributes:
        headline: the line below the title.
        problems: what went wrong.
        command: what stands before and behind a trial's key in the command that reproduces it.
        origin, data: names and texts, of the run and by task.
        declaration: the study as it was declared, as JSON.
    """

    study: Study | SearchStudy
    headline: Sequence[str]
    problems: Sequence[str]
    command: tuple[str, str]
    origin: Sequence[tuple[str, str]]
    data: Sequence[tuple[str, Sequence[tuple[str, str]]]]
    declaration: str


def facts_of(reading: Reading) -> Facts:
    """The facts of a run."""
    return Facts(
        reading.study,
        headline(reading),
        problems(reading),
        command_of(reading),
        list(origin(reading.run)),
        list(data(reading.run)),
        declaration(reading),
    )


def headline(reading: Reading) -> list[str]:
    """The line below the title."""
    statuses = Counter(outcome.status.value for outcome in reading.outcomes.values())
    trials = f"{len(reading.outcomes):,} trials"
    others = [f"{statuses[s]:,} {s}" for s in ("diverged", "failed") if s in statuses]
    tasks = len(reading.judged)
    facts = [
        f"study {reading.study.name}",
        f"{tasks} task{'s' if tasks != 1 else ''}",
        f"{trials} ({', '.join(others)})" if others else trials,
        _repeats(reading),
        recorded(reading),
    ]
    commit = str(reading.run.get("commit") or "")
    return [*filter(None, facts), *([f"commit {commit}"] if commit else [])]


def _repeats(reading: Reading) -> str:
    if isinstance(reading.study, SearchStudy):
        return f"{reading.study.repeats} searches a tuner"
    if not len(reading.frame):
        return ""
    least = reading.frame.groupby("task")["seed"].nunique()
    low, high = int(least.min()), int(least.max())
    return seeds_text(high) if low == high else f"{low} to {seeds_text(high)}"


def recorded(reading: Reading) -> str:
    """The days on which trials were written, from the names of the record's segments."""
    stamps = [
        int(found[1])
        for path in sorted((reading.folder / RECORD).glob("*.jsonl"))
        if (found := re.match(r"(0\d{19})-", path.name))
    ]
    days = [datetime.fromtimestamp(s / 1e9, UTC).date().isoformat() for s in stamps]
    if not days:
        return ""
    first, last = min(days), max(days)
    return f"begun {first}" if first == last else f"begun {first}, last resumed {last}"


def problems(reading: Reading) -> list[str]:
    """What went wrong, in the words of `run.json`."""
    run = reading.run
    found = [str(problem) for problem in run.get("problems", ())]
    found += damaged(run.get("damaged_lines", ()))
    mixed = Counter(outcome.mixed for outcome in reading.outcomes.values() if outcome.mixed)
    found += [f"{count} trials are mixed in, of: {what}" for what, count in mixed.most_common()]
    if run.get("interrupted"):
        found.append("The run was interrupted; the same command goes on from there.")
    return found


def damaged(lines: Sequence[Mapping[str, Any]]) -> list[str]:
    """Damaged lines of the record by name; of very many the first ones."""
    found = []
    for line in lines[:MOST_NAMED]:
        trial = f", trial {line['trial']}" if line.get("trial") else ""
        place = f"line {line['line']} of {line['segment']}"
        found.append(f"damaged and left out: {place}{trial}: {line['reason']}")
    if len(lines) > MOST_NAMED:
        more = len(lines) - MOST_NAMED
        found.append(f"damaged and left out: {more} more lines, which run.json names")
    return found


def origin(run: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Command, commit, machine, versions: names and texts."""
    command = [str(part) for part in run.get("command", ())]
    if command:
        yield "command", shlex.join(["python", *command])
    for name in ("commit", "hardware", "versions"):
        if run.get(name):
            yield name, flat(run[name])
    study = run["study"]
    if study.get("fingerprint"):
        yield "study's fingerprint", str(study["fingerprint"])
    if run.get("second_look"):
        yield "second look", flat(run["second_look"])


def data(run: Mapping[str, Any]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """By task: what is known of its data and of how it is judged."""
    for task, described in run["tasks"].items():
        known = {**described.get("data", {}), **described}
        yield task, [(k.replace("_", " "), flat(v)) for k, v in known.items() if k != "data"]


def flat(value: Any) -> str:
    """A value of `run.json` in one line.

    >>> flat({"val": 0.5, "test": [1, 2]})
    'val: 0.5, test: 1, 2'
    """
    if isinstance(value, Mapping):
        return ", ".join(f"{key}: {flat(own)}" for key, own in value.items())
    if isinstance(value, list):
        return ", ".join(map(flat, value))
    if isinstance(value, float):
        return f"{value:.6g}"
    return value if isinstance(value, str) else json.dumps(value)


def declaration(reading: Reading) -> str:
    """The study as it was declared, as JSON."""
    content = {k: v for k, v in reading.run["study"].items() if k != "fingerprint"}
    return json.dumps(content, indent=1, ensure_ascii=False)


def command_of(reading: Reading) -> tuple[str, str]:
    """What stands before and behind a trial's key in the command that reproduces it."""
    folder = shlex.quote(reading.folder.as_posix())
    return "python run_suite.py reproduce ", f" --results {folder}"
