"""What a worker process does: hold itself against the driver's manifest, then train chunks.

Dask calls these functions in its workers. Keras is imported once a worker has been found alike, so
that it is imported with the worker's share of the machine.
"""

from __future__ import annotations

import platform
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distributed import get_worker

from suite.cluster.manifest import Manifest, code, differences, versions
from suite.entrypoints import file_of
from suite.environment import settle_worker
from suite.registry import TASKS, Plugin, load
from suite.trial import Outcome, Trial

if TYPE_CHECKING:
    from suite.engines.engine import Estimate, Trainer


@dataclass(frozen=True)
class Order:
    """All that a worker has to know to train trials of one task.

    Attributes:
        name: of the run and the task.
        plugin: the task, with its path on the driver's machine.
        shipped: whether it is one of the suite's own tasks.
        text: the source of its file, for workers on whose disks it is not.
        source, engine, probed: as of the run.
        backend: which Keras runs on.
        manifest: what the driver has.
        data: the fingerprint of the driver's data.
        expected: how many trials each worker will get, about.
        span: trials of every structure with every level, of which models are made ready.
        states: a folder for what is needed to go on with a trial; "" where none goes on.
        last: the number of epochs after which no trial goes on.
    """

    name: str
    plugin: Plugin
    shipped: bool
    text: bytes
    source: str
    engine: str | None
    probed: bool
    backend: str
    manifest: Manifest
    data: str
    expected: int
    span: Sequence[Trial]
    states: str
    last: int


@dataclass(frozen=True)
class Greeting:
    """A worker's answer to an order: where it runs, and in what it differs from the driver."""

    host: str
    processor: str
    threads: int
    seconds: float
    differences: Sequence[str] = ()


@dataclass(frozen=True)
class Reply:
    """What came of a chunk; `clock` tells the seconds by kind of work."""

    outcomes: Sequence[Outcome]
    seconds: float
    clock: Mapping[str, float]


class NotReadyError(Exception):
    """This process has not seen the order: it was started in place of one that had."""


class Bench:
    """One order at work: the task with its data, and the programs compiled so far."""

    def __init__(self, order: Order, plugin: Plugin, threads: int, host_bytes: int | None) -> None:
        from suite.engines.choice import engine_named  # noqa: PLC0415
        from suite.environment import spare_tensorflow  # noqa: PLC0415

        spare_tensorflow()
        self.task = load(plugin, order.source)
        self.data = self.task.dataset.fingerprint
        self.engine = engine_named(
            order.engine, order.probed, devices=threads, host_bytes=host_bytes
        )
        self.order = order
        self.lock = threading.Lock()
        self._trainer: Trainer | None = None

    @property
    def trainer(self) -> Trainer:
        """The trainer, made when first asked for."""
        if self._trainer is None:
            order = self.order
            self._trainer = self.engine.trainer(
                self.task,
                expected=order.expected,
                states=Path(order.states) if order.states else None,
                last=order.last,
            )
            self._trainer.expect(order.span)
        return self._trainer


class Silent:
    """A watcher that does not look."""

    def stage(self, text: str) -> None:
        """Nothing."""


KEPT = 4
"""Orders that a worker has open at most: as many runs can share it without loading anew."""

_benches: dict[str, Bench] = {}  # by the names of their orders, the latest one last


def greet(order: Order) -> Greeting:
    """Hold this process against the order; where nothing differs, get ready for its chunks."""
    started = time.perf_counter()
    worker = get_worker()
    threads = worker.state.nthreads
    found = differences(order.manifest, versions(order.backend))
    plugin = order.plugin
    if not found:
        plugin = _plugin_here(order, Path(worker.local_directory))
        found = _code_differs(order, plugin)
    if not found:
        settle_worker(order.backend, threads)
        found = _backend_differs(order)
    if not found:
        bench = Bench(order, plugin, threads, worker.memory_manager.memory_limit)
        name = f"data of {order.plugin.name}"
        found = differences({name: order.data}, {name: bench.data})
        if not found:
            _keep(order.name, bench)
    seconds = time.perf_counter() - started
    return Greeting(platform.node(), platform.processor(), threads, seconds, found)


def train(name: str, trials: Sequence[Trial], skip: frozenset[str]) -> Reply:
    """Train a chunk under an order that was greeted; raises NotReadyError where it was not."""
    bench = _bench(name)
    started = time.perf_counter()
    with bench.lock:
        before = dict(bench.engine.clock)
        chunks = list(bench.trainer.train(trials, Silent(), skip))
        clock = {kind: value - before[kind] for kind, value in bench.engine.clock.items()}
    outcomes = [outcome for chunk in chunks for outcome in chunk]
    return Reply(outcomes, time.perf_counter() - started, clock)


def measure(name: str, trials: Sequence[Trial]) -> Estimate:
    """What training would take here; raises as `train` does."""
    bench = _bench(name)
    with bench.lock:
        return bench.engine.estimate(bench.task, trials, Silent())


def _keep(name: str, bench: Bench) -> None:
    """Keep it, and drop the run's earlier task and what is left of runs long ago."""
    run = name.partition("/")[0]
    for other in [other for other in _benches if other.partition("/")[0] == run]:
        del _benches[other]
    for other in list(_benches)[: -KEPT + 1]:
        del _benches[other]
    _benches[name] = bench


def _bench(name: str) -> Bench:
    if name not in _benches:
        raise NotReadyError(name)
    return _benches[name]


def _backend_differs(order: Order) -> list[str]:
    import keras  # noqa: PLC0415  # only after settle_worker()

    return differences({"KERAS_BACKEND": order.backend}, {"KERAS_BACKEND": keras.config.backend()})


def _plugin_here(order: Order, scratch: Path) -> Plugin:
    """The plugin as this machine has it.

    A task of the suite is taken from the suite's own folder, wherever that lies here; one of a
    package from the package; any other from its path, or from the driver's text where there is
    no such file.
    """
    plugin = order.plugin
    if plugin.module:
        return replace(plugin, path=file_of(plugin.module) or Path())
    if order.shipped:
        return replace(plugin, path=TASKS / plugin.path.name)
    if not plugin.path.is_file():
        sent = scratch / f"task-{code(order.text)}" / plugin.path.name
        sent.parent.mkdir(parents=True, exist_ok=True)
        sent.write_bytes(order.text)
        return replace(plugin, path=sent)
    return plugin


def _code_differs(order: Order, plugin: Plugin) -> list[str]:
    name = f"code of task {plugin.name}"
    found = {name: code(plugin.path.read_bytes())} if plugin.path.is_file() else {}
    return differences({name: code(order.text)}, found)


def described(address: str, greeting: Greeting) -> dict[str, Any]:
    """A worker for `run.json`."""
    return {
        "address": address,
        "host": greeting.host,
        "processor": greeting.processor,
        "threads": greeting.threads,
        "refused": ", ".join(greeting.differences),
    }
