"""Levels and cells of a space: each once, none left out, and all such as KerasTuner gives them."""

from __future__ import annotations

import keras_tuner
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from keras_tuner.src.engine.conditions import Parent
from searching import CONDITIONAL_CELLS, conditional_space, space_of_96

from suite.search.cells import Cells, Steps, completed, levels, own_values, point, spaced

KINDS = keras_tuner.engine.hyperparameters
STEPPED = [
    KINDS.Int("n", 6, 13, step=3),
    KINDS.Int("n", 1, 9),
    KINDS.Int("n", 2, 32, step=2, sampling="log"),
    KINDS.Int("n", 1, 1000, step=10, sampling="log"),
    KINDS.Int("n", 2, 32, step=2, sampling="reverse_log"),
    KINDS.Float("x", 0.0, 1.0, step=0.1),
    KINDS.Float("x", 0.001, 10.0, step=10, sampling="log"),
    KINDS.Float("x", 1.0, 16.0, step=2, sampling="reverse_log"),
    KINDS.Float("x", 0.5, 0.5, step=0.1),
]
LISTED = [
    KINDS.Boolean("b"),
    KINDS.Fixed("f", 3),
    KINDS.Choice("c", ["a", "b"]),
    KINDS.Choice("c", [3, 1, 2]),
    KINDS.Int("n", 2, 9, sampling="log"),
    KINDS.Int("n", 2, 9, sampling="reverse_log"),
]


@pytest.mark.parametrize("own", [*STEPPED, *LISTED], ids=repr)
def test_finite_levels_are_those_that_keras_tuner_samples(own):
    """Same values, same types, none twice: its whole range of probabilities gives no other."""
    sampled = {own.prob_to_value(share / 997) for share in range(997)}
    found = list(levels(own, points=5))
    assert set(found) == sampled
    assert len(found) == len(sampled)
    assert {type(value) for value in found} == {type(value) for value in sampled}


@pytest.mark.parametrize("own", STEPPED, ids=repr)
def test_the_nearest_step_of_a_step_is_itself(own):
    """Rounding does not move it, and a value beside it belongs to it."""
    steps = Steps(own)
    for at, value in enumerate(steps):
        assert steps.nearest(value) == at
        assert steps.nearest(value * (1 + 1e-9)) == at
    assert steps[-1] == steps[len(steps) - 1]
    assert steps[:2] == list(steps)[:2]


def test_a_continuous_number_has_points_from_end_to_end():
    """Evenly spaced in its own sampling."""
    linear = levels(KINDS.Float("x", 0.0, 0.6), 4)
    log = levels(KINDS.Float("x", 1e-4, 1.0, sampling="log"), 5)
    mirrored = levels(KINDS.Float("x", 1.0, 100.0, sampling="reverse_log"), 3)
    assert linear == pytest.approx([0.0, 0.2, 0.4, 0.6])
    assert log == pytest.approx([1e-4, 1e-3, 1e-2, 1e-1, 1.0])
    assert mirrored == pytest.approx([1.0, 91.0, 100.0])
    assert (log[0], log[-1]) == (1e-4, 1.0)


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (KINDS.Int("n", 1, 10_000, sampling="log"), [1, 10, 100, 1000, 10_000]),
        (KINDS.Int("n", 0, 1000), [0, 250, 500, 750, 1000]),
        (KINDS.Int("n", 0, 1003, step=2), [0, 250, 500, 752, 1002]),
        (KINDS.Int("n", 1, 100), list(range(1, 101))),
        (KINDS.Int("n", 7, 7, sampling="log"), [7]),
    ],
    ids=repr,
)
def test_a_number_with_too_many_values_is_thinned(own, expected):
    """Only above `most`, and never to a value that it does not have."""
    found = list(levels(own, points=5, most=100))
    assert found == expected
    assert all(type(value) is int for value in found)


