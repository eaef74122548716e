"""The script of a recorded trial: plain Keras, which gets what the suite recorded."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import lru_cache

import pytest
from scripted import quickly_compiled, run_alone, text_of, written
from support import small_task, train, trial
from taskfiles import SHIPPED

from suite.trial import Level, Outcome, Status

SEED = 3
RECIPES: dict[str, dict[str, Level]] = {
    "digits": {
        "initializer": "orthogonal",
        "optimizer": "nadam",
        "batch_norm": True,
        "batch_size": 48,
        "activation": "tanh",
        "l2": 1e-3,
        "clipnorm": 0.5,
        "learning_rate": 0.01,
    },
    "churn": {
        "initializer": "he_normal",
        "optimizer": "momentum",
        "batch_norm": True,
        "l1": 1e-4,
        "l2": 1e-3,
        "clipnorm": 0.1,
        "dropout": 0.3,
        "learning_rate": 0.01,
    },
    "stock": {
        "initializer": "truncated_normal",
        "optimizer": "rmsprop",
        "activation": "gelu",
        "dropout": 0.2,
        "l1": 1e-3,
        "learning_rate": 0.003,
    },
    "text": {
        "initializer": "lecun_uniform",
        "optimizer": "adam",
        "l2": 1e-3,
        "clipnorm": 0.1,
        "learning_rate": 0.01,
    },
}
TASKS = tuple(RECIPES)
OTHER: dict[str, Level] = {"initializer": "he_uniform", "l2": 1e-3, "learning_rate": 0.003}
"""The recipe of a task that is none of `TASKS`."""


@lru_cache
def recorded(name: str, engine: str = "fit", **changed: Level) -> Outcome:
    """What an engine recorded on JAX of a task's recipe, on few rows, in two epochs."""
    from suite.engines.fit import FitEngine
    from suite.engines.fleet import FleetEngine

    asked = trial(name, seed=SEED, epochs=2, **{**RECIPES.get(name, OTHER), **changed})
    maker = {"fit": FitEngine, "fleet": FleetEngine}[engine]
    with quickly_compiled():
        outcome = train(maker(), small_task(name), [asked])[asked.key]
    assert outcome.status is Status.COMPLETED, outcome.message
    return outcome


def plain() -> Outcome:
    """A completed trial of churn with the default recipe; its figures are not computed."""
    figures = {"val.roc_auc": 0.8, "test.roc_auc": 0.8, "val.binary_crossentropy": 0.5}
    curves = {"loss": [0.6, 0.5], "val_binary_crossentropy": [0.6, 0.5]}
    asked = trial("churn", seed=SEED, epochs=2)
    return Outcome(asked, Status.COMPLETED, "fleet", 1.0, 2, figures, curves)


def wrong() -> Outcome:
    """A trial of stock whose recorded objective is not what comes out."""
    figures = {"test.neg_mean_absolute_error": -0.5, "val.mean_squared_error": 0.5}
    curves = {"loss": [0.6], "val_mean_squared_error": [0.5]}
    return Outcome(trial("stock", epochs=1), Status.COMPLETED, "fleet", 1.0, 1, figures, curves)


def diverged() -> Outcome:
    """A trial of stock that diverges at once."""
    return Outcome(
        trial("stock", epochs=5, optimizer="sgd", learning_rate=1e9),
        Status.DIVERGED,
        "fleet",
        1.0,
        curves={"loss": []},
        message="loss not finite in epoch 1",
    )


def got(output: str) -> tuple[float, float]:
    """The first line's two figures: what the script got, and what was recorded."""
    words = output.splitlines()[0].replace(",", "").split()
    return float(words[words.index("got") + 1]), float(words[words.index("recorded") + 1])


@pytest.fixture(scope="module")
def on_jax(tmp_path_factory):
    """Exit code and output on JAX of every task's script, of a wrong and a diverged one."""
    folder = tmp_path_factory.mktemp("scripts on jax")
    outcomes = {**{name: recorded(name) for name in TASKS}, "wrong": wrong(), "bad": diverged()}
    paths = [written(small_task(o.trial.task), o, folder) for o in outcomes.values()]
    return dict(zip(outcomes, run_alone(paths, "jax"), strict=True))


