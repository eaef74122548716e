"""Initial weights: Keras' distributions, from numbers that depend on the seed alone."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from suite.blueprint import draw_up
from suite.factors import INITIALIZERS
from suite.seeding import batch_order, dropout_state, weight_uniforms
from suite.techniques import initializer_of
from suite.weights import WeightSpec, initial_weight, reset, seed_generators, start_of

SHAPE = (3, 3, 20, 60)


def spec_of(initializer: keras.initializers.Initializer, shape=SHAPE, number=0) -> WeightSpec:
    """How a variable of that initializer starts."""
    return start_of(keras.Variable(np.zeros(shape, "float32")), initializer, number)


RANDOM = [name for name in INITIALIZERS if name != "zeros"]


@pytest.mark.parametrize("name", RANDOM)
def test_the_distribution_is_the_one_of_keras(name):
    """Mean, spread, quantiles and bounds agree with what Keras' own initializer draws."""
    initializer = keras.initializers.get(initializer_of(name))
    ours = initial_weight(spec_of(initializer), seed=0)
    config = {**initializer.get_config(), "seed": 1}
    theirs = keras.ops.convert_to_numpy(type(initializer).from_config(config)(SHAPE))
    assert ours.shape == SHAPE
    assert ours.dtype == np.float32
    scale = theirs.std()
    assert abs(ours.mean() - theirs.mean()) < 0.05 * scale
    assert ours.std() == pytest.approx(scale, rel=0.03)
    quantiles = np.linspace(0.01, 0.99, 25)
    assert np.allclose(
        np.quantile(ours, quantiles), np.quantile(theirs, quantiles), atol=0.1 * scale
    )
    if not name.startswith(("random_normal", "orthogonal")):  # all others end at a bound
        assert np.abs(ours).max() == pytest.approx(np.abs(theirs).max(), rel=0.01)


def test_orthogonal_is_orthogonal():
    """The columns of the flattened kernel are orthonormal."""
    kernel = initial_weight(spec_of(keras.initializers.Orthogonal(), (40, 30)), seed=3)
    assert np.allclose(kernel.T @ kernel, np.eye(30), atol=1e-5)


def test_two_initializers_of_one_seed_are_paired():
    """He and Glorot shape the same numbers: their ranks are the same, element by element."""
    he = initial_weight(spec_of(keras.initializers.HeNormal()), seed=5)
    glorot = initial_weight(spec_of(keras.initializers.GlorotUniform()), seed=5)
    assert (he.ravel().argsort() == glorot.ravel().argsort()).mean() > 0.999


def test_seeds_and_variables_differ():
    """Another seed, or another variable, is drawn from other numbers."""
    spec = spec_of(keras.initializers.HeNormal())
    again = initial_weight(spec_of(keras.initializers.HeNormal()), seed=0)
    assert (initial_weight(spec, 0) == again).all()
    assert not np.allclose(initial_weight(spec, 0), initial_weight(spec, 1))
    other = spec_of(keras.initializers.HeNormal(), number=1)
    assert not np.allclose(initial_weight(spec, 0), initial_weight(other, 0))


def test_the_rules_of_the_seed_are_as_documented():
    """Order, weights and dropout states follow from numpy by the rules that the docs give."""
    order = np.random.default_rng([7, 2]).permutation(100)[:96].reshape(3, 32)
    assert (batch_order(7, 2, 100, 32) == order).all()
    assert (weight_uniforms(7, 4, (2, 3)) == np.random.default_rng([7, 1, 4]).random((2, 3))).all()
    word = np.random.SeedSequence([7, 2, 0]).generate_state(1)[0]
    assert dropout_state(7, 0) == word >> 1


def test_a_custom_initializer_is_asked_itself():
    """An initializer outside the known families still starts from the seed."""

    @keras.saving.register_keras_serializable("tests")
    class Shifted(keras.initializers.Initializer):
        def __call__(self, shape, dtype=None):
            return 5 + keras.random.normal(shape, dtype=dtype)

    first, again, other = (initial_weight(spec_of(Shifted(), (50, 4)), s) for s in (0, 0, 1))
    assert (first == again).all()
    assert not np.allclose(first, other)
    assert first.mean() == pytest.approx(5, abs=0.5)


def test_batch_normalization_shifts_no_draw(churn):
    """The same kernels start from the same numbers with and without batch normalization."""
    plain, normed = (draw_up(churn, {"batch_norm": on}, churn.dataset) for on in (False, True))
    kernels = [
        [s for s in blueprint.starts if isinstance(s, WeightSpec)] for blueprint in (plain, normed)
    ]
    assert kernels[0] == kernels[1]
    assert len(kernels[0]) == 3


def test_dropout_layers_keep_their_numbers_at_rate_zero(churn):
    """A layer's random numbers do not depend on whether another layer's rate is zero."""
    on = draw_up(churn, {"dropout": 0.5}, churn.dataset)
    assert [number for number, _ in seed_generators(on.model)] == [0, 1]
    reset(on.model, on.starts, seed=9)
    states = [keras.ops.convert_to_numpy(state.value) for _, state in seed_generators(on.model)]
    assert [list(state) for state in states] == [[dropout_state(9, n), 0] for n in (0, 1)]
