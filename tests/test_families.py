"""Families: what differs in numbers alone shares a program; whatever else differs does not."""

from __future__ import annotations

from itertools import product

import keras
import pytest
from support import trial

from suite.families import group
from suite.task import Task
from suite.techniques import Techniques

MATRIX = list(
    product(
        ("random_normal", "glorot_uniform", "he_normal"),
        ("sgd", "adam", "rmsprop"),
        (0.0, 0.3),
        (False, True),
        (0.0, 1e-4),
        (0.0, 1e-3),
    )
)
NAMES = ("initializer", "optimizer", "dropout", "batch_norm", "l1", "l2")


def test_the_matrix_falls_into_optimizer_times_batch_norm(churn):
    """144 recipes on 2 seeds make exactly 6 families: 3 optimizers x batch norm."""
    trials = [
        trial("churn", seed=seed, **dict(zip(NAMES, cell, strict=True)))
        for cell in MATRIX
        for seed in (0, 1)
    ]
    families, refusals = group(churn, churn.dataset, trials)
    assert not refusals
    assert sorted(len(family.members) for family in families) == [48] * 6
    for family in families:
        same = {(m.trial.hp["optimizer"], m.trial.hp["batch_norm"]) for m in family.members}
        assert len(same) == 1
        assert "rate/0" in family.varying
        assert "learning_rate" not in family.varying  # the same for all members here


@pytest.mark.parametrize(
    "change",
    [
        {"activation": "tanh"},
        {"batch_size": 64},
        {"batch_norm": True},
        {"optimizer": "rmsprop"},
        {"optimizer": "momentum"},
    ],
)
def test_a_difference_of_structure_splits(churn, change):
    """Another activation, batch size or optimizer is another structure."""
    families, _ = group(churn, churn.dataset, [trial("churn"), trial("churn", **change)])
    assert len(families) == 2


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"clipnorm": 1.0}),
        ({}, {"optimizer": "adamw"}),
        ({"optimizer": "sgd"}, {"optimizer": "momentum"}),
    ],
)
def test_an_optimizers_numbers_are_knobs(churn, one, other):
    """Clipping, weight decay and momentum differ in numbers: the family is one."""
    families, _ = group(churn, churn.dataset, [trial("churn", **one), trial("churn", **other)])
    assert len(families) == 1
    assert set(families[0].varying) & {"clipnorm", "weight_decay", "momentum"}


def test_epochs_do_not_split(churn):
    """A program trains an epoch; trials of different length are one family."""
    families, _ = group(churn, churn.dataset, [trial("churn", epochs=e) for e in (1, 2)])
    assert len(families) == 1
    assert families[0].epochs == 2


class Odd(Task):
    """Builds what no config describes, or does not build."""

    objective = "val_loss"

    def build(self, hp):
        use = Techniques(hp)
        if hp.Boolean("broken"):
            raise ValueError("no such model")

        class Free(keras.Model):
            def __init__(self) -> None:
                super().__init__()
                self.out = keras.layers.Dense(1)
                self.scale = use.values["l2"]  # in no config

            def call(self, x):
                return self.out(x) * (1 + self.scale)

        model = Free()
        model.compile(use.optimizer(), "mse")
        return model


def test_a_subclassed_model_fleets_over_its_seeds_alone(churn):
    """Nothing is assumed of a model without a config: each recipe is a family of its seeds."""
    odd = Odd()
    trials = [trial("odd", seed=s, l2=level) for level in (0.0, 0.5) for s in (0, 1, 2)]
    families, refusals = group(odd, churn.dataset, trials)
    assert not refusals
    assert [len(family.members) for family in families] == [3, 3]


def test_a_recipe_that_does_not_build_is_refused_with_its_trials(churn):
    """The other recipes go on."""
    odd = Odd()
    trials = [trial("odd", seed=s, broken=b) for b in (True, False) for s in (0, 1)]
    families, (refusal,) = group(odd, churn.dataset, trials)
    assert len(families) == 1
    assert [t.key for t in refusal.trials] == [trials[0].key, trials[1].key]
    assert "no such model" in str(refusal.error)


class Forked(Task):
    """A model of the functional API, with two branches."""

    objective = "val_loss"

    def build(self, hp):
        use = Techniques(hp)
        x = keras.Input((40,))
        left, right = (keras.layers.Dense(8, **use.kernel())(x) for _ in range(2))
        joined = use.dropout()(keras.layers.Concatenate()([left, right]))
        model = keras.Model(x, use.output(1, "sigmoid")(joined))
        model.compile(use.optimizer(), "binary_crossentropy")
        return model


def test_functional_models_share_a_program_across_recipes(churn):
    """Their layer names change from build to build; their structure does not."""
    trials = [trial("forked", dropout=d, l2=l2) for d in (0.0, 0.5) for l2 in (0.0, 0.1)]
    families, refusals = group(Forked(), churn.dataset, trials)
    assert not refusals
    assert [len(family.members) for family in families] == [4]
