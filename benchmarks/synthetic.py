"""A results folder of made-up trials, as large as wanted: for measuring what is read from results.

Nothing is trained. A recipe's level follows from its hyperparameters, its noise from its key, so
that the same folder is written every time. The gradients of small initial weights vanish.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from suite.health import Health, grid
from suite.plan import trials
from suite.store import Store
from suite.study import Dependent, Study
from suite.trial import Level, Outcome, Status, Trial

RATES: dict[str, list[Level]] = {
    "sgd": [0.03, 0.3],
    "momentum": [0.01, 0.1],
    "rmsprop": [0.001, 0.01],
    "adam": [0.001, 0.01],
    "adamw": [0.001, 0.01],
    "nadam": [0.001, 0.01],
    "adagrad": [0.03, 0.3],
}
SWITCHES: dict[str, list[Level]] = {
    "dropout": [0.0, 0.3],
    "batch_norm": [False, True],
    "l1": [0.0, 1e-4],
    "l2": [0.0, 1e-3],
}
NARROW: dict[str, list[Level]] = {
    "initializer": ["random_normal", "glorot_uniform", "he_normal"],
    "optimizer": ["sgd", "momentum", "adam"],
    **SWITCHES,
}
WIDE: dict[str, list[Level]] = {
    "initializer": ["random_normal", "glorot_uniform", "he_normal", "lecun_normal", "orthogonal"],
    "optimizer": list(RATES),
    **SWITCHES,
}
GAINS: Mapping[tuple[str, Level], float] = {
    ("optimizer", "adam"): 0.03,
    ("batch_norm", True): 0.012,
    ("dropout", 0.3): -0.008,
    ("initializer", "he_normal"): 0.002,
    ("l2", 1e-3): 0.0005,
}
"""What a level adds to the metric."""
DIVERGES = 0.02
"""Share of the trials of SGD at 0.3 that do."""

JUDGED = {"": ("auc", "loss"), "wine": ("accuracy", "sparse_categorical_crossentropy")}
"""By task: its metric and its objective; wine's are those of the real task."""

LAYERS = 5
"""Dense layers of every model."""
LEANS: Mapping[Level, float] = {"random_normal": -0.8, "glorot_uniform": -0.1}
"""Powers of ten by which the gradient changes a layer on its way to the input."""
VARIANTS = 8
"""Different healths of a kind; made anew for every trial they would take minutes."""


def study_of(factors: Mapping[str, list[Level]], seeds: int) -> Study:
    """A matrix of these factors, each optimizer with its own learning rates."""
    rates = {str(name): RATES[str(name)] for name in factors["optimizer"]}
    return Study(
        name="synthetic",
        question="Which training technique helps which task, and by how much?",
        factors=dict(factors),
        nuisance={"learning_rate": Dependent(by="optimizer", levels=rates)},
        seeds=seeds,
    )


def write(folder: Path, study: Study, tasks: Sequence[str], epochs: int = 20) -> Path:
    """A results folder of that study on made-up tasks, every trial recorded; returns `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with Store(folder) as store:
        for number, task in enumerate(tasks):
            store.append(outcomes(study, task, epochs, 0.8 + 0.02 * number))
    declared = study.model_dump(mode="json", exclude={"presets"})
    run = {
        "study": {"fingerprint": study.fingerprint, **declared},
        "tasks": {task: judging(task) for task in tasks},
        "winners": [],
        "problems": [],
        "seconds": {"training": 1234.5, "total": 1500.0},
        "versions": {"python": "3.11.7", "keras": "3.15.1"},
        "commit": "0123456789ab",
        "hardware": {"processor": "made up", "cores": 2},
        "command": ["run_suite.py", "--study", "synthetic.toml"],
    }
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    return folder


def judging(task: str) -> dict[str, object]:
    """A task's part of `run.json`."""
    metric, objective = JUDGED.get(task, JUDGED[""])
    return {
        "metric": metric,
        "objective": objective,
        "direction": "min",
        "trivial": {"val": 0.5, "test": 0.5},
        "trivial_name": "majority class",
        "data": {"name": task, "source": "made up", "licence": "none", "fingerprint": "0" * 16},
    }


def outcomes(study: Study, task: str, epochs: int, base: float) -> Iterator[Outcome]:
    """Every cell on every seed; half of the noise is the seed's, which pairs share."""
    shared = np.random.default_rng(zlib.crc32(task.encode())).normal(0, 0.003, study.seeds)
    for trial in trials(study, task, "embedded", epochs):
        yield outcome(trial, base, float(shared[trial.seed]))


def outcome(trial: Trial, base: float, shared: float) -> Outcome:
    """What training the trial gave."""
    random = np.random.default_rng(int(trial.key, 16))
    gain = sum(GAINS.get((name, level), 0.0) for name, level in trial.hp.items())
    noise = random.normal(0, 0.003, 2)
    level = base + gain + shared
    steps = np.arange(1, trial.epochs + 1)
    loss = 1.2 - level - noise[0] + 0.3 / steps + random.normal(0, 0.002, trial.epochs)
    metric, objective = JUDGED.get(trial.task, JUDGED[""])
    curves = {"loss": (loss - 0.02).tolist(), f"val_{objective}": loss.tolist()}
    if trial.hp.get("learning_rate") == 0.3 and random.random() < DIVERGES:
        cut = {name: curve[:2] for name, curve in curves.items()}
        message = "loss not finite"
        diverged = Outcome(trial, Status.DIVERGED, "fleet", 0.01, curves=cut, message=message)
        return diverged.with_health(health_of(trial))
    best = int(loss.argmin())
    metrics = {
        f"val.{objective}": float(loss[best]),
        f"val.{metric}": level + noise[0],
        f"test.{objective}": float(loss[best]) + 0.01,
        f"test.{metric}": level - 0.01 + noise[1],
    }
    done = Outcome(trial, Status.COMPLETED, "fleet", 0.05, best + 1, metrics, curves)
    return done.with_health(health_of(trial))


def health_of(trial: Trial) -> Health:
    """What the trial looked like from inside."""
    lean = LEANS.get(trial.hp["initializer"], 0.05)
    return _health(lean, bool(trial.hp["batch_norm"]), trial.epochs, trial.seed % VARIANTS)


@lru_cache
def _health(lean: float, normalized: bool, epochs: int, variant: int) -> Health:
    """Dense layers, behind the first of them a batch normalization where that is on."""
    random = np.random.default_rng(variant)
    names = [f"dense {i}" for i in range(1, LAYERS + 1)]
    names[1:1] = ["batch_normalization 1"] * normalized
    noise = random.normal(0, 0.1, (len(names), epochs))
    depth = np.linspace(LAYERS - 1, 0, len(names))[:, None]
    gradient = 10 ** (noise - 1 + (lean / 4 if normalized else lean) * depth)
    weight = np.linspace(4, 6, epochs) + noise
    hidden = np.where(depth * (np.array(names) != "batch_normalization 1")[:, None] > 0, 1, np.nan)
    dead = hidden * random.uniform(0, 0.2, (len(names), epochs))
    update = 0.01 * gradient / weight
    return Health(tuple(names), *map(grid, (gradient, weight, update, dead, 2 * dead)))
