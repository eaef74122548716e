"""Wine: which of three growers made it? What a stranger writes from the template.

178 wines, 13 measures each, packaged with scikit-learn.
"""

from __future__ import annotations

import keras
import keras_tuner
import numpy as np
from sklearn.datasets import load_wine
from sklearn.preprocessing import StandardScaler

from suite import Data, Split, Task, Techniques
from suite.splits import three_way


class Wine(Task):
    """Which of three growers made this wine? 178 wines, 13 measures."""

    objective = "val_sparse_categorical_crossentropy"
    metric = "accuracy"
    epochs = 5

    def data(self, source: str) -> Data:  # noqa: ARG002  # there is one source
        """Standardised measures (rows, 13); y (rows,), the number of the grower."""
        x, y = load_wine(return_X_y=True)
        train, val, test = three_way(y)
        scaler = StandardScaler().fit(x[train])
        whole = Split(scaler.transform(x).astype("float32"), y.astype("int32"))
        return Data(
            whole.take(train),
            whole.take(val),
            whole.take(test),
            trivial=np.bincount(y[train]) / len(train),
            trivial_name="most frequent grower",
            name="wine",
            source="UCI, by way of scikit-learn",
            licence="CC BY 4.0",
        )

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """A small dense network."""
        use = Techniques(hp)
        layers = [*use.dense(hp.Int("units", 4, 64, default=16)), use.output(3, "softmax")]
        model = keras.Sequential([keras.Input(self.input_shape), *layers])
        loss = "sparse_categorical_crossentropy"
        model.compile(use.optimizer(), loss, metrics=[loss])
        return model
