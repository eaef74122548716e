"""A run: plan, train, store, summarise."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from suite.engines.choice import engine_named
from suite.engines.engine import Engine
from suite.environment import spare_tensorflow
from suite.errors import DataError, RecordError, SuiteError, UsageError
from suite.interrupt import check
from suite.jobs import Job, prepare
from suite.progress import Best, Display, Tally, display_for
from suite.registry import Plugin
from suite.request import Request, plugins_of
from suite.results import Report, begun, check_same_study, describe, publish, say_end
from suite.store import Store
from suite.trial import Outcome, Status
from suite.winners import Winners


def run(request: Request, console: Console) -> int:
    """Carry out a request; return the exit code."""
    started = time.perf_counter()
    plugins = plugins_of(request)
    spare_tensorflow()
    engine, cost = engine_named(request.engine)
    with Store(request.out) as store:
        before = begun(request.out)
        check_same_study(request, before)
        report = Report(dict(before.get("tasks", {})), winners=list(before.get("winners", ())))
        describe(request, report, store)
        display = display_for(console)
        if cost:
            display.say(cost)
        try:
            Runner(request, store, engine, display, report, before).all(plugins)
        except KeyboardInterrupt:
            report.interrupted = True
        finally:
            display.close()
        report.seconds |= engine.clock
        report.seconds["total"] = time.perf_counter() - started
        tables = publish(request, report, store)
    for table in tables:
        console.print()
        console.print(table.rich())
    say_end(console, request, report, store)
    return report.exit_code


class Runner:
    """Trains the tasks of one run, one after the other."""

    def __init__(
        self,
        request: Request,
        store: Store,
        engine: Engine,
        display: Display,
        report: Report,
        before: Mapping[str, Any],
    ) -> None:
        self.request = request
        self.store = store
        self.engine = engine
        self.display = display
        self.report = report
        self.before = before
        self.done = {
            key: outcome
            for key, outcome in store.outcomes().items()
            if outcome.status is not Status.FAILED  # whatever failed is tried again
        }
        self.winners = Winners(request.out, before)

    def all(self, plugins: Sequence[Plugin]) -> None:
        """Train every plugin's trials, then collect the winners; a broken plugin is reported."""
        if self.done:
            self.display.say(
                f"resuming: {len(self.done)} trials are recorded in {self.store.folder}"
            )
        refused: list[UsageError] = []
        try:
            for plugin in plugins:
                try:
                    self.one(plugin)
                except RecordError:
                    raise
                except SuiteError as error:
                    refused += [error] if isinstance(error, UsageError) else []
                    self._problem(f"{plugin.name}: {error}")
            if refused and len(refused) == len(plugins):
                raise refused[0]  # no task can use the study: that is how it was asked for
            self._collect()
        finally:
            self.winners.stop()

    def one(self, plugin: Plugin) -> None:
        """Train what is not recorded yet of one task, and send off its winner."""
        started = time.perf_counter()
        self.display.say(f"{plugin.name}: loading data")
        job = prepare(plugin, self.request.study, self.request.source)
        self._check_same_data(job)
        self.report.tasks[plugin.name] = job.description()
        waiting = [trial for trial in job.trials if trial.key not in self.done]
        best = Best(job.judge.name)
        mine = [self.done[t.key] for t in job.trials if t.key in self.done]
        for outcome in mine:
            best.add(outcome)
        self.display.begin(Tally(plugin.name, len(job.trials), len(mine), best))
        check()
        for outcomes in self.engine.train(job.task, waiting, self.display):
            self.store.append(outcomes)
            self.done |= {outcome.trial.key: outcome for outcome in outcomes}
            self.display.add(outcomes)
            self._failures(plugin.name, outcomes)
            check()
        self.report.seconds[plugin.name] = time.perf_counter() - started
        self.winners.send(job, [self.done[t.key] for t in job.trials if t.key in self.done])

    def _check_same_data(self, job: Job) -> None:
        """Refuse to mix trials on other data into what is recorded of a task."""
        earlier = self.before.get("tasks", {}).get(job.plugin.name, {}).get("data", {})
        now = job.task.dataset.fingerprint
        begun_with = earlier.get("fingerprint", now)
        if begun_with != now:
            raise DataError(
                f"Expected the data that {self.request.out} was begun with ({begun_with}). "
                f"Received: {now}. Choose another --out."
            )

    def _failures(self, task: str, outcomes: Sequence[Outcome]) -> None:
        messages = {o.message for o in outcomes if o.status is Status.FAILED}
        for message in sorted(messages):
            count = sum(o.message == message for o in outcomes)
            self._problem(f"{task}: {count} trials failed: {message}")

    def _problem(self, text: str) -> None:
        self.report.problems.append(text)
        self.display.say(text)

    def _collect(self) -> None:
        started = time.perf_counter()
        if self.winners.waiting:
            self.display.say("training the winners again with model.fit on TensorFlow")
            self.display.stage("winners on TensorFlow")
        rows, problems = self.winners.collect()
        fresh = {row["task"] for row in rows}
        kept = [row for row in self.report.winners if row["task"] not in fresh]
        self.report.winners = [*kept, *rows]
        for problem in problems:
            self._problem(problem)
        self.report.seconds["winners"] = time.perf_counter() - started
