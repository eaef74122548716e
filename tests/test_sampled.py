"""OptunaOracle: every kind of hyperparameter there and back, reloads, learning, silence."""

from __future__ import annotations

import json
import logging

import keras_tuner
import optuna
import pytest
from optuna.trial import TrialState
from searching import (
    CONDITIONAL_CELLS,
    KERAS_TUNERS_OWN,
    LOSS,
    conditional_space,
    continuous_space,
    in_folder,
    space_of_12,
    space_of_96,
    told,
    usual,
)

from suite.errors import UsageError
from suite.search.cells import levels, point
from suite.search.distributions import Mapped, parameter
from suite.search.sampled import OptunaOracle, tpe

pytestmark = [pytest.mark.filterwarnings(warning) for warning in KERAS_TUNERS_OWN]
KINDS = keras_tuner.engine.hyperparameters
FINITE = [
    KINDS.Boolean("b"),
    KINDS.Choice("c", ["x", "y", "z"]),
    KINDS.Choice("c", [8, 2, 4]),
    KINDS.Choice("c", [0.1, 0.3], ordered=False),
    KINDS.Int("n", 6, 13, step=3),
    KINDS.Int("n", 1, 6),
    KINDS.Int("n", 3, 3),
    KINDS.Int("n", 1, 6, sampling="log"),
    KINDS.Int("n", 1, 6, sampling="reverse_log"),
    KINDS.Int("n", 2, 32, step=2, sampling="log"),
    KINDS.Int("n", 2, 32, step=2, sampling="reverse_log"),
    KINDS.Float("x", 0.0, 1.0, step=0.1),
    KINDS.Float("x", 0.001, 10.0, step=10, sampling="log"),
    KINDS.Float("x", 1.0, 16.0, step=2, sampling="reverse_log"),
]
FREE = [
    KINDS.Float("x", -1.0, 2.0),
    KINDS.Float("x", 1e-5, 1.0, sampling="log"),
    KINDS.Float("x", 0.1, 0.7, sampling="reverse_log"),
    KINDS.Int("n", 16, 4096, sampling="log"),
    KINDS.Int("n", 16, 4096, sampling="reverse_log"),
]


def oracle_on(space, folder, seed=1, **own):
    """An oracle with a project folder of its own."""
    return in_folder(OptunaOracle(**usual(space, seed), max_trials=1000, **own), folder)


def batch_of(oracle, count):
    """That many trials, asked at once."""
    return [oracle.create_trial(f"tuner-{number}") for number in range(count)]


def loss(values):
    """Least at rate 0.01 and adam."""
    return abs(values["rate"] - 0.01) * 10 + (values["optimizer"] != "adam") + values["units"] / 256


def search(oracle, rounds, batch=4, score=loss):
    """The values of all trials of that many rounds."""
    found = []
    for _ in range(rounds):
        for trial in batch_of(oracle, batch):
            found.append(dict(trial.hyperparameters.values))
            told(oracle, trial, score(found[-1]))
    return found


def sampled(own, count=400):
    """Values of one hyperparameter, drawn by Optuna at random."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    mapped = Mapped([own])
    return [mapped.suggest(study.ask())[own.name] for _ in range(count)]


@pytest.fixture(autouse=True)
def quiet_studies():
    """Studies that the tests themselves make say nothing either."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    yield
    optuna.logging.set_verbosity(before)


@pytest.mark.parametrize("own", FINITE, ids=repr)
def test_the_values_are_exactly_those_of_keras_tuner(own):
    """All of them, with their types: whole numbers are whole, steps are hit, ends are reached."""
    found = sampled(own)
    assert set(found) == set(levels(own, points=2))
    assert {type(value) for value in found} == {type(own.default)}


@pytest.mark.parametrize("own", FREE, ids=repr)
def test_ranges_are_filled_and_kept(own):
    """Distributed as KerasTuner's own samples: as many in each fifth of its sampling."""
    found = sampled(own, 1000)
    assert all(own.min_value <= value <= own.max_value for value in found)
    assert {type(value) for value in found} == {type(own.default)}
    fifths = [min(int(own.value_to_prob(value) * 5), 4) for value in found]
    assert all(130 < fifths.count(fifth) < 270 for fifth in range(5))


