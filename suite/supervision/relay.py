"""The process of one task: does the task's work, and sends what comes of it over a wire."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from suite.errors import PluginError, SuiteError
from suite.line import decode, encode
from suite.progress import Tally
from suite.registry import Plugin, where
from suite.results import Report
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
        self._news: list[Outcome] = []

    def outcomes(self) -> Mapping[str, Outcome]:
        """What is recorded of the task."""
        return self.known

    def append(self, outcomes: Sequence[Outcome]) -> None:
        """Send outcomes to be recorded."""
        self.wire.send({"outcomes": [encode(outcome) for outcome in outcomes]})

    def claim(self, keys: Sequence[str]) -> set[str]:
        """Those of `keys` that this run is to train: see `suite.store.Store.claim`."""
        return set(self._granted("claim", keys))

    def free(self, keys: Iterable[str]) -> list[str]:
        """Those of `keys` that no other run has claimed: see `suite.store.Store.free`."""
        keys = list(keys)
        granted = set(self._granted("free", keys))
        return [key for key in keys if key in granted]

    def news(self) -> list[Outcome]:
        """What other runs have recorded since this was asked last."""
        new, self._news = self._news, []
        return new

    def _granted(self, what: str, keys: Sequence[str]) -> list[str]:
        self.wire.send({what: list(keys)})
        answer = self.wire.receive()
        self._news += map(decode, answer["news"])
        return list(answer["granted"])

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
        """Count outcomes; the supervisor shows what it records."""
        if self._tally:
            self._tally.add(outcomes)

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
    report = Report(changed=list(asked["changed"]))
    known: dict[str, Outcome] = {}
    while lines := wire.receive().get("known"):
        known |= {outcome.trial.key: outcome for outcome in map(decode, lines)}
    relay = Relay(wire, known, report)
    work = work_for(relay, relay, report, asked["before"])
    work.apart = True
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
