"""A small finished matrix with learning curves, as a tabulated benchmark for tests of searches.

Two optimizers with two learning rates each, three dropout rates, batch normalization on or off: 24
cells on three seeds, nine epochs. The loss falls from epoch to epoch towards the cell's own level,
`level(hp) + 0.001 * seed`; but SGD with 0.3 and dropout 0.6 diverges in its third epoch, and with
dropout 0.3 the best epoch is the sixth.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from suite.plan import trials
from suite.store import Store
from suite.study import Dependent, Study
from suite.summary import Judged
from suite.trial import Level, Outcome, Status, Trial

EPOCHS = 9
STUDY = Study(
    name="small",
    question="?",
    factors={"dropout": [0.0, 0.3, 0.6], "batch_norm": [False, True]},
    nuisance={
        "optimizer": ["sgd", "adam"],
        "learning_rate": Dependent(
            by="optimizer", levels={"sgd": [0.03, 0.3], "adam": [0.001, 0.01]}
        ),
    },
    fixed={"l2": 0.0},
    seeds=3,
    epochs=EPOCHS,
)
JUDGED = Judged("churn", "auc", "loss", "min", {"val": 0.5, "test": 0.5}, "majority class")
BEST = {"dropout": 0.3, "batch_norm": True, "optimizer": "adam", "learning_rate": 0.01, "l2": 0.0}


def level(hp: Mapping[str, Level]) -> float:
    """The loss that a cell comes to; least for BEST."""
    parts = (0.10 * abs(hp["dropout"] - 0.3), 0.02 * (not hp["batch_norm"]))
    return 0.4 + sum(parts) + {0.03: 0.06, 0.3: 0.01, 0.001: 0.03, 0.01: 0.0}[hp["learning_rate"]]


def curve(trial: Trial) -> list[float]:
    """The loss on validation by epoch."""
    losses = [level(trial.hp) + 0.001 * trial.seed + 0.2 / e for e in range(1, EPOCHS + 1)]
    if trial.hp["dropout"] == 0.3:
        losses[6:] = [losses[5] + 0.01 * e for e in range(1, EPOCHS - 5)]
    diverges = trial.hp["learning_rate"] == 0.3 and trial.hp["dropout"] == 0.6
    return losses[:2] if diverges else losses


def outcome(trial: Trial) -> Outcome:
    """What training the trial gave: AUCs are 1.2 - loss on validation, 1.19 - loss on test."""
    losses = curve(trial)
    curves = {"loss": [1.0] * len(losses), "val_loss": losses}
    if len(losses) < EPOCHS:
        return Outcome(trial, Status.DIVERGED, "fleet", 0.9, curves=curves, message="loss not fini")
    best = min(losses)
    metrics = {"val.loss": best, "val.auc": 1.2 - best, "test.auc": 1.19 - best}
    epoch = losses.index(best) + 1
    return Outcome(trial, Status.COMPLETED, "fleet", 0.9, epoch, metrics, curves)


def outcomes(study: Study = STUDY) -> list[Outcome]:
    """Every cell on every seed."""
    return [outcome(trial) for trial in trials(study, "churn", "embedded", EPOCHS)]


def finished(folder: Path, study: Study = STUDY, recorded: Iterable[Outcome] | None = None) -> Path:
    """A results folder as a run leaves it, as far as a replay reads it."""
    with Store(folder) as store:
        store.append(outcomes(study) if recorded is None else recorded)
    task = {
        "metric": JUDGED.metric,
        "objective": JUDGED.objective,
        "direction": JUDGED.direction,
        "trivial": dict(JUDGED.trivial),
        "trivial_name": JUDGED.trivial_name,
    }
    declared = study.model_dump(mode="json", exclude={"presets"})
    run = {"study": {"fingerprint": study.fingerprint, **declared}, "tasks": {"churn": task}}
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    return folder