def test_two_points_are_the_two_ends():
    """The fewest that a range can have; one where they are the same."""
    assert spaced(KINDS.Float("x", 1.0, 2.0), 2) == [1.0, 2.0]
    assert spaced(KINDS.Float("x", 1.0, 1.0), 2) == [1.0]


def test_cells_of_a_plain_space_are_its_product():
    """In the order of nested loops, the last hyperparameter fastest."""
    cells = list(Cells(space_of_96().space, points=5))
    assert len(cells) == len(set(map(point, cells))) == 96
    assert cells[1] == {"optimizer": "sgd", "batch_norm": False, "l2": 0.0, "units": 16}


def test_conditions_are_kept():
    """A cell has the values that its conditions admit and no others, namesakes apart."""
    cells = list(Cells(conditional_space().space, points=5))
    assert len(cells) == len(set(map(point, cells))) == CONDITIONAL_CELLS
    for cell in cells:
        assert ("momentum" in cell) == (cell["optimizer"] == "sgd")
        assert ("width" in cell) == cell["deep"]
        assert cell["rate"] in {"sgd": [0.1, 1.0], "adam": [0.001, 0.01, 0.1]}[cell["optimizer"]]


def test_of_two_active_namesakes_the_first_counts():
    """There is one value to a name."""
    hp = keras_tuner.HyperParameters()
    hp.Choice("a", [1, 2])
    with hp.conditional_scope("a", [1]):
        hp.Choice("b", ["x", "y"])
    with hp.conditional_scope("a", [1, 2]):
        hp.Choice("b", ["z"])
    found = [(cell["a"], cell["b"]) for cell in Cells(hp.space, points=2)]
    assert found == [(1, "x"), (1, "y"), (2, "z")]


def test_a_vast_space_is_counted_and_numbered_at_once():
    """10 ** 60 cells are not listed; each can be made."""
    hp = keras_tuner.HyperParameters()
    for number in range(30):
        hp.Int(f"n{number}", 0, 99)
    cells = Cells(hp.space, points=5)
    assert cells.count == 10**60
    assert set(cells.cell(10**60 - 1).values()) == {99}
    assert set(cells.cell(0).values()) == {0}


def test_what_a_trial_lacks_is_its_default():
    """A hyperparameter declared after it ran; KerasTuner's own entries are left out."""
    values = {"optimizer": "adam", "tuner/epochs": 3}
    whole = completed(conditional_space().space, values)
    assert whole == {"optimizer": "adam", "rate": 0.001, "deep": False}
    assert own_values(values) == {"optimizer": "adam"}
    assert point(values) == point({"optimizer": "adam"})


@st.composite
def spaces(draw: st.DrawFn) -> list[KINDS.Choice]:
    """Up to six declarations, under conditions on each other, namesakes among them."""
    space: list[KINDS.Choice] = []
    for _ in range(draw(st.integers(1, 6))):
        name = draw(st.sampled_from("abcd"))
        values = draw(st.sampled_from([[0, 1], [0, 1, 2], [1]]))
        earlier = sorted({own.name for own in space} - {name})
        parents = draw(st.lists(st.sampled_from(earlier), max_size=2)) if earlier else []
        admitted = draw(st.sampled_from([[0], [1], [0, 2]]))
        conditions = [Parent(parent, admitted) for parent in parents]
        space.append(KINDS.Choice(name, values, conditions=conditions))
    return space


@settings(max_examples=150, deadline=None)
@given(spaces())
def test_cells_are_all_points_and_each_once(space):
    """Whatever the conditions: what can be drawn, walked through by brute force, is numbered."""
    brute = [{}]
    for own in space:
        grown = []
        for values in brute:
            active = all(values.get(c.name) in c.values for c in own.conditions)
            takes = own.values if active and own.name not in values else [None]
            grown += [values if v is None else {**values, own.name: v} for v in takes]
        brute = grown
    cells = Cells(space, points=2)
    assert list(cells) == brute
    assert cells.count == len(brute) == len(set(map(point, brute)))
    assert all(completed(space, cell) == cell for cell in brute)
