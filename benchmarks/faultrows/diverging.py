"""A member of a fleet whose loss becomes infinite: an outcome that touches no neighbour."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.faultrows import hostile
from benchmarks.faultrows.plugins import ROOT
from benchmarks.faultrows.row import Found, Row
from suite.reading import read
from suite.store import Store
from suite.summary import of_task, ranking
from suite.trial import Outcome, Status

SICK = 10.0
HEALTHY = (1e-6, 1e-5)
INSTEAD = 3e-6
"""Stands in the sick one's place in the run without it: another width is another program, which may
round the last bit otherwise."""
STUDY = """
question = "Does a sick member touch its neighbours?"
seeds = {seeds}
epochs = 3
[factors]
learning_rate = {rates}
[fixed]
optimizer = "sgd"
"""


def task() -> str:
    """A regression on large inputs, on which a large learning rate overflows."""
    text = hostile.source(None)
    drawn = "random.normal(size=(240, 4))"
    text = text.replace(drawn, f"(10 * {drawn})")
    text = text.replace('"sigmoid"', '"linear"').replace('"binary_crossentropy"', '"mse"')
    return text.replace(f"metric = {hostile.SCORER}", f"metric = {hostile.OWN}")


def run(folder: Path, rates: Sequence[float], seeds: int) -> Path:
    """A run over learning rates: its results folder."""
    folder.mkdir(parents=True)
    (folder / "drawn.py").write_text(task(), encoding="utf-8")
    study = folder / "study.toml"
    study.write_text(STUDY.format(rates=[*rates], seeds=seeds), encoding="utf-8")
    options = ["--tasks-dir", folder, "-s", study, "-t", "drawn", "-o", folder / "out"]
    command = [sys.executable, ROOT / "run_suite.py", *options]
    done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(done.stdout[-500:] + done.stderr[-500:])
    return folder / "out"


def figures(outcome: Outcome) -> object:
    """All that training gave, but for the time it took."""
    health = outcome.health.content() if outcome.health else None
    return outcome.status, outcome.epoch, outcome.metrics, outcome.curves, health


def _refused(constant: str) -> float:
    raise ValueError(constant)


def not_numbers(folder: Path) -> Iterator[str]:
    """JSON in a results folder that holds NaN or an infinity."""
    texts = {path.name: [path.read_text()] for path in folder.rglob("*.json")}
    for path in (folder / "record").glob("*.jsonl"):
        texts[path.name] = [line.partition(" ")[2] for line in path.read_text().splitlines()]
    for name, parts in texts.items():
        for part in parts:
            try:
                json.loads(part, parse_constant=_refused)
            except ValueError as error:
                yield f"{name}: {error}"


def _measure(folder: Path, quick: bool) -> Found:
    seeds = 2 if quick else 20
    mixed = run(folder / "mixed", [HEALTHY[0], SICK, HEALTHY[1]], seeds)
    others = run(folder / "alone", [HEALTHY[0], INSTEAD, HEALTHY[1]], seeds)
    alone = {
        key: own
        for key, own in Store(others).outcomes().items()
        if own.trial.hp["learning_rate"] != INSTEAD
    }
    outcomes = Store(mixed).outcomes()
    sick = [o for o in outcomes.values() if o.trial.hp["learning_rate"] == SICK]
    diverged = [
        o for o in sick if o.status is Status.DIVERGED and "not finite in epoch" in o.message
    ]
    same = sum(figures(outcomes[key]) == figures(own) for key, own in alone.items())
    reading = read(mixed)
    ranked = ranking(of_task(reading.frame, reading.judged["drawn"]), reading.judged["drawn"])
    last = float(ranked["hp.learning_rate"].iloc[-1]) == SICK
    bad = list(not_numbers(mixed))
    whole = len(diverged) == len(sick) == seeds and same == len(alone) == 2 * seeds
    return Found(
        f"{len(diverged)} of {len(sick)} sick members diverged with their epoch, ranked "
        f"{'last' if last else 'NOT last'}; {same} of {len(alone)} neighbours identical to the "
        f"last bit; {len(bad)} NaN in JSON",
        whole and last and not bad,
    )


ROWS = [
    Row(
        "diverging",
        "NaN or infinite loss, one member of a fleet",
        "`diverged` with its epoch, ranked last; its neighbours are identical to a run with a "
        "healthy one in its place; no NaN in any JSON",
        _measure,
    )
]
