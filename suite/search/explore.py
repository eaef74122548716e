"""A hypermodel looked at before it is searched: its hyperparameters, its logs, its models."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import keras_tuner
import numpy as np

from suite.blueprint import build_state
from suite.errors import PluginError, UsageError, unknown
from suite.search.distinct import fresh
from suite.search.fitting import Arguments
from suite.search.hypertask import HyperTask
from suite.weights import recorded_initializers

SCOUTS = 24
"""Recipes drawn from a space to see what its models are like."""


def drawn(oracle: keras_tuner.Oracle) -> list[dict[str, Any]]:
    """Recipes from an oracle's space, which it is not told of."""
    random = np.random.default_rng(0)
    space = oracle.get_space().space
    found = [fresh(space, set(), random) for _ in range(SCOUTS)]
    return [dict(values) for values in found if values is not None]


def largest(oracle: keras_tuner.Oracle) -> list[dict[str, Any]]:
    """The drawn recipes with every whole number at its largest: the widest and deepest models."""
    most = {hp.name: max(hp.values) for hp in oracle.get_space().space if _is_whole(hp)}
    return [{**values, **most} for values in drawn(oracle)]


def _is_whole(hp: Any) -> bool:
    """Whether a hyperparameter is a whole number that is chosen from a list or a range."""
    kinds = keras_tuner.engine.hyperparameters
    if not isinstance(hp, kinds.Int | kinds.Choice):
        return False
    return all(type(value) is int for value in hp.values)


def explore(oracle: keras_tuner.Oracle, task: HyperTask) -> None:
    """Let the oracle know what is declared only by some models, or in the hypermodel's own `fit`.

    KerasTuner learns of a hyperparameter that stands behind a Python `if` or in a loop when a trial
    first comes by; trials before it had the default. Here recipes are drawn and built beforehand,
    until nothing new appears. One that cannot be built tells what it declared before; should a
    trial ask for it, that is recorded as failed.
    """
    known = -1
    while known < len(oracle.get_space().space):
        known = len(oracle.get_space().space)
        for values in [{}, *drawn(oracle)]:
            hp = oracle.get_space()
            hp.values = {**hp.values, **values}
            with suppress(Exception), recorded_initializers():  # nobody looks at the weights
                task.build(hp)
            task.options(hp)
            if oracle.allow_new_entries:
                oracle.update_space(hp)
        if not oracle.allow_new_entries:
            return


def check_logs(task: HyperTask, arguments: Arguments, oracle: keras_tuner.Oracle) -> None:
    """Raise UsageError where the objective or the monitor of early stopping is no log of `fit`.

    And PluginError where the model cannot be trained on the rows at all.
    """
    hp = oracle.get_space()
    with recorded_initializers():
        model = task.build(hp)
    rows = arguments.data.train.take(slice(0, task.options(hp).batch_size))
    try:
        build_state(model, rows)
    except Exception as error:  # of Keras, a layer, a loss or a metric
        raise PluginError(
            f"Expected a model that fits the arrays of search. "
            f"Received: {type(error).__name__}: {error}"
        ) from error
    own = list(model.get_metrics_result())
    logs = [*own, *(f"val_{name}" for name in own)]
    if oracle.objective.name not in logs:
        raise UsageError(str(unknown("objective", oracle.objective.name, logs)))
    if arguments.patience and arguments.patience.monitor not in logs:
        raise UsageError(
            f"{unknown('monitor', arguments.patience.monitor, logs)} EarlyStopping watches it."
        )
