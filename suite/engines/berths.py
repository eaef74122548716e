"""Berths: which program trains which model, families merged in hulls where that pays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from suite.data import Data
from suite.engines.program import Program, Shape
from suite.engines.size import berthings
from suite.engines.states import MemberState, States
from suite.engines.template import Template
from suite.families import Family, Member, Refusal
from suite.hull import Hull, Misfit, fits, mergeable


@dataclass
class Berth:
    """A family, of a hull or of one structure, with its template and its programs so far.

    `kind` is what `mergeable` says of the families in its hull; "" without a hull.
    """

    family: Family
    template: Template
    kind: str = ""
    hull: Hull | None = None
    seen: int = 0
    programs: dict[Shape, Program] = field(default_factory=dict)

    @property
    def structure(self) -> str:
        """The structure of the model that its programs train."""
        return self.family.template.structure


@dataclass(frozen=True)
class Leg:
    """Members of one berth that begin and end after the same epochs.

    `states` holds where they begin, by trial key; it is empty where they begin anew.
    """

    berth: Berth
    members: Sequence[Member]
    states: Mapping[str, MemberState]
    begin: int
    epochs: int


class Berths:
    """Finds a berth for every family, an old one where it fits, and new ones otherwise.

    Args:
        data: the task's.
        objective: name and direction of the log that selects the epoch.
        on_cpu: whether convolutions run as matrix products.
        expected: how many trials will come in all; 0: those of one call.
        probed: whether every epoch ends with a probe.
    """

    def __init__(
        self,
        data: Data,
        objective: tuple[str, str],
        *,
        on_cpu: bool,
        expected: int = 0,
        probed: bool = False,
    ) -> None:
        self.data = data
        self.objective = objective
        self.on_cpu = on_cpu
        self.expected = expected
        self.probed = probed
        self.all: list[Berth] = []
        self._first = 0  # trials of the first call, which the expected ones resemble

    def share(self, berth: Berth) -> int:
        """How many trials a berth can expect in all."""
        if not self.expected or not self._first:
            return 0
        return self.expected * berth.seen // self._first

    def legs(
        self, families: Sequence[Family], states: States | None
    ) -> tuple[list[Leg], list[Refusal]]:
        """The legs that the members of `families` have to go, and the families that cannot."""
        self._first = self._first or sum(len(family.members) for family in families)
        legs: list[Leg] = []
        refusals: list[Refusal] = []
        strangers: dict[str, list[Family]] = {}
        for number, family in enumerate(families):
            kind = mergeable(family)
            found = self._seated(family, kind or "")
            if found is None:
                strangers.setdefault(kind or f"alone {number}", []).append(family)
            else:
                legs += _legs(*found, states)
        for kind, own in strangers.items():
            for berthing in berthings(own, len(self.data.train), self._weight, self._programs):
                try:
                    berth = self._opened(*berthing, kind)
                except Exception as error:  # a plugin's loss may raise anything; it is reported
                    lost = [member.trial for family in berthing[1] for member in family.members]
                    refusals.append(Refusal(lost, error))
                else:
                    legs += _legs(berth, berth.family.members, states)
        return _joined(legs), refusals

    @property
    def _programs(self) -> int:
        """How many programs a berth has: where batches come and go, one for small ones, too."""
        return 2 if self.expected else 1

    def _weight(self, family: Family) -> float:
        share = self.expected / self._first if self.expected and self._first else 1.0
        return len(family.members) * max(1.0, share)

    def _seated(self, family: Family, kind: str) -> tuple[Berth, Sequence[Member]] | None:
        """The berth that can train `family` as it is, and its members as that berth's."""
        for berth in self.all:
            members: Sequence[Member] = ()
            if berth.hull is not None and berth.kind == kind:
                try:
                    members = berth.hull.seat(family)
                except Misfit:
                    continue
            elif berth.structure == family.template.structure and berth.hull is None:
                members = family.members
            if members and all(fits(member, berth.family) for member in members):
                berth.seen += len(members)
                return berth, members
        return None

    def _opened(self, hull: Hull | None, families: Sequence[Family], kind: str) -> Berth:
        family = hull.family() if hull else families[0]
        template = Template(
            family, self.data, self.objective, on_cpu=self.on_cpu, probed=self.probed
        )
        berth = Berth(family, template, kind if hull else "", hull, seen=len(family.members))
        self.all.append(berth)
        return berth


def _legs(berth: Berth, members: Sequence[Member], states: States | None) -> Iterator[Leg]:
    """Members of one berth by where they begin and end."""
    groups: dict[tuple[int, int], list[Member]] = {}
    found: dict[str, MemberState] = {}
    for member in members:
        state = states.find(member.trial, berth.template.program(member)) if states else None
        if state is not None:
            found[member.trial.key] = state
        begin = state.epochs if state is not None else 0
        groups.setdefault((begin, member.trial.epochs), []).append(member)
    for (begin, epochs), own in groups.items():
        mine = {m.trial.key: found[m.trial.key] for m in own if m.trial.key in found}
        yield Leg(berth, own, mine, begin, epochs)


def _joined(legs: Sequence[Leg]) -> list[Leg]:
    """Legs of the same berth, begin and end, made one."""
    groups: dict[tuple[int, int, int], list[Leg]] = {}
    for leg in legs:
        groups.setdefault((id(leg.berth), leg.begin, leg.epochs), []).append(leg)
    return [
        Leg(
            same[0].berth,
            [member for leg in same for member in leg.members],
            {key: state for leg in same for key, state in leg.states.items()},
            same[0].begin,
            same[0].epochs,
        )
        for same in groups.values()
    ]
