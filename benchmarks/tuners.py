"""How fast searches are: FleetTuner against KerasTuner's RandomSearch on TensorFlow, on churn.

    python benchmarks/tuners.py            five minutes on two cores
    python benchmarks/tuners.py --check    exit code 1 where a promise is not kept

Every contender searches in a fresh process; the seconds are those of `search` alone, compiling
included, importing and loading data left out for all. Leave the machine alone meanwhile.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # to be run as a file, too

from benchmarks.closing import AsData, Check, close
from benchmarks.measure import busy, environment
from benchmarks.record import BASELINE, FLEET

PEER = "keras-tuner"
LABELS = {PEER: "KerasTuner on TF", "random": "fleet, random"}
LABELS |= {"tpe": "fleet, TPE", "hyperband": "fleet, Hyperband"}
SPACES = {"techniques": False, "techniques, units, depth": True}
PROMISED = {"techniques": 60.0, "techniques, units, depth": 20.0}
"""How many times as many trials a second the random oracle's search trains as the peer's."""
TPE_SHARE = 2 / 3
"""What TPE keeps of the random oracle's rate, at least."""
ORACLE_SHARE = 0.15
"""What the oracle takes of a search's time, at most."""


def searched(contender: str, structures: bool, trials: int, epochs: int) -> dict[str, Any]:
    """One search in a process of its own, and the share of the cores that others took."""
    with TemporaryDirectory(prefix="tuners-") as folder:
        request = {
            "contender": contender,
            "structures": structures,
            "trials": trials,
            "epochs": epochs,
            "folder": folder,
        }
        before = busy()
        child = subprocess.run(
            [sys.executable, "-m", "benchmarks.searches"],
            input=json.dumps(request),
            env=environment(BASELINE if contender == PEER else FLEET),
            capture_output=True,
            text=True,
            check=False,
        )
        total, ours, all_of_us = (b - a for a, b in zip(before, busy(), strict=True))
    answers = [line for line in child.stdout.splitlines() if line.startswith('{"found"')]
    if child.returncode or len(answers) != 1:
        sys.exit("\n".join(child.stderr.strip().splitlines()[-15:]))
    found: dict[str, Any] = json.loads(answers[0])["found"]
    disturbance = round(max(0.0, (all_of_us - ours) / total), 3)
    return found | {"rate": found["trials"] / found["seconds"], "disturbance": disturbance}


def shortfalls(runs: dict[str, dict[str, dict[str, Any]]]) -> Iterator[str]:
    """What of the promises these runs do not show, a line each."""
    for space, own in runs.items():
        times = own["random"]["rate"] / own[PEER]["rate"]
        if times < PROMISED[space]:
            yield f"{space}: Expected {PROMISED[space]:g} x the peer. Received: {times:.1f} x."
        share = own["tpe"]["rate"] / own["random"]["rate"]
        if share < TPE_SHARE:
            yield f"{space}: Expected TPE at 67% of random or more. Received: {share:.0%}."
        for name, run in own.items():
            part = run["shares"].get("oracle", 0.0) / run["seconds"]
            if part > ORACLE_SHARE:
                yield f"{space}, {name}: Expected at most 15% in the oracle. Received: {part:.0%}."


def table_of(space: str, own: dict[str, dict[str, Any]]) -> Table:
    """One space's searches."""
    table = Table(
        title=f"churn: {space}", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )
    table.add_column("search", no_wrap=True)
    kinds = {"building": "build", "compiling": "comp.", "training": "train", "oracle": "oracle"}
    for name in ("trials", "sec", "trials/s", "ratio", *kinds.values()):
        table.add_column(name, justify="right", no_wrap=True)
    for name, run in own.items():
        times = run["rate"] / own[PEER]["rate"]
        shares = [f"{run['shares'][k]:.1f}" if k in run["shares"] else "" for k in kinds]
        figures = (str(run["trials"]), f"{run['seconds']:.1f}", f"{run['rate']:.3g}")
        table.add_row(LABELS[name], *figures, f"{times:.0f} x", *shares)
    return table


def tuners(
    trials: Annotated[int, typer.Option(min=1, help="Trials of FleetTuner's searches.")] = 200,
    peer_trials: Annotated[int, typer.Option(min=1, help="Trials of the peer.")] = 6,
    epochs: Annotated[int, typer.Option(min=1, help="Epochs of every training.")] = 20,
    as_data: AsData = False,
    check: Check = False,
) -> None:
    """Measure trials a second of searches, side by side."""
    console, errors = Console(), Console(stderr=True)
    runs: dict[str, dict[str, dict[str, Any]]] = {}
    for space, structures in SPACES.items():
        runs[space] = {}
        for name, label in LABELS.items():
            errors.print(f"{space}: {label}")
            count = peer_trials if name == PEER else trials
            runs[space][name] = searched(name, structures, count, epochs)
        if not as_data:
            console.print(table_of(space, runs[space]))
            disturbed = max(run["disturbance"] for run in runs[space].values())
            console.print(f"other processes took at most {disturbed:.0%} of the cores' time\n")
    missed = list(shortfalls(runs))
    close({"runs": runs}, missed, as_data=as_data, check=check)


if __name__ == "__main__":
    typer.run(tuners)
