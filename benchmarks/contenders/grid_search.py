"""scikit-learn's `GridSearchCV` over its own multi-layer perceptron, on all cores.

It has no dropout, batch normalization, L1 penalty or choice of initializer: its networks are the
task's with those left out, which costs it less.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import keras_tuner
import numpy as np
from joblib import Parallel, delayed
from sklearn.exceptions import ConvergenceWarning, FitFailedWarning
from sklearn.model_selection import GridSearchCV, PredefinedSplit
from sklearn.neural_network import MLPClassifier, MLPRegressor

from benchmarks.record import SOURCE, Clock, Request, Trained
from suite.data import Array, Data, leaves
from suite.environment import available_cores
from suite.registry import Plugin, load
from suite.task import Task
from suite.trial import Level

SOLVERS = {"sgd": ("sgd", 0.0), "momentum": ("sgd", 0.9), "adam": ("adam", 0.9)}
"""Optimizer -> scikit-learn's solver and momentum; it has no others."""

PERCEPTRON = (
    keras.layers.Flatten,
    keras.layers.Dense,
    keras.layers.Activation,
    keras.layers.BatchNormalization,
    keras.layers.Dropout,
)


def train(request: Request, plugin: Plugin, clock: Clock) -> Trained:
    """Fit the drawn recipes, as far as scikit-learn knows them, on train; score each on val."""
    with clock("data"):
        task = load(plugin, SOURCE)
        x, y, fold = stacked(task.dataset)
    with clock("importing"):
        units, reason = hidden(task)
        if reason:
            return Trained(skipped=reason)
        cores = available_cores()
        Parallel(cores)(delayed(MLPClassifier)() for _ in range(cores))  # starts the workers
    epochs = request.epochs or task.epochs
    points = grid(request.recipes, task.batch_size)[: request.trials]
    network = MLPClassifier if y.dtype.kind in "iub" else MLPRegressor
    search = GridSearchCV(
        network(
            hidden_layer_sizes=units,
            batch_size=task.batch_size,
            max_iter=epochs,
            n_iter_no_change=epochs,  # no early end
            nesterovs_momentum=False,
            random_state=0,
        ),
        points,
        scoring=task.metric,
        cv=PredefinedSplit(fold),
        n_jobs=cores,
        refit=False,
    )
    with clock("training"), warnings.catch_warnings():
        # It warns that all epochs were used, which is what we ask for, and of what diverged.
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", FitFailedWarning)
        warnings.filterwarnings("ignore", "One or more of the test scores are non-finite")
        search.fit(x, y)
    diverged = int(np.isnan(search.cv_results_["mean_test_score"]).sum())
    note = f"{diverged} more diverged" if diverged else ""
    return Trained(len(points) - diverged, epochs, note)


def stacked(data: Data) -> tuple[Array, Array, Array]:
    """Inputs flattened to (rows, features), flat targets, and the fold: -1 in train, 0 in val."""
    x, y = (
        np.concatenate([next(iter(leaves(part).values())) for part in parts])
        for parts in ((data.train.x, data.val.x), (data.train.y, data.val.y))
    )
    fold = np.repeat([-1, 0], [len(data.train), len(data.val)])
    return x.reshape(len(x), -1), y.ravel(), fold


def hidden(task: Task) -> tuple[tuple[int, ...], str]:
    """Units of the hidden layers; why there are none to give where the model is no perceptron."""
    model = task.build(keras_tuner.HyperParameters())
    strange = [layer for layer in model.layers if not isinstance(layer, PERCEPTRON)]
    if strange:
        return (), f"scikit-learn has no {type(strange[0]).__name__}"
    return tuple(layer.units for layer in model.layers if hasattr(layer, "units"))[:-1], ""


def grid(recipes: Sequence[Mapping[str, Level]], batch_size: int) -> list[dict[str, list[Any]]]:
    """The recipes as points of scikit-learn's space, each once.

    Its loss holds alpha / 2 times the squared weights over the rows of a batch, Keras' l2 times
    them: alpha = 2 * batch_size * l2.
    """
    points: dict[str, dict[str, list[Any]]] = {}
    for recipe in recipes:
        if recipe["optimizer"] not in SOLVERS:
            continue
        solver, momentum = SOLVERS[str(recipe["optimizer"])]
        point = {
            "solver": solver,
            "momentum": momentum,
            "learning_rate_init": recipe["learning_rate"],
            "alpha": 2 * batch_size * float(recipe.get("l2", 0.0)),
        }
        points[repr(point)] = {name: [value] for name, value in point.items()}
    return list(points.values())
