"""What the probe sees is what a person would work out: by hand, and in either engine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support import gap, small_task, train, trial

from suite.environment import environment_for
from suite.health import MEASURES, health_from

HERE = Path(__file__).parent
KINDS = ("dense", "convolutional", "recurrent")
EPOCHS = 3
TOLERANCE = 1e-3
ON_TENSORFLOW = """
import json, sys
sys.path.insert(0, sys.argv[1])
from probed import Net, trained_by_hand
from suite.engines.fit import FitEngine, Fitting
from support import train, trial
found = {}
for kind in sys.argv[2:]:
    task, planned = Net(kind), trial(kind, epochs=3)
    outcome = train(FitEngine(probed=True), task, [planned])[planned.key]
    by_hand = trained_by_hand(task, Fitting(task, planned, task.dataset), 0, 3)
    found[kind] = [outcome.health.content(), by_hand]
print(json.dumps(found))
"""


def close(found, expected) -> None:
    """Equal to `TOLERANCE`, which is more than the digits that are kept and float32 can hide."""
    np.testing.assert_allclose(np.array(found, float), np.array(expected, float), rtol=TOLERANCE)


@pytest.fixture(scope="module")
def healths():
    """The health of one training of each kind, by the fleet."""
    from probed import Net

    from suite.engines.fleet import FleetEngine

    found = {}
    for kind in KINDS:
        planned = trial(kind, epochs=EPOCHS)
        found[kind] = train(FleetEngine(probed=True), Net(kind), [planned])[planned.key].health
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_gradients_are_those_of_jax_grad(kind, healths):
    """On the weights that a `model.fit` nobody looked into has after each epoch: so the probe sees
    the loss alone (no penalty, no clipping), and leaves the training as it was.
    """
    from probed import Net, trained_by_hand

    from suite.engines.fit import Fitting

    task, planned = Net(kind), trial(kind, epochs=EPOCHS)
    fitting = Fitting(task, planned, task.dataset)
    close(healths[kind].gradient, trained_by_hand(task, fitting, planned.seed, EPOCHS))
    last = [
        sum(float(np.sum(np.square(v.numpy() if hasattr(v, "numpy") else v))) for v in weights)
        for weights in (own.trainable_weights for own in fitting.model.layers)
        if weights
    ]
    close([row[-1] for row in healths[kind].weight], np.sqrt(last))


def test_gradients_are_those_of_gradient_tape(healths):
    """TensorFlow's `model.fit` and its tape give the fleet's figures, all three kinds of net."""
    command = [sys.executable, "-c", ON_TENSORFLOW, str(HERE), *KINDS]
    environment = {**environment_for("tensorflow"), "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    for kind, (health, by_hand) in json.loads(done.stdout.splitlines()[-1]).items():
        close(healths[kind].gradient, by_hand)
        for name in MEASURES:
            close(getattr(healths[kind], name), getattr(health_from(health), name))


def test_steps_are_those_of_the_optimizer(healths):
    """Plain SGD's step would be the gradient's size; clipped to .01 a variable it cannot be more
    than .05 x (.01 + .9 x its velocity), and the velocity at most .01 x .05 x 10.
    """
    health = healths["dense"]
    steps = np.array(health.update, float) * np.array(health.weight, float)
    assert (steps > 0).all()
    assert (steps <= 0.05 * 0.01 * 10 * np.sqrt(2) * 1.01).all()


@pytest.mark.parametrize("name", ["churn", pytest.param("digits", marks=pytest.mark.slow)])
def test_both_engines_see_the_same(name):
    """With dropout, batch normalization and penalties, merged in one hull where it pays."""
    from suite.engines.fit import FitEngine
    from suite.engines.fleet import FleetEngine

    task = small_task(name)
    own = {"optimizer": "adam", "learning_rate": 0.01, "l2": 1e-3, "activation": "tanh"}
    trials = [trial(name, batch_norm=on, dropout=0.3, **own) for on in (False, True)]
    fleet = train(FleetEngine(probed=True), task, trials)
    fit = train(FitEngine(probed=True), task, trials)
    for planned in trials:
        ours, theirs = fleet[planned.key].health, fit[planned.key].health
        assert ours.layers == theirs.layers
        assert ours.epochs == planned.epochs
        for measure in MEASURES:
            close(getattr(ours, measure), getattr(theirs, measure))


def test_each_member_of_a_hull_is_seen_with_its_own_activation():
    """Trained together, in one program: what is seen is what each shows when it is fitted alone."""
    from suite.engines.fit import FitEngine
    from suite.engines.fleet import FleetEngine

    task = small_task("churn")
    names = ("relu", "sigmoid", "tanh", "elu")
    trials = [trial("churn", activation=name, learning_rate=0.01) for name in names]
    fleet = train(FleetEngine(probed=True), task, trials)
    fit = train(FitEngine(probed=True), task, trials)
    for planned in trials:
        for measure in MEASURES:
            close(*(getattr(own[planned.key].health, measure) for own in (fleet, fit)))


def test_looking_changes_no_training():
    """Curves and metrics with and without the probe are the same to rounding."""
    from suite.engines.fleet import FleetEngine

    task = small_task("churn")
    trials = [trial("churn", batch_norm=on, dropout=0.3, seed=s) for on in (0, 1) for s in (0, 1)]
    with_probe = train(FleetEngine(probed=True), task, trials)
    without = train(FleetEngine(), task, trials)
    for planned in trials:
        assert gap(with_probe[planned.key].curves, without[planned.key].curves) < 1e-4
        assert without[planned.key].health is None
        assert not any("probe" in name for name in with_probe[planned.key].curves)


def test_a_training_that_diverges_shows_where():
    """The last epoch that is kept is the first whose figures are not finite."""
    from suite.engines.fleet import FleetEngine

    task = small_task("churn")
    wild = trial("churn", optimizer="sgd", learning_rate=1e6, l2=0.01, epochs=6)
    outcome = train(FleetEngine(probed=True), task, [wild])[wild.key]
    assert outcome.status == "diverged"
    assert outcome.health.epochs == max(map(len, outcome.curves.values())) + 1
    assert None in [row[-1] for row in outcome.health.gradient]


def test_dead_and_saturated_units_are_counted_by_hand():
    """Known weights: of four ReLUs one never answers, of four tanhs two are beyond .95 always."""
    import keras

    from suite.anatomy import sites_of
    from suite.engines.fitprobe import FitProbe
    from suite.engines.sight import sight_of

    x = np.linspace(-1, 1, 32, dtype="float32")[:, None]
    split = type(small_task("churn").dataset.train)(x, x.copy())
    layers = [keras.layers.Dense(4, activation=name) for name in ("relu", "tanh")]
    model = keras.Sequential([keras.Input((1,)), *layers, keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model._symbolic_build(data_batch=(split.x, split.y))
    layers[0].set_weights([np.array([[1, 1, 1, 1]]), np.array([2, 2, 2, -5])])
    layers[1].set_weights([np.zeros((4, 4)), np.array([3, -3, 0.5, 0])])
    probe = FitProbe(model, split, 32)
    probe.look()
    from suite.anatomy import parts_of

    health = probe.health(parts_of(model))
    assert health.layers == ("dense 1", "dense 2", "dense 3")
    assert health.dead == ((0.25,), (1.0,), (None,))
    assert health.saturated == ((None,), (0.5,), (None,))
    assert sight_of(model, sites_of(model)).sites == [(0, "relu"), (2, "tanh")]


def test_health_survives_the_record(healths):
    """Encoded, decoded: the same."""
    from suite.line import decode, encode
    from suite.trial import Outcome, Status

    outcome = Outcome(
        trial("x"),
        Status.COMPLETED,
        "fleet",
        1.0,
        1,
        curves={"loss": [1.0]},
        health=healths["dense"],
    )
    assert decode(encode(outcome)) == outcome
    assert decode(encode(Outcome(trial("x"), Status.COMPLETED, "fleet", 1.0))).health is None
