"""A voyage: one crew, trained epoch by epoch, to the end or until each member stops early."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from suite.engines.crews import Muster, Place
from suite.engines.patience import Patience, Wait
from suite.engines.program import Program
from suite.engines.states import MemberState
from suite.engines.template import single, stacked
from suite.engines.training import ACTIVE, Carry
from suite.families import Member

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Landed:
    """What training gave for one member.

    Attributes:
        curves: log name -> one figure an epoch, from the first one on.
        epoch: the selected epoch, from 1; 0 where no objective was ever finite.
        outputs: split -> what the selected model says of it; empty where nobody judges.
        sparsity: the share of its weights that are small; NaN where nobody judges.
        carry: its variables at the end, in the host's memory; None where nobody asked.
        seconds: its share of the time, epoch by epoch.
        stopped: whether it stopped early. Then `carry` holds the selected epoch, but it has been
            carried along since: nothing can go on from there.
    """

    curves: Mapping[str, Array]
    epoch: int
    outputs: Mapping[str, Any]
    sparsity: float
    carry: Carry | None
    seconds: float
    stopped: bool


Narrower = Callable[[Sequence[Member], int], tuple[Program, Muster] | None]
"""A program for fewer members and a layout of them, given the epochs to go, if it is worth it."""


class Voyage:
    """Trains the members of one muster, all of which begin after `begin` epochs.

    Args:
        program: compiled for the muster's shape.
        states: by trial key, where members go on that have been trained before; all or none.
        patience: when a member stops; None: never.
        narrower: asked after members stopped; survivors move into its program.
        judged: whether outputs are wanted; `kept` says of which members the variables are.
    """

    def __init__(
        self,
        program: Program,
        muster: Muster,
        epochs: int,
        *,
        states: Mapping[str, MemberState] | None = None,
        patience: Patience | None = None,
        narrower: Narrower | None = None,
        judged: bool = True,
        kept: Callable[[Member], bool] | None = None,
    ) -> None:
        self.program = program
        self.muster = muster
        self.epochs = epochs
        self.begin = next(iter(states.values())).epochs if states else 0
        self.states = states or {}
        self.patience = patience
        self.narrower = narrower
        self.judged = judged
        self.kept = kept
        self._logs: dict[str, list[Mapping[str, Array]]] = {}
        self._pending: list[Any] = []
        self._seconds: dict[str, float] = {}
        self._places = 0  # trained so far: places times epochs
        self._noted = self._started = time.perf_counter()

    @property
    def seconds_a_place(self) -> float:
        """What training one place for one epoch took, on average."""
        return (self._noted - self._started) / max(1, self._places)

    def run(self) -> Iterator[list[tuple[Member, Landed]]]:
        """Train; every member lands once, those that stop early before the others."""
        crew, template = self.muster.crew, self.program.template
        start = template.resumed(crew, self.states) if self.states else template.start(crew)
        carry, knobs = self.program.placed(start), self.program.bound(crew)
        waits = {m.trial.key: w for _, m in self.muster.counted for w in self._wait(m)}
        stopped: set[str] = set()
        for number in range(self.begin + 1, self.epochs + 1):
            carry, log = self.program.epoch(carry, knobs, self.muster.crew, number)
            self._pending.append(log)
            self._places += self.muster.shape.members
            if not self.patience:
                continue
            self._note(stopped)
            over = self._over(waits, stopped, number)
            stopped |= over
            if not over or number == self.epochs:
                continue
            aboard = [(p, m) for p, m in self.muster.counted if m.trial.key not in stopped]
            narrower = (
                self.narrower
                and aboard
                and self.narrower([m for _, m in aboard], self.epochs - number)
            )
            if narrower or not aboard:
                yield self._land(carry, knobs, stopped, rest=False)
            if not aboard:
                return
            if narrower:
                carry = self._moved(carry, *narrower)
                knobs, stopped = self.program.bound(self.muster.crew), set()
            else:
                knobs = {**knobs, ACTIVE: self.program.placed(self._active(stopped))}
        self._note(stopped)
        yield self._land(carry, knobs, stopped, rest=True)

    def _wait(self, member: Member) -> list[Wait]:
        """How long a member has waited when the voyage begins, as far as there is patience."""
        if self.patience is None:
            return []
        wait = Wait(self.patience)
        if member.trial.key in self.states:
            curve = self.states[member.trial.key].curves[self.patience.monitor]
            for number, value in enumerate(curve, start=1):
                wait.over(number, float(value))
        return [wait]

    def _note(self, stopped: set[str]) -> None:
        """Fetch the logs of the latest epochs for the members that were still training."""
        for log in jax.device_get(self._pending):
            for place, member in self.muster.counted:
                if member.trial.key not in stopped:
                    mine = {name: values[place] for name, values in log.items()}
                    self._logs.setdefault(member.trial.key, []).append(mine)
        self._pending.clear()
        now = time.perf_counter()
        training = [m.trial.key for _, m in self.muster.counted if m.trial.key not in stopped]
        for key in training:
            share = (now - self._noted) / len(training)
            self._seconds[key] = self._seconds.get(key, 0.0) + share
        self._noted = now

    def _over(self, waits: Mapping[str, Wait], stopped: set[str], number: int) -> set[str]:
        assert self.patience is not None
        return {
            member.trial.key
            for _, member in self.muster.counted
            if member.trial.key not in stopped
            and waits[member.trial.key].over(
                number, float(self._logs[member.trial.key][-1][self.patience.monitor])
            )
        }

    def _active(self, stopped: set[str]) -> Array:
        active = np.ones(self.muster.shape.axes, np.float32)
        for place, member in self.muster.counted:
            active[place] = member.trial.key not in stopped
        return active

    def _land(
        self, carry: Carry, knobs: Any, stopped: set[str], *, rest: bool
    ) -> list[tuple[Member, Landed]]:
        """The results of the members that stopped, and of the rest where asked for."""
        landing = [(p, m) for p, m in self.muster.counted if rest or m.trial.key in stopped]
        nothing = (None, None, None)
        val, test, small = self.program.outputs(carry, knobs) if self.judged else nothing
        keeping = self.kept is not None and any(self.kept(member) for _, member in landing)
        host = jax.device_get(carry) if keeping else None
        epochs = jax.device_get(carry.best.epoch)
        landed = []
        for place, member in landing:
            outputs = {"val": _at(val, place), "test": _at(test, place)} if self.judged else {}
            kept = host is not None and self.kept is not None and self.kept(member)
            own = single(host, place) if kept and host is not None else None
            key, template = member.trial.key, self.program.template
            mine = Landed(
                self._curves(member),
                int(epochs[place]),
                outputs,
                math.nan if small is None else template.sparsity(member, int(small[place])),
                own,
                self._seconds[key],
                key in stopped,
            )
            landed.append((member, mine))
        return landed

    def _curves(self, member: Member) -> dict[str, Array]:
        key = member.trial.key
        logs = self._logs[key]
        fresh = {name: np.array([log[name] for log in logs]) for name in logs[0]}
        if key not in self.states:
            return fresh
        before = self.states[key].curves
        return {
            name: np.concatenate([before[name], curve])
            for name, curve in fresh.items()
            if name in before  # a state of a run that was not probed lacks what the probe sees
        }

    def _moved(self, carry: Carry, program: Program, muster: Muster) -> Carry:
        """The survivors' part of `carry`, laid out for another program."""
        host = jax.device_get(carry)
        places = {member.trial.key: place for place, member in self.muster.counted}
        members = [member for lane in muster.crew for same in lane for member in same]
        carries = [single(host, places[member.trial.key]) for member in members]
        self.program, self.muster = program, muster
        moved: Carry = program.placed(stacked(carries, muster.shape.axes))
        return moved


def _at(outputs: Any, place: Place) -> Any:
    return jax.tree.map(lambda array: array[place], outputs)
