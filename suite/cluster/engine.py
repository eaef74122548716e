"""The cluster engine: this process plans, hands out chunks and takes outcomes; workers train."""

from __future__ import annotations

import uuid
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras

from suite.cluster.chunks import ROUNDS, Kinds, cut, size_for, span
from suite.cluster.dispatch import Dispatch, lost_scheduler
from suite.cluster.local import LocalWorkers
from suite.cluster.manifest import versions
from suite.cluster.scheduler import CONNECT, UNREACHABLE, connected
from suite.cluster.worker import Order, described, measure
from suite.engines.engine import Claim, Estimate, Watcher, everything
from suite.registry import TASKS, Plugin
from suite.task import Task
from suite.trial import Outcome, Trial

COME, START = 600.0, 120.0
"""Seconds without any worker before a run gives up: at a scheduler, and on this machine."""


class ClusterEngine:
    """Trains trials in the workers of a Dask scheduler.

    Args:
        address: a scheduler's; "" to start one here.
        count: how many worker processes to start on this machine, then.
        plugins: the tasks that trials may be of, by name.
        engine: the one that workers train with; None for the faster that the backend allows.
        probed: whether outcomes tell the training's health (`suite.health`).

    Raises:
        UsageError: the address is of no kind that Dask knows.
        ClusterError: no scheduler answers there.
    """

    def __init__(
        self,
        address: str,
        count: int,
        plugins: Mapping[str, Plugin],
        engine: str | None,
        probed: bool,
    ) -> None:
        self.plugins = plugins
        self.engine = engine
        self.probed = probed
        self.clock: dict[str, float] = {}
        self.run = f"suite-{uuid.uuid4().hex[:8]}"
        self._trainers: list[ClusterTrainer] = []
        self._local = LocalWorkers(count, keras.config.backend()) if count else None
        self.wait = START if count else COME
        try:
            self.client = connected(self._local.address if self._local else address)
        except BaseException:
            if self._local:
                self._local.close()
            raise

    @property
    def name(self) -> str:
        """Outcomes carry the name of the engine that trained them in a worker."""
        return self.engine or "fleet"

    @property
    def workers(self) -> Sequence[Mapping[str, Any]]:
        """See `suite.engines.engine.Engine.workers`; one row a worker, also of those refused."""
        rows = {
            address: described(address, greeting)
            for trainer in self._trainers
            for address, greeting in trainer.dispatch.seen.items()
        }
        return list(rows.values())

    def train(
        self, task: Task, trials: Sequence[Trial], watcher: Watcher, claim: Claim = everything
    ) -> Iterator[Sequence[Outcome]]:
        """See `suite.engines.engine.Engine.train`; yields a chunk at a time."""
        if trials:
            trainer = self.trainer(task, expected=len(trials), states=None, last=0)
            trainer.rounds = ROUNDS
            yield from trainer.train(trials, watcher, claim=claim)

    def trainer(
        self, task: Task, *, expected: int, states: Path | None, last: int
    ) -> ClusterTrainer:
        """See `suite.engines.engine.Engine.trainer`.

        Workers that do not see the folder of states train a promoted trial from its first epoch.
        """
        if states is not None:
            states.mkdir(parents=True, exist_ok=True)
        for trainer in self._trainers:
            trainer.dispatch.close()
        trainer = ClusterTrainer(self, task, expected, states, last)
        self._trainers.append(trainer)
        return trainer

    def estimate(self, task: Task, trials: Sequence[Trial], watcher: Watcher) -> Estimate:
        """See `suite.engines.engine.Engine.estimate`: measured by one of the workers."""
        trainer = self.trainer(task, expected=len(trials), states=None, last=0)
        return trainer.estimate(trials, watcher)

    def close(self) -> None:
        """Leave the scheduler; end what was started on this machine."""
        for trainer in self._trainers:
            trainer.dispatch.close()
        self.client.close(timeout=CONNECT)
        if self._local:
            self._local.close()


class ClusterTrainer:
    """The cluster at work on one task."""

    def __init__(
        self, engine: ClusterEngine, task: Task, expected: int, states: Path | None, last: int
    ) -> None:
        self.engine = engine
        self.task = task
        self.kinds = Kinds(task)
        self.rounds = 1
        plugin = engine.plugins[task.name]
        number = len(engine._trainers)
        self.order = Order(
            name=f"{engine.run}/{number}",
            plugin=replace(plugin, path=plugin.path.absolute()),
            shipped=not plugin.module and plugin.path.parent == TASKS,
            text=plugin.path.read_bytes(),
            source=task.source,
            engine=engine.engine,
            probed=engine.probed,
            backend=keras.config.backend(),
            manifest=versions(keras.config.backend()),
            data=task.dataset.fingerprint,
            expected=expected,
            span=(),
            states=str(states.absolute()) if states else "",
            last=last,
        )
        self.dispatch = Dispatch(engine.client, self.order, engine.wait)

    def expect(self, trials: Sequence[Trial]) -> None:
        """See `suite.engines.engine.Trainer.expect`; counts before the first batch alone."""
        if self.order.span:
            return
        self.kinds.learn(trials)
        count = max(1, len(self._nthreads()))
        self.order = replace(
            self.order,
            span=span(trials, self.kinds),
            expected=-(-self.order.expected // count),
        )
        self.dispatch.order = self.order

    def train(
        self,
        trials: Sequence[Trial],
        watcher: Watcher,
        skip: Container[str] = (),
        claim: Claim = everything,
    ) -> Iterator[Sequence[Outcome]]:
        """See `suite.engines.engine.Trainer.train`; yields a chunk at a time.

        All that is free is claimed at once: the workers of one cluster share it.
        """
        watcher.stage("looking for what changes the models' structure")
        self.expect(trials)
        self.kinds.learn(trials)
        able = self.dispatch.ready(watcher)
        size = size_for(len(trials), len(able), self.rounds)
        asked = [trial.key for trial in trials if trial.key not in skip]
        mine = claim(asked) if asked else ()
        skipped = frozenset(trial.key for trial in trials if trial.key not in mine)
        chunks = [
            chunk
            for chunk in cut(trials, self.kinds, size)
            if not all(trial.key in skipped for trial in chunk.trials)
        ]
        for outcomes in self.dispatch.train(chunks, skipped, watcher):
            self.engine.clock.update(self._clock())
            yield outcomes

    def estimate(self, trials: Sequence[Trial], watcher: Watcher) -> Estimate:
        """What one worker measures."""
        self.expect(trials)
        address = min(self.dispatch.ready(watcher))
        future = self.engine.client.submit(
            measure, self.order.name, trials, workers=[address], pure=False
        )
        estimate: Estimate = future.result()
        return estimate

    def _clock(self) -> dict[str, float]:
        found: dict[str, float] = {}
        for trainer in self.engine._trainers:
            for kind, seconds in trainer.dispatch.seconds.items():
                found[kind] = found.get(kind, 0.0) + seconds
        return found

    def _nthreads(self) -> Mapping[str, int]:
        try:
            found: Mapping[str, int] = self.engine.client.nthreads()
        except UNREACHABLE as error:
            raise lost_scheduler(self.engine.client) from error
        return found
