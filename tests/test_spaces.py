"""Spaces: what a tuner may choose for a task, and how a matrix becomes something to search."""

from __future__ import annotations

import json

import keras
import keras_tuner
import pytest

from suite import plan, studyfiles
from suite.errors import UsageError
from suite.factors import FACTORS
from suite.registry import discover, load
from suite.search.spaces import explored, matrix_values, space_of, space_of_matrix
from suite.search.study import SearchStudy
from suite.study import Dependent, Study
from suite.task import Task
from suite.trial import canonical

RATES = Dependent(by="optimizer", levels={"sgd": [0.1, 1.0, 3.0], "adam": [0.01], "nadam": [5.0]})


class Own(Task):
    """A task with hyperparameters of every kind, some under conditions."""

    def build(self, hp):
        hp.Choice("optimizer", ["sgd", "adam"], default="adam")
        hp.Choice("l2", [0.0, 0.1])
        hp.Float("learning_rate", 1e-3, 1.0, sampling="log", default=0.01)
        hp.Boolean("bias")
        hp.Int("units", 4, 64, step=4, default=16)
        hp.Float("rate", 0.1, 1.0, sampling="log", default=0.3)
        hp.Fixed("version", 2)
        model = hp.Choice("model", ["dense", "conv"])
        with hp.conditional_scope("model", ["conv"]):
            if model == "conv":  # a build with "dense" does not come here
                kernel = hp.Int("kernel", 1, 5, step=2, default=3)
                with hp.conditional_scope("kernel", [5]):
                    if kernel == 5:
                        hp.Boolean("dilated")
        with hp.conditional_scope("optimizer", ["sgd"]):
            hp.Float("momentum", 0.0, 0.9)
        return keras.Sequential()


def made(**parts: object) -> SearchStudy:
    """A search study of these parts."""
    return SearchStudy.model_validate({"name": "s", "question": "?", **parts})


def space(**parts: object) -> dict[str, object]:
    """The entries of the space of `Own` under a study of these parts, by name."""
    task = Own()
    task.name = "own"
    hp = space_of(task, made(**parts))
    assert len(hp.space) == len({own.name for own in hp.space})
    return {own.name: own for own in hp.space}


def kind(own: object) -> str:
    return type(own).__name__


# The space of a task.


def test_the_tasks_own_are_searched_as_declared():
    """In the order of declaration, conditions included; standard factors stay at their defaults."""
    found = space()
    names = ["bias", "units", "rate", "version", "model", "kernel", "dilated"]
    assert list(found) == names
    declared = {own.name: own for own in explored(Own())[0]}
    for name in names:
        assert type(found[name]) is type(declared[name])
        assert found[name].get_config() == declared[name].get_config()
        assert found[name] is not declared[name]
    assert found["dilated"].conditions[-1].name == "kernel"


def test_conditions_are_explored_to_the_ground():
    """Scopes inside scopes, which no build on defaults enters."""
    every, defaults = explored(Own())
    assert {"kernel", "dilated", "momentum", "batch_size"} <= {own.name for own in every}
    assert {"kernel", "dilated", "momentum"} & set(defaults) == set()
    assert defaults["optimizer"] == "adam"


def test_a_condition_on_what_is_not_searched_is_settled_by_its_value():
    """`momentum` counts under SGD: open where the optimizer is searched, else decided."""
    assert "momentum" not in space()
    searched = space(space={"optimizer": ["adam", "sgd"]})
    assert searched["momentum"].conditions[0].values == ["sgd"]
    fixed = space(fixed={"optimizer": "sgd"})
    assert kind(fixed["optimizer"]) == "Fixed"
    assert fixed["momentum"].conditions[0].is_active({"optimizer": fixed["optimizer"].value})


def test_nothing_of_the_tasks_own_where_the_study_says_so():
    """`own = false`: what the study names, and no more; a name of the task's own may be named."""
    assert list(space(own=False, space={"units": [4, 8], "l2": [0.0, 1e-5]})) == ["l2", "units"]


