"""A small matrix whose figures were worked out by hand, for the tests of frames and tables.

Two optimizers x two dropout rates x two seeds; the objective is a loss, the metric an AUC. Means:

    optimizer  dropout   loss   val    test
    adam       0.5       0.46   0.87   0.85
    sgd        0.0       0.52   0.81   0.79
    sgd        0.5       0.60   0.71   0.69
    adam       0.0       inf    0.70   0.69    one of its two seeds diverged
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from suite.store import Store
from suite.summary import Judged
from suite.trial import Level, Outcome, Status, Trial

JUDGED = Judged("churn", "auc", "loss", "min", {"val": 0.5, "test": 0.5}, "majority class")
FIGURES = {  # optimizer, dropout, seed -> loss, val, test
    ("sgd", 0.0, 0): (0.50, 0.80, 0.78),
    ("sgd", 0.5, 0): (0.60, 0.70, 0.68),
    ("adam", 0.0, 0): (0.40, 0.90, 0.88),
    ("adam", 0.5, 0): (0.45, 0.86, 0.84),
    ("sgd", 0.0, 1): (0.54, 0.82, 0.80),
    ("sgd", 0.5, 1): (0.60, 0.72, 0.70),
    ("adam", 0.0, 1): None,
    ("adam", 0.5, 1): (0.47, 0.88, 0.86),
}


def outcome(
    hp: Mapping[str, Level],
    seed: int = 0,
    figures: tuple[float, float, float] | None = None,
    status: Status = Status.COMPLETED,
    task: str = "churn",
) -> Outcome:
    """An outcome with loss, val and test; diverged or failed where there are no figures."""
    trial = Trial(task, "embedded", dict(hp), seed, 4)
    if figures is None:
        return Outcome(trial, status, "fleet", 0.5, message="loss not finite in epoch 2")
    metrics = dict(zip(("val.loss", "val.auc", "test.auc"), figures, strict=True))
    return Outcome(trial, status, "fleet", 0.5, epoch=3, metrics=metrics)


def matrix() -> list[Outcome]:
    """The eight outcomes."""
    return [
        outcome(
            {"optimizer": optimizer, "dropout": dropout},
            seed,
            figures,
            Status.COMPLETED if figures else Status.DIVERGED,
        )
        for (optimizer, dropout, seed), figures in FIGURES.items()
    ]


def results_folder(folder: Path, outcomes: Iterable[Outcome], fingerprint: str = "0" * 16) -> Path:
    """A results folder as a run leaves it, as far as reading it goes."""
    with Store(folder) as store:
        store.append(outcomes)
    task = {
        "metric": JUDGED.metric,
        "objective": JUDGED.objective,
        "direction": JUDGED.direction,
        "trivial": dict(JUDGED.trivial),
        "trivial_name": JUDGED.trivial_name,
    }
    factors = {"optimizer": ["sgd", "adam"], "dropout": [0.0, 0.5]}
    question = {"question": "Does it matter?", "factors": factors, "seeds": 2}
    study = {"name": "example", "fingerprint": fingerprint, **question}
    run = {"study": study, "tasks": {"churn": task}}
    (folder / "run.json").write_text(json.dumps(run), encoding="utf-8")
    return folder
