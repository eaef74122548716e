"""The supervisor: has each task done in a process of its own, and records what comes of it.

A task's process that breaks a limit, dies, or talks rubbish costs that task alone: it is reported
with the plugin's file and the line it was at, and nothing of it is left behind.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from suite import errors, interrupt
from suite.errors import PluginError, RecordError, SuiteError
from suite.line import decode, encode
from suite.progress import Best, Tally
from suite.registry import Plugin
from suite.supervision.limits import Limits, Meter
from suite.supervision.server import ForkServer
from suite.supervision.trace import ask, place
from suite.supervision.wire import SLICE, Wire
from suite.trial import Outcome
from suite.work import Work

LOOK = 0.25
"""Seconds between two looks at a process's memory and silence."""
LAST_WORD = 0.5
"""Seconds that a process is given to write where it is."""
DRAINING = "stopping after the chunk in flight; once more stops at once"


class Supervisor:
    """Does the tasks of some work, one after the other, each in a process of its own.

    Args:
        server: what the processes are forked from.
        before: the `run.json` of an earlier run in the folder.
    """

    def __init__(self, server: ForkServer, limits: Limits, before: Mapping[str, Any]) -> None:
        self.server = server
        self.limits = limits
        self.before = before

    def one(self, work: Work, plugin: Plugin) -> None:
        """Do one task. Raises what its process says it raised, or PluginError."""
        pid, wire = self.server.fork()
        with TemporaryDirectory() as folder:
            watch = _Watch(work, plugin, pid, wire, Meter(pid, self.limits), Path(folder) / "trace")
            try:
                watch.ask(self.before)
                end = watch.follow()
            except BaseException:
                self.server.end(at_once=True)
                raise
            finally:
                wire.close()
            status = self.server.end(at_once=bool(end.get("breach")))
            _raise(end, status, place(watch.trace, plugin.path))


class _Watch:
    """Follows one process until it has said its last word."""

    def __init__(
        self, work: Work, plugin: Plugin, pid: int, wire: Wire, meter: Meter, place: Path
    ) -> None:
        self.work = work
        self.plugin = plugin
        self.pid = pid
        self.wire = wire
        self.meter = meter
        self.trace = place
        self._tally: Tally | None = None
        self._told = False

    def ask(self, before: Mapping[str, Any]) -> None:
        """Say what is to be done, and what is known of it; nobody there looks at known health."""
        known = [o for o in self.work.done.values() if o.trial.task == self.plugin.name]
        asked = {
            "plugin": {**asdict(self.plugin), "path": str(self.plugin.path)},
            "changed": self.work.report.changed,
        }
        with suppress(ConnectionError):  # it died already; following it tells how
            self.wire.send({**asked, "before": before, "trace": str(self.trace)})
            for start in range(0, len(known), SLICE):
                part = (replace(outcome, health=None) for outcome in known[start : start + SLICE])
                self.wire.send({"known": [*map(encode, part)]})
            self.wire.send({})

    def follow(self) -> Mapping[str, Any]:
        """Take messages until the last one; what it says, or which limit was broken, or nothing."""
        looked = time.monotonic()
        while True:
            if self.wire.waiting(LOOK):
                try:
                    message = self.wire.receive()
                    outcomes = [decode(line) for line in message.get("outcomes", ())]
                except (EOFError, ConnectionError, RecordError) as error:
                    return {"lost": str(error)}
                self.meter.alive()
                self._take(message, outcomes)
                if "end" in message:
                    return message
            if time.monotonic() - looked >= LOOK:
                looked = time.monotonic()
                self._drain()
                if breach := self.meter.breach():
                    ask(self.pid)
                    time.sleep(LAST_WORD)
                    return {"breach": breach}

    def _take(self, message: Mapping[str, Any], outcomes: Sequence[Outcome]) -> None:
        work = self.work
        if "begin" in message:
            begun = dict(message["begin"])
            best = Best(begun["best"]["metric"])
            best.value = begun["best"]["value"]
            self._tally = Tally(self.plugin.name, begun["total"], begun["done"], best)
            if message["described"]:
                work.report.tasks[self.plugin.name] = dict(message["described"])
            work.display.begin(self._tally)
        if outcomes:
            work.record(self.plugin.name, outcomes)
        for name, share in (("claim", work.store.claim), ("free", work.store.free)):
            if name in message:
                self._grant(sorted(share(message[name])))
        if self._tally and "done" in message:
            self._tally.done = int(message["done"])
        if "stage" in message:
            work.display.stage(message["stage"])
        if "say" in message:
            work.display.say(message["say"])
        if "found" in message:
            work.take(message["found"])
        for name, seconds in message.get("seconds", {}).items():
            work.report.seconds[name] = work.report.seconds.get(name, 0.0) + seconds

    def _grant(self, keys: Sequence[str]) -> None:
        """Answer what the process is to train, and what others have recorded meanwhile."""
        news = self.work.adopt()
        with suppress(ConnectionError):  # it died meanwhile; following it tells how
            self.wire.send({"granted": keys, "news": [encode(outcome) for outcome in news]})

    def _drain(self) -> None:
        """Pass on once that the run is to stop."""
        if interrupt.asked() and not self._told:
            self._told = True
            self.work.display.say(DRAINING)
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGINT)


def _raise(end: Mapping[str, Any], status: int, place: str) -> None:
    """Raise what the end of a task's process means; return where all went well."""
    if end.get("end") == "done":
        return
    if end.get("end") == "interrupted":
        raise KeyboardInterrupt
    if end.get("end") == "error":
        kind = getattr(errors, str(end.get("error")), PluginError)
        known = isinstance(kind, type) and issubclass(kind, SuiteError)
        raise (kind if known else PluginError)(str(end.get("text")))
    if "breach" in end:
        raise PluginError(f"{place}: {end['breach']}.")
    raise PluginError(
        f"{place}: Expected the task's process to end when its work is done. "
        f"Received: {_ending(status)} ({end['lost']})."
    )


def _ending(status: int) -> str:
    """How a process ended, from its status: the signal that ended it, or its exit code."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        with suppress(ValueError):
            return f"ended by {signal.Signals(number).name}"
        return f"ended by signal {number}"
    return f"ended with exit code {os.WEXITSTATUS(status)}"
