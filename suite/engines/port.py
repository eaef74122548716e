"""A port: one task's data, its families and their compiled programs, for as long as it is open.

A matrix opens a port, sails once and closes it. A search keeps it open: its next batch of trials
finds the programs of the batches before.
"""

from __future__ import annotations

import time
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from suite.engines.berths import Berths, Leg
from suite.engines.crews import Muster, musters, shape_for, small_of
from suite.engines.engine import Claim, Watcher, everything
from suite.engines.patience import Patience
from suite.engines.program import Deck, Program, Shape
from suite.engines.sight import PREFIX
from suite.engines.size import member_bytes, member_seconds
from suite.engines.states import MemberState, States
from suite.engines.voyage import Landed, Voyage
from suite.engines.width import WidthSearch
from suite.errors import StorageError
from suite.families import Family, Member, group
from suite.scoring import Judge, failure
from suite.task import Task
from suite.trial import Outcome, Trial
from suite.weights import Weights

SHORT_SECONDS = 8.0
"""Families that train for less are compiled with fewer optimizations, which saves about 1.5 s."""

SMALL = 4
"""Members a device trains at once where few wait and a lasting port's usual shape is far wider."""


@dataclass(frozen=True)
class Quay:
    """What a port has to work with.

    Attributes:
        name: the engine's.
        devices: JAX devices; `on_cpu` says whether they are processor cores.
        budget: bytes that a running program may use.
        width: members a device trains at once; None: found by measuring.
        clock: seconds by kind of work, added to.
        probed: whether every epoch ends with a probe.
    """

    name: str
    devices: Sequence[Any]
    on_cpu: bool
    budget: int
    width: int | None
    clock: dict[str, float]
    probed: bool = False

    def search(self, family: Family) -> WidthSearch:
        """Where the search for the best width begins."""
        if self.width:
            return WidthSearch(self.width, limit=self.width)
        warm = {} if self.on_cpu else {"warm_bytes": self.budget // 64}
        return WidthSearch.for_bytes(member_bytes(family), **warm)


class Port:
    """Trains trials of one task; keeps what was compiled.

    Args:
        quay: devices and limits.
        task: whose trials are trained, and with what data.
        patience: when a training stops early.
        states: where trials go on from, and where their states are kept.
        weights: filled with the selected weights of every trial, by key, if given.
        expected: how many trials will come in all, where they come in batches; programs of the
            right structure are then used even where another width would be faster.
    """

    def __init__(
        self,
        quay: Quay,
        task: Task,
        *,
        patience: Patience | None = None,
        states: States | None = None,
        weights: dict[str, list[Weights]] | None = None,
        expected: int = 0,
    ) -> None:
        self.quay = quay
        self.task = task
        self.patience = patience
        self.states = states
        self.weights = weights
        self.lasting = expected > 0
        self.judge = Judge(task, task.dataset)
        self.deck = Deck(task.dataset, quay.devices)
        self.berths = Berths(
            task.dataset,
            self.judge.objective,
            on_cpu=quay.on_cpu,
            expected=expected,
            probed=quay.probed,
        )
        self._search: WidthSearch | None = None
        self._shapes: dict[int, Shape] = {}

    def expect(self, trials: Sequence[Trial]) -> None:
        """Make room for models like those of `trials`, which are not trained."""
        families, _ = group(self.task, self.task.dataset, trials)
        self.berths.legs(families, None)

    def train(
        self,
        trials: Sequence[Trial],
        watcher: Watcher,
        skip: Container[str] = (),
        claim: Claim = everything,
    ) -> Iterator[Sequence[Outcome]]:
        """See `suite.engines.engine.Trainer.train`; yields the members that land together.

        Rounding depends on the shape of a program. A trial that is skipped keeps its place in the
        layout, so that its neighbours come out as if it had been trained beside them.
        """
        started = time.perf_counter()
        watcher.stage(f"building the models of {len(trials)} trials")
        families, unbuilt = group(self.task, self.task.dataset, trials)
        legs, unready = self.berths.legs(families, self.states)
        for refusal in (*unbuilt, *unready):
            lost = _granted(refusal.trials, skip, claim)
            if lost:
                yield [failure(trial, self.quay.name, refusal.error, self.task) for trial in lost]
        self.quay.clock["building"] += time.perf_counter() - started
        for leg in sorted(legs, key=lambda leg: -len(leg.members)):
            yield from self._sail(leg, watcher, skip, claim)

    def _sail(
        self, leg: Leg, watcher: Watcher, skip: Container[str], claim: Claim
    ) -> Iterator[Sequence[Outcome]]:
        """Train the members of a leg, a crew at a time."""
        theirs: set[str] = set()  # others' places in the layout of a lasting port
        waiting = {member.trial.key: member for member in leg.members}
        self._search = search = self._search or self.quay.search(leg.berth.family)
        laid: list[Muster] = []  # at the width `tried`; one shape, so one program, for all of them
        tried = 0
        try:
            while waiting:
                lanes = len(self.deck.devices)
                width = (
                    min(search.start, search.limit)
                    if self.lasting
                    else search.width(-(-len(waiting) // lanes), leg.epochs - leg.begin)
                )
                if not laid or width != tried:
                    shape = self._shape(leg, list(waiting.values()), width)
                    laid, tried = musters(list(waiting.values()), shape), width
                crew = [member.trial.key for _, member in laid[0].counted]
                wanted = [key for key in crew if key not in skip and key not in theirs]
                mine = claim(wanted) if wanted else ()
                others = [key for key in wanted if key not in mine]
                theirs.update(others)
                if len(others) == len(wanted):
                    for key in crew:
                        del waiting[key]
                    del laid[0]
                    continue
                if others and not self.lasting:
                    for key in others:
                        del waiting[key]
                    laid = []
                    continue
                program = self._program(leg, laid[0].shape, watcher)
                if program is None:
                    laid = []
                    self._shapes.pop(id(leg.berth), None)
                    continue
                for landed in self._voyage(leg, program, laid.pop(0), watcher):
                    keys = {outcome.trial.key for outcome in landed}
                    own = {key for key in keys if key not in skip and key not in theirs}
                    new = [outcome for outcome in landed if outcome.trial.key in own]
                    if new:
                        yield new
                    for outcome in landed:
                        del waiting[outcome.trial.key]
        except StorageError:  # no fault of the trials
            raise
        except Exception as error:  # a plugin may raise anything; it is reported
            left = [member.trial for key, member in waiting.items() if key not in theirs]
            lost = _granted(left, skip, claim)
            yield [failure(trial, self.quay.name, error, self.task) for trial in lost]

    def _shape(self, leg: Leg, waiting: Sequence[Member], width: int) -> Shape:
        """The shape to train in.

        A lasting port has two a berth, that of the first leg and a small one for a few members, so
        that shapes (and rounding) do not depend on how long anything took. Where a first leg fills
        the small one twice at most, that one serves all: batches differ in size, a wider crew would
        sail half empty as often as not, and a second program has to be compiled.
        """
        wished = shape_for(waiting, len(self.deck.devices), width)
        if not self.lasting:
            return wished
        small = small_of(wished, SMALL)
        first = small if len(waiting) <= 2 * small.members else wished
        usual = self._shapes.setdefault(id(leg.berth), first)
        small = small_of(usual, SMALL)
        places = {s: len(musters(leg.members, s)) * s.members for s in (usual, small)}
        return small if places[small] <= places[usual] // 2 else usual

    def _worth(self, places: int, epochs: int) -> float:
        """Seconds won by a program that trains `places` fewer, its compiling paid."""
        assert self._search is not None
        seconds = min(self._search.seconds.values(), default=0.0)
        return places * epochs * seconds - self._search.compile_seconds

    def _program(self, leg: Leg, shape: Shape, watcher: Watcher) -> Program | None:
        """The program of that shape; None where it passes the budget, and the search is capped."""
        assert self._search is not None
        berth, family = leg.berth, leg.berth.family
        if shape in berth.programs:
            return berth.programs[shape]
        watcher.stage(f"compiling one program for {len(leg.members)} trials")
        seconds = member_seconds(family, self.deck.rows) * max(
            len(leg.members), self.berths.share(berth)
        )
        quickly = self.quay.on_cpu and seconds < SHORT_SECONDS
        program = Program(
            berth.template,
            self.deck,
            shape,
            quickly=quickly,
            judged=self.judge.judges,
        )
        self._search.compile_seconds = program.compile_seconds
        self.quay.clock["compiling"] += program.compile_seconds
        if program.bytes > self.quay.budget and shape.members > shape.lanes:
            self._search.cap(shape.members // shape.lanes // 2)
            return None
        berth.programs[shape] = program
        return program

    def _voyage(
        self, leg: Leg, program: Program, muster: Muster, watcher: Watcher
    ) -> Iterator[list[Outcome]]:
        watcher.stage(f"training {len(muster.counted)} trials at once")

        def narrower(members: Sequence[Member], epochs: int) -> tuple[Program, Muster] | None:
            return self._narrower(leg, voyage.muster.shape, members, epochs, watcher)

        voyage = Voyage(
            program,
            muster,
            leg.epochs,
            states={m.trial.key: leg.states[m.trial.key] for _, m in muster.counted}
            if leg.states
            else None,
            patience=self.patience,
            narrower=narrower,
            judged=self.judge.judges,
            kept=self._kept,
        )
        started = time.perf_counter()
        for landed in voyage.run():
            self.quay.clock["training"] += time.perf_counter() - started
            started = time.perf_counter()
            yield [self._outcome(leg, member, own) for member, own in landed]
            self.quay.clock["scoring"] += time.perf_counter() - started
            started = time.perf_counter()
        assert self._search is not None
        width = muster.shape.members // muster.shape.lanes
        self._search.learn(width, voyage.seconds_a_place * muster.shape.lanes)

    def _narrower(
        self, leg: Leg, shape: Shape, members: Sequence[Member], epochs: int, watcher: Watcher
    ) -> tuple[Program, Muster] | None:
        """A program of at most half the places for what is left of a crew, if it saves time."""
        wished = shape_for(members, shape.lanes, shape.seeds * shape.configs)
        rounded = Shape(wished.lanes, wished.seeds, 1 << (wished.configs - 1).bit_length())
        half = [s for s in (rounded, *leg.berth.programs) if s.members <= shape.members // 2]
        able = [s for s in half if len(musters(members, s)) == 1]
        ready = [s for s in able if s in leg.berth.programs]
        chosen = min(ready or able, key=lambda s: s.members, default=None)
        if chosen is None:
            return None
        if not ready and self._worth(shape.members - chosen.members, epochs) <= 0:
            return None
        program = self._program(leg, chosen, watcher)
        return (program, musters(members, chosen)[0]) if program else None

    def _kept(self, member: Member) -> bool:
        wanted = self.states is not None and self.states.wanted(member.trial)
        return wanted or self.weights is not None

    def _outcome(self, leg: Leg, member: Member, landed: Landed) -> Outcome:
        trial, name = member.trial, self.quay.name
        if landed.carry is not None:
            self._keep(leg, member, landed)
        try:
            logs = {n: c for n, c in landed.curves.items() if not n.startswith(PREFIX)}
            outcome = self.judge.outcome(
                trial,
                name,
                landed.seconds,
                logs,
                landed.epoch,
                landed.outputs,
                landed.sparsity,
            )
            sight = leg.berth.template.sight
            return outcome.with_health(
                sight.health(member.parts, landed.curves, member.order, member.starts)
            )
        except Exception as error:  # a metric of the task's own may raise anything
            return failure(trial, name, error, self.task, landed.seconds)

    def _keep(self, leg: Leg, member: Member, landed: Landed) -> None:
        """Hand on what may be asked for later: the state to go on from, the selected weights."""
        assert landed.carry is not None
        trial, template = member.trial, leg.berth.template
        if self.weights is not None:
            self.weights[trial.key] = template.weights_of(member, landed.carry.best)
        if self.states is not None and self.states.wanted(trial) and not landed.stopped:
            state = MemberState(template.program(member), trial.epochs, landed.curves, landed.carry)
            self.states.keep(trial, state)


def _granted(trials: Sequence[Trial], skip: Container[str], claim: Claim) -> list[Trial]:
    """Those of `trials` that are not skipped and that this process is to train."""
    wanted = [trial for trial in trials if trial.key not in skip]
    mine = claim([trial.key for trial in wanted]) if wanted else ()
    return [trial for trial in wanted if trial.key in mine]
