"""A task's data: what is refused before it is trained on, and what is a fingerprint."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from suite.data import Data, Split, each, leaves
from suite.errors import DataError


def made(**changes: object) -> Data:
    """Six rows of two columns in each split, no row twice."""
    rows = np.arange(36.0, dtype="float32").reshape(18, 2)
    y = np.arange(18) % 2
    parts = {
        name: Split(rows[i : i + 6], y[i : i + 6])
        for i, name in zip((0, 6, 12), ("train", "val", "test"), strict=True)
    }
    words = {"trivial_name": "half", "name": "n", "source": "s", "licence": "l"}
    return Data(**{**parts, "trivial": np.array([0.5]), **words, **changes})


def refused(data: Data) -> str:
    """What is said about data that cannot be trained on: expected, received, the task."""
    with pytest.raises(DataError, match=r"^Expected .*'mine'.*Received: ") as caught:
        data.checked("mine")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_sound_data_pass_as_they_are():
    """Floats, integers, unsigned and truth values are numbers."""
    data = made()
    assert data.checked("mine") is data
    for kind in ("float64", "int32", "uint8", "bool"):
        split = Split(np.array([[0], [1]], dtype=kind), np.array([0, 1]))
        made(train=split, val=split, test=split, repeats=True).checked("mine")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_nan_and_infinity_are_refused(split, value):
    """The message says in which split, how many, and the first row."""
    data = made()
    x = data.splits[split].x.copy()
    x[3, 1] = x[5, 0] = value
    text = refused(replace(data, **{split: Split(x, data.splits[split].y)}))
    assert f"the {split} split" in text
    assert "2 NaN or infinite values in x, the first in row 3" in text


def test_nan_in_targets_and_in_named_inputs_is_refused():
    """The array is named: `y`, or `x['age']`."""
    y = np.array([0.0, np.nan])
    assert "values in y, the first in row 1" in refused(made(val=Split(np.eye(2), y)))
    named = {"sex": np.array([0, 1]), "age": np.array([np.nan, 30.0])}
    text = refused(made(val=Split(named, np.array([0, 1]))))
    assert "1 NaN or infinite values in x['age'], the first in row 0" in text


def test_unequal_lengths_are_refused():
    """Every array counts the same rows."""
    assert "{'x': 3, 'y': 2}" in refused(made(test=Split(np.eye(3), np.arange(2))))
    named = {"a": np.eye(3), "b": np.eye(2)}
    assert "\"x['b']\": 2" in refused(made(test=Split(named, np.arange(3))))


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_an_empty_split_is_refused(split):
    """There is nothing to train on, to select on, or to judge on."""
    text = refused(made(**{split: Split(np.empty((0, 2)), np.empty(0))}))
    assert f"Expected at least one row in the {split} split" in text


@pytest.mark.parametrize(
    "bad",
    [
        np.array(["a", "b"]),
        np.array([None, 1.0], dtype=object),
        np.array(["2020-01-01", "2020-01-02"], dtype="datetime64[D]"),
        np.array([1j, 2.0]),
    ],
)
def test_what_is_no_number_is_refused(bad):
    """Strings, objects, dates and complex numbers have no place in a Keras model here."""
    text = refused(made(train=Split(bad, np.arange(2))))
    assert "Expected numbers in the train split" in text
    assert f"x of dtype {bad.dtype}" in text


@pytest.mark.parametrize("bad", [[0.0, 1.0], None, 3.0, np.array(3.0), "ab"])
def test_what_is_no_array_is_refused(bad):
    """A list, a number or nothing where an array belongs is a DataError, too."""
    refused(made(train=Split(bad, np.arange(2))))


def test_inputs_without_an_array_are_refused():
    """An empty dict of inputs is no input."""
    refused(made(train=Split({}, np.arange(2))))


@pytest.mark.parametrize(("one", "other"), [("train", "val"), ("train", "test"), ("val", "test")])
def test_a_row_in_two_splits_is_a_leak(one, other):
    """It is refused, with both splits and the number of distinct rows."""
    data = made()
    a, b = data.splits[one], data.splits[other]
    x, y = b.x.copy(), b.y.copy()
    x[[1, 2, 4]], y[[1, 2, 4]] = a.x[[0, 0, 3]], a.y[[0, 0, 3]]
    text = refused(replace(data, **{other: Split(x, y)}))
    assert f"2 distinct rows that stand in both {one} and {other}" in text
    assert "repeats=True" in text


def test_repeats_may_be_declared():
    """Where equal rows are distinct observations, finding some is no leak; NaN still is a fault."""
    data = made(repeats=True)
    replace(data, test=data.train).checked("mine")
    with pytest.raises(DataError, match="finite"):
        replace(data, test=Split(np.array([[np.nan]]), np.array([0]))).checked("mine")


def test_equal_inputs_of_other_targets_are_no_overlap():
    """A row is its inputs and its target."""
    data = made()
    replace(data, val=Split(data.train.x, 1 - data.train.y)).checked("mine")


def test_a_repeated_row_within_a_split_is_no_leak():
    """Only across splits does a row tell what it must not."""
    data = made()
    twice = Split(np.repeat(data.train.x, 2, axis=0), np.repeat(data.train.y, 2))
    replace(data, train=twice).checked("mine")


def test_a_leak_is_found_whatever_the_types():
    """The rows of train in test as float64 are refused: as a leak, or for their other type."""
    data = made()
    refused(replace(data, test=Split(data.train.x.astype("float64"), data.train.y)))


def test_the_fingerprint_is_of_every_value_type_and_shape():
    """Equal data have equal fingerprints; one value, type, shape or split changes it."""
    data = made()
    one = data.fingerprint
    assert len(one) == 16
    assert made().fingerprint == one
    assert made(name="other", licence="other").fingerprint == one
    changed = data.train.x.copy()
    changed[0, 0] = 99
    others = [
        replace(data, train=Split(changed, data.train.y)),
        replace(data, train=Split(data.train.x.astype("float64"), data.train.y)),
        replace(data, train=Split(data.train.x.reshape(6, 2, 1), data.train.y)),
        replace(data, train=Split({"a": data.train.x}, data.train.y)),
        replace(data, train=data.val, val=data.train),
    ]
    assert len({one, *(other.fingerprint for other in others)}) == 6


def test_rows_are_taken_from_every_array():
    """By number, in the order asked for, single arrays and named ones alike."""
    single = Split(np.arange(8).reshape(4, 2), np.arange(4)).take(np.array([2, 0]))
    np.testing.assert_array_equal(single.x, [[4, 5], [0, 1]])
    np.testing.assert_array_equal(single.y, [2, 0])
    named = Split({"a": np.arange(4)}, np.arange(4)).take(slice(1, 3))
    np.testing.assert_array_equal(named.x["a"], [1, 2])
    assert len(named) == 2
    assert [name for name, _ in named.arrays()] == ["x['a']", "y"]


def test_leaves_and_each_keep_the_form():
    """A single array stays one; named arrays keep their names."""
    assert list(leaves(np.arange(3))) == [""]
    doubled = each(lambda a: 2 * a, {"a": np.arange(3)})
    np.testing.assert_array_equal(doubled["a"], [0, 2, 4])
    np.testing.assert_array_equal(each(lambda a: 2 * a, np.arange(3)), [0, 2, 4])
