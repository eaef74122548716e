"""Hulls: a member trained in one gives what it gives alone."""

from __future__ import annotations

import jax
import keras
import numpy as np
import pytest
from support import Silent, gap, small_task, train, trial

from suite.blueprint import draw_up, hyperparameters
from suite.engines.fleet import FleetEngine
from suite.engines.traced import uniforms_among
from suite.families import group
from suite.hull import Hull
from suite.task import Task
from suite.techniques import Techniques

CLOSE = 2e-4


def in_one_hull(task, trials, probes: int = 2) -> None:
    """Train `trials` in a single program, and the first `probes` alone; the curves must agree."""
    families, refusals = group(task, task.dataset, trials)
    assert not refusals
    assert len(families) > 1
    engine = FleetEngine()
    port = engine.port(task, expected=len(trials))
    together = {o.trial.key: o for chunk in port.train(trials, Silent()) for o in chunk}
    assert len(port.berths.all) == 1, "the families were not merged"
    for one in trials[:probes]:
        alone = train(FleetEngine(), task, [one])[one.key]
        assert together[one.key].status == alone.status, together[one.key].message
        assert gap(together[one.key].curves, alone.curves) < CLOSE, one.recipe
        assert together[one.key].metrics == pytest.approx(alone.metrics, abs=2e-3)


def test_units_depth_batch_norm_and_momentum_share_a_program(churn):
    """Dropout on: a narrow layer draws the numbers that it draws alone."""
    common = {"learning_rate": 0.01, "dropout": 0.3, "l2": 1e-3}
    in_one_hull(
        churn,
        [
            trial("churn", units=16, depth=1, optimizer="sgd", **common),
            trial("churn", units=48, depth=3, optimizer="momentum", batch_norm=True, **common),
            trial("churn", units=32, depth=2, optimizer="momentum", seed=1, **common),
            trial("churn", units=64, depth=1, optimizer="sgd", batch_norm=True, **common),
        ],
    )


def test_adam_adamw_and_clipping_share_a_program(churn):
    """They differ in numbers: weight decay, and the largest norm of a gradient."""
    in_one_hull(
        churn,
        [
            trial("churn", optimizer="adam", units=16),
            trial("churn", optimizer="adamw", units=32, learning_rate=0.01),
            trial("churn", optimizer="adam", clipnorm=0.1, units=32),
        ],
    )


@pytest.mark.parametrize(
    "activation",
    ["sigmoid", *(pytest.param(name, marks=pytest.mark.slow) for name in ("tanh", "gelu"))],
)
def test_units_that_a_layer_lacks_stay_silent_whatever_the_activation(churn, activation):
    """The sigmoid of 0 is one half: a mask keeps it from the layers behind."""
    in_one_hull(
        churn,
        [
            trial("churn", units=16, depth=1, activation=activation, l1=1e-3, dropout=0.2),
            trial("churn", units=48, depth=3, activation=activation, l1=1e-4, dropout=0.2),
        ],
    )


def test_activations_share_a_program(churn):
    """Each is a layer that the others step over."""
    in_one_hull(
        churn, [trial("churn", activation=name, units=16) for name in ("relu", "sigmoid", "selu")]
    )


def test_filters_share_a_program_through_the_flattening(monkeypatch):
    """Behind `Flatten` a narrow image's features are scattered among the hull's."""
    task = small_task("digits")
    monkeypatch.setattr("suite.engines.size.COMPILE_SECONDS", 60.0)
    in_one_hull(
        task,
        [
            trial("digits", filters=4, dropout=0.2, epochs=2),
            trial("digits", filters=12, batch_norm=True, dropout=0.2, epochs=2),
        ],
        probes=1,
    )