def test_a_range_is_a_number_of_the_tasks_kind():
    """Whole where the task has whole numbers; sampled as declared where the study does not say."""
    ends = {"low": 0.2, "high": 0.8}
    found = space(
        space={
            "units": {"low": 8, "high": 32, "step": 8},
            "rate": {"low": 0.2, "high": 0.8},
            "learning_rate": {**ends, "sampling": "linear"},
            "l2": {"low": 1e-6, "high": 1e-2, "sampling": "log"},
            "batch_size": {"low": 16, "high": 256, "step": 2},
        }
    )
    assert [kind(found[n]) for n in ("units", "rate", "l2")] == ["Int", "Float", "Float"]
    assert list(found["units"].values) == [8, 16, 24, 32]
    assert (found["rate"].sampling, found["learning_rate"].sampling) == ("log", "linear")
    assert list(found["batch_size"].values) == [16, 32, 64, 128, 256]
    assert kind(found["batch_size"]) == "Int"
    assert (found["units"].default, found["rate"].default) == (16, 0.3)
    assert (found["l2"].default, found["learning_rate"].default) == (1e-6, 0.2)


def test_levels_are_choices():
    """Truth values stay truth values, and a single level is no choice."""
    levels = {"units": [4, 64], "bias": [True, False], "l2": [0.1], "optimizer": ["sgd", "adam"]}
    found = space(space=levels)
    kinds = [kind(found[name]) for name in levels]
    assert kinds == ["Choice", "Boolean", "Fixed", "Choice"]
    assert found["l2"].value == 0.1
    assert found["optimizer"].default == "adam"
    assert kind(space(space={"bias": [True]})["bias"]) == "Fixed"
    assert space(fixed={"bias": True})["bias"].value is True


def test_the_studys_entry_keeps_the_tasks_condition():
    """Other kernels, but under the same model."""
    found = space(space={"kernel": [1, 5]})
    assert list(found["kernel"].values) == [1, 5]
    assert [c.values for c in found["kernel"].conditions] == [["conv"]]
    assert "dilated" in found


@pytest.mark.parametrize(
    ("parts", "clue"),
    [
        ({"space": {"unitz": [4]}}, "hyperparameter='unitz'. Did you mean 'units'? Task 'own'"),
        ({"fixed": {"unitz": 4}}, "Did you mean 'units'?"),
        ({"space": {"dropout": [0.1]}}, "hyperparameter='dropout'"),
        ({"space": {"units": [3]}}, "4 to 64. Received: units=3"),
        ({"space": {"units": {"low": 1, "high": 8}}}, "4 to 64. Received: units=1"),
        ({"space": {"units": {"low": 4.5, "high": 8}}}, "a whole number from 4 to 64"),
        ({"space": {"units": {"low": 4, "high": 8, "step": 0.5}}}, "whole number. Received: step"),
        ({"space": {"model": {"low": 0, "high": 1}}}, "list of levels for 'model'"),
        ({"space": {"model": ["dens"]}}, "'dens'. Did you mean 'dense'?"),
        ({"space": {"rate": {"low": 0.2, "high": 0.8, "step": 0.5}}}, "more than 1 (a ratio)"),
        ({"fixed": {"bias": 1}}, "bias"),
        ({"own": False, "space": {"units": [4]}}, "one value for everything"),
    ],
)
def test_what_the_task_does_not_take_is_a_usage_error(parts, clue):
    """One sentence of expected and received, with the nearest choice where there is one."""
    with pytest.raises(UsageError, match=r"^Expected .*Received: ") as caught:
        space(**parts)
    assert clue in str(caught.value)


