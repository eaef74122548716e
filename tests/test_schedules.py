"""Schedules of the learning rate: Keras' own objects, and the same numbers traced in a fleet."""

from __future__ import annotations

import keras
import keras_tuner
import numpy as np
import pytest
from support import gap, small_task, train, trial

from suite.blueprint import draw_up
from suite.engines.fit import FitEngine
from suite.engines.fleet import FleetEngine
from suite.engines.traced import open_schedule
from suite.errors import PluginError
from suite.factors import SCHEDULES
from suite.schedules import CONSTANT, numbers_of, scheduled
from suite.techniques import Techniques

RATE = 0.2
STEPS = 40


def rates(name: str, steps: int = STEPS) -> np.ndarray:
    """What Keras' own schedule puts out at every step."""
    made = scheduled(name, RATE, steps)
    numbers = range(steps + 1)
    return np.array([float(made(i)) if callable(made) else made for i in numbers])


def test_schedules_are_what_they_are_said_to_be():
    """Tenths at a half and at three quarters; down to 0; a tenth of the training to rise."""
    assert rates("constant") == pytest.approx(RATE)
    step = rates("step")
    assert step[[0, 19, 20, 29, 30, 39]] / RATE == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])
    cosine = rates("cosine")
    assert cosine[[0, 20, 40]] == pytest.approx([RATE, RATE / 2, 0.0], abs=1e-7)
    rising = rates("warmup")
    assert rising[:5] == pytest.approx(RATE * np.arange(5) / 4)
    assert rising[4:] == pytest.approx(RATE)
    both = rates("warmup_cosine")
    assert both[:5] == pytest.approx(rising[:5])
    assert both[-1] == pytest.approx(0.0, abs=1e-7)


@pytest.mark.parametrize("steps", [1, 2, STEPS])
@pytest.mark.parametrize("name", SCHEDULES)
def test_the_traced_rate_is_keras_rate(name, steps):
    """At every step, from the numbers that are read off Keras' object."""
    made = scheduled(name, RATE, steps)
    optimizer = keras.optimizers.SGD(RATE)
    peak, shape = numbers_of(optimizer._learning_rate if made == RATE else made)
    assert peak == pytest.approx(RATE)
    open_schedule(optimizer, shape)
    for number, rate in enumerate(rates(name, steps)):
        optimizer.iterations.assign(number)
        assert float(optimizer.learning_rate) == pytest.approx(rate, rel=1e-5, abs=1e-7)


def test_other_schedules_stay_in_the_structure():
    """What these numbers cannot tell is left to Keras."""
    schedules = keras.optimizers.schedules
    others = [
        schedules.ExponentialDecay(0.1, 10, 0.9),
        schedules.PiecewiseConstantDecay([5], [0.1, 0.05]),
        schedules.CosineDecay(0.05, 10, warmup_target=0.1, warmup_steps=3),
    ]
    assert [numbers_of(other) for other in others] == [None] * 3
    assert numbers_of(keras.Variable(0.5)) == (0.5, CONSTANT)


def test_schedules_share_a_program_and_each_lasts_as_long_as_its_trial():
    """Constant and cosine, over three epochs and over five, in one family; `fit` agrees."""
    task = small_task("churn")
    asked = [
        trial("churn", epochs=epochs, schedule=name, learning_rate=0.1, optimizer="sgd")
        for name in ("constant", "cosine", "warmup_cosine")
        for epochs in (3, 5)
    ]
    fleet = train(FleetEngine(), task, asked)
    fit = train(FitEngine(), task, asked)
    structures = {draw_up(task, own.hp, task.dataset, own.epochs).structure for own in asked}
    assert len(structures) == 1
    for own in asked:
        assert gap(fleet[own.key].curves, fit[own.key].curves) < 1e-3
    short, long = (fleet[own.key].curves["loss"][0] for own in asked[2:4])
    assert short != long


def test_keras_tuners_own_fit_makes_the_schedule_as_long_as_it_trains():
    """Its epochs and its rows, not the task's."""
    task = small_task("churn")
    hp = keras_tuner.HyperParameters()
    hp.values = {"schedule": "cosine", "learning_rate": 0.1, "batch_size": 50}
    model = task.build(hp)
    assert model.optimizer._learning_rate.decay_steps == task.epochs * (256 // 50)
    rows = task.dataset.train
    task.fit(hp, model, rows.x, rows.y, epochs=2, verbose=0)
    assert model.optimizer._learning_rate.decay_steps == 2 * 6
    assert int(model.optimizer.iterations) == 2 * 6
    assert float(model.optimizer.learning_rate) == pytest.approx(0.0, abs=1e-7)


def test_outside_of_a_task_the_steps_are_asked_for():
    """`Techniques(hp, steps=...)`."""
    hp = keras_tuner.HyperParameters()
    hp.values = {"schedule": "cosine"}
    with pytest.raises(PluginError, match="steps"):
        Techniques(hp).optimizer()
    assert Techniques(hp, steps=10).optimizer()._learning_rate.decay_steps == 10