class Own(Task):
    """A user's model with fused activations, biases on and off, and names of its own."""

    objective = "val_loss"
    metric = "roc_auc"

    def __init__(self, data, extra) -> None:
        super().__init__()
        self.__dict__["dataset"] = data
        self.extra = extra

    def build(self, hp):
        units = hp.Int("units", 4, 32, default=8)
        bias = hp.Boolean("bias", default=True)
        layers = [
            keras.layers.Dense(units, activation="softplus", use_bias=bias),
            *self.extra(),
            keras.layers.Dense(units // 2, activation="tanh"),
        ]
        output = keras.layers.Dense(1, activation="sigmoid")
        model = keras.Sequential([keras.Input(self.input_shape), *layers, output])
        model.compile(Techniques(hp).optimizer(), "binary_crossentropy")
        return model


def test_a_users_own_layers_are_merged_too(churn):
    """Softplus of 0 is not 0, and one of the models has no bias."""
    task = Own(churn.dataset, list)
    in_one_hull(
        task, [trial("own", units=8), trial("own", units=20, bias=False), trial("own", units=6)]
    )


@pytest.mark.parametrize(
    "extra",
    [
        lambda: [keras.layers.LayerNormalization()],
        pytest.param(lambda: [keras.layers.Activation("softmax")], marks=pytest.mark.slow),
    ],
    ids=["layer normalization", "softmax"],
)
def test_what_looks_at_all_units_keeps_its_own_program(churn, extra):
    """Zeros beside its units would change it; the outcomes are right all the same."""
    task = Own(churn.dataset, extra)
    trials = [trial("own", units=8), trial("own", units=20)]
    port = FleetEngine().port(task, expected=2)
    together = {o.trial.key: o for chunk in port.train(trials, Silent()) for o in chunk}
    assert len(port.berths.all) == 2
    for one in trials[:1]:
        alone = train(FleetEngine(), task, [one])[one.key]
        assert gap(together[one.key].curves, alone.curves) < CLOSE


@pytest.mark.parametrize("live", [[1, 1, 0, 0, 0], [0, 1, 0, 1, 1], [1, 1, 1, 1, 1]])
def test_a_padded_layer_draws_the_numbers_of_the_layer_without_padding(live):
    """Bit for bit: the live columns are `jax.random.uniform` of the narrow shape."""
    mask = np.array(live, np.float32)
    key = jax.random.PRNGKey(7)
    drawn = np.asarray(uniforms_among(key, jax.numpy.asarray(mask), 6, np.float32))
    narrow = np.asarray(jax.random.uniform(key, (6, int(mask.sum())), np.float32))
    np.testing.assert_array_equal(drawn[:, mask > 0], narrow)


def test_a_members_weights_come_back_in_its_own_models_shapes(churn):
    """Set on a model that was built afresh, they give the recorded objective."""
    trials = [
        trial("churn", units=16, depth=1, batch_norm=True),
        trial("churn", units=48, depth=3),
    ]
    weights: dict[str, list] = {}
    port = FleetEngine().port(churn, weights=weights, expected=2)
    outcomes = {o.trial.key: o for chunk in port.train(trials, Silent()) for o in chunk}
    for one in trials:
        model = draw_up(churn, one.hp, churn.dataset).model
        model.set_weights(weights[one.key])
        val = churn.dataset.val
        logs = model.evaluate(val.x, val.y, batch_size=1024, verbose=0, return_dict=True)
        recorded = outcomes[one.key].metrics["val.binary_crossentropy"]
        assert logs["binary_crossentropy"] == pytest.approx(recorded, rel=1e-4)


def test_a_hull_takes_in_later_models_that_fit_and_no_others(churn):
    """A narrower one is seated as it is; a wider one is a misfit."""
    from suite.hull import Misfit

    def families(*trials):
        return group(churn, churn.dataset, trials)[0]

    hull = Hull(families(trial("churn", units=48, depth=2), trial("churn", units=16, depth=1)))
    (later,) = families(trial("churn", units=32, depth=2))
    (member,) = hull.seat(later)
    assert [start.shape for start in member.starts] == [
        tuple(v.shape) for v in hull.blueprint.model.weights
    ]
    for misfit in (trial("churn", units=64, depth=2), trial("churn", units=16, depth=3)):
        with pytest.raises(Misfit):
            hull.seat(families(misfit)[0])


def test_merging_pays_or_does_not_happen(churn, monkeypatch):
    """Where compiling costs nothing nothing is merged; where it costs much everything is."""
    trials = [trial("churn", units=u, batch_norm=b) for u in (16, 48) for b in (False, True)]
    for seconds, berths in ((0.0, 4), (1e6, 1)):
        monkeypatch.setattr("suite.engines.size.COMPILE_SECONDS", seconds)
        port = FleetEngine().port(churn)
        families, _ = group(churn, churn.dataset, trials)
        port.berths.legs(families, None)
        assert len(port.berths.all) == berths


def test_hyperparameters_are_values_alone():
    """`hyperparameters` holds what it is given."""
    assert hyperparameters({"units": 8}).values == {"units": 8}
