"""Aligning the layers of sequential models: which layers share a slot of a hull."""

from __future__ import annotations

import keras
import pytest

from suite.hull import skeleton
from suite.skeleton import aligned

LAYERS = keras.layers


def dense(*blocks: keras.layers.Layer) -> list:
    """The layers of a model of eight inputs and one output."""
    model = keras.Sequential([keras.Input((8,)), *blocks, LAYERS.Dense(1, activation="sigmoid")])
    return skeleton(model)


def block(units: int, *, norm: bool = False, activation: str = "relu") -> list:
    """A hidden layer as `Techniques.dense` makes it."""
    after = [LAYERS.BatchNormalization()] if norm else []
    return [
        LAYERS.Dense(units, use_bias=not norm),
        *after,
        LAYERS.Activation(activation),
        LAYERS.Dropout(0.1),
    ]


def placed(slots, number: int) -> list[int]:
    """The slots that hold a layer of model `number`."""
    return [i for i, slot in enumerate(slots) if number in slot.places]


def test_a_shallower_model_lacks_the_last_hidden_layers():
    """So it can leave the hull early, and no gate has to step over what it lacks."""
    deep, shallow = dense(*block(16), *block(8)), dense(*block(4))
    slots = aligned([deep, shallow])
    assert [slot.layer.class_name for slot in slots] == [layer.class_name for layer in deep]
    assert placed(slots, 1) == [0, 1, 2, 3, len(slots) - 1]
    assert [slot.width for slot in slots if slot.layer.class_name == "Dense"] == [16, 8, 1]


def test_a_layer_that_one_model_has_gets_a_slot_of_its_own():
    """Batch normalization on and off, two activations: everything else is shared."""
    slots = aligned([dense(*block(8)), dense(*block(8, norm=True, activation="tanh"))])
    shared = [slot.layer.class_name for slot in slots if len(slot.places) == 2]
    alone = sorted(slot.layer.class_name for slot in slots if len(slot.places) == 1)
    assert shared == ["InputLayer", "Dense", "Dropout", "Dense"]
    assert alone == ["Activation", "Activation", "BatchNormalization"]


def test_the_widest_layer_decides_whatever_the_order():
    """Each slot is as wide as its widest layer."""
    models = [dense(*block(units)) for units in (4, 32, 16)]
    assert [slot.width for slot in aligned(models)][1] == 32


@pytest.mark.parametrize(
    "other",
    [
        keras.Sequential([keras.Input((8,)), LAYERS.Dense(4), LAYERS.Dense(2)]),
        keras.Sequential([keras.Input((9,)), LAYERS.Dense(4), LAYERS.Dense(1, "sigmoid")]),
        keras.Sequential(
            [
                keras.Input((8,)),
                LAYERS.Dense(4),
                LAYERS.LayerNormalization(),
                LAYERS.Dense(1, activation="sigmoid"),
            ]
        ),
    ],
    ids=["another output", "another input", "a layer that cannot be stepped over"],
)
def test_models_without_a_common_hull_are_told_apart(other):
    """None, and each keeps its own program."""
    assert aligned([dense(*block(4)), skeleton(other)]) is None
