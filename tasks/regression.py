"""Regression: is this tumour malignant? A working task, to be changed line by line into your own.

A task is one file, and the file's name is the task's name. This docstring says what is predicted,
where the data come from and what is odd about them.

embedded: 569 tumours, 30 measures each, packaged with scikit-learn. full: the same, from OpenML.
"""

from __future__ import annotations

import keras
import keras_tuner
import numpy as np
import pandas as pd
from sklearn.datasets import fetch_openml, load_breast_cancer
from sklearn.preprocessing import StandardScaler

# All that a task needs of the suite: these names, `suite.splits`, `suite.packaged` (files inside
# an installed package) and `suite.errors`.
from suite import Data, Split, Task, Techniques
from suite.splits import reaching, three_way


def embedded() -> pd.DataFrame:
    """The measures, and a column `malignant` (True or False); from a package, without a network."""
    # Your own table: return pd.read_csv("regression.csv").
    frame = load_breast_cancer(as_frame=True).frame
    return frame.assign(malignant=frame.pop("target") == 0)


def full() -> pd.DataFrame:
    """The same columns from the network; without one, `reaching` raises a `SourceError`."""
    with reaching("the tumour table with sklearn.datasets.fetch_openml"):
        frame = fetch_openml(data_id=1510, as_frame=True, n_retries=1).frame
    kind = frame.pop("Class").astype(str)
    return frame.assign(malignant=kind == kind.value_counts().idxmin())  # the rarer of two classes


SOURCES = {"embedded": embedded, "full": full}


class Regression(Task):
    """Is this tumour malignant? 569 tumours of the breast, 30 measures of their cells."""

    # What chooses the best epoch and the best recipe: "val_" and the name of a metric that `build`
    # compiles. Not "val_loss", which would hold the L1/L2 penalty too.
    objective = "val_binary_crossentropy"
    # What the test split is judged by: the name of a scikit-learn scorer ("accuracy", "r2", ...) or
    # a function (y_true, outputs) -> float. Higher is better.
    metric = "roc_auc"
    epochs = 20

    def data(self, source: str) -> Data:
        """Thirty standardised measures (rows, 30); y (rows, 1), 1 = malignant."""
        # No row twice, or it may stand in two splits. Where equal rows are different observations,
        # keep them and say Data(..., repeats=True); else the suite reports a leak.
        frame = SOURCES[source]().drop_duplicates(ignore_index=True)
        y = frame.pop("malignant").to_numpy("int32")
        # Row numbers, drawn with a fixed seed. Where y is no class: three_way(np.zeros(len(y))).
        # Days in order: suite.splits.chronological. Whatever split you make, let no person,
        # product or day stand in two of them.
        train, val, test = three_way(y)
        # Learn means, vocabularies and the like from the training rows alone. Fill or drop NaN.
        scaler = StandardScaler().fit(frame.iloc[train])
        # Inputs float32 or int32: an array, or a dict of arrays. Targets int32 or float32, shaped
        # as the loss wants them: (rows, 1) for one sigmoid or one number, (rows,) for a class of
        # many ("sparse_categorical_crossentropy").
        whole = Split(scaler.transform(frame).astype("float32"), y[:, None])
        return Data(
            whole.take(train),
            whole.take(val),
            whole.take(test),
            # What a predictor that looks at no input would say, shaped as the model's output for
            # one row: class frequencies, the mean, the last value. Whoever trains must beat it.
            trivial=np.array([y[train].mean()]),
            trivial_name="share of the training tumours that are malignant",
            name="breast cancer Wisconsin (diagnostic)",
            source="UCI, by way of scikit-learn or OpenML",
            licence="CC BY 4.0",
        )

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """A compiled model, as KerasTuner expects it; outputs the probability of malignant."""
        # `use` puts the standard techniques (initializer, dropout, optimizer, ...) to work:
        # use.dense(units) and use.conv(filters) are blocks of layers, use.output(units) the last
        # layer; any other layer with a kernel takes **use.kernel().
        use = Techniques(hp)
        # A hyperparameter of the task's own; a study may name it as any other.
        units = hp.Int("units", 4, 64, default=16)
        layers = [*use.dense(units), use.output(1, "sigmoid")]
        model = keras.Sequential([keras.Input(self.input_shape), *layers])
        model.compile(use.optimizer(), "binary_crossentropy", metrics=["binary_crossentropy"])
        return model
