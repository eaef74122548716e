"""One search in a process of its own: `python -m benchmarks.searches`, JSON in, JSON out."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import keras_tuner

from suite.environment import settle
from suite.registry import discover, load

TECHNIQUES = {
    "initializer": ["random_normal", "glorot_uniform", "he_normal"],
    "optimizer": ["sgd", "momentum", "adam"],
    "dropout": [0.0, 0.3],
    "batch_norm": [False, True],
    "l1": [0.0, 1e-4],
    "l2": [0.0, 1e-3],
}
"""The technique factors of the suite's main study; the learning rate comes from a range."""

OWN = {"units": list(range(16, 129, 16)), "depth": [1, 2, 3]}
"""What changes the structure of churn's model: 24 shapes, with batch normalization 48."""

SEED = 1
OBJECTIVE = "val_binary_crossentropy"


def space(structures: bool) -> keras_tuner.HyperParameters:
    """The technique factors, and the task's own hyperparameters where `structures` says so."""
    hp = keras_tuner.HyperParameters()
    for name, levels in (TECHNIQUES | (OWN if structures else {})).items():
        if isinstance(levels[0], bool):
            hp.Boolean(name)
        else:
            hp.Choice(name, levels)
    hp.Float("learning_rate", 1e-4, 1.0, sampling="log")
    return hp


def oracle(kind: str, request: dict[str, Any]) -> keras_tuner.Oracle:
    """The oracle of that kind, with the space declared."""
    from suite.search.sampled import OptunaOracle  # only the fleet has Optuna

    common = {
        "objective": OBJECTIVE,
        "hyperparameters": space(request["structures"]),
        "allow_new_entries": True,
        "tune_new_entries": False,
        "seed": SEED,
    }
    if kind == "hyperband":
        return keras_tuner.oracles.HyperbandOracle(
            max_epochs=request["epochs"], hyperband_iterations=4, **common
        )
    made: Callable[..., keras_tuner.Oracle] = (
        OptunaOracle if kind == "tpe" else keras_tuner.oracles.RandomSearchOracle
    )
    return made(max_trials=request["trials"], **common)


def search(request: dict[str, Any]) -> dict[str, Any]:
    """Search churn; trials, seconds of `search` alone, and where they went."""
    task = load(discover()["churn"], "embedded")
    data, kind = task.dataset, request["contender"]
    task.build(keras_tuner.HyperParameters())  # what Keras sets up on its first model
    if kind == "keras-tuner":
        tuner = keras_tuner.RandomSearch(
            task,
            objective=OBJECTIVE,
            max_trials=request["trials"],
            seed=SEED,
            hyperparameters=space(request["structures"]),
            tune_new_entries=False,
            max_consecutive_failed_trials=request["trials"] + 1,
            directory=request["folder"],
        )
    else:
        from suite.search.tuner import FleetTuner  # needs Keras on JAX

        tuner = FleetTuner(task, oracle(kind, request), directory=request["folder"])
    started = time.perf_counter()
    tuner.search(
        data.train.x,
        data.train.y,
        validation_data=(data.val.x, data.val.y),
        epochs=request["epochs"],
        verbose=0,
    )
    seconds = time.perf_counter() - started
    found = {"trials": len(tuner.oracle.trials), "seconds": seconds, "epochs": 0, "shares": {}}
    if kind != "keras-tuner":
        done = tuner.executions()
        found["trials"] = len(done)
        found["best"] = float(done["score"].min())
        found["shares"] = {**tuner.engine.clock, "oracle": tuner.conversation.seconds}
    return found


def main() -> None:
    """Read a request, search, print what was found."""
    request = json.load(sys.stdin)
    if request["contender"] != "keras-tuner":
        settle()
    print(json.dumps({"found": search(request)}), flush=True)


if __name__ == "__main__":
    main()
