"""A KerasTuner user's build function and arrays, made a task."""

from __future__ import annotations

import keras
import keras_tuner
import numpy as np
import pandas as pd
import pytest
from buildable import (
    CLASSES,
    CLASSES_ONE_HOT,
    NUMBER,
    NUMBERS,
    ONE_HOT,
    SPLITS,
    THREE,
    YES,
    YES_OR_NO,
    X,
    network,
)
from sklearn.datasets import load_wine
from support import Silent

from suite import Task
from suite.contract import levels, short_training
from suite.engines.fit import FitEngine
from suite.errors import DataError, PluginError, UsageError
from suite.scoring import Judge
from suite.trial import Trial

# What follows from the targets.

KINDS = {
    "0 or 1": (YES_OR_NO, YES, (1,), "roc_auc", "val_accuracy", 0.5),
    "truth values": (YES_OR_NO, YES == 1, (1,), "roc_auc", "val_accuracy", 0.5),
    "0. or 1.": (YES_OR_NO, YES[:, None].astype(float), (1,), "roc_auc", "val_accuracy", 0.5),
    "classes": (CLASSES, THREE, (), "accuracy", "val_accuracy", None),
    "classes in a column": (CLASSES, THREE[:, None], (), "accuracy", "val_accuracy", None),
    "one-hot": (CLASSES_ONE_HOT, ONE_HOT, (3,), "accuracy", "val_loss", None),
    "a number": (NUMBER, X[:, 0], (1,), "neg_mean_absolute_error", "val_mae", None),
    "whole numbers": (NUMBER, THREE, (1,), "neg_mean_absolute_error", "val_mae", None),
    "numbers": (NUMBERS, X[:, :3], (3,), "neg_mean_absolute_error", "val_loss", None),
    "a series": (NUMBER, pd.Series(X[:, 0]), (1,), "neg_mean_absolute_error", "val_mae", None),
}


