"""What each shipped study expects, on probes whose answer is known beforehand.

Two probes: a smooth surface that can be learned, and labels of pure noise that can only be
overfitted. Every claim is tested by the measure and the engine that the studies use.
"""

from __future__ import annotations

from functools import cache, lru_cache

import keras
import numpy as np
import pytest
from searching import KERAS_TUNERS_OWN, in_folder, usual
from support import train, trial

from suite import Data, Split, Task, Techniques
from suite.engines.fleet import FleetEngine
from suite.measures import objective_of
from suite.summary import Judged
from suite.trial import Outcome, Status

SEEDS = (0, 1, 2)
WIDTH = 16
JUDGED = Judged("probe", "r2", "mean_squared_error", "min", {"test": 0.0}, "mean")


def surface(rows: int, seed: int) -> Split:
    """A linear function of eight inputs, with a little noise; x (rows, 8), y (rows, 1)."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(rows, 8)).astype("float32")
    slope = np.linspace(-1, 1, 8, dtype="float32")[:, None]
    return Split(x, x @ slope + 0.1 * random.normal(size=(rows, 1)).astype("float32"))


def noise(rows: int, seed: int) -> Split:
    """Targets that have nothing to do with the inputs."""
    random = np.random.default_rng(seed)
    return Split(*(random.normal(size=(rows, n)).astype("float32") for n in (8, 1)))


class Probe(Task):
    """A regression by `depth` dense layers."""

    objective = "val_mean_squared_error"
    metric = "r2"
    epochs = 4
    make = staticmethod(surface)
    rows = 256

    def data(self, source: str) -> Data:  # noqa: ARG002  # there is one source
        """Three draws of the same surface."""
        splits = [self.make(rows, i) for i, rows in enumerate((self.rows, 128, 128))]
        words = {"name": "probe", "source": "drawn", "licence": "none", "trivial_name": "0"}
        return Data(*splits, trivial=np.zeros(1), **words)

    def build(self, hp):
        """Hidden layers of 16 (64 on noise), all by `Techniques`; one output."""
        use = Techniques(hp)
        width = WIDTH if self.make is surface else 4 * WIDTH
        hidden = [layer for _ in range(hp.Int("depth", 0, 12)) for layer in use.dense(width)]
        model = keras.Sequential([keras.Input((8,)), *use.input_dropout(), *hidden, use.output(1)])
        model.compile(use.optimizer(), "mean_squared_error", metrics=["mean_squared_error"])
        return model


class Noise(Probe):
    """Nothing to learn, and few rows."""

    make = staticmethod(noise)
    rows = 48


@cache
def engine() -> FleetEngine:
    """One engine for all."""
    return FleetEngine(probed=True)


@lru_cache
def task_of(kind: type[Task]) -> Task:
    """A probe with its data."""
    return kind()


def trained(kind: type[Task] = Probe, *recipes: dict, epochs: int = 4) -> list[list[Outcome]]:
    """The outcomes of each recipe on every seed, trained at once."""
    asked = [[trial("probe", seed, epochs, **own) for seed in SEEDS] for own in recipes]
    found = train(engine(), task_of(kind), [one for same in asked for one in same])
    return [[found[one.key] for one in same] for same in asked]


def decay(outcome: Outcome) -> float:
    """Powers of ten that the gradient loses from the last layer to the first, after epoch 1."""
    first, last = (outcome.health.gradient[i][0] for i in (0, -1))
    return float(np.log10(max(last, 1e-12) / max(first, 1e-12)))


def gap(outcome: Outcome) -> float:
    """Objective on validation less that on train, at the end."""
    return outcome.curves["val_mean_squared_error"][-1] - outcome.curves["mean_squared_error"][-1]


def final(outcome: Outcome) -> float:
    """The last objective on validation."""
    return float(objective_of(outcome, JUDGED)[-1])


def test_a_deep_sigmoid_net_vanishes_and_relu_and_batch_normalization_cure_it():
    """`gradients`: three powers of ten and more are lost in eight layers of sigmoid units."""
    deep = {"depth": 8, "optimizer": "sgd", "learning_rate": 1e-4}
    sigmoid, relu, normed = trained(
        Probe,
        {**deep, "activation": "sigmoid"},
        {**deep, "activation": "relu", "initializer": "he_normal"},
        {**deep, "activation": "sigmoid", "batch_norm": True},
        epochs=1,
    )
    assert min(map(decay, sigmoid)) > 3
    assert max(map(decay, relu)) < 1
    assert max(map(decay, normed)) < 1.5


def test_he_over_narrow_normal_numbers_starts_better_in_a_deep_relu_net():
    """`initializers`: with He's numbers eight layers learn; from 0.01 they stay where they are."""
    deep = {"depth": 8, "learning_rate": 0.003}
    he, narrow, zeros = trained(
        Probe,
        {**deep, "initializer": "he_normal"},
        {**deep, "initializer": "random_normal_0.01"},
        {**deep, "initializer": "zeros"},
        epochs=10,
    )
    for one, two, none in zip(he, narrow, zeros, strict=True):
        assert final(one) < 0.5 * final(two)
        assert final(none) == pytest.approx(final(two), rel=0.2)


