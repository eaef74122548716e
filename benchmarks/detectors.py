"""How often the detectors of gradient health are right: on sick nets, and on healthy ones.

    python benchmarks/detectors.py            about five minutes on two cores
    python benchmarks/detectors.py --check    exit code 1 where a promise is not kept

One group of nets, sick by construction or healthy, sets the thresholds: in the middle between them.
Another group, of other data, widths, depths and seeds, says how often they are right.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # to be run as a file, too

from benchmarks.closing import AsData, Check, close
from suite.environment import settle, spare_tensorflow

LEAST = 0.95
"""Sensitivity and specificity that are promised."""
ENOUGH = 200
"""Nets of each kind from which they are measured."""
FARTHEST = 12.0
"""A sign without end counts as this where a middle is sought: 12 powers of ten, all of float32."""


@dataclass(frozen=True)
class Right:
    """How one detector does.

    Attributes:
        threshold: in use; `middle`: where the group that sets thresholds has it.
        sick, healthy: how many nets of the testing group there were.
        sensitivity: share of the sick that are reported; specificity: of the healthy that are not.
        others: share of nets of other sicknesses that are reported too: many are sick in two ways.
    """

    detector: str
    threshold: float
    middle: float
    sick: int
    healthy: int
    sensitivity: float
    specificity: float
    others: float


def signs_of(group: str) -> dict[str, dict[str, list[float]]]:
    """Kind of net -> detector -> a sign a net, of a whole group, trained in fleets."""
    from benchmarks.sick import GROUPS, KINDS, every_task, nets
    from suite.detectors import signs
    from suite.engines.fleet import FleetEngine

    found: dict[str, dict[str, list[float]]] = {}
    for kind in KINDS:
        trials, engine = [*nets(GROUPS[group], kind)], FleetEngine(probed=True)
        outcomes = [
            outcome
            for name, task in every_task(trials).items()
            for chunk in engine.train(task, [t for t in trials if t.task == name], Quiet())
            for outcome in chunk
        ]
        lost = [outcome.message for outcome in outcomes if outcome.health is None]
        if lost:
            sys.exit(
                f"Expected {len(trials)} nets of {kind}. Received: {len(lost)} failed, {lost[0]}"
            )
        every = signs([outcome.health for outcome in outcomes if outcome.health])
        found[kind] = {name: own.tolist() for name, own in every.items()}
    return found


class Quiet:
    """A watcher that does not look."""

    def stage(self, text: str) -> None:
        """Nothing."""


def middle(sick: Sequence[float], healthy: Sequence[float]) -> float:
    """Half way between the least sick sign in twenty and the least healthy one in twenty."""
    ends = [
        float(np.nanpercentile(np.minimum(own, FARTHEST), share))
        for own, share in ((sick, 5), (healthy, 95))
    ]
    return sum(ends) / 2


def reported(signs: Sequence[float], threshold: float) -> float:
    """The share of nets whose sign reaches the threshold."""
    return float(np.mean([not math.isnan(sign) and sign >= threshold for sign in signs]))


def measured(
    setting: Mapping[str, Mapping[str, Sequence[float]]],
    testing: Mapping[str, Mapping[str, Sequence[float]]],
) -> list[Right]:
    """All detectors."""
    from benchmarks.sick import HEALTHY
    from suite.detectors import DETECTORS

    found = []
    for detector in DETECTORS:
        name = detector.name
        others = [s for kind in testing for s in testing[kind][name] if kind not in (name, HEALTHY)]
        found.append(
            Right(
                name,
                detector.threshold,
                middle(setting[name][name], setting[HEALTHY][name]),
                len(testing[name][name]),
                len(testing[HEALTHY][name]),
                reported(testing[name][name], detector.threshold),
                1 - reported(testing[HEALTHY][name], detector.threshold),
                reported(others, detector.threshold),
            )
        )
    return found


def shortfalls(found: Sequence[Right]) -> list[str]:
    """What of the promise these figures do not show, a line each."""
    missed = []
    for own in found:
        for what in ("sensitivity", "specificity"):
            rate = getattr(own, what)
            if rate < LEAST:
                missed.append(f"{own.detector}: Expected {what} {LEAST:.0%}. Received: {rate:.1%}.")
        fewest = min(own.sick, own.healthy)
        if fewest < ENOUGH:
            missed.append(
                f"{own.detector}: Expected {ENOUGH} nets of each kind. Received: {fewest}."
            )
    return missed


def table_of(found: Sequence[Right]) -> Table:
    """All detectors."""
    table = Table(
        title="nets that set no threshold",
        title_justify="left",
        caption="middle: between sick and healthy nets of the group that sets thresholds. others: "
        "nets of other sicknesses that are reported too; many are sick in two ways",
        caption_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    table.add_column("detector", no_wrap=True)
    for name in ("middle", "used", "sick", "found", "healthy", "spared", "others"):
        table.add_column(name, justify="right", no_wrap=True)
    for own in found:
        table.add_row(
            own.detector,
            f"{own.middle:.2f}",
            f"{own.threshold:g}",
            str(own.sick),
            f"{own.sensitivity:.1%}",
            str(own.healthy),
            f"{own.specificity:.1%}",
            f"{own.others:.0%}",
        )
    return table


def detectors(
    as_data: AsData = False,
    check: Check = False,
) -> None:
    """Measure sensitivity and specificity of the detectors of gradient health."""
    settle()
    spare_tensorflow()
    found = measured(signs_of("setting"), signs_of("testing"))
    missed = shortfalls(found)
    content = {"detectors": [asdict(own) for own in found]}
    close(content, missed, as_data=as_data, check=check, table=table_of(found))


if __name__ == "__main__":
    typer.run(detectors)
