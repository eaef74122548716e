"""Work: what every run does with its tasks, whatever kind of study it carries out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, Protocol

from suite.engines.engine import Engine
from suite.errors import DataError, RecordError, SuiteError, UsageError
from suite.interrupt import check
from suite.jobs import Job
from suite.progress import Display
from suite.registry import Plugin
from suite.request import Request
from suite.results import Report
from suite.trial import Outcome, Status


class Record(Protocol):
    """Where outcomes are kept."""

    def outcomes(self) -> Mapping[str, Outcome]:
        """All that is kept, by trial key."""

    def append(self, outcomes: Sequence[Outcome]) -> None:
        """Keep outcomes."""


One = Callable[["Work", Plugin], None]
"""Does one task of some work."""


class Work(ABC):
    """The tasks of one run, one after the other; a subclass knows what is done with each.

    Attributes:
        done: the recorded outcomes by trial key; whatever failed is not among them, and is tried
            again.
    """

    def __init__(
        self,
        request: Request,
        engine_for: Callable[[], Engine],
        store: Record,
        display: Display,
        report: Report,
        before: Mapping[str, Any],
    ) -> None:
        self.request = request
        self._engine_for = engine_for
        self.store = store
        self.display = display
        self.report = report
        self.before = before
        self._failures: dict[tuple[str, str], int] = {}
        self.done = {
            key: outcome
            for key, outcome in store.outcomes().items()
            if outcome.status is not Status.FAILED
        }

    @cached_property
    def engine(self) -> Engine:
        """The engine, made when it is first asked for: it takes hold of the devices."""
        return self._engine_for()

    @property
    def clock(self) -> Mapping[str, float]:
        """Where the engine's time went, as far as this process has one."""
        return self.engine.clock if "engine" in vars(self) else {}

    def all(self, plugins: Sequence[Plugin], one: One | None = None) -> None:
        """Do every plugin's task; a broken plugin is reported and stops no other.

        `one` does a task elsewhere; by default it is done in this process.
        """
        if self.done:
            self.display.say(
                f"resuming: {len(self.done)} trials are recorded in {self.request.out}"
            )
        refused: list[UsageError] = []
        for plugin in plugins:
            try:
                check()
                if one:
                    one(self, plugin)
                else:
                    self.one(plugin)
                self.finish(plugin)
            except RecordError:
                raise
            except SuiteError as error:
                refused += [error] if isinstance(error, UsageError) else []
                self.problem(f"{plugin.name}: {error}")
        if refused and len(refused) == len(plugins):
            raise refused[0]  # no task can use the study: that is how it was asked for

    @abstractmethod
    def one(self, plugin: Plugin) -> None:
        """Do one task, in this process or in one of its own."""

    def found(self) -> Mapping[str, Sequence[Any]]:
        """What `one` found beside outcomes: data classes by name, for `take` in another process."""
        return {}

    def take(self, found: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:  # noqa: B027
        """Take what another process found; a matrix has nothing beside its record."""

    def finish(self, plugin: Plugin) -> None:  # noqa: B027  # most work is done then
        """Go on with a task that was done, in the process that holds the record."""

    def write_log(self) -> None:  # noqa: B027  # a matrix has none beside its record
        """Write what tables need and the record does not hold."""

    def close(self) -> None:  # noqa: B027  # most work leaves nothing open
        """End what may still be going on beside the run."""

    def begin(self, job: Job) -> None:
        """Take note of a task that is ready, after a check that its data are those of before."""
        earlier = self.before.get("tasks", {}).get(job.plugin.name, {}).get("data", {})
        now = job.task.dataset.fingerprint
        begun_with = earlier.get("fingerprint", now)
        if begun_with != now:
            raise DataError(
                f"Expected the data that {self.request.out} was begun with ({begun_with}). "
                f"Received: {now}. Choose another --out."
            )
        self.report.tasks[job.plugin.name] = job.description()

    def record(self, task: str, outcomes: Sequence[Outcome]) -> None:
        """Store outcomes; once this returns, they are on the disk."""
        self.store.append(outcomes)
        self.done |= {outcome.trial.key: outcome for outcome in outcomes}
        self.display.add(outcomes)
        messages = [o.message for o in outcomes if o.status is Status.FAILED]
        for message in sorted(set(messages)):
            self._failed(task, message, messages.count(message))

    def _failed(self, task: str, message: str, count: int) -> None:
        """Report failures of one kind: said at the first, counted together afterwards."""
        before = self._failures.get((task, message), 0)
        self._failures[task, message] = before + count
        texts = [f"{task}: {n} trials failed: {message}" for n in (before, before + count)]
        if before:
            self.report.problems[self.report.problems.index(texts[0])] = texts[1]
        else:
            self.problem(texts[1])

    def problem(self, text: str) -> None:
        """Report what went wrong."""
        self.report.problems.append(text)
        self.display.say(text)
