"""Work: what every run does with its tasks, whatever kind of study it carries out."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

from suite.engines.engine import Engine
from suite.errors import RecordError, SuiteError, UsageError
from suite.files import ROOM, require_room
from suite.interrupt import check
from suite.jobs import Job
from suite.origin import changes
from suite.progress import Display
from suite.registry import Plugin
from suite.request import Request
from suite.results import Report, mixing, origin_in
from suite.store import Store
from suite.trial import Outcome, Status, Trial

Chunks = Iterator[Sequence[Outcome]]

POLL_SECONDS = 0.2
"""How often to look whether others have recorded what they train."""
TRIAL_BYTES = 3000
EPOCH_BYTES = 300
"""What a trial takes in the record, the tables and the report, and on top for each epoch."""


One = Callable[["Work", Plugin], None]
"""Does one task of some work."""


class Work(ABC):
    """The tasks of one run, one after the other; a subclass knows what is done with each.

    Attributes:
        done: the recorded outcomes by trial key; whatever failed is not among them, and is tried
            again.
        apart: whether another process records and reports what this one finds.
    """

    def __init__(
        self,
        request: Request,
        engine_for: Callable[[], Engine],
        store: Store,
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
        self.apart = False
        self._failures: dict[tuple[str, str], int] = {}
        self._mixed: dict[str, str] = {}  # by task: what differs from what the folder began with
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

    @property
    def workers(self) -> Sequence[Mapping[str, Any]]:
        """Other processes that the engine trained in."""
        return self.engine.workers if "engine" in vars(self) else ()

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

    def close(self) -> None:
        """End what may still be going on beside the run, and what the engine holds."""
        if "engine" in vars(self):
            self.engine.close()

    def begin(self, job: Job) -> None:
        """Take note of a task that is ready, after a check that its data are those of before."""
        name = job.plugin.name
        begun_with = origin_in(self.before.get("tasks", {}).get(name, {}))
        changed = [*self.report.changed, *changes(begun_with, job.origin)]
        if changed and not self.request.allow_mixed:
            raise mixing(self.request.out, changed)
        self.report.tasks[name] = job.description()
        if changed:
            self._mixed[name] = "; ".join(changed)
            self.report.tasks[name]["origin"] = {**job.origin, **begun_with}
            self.display.say(f"{name}: further trials are marked as mixed: {self._mixed[name]}")
        recorded = sum(outcome.trial.task == name for outcome in self.done.values())
        require_room(self.request.out, ROOM + self._bytes(job, recorded))

    def _bytes(self, job: Job, recorded: int) -> int:
        """About how much the trials of a task that are not recorded yet will take."""
        epochs = max((trial.epochs for trial in job.trials), default=0)
        return max(0, len(job.trials) - recorded) * (TRIAL_BYTES + epochs * EPOCH_BYTES)

    def train(
        self, task: str, trials: Sequence[Trial], engine: Callable[[list[Trial]], Chunks]
    ) -> None:
        """Train what is neither recorded nor trained by others, and wait for what others train.

        Args:
            engine: trains those of the given trials that `Store.claim` grants.
        """
        left = {trial.key: trial for trial in trials if trial.key not in self.done}
        while left:
            free = self.store.free(left)
            if free:
                for outcomes in engine([left[key] for key in free]):
                    self.record(task, outcomes)
                    for outcome in outcomes:
                        left.pop(outcome.trial.key, None)
                    check()
            else:
                time.sleep(POLL_SECONDS)
                check()
            for outcome in self.adopt():
                left.pop(outcome.trial.key, None)

    def adopt(self) -> list[Outcome]:
        """Take over what others have recorded meanwhile."""
        outcomes = self.store.news()
        self._take(outcomes)
        return outcomes

    def record(self, task: str, outcomes: Sequence[Outcome]) -> None:
        """Store outcomes; once this returns, they are on the disk."""
        mixed = self._mixed.get(task, "")
        outcomes = [replace(outcome, mixed=mixed) for outcome in outcomes] if mixed else outcomes
        self.store.append(outcomes)
        self._take(outcomes)

    def _take(self, outcomes: Sequence[Outcome]) -> None:
        self.done |= {outcome.trial.key: outcome for outcome in outcomes}
        self.display.add(outcomes)
        if self.apart:
            return
        failed = Counter((o.trial.task, o.message) for o in outcomes if o.status is Status.FAILED)
        for (task, message), count in sorted(failed.items()):
            self._failed(task, message, count)

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
