"""Digits: which digit is this? Handwritten digits as small grey images, ten classes.

embedded: 1,797 digits of 8x8 pixels by 43 writers (UCI; a part of it, as scikit-learn packages it).
full: MNIST, 70,000 digits of 28x28 pixels, with its own test split of 10,000.
"""

from __future__ import annotations

import keras
import keras_tuner
import numpy as np
from sklearn.datasets import load_digits

from suite import Data, Split, Task, Techniques
from suite.splits import beside, reaching, standardised, three_way


def embedded() -> tuple[Split, Split, Split]:
    """Train, val and test of the packaged digits; x (rows, 8, 8) from 0 to 1."""
    images, labels = load_digits(return_X_y=True)
    whole = split(images.reshape(-1, 8, 8) / 16.0, labels)
    train, val, test = three_way(labels)
    return whole.take(train), whole.take(val), whole.take(test)


def full() -> tuple[Split, Split, Split]:
    """Train, val and test of MNIST; x (rows, 28, 28) from 0 to 1."""
    with reaching("MNIST with keras.datasets.mnist"):
        (images, labels), (test_images, test_labels) = keras.datasets.mnist.load_data()
    return beside(split(test_images / 255.0, test_labels), split(images / 255.0, labels))


def split(images: np.ndarray, labels: np.ndarray) -> Split:
    """Images (rows, height, width) with a channel axis added, and their labels."""
    return Split(images[..., None].astype("float32"), labels.astype("int32"))


SOURCES = {
    "embedded": (embedded, "UCI optical recognition of handwritten digits", "CC BY 4.0"),
    "full": (full, "MNIST, by way of keras.datasets", "CC BY-SA 3.0"),
}


class Digits(Task):
    """Which digit is this? Small grey images of handwritten digits, ten classes."""

    objective = "val_sparse_categorical_crossentropy"
    metric = "accuracy"
    epochs = 10

    def data(self, source: str) -> Data:
        """Images (rows, height, width, 1), labels 0 to 9; split by class at random.

        Standardised with one mean and one spread, those of all training pixels.
        No pixel is 0 then: at 0 backends differ on the slope of leaky ReLU and SELU.
        """
        load, origin, licence = SOURCES[source]
        train, val, test = standardised(*load())
        return Data(
            train,
            val,
            test,
            trivial=np.bincount(train.y, minlength=10) / len(train),
            trivial_name="most frequent digit of the training images",
            name="digits",
            source=origin,
            licence=licence,
        )

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Two convolutions, the second with twice the `filters`; outputs ten probabilities."""
        use = Techniques(hp)
        filters = hp.Int("filters", 4, 16, step=4, default=8)
        model = keras.Sequential(
            [
                keras.Input(self.input_shape),
                *use.input_dropout(),
                *use.conv(filters),
                *use.conv(2 * filters),
                keras.layers.Flatten(),
                use.output(10, "softmax"),
            ]
        )
        metrics = ["accuracy", "sparse_categorical_crossentropy"]
        model.compile(use.optimizer(), "sparse_categorical_crossentropy", metrics=metrics)
        return model