def test_every_suggestion_is_one_that_builds():
    """Random draws: only what counts has a value, and the task builds with it."""
    task = Own()
    task.name = "own"
    hp = space_of(task, made(space={"optimizer": ["sgd", "adam"]}))
    oracle = keras_tuner.oracles.RandomSearchOracle("val_loss", hyperparameters=hp, seed=1)
    for values in (oracle._random_values() for _ in range(50)):
        assert ("momentum" in values) == (values["optimizer"] == "sgd")
        assert ("kernel" in values) == (values["model"] == "conv")
        assert ("dilated" in values) == (values.get("kernel") == 5)
        built = keras_tuner.HyperParameters()
        built.values = dict(values)
        task.build(built)
        assert values.items() <= built.values.items()


@pytest.mark.parametrize("preset", ["quick", "standard", "full"])
@pytest.mark.parametrize("name", studyfiles.load("tuning").tasks)
def test_the_shipped_search_suits_its_tasks(name, preset):
    """With the task's own hyperparameters where the study wants them."""
    study = studyfiles.load("tuning").at(preset)
    assert isinstance(study, SearchStudy)
    task = load(discover()[name], "embedded")
    found = {own.name for own in space_of(task, study).space}
    assert set(study.space) <= found
    assert study.own == bool(found - {*FACTORS, *study.space})


# A matrix as a space.


def matrix(**fields: object) -> Study:
    """A small matrix with every kind of factor."""
    base = {
        "factors": {"optimizer": ["sgd", "adam"], "batch_norm": [False, True], "l1": [0.0]},
        "nuisance": {"learning_rate": RATES, "dropout": [0, 0.5], "units": [16, 32]},
        "fixed": {"clipnorm": 1.0},
    }
    return Study.model_validate({"name": "s", "question": "?", **base, **fields})


def cells(hp: keras_tuner.HyperParameters) -> list[dict[str, object]]:
    """Every combination of active values, by walking the entries in their order."""
    found: list[dict[str, object]] = [{}]
    for own in hp.space:
        longer = []
        for values in found:
            active = all(condition.is_active(values) for condition in own.conditions)
            levels = [{own.name: value} for value in own.values] if active else [{}]
            longer += [{**values, **level} for level in levels]
        found = longer
    return found


@pytest.mark.parametrize(
    "study",
    [
        matrix(),
        matrix(nuisance={}),
        matrix(factors={"l2": [0.0, 0.1]}, fixed={"optimizer": "sgd"}),
        matrix(
            factors={"batch_norm": [True, False]},
            nuisance={
                "l2": Dependent(by="batch_norm", levels={"true": [0.1], "false": [0.2, 0.3]})
            },
        ),
        studyfiles.load_matrix("techniques"),
        studyfiles.load_matrix("techniques").at("quick"),
    ],
)
def test_the_space_of_a_matrix_is_the_matrix(study):
    """Cell by cell, each once, in the very spelling that the record has: none is missed."""
    recipes = sorted(canonical(recipe) for recipe in plan.recipes(study))
    searched = [matrix_values(study, values) for values in cells(space_of_matrix(study))]
    assert sorted(map(canonical, searched)) == recipes


def test_a_learning_rate_under_sgd_is_not_the_one_under_adam():
    """Each branch has a name of its own, so that KerasTuner keeps its value; no unused branch."""
    hp = space_of_matrix(matrix())
    names = [own.name for own in hp.space if own.name.startswith("learning_rate")]
    assert names == ["learning_rate (sgd)", "learning_rate (adam)"]
    oracle = keras_tuner.oracles.RandomSearchOracle("val_loss", hyperparameters=hp, seed=1)
    for values in (oracle._random_values() for _ in range(20)):
        hp.values = dict(values)
        hp.ensure_active_values()
        assert hp.values == values
        recipe = matrix_values(matrix(), values)
        assert recipe["learning_rate"] in RATES.levels[str(recipe["optimizer"])]


def test_a_space_survives_being_saved():
    """KerasTuner writes spaces as JSON; what it reads back is the same space."""
    for hp in (space_of_matrix(matrix()), space_of(Own(), made(space={"l2": [0.0, 0.1]}))):
        config = json.loads(json.dumps(hp.get_config()))
        assert keras_tuner.HyperParameters.from_config(config).get_config() == hp.get_config()