@pytest.mark.xdist_group("reproduce")
@pytest.mark.parametrize("name", TASKS)
def test_a_script_gets_what_was_recorded(name, on_jax):
    """Techniques all on, dropout included: objective, epoch and test metric, without the suite."""
    code, output = on_jax[name]
    figure, wanted = got(output)
    outcome = recorded(name)
    goal = small_task(name).goal()[0]
    assert code == 0, output
    assert figure == pytest.approx(outcome.curves[goal][outcome.epoch - 1], rel=1e-3)
    assert wanted == pytest.approx(figure, rel=1e-3)
    assert f"in epoch {outcome.epoch}, recorded" in output
    test = output.splitlines()[1].replace(",", "").split()
    assert test[:2] == ["test", f"{small_task(name).metric}:"]
    assert float(test[3]) == pytest.approx(float(test[5]), rel=1e-3)
    assert len(output.splitlines()) == 2


@pytest.mark.xdist_group("reproduce")
def test_a_script_of_embeddings_gets_the_same_on_tensorflow(tmp_path):
    """Word vectors, recorded on JAX, trained again on TensorFlow."""
    path = written(small_task("text"), recorded("text"), tmp_path)
    ((code, output),) = run_alone([path], "tensorflow")
    assert code == 0, output
    assert got(output)[0] == pytest.approx(got(output)[1], rel=1e-3)


@pytest.mark.slow
def test_scripts_get_what_the_fleet_recorded_on_both_backends(tmp_path):
    """Every shipped task without dropout, recorded on JAX, trained again on JAX and TensorFlow."""
    outcomes = [recorded(name, "fleet", dropout=0.0) for name in SHIPPED]
    outcomes.append(recorded("text", "fleet", reader="gru", initializer="orthogonal"))
    paths = [written(small_task(o.trial.task), o, tmp_path) for o in outcomes]
    for backend in ("jax", "tensorflow"):
        for code, output in run_alone(paths, backend):
            assert code == 0, output
            assert got(output)[0] == pytest.approx(got(output)[1], rel=1e-3)


@pytest.mark.slow
def test_a_script_with_dropout_is_honest_on_another_backend(tmp_path):
    """It trains, says that its figure is not comparable, and does not fail."""
    path = written(small_task("churn"), recorded("churn", "fleet"), tmp_path)
    ((code, output),) = run_alone([path], "tensorflow")
    assert code == 0
    assert "Dropout draws other numbers on another backend than jax: not comparable." in output
    ((code, output),) = run_alone([path], "jax")
    assert code == 0, output
    assert "not comparable" not in output


@pytest.mark.parametrize("name", TASKS)
def test_a_script_is_plain_and_tidy(name):
    """It imports Keras, numpy and the standard library, and is laid out as ruff would."""
    text = text_of(small_task(name), recorded(name))
    nodes = list(ast.walk(ast.parse(text)))
    imported = {
        alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names
    }
    imported |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
    assert imported - {"keras", "numpy"} <= sys.stdlib_module_names
    assert max(map(len, text.splitlines())) <= 100
    ruff = [sys.executable, "-m", "ruff", "format", "--line-length", "100", "--check", "-"]
    done = subprocess.run(ruff, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, text


def test_a_script_is_short():
    """Of a plain recipe, 45 lines or fewer beside blank ones and the docstring."""
    text = text_of(small_task("churn"), plain())
    body = text.split('"""')[2].splitlines()
    assert len([line for line in body if line.strip()]) <= 45, text


def test_a_script_holds_the_quantile_functions_it_uses_and_no_others():
    """Glorot's alone for the default recipe."""
    text = text_of(small_task("churn"), plain())
    assert "def glorot_uniform(u):" in text
    assert "NormalDist" not in text
    assert "seed_generator" not in text


@pytest.mark.xdist_group("reproduce")
def test_a_figure_that_differs_is_exit_code_1(on_jax):
    """The objective recorded is not the one that comes out."""
    code, output = on_jax["wrong"]
    assert code == 1
    assert "recorded 0.5 in epoch 1" in output


@pytest.mark.xdist_group("reproduce")
def test_a_diverged_trial_prints_its_logs_up_to_there(on_jax):
    """There is no figure to compare with; the message stands beside what came out."""
    code, output = on_jax["bad"]
    assert code == 0
    assert "nan" in output or "inf" in output
    assert output.splitlines()[-1] == "recorded: diverged, loss not finite in epoch 1"
