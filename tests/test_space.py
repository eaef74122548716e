"""A study held against the hyperparameters that a task declares."""

from __future__ import annotations

import keras
import keras_tuner
import pytest

from suite.errors import UsageError
from suite.space import check_factors, declared
from suite.study import Dependent, Study
from suite.task import Task


class Own(Task):
    """A task with hyperparameters of every kind."""

    def build(self, hp):
        hp.Choice("pool", ["max", "mean"])
        hp.Int("units", 4, 64, default=16)
        hp.Int("even", 2, 10, step=2)
        hp.Float("rate", 0.0, 1.0, default=0.1)
        hp.Float("width", 1e-4, 1.0, sampling="log")
        hp.Boolean("bias")
        hp.Choice("optimizer", ["sgd", "adam"])
        return keras.Sequential()


def check(**parts: object) -> None:
    """Hold a study of these parts against the task."""
    task = Own()
    task.name = "own"
    check_factors(task, Study(name="s", question="?", **{"factors": {}, **parts}))


def test_every_declared_hyperparameter_is_known():
    """The task's own, and `batch_size`, which every task has."""
    names = {"pool", "units", "even", "rate", "width", "bias", "optimizer", "batch_size"}
    assert set(declared(Own())) == names


@pytest.mark.parametrize(
    "factor",
    [
        {"pool": ["mean", "max"]},
        {"units": [4, 7, 64]},
        {"rate": [0.0, 0.1, 0.123, 1.0]},
        {"rate": [0, 1]},
        {"width": [1e-4, 3e-3, 1.0]},
        {"bias": [True, False]},
        {"batch_size": [16, 4096]},
    ],
)
def test_valid_levels_pass(factor):
    """Every value between the ends of a number, every choice, either truth value."""
    check(factors=factor)
    check(nuisance=factor)
    check(fixed={name: levels[0] for name, levels in factor.items()})


@pytest.mark.parametrize(
    ("factor", "clue"),
    [
        ({"pool": ["mex"]}, "'mex'. Did you mean 'max'?"),
        ({"units": [3]}, "4 to 64. Received: units=3"),
        ({"units": [65]}, "4 to 64. Received: units=65"),
        ({"units": [8.5]}, "4 to 64. Received: units=8.5"),
        ({"units": ["8"]}, "4 to 64. Received: units='8'"),
        ({"units": [True]}, "4 to 64. Received: units=True"),
        ({"rate": [1.5]}, "0.0 to 1.0. Received: rate=1.5"),
        ({"rate": ["much"]}, "0.0 to 1.0. Received: rate='much'"),
        ({"bias": [1]}, "bias"),
        ({"bias": ["yes"]}, "bias"),
    ],
)
def test_a_level_that_the_task_does_not_take_is_a_usage_error(factor, clue):
    """One sentence of expected and received, in which a range is a range, not a list of numbers."""
    with pytest.raises(UsageError, match=r"^Expected .*Received: ") as caught:
        check(factors=factor)
    assert clue in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    "parts",
    [
        {"factors": {"unitz": [8]}},
        {"nuisance": {"unitz": [8]}},
        {"fixed": {"unitz": 8}},
        {
            "factors": {"optimizer": ["sgd"]},
            "nuisance": {"unitz": Dependent(by="optimizer", levels={"sgd": [8]})},
        },
    ],
)
def test_a_factor_that_the_task_does_not_declare_is_a_usage_error(parts):
    """Wherever the study names it; the nearest that the task does declare is offered."""
    with pytest.raises(UsageError, match=r"'unitz'\. Did you mean 'units'\?") as caught:
        check(**parts)
    assert "'own'" in str(caught.value)


def test_a_dependent_level_is_held_against_the_task_too():
    """The levels of every branch."""
    rates = Dependent(by="optimizer", levels={"sgd": [8], "adam": [999]})
    with pytest.raises(UsageError, match="999"):
        check(factors={"optimizer": ["sgd", "adam"]}, nuisance={"units": rates})


def test_a_task_that_cannot_be_built_says_so():
    """What `build` raises is not swallowed."""

    class Broken(Task):
        def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
            raise RuntimeError(f"no {hp.Int('units', 1, 2)}")

    with pytest.raises(RuntimeError, match="no 1"):
        check_factors(Broken(), Study(name="s", question="?", factors={"units": [1]}))
