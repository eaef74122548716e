"""Handing out chunks: which worker gets which, and what becomes of those whose worker is lost.

Each chunk is sent to one worker that was chosen here, so that a worker goes on with structures
whose programs it has. Chunks are idempotent: one whose worker is gone goes to another, and what
the lost one may still send is not listened to. This process alone hands on outcomes.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from distributed import Client, Future

from suite.cluster.chunks import Chunk, Waiting
from suite.cluster.scheduler import UNREACHABLE
from suite.cluster.worker import Greeting, NotReadyError, Order, Reply, greet, train
from suite.engines.engine import Speaker, Watcher
from suite.errors import ClusterError
from suite.trial import Outcome, Status

POLL = 1.0
"""Seconds between two looks at which workers there are."""

TRIES = 3
"""How often a chunk is sent out before its trials count as failed."""

GATHER = 60.0
"""Seconds that a finished chunk may take on its way; then it counts as lost."""


@dataclass(frozen=True)
class Job:
    """What a worker was sent: a chunk, or an order to greet (`chunk` is None)."""

    address: str
    future: Future
    chunk: Chunk | None


class Dispatch:
    """The workers at one order, for as long as trials of its task come.

    Attributes:
        greetings: address -> what a worker answered, those that were refused included.
        seen: likewise, of all workers there ever were.
        seconds: the workers' time so far, by kind of work.
    """

    def __init__(self, client: Client, order: Order, wait: float) -> None:
        self.client = client
        self.order = order
        self.wait = wait
        self.greetings: dict[str, Greeting] = {}
        self.seen: dict[str, Greeting] = {}
        self.seconds: dict[str, float] = {}
        self._alive: set[str] = set()
        self._jobs: dict[str, Job] = {}  # by the key of their future
        self._finished: SimpleQueue[Future] = SimpleQueue()
        self._warm: dict[str, set[str]] = {}  # address -> kinds whose programs it has
        self._cost: dict[str, tuple[float, float]] = {}  # kind -> compiling, and a chunk without it
        self._losses: dict[int, list[str]] = {}
        self._looked = 0.0
        self._lonely: float | None = None
        self._sent = 0

    @property
    def able(self) -> set[str]:
        """The workers that are there and were found alike."""
        return {a for a in self._alive if a in self.greetings and not self.greetings[a].differences}

    def train(
        self, chunks: Sequence[Chunk], skip: frozenset[str], watcher: Watcher
    ) -> Iterator[list[Outcome]]:
        """Train all chunks; each comes back once, whatever happens to the workers."""
        waiting = Waiting(chunks)
        self._losses.clear()
        total, shown = len(waiting), ""
        try:
            while left := len(waiting) + len(self._training()):
                for lost in self._look(watcher):
                    yield from self._again(lost, "is gone", waiting, skip)
                self._give(waiting, skip)
                stage = f"{len(self.able)} workers, {total - left} of {total} chunks done"
                if stage != shown:
                    watcher.stage(stage)
                    shown = stage
                try:
                    future = self._finished.get(timeout=POLL)
                except Empty:
                    continue
                yield from self._taken(future, waiting, skip, watcher)
        finally:
            self._cancel(list(self._training()))

    def ready(self, watcher: Watcher) -> set[str]:
        """Wait until every worker that is there has answered the order; those that can train."""
        watcher.stage("the workers get ready")
        while True:
            self._look(watcher)
            if self.able and not self._jobs:
                return self.able
            try:
                future = self._finished.get(timeout=POLL)
            except Empty:
                continue
            list(self._taken(future, Waiting(()), frozenset(), watcher))

    def close(self) -> None:
        """Listen to nothing more."""
        self._cancel(list(self._jobs.values()))

    def _training(self) -> list[Job]:
        return [job for job in self._jobs.values() if job.chunk is not None]

    def _cancel(self, jobs: Sequence[Job]) -> None:
        for job in jobs:
            self._jobs.pop(job.future.key, None)
        if jobs and self.client.status == "running":
            self.client.cancel([job.future for job in jobs], force=True)

    def _submit(self, address: str, chunk: Chunk | None, what: Any, *arguments: Any) -> None:
        self._sent += 1
        name = "greeting" if chunk is None else f"chunk {chunk.number}"
        future = self.client.submit(
            what,
            *arguments,
            key=f"{self.order.name} {name} ({self._sent})",
            workers=[address],
            allow_other_workers=False,
            pure=False,
            retries=0,
        )
        self._jobs[future.key] = Job(address, future, chunk)
        future.add_done_callback(self._finished.put)

    def _look(self, watcher: Watcher) -> list[Job]:
        """See who has come and gone, greet the new; the chunks of those that are gone.

        Raises ClusterError where the scheduler does not answer, or no worker is left to wait for.
        """
        if time.monotonic() - self._looked < POLL:
            return []
        self._looked = time.monotonic()
        try:
            self._alive = set(self.client.nthreads())
        except UNREACHABLE as error:
            raise lost_scheduler(self.client) from error
        lost = [job for job in self._jobs.values() if job.address not in self._alive]
        self._cancel(lost)
        for address in [address for address in self.greetings if address not in self._alive]:
            self._warm.pop(address, None)
            if not self.greetings[address].differences:
                del self.greetings[address]
                _say(watcher, f"worker {address} is gone")
        greeted = {*self.greetings, *(job.address for job in self._jobs.values())}
        for address in sorted(self._alive - greeted):
            self._submit(address, None, greet, self.order)
        self._check_company()
        return [job for job in lost if job.chunk is not None]

    def _check_company(self) -> None:
        """Raise ClusterError where every worker was refused, or none has come for a long time."""
        if self.able or self._jobs:
            self._lonely = None
            return
        if self._alive:
            refused = [f"{a}: {', '.join(self.greetings[a].differences)}" for a in self._alive]
            raise ClusterError(
                f"Expected a worker with what this machine has. Received: {'; '.join(refused)}."
            )
        self._lonely = self._lonely or time.monotonic()
        if time.monotonic() - self._lonely > self.wait:
            raise ClusterError(
                f"Expected a worker at the scheduler within {self.wait:.0f} s. Received: none. "
                f"Start workers with `dask worker`."
            )

    def _give(self, waiting: Waiting, skip: frozenset[str]) -> None:
        """A chunk for every worker that has none and for which one is worth it."""
        busy = {job.address for job in self._jobs.values()}
        for address in sorted(self.able - busy):
            kind = self._kind_for(address, waiting)
            if kind is None:
                continue
            chunk = waiting.take(kind)
            self._warm.setdefault(address, set()).add(kind)
            keys = skip & {trial.key for trial in chunk.trials}
            self._submit(address, chunk, train, self.order.name, chunk.trials, keys)

    def _kind_for(self, address: str, waiting: Waiting) -> str | None:
        """A kind whose programs it has; else one that none has; else one worth compiling again."""
        kinds, warm = waiting.kinds(), self._warm.get(address, set())
        taken = {kind for other in self.able for kind in self._warm.get(other, ())}
        mine = [kind for kind in kinds if kind in warm]
        free = [kind for kind in kinds if kind not in taken]
        return next(iter([*mine, *free, *filter(lambda k: self._worth(k, waiting), kinds)]), None)

    def _worth(self, kind: str, waiting: Waiting) -> bool:
        """Whether those that have the programs of a kind are busy longer than compiling takes."""
        compiling, chunk = self._cost.get(kind, (0.0, 1.0))
        return waiting.count(kind) * chunk > compiling

    def _taken(
        self, future: Future, waiting: Waiting, skip: frozenset[str], watcher: Watcher
    ) -> Iterator[list[Outcome]]:
        """What a worker has sent."""
        job = self._jobs.get(future.key)
        if job is None or job.future is not future:
            return  # cancelled: its worker was given up
        answer: Any
        try:
            answer = future.result(timeout=GATHER)
        except Exception as error:  # whatever the worker's machine has raised
            answer = error
        del self._jobs[future.key]
        if job.chunk is None:
            self._welcome(job.address, answer, watcher)
        elif isinstance(answer, Reply):
            self._learn(job.chunk, answer)
            yield list(answer.outcomes)
        elif isinstance(answer, NotReadyError):
            self.greetings.pop(job.address, None)
            self._warm.pop(job.address, None)
            waiting.back(job.chunk)
        else:
            reason = f"{type(answer).__name__}: {_first_line(answer)}"
            yield from self._again(job, reason, waiting, skip)

    def _welcome(self, address: str, answer: Any, watcher: Watcher) -> None:
        if not isinstance(answer, Greeting):
            answer = Greeting("", "", 0, 0.0, [f"{type(answer).__name__}: {_first_line(answer)}"])
        self.greetings[address] = self.seen[address] = answer
        if answer.differences:
            _say(watcher, f"worker {address} is refused: {', '.join(answer.differences)}")

    def _learn(self, chunk: Chunk, reply: Reply) -> None:
        for kind, seconds in reply.clock.items():
            self.seconds[kind] = self.seconds.get(kind, 0.0) + seconds
        compiling = reply.clock.get("compiling", 0.0)
        known, _ = self._cost.get(chunk.kind, (0.0, 0.0))
        self._cost[chunk.kind] = (max(known, compiling), reply.seconds - compiling)

    def _again(
        self, job: Job, reason: str, waiting: Waiting, skip: frozenset[str]
    ) -> Iterator[list[Outcome]]:
        """Have a chunk sent again, or give up its trials."""
        assert job.chunk is not None
        losses = self._losses.setdefault(job.chunk.number, [])
        losses.append(f"{job.address} {reason}")
        if len(losses) < TRIES:
            waiting.back(job.chunk)
            return
        name = self.order.engine or "fleet"
        text = f"ClusterError: sent to {len(losses)} workers in vain ({'; '.join(losses)})"
        lost = [trial for trial in job.chunk.trials if trial.key not in skip]
        yield [Outcome(trial, Status.FAILED, name, 0.0, message=text) for trial in lost]


def lost_scheduler(client: Client) -> ClusterError:
    """The error for a scheduler that does not answer any more."""
    address = client.scheduler.address if client.scheduler else "the scheduler"
    return ClusterError(
        f"Expected the scheduler at {address} to answer. Received: nothing. What was trained is "
        f"recorded; the same command goes on from here."
    )


def _first_line(error: Any) -> str:
    return str(error).strip().partition("\n")[0]


def _say(watcher: Watcher, text: str) -> None:
    if isinstance(watcher, Speaker):
        watcher.say(text)
    else:
        watcher.stage(text)
