"""All examiners in their order, from cheap to dear; one that fails stops none of the others."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from suite.check.contract import examine as contract
from suite.check.contract import reason
from suite.check.effects import examine as effects
from suite.check.fitted import examine as fitted
from suite.check.future import examine as future
from suite.check.note import DATA, MODEL, SPEED, TRAINING, Finding, Note, Remark
from suite.check.overlap import examine as overlap
from suite.check.pace import examine as pace
from suite.check.parity import examine as parity
from suite.check.repeat import examine as repeat
from suite.check.shortcut import examine as shortcut
from suite.check.shuffled import examine as shuffled
from suite.check.subject import Subject
from suite.engines.engine import Watcher
from suite.registry import Plugin


@dataclass(frozen=True)
class Examiner:
    """One question about a task.

    Attributes:
        asks: the question, in a few words.
        examine: yields what it finds.
        needs: what earlier findings may have spoiled.
    """

    name: str
    asks: str
    examine: Callable[[Subject], Iterator[Note]]
    needs: tuple[str, ...] = ()


EXAMINERS = (
    Examiner("contract", "do data, model and metric fit?", contract),
    Examiner("overlap", "are the splits disjoint?", overlap, (DATA,)),
    Examiner("future", "is train before val and test?", future, (DATA,)),
    Examiner("fitted", "was train alone learned from?", fitted, (DATA, MODEL)),
    Examiner("shortcut", "is there something to learn?", shortcut, (DATA,)),
    Examiner("effects", "does every factor count?", effects, (MODEL, TRAINING)),
    Examiner("repeat", "does a seed give one result?", repeat, (MODEL, TRAINING)),
    Examiner("pace", "is it fast enough?", pace, (MODEL, TRAINING)),
    Examiner("shuffled", "do only true labels teach?", shuffled, (MODEL, TRAINING, SPEED)),
    Examiner("parity", "do fleet and fit agree?", parity, (MODEL, TRAINING)),
)


@dataclass
class Result:
    """What one examiner found, and how long it took; `spoiled`: what it cannot rely on."""

    examiner: Examiner
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)
    spoiled: str = ""

    @property
    def word(self) -> str:
        """The result in a word or two."""
        if self.findings:
            return "finding" if len(self.findings) == 1 else f"{len(self.findings)} findings"
        return f"skipped: {self.spoiled}" if self.spoiled else "ok"

    def content(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "examiner": self.examiner.name,
            "asks": self.examiner.asks,
            "result": "finding" if self.findings else "skipped" if self.spoiled else "ok",
            "seconds": round(self.seconds, 2),
            "findings": [
                {"found": one.found, "means": one.means, "remedy": one.remedy}
                for one in self.findings
            ],
            "remarks": [remark.text for remark in self.remarks],
        }


def examine(
    plugin: Plugin, watcher: Watcher, examiners: Sequence[Examiner] = EXAMINERS
) -> list[Result]:
    """What each examiner finds, in their order; the first is the contract's."""
    subject = Subject(plugin, watcher)
    results = [Result(examiner) for examiner in examiners]
    spoiled: set[str] = set()
    if any(examiner.examine is repeat for examiner in examiners):
        subject.begin()
    try:
        for result in results:
            watcher.stage(f"{result.examiner.name}: {result.examiner.asks}")
            lacking = [need for need in result.examiner.needs if need in spoiled]
            if lacking:
                result.spoiled = lacking[0]
                continue
            _fill(result, results[0], subject)
            spoiled |= {part for own in result.findings for part in own.spoils}
            spoiled |= {part for own in results[0].findings for part in own.spoils}
    finally:
        subject.close()
    return results


def _fill(result: Result, first: Result, subject: Subject) -> None:
    """Let one examiner speak; where it raises, that is a finding of the contract's."""
    started = time.perf_counter()
    try:
        for note in result.examiner.examine(subject):
            if isinstance(note, Finding):
                result.findings.append(note)
            else:
                result.remarks.append(note)
    except Exception as error:  # a plugin may raise anything, and so may an examiner of its data
        first.findings.append(
            Finding(
                f"The examiner {result.examiner.name!r} could not finish: "
                f"{reason(error, subject.plugin.path)}",
                "Something in the task is not as the suite expects it.",
                "Where the error is the plugin's, correct it; else report it with the task file.",
            )
        )
    result.seconds = time.perf_counter() - started