@pytest.mark.parametrize("kind", KINDS)
def test_metric_objective_and_trivial_predictor_follow_from_the_targets(kind):
    """The trivial outputs have the model's shape; their score is what it must be."""
    build, y, shape, metric, objective, score = KINDS[kind]
    task = Task.from_build(build, X, y)
    data, judge = task.dataset, Judge(task, task.dataset)
    assert (judge.name, task.objective) == (metric, objective)
    assert data.train.y.shape[1:] == shape
    assert {array.dtype.name for _, array in data.test.arrays()} <= {"float32", "int32"}
    assert data.trivial.shape == task.build(keras_tuner.HyperParameters()).output_shape[1:]
    trained, held = np.asarray(data.train.y, float), np.asarray(data.test.y, float)
    if metric == "accuracy":
        flat = [y if y.ndim == 1 else y.argmax(axis=1) for y in (trained, held)]
        score = (flat[1] == np.bincount(flat[0].astype(int)).argmax()).mean()
    elif score is None:
        score = -np.abs(held - trained.mean(axis=0)).mean()
    assert judge.trivial()["test"] == pytest.approx(score, abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_a_task_trains_in_both_engines(kind):
    """The same curves, a metric that is a number."""
    build, y = KINDS[kind][:2]
    task = Task.from_build(build, X, y, batch_size=24)
    fleet = short_training(task)
    assert fleet.status == "completed", fleet.message
    trial = Trial(task.name, task.source, {}, 0, fleet.trial.epochs)
    ((fit,),) = FitEngine().train(task, [trial], Silent())
    assert fleet.curves.keys() == fit.curves.keys()
    for name, curve in fit.curves.items():
        np.testing.assert_allclose(fleet.curves[name], curve, rtol=2e-3)
    assert fleet.metrics == pytest.approx(fit.metrics, abs=0.03)


def test_every_level_of_the_users_own_builds():
    """`contract.levels` finds them: three of the user's and the batch size."""
    task = Task.from_build(CLASSES, X, THREE)
    names = [level.partition("=")[0] for level, hp in levels(task) if task.build(hp)]
    assert names == ["batch_size"] * 2 + ["units"] * 2 + ["activation"] * 2 + ["learning_rate"] * 2


# Splits.


def test_classes_are_equally_frequent_in_splits_that_a_seed_gives():
    """60, 20 and 20 percent; another seed, other rows."""
    x, y = load_wine(return_X_y=True)
    build = network(3, "softmax", "sparse_categorical_crossentropy", features=13)
    made = {seed: Task.from_build(build, x, y, seed=seed).dataset for seed in (0, 1)}
    again = Task.from_build(build, x, y).dataset
    assert made[0].fingerprint == again.fingerprint != made[1].fingerprint
    for data in made.values():
        assert [len(split) for split in data.splits.values()] == [64, 57, 57]
        for split in data.splits.values():
            shares = np.bincount(split.y) / len(split)
            np.testing.assert_allclose(shares, np.bincount(y) / len(y), atol=0.02)


def test_a_gap_splits_in_the_order_of_time():
    """70, 15 and 15 percent less the gaps; no row of a gap is used."""
    x = np.arange(1000.0)[:, None]
    task = Task.from_build(network(1, None, "mse", features=1), x, x[:, 0], gap=20)
    ends = [(split.x[0, 0], split.x[-1, 0]) for split in task.dataset.splits.values()]
    assert ends == [(0, 639), (660, 809), (830, 999)]


def test_splits_that_are_given_stay_as_they_are():
    """In the order given."""
    task = Task.from_build(YES_OR_NO, **SPLITS)
    for name, (x, y) in SPLITS.items():
        np.testing.assert_array_equal(task.dataset.splits[name].x, x.astype("float32"))
        np.testing.assert_array_equal(task.dataset.splits[name].y[:, 0], y)


def test_inputs_may_have_names():
    """A dict of arrays, as a functional model with several inputs takes them."""

    def build(hp):
        inputs = {name: keras.Input((2,), name=name) for name in ("a", "b")}
        joined = keras.layers.Concatenate()(list(inputs.values()))
        model = keras.Model(inputs, keras.layers.Dense(1, activation="sigmoid")(joined))
        model.compile("adam", hp.Choice("loss", ["binary_crossentropy", "mse"]))
        return model

    task = Task.from_build(build, {"a": X[:, :2], "b": X[:, 2:]}, YES)
    assert set(task.dataset.train.x) == {"a", "b"}
    assert short_training(task, epochs=1).status == "completed"


def test_rows_that_stand_in_two_splits_are_a_leak():
    """Unless the user says that they are distinct observations."""
    x, y = np.repeat(X, 2, axis=0), np.repeat(YES, 2)
    with pytest.raises(DataError, match="stand in both train and val"):
        _ = Task.from_build(YES_OR_NO, x, y).dataset
    assert Task.from_build(YES_OR_NO, x, y, repeats=True).dataset.repeats


# Options.


def test_options_are_the_tasks():
    """What the class attributes of a task say, and whence the data are."""

    def spread(y, outputs):
        return float(np.std(outputs) - np.std(y))

    goal = keras_tuner.Objective("val_accuracy", "max")
    names = {"name": "sums", "source": "numpy", "licence": "none"}
    task = Task.from_build(
        YES_OR_NO, X, YES, objective=goal, metric=spread, epochs=3, batch_size=8, **names
    )
    assert (task.goal(), task.epochs, task.batch_size) == (("val_accuracy", "max"), 3, 8)
    assert task.batch_size_of(keras_tuner.HyperParameters()) == 8
    assert Judge(task, task.dataset).name == "spread"
    assert {key: getattr(task.dataset, key) for key in names} == names
    assert short_training(task).metrics["test.spread"] < 0


def test_a_hypermodel_gives_its_build_function():
    """As every tuner of KerasTuner takes one."""

    class Mine(keras_tuner.HyperModel):
        def build(self, hp):
            return YES_OR_NO(hp)

    assert Task.from_build(Mine(), X, YES).objective == "val_accuracy"


def test_outputs_before_the_activation_need_a_metric_that_reads_them():
    """A scorer takes outputs for probabilities."""
    loss = keras.losses.BinaryCrossentropy(from_logits=True)
    build = network(1, None, loss)
    with pytest.raises(UsageError, match=r"the metric 'roc_auc' can read.*from_logits=True"):
        Task.from_build(build, X, YES)

    def hits(y, outputs):
        return float(((outputs > 0) == y).mean())

    assert short_training(Task.from_build(build, X, YES, metric=hits)).metrics["test.hits"] > 0


class Fitted(keras_tuner.HyperModel):
    """A hypermodel that trains in its own way."""

    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, epochs=hp.Int("epochs", 1, 3), **kwargs)


def with_batch_size(hp):
    """Declares what the suite declares."""
    hp.Choice("batch_size", [16, 32])
    return YES_OR_NO(hp)


def uncompiled(hp):  # noqa: ARG001
    """A model without an optimizer."""
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])


