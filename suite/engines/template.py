"""A family made ready to compile: its template model, and where each member's training starts."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from suite.anatomy import sites_of
from suite.blueprint import build_state
from suite.data import Data
from suite.engines.convolution import patched
from suite.engines.eye import Eye
from suite.engines.knobs import LEARNING_RATE, Knobs
from suite.engines.probe import probe_rows, watched
from suite.engines.sight import sight_of
from suite.engines.states import MemberState
from suite.engines.training import ACTIVE, Best, Carry, State, Training
from suite.families import Crew, Family, Member
from suite.schedules import CONSTANT
from suite.seeding import batch_order
from suite.trial import canonical
from suite.weights import Padded, Weights, seed_generators, seed_state, start_weights

Array = np.ndarray[Any, Any]


class Template:
    """A family's model with its knobs opened up, and the start of any of its members.

    Args:
        family: its template model is changed in place and belongs to this object from then on.
        data: the task's data, for the shape of a batch.
        objective: name and direction of the log that selects the epoch.
        on_cpu: whether convolutions run as matrix products.
        probed: whether every epoch ends with a probe.
    """

    def __init__(
        self,
        family: Family,
        data: Data,
        objective: tuple[str, str],
        *,
        on_cpu: bool,
        probed: bool = False,
    ) -> None:
        self.family = family
        self.probed = probed
        self.batch_size = family.template.batch_size
        model = family.template.model
        self.knobs = Knobs(model, family.varying)
        if on_cpu:
            patched(model)
        sites = sites_of(model)
        with watched(sites) as outputs:
            build_state(model, data.train.take(slice(0, self.batch_size)))
        units = [int(outputs[i].shape[-1]) if i in outputs else 1 for i in range(len(sites))]
        eye = Eye(model, sites, units) if probed else None
        self.sight = sight_of(model, sites)
        self.training = Training(model, self.knobs, objective, eye)
        self._trainable = [bool(variable.trainable) for variable in model.weights]
        self._generators = [n for n, _ in seed_generators(model, family.template.drawing)]
        self._optimizer = [np.asarray(v.value) for v in model.optimizer.variables]
        rate = model.optimizer._learning_rate
        self._is_rate = [v is rate for v in model.optimizer.variables]

    @property
    def sample(self) -> Member:
        """Any member."""
        return self.family.members[0]

    def program(self, member: Member) -> str:
        """Names what a member's state belongs to, as 64 hex digits: variables and their places.

        A schedule belongs to it, too: whoever trains for longer had other rates from the start.

        Two programs of one structure may still differ in it: a rate or a momentum that varies
        brings variables of its own, and a hull seats a model where its neighbours leave room.
        """
        places = [
            [index.tolist() for index in start.index] if isinstance(start, Padded) else None
            for start in member.starts
        ]
        slots = [[list(value.shape), str(value.dtype)] for value in self._optimizer]
        schedule = [member.knobs.get(name) for name in CONSTANT]
        numbers = [self._generators, slots, list(member.order), places, schedule]
        text = canonical([self.family.template.structure, *numbers])
        return hashlib.sha256(text.encode()).hexdigest()

    def steps(self, rows: int) -> tuple[int, int]:
        """Steps of an epoch, the probe included, and rows of a step."""
        return rows // self.batch_size + self.probed, self.batch_size

    def order(self, seed: int, epoch: int, rows: int) -> Array:
        """The row numbers of each step of epoch `epoch`, from 0; shape as `steps` says."""
        steps = batch_order(seed, epoch, rows, self.batch_size)
        if not self.probed:
            return steps
        return np.concatenate([steps, probe_rows(rows, self.batch_size)[None]])

    def bindings(self, crew: Crew) -> dict[str, Array]:
        """The varying knobs of a crew, and `ACTIVE`; first axes (lanes, seeds, configs)."""
        members, axes = _flat(crew)
        knobs = {
            name: np.array([m.knobs[name] for m in members], np.float32)
            for name in self.family.varying
        }
        knobs[ACTIVE] = np.ones(len(members), np.float32)
        return {name: value.reshape(*axes, *value.shape[1:]) for name, value in knobs.items()}

    def start(self, crew: Crew) -> Carry:
        """The carry with which the members of `crew` begin.

        Arrays start with the axes (lanes, seeds, configs); seed states with (lanes, seeds).
        """
        members, axes = _flat(crew)
        columns = zip(*(start_weights(m.starts, m.trial.seed) for m in members), strict=True)
        weights = [np.stack(column).reshape(*axes, *column[0].shape) for column in columns]
        pairs = list(zip(weights, self._trainable, strict=True))
        trainable = [w for w, is_trainable in pairs if is_trainable]
        fixed = [w for w, is_trainable in pairs if not is_trainable]
        seeds = [
            np.array([[seed_state(same[0].trial.seed, number) for same in lane] for lane in crew])
            for number in self._generators
        ]
        state = State(trainable, fixed, seeds, self._optimizer_start(members, axes))
        best = Best(
            np.zeros(axes, np.int32),
            np.full(axes, self.training.worst, np.float32),
            [w.copy() for w in trainable],
            [w.copy() for w in fixed],
        )
        return Carry(state, best)

    def resumed(self, crew: Crew, states: Mapping[str, MemberState]) -> Carry:
        """The carry with which members go on that have been trained before, by trial key."""
        members, axes = _flat(crew)
        carries = [states[member.trial.key].carry for member in members]
        return stacked(carries, axes)

    def _optimizer_start(self, members: Sequence[Member], axes: tuple[int, ...]) -> list[Any]:
        values = [np.broadcast_to(value, (*axes, *value.shape)) for value in self._optimizer]
        if LEARNING_RATE in self.family.varying:
            rates = np.array([m.knobs[LEARNING_RATE] for m in members], np.float32).reshape(axes)
            return [
                rates if is_rate else value
                for value, is_rate in zip(values, self._is_rate, strict=True)
            ]
        return values

    def sparsity(self, member: Member, small: int) -> float:
        """A member's share of small weights, given how many there are in its program's model.

        What a hull has around the member's own weights is 0, and so small, and is not counted.
        """
        whole = own = 0
        for start, is_trainable in zip(member.starts, self._trainable, strict=True):
            if not is_trainable or len(start.shape) < 2:
                continue
            whole += math.prod(start.shape)
            own += start.count if isinstance(start, Padded) else math.prod(start.shape)
        return (small - (whole - own)) / own if own else math.nan

    def weights_of(self, member: Member, best: Best) -> list[Weights]:
        """A member's selected weights in the order and the shapes of its own model's weights.

        A hull's weights that are not the member's own are left out; `best` is of one member.
        """
        trainable, fixed = iter(best.trainable), iter(best.weights)
        whole = [next(trainable) if own else next(fixed) for own in self._trainable]
        own = {}
        for position, (start, value) in enumerate(zip(member.starts, whole, strict=True)):
            place = member.order[position] if member.order else position
            if place is not None:
                own[place] = start.inside(value) if isinstance(start, Padded) else value
        return [own[place] for place in sorted(own)]


def _flat(crew: Crew) -> tuple[list[Member], tuple[int, int, int]]:
    members = [member for lane in crew for same in lane for member in same]
    return members, (len(crew), len(crew[0]), len(crew[0][0]))


def stacked(carries: Sequence[Carry], axes: tuple[int, int, int]) -> Carry:
    """Carries of single members, in the order of their places, as the carry of a crew."""

    def whole(leaves: Sequence[Any], leading: tuple[int, ...]) -> Any:
        return np.stack(leaves).reshape(*leading, *np.shape(leaves[0]))

    def each(lists: Sequence[Sequence[Any]], leading: tuple[int, ...]) -> list[Any]:
        return [whole(column, leading) for column in zip(*lists, strict=True)]

    streams = carries[:: axes[2]]  # one member a stream: those of a stream share their seed states
    states, bests = [c.state for c in carries], [c.best for c in carries]
    return Carry(
        State(
            each([s.trainable for s in states], axes),
            each([s.weights for s in states], axes),
            each([c.state.seeds for c in streams], axes[:2]),
            each([s.optimizer for s in states], axes),
        ),
        Best(
            whole([b.epoch for b in bests], axes),
            whole([b.objective for b in bests], axes),
            each([b.trainable for b in bests], axes),
            each([b.weights for b in bests], axes),
        ),
    )


def single(carry: Carry, place: tuple[int, int, int]) -> Carry:
    """One member's part of a crew's carry, which lies in the host's memory."""
    at = tuple(place)
    state, best = carry.state, carry.best
    return Carry(
        State(
            [a[at] for a in state.trainable],
            [a[at] for a in state.weights],
            [a[at[:2]] for a in state.seeds],
            [a[at] for a in state.optimizer],
        ),
        Best(
            best.epoch[at],
            best.objective[at],
            [a[at] for a in best.trainable],
            [a[at] for a in best.weights],
        ),
    )
