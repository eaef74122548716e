"""A matrix study carried out: every cell on every seed, then each task's winner."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from suite.interrupt import check
from suite.jobs import prepare
from suite.plan import trials
from suite.progress import Best, Tally
from suite.registry import Plugin
from suite.study import Study
from suite.winners import Winners
from suite.work import One, Work


class MatrixWork(Work):
    """Trains the matrix of a study on each task."""

    def __init__(self, study: Study, *common: Any) -> None:
        super().__init__(*common)
        self.study = study
        self.winners = Winners(self.request, self.before)

    def all(self, plugins: Sequence[Plugin], one: One | None = None) -> None:
        """Train every plugin's trials, then collect the winners."""
        super().all(plugins, one)
        self._collect()

    def close(self) -> None:
        """End the child that trains the winners as well, whatever it is doing."""
        self.winners.stop()
        super().close()

    def one(self, plugin: Plugin) -> None:
        """Train what is not recorded yet of one task."""
        started = time.perf_counter()
        self.display.say(f"{plugin.name}: loading data")
        job = prepare(plugin, self.study, self.request.source)
        self.begin(job)
        mine = [self.done[t.key] for t in job.trials if t.key in self.done]
        best = Best(job.judge.name)
        for outcome in mine:
            best.add(outcome)
        self.display.begin(Tally(plugin.name, len(job.trials), len(mine), best))
        check()
        claim = self.store.claim
        self.train(
            plugin.name,
            job.trials,
            lambda free: self.engine.train(job.task, free, self.display, claim),
        )
        self.report.seconds[plugin.name] = time.perf_counter() - started

    def finish(self, plugin: Plugin) -> None:
        """Send off the task's winner; a run that has joined leaves it to the other one."""
        if not self.store.writers.holds or not self.study.winners:
            return
        task = self.report.tasks[plugin.name]
        planned = trials(self.study, plugin.name, self.request.source, task["epochs"])
        self.winners.send(plugin, task, [self.done[t.key] for t in planned if t.key in self.done])

    def _collect(self) -> None:
        started = time.perf_counter()
        if self.winners.waiting:
            self.display.say("training the winners again with model.fit on TensorFlow")
            self.display.stage("winners on TensorFlow")
        rows, problems = self.winners.collect()
        fresh = {row["task"] for row in rows}
        kept = [row for row in self.report.winners if row["task"] not in fresh]
        self.report.winners = [*kept, *rows]
        for text in problems:
            self.problem(text)
        self.report.seconds["winners"] = time.perf_counter() - started