@pytest.mark.parametrize("own", [*FINITE, *FREE], ids=repr)
def test_values_come_back_from_what_is_told(own):
    """A value, told as a parameter, is that value again."""
    mine = parameter(own)
    for value in sampled(own, 50):
        assert mine.value(mine.param(value)) == pytest.approx(value)


@pytest.mark.parametrize("own", [KINDS.Float("x", 0.0, 1.0, step=0.1), KINDS.Int("n", 1, 6)])
def test_a_value_beside_a_step_is_told_as_the_nearest(own):
    """KerasTuner's own sums of steps are not exact."""
    mine = parameter(own)
    assert mine.value(mine.param(own.min_value + 3 * own.step + 1e-9)) == pytest.approx(
        own.min_value + 3 * own.step
    )


def test_a_value_that_the_space_has_not_is_left_out():
    """The rest of the trial is told."""
    last = KINDS.Choice("d", [1, 2, 4])
    space = [*FREE[:1], KINDS.Choice("c", ["a"]), KINDS.Int("n", 1, 6), last]
    params, distributions = Mapped(space).told({"x": 9.0, "c": "b", "n": 7, "d": 2})
    assert params == {"d": 1}
    assert set(distributions) == {"d"}


def test_fixed_values_and_conditions(tmp_path):
    """A trial has the fixed value, and the values that its conditions admit: namesakes apart."""
    space = conditional_space()
    space.Fixed("f", 3)
    found = search(oracle_on(space, tmp_path), rounds=5, score=lambda values: values["rate"])
    assert {values["f"] for values in found} == {3}
    for values in found:
        assert ("momentum" in values) == (values["optimizer"] == "sgd")
        assert ("width" in values) == values["deep"]
        rates = {"sgd": {0.1, 1.0}, "adam": {0.001, 0.01, 0.1}}
        assert values["rate"] in rates[values["optimizer"]]


def test_namesakes_are_parameters_of_their_own():
    """Each with the levels of its own declaration."""
    mapped = Mapped(conditional_space().space)
    sgd, _ = mapped.told({"optimizer": "sgd", "rate": 0.1, "momentum": 0.9, "deep": False})
    adam, _ = mapped.told({"optimizer": "adam", "rate": 0.1, "deep": False})
    assert sgd['rate where {"optimizer": ["sgd"]}'] == 0.1  # one of two: a category
    assert adam['rate where {"optimizer": ["adam"]}'] == 2


@pytest.mark.parametrize(
    ("space", "cells"), [(space_of_12, 12), (conditional_space, CONDITIONAL_CELLS)]
)
def test_every_cell_is_tried_once_and_then_it_stops(tmp_path, space, cells):
    """TPE proposes good cells again and again; the oracle does not."""
    oracle = oracle_on(space(), tmp_path)
    found = [point(v) for v in search(oracle, rounds=cells, batch=1, score=len)]
    assert len(set(found)) == cells
    assert oracle.create_trial("last").status == "STOPPED"


@pytest.mark.parametrize("make", [continuous_space, space_of_96], ids=["continuous", "cells"])
@pytest.mark.parametrize("cut", [1, 3, 5])
def test_a_reload_changes_nothing(tmp_path, make, cut):
    """Seed and tells decide: cut anywhere, with trials running, the search goes on as it would."""

    def score(values):
        return len(json.dumps(values, sort_keys=True)) + values["units"] / 300

    def play(folder, reload):
        oracle, found = oracle_on(make(), folder), []
        for number in range(7):
            trials = batch_of(oracle, 4)
            found += [dict(trial.hyperparameters.values) for trial in trials]
            for trial in reversed(trials[:-1]):  # one keeps running for a round
                told(oracle, trial, score(trial.hyperparameters.values))
            if reload and number == cut:
                oracle.save()
                oracle = oracle_on(make(), folder)
                oracle.reload()
                oracle._retry_queue = []
                oracle.ongoing_trials = {"tuner-3": oracle.trials[trials[-1].trial_id]}
        return found

    assert play(tmp_path / "whole", False) == play(tmp_path / "cut", True)


def test_other_seeds_are_other_searches(tmp_path):
    """The same seed is the same one."""
    runs = [
        search(oracle_on(continuous_space(), tmp_path / str(at), seed=seed), 4)
        for at, seed in enumerate([1, 1, 2])
    ]
    assert runs[0] == runs[1] != runs[2]