def two_headed(hp):  # noqa: ARG001
    """Two outputs."""
    inputs = keras.Input((4,))
    model = keras.Model(inputs, [keras.layers.Dense(1)(inputs), keras.layers.Dense(1)(inputs)])
    model.compile("adam", "mse")
    return model


BAD = {
    "no arrays": ({}, r"Expected x and y, or train=.* Received: none of them"),
    "x alone": ({"x": X}, "Received: x\\."),
    "both": ({"x": X, "y": YES, **SPLITS}, "Received: x, y, train, val, test"),
    "two splits": ({**SPLITS, "test": None}, "Received: train, val\\."),
    "no pair": ({**SPLITS, "val": X}, r"Expected val=\(x, y\)\. Received: val of type ndarray"),
    "unequal": ({"x": X, "y": YES[1:]}, r"as many rows in x as in y in all rows\. .*\[199, 200\]"),
    "no rows": ({"x": X[:0], "y": YES[:0]}, "Expected rows in x. Received: 0 rows"),
    "strings": ({"x": X, "y": YES.astype(str)}, "Expected y to be an array of numbers"),
    "a list": ({"x": X.tolist(), "y": YES}, "Expected x to be an array of numbers.*list"),
    "targets by name": ({"x": X, "y": {"a": YES}}, "Expected y to be one array"),
    "huge": ({"x": X, "y": YES * 2**40}, "Expected whole numbers from -2147483648 to"),
    "other inputs": ({"x": X[:, :3], "y": YES}, r"inputs that the model of build\(hp\) takes.*3"),
    "other targets": ({"x": X, "y": X}, r"y of shape \(200, 4\) and dtype float32, outputs"),
    "a rare class": ({"x": X, "y": np.arange(200) == 7}, "at least 5 rows .* 1 of class 1"),
    "few rows": ({"x": X[:4], "y": X[:4, 0]}, "at least 5 rows of every class.* 4 in all"),
    "gap too wide": ({"x": X, "y": YES, "gap": 100}, "three splits and a gap of 100"),
    "gap below 0": ({"x": X, "y": YES, "gap": -1}, "Received: gap=-1"),
    "gap of splits": ({**SPLITS, "gap": 3}, "Received: gap=3"),
    "seed": ({"x": X, "y": YES, "seed": "a"}, "Received: seed='a'"),
    "epochs": ({"x": X, "y": YES, "epochs": 0}, "Expected epochs .* Received: 0"),
    "batch size": ({"x": X, "y": YES, "batch_size": 1.5}, "Expected batch_size .* Received: 1.5"),
    "objective": (
        {"x": X, "y": YES, "objective": "val_acuracy"},
        "out of 'val_loss', 'val_accuracy'. Received: .* Did you mean 'val_accuracy'",
    ),
    "no function": ({"build": 3, "x": X, "y": YES}, r"Expected build to be a function.*: 3"),
    "a class": ({"build": Fitted, "x": X, "y": YES}, "Expected build to be a function"),
    "its own fit": ({"build": Fitted(), "x": X, "y": YES}, "without a fit of its own.*Fitted"),
    "batch_size": ({"build": with_batch_size, "x": X, "y": YES}, "to leave .* 'batch_size'"),
    "two outputs": ({"build": two_headed, "x": X, "y": YES}, "to have one output"),
    "too large a class": ({"build": CLASSES, "x": X, "y": THREE + 1}, "from 0 to 2 .* 1 to 3"),
    "an unseen class": (
        {
            "build": CLASSES,
            **{name: (x, y) for name, (x, y) in SPLITS.items()},
        },
        "Expected every class from 0 to 2, .* no row of class 2",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_fit_together_is_one_sentence(name):
    """Expected, received."""
    given, said = BAD[name]
    with pytest.raises(UsageError, match=said) as caught:
        Task.from_build(**{"build": YES_OR_NO, **given})
    assert str(caught.value).startswith("Expected ")
    assert " Received: " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_model_that_is_not_compiled_is_a_plugin_error():
    """Named as what `build(hp)` returns."""
    with pytest.raises(PluginError, match=r"^Expected build\(hp\) to build a compiled keras.Model"):
        Task.from_build(uncompiled, X, YES)


def test_an_unknown_metric_names_the_nearest():
    """When the task is judged."""
    task = Task.from_build(YES_OR_NO, X, YES, metric="roc_auk")
    with pytest.raises(PluginError, match="Did you mean 'roc_auc'"):
        Judge(task, task.dataset)
