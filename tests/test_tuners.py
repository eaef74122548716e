"""Tuners by name: each gives an oracle over the whole space that the budget alone ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import chain, pairwise
from statistics import fmean

import keras_tuner
import pytest

from suite.errors import UsageError
from suite.search.conversation import Conversation
from suite.search.spaces import choice
from suite.search.study import TUNERS
from suite.search.tuners import MAKERS, oracle_for, spread_seed

GOAL = keras_tuner.Objective("val_loss", "min")
KINDS = keras_tuner.engine.hyperparameters
Score = Callable[[Mapping[str, object]], float]


def space(*extra: object) -> keras_tuner.HyperParameters:
    """Four optimizers, two switches, six rates: 96 cells."""
    hp = keras_tuner.HyperParameters()
    hp.merge([choice("optimizer", ["sgd", "adam", "rmsprop", "nadam"])])
    hp.merge([choice("batch_norm", [False, True]), choice("bias", [False, True])])
    hp.merge([choice("rate", [0.001, 0.003, 0.01, 0.03, 0.1, 0.3]), *extra])
    return hp


def made(name: str, seed: int = 0, **parts: object) -> keras_tuner.Oracle:
    """An oracle over the space, with a small budget."""
    given = {"space": space(), "trials": 4, "epochs": 9, **parts}
    return oracle_for(name, GOAL, given.pop("space"), seed=seed, **given)


def loss(values: Mapping[str, object]) -> float:
    """Small for a rate of 0.03 with batch normalization."""
    return abs(float(values["rate"]) - 0.03) + 0.1 * (not values["batch_norm"])


def searched(
    oracle: keras_tuner.Oracle, rounds: int = 4, size: int = 4, score: Score = loss
) -> list[dict[str, object]]:
    """What the oracle asks for in rounds of `size`, told the truth."""
    talk = Conversation(oracle, seed=1)
    found = []
    for _ in range(rounds):
        asked = talk.ask(size)
        found += [dict(one.values) for one in asked]
        talk.tell({one.trial_id: score(one.values) for one in asked})
    return found


def test_every_tuner_has_a_meaning_and_an_oracle():
    """The names that a study file may use are those that can be made, and the other way round."""
    assert list(MAKERS) == list(TUNERS)
    assert all(TUNERS.values())


def test_an_unknown_tuner_offers_the_nearest():
    """One sentence."""
    with pytest.raises(UsageError, match=r"tuner='hyperban'\. Did you mean 'hyperband'\?"):
        made("hyperban")


@pytest.mark.parametrize("name", TUNERS)
def test_the_space_is_declared_beforehand(name):
    """A copy, so that no search changes another's; closed to what a build declares later."""
    given = space()
    oracle = made(name, space=given)
    assert oracle.get_space().get_config() == given.get_config()
    assert oracle.hyperparameters is not given
    assert not oracle.allow_new_entries
    assert not oracle.tune_new_entries
    assert oracle.objective == GOAL


@pytest.mark.parametrize("name", TUNERS)
def test_the_budget_ends_a_search_not_the_oracle(name):
    """Asked for more than `trials`, with every one of them failing, it goes on."""
    talk = Conversation(made(name), seed=1)
    for _ in range(3):
        asked = talk.ask(4)
        assert asked
        talk.tell({one.trial_id: None for one in asked})
    assert not talk.finished


@pytest.mark.parametrize("name", TUNERS)
def test_equal_seeds_search_alike_and_others_do_not(name):
    """Told the same, asked the same; seven trials in two dimensions reach the Gaussian process."""
    few = keras_tuner.HyperParameters()
    few.merge([own for own in space().space if own.name in ("batch_norm", "rate")])
    first, again, other = (
        searched(made(name, seed, space=few), rounds=7, size=1) for seed in (0, 0, 1)
    )
    assert first == again != other


@pytest.mark.parametrize("name", TUNERS)
def test_seed_0_is_a_seed(name):
    """KerasTuner takes 0 for none and draws one by chance."""
    assert made(name).seed == spread_seed(0) == 1


def test_no_two_repeats_share_a_stretch_of_random_numbers():
    """KerasTuner seeds value i of a search with seed + i: neighbouring seeds give shifted copies.

    Ten values a trial, 1,000 trials, 4,000 repeats: no seed lies within reach of another.
    """
    seeds = sorted(spread_seed(seed) for seed in range(4_000))
    assert seeds[0] >= 1
    assert seeds[-1] < 2**32
    assert min(b - a for a, b in pairwise(seeds)) > 10_000
    with pytest.raises(UsageError, match="seed=-1"):
        spread_seed(-1)


def test_repeats_of_random_search_are_independent():
    """Of 40 trials in a continuous space not one is tried again by one of the next ten repeats."""
    extra = [KINDS.Float(name, 0.0, 1.0) for name in ("a", "b")]

    def drawn(seed: int) -> set[object]:
        oracle = made("random", seed, space=space(*extra))
        return {oracle._random_values()["a"] for _ in range(40)}

    repeats = [drawn(seed) for seed in range(11)]
    assert len(set.union(*repeats)) == 11 * 40


def test_the_grid_is_shuffled():
    """A budget of a few trials sees more than one level of the first hyperparameter."""
    found = searched(made("grid"), rounds=2)
    assert len({str(values["optimizer"]) for values in found}) > 1
    assert len({float(values["rate"]) for values in found}) > 1


def test_hyperband_starts_short_and_goes_up_to_a_full_training():
    """One epoch first, nine at the end; a third goes on."""
    oracle = made("hyperband")
    assert (oracle.max_epochs, oracle.factor) == (9, 3)
    talk = Conversation(oracle, seed=1)
    lengths = []
    for _ in range(12):
        asked = talk.ask(8)
        lengths += [one.epochs for one in asked]
        talk.tell({one.trial_id: loss(one.values) for one in asked})
    assert lengths[0] == 1
    assert set(lengths) == {1, 3, 9}


def test_a_fixed_value_does_not_delay_the_gaussian_process():
    """KerasTuner tries three random trials a dimension; what cannot vary is no dimension."""
    fixed = [KINDS.Fixed(f"fixed {i}", i) for i in range(5)]
    oracle = made("bayesian", space=space(*fixed))
    assert oracle.num_initial_points == made("bayesian").num_initial_points == 12


def test_tpe_learns_from_what_it_is_told():
    """In a bowl over two dimensions, told batch by batch, its later trials lie lower by half."""
    bowl = keras_tuner.HyperParameters()
    bowl.merge([KINDS.Float(name, 0.0, 1.0) for name in ("a", "b")])

    def height(values: Mapping[str, object]) -> float:
        return (float(values["a"]) - 0.3) ** 2 + (float(values["b"]) - 0.7) ** 2

    def late(name: str) -> float:
        found = [searched(made(name, seed, space=bowl), 10, 4, height)[20:] for seed in range(5)]
        return fmean(height(values) for values in chain.from_iterable(found))

    assert late("tpe") < 0.5 * late("random")