@pytest.mark.parametrize("direction", ["min", "max"])
def test_it_learns(tmp_path, direction):
    """After 40 trials its next ones are far better than its first, which are random."""
    space = continuous_space()
    objective = keras_tuner.Objective("val_loss", direction)
    own = {**usual(space), "objective": objective}
    oracle = in_folder(OptunaOracle(**own, max_trials=1000), tmp_path)
    sign = 1.0 if direction == "min" else -1.0
    found = [loss(v) for v in search(oracle, 15, score=lambda values: sign * loss(values))]
    assert sum(found[-20:]) < sum(found[:10])


@pytest.mark.filterwarnings("ignore:All-NaN axis encountered:RuntimeWarning")  # KerasTuner's own
def test_optuna_knows_how_every_trial_stands(tmp_path):
    """Running, completed, failed, and no number for one that failed or is not a number."""
    oracle = oracle_on(space_of_96(), tmp_path)
    one, two, three, _ = batch_of(oracle, 4)
    told(oracle, one, 0.5)
    told(oracle, two, 0.5, status="FAILED")
    told(oracle, three, float("nan"))
    oracle.create_trial("next")
    study = {trial.number: trial for trial in oracle._study.trials}
    states = [study[number].state for number in range(5)]
    done, failed, running = TrialState.COMPLETE, TrialState.FAIL, TrialState.RUNNING
    assert states == [done, failed, failed, running, running]
    assert study[0].value == 0.5


def test_trials_that_it_did_not_propose_are_told(tmp_path):
    """Values changed while a trial ran, or a score changed after it had ended."""
    oracle = oracle_on(continuous_space(), tmp_path)
    one, two = batch_of(oracle, 2)
    one.hyperparameters.values["rate"] = 0.5
    told(oracle, one, 0.5)
    told(oracle, two, 0.7)
    oracle.create_trial("next")
    two.score = 0.9
    oracle.create_trial("after next")
    first, second = oracle._study.trials[:2]
    assert (first.params["rate"], first.value) == (0.5, 0.5)
    assert second.value == 0.9


def test_hyperparameters_that_a_build_declares_are_sampled_too(tmp_path):
    """From the next ask on; a trial that was built without them is told without them."""
    oracle = in_folder(OptunaOracle(objective=LOSS, seed=1, max_trials=100), tmp_path)
    first = oracle.create_trial("one")
    second = oracle.create_trial("two")
    assert second.status == "IDLE"
    first.hyperparameters.Float("rate", 0.1, 1.0)
    told(oracle, first, 1.0)
    found = [dict(trial.hyperparameters.values)["rate"] for trial in batch_of(oracle, 5)]
    assert len(set(found)) == 5
    assert oracle._study.trials[0].params == {"rate": 0.1}


@pytest.mark.parametrize(
    "sampler",
    [
        optuna.samplers.RandomSampler(seed=3),
        lambda seed: optuna.samplers.QMCSampler(seed=seed),  # experimental: no warning of it
        optuna.samplers.NSGAIISampler(seed=3),
        lambda seed: optuna.samplers.RandomSampler(seed=seed),
        tpe,
    ],
    ids=["random", "quasi-random", "genetic", "function", "tpe"],
)
def test_any_sampler_of_optuna_will_do(tmp_path, sampler):
    """As an instance, or as a function of a seed."""
    found = search(oracle_on(continuous_space(), tmp_path, sampler=sampler), rounds=5)
    assert len(set(map(point, found))) == 20


def test_what_is_no_sampler_is_a_usage_error():
    """Said at once, with the default."""
    with pytest.raises(UsageError, match=r"Received: sampler='tpe'\. The default is sampler=None"):
        OptunaOracle(**usual(space_of_12()), sampler="tpe")


def test_optuna_says_nothing_and_its_settings_stand(tmp_path, capfd, caplog):
    """No log line, no warning (they are errors here); the user's verbosity is as before."""
    optuna.logging.set_verbosity(optuna.logging.INFO)
    optuna.logging.enable_propagation()
    with caplog.at_level(logging.DEBUG, logger="optuna"):
        search(oracle_on(conditional_space(), tmp_path), 5, score=lambda values: values["rate"])
    optuna.logging.disable_propagation()
    assert optuna.logging.get_verbosity() == optuna.logging.INFO
    assert [record for record in caplog.records if record.name.startswith("optuna")] == []
    assert capfd.readouterr() == ("", "")
