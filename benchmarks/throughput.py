"""How many trials a second: the suite's fleet against KerasTuner and scikit-learn, in one run.

    python benchmarks/throughput.py                 churn and digits, seven minutes on two cores
    python benchmarks/throughput.py --check         exit code 1 where the fleet is too slow

Every contender trains the same models on the same data for as many epochs, in a fresh process, one
after the other. Leave the machine alone meanwhile; what others took of it is reported.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # to be run as a file, too

from benchmarks.closing import AsData, Check, close
from benchmarks.figures import as_json, remarks, shares_table, shortfalls, speed_table
from benchmarks.measure import measured
from benchmarks.record import CONTENDERS, FLEET, Measurement
from benchmarks.sample import drawn
from suite.errors import SuiteError, UsageError
from suite.registry import discover, select
from suite.studyfiles import load_matrix

STUDY = "techniques"
TASKS = ("churn", "digits")
MATRIX = 1152
"""Trials of the fleet by default: what `make run` trains of a task, the study's whole matrix."""

SHORT = 8
"""How many times as many trials a peer trains whose trials are a second each or less."""


def trials_of(contender: str, fleet: int, peer: int) -> int:
    """How many trials a contender trains."""
    return {FLEET: fleet, "grid-search": SHORT * peer}.get(contender, peer)


def measure(
    task: str, fleet_trials: int, peer_trials: int, epochs: int | None
) -> list[Measurement]:
    """All contenders on one task, one after the other."""
    errors = Console(stderr=True)
    study = load_matrix(STUDY).at("standard")
    recipes = drawn(study, fleet_trials)
    runs = []
    for name, contender in CONTENDERS.items():
        trials = trials_of(name, fleet_trials, peer_trials)
        errors.print(f"{task}: {contender.label}, trials: {trials}")
        runs.append(measured(name, task, STUDY, recipes, trials, epochs))
    return runs


def show(task: str, runs: Sequence[Measurement]) -> None:
    """One task's tables and remarks, on the terminal."""
    console = Console()
    for table in (speed_table(task, runs), shares_table(task, runs)):
        if table:
            console.print(table)
    for remark in remarks(runs):
        console.print(remark, markup=False)
    console.print()


def throughput(
    task: Annotated[list[str] | None, typer.Option(help="A task; repeat for more.")] = None,
    fleet_trials: Annotated[int, typer.Option(min=1, help="Trials of the fleet.")] = MATRIX,
    peer_trials: Annotated[
        int, typer.Option(min=1, help=f"Trials of a peer; scikit-learn trains {SHORT} times that.")
    ] = 6,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs of every trial; default: the task's own.")
    ] = None,
    as_data: AsData = False,
    check: Check = False,
) -> None:
    """Measure trials a second of the fleet and its peers, side by side."""
    errors = Console(stderr=True)
    try:
        names = [plugin.name for plugin in select(discover(), task or TASKS)]
        runs: dict[str, list[Measurement]] = {}
        for name in names:
            runs[name] = measure(name, fleet_trials, peer_trials, epochs)
            if not as_data:
                show(name, runs[name])
    except SuiteError as error:
        errors.print(f"Error: {error}", markup=False, soft_wrap=True)
        raise typer.Exit(2 if isinstance(error, UsageError) else 1) from None
    missed = [line for name in names for line in shortfalls(name, runs[name])]
    content = {"tasks": {name: as_json(own) for name, own in runs.items()}}
    close(content, missed, as_data=as_data, check=check)


if __name__ == "__main__":
    typer.run(throughput)
