"""How long tables, figures and the report take from a large record.

    python benchmarks/report.py             20,000 trials of four tasks
    python benchmarks/report.py --check     exit code 1 where a promise is not kept

The trials are made up; reading, statistics, tables, figures and the page are the suite's own, by
its command line, in a fresh process.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # to be run as a file, too

from suite.provenance import provenance
from suite.store import Store
from suite.trial import Outcome, Status, Trial

ROOT = Path(__file__).resolve().parents[1]
TASKS = ("churn", "digits", "stock", "text")
FACTORS: dict[str, list[Any]] = {
    "initializer": ["random_normal", "glorot_uniform", "he_normal", "lecun_normal"],
    "optimizer": ["sgd", "momentum", "adam"],
    "dropout": [0.0, 0.3],
    "batch_norm": [False, True],
    "l1": [0.0, 1e-4],
    "l2": [0.0, 1e-3],
    "learning_rate": [0.001, 0.01],
}
EPOCHS = 15
MOST_SECONDS = 20.0
MOST_BYTES = 8_000_000


def outcomes(task: str, trials: int) -> Iterator[Outcome]:
    """Made-up trials of one task, cell by cell and seed by seed."""
    random = np.random.default_rng(TASKS.index(task))
    cells = [*product(*FACTORS.values())]
    for number in range(trials):
        hp = dict(zip(FACTORS, cells[number % len(cells)], strict=True))
        score = 0.8 + 0.02 * bool(hp["batch_norm"]) + random.normal(0, 0.01, 2)
        curve = (1 - score[0]) * (1 + np.exp(-np.arange(EPOCHS) / 3))
        curves = {name: curve.tolist() for name in ("loss", "val_loss", "val_bce", "bce")}
        metrics = {"val.bce": 1 - score[0], "val.auc": score[0], "test.auc": score[1]}
        trial = Trial(task, "embedded", hp, number // len(cells), EPOCHS)
        found = {name: float(value) for name, value in metrics.items()}
        yield Outcome(trial, Status.COMPLETED, "fleet", 0.05, EPOCHS, found, curves)


def record(folder: Path, trials: int) -> None:
    """A results folder of so many made-up trials."""
    with Store(folder) as store:
        for task in TASKS:
            store.append(outcomes(task, trials // len(TASKS)))
    judged = {
        "metric": "auc",
        "objective": "bce",
        "direction": "min",
        "trivial": {"val": 0.5, "test": 0.5},
        "trivial_name": "majority class",
        "data": {"name": "made up", "source": "", "licence": "", "fingerprint": "0", "rows": {}},
    }
    factors = {name: levels for name, levels in FACTORS.items() if name != "learning_rate"}
    study = {
        "name": "large",
        "question": "How long does it take?",
        "fingerprint": "0" * 16,
        "factors": factors,
        "nuisance": {"learning_rate": FACTORS["learning_rate"]},
        "seeds": 10,
    }
    run = {"study": study, "tasks": dict.fromkeys(TASKS, judged), "winners": [], **provenance()}
    (folder / "run.json").write_text(json.dumps(run))


def measured(trials: int) -> dict[str, Any]:
    """Seconds of the command `report`, and the size of its page."""
    with TemporaryDirectory() as folder:
        record(Path(folder), trials)
        started = time.perf_counter()
        command = [sys.executable, str(ROOT / "run_suite.py"), "report", folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - started
        size = (Path(folder) / "report.html").stat().st_size
    return {"trials": trials, "seconds": seconds, "bytes": size}


def report(
    trials: Annotated[int, typer.Option(min=8, help="Recorded trials.")] = 20_000,
    as_data: Annotated[bool, typer.Option("--json", help="Print JSON only.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Exit with 1 where a promise is not kept.")
    ] = False,
) -> None:
    """Measure `report` on a large record."""
    found = measured(trials)
    if as_data:
        print(json.dumps({**found, **provenance()}, indent=2))
    else:
        table = Table("trials", "seconds", "promised", "MB", "promised", title="report")
        sizes = (f"{found['bytes'] / 1e6:.1f}", f"< {MOST_BYTES / 1e6:g}")
        table.add_row(str(trials), f"{found['seconds']:.1f}", f"< {MOST_SECONDS:g}", *sizes)
        Console().print(table)
    if check:
        kept = found["seconds"] < MOST_SECONDS and found["bytes"] < MOST_BYTES
        raise typer.Exit(0 if kept else 1)


if __name__ == "__main__":
    typer.run(report)
