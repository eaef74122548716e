"""What may be passed to `search`: what is honoured arrives, what is not is refused by name."""

from __future__ import annotations

import keras
import keras_tuner
import numpy as np
import pandas as pd
import pytest

from suite.data import leaves
from suite.engines.patience import Patience
from suite.errors import UsageError
from suite.search.fitting import FitOptions, arguments_of

OBJECTIVE = keras_tuner.Objective("val_accuracy", "max")
X, Y = np.arange(40, dtype="float32").reshape(20, 2), np.arange(20) % 2
HELD = (X[:4], Y[:4])
Stopping = keras.callbacks.EarlyStopping


def taken(*args, **kwargs):
    """The arguments of `search(x, y, validation_data=...)` with what is given beside or instead."""
    given = {"validation_data": HELD, **kwargs}
    if not args:
        given = {"x": X, "y": Y, **given}
    return arguments_of(args, given, OBJECTIVE)


def batches():
    """A generator, as Keras takes them."""
    yield X, Y


class Dataset:
    """Something to iterate over that is no array, as a `tf.data.Dataset` is."""

    def __iter__(self):
        return batches()


REFUSED = {
    "an unknown callback": ({"callbacks": [keras.callbacks.TerminateOnNaN()]}, "TerminateOnNaN"),
    "a subclass of EarlyStopping": (
        {"callbacks": [type("Mine", (Stopping,), {})()]},
        "no callback but keras.callbacks.EarlyStopping. Received: Mine",
    ),
    "two EarlyStoppings": (
        {"callbacks": [Stopping(), Stopping()]},
        "Expected one EarlyStopping. Received: 2",
    ),
    "a baseline": (
        {"callbacks": [Stopping(baseline=0.5)]},
        "EarlyStopping without baseline. Received: 0.5",
    ),
    "a monitor of unknown direction": (
        {"callbacks": [Stopping("val_marvel")]},
        "monitor='val_marvel', whose direction is not known. Received: mode='auto'",
    ),
    "sample_weight": ({"sample_weight": np.ones(20)}, "Received: option of fit='sample_weight'"),
    "class_weight": ({"class_weight": {0: 1.0}}, "Received: option of fit='class_weight'"),
    "steps_per_epoch": ({"steps_per_epoch": 3}, "Received: option of fit='steps_per_epoch'"),
    "validation_freq": ({"validation_freq": 2}, "Received: option of fit='validation_freq'"),
    "initial_epoch": ({"initial_epoch": 2}, "Received: option of fit='initial_epoch'"),
    "a misspelt option": ({"epoch": 2}, "Did you mean 'epochs'?"),
    "shuffle": ({"shuffle": False}, "Expected shuffle=True. Received: shuffle=False"),
    "a generator": ({"x": batches(), "y": None}, "Expected x to be an array.*Received: generator"),
    "a dataset": ({"x": Dataset(), "y": None}, "Expected x to be an array.*Received: Dataset"),
    "a list": ({"x": X.tolist()}, "Expected x to be an array of numbers.*Received: list"),
    "no y": ({"y": None}, "Expected y to be an array of numbers.*Received: NoneType"),
    "strings": ({"x": np.array(["a"] * 20)}, "Expected x .*Received: an array of dtype <U1"),
    "a string": ({"x": "rows.csv"}, "Expected x .*Received: str"),
    "objects in a dict": ({"x": {"a": np.array([None] * 20)}}, r"x\['a'\] .*dtype object"),
    "strings to validate on": (
        {"validation_data": (np.array(["a"]), Y[:1])},
        "Expected x_val .*dtype <U1",
    ),
    "unequal rows": (
        {"y": Y[:-1]},
        r"as many rows in x as in y in the training data. Received: \[19, 20\]",
    ),
    "unequal rows to validate on": (
        {"validation_data": (X[:4], Y[:3])},
        r"as many rows in x as in y in validation_data. Received: \[3, 4\]",
    ),
    "weights to validate with": (
        {"validation_data": (*HELD, np.ones(4))},
        r"Expected validation_data=\(x, y\). Received: validation_data of type tuple",
    ),
    "a dataset to validate on": ({"validation_data": Dataset()}, "of type Dataset"),
    "nothing to validate on": (
        {"validation_data": None},
        "Expected validation_data=.*Received: validation_split=0.0",
    ),
    "too much to validate on": (
        {"validation_data": None, "validation_split": 1.0},
        "validation_split between 0 and 1. Received: validation_split=1.0",
    ),
    "a split that is no number": (
        {"validation_data": None, "validation_split": "0.2"},
        "validation_split between 0 and 1. Received: validation_split='0.2'",
    ),
    "no row left to train on": (
        {"validation_data": None, "validation_split": 0.99, "x": X[:1], "y": Y[:1]},
        "Expected rows to train and to validate on. Received: 0, 1",
    ),
    "no epochs": ({"epochs": 0}, "Expected epochs to be a whole number from 1. Received: 0"),
    "half an epoch": ({"epochs": 1.5}, "Expected epochs to be a whole number.*Received: 1.5"),
    "true epochs": ({"epochs": True}, "Expected epochs to be a whole number.*Received: True"),
    "an empty batch": ({"batch_size": 0}, "Expected batch_size to be a whole.*Received: 0"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_honoured_is_refused_by_name(what):
    """UsageError: what was expected, what was received; nothing is left out in silence."""
    given, message = REFUSED[what]
    with pytest.raises(UsageError, match=message):
        taken(**given)


def test_too_many_positions_are_refused():
    """`validation_split` is passed by name; by position it would be taken for something else."""
    with pytest.raises(UsageError, match=r"at most 6 positions\. Received: 7"):
        taken(X, Y, 32, 1, 0, [], 0.2)


def test_positions_are_those_of_keras():
    """x, y, batch_size, epochs, verbose, callbacks."""
    found = taken(X, Y, 16, 3, 0, [Stopping("val_accuracy", patience=2)])
    assert found.options == FitOptions(epochs=3, batch_size=16)
    assert found.verbose == 0
    assert found.patience is not None
    np.testing.assert_array_equal(found.data.train.x, X)
    np.testing.assert_array_equal(found.data.val.y, HELD[1])


def test_defaults_are_those_of_keras():
    """One epoch, 32 rows, progress shown, no early stopping; None stands for the default."""
    found = taken(epochs=None, batch_size=None, callbacks=None, class_weight=None)
    assert (found.options, found.patience, found.verbose) == (FitOptions(1, 32), None, 1)
    assert taken(verbose="auto").verbose == 1


@pytest.mark.parametrize("share", [0.1, 0.25, 0.3])
def test_a_validation_split_is_the_last_rows(share):
    """As many as Keras holds out, from the end."""
    found = taken(validation_data=None, validation_split=share).data
    rows = int(len(X) * (1 - share))
    np.testing.assert_array_equal(found.train.x, X[:rows])
    np.testing.assert_array_equal(found.val.x, X[rows:])
    np.testing.assert_array_equal(found.val.y, Y[rows:])


def test_validation_data_come_before_a_split():
    """As with Keras: then every row is trained on."""
    assert len(taken(validation_split=0.5).data.train) == len(X)


def test_dicts_of_arrays_keep_their_names():
    """Inputs and targets by name."""
    x, y = {"left": X, "right": X[:, :1]}, {"grade": Y}
    held = ({k: v[:4] for k, v in x.items()}, {"grade": Y[:4]})
    data = taken(x=x, y=y, validation_data=held).data
    assert set(leaves(data.train.x)) == {"left", "right"}
    np.testing.assert_array_equal(data.val.x["right"], X[:4, :1])
    np.testing.assert_array_equal(data.val.y["grade"], Y[:4])


def test_pandas_and_booleans_are_arrays():
    """Whatever NumPy takes for numbers."""
    frame, series = pd.DataFrame(X, columns=["a", "b"]), pd.Series(Y.astype(bool))
    data = taken(x=frame, y=series, validation_data=[frame[:4], series[:4]]).data
    np.testing.assert_array_equal(data.train.x, X)
    np.testing.assert_array_equal(data.train.y, Y.astype(bool))
    assert len(data.val) == 4


@pytest.mark.parametrize(
    ("stopping", "rule"),
    [
        (Stopping(), Patience("val_loss", "min", 1)),
        (Stopping("val_accuracy", patience=3), Patience("val_accuracy", "max", 3)),
        (Stopping("accuracy", patience=2), Patience("accuracy", "max", 2)),
        (Stopping("val_marvel", mode="min"), Patience("val_marvel", "min", 1)),
        (
            Stopping("val_loss", min_delta=0.5, patience=4, start_from_epoch=2),
            Patience("val_loss", "min", 4, min_delta=0.5, start_from_epoch=2),
        ),
        (
            Stopping("val_accuracy", mode="max", min_delta=0.5, restore_best_weights=True),
            Patience("val_accuracy", "max", 1, min_delta=0.5),
        ),
    ],
)
def test_early_stopping_keeps_its_meaning(stopping, rule):
    """Monitor, direction, patience, smallest improvement, first epoch looked at."""
    assert taken(callbacks=[stopping]).patience == rule
