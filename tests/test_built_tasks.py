"""Tasks made of a build function and arrays: in studies, in files, under KerasTuner, in a run."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import keras_tuner
import pytest
from buildable import YES, YES_OR_NO, X, network
from sklearn.datasets import load_breast_cancer, load_diabetes

from suite import Task
from suite.contract import short_training
from suite.errors import PluginError, SourceError, UsageError
from suite.registry import inspect, load
from suite.space import check_factors
from suite.study import Study

ROOT = Path(__file__).parents[1]


# In a study.


def check(**parts):
    """Hold a study of these parts against a task with `units`, `activation` and a rate."""
    task = Task.from_build(YES_OR_NO, X, YES)
    task.name = "sums"
    check_factors(task, Study(name="s", question="?", **{"factors": {}, **parts}))


def test_a_study_may_name_the_tasks_own_hyperparameters():
    """And those that happen to have a standard factor's name, by the levels that the task has."""
    check(factors={"units": [4, 16], "activation": ["relu", "tanh"], "batch_size": [16, 32]})
    check(nuisance={"learning_rate": [0.01, 0.3]}, factors={"units": [8]})


def test_a_standard_factor_that_the_task_lacks_is_explained():
    """Why it is not there, and what there is."""
    with pytest.raises(UsageError) as caught:
        check(factors={"dropout": [0.0, 0.5]})
    assert str(caught.value) == (
        "Expected a factor out of 'batch_size', 'units', 'activation', 'learning_rate'. "
        "Received: factor='dropout'. Task 'sums' declares no other: its build(hp) does not use "
        "suite.Techniques, which brings the standard factors. A study may name the task's own."
    )


def test_a_standard_level_that_the_task_does_not_choose_from_is_refused():
    """Its build function would take it for something else."""
    with pytest.raises(UsageError, match=r"out of 'relu', 'tanh'\. Received: .*'gelu'"):
        check(factors={"activation": ["relu", "gelu"]})


# Elsewhere.

FILE = '''"""Which tumours are malignant? From a build function."""
from sklearn.datasets import load_breast_cancer

from suite import Task
from buildable import network

x, y = load_breast_cancer(return_X_y=True)
tumours{annotation} = {task}.from_build(network(features=30), x / x.max(axis=0), y{more})
'''


@pytest.mark.parametrize(("task", "annotation"), [("Task", ""), ("Task", ": Task"), ("s.Task", "")])
def test_a_task_file_may_assign_one(tmp_path, task, annotation):
    """Read off the file's syntax, then loaded under the file's name."""
    text = FILE.format(task=task, annotation=annotation, more="")
    path = tmp_path / "tumour.py"
    path.write_text(
        text.replace("from suite import Task", "import suite as s\nfrom suite import Task")
    )
    plugin = inspect(path)
    assert (plugin.attribute, plugin.problem) == ("tumours", "")
    assert plugin.summary == "Which tumours are malignant? From a build function."
    loaded = load(plugin, "embedded")
    assert (loaded.name, loaded.metric) == ("tumour", "roc_auc")
    with pytest.raises(SourceError, match=r"Received: tumour, .* Use --data embedded\.$"):
        load(plugin, "full")


def test_what_does_not_fit_in_a_file_names_its_line(tmp_path):
    """The line of the call."""
    path = tmp_path / "tumour.py"
    path.write_text(FILE.format(task="Task", annotation="", more=", epochs=0"))
    with pytest.raises(PluginError, match=r"tumour\.py:8: Expected epochs to be .* Received: 0\.$"):
        load(inspect(path), "embedded")


@pytest.mark.filterwarnings("ignore:currentThread|getName:DeprecationWarning")  # KerasTuner's own
def test_kerastuners_own_search_takes_the_task(tmp_path):
    """As it takes every task; the batch size is one of what it tunes."""
    x, y = load_diabetes(return_X_y=True)
    task = Task.from_build(network(1, None, "mse", ["mae"], features=10), x, y / 100)
    tuner = keras_tuner.RandomSearch(
        task, objective=task.objective, max_trials=2, seed=1, directory=tmp_path
    )
    data = task.dataset
    held = (data.val.x, data.val.y)
    tuner.search(data.train.x, data.train.y, validation_data=held, epochs=2, verbose=0)
    best = tuner.get_best_hyperparameters()[0].values
    assert set(best) == {"batch_size", "units", "activation", "learning_rate"}


def test_tumours_are_told_apart():
    """Real data, from one call to a score far above the trivial predictor's."""
    x, y = load_breast_cancer(return_X_y=True)
    task = Task.from_build(network(features=30), x / x.max(axis=0), y)
    assert short_training(task, epochs=20).metrics["test.roc_auc"] > 0.9


@pytest.mark.slow
def test_a_task_that_was_built_runs_to_its_winner(tmp_path):
    """A study over its own hyperparameters, verdicts, and the winner trained on TensorFlow."""
    (tmp_path / "tumour.py").write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT / 'tests')!r})\n"
        + FILE.format(task="Task", annotation="", more="")
    )
    study = tmp_path / "own.toml"
    study.write_text('question = "?"\nseeds = 6\nepochs = 3\n[factors]\nunits = [4, 16]\n')
    asked = ["-t", "tumour", "--tasks-dir", tmp_path, "-s", study, "-o", tmp_path / "out"]
    done = subprocess.run(
        [sys.executable, str(ROOT / "run_suite.py"), *map(str, asked)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    run = json.loads((tmp_path / "out" / "run.json").read_text())
    assert run["counts"] == {"completed": 12}
    assert run["winners"][0]["fresh_test"] > run["winners"][0]["trivial_test"]
