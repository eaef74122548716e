"""The fleet engine: families of trials, each family as one compiled program, over all devices."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import jax
import numpy as np
import psutil

from suite.engines.crews import Muster, musters
from suite.engines.engine import Estimate, Watcher
from suite.engines.program import Deck, Program, Results, Shape
from suite.engines.template import Template
from suite.engines.width import WidthSearch
from suite.families import Family, group
from suite.scoring import Judge, failure
from suite.task import Task
from suite.trial import Outcome, Trial

BYTES_PER_SECOND = 5e9
"""Weights and activations that training touches on two cores; right to within a factor of 3."""

SHORT_SECONDS = 30.0
"""Families that train for less are compiled with fewer optimizations, which saves about 1.5 s."""

BUDGET_SHARE = 0.25
"""Share of the machine's memory (or of each accelerator's) that a program may use by default."""


class FleetEngine:
    """Trains trials in fleets, on every device that JAX sees.

    Args:
        budget_bytes: memory that a running program may use; by default a quarter of what the
            machine has, or a quarter of each accelerator's.
        width: members a device trains at once; by default found by measuring.
        devices: how many devices to use; by default all.
    """

    name = "fleet"

    def __init__(
        self,
        budget_bytes: int | None = None,
        width: int | None = None,
        devices: int | None = None,
    ) -> None:
        self.devices = jax.devices()[:devices]
        self.on_cpu = self.devices[0].platform == "cpu"
        self.budget = budget_bytes or _default_budget(self.devices)
        self.width = width
        self.clock = {"building": 0.0, "compiling": 0.0, "training": 0.0, "scoring": 0.0}

    def train(
        self, task: Task, trials: Sequence[Trial], watcher: Watcher
    ) -> Iterator[Sequence[Outcome]]:
        """See `suite.engines.engine.Engine.train`; yields one chunk (a crew) at a time."""
        judge = Judge(task, task.dataset)
        started = time.perf_counter()
        watcher.stage(f"building the models of {len(trials)} trials")
        families, refusals = group(task, task.dataset, trials)
        self.clock["building"] += time.perf_counter() - started
        for refusal in refusals:
            yield [failure(trial, self.name, refusal.error) for trial in refusal.trials]
        deck = Deck(task.dataset, self.devices)
        search: WidthSearch | None = None
        for family in sorted(families, key=lambda family: -len(family.members)):
            fleet = Fleet(self, family, deck, judge, watcher)
            search = search or self._search(family)
            yield from fleet.sail(search)

    def estimate(self, task: Task, trials: Sequence[Trial], watcher: Watcher) -> Estimate:
        """See `suite.engines.engine.Engine.estimate`: an epoch of a crew of the largest family."""
        started = time.perf_counter()
        watcher.stage(f"building the models of {len(trials)} trials")
        families, _ = group(task, task.dataset, trials)
        building = time.perf_counter() - started
        if not families:
            return Estimate(0, building)
        family = max(families, key=lambda family: len(family.members))
        width = self._search(family).width(len(family.members), family.epochs)
        muster = musters(family.members, len(self.devices), width)[0]
        template = Template(family, task.dataset, task.goal(), on_cpu=self.on_cpu)
        watcher.stage("compiling one program")
        program = Program(template, Deck(task.dataset, self.devices), muster.shape)
        program.run(muster.crew, epochs=1)
        started = time.perf_counter()
        program.run(muster.crew, epochs=1)
        epoch = (time.perf_counter() - started) / muster.shape.members
        training = sum(epoch * trial.epochs for trial in trials)
        return Estimate(
            len(families), building + len(families) * program.compile_seconds + training
        )

    def _search(self, family: Family) -> WidthSearch:
        if self.width:
            return WidthSearch(self.width, limit=self.width)
        warm = {} if self.on_cpu else {"warm_bytes": self.budget // 64}
        return WidthSearch.for_bytes(_member_bytes(family), **warm)


class Fleet:
    """One family on its way: compiles programs as wide as the search says, and runs its crews."""

    def __init__(
        self, engine: FleetEngine, family: Family, deck: Deck, judge: Judge, watcher: Watcher
    ) -> None:
        self.engine = engine
        self.family = family
        self.deck = deck
        self.judge = judge
        self.watcher = watcher
        self._programs: dict[Shape, Program] = {}

    def sail(self, search: WidthSearch) -> Iterator[Sequence[Outcome]]:
        """Train all members, a crew at a time."""
        waiting = list(self.family.members)
        laid: list[Muster] = []  # at the width `tried`; one shape, so one program, for all of them
        tried = 0
        lanes = len(self.deck.devices)
        try:
            template = Template(
                self.family, self.judge.data, self.judge.objective, on_cpu=self.engine.on_cpu
            )
            while waiting:
                width = search.width(-(-len(waiting) // lanes), self.family.epochs)
                if not laid or width != tried:
                    laid, tried = musters(waiting, lanes, width), width
                if not self._fits(laid[0].shape, template, search):
                    laid = []
                    continue
                muster = laid.pop(0)
                yield self._run(muster, search, tried)
                done = {member.trial.key for _, member in muster.counted}
                waiting = [member for member in waiting if member.trial.key not in done]
        except Exception as error:  # a plugin may raise anything; it is reported
            yield [failure(member.trial, self.engine.name, error) for member in waiting]

    def _fits(self, shape: Shape, template: Template, search: WidthSearch) -> bool:
        """Whether there is a program of that shape within the budget; else the search is capped."""
        if shape in self._programs:
            return True
        self.watcher.stage(f"compiling one program for {len(self.family.members)} trials")
        quickly = self.engine.on_cpu and self._expected_seconds() < SHORT_SECONDS
        program = Program(template, self.deck, shape, quickly=quickly)
        search.compile_seconds = program.compile_seconds
        self.engine.clock["compiling"] += program.compile_seconds
        if program.bytes > self.engine.budget and shape.members > shape.lanes:
            search.cap(shape.members // shape.lanes // 2)
            return False
        self._programs[shape] = program
        return True

    def _expected_seconds(self) -> float:
        """Roughly what training the family takes, from the bytes that its steps touch."""
        steps = self.deck.rows // self.family.template.batch_size * self.family.epochs
        touched = _member_bytes(self.family) * steps * len(self.family.members)
        return touched / BYTES_PER_SECOND

    def _run(self, muster: Muster, search: WidthSearch, width: int) -> Sequence[Outcome]:
        self.watcher.stage(f"training {len(muster.counted)} trials at once")
        started = time.perf_counter()
        results = self._programs[muster.shape].run(muster.crew)
        seconds = time.perf_counter() - started
        self.engine.clock["training"] += seconds
        lanes, members = muster.shape.lanes, muster.shape.members
        search.learn(width, seconds * lanes / members / self.family.epochs)
        started = time.perf_counter()
        outcomes = [
            self._outcome(results, place, member.trial, seconds / len(muster.counted))
            for place, member in muster.counted
        ]
        self.engine.clock["scoring"] += time.perf_counter() - started
        return outcomes

    def _outcome(
        self, results: Results, place: tuple[int, int, int], trial: Trial, seconds: float
    ) -> Outcome:
        curves = {name: curve[place] for name, curve in results.curves.items()}
        val, test = (jax.tree.map(lambda a: a[place], s) for s in (results.val, results.test))
        epoch, outputs = int(results.epoch[place]), {"val": val, "test": test}
        try:
            return self.judge.outcome(trial, self.engine.name, seconds, curves, epoch, outputs)
        except Exception as error:  # a metric of the task's own may raise anything
            return failure(trial, self.engine.name, error, seconds)


def _default_budget(devices: Sequence[Any]) -> int:
    stats = devices[0].memory_stats() or {}
    total = stats.get("bytes_limit", 0) * len(devices) or psutil.virtual_memory().total
    return int(BUDGET_SHARE * total)


def _member_bytes(family: Family) -> int:
    """Rough bytes that a step of one member touches: weights with their slots, activations."""
    model = family.template.model
    weights = sum(int(np.prod(v.shape)) for v in model.weights)
    outputs = [getattr(layer, "output", None) for layer in model.layers] if model.built else []
    activations = sum(
        int(np.prod([size or 1 for size in tensor.shape]))
        for output in outputs
        for tensor in jax.tree.leaves(output)
    )
    return 4 * (4 * weights + 2 * activations * family.template.batch_size)
