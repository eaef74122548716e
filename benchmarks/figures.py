"""What the measurements say: ratios, tables, and the promises they keep or break."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from benchmarks.record import BASELINE, CONTENDERS, FLEET, Measurement

PROMISED = {"churn": 100.0, "digits": 12.0}
"""Task -> how many times as many trials a second the fleet trains as RandomSearch on TensorFlow."""

ENOUGH = 500
"""Trials of the fleet from which the promise holds: fewer do not pay for its start."""

DISTURBED = 0.05
"""Share of the machine's time used by others from which a measurement deserves a warning."""

NOTE = (
    "s/trial: all seconds over trials. no start: the peers' without importing, loading data and "
    "ending; trials/s follows from it, the fleet's from all its seconds. ratio: the fleet's "
    "trials/s over this one's."
)


def of(runs: Sequence[Measurement], contender: str) -> Measurement | None:
    """The measurement of a contender that trained something."""
    return next((run for run in runs if run.contender == contender and run.trained.trials), None)


def ratio(runs: Sequence[Measurement], contender: str) -> float | None:
    """How many times as many trials a second the fleet trained as `contender`."""
    fleet, peer = of(runs, FLEET), of(runs, contender)
    return fleet.rate / peer.rate if fleet and peer else None


def shortfalls(task: str, runs: Sequence[Measurement]) -> Iterator[str]:
    """What of the promise for `task` these runs do not show, a line each."""
    least, received = PROMISED.get(task), ratio(runs, BASELINE)
    if least is None:
        return
    fleet = of(runs, FLEET)
    trials = fleet.trained.trials if fleet else 0
    if trials < ENOUGH:
        yield f"{task}: Expected a fleet of at least {ENOUGH} trials. Received: {trials}."
    if received is None or received < least:
        shown = "none" if received is None else f"{received:.1f}"
        yield (
            f"{task}: Expected the fleet to train at least {least:g} times as many trials a "
            f"second as RandomSearch on TensorFlow. Received: {shown}."
        )


def speed_table(task: str, runs: Sequence[Measurement]) -> Table:
    """Trials, seconds and rates of every contender of one task."""
    epochs = max(run.trained.epochs for run in runs)
    table = _table(f"{task}: trials of {epochs} epochs", NOTE)
    table.add_column("contender", no_wrap=True)
    for name in ("trials", "seconds", "s/trial", "no start", "trials/s", "ratio"):
        table.add_column(name, justify="right", no_wrap=True)
    for run in runs:
        label = CONTENDERS[run.contender].label
        if run.trained.trials:
            table.add_row(label, *_speed(run, ratio(runs, run.contender)))
    return table


def _speed(run: Measurement, times: float | None) -> list[str]:
    trials = run.trained.trials
    figures = [run.seconds / trials, run.counted / trials, run.rate]
    shown = "-" if run.contender == FLEET or times is None else f"{times:.1f} x"
    return [str(trials), f"{run.seconds:.1f}", *(f"{figure:.3g}" for figure in figures), shown]


def shares_table(task: str, runs: Sequence[Measurement]) -> Table | None:
    """Where the fleet's time went on one task."""
    fleet = of(runs, FLEET)
    if fleet is None:
        return None
    table = _table(f"{task}: where the fleet's {fleet.seconds:.1f} s went")
    for kind in fleet.shares:
        table.add_column(kind, justify="right", no_wrap=True)
    table.add_row(*(f"{seconds:.1f} s" for seconds in fleet.shares.values()))
    table.add_row(*(f"{seconds / fleet.seconds:.0%}" for seconds in fleet.shares.values()))
    return table


def _table(title: str, note: str = "") -> Table:
    return Table(
        title=title,
        title_justify="left",
        caption=note,
        caption_justify="left",
        box=SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        show_edge=False,
        pad_edge=False,
    )


def remarks(runs: Sequence[Measurement]) -> Iterator[str]:
    """What a reader should know of single runs, a line each."""
    for run in runs:
        label = f"{run.task}: {CONTENDERS[run.contender].label}"
        if run.trained.skipped:
            yield f"{label} left out: {run.trained.skipped}"
        if run.trained.note:
            yield f"{label}: {run.trained.note}"
        if run.trained.trials and run.disturbance > DISTURBED:
            yield f"{label}: other processes took {run.disturbance:.0%} of the cores' time"


def as_json(runs: Sequence[Measurement]) -> list[dict[str, Any]]:
    """One task's runs with the figures derived from them."""
    return [
        {
            **asdict(run),
            "trials_per_second": run.rate,
            "seconds_per_trial": run.seconds / run.trained.trials,
            "seconds_per_trial_less_start": run.counted / run.trained.trials,
            "fleet_times_faster": ratio(runs, run.contender),
        }
        if run.trained.trials
        else asdict(run)
        for run in runs
    ]
