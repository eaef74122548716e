"""The fleet engine: families of trials, each family as one compiled program, over all devices."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import psutil

from suite.engines.crews import musters, shape_for
from suite.engines.engine import Claim, Estimate, Watcher, everything
from suite.engines.port import Port, Quay
from suite.engines.program import Program
from suite.engines.states import StateFolder
from suite.families import group
from suite.task import Task
from suite.trial import Outcome, Trial

BUDGET_SHARE = 0.25
"""Share of the machine's memory (or of each accelerator's) that a program may use by default."""


class FleetEngine:
    """Trains trials in fleets, on every device that JAX sees.

    Args:
        budget_bytes: memory that a running program may use; by default a quarter of what the
            machine has, or a quarter of each accelerator's.
        width: members a device trains at once; by default found by measuring.
        devices: how many devices to use; by default all.
        probed: whether outcomes tell the training's health (`suite.health`).
        host_bytes: memory that is this process's share of the machine; by default all of it.
    """

    name = "fleet"
    workers: Sequence[Mapping[str, Any]] = ()

    def __init__(
        self,
        budget_bytes: int | None = None,
        width: int | None = None,
        devices: int | None = None,
        probed: bool = False,
        host_bytes: int | None = None,
    ) -> None:
        self.devices = jax.devices()[:devices]
        self.on_cpu = self.devices[0].platform == "cpu"
        self.budget = budget_bytes or _default_budget(self.devices, host_bytes)
        self.width = width
        self.probed = probed
        self.clock = {"building": 0.0, "compiling": 0.0, "training": 0.0, "scoring": 0.0}

    def port(self, task: Task, **options: Any) -> Port:
        """A port of this engine for trials of `task`; `options` are those of `Port`."""
        common = (self.name, self.devices, self.on_cpu, self.budget, self.width, self.clock)
        quay = Quay(*common, self.probed)
        return Port(quay, task, **options)

    def trainer(self, task: Task, *, expected: int, states: Path | None, last: int) -> Port:
        """See `suite.engines.engine.Engine.trainer`."""
        kept = StateFolder(states, last) if states else None
        return self.port(task, expected=expected, states=kept)

    def close(self) -> None:
        """Nothing of it goes on."""

    def train(
        self, task: Task, trials: Sequence[Trial], watcher: Watcher, claim: Claim = everything
    ) -> Iterator[Sequence[Outcome]]:
        """See `suite.engines.engine.Engine.train`; yields the members that land together."""
        yield from self.port(task).train(trials, watcher, claim=claim)

    def estimate(self, task: Task, trials: Sequence[Trial], watcher: Watcher) -> Estimate:
        """See `suite.engines.engine.Engine.estimate`: an epoch of a crew of the largest family."""
        started = time.perf_counter()
        watcher.stage(f"building the models of {len(trials)} trials")
        families, _ = group(task, task.dataset, trials)
        port = self.port(task)
        legs, _ = port.berths.legs(families, None)
        building = time.perf_counter() - started
        if not legs:
            return Estimate(0, building, 0.0, 0.0)
        leg = max(legs, key=lambda leg: len(leg.members))
        lanes = len(self.devices)
        width = port.quay.search(leg.berth.family).width(len(leg.members), leg.epochs)
        muster = musters(leg.members, shape_for(leg.members, lanes, width))[0]
        watcher.stage("compiling one program")
        program = Program(leg.berth.template, port.deck, muster.shape)
        carry = program.placed(leg.berth.template.start(muster.crew))
        knobs = program.bound(muster.crew)
        carry, _ = jax.block_until_ready(program.epoch(carry, knobs, muster.crew, 1))
        started = time.perf_counter()
        jax.block_until_ready(program.epoch(carry, knobs, muster.crew, 2))
        epoch = (time.perf_counter() - started) / muster.shape.members
        training = sum(epoch * trial.epochs for trial in trials)
        return Estimate(len(legs), building, len(legs) * program.compile_seconds, training)


def _default_budget(devices: Sequence[Any], host_bytes: int | None) -> int:
    stats = devices[0].memory_stats() or {}
    total = stats.get("bytes_limit", 0) * len(devices) or host_bytes
    total = total or psutil.virtual_memory().total
    return int(BUDGET_SHARE * total)
