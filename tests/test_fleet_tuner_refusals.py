"""What FleetTuner cannot honour it refuses by name, before anything is trained."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import keras
import keras_tuner
import pytest
from projects import FIT, dense, keys, random, searched, tuner
from searching import KERAS_TUNERS_OWN

from suite.errors import PluginError, UsageError
from suite.search.tuner import FleetTuner

pytestmark = pytest.mark.filterwarnings(*KERAS_TUNERS_OWN)
ROOT = Path(__file__).parents[1]


def other_fit(change):
    """A hypermodel whose `fit` is `change`, which is given the model and the arguments."""

    def fit(self, hp, model, *args, **kwargs):  # noqa: ARG001  # KerasTuner's names
        return change(model, *args, **kwargs)

    return type("Odd", (keras_tuner.HyperModel,), {"build": lambda _, hp: dense(hp), "fit": fit})


ODD = {
    "looks at the model": (lambda model, *_, **__: model.summary(), "AttributeError"),
    "fits twice": (lambda model, *a, **k: (model.fit(*a, **k), model.fit(*a, **k))[1], "2 calls"),
    "fits not at all": (lambda *_, **__: {"val_loss": 1.0}, "0 calls"),
    "changes the rows": (lambda model, x, y, **k: model.fit(x * 2, y, **k), "others"),
    "adds a weight": (lambda model, *a, **k: model.fit(*a, class_weight={}, **k), "class_weight"),
}


@pytest.mark.parametrize("what", ODD)
def test_a_fit_that_does_something_else_is_refused(tmp_path, what):
    """UsageError, before anything is trained."""
    fit, message = ODD[what]
    with pytest.raises(UsageError, match=message):
        searched(tmp_path, other_fit(fit)())
    assert not keys(tmp_path)


def test_a_build_that_always_raises_is_one_clear_error(tmp_path):
    """PluginError with the reason."""

    def build(hp):
        hp.Boolean("any")
        raise ZeroDivisionError("nothing works")

    with pytest.raises(PluginError, match=r"built\. Received: ZeroDivisionError: nothing works"):
        tuner(tmp_path, build)


def test_a_model_for_other_rows_is_one_clear_error(tmp_path):
    """PluginError with the shapes, before anything is trained."""

    def build(hp):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2 + hp.Int("more", 0, 9))])
        model.compile("sgd", "categorical_crossentropy")
        return model

    with pytest.raises(PluginError, match=r"fits the arrays.*\(16, 1\), output.shape=\(16, 2\)"):
        searched(tmp_path, build)


@pytest.mark.parametrize("made", [None, "a model", keras.Sequential([keras.layers.Dense(1)])])
def test_a_build_of_no_compiled_model_is_a_plugin_error(tmp_path, made):
    """Whatever it returns instead."""
    with pytest.raises(PluginError, match=r"Expected the hypermodel to build a compiled keras"):
        searched(tmp_path, lambda hp: (hp.Boolean("any"), made)[1])


def test_a_wrong_objective_is_a_usage_error(tmp_path):
    """With the nearest log of `fit`, before anything is trained."""
    objective = keras_tuner.Objective("val_acuracy", "max")
    with pytest.raises(UsageError, match=r"objective='val_acuracy'. Did you mean 'val_accuracy'"):
        searched(tmp_path, oracle=random(objective=objective))
    assert not keys(tmp_path)


def test_a_wrong_monitor_is_a_usage_error(tmp_path):
    """With the nearest log of `fit`."""
    stopping = keras.callbacks.EarlyStopping("val_los", mode="min")
    with pytest.raises(UsageError, match=r"monitor='val_los'. Did you mean 'val_loss'"):
        searched(tmp_path, fit={**FIT, "callbacks": [stopping]})


def test_a_model_that_is_too_large_fails(tmp_path):
    """`max_model_size` of KerasTuner: the trial is recorded with its size."""

    def build(hp):
        return dense(hp, hp.Choice("units", [4, 400]))

    table = searched(tmp_path, build, random(6), max_model_size=100).executions()
    assert set(table["status"]) == {"completed", "failed"}
    assert table["message"].str.contains("max_model_size=100").sum() == sum(
        table["status"] == "failed"
    )


@pytest.mark.parametrize("name", ["distribution_strategy", "tuner_id", "logger"])
def test_what_a_fleet_has_no_use_for_is_refused(tmp_path, name):
    """UsageError naming it."""
    with pytest.raises(UsageError, match=f"Expected no {name}"):
        tuner(tmp_path, **{name: "something"})


def test_a_hypermodel_is_needed(tmp_path):
    """There is nothing to search without one."""
    with pytest.raises(UsageError, match="Received: hypermodel=None"):
        FleetTuner(None, random(), directory=tmp_path)


def test_another_backend_is_refused():
    """A process with Keras on NumPy is told how to have it on JAX."""
    code = "from suite.search.tuner import FleetTuner; FleetTuner(print)"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "numpy"},
    )
    assert "UsageError: Expected Keras on JAX" in done.stderr
    assert "Received: KERAS_BACKEND=numpy" in done.stderr