def test_l1_zeroes_weights_and_l2_merely_shrinks_them():
    """`regularization`: the share of weights below a thousandth."""
    base = {"depth": 2, "learning_rate": 0.01, "optimizer": "sgd"}
    none, l1, l2 = trained(Probe, base, {**base, "l1": 0.05}, {**base, "l2": 0.05}, epochs=30)
    for plain, absolute, square in zip(none, l1, l2, strict=True):
        assert absolute.metrics["sparsity"] > 0.1
        assert plain.metrics["sparsity"] < 0.05
        assert absolute.metrics["sparsity"] > 2 * square.metrics["sparsity"]


def test_full_batch_descent_on_a_convex_probe_is_monotone_and_single_rows_are_not():
    """`gradient_descent`: a linear model; every step of the whole gradient goes down."""
    convex = {"depth": 0, "optimizer": "sgd"}
    whole, single = trained(
        Probe,
        {**convex, "batch_size": 0, "learning_rate": 0.1},
        {**convex, "batch_size": 1, "learning_rate": 0.02},
        epochs=20,
    )
    for smooth, rough in zip(whole, single, strict=True):
        assert (np.diff(smooth.curves["loss"]) < 0).all()
        held, slower = (own.curves["val_mean_squared_error"] for own in (rough, smooth))
        assert (np.diff(held) > 0).any()
        assert held[0] < slower[0]


def test_dropout_reduces_the_gap_where_there_is_nothing_but_noise_to_learn():
    """`dropout`: of inputs and of hidden units alike."""
    base = {"depth": 2, "learning_rate": 0.003, "batch_size": 16}
    none, hidden, inputs = trained(
        Noise, base, {**base, "dropout": 0.5}, {**base, "input_dropout": 0.5}, epochs=40
    )
    for plain, dropped, blurred in zip(none, hidden, inputs, strict=True):
        assert gap(dropped) < gap(plain)
        assert gap(blurred) < gap(plain)


def test_batch_normalization_lowers_the_dependence_on_the_initializer():
    """`batch_norm`: the range of the objective over four starts, in six layers."""
    starts = ("glorot_uniform", "he_normal", "random_normal_0.01", "random_normal_1")
    base = {"depth": 6, "learning_rate": 0.01}
    recipes = [{**base, "batch_norm": on, "initializer": s} for on in (False, True) for s in starts]
    found = trained(Probe, *recipes)
    ends = np.array([[objective_of(own, JUDGED).min() for own in same] for same in found])
    without, normed = (np.ptp(np.log(own), axis=0) for own in (ends[:4], ends[4:]))
    assert (normed < without).all()


def test_too_small_a_learning_rate_is_slow_and_too_large_a_one_diverges():
    """`learning_rates`: on the convex probe the largest rate that descends is known, 2 / 1."""
    base = {"depth": 0, "optimizer": "sgd"}
    slow, fit, wild = trained(
        Probe, *({**base, "learning_rate": rate} for rate in (1e-4, 0.05, 100.0)), epochs=20
    )
    for one, two, three in zip(slow, fit, wild, strict=True):
        assert final(one) > 10 * final(two)
        assert three.status is Status.DIVERGED


def test_a_falling_rate_ends_closer_than_a_constant_one():
    """`learning_rates`: what noise keeps a constant rate from, a cosine comes down to."""
    base = {"depth": 0, "optimizer": "sgd", "learning_rate": 0.1, "batch_size": 4}
    constant, cosine = trained(Probe, base, {**base, "schedule": "cosine"}, epochs=20)
    assert np.mean(list(map(final, cosine))) < np.mean(list(map(final, constant)))


@pytest.mark.parametrize("optimizer", ["sgd", "nesterov", "adam", "lion"])
def test_every_layer_moves(optimizer):
    """`weight_updates`: no layer's update-to-weight ratio is 0 in any epoch."""
    ((own, *_),) = trained(Probe, {"depth": 2, "optimizer": optimizer, "learning_rate": 0.003})
    assert np.array(own.health.update, float).min() > 1e-6


@pytest.mark.filterwarnings(KERAS_TUNERS_OWN[0])
@pytest.mark.filterwarnings(KERAS_TUNERS_OWN[1])
def test_random_search_finds_the_optimum_of_a_synthetic_space(tmp_path):
    """`tuning`: of 24 cells, 40 draws of random search come upon the best one or its neighbour."""
    import keras_tuner

    hp = keras_tuner.HyperParameters()
    hp.Choice("learning_rate", [1e-4, 1e-3, 1e-2, 1e-1])
    hp.Choice("dropout", [0.0, 0.1, 0.2, 0.3, 0.4, 0.5])
    oracle = keras_tuner.oracles.RandomSearchOracle(max_trials=20, **usual(hp))
    in_folder(oracle, tmp_path)
    losses = []
    for number in range(20):
        asked = oracle.create_trial(f"tuner{number}").hyperparameters.values
        losses.append(abs(np.log10(asked["learning_rate"]) + 2) + abs(asked["dropout"] - 0.3))
    assert min(losses) < 0.11
