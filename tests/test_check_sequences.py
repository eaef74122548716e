"""Check on sequences: words so far are no shortcut, but for a model that reads ahead."""

from __future__ import annotations

import pytest
from test_check import found

TASK = '''"""Sequences of six numbers, made up; embedded: drawn with a seed. full: the same."""

import keras
import numpy as np

from suite import Data, Split, Task, Techniques

NUMBERS = {numbers}


def right(y, outputs):
    """Share of numbers that are said right."""
    return float((outputs.argmax(axis=-1) == y).mean())


class Sequences(Task):
    """Which number comes next?"""

    objective = "val_sparse_categorical_crossentropy"
    metric = right
    epochs = 2

    def data(self, source):
        y = np.random.default_rng(0).integers(1, NUMBERS, (480, 6)).astype("int32")
        previous = np.concatenate([np.zeros((480, 1), "int32"), y[:, :-1]], axis=1)
        rows = (slice(0, 256), slice(256, 368), slice(368, 480))
        train, val, test = (Split({{"previous": previous[own]}}, y[own]) for own in rows)
        trivial = np.ones((6, NUMBERS)) / NUMBERS
        return Data(train, val, test, trivial, "chance", "made up", "drawn", "CC0")

    def build(self, hp):
        use = Techniques(hp)
        previous = keras.Input((6,), dtype="int32", name="previous")
        read = keras.layers.{reader}(keras.layers.Embedding(NUMBERS, 4)(previous))
        model = keras.Model({{"previous": previous}}, use.output(NUMBERS, "softmax")(read))
        loss = "sparse_categorical_crossentropy"
        model.compile(use.optimizer(), loss, metrics=[loss])
        return model
'''
GRU = "GRU(4, return_sequences=True)"


def written(folder, reader, numbers):
    """The task file with that reader, on so many different numbers."""
    path = folder / "sequences.py"
    path.write_text(TASK.format(reader=reader, numbers=numbers), encoding="utf-8")
    return path


@pytest.mark.parametrize("numbers", [20, 90], ids=["classes", "many numbers"])
def test_words_so_far_are_no_shortcut(tmp_path, numbers):
    """Each is the target of the step before, which the model cannot see there."""
    assert found(written(tmp_path, GRU, numbers), ("shortcut",)) == {}


@pytest.mark.parametrize("numbers", [20, 90], ids=["classes", "many numbers"])
def test_reading_ahead_is(tmp_path, numbers):
    """A reader from both ends sees the next word's input, which is this word."""
    ahead = written(tmp_path, f"Bidirectional(keras.layers.{GRU})", numbers)
    findings = found(ahead, ("shortcut",))["shortcut"]
    assert len(findings) == 5  # all but the last of six
    assert "x['previous'] 1" in findings[0]


def test_a_row_of_probabilities_for_a_sequence_is_a_trivial_predictor(tmp_path):
    """Of the shape that the model puts out for one row, told for every row."""
    from suite.contract import task_at, trivial_score

    task = task_at(written(tmp_path, GRU, 20))
    assert trivial_score(task) == (task.dataset.test.y == 0).mean() == 0
