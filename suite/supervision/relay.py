"""The process of one task: does the task's work, and sends what comes of it over a wire."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from suite.errors import PluginError, SuiteError
from suite.progress import Tally
from suite.registry import Plugin, where
from suite.results import Report
from suite.store import decode, encode
from suite.supervision.trace import keep
from suite.supervision.wire import SLICE, Wire
from suite.trial import Outcome
from suite.work import Work


class Relay:
    """What stands in for the record and for the display in a task's process: all goes on the wire.

    Args:
        known: what is recorded of the task.
    """

    def __init__(self, wire: Wire, known: Mapping[str, Outcome], report: Report) -> None:
        self.wire = wire
        self.known = known
        self.report = report
        self._tally: Tally | None = None

    def outcomes(self) -> Mapping[str, Outcome]:
        """What is recorded of the task."""
        return self.known

    def append(self, outcomes: Sequence[Outcome]) -> None:
        """Send outcomes to be recorded."""
        lines = [encode(outcome) for outcome in outcomes]
        if self._tally:
            self._tally.add(outcomes)
        self.wire.send({"outcomes": lines, "done": self._done})

    def begin(self, tally: Tally) -> None:
        """A task's training begins: its description goes along."""
        self._tally = tally
        best = {"metric": tally.best.metric, "value": tally.best.value}
        content = {"task": tally.task, "total": tally.total, "done": tally.done, "best": best}
        self.wire.send({"begin": content, "described": self.report.tasks.get(tally.task)})

    def stage(self, text: str) -> None:
        """What the engine has just begun."""
        self.wire.send({"stage": text, "done": self._done})

    def say(self, text: str) -> None:
        """A message that stays."""
        self.wire.send({"say": text})

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Nothing: the supervisor shows what it records."""

    def close(self) -> None:
        """Nothing."""

    @property
    def _done(self) -> int:
        return self._tally.done if self._tally else 0


def work_apart(wire: Wire, work_for: Callable[..., Work]) -> None:
    """Do one task's work in this process. What goes wrong is a message, too.

    `work_for` is given what `Work` is made of, but for the request.
    """
    asked = wire.receive()
    plugin = Plugin(**{**asked["plugin"], "path": Path(asked["plugin"]["path"])})
    keep(Path(asked["trace"]))
    report = Report()
    known: dict[str, Outcome] = {}
    while lines := wire.receive().get("known"):
        known |= {outcome.trial.key: outcome for outcome in map(decode, lines)}
    relay = Relay(wire, known, report)
    work = work_for(relay, relay, report, asked["before"])
    end: dict[str, Any] = {"end": "done"}
    try:
        work.one(plugin)
    except KeyboardInterrupt:
        end = {"end": "interrupted"}
    except SuiteError as error:
        end = {"end": "error", "error": type(error).__name__, "text": str(error)}
    except BaseException as error:  # a plugin may raise anything; it is reported
        if not isinstance(error, SystemExit):
            traceback.print_exc()
        text = f"{where(error, plugin.path)}: {type(error).__name__}: {error}"
        end = {"end": "error", "error": PluginError.__name__, "text": text}
    for name, rows in work.found().items():
        for start in range(0, len(rows), SLICE):
            wire.send({"found": {name: [asdict(row) for row in rows[start : start + SLICE]]}})
    wire.send({"seconds": {**report.seconds, **work.clock}, **end})
