"""Aligning the layers of sequential models: which layers share a slot of a hull."""

from __future__ import annotations

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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


blocks = st.tuples(st.integers(1, 6), st.booleans(), st.sampled_from(["relu", "tanh", "sigmoid"]))


@settings(max_examples=15, deadline=None)
@given(recipes=st.lists(st.lists(blocks, max_size=3), min_size=2, max_size=3))
def test_every_layer_has_one_slot_and_the_order_stays(recipes):
    """Slots hold layers of one kind, none narrower than its layers; the ends are shared by all."""
    models = [
        dense(*(own for u, norm, name in recipe for own in block(u, norm=norm, activation=name)))
        for recipe in recipes
    ]
    slots = aligned(models)
    for number, layers in enumerate(models):
        own = [slot for slot in slots if number in slot.places]
        assert [slot.places[number] for slot in own] == list(range(len(layers)))
        for slot, layer in zip(own, layers, strict=True):
            assert slot.layer.kind == layer.kind
            assert slot.width >= layer.width
    for end in (slots[0], slots[-1]):
        assert len(end.places) == len(models)
    assert slots[-1].width == 1
    assert all(slot.places for slot in slots)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (LAYERS.Dense(4), LAYERS.Dense(4, trainable=False)),
        (LAYERS.Dense(4), LAYERS.Dense(4, dtype="mixed_bfloat16")),
        (LAYERS.Dense(4), LAYERS.Dense(4, kernel_regularizer="l2")),
        (LAYERS.Dense(4, "softmax"), LAYERS.Dense(5, "softmax")),
        (LAYERS.Dense(4, kernel_constraint="unit_norm"), LAYERS.Dense(5)),
        (LAYERS.BatchNormalization(), LAYERS.BatchNormalization(momentum=0.5)),
    ],
    ids=["frozen", "precision", "penalty", "softmax", "constraint", "momentum"],
)
def test_layers_that_compute_differently_share_no_slot(one, other):
    """Names, initializers, widths, biases and strengths are numbers; nothing else is."""
    first, second = (dense(made)[1] for made in (one, other))
    assert first.kind != second.kind


def test_layers_that_differ_in_numbers_share_a_slot():
    """Width, bias, initializer, the strength of a penalty."""
    one = LAYERS.Dense(4, kernel_regularizer="l2", name="first")
    other = LAYERS.Dense(
        9, use_bias=False, kernel_initializer="he_normal", kernel_regularizer="l1", name="second"
    )
    assert dense(one)[1].kind == dense(other)[1].kind


def test_the_cell_of_a_recurrent_layer_counts_among_those_that_draw_numbers():
    """So dropout behind it draws in a hull what it draws in the model itself."""
    recurrent = keras.Sequential(
        [keras.Input((5, 3)), LAYERS.GRU(2), LAYERS.Dropout(0.1), LAYERS.Dense(1)]
    )
    layers = skeleton(recurrent)
    assert [layer.random for layer in layers] == [0, 1, 1, 0]
    assert [layer.draws for layer in layers] == [0, 0, 1, 2]
