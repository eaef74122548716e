"""Progress of a run: bars where there is a terminal, plain lines where there is none."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

from suite.trial import Outcome, Status

QUIET_SECONDS = 4.0
"""A plain line comes at least this often, compiling included."""


class Tally:
    """Counts of one task's trials in this run."""

    def __init__(self, task: str, total: int, done: int, best: Best) -> None:
        self.task = task
        self.total = total
        self.done = done
        self.fresh = 0
        self.problems = {Status.DIVERGED: 0, Status.FAILED: 0}
        self.best = best
        self.stage = "loading data"
        self.started = time.monotonic()

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Count outcomes that were just recorded."""
        self.done += len(outcomes)
        self.fresh += len(outcomes)
        for outcome in outcomes:
            if outcome.status in self.problems:
                self.problems[outcome.status] += 1
            self.best.add(outcome)

    @property
    def rate(self) -> float:
        """Trials a second since the task began, building and compiling included."""
        return self.fresh / max(1e-9, time.monotonic() - self.started)

    def line(self) -> str:
        """`churn 96/384  31.2/s  9s left  best roc_auc 0.861`"""
        left = f"{(self.total - self.done) / self.rate:.0f}s left" if self.fresh else "..."
        troubles = [f"{count} {status}" for status, count in self.problems.items() if count]
        parts = [f"{self.done}/{self.total}", f"{self.rate:.1f}/s", left, str(self.best)]
        return "  ".join([*parts, *troubles])


class Best:
    """The best validation metric so far."""

    def __init__(self, metric: str) -> None:
        self.metric = metric
        self.value: float | None = None

    def add(self, outcome: Outcome) -> None:
        """Look at one outcome's metric on val; higher is better."""
        value = outcome.metrics.get(f"val.{self.metric}")
        if value is not None and (self.value is None or value > self.value):
            self.value = value

    def __str__(self) -> str:
        return f"best {self.value:.3f}" if self.value is not None else ""


class Display(Protocol):
    """Shows tallies as they change; also an engine's watcher."""

    def begin(self, tally: Tally) -> None:
        """A task's training begins."""

    def stage(self, text: str) -> None:
        """What the engine has just begun."""

    def add(self, outcomes: Sequence[Outcome]) -> None:
        """Outcomes were recorded."""

    def say(self, text: str) -> None:
        """A message that stays."""

    def close(self) -> None:
        """Nothing more will come."""


class Lines:
    """Plain lines: each stage, and a sign of life while one lasts."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self.tally: Tally | None = None
        self._last = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)
        self._thread.start()

    def begin(self, tally: Tally) -> None:
        self.tally = tally
        self._print(f"{tally.task}: {tally.total - tally.done} trials to train")

    def stage(self, text: str) -> None:
        if self.tally:
            self.tally.stage = text
        if time.monotonic() - self._last > 1:
            self._status()

    def add(self, outcomes: Sequence[Outcome]) -> None:
        if self.tally:
            self.tally.add(outcomes)
            if time.monotonic() - self._last > 1 or self.tally.done == self.tally.total:
                self._status()

    def say(self, text: str) -> None:
        self._print(text)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._stop.wait(0.5):
            if time.monotonic() - self._last > QUIET_SECONDS:
                self._status()

    def _status(self) -> None:
        if self.tally:
            self._print(f"{self.tally.task}: {self.tally.line()}  ({self.tally.stage})")

    def _print(self, text: str) -> None:
        self._last = time.monotonic()
        self.console.print(Text(text), soft_wrap=True)


class Bars:
    """One bar a task, redrawn by a thread of its own, so that compiling shows as well."""

    def __init__(self, console: Console) -> None:
        self.progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.fields[name]:<8}"),
            BarColumn(bar_width=10),
            TimeElapsedColumn(),
            TextColumn("{task.fields[line]}"),
            console=console,
            refresh_per_second=4,
        )
        self.tally: Tally | None = None
        self._bar = TaskID(0)
        self.progress.start()

    def begin(self, tally: Tally) -> None:
        self.tally = tally
        self._bar = self.progress.add_task(
            "", total=tally.total, completed=tally.done, name=tally.task, line=""
        )

    def stage(self, text: str) -> None:
        if self.tally:
            self.tally.stage = text
            self._update()

    def add(self, outcomes: Sequence[Outcome]) -> None:
        if self.tally:
            self.tally.add(outcomes)
            self._update()

    def say(self, text: str) -> None:
        self.progress.console.print(Text(text))

    def close(self) -> None:
        self.progress.stop()

    def _update(self) -> None:
        assert self.tally is not None
        finished = self.tally.done == self.tally.total
        line = self.tally.line() + ("" if finished else f"  {self.tally.stage.split()[0]}")
        self.progress.update(self._bar, completed=self.tally.done, line=line)


def display_for(console: Console) -> Display:
    """Bars where the console is a terminal, lines elsewhere."""
    return Bars(console) if console.is_terminal else Lines(console)
