"""What the tests of FleetTuner need: a small hypermodel, oracles, a search in a folder."""

from __future__ import annotations

import contextlib
import json

import keras
import numpy as np
import pytest
from keras_tuner.oracles import BayesianOptimizationOracle, HyperbandOracle, RandomSearchOracle

from suite.engines.fleet import FleetEngine
from suite.search.sampled import OptunaOracle
from suite.search.tuner import FleetTuner
from suite.store import Store

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(96, 4)).astype("float32")
Y = (X.sum(axis=1, keepdims=True) > 0).astype("float32")
TRAIN, HELD = (X[:64], Y[:64]), (X[64:], Y[64:])
FIT = {"validation_data": HELD, "epochs": 3, "batch_size": 16, "verbose": 0}


def dense(hp, units=8, layers=1):
    """A compiled network of so many equal layers, with a learning rate to choose."""
    hidden = [keras.layers.Dense(units, activation="relu") for _ in range(layers)]
    model = keras.Sequential(
        [keras.Input((4,)), *hidden, keras.layers.Dense(1, activation="sigmoid")]
    )
    rate = hp.Float("rate", 1e-3, 1.0, sampling="log")
    model.compile(keras.optimizers.SGD(rate), "binary_crossentropy", metrics=["accuracy"])
    return model


def random(trials=4, **own):
    """KerasTuner's random search."""
    return RandomSearchOracle(**{"objective": "val_loss", "max_trials": trials, "seed": 3, **own})


def bayesian(**own):
    """KerasTuner's Gaussian process, with two random trials before it."""
    return BayesianOptimizationOracle(
        objective="val_loss", max_trials=6, num_initial_points=2, seed=3, **own
    )


def hyperband(**own):
    """Brackets of 2 and 4 epochs."""
    return HyperbandOracle(objective="val_loss", max_epochs=4, factor=2, seed=3, **own)


def tpe(**own):
    """Optuna's."""
    return OptunaOracle(objective="val_loss", max_trials=6, seed=3, **own)


ORACLES = {"random": random, "tpe": tpe, "bayesian": bayesian, "hyperband": hyperband}


def tuner(folder, hypermodel=dense, oracle=None, **own):
    """A tuner in `folder`; random search of four trials on one program, if nothing else is said."""
    own = {"engine": FleetEngine(width=8), **own}
    return FleetTuner(
        hypermodel, oracle or random(), directory=folder, project_name="project", **own
    )


def searched(folder, hypermodel=dense, oracle=None, fit=FIT, **own):
    """A tuner that has searched."""
    made = tuner(folder, hypermodel, oracle, **own)
    made.search(*TRAIN, **fit)
    return made


def keys(folder):
    """The key of every line of the record, in the order of writing."""
    lines = [
        line
        for segment in sorted((folder / "project" / "record").glob("*.jsonl"))
        for line in segment.read_text().splitlines()
    ]
    return [json.loads(line.partition(" ")[2])["key"] for line in lines]


def trials(made):
    """Values and score of every trial of the oracle, by its id."""
    return {
        name: (trial.hyperparameters.values, trial.score)
        for name, trial in made.oracle.trials.items()
    }


@contextlib.contextmanager
def no_training(monkeypatch):
    """Whoever writes to a record fails."""
    with monkeypatch.context() as patch:
        patch.setattr(Store, "append", lambda *_: pytest.fail("trained again"))
        yield
