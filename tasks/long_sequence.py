"""Long sequence: which digit is this, read one pixel at a time? A recurrent net over 64 steps.

The images are those of the task `digits`, row by row from the upper left, so that what tells two
digits apart lies dozens of steps before the answer: gradients have a long way back. It is a test
bed for that, not a good way to read digits: logistic regression, which sees all pixels at once,
scores 0.964 on the same test images. After 30 epochs the default recipe (two GRUs of 16 units)
scores 0.71 (LSTM 0.77), with a learning rate of 0.01 instead of 0.001 0.86 (LSTM 0.90); simple
cells, rectified, reach 0.65, and one of three seeds blew up. The most frequent digit: 0.10.

embedded: 1,797 digits of 8x8 pixels (scikit-learn), 64 steps.
full: MNIST pixel by pixel, 784 steps (Le, Jaitly & Hinton, 2015), with its own test split.
"""

from __future__ import annotations

import keras
import keras_tuner
import numpy as np
from sklearn.datasets import load_digits

from suite import Data, Split, Task, Techniques
from suite.splits import beside, reaching, standardised, three_way

GATED = {"gru": keras.layers.GRU, "lstm": keras.layers.LSTM}


def embedded() -> tuple[Split, Split, Split]:
    """Train, val and test of the packaged digits; x (rows, 64, 1) from 0 to 1."""
    images, labels = load_digits(return_X_y=True)
    whole = split(images / 16.0, labels)
    train, val, test = three_way(labels)
    return whole.take(train), whole.take(val), whole.take(test)


def full() -> tuple[Split, Split, Split]:
    """Train, val and test of MNIST; x (rows, 784, 1) from 0 to 1."""
    with reaching("MNIST with keras.datasets.mnist"):
        (images, labels), (test_images, test_labels) = keras.datasets.mnist.load_data()
    return beside(split(test_images / 255.0, test_labels), split(images / 255.0, labels))


def split(images: np.ndarray, labels: np.ndarray) -> Split:
    """Images as sequences of pixels (rows, steps, 1), and their labels."""
    pixels = images.reshape(len(images), -1, 1)
    return Split(pixels.astype("float32"), labels.astype("int32"))


SOURCES = {
    "embedded": (embedded, "UCI optical recognition of handwritten digits", "CC BY 4.0"),
    "full": (full, "MNIST, by way of keras.datasets", "CC BY-SA 3.0"),
}


class LongSequence(Task):
    """Which digit is this? Read one pixel at a time by a recurrent net, 64 steps."""

    objective = "val_sparse_categorical_crossentropy"
    metric = "accuracy"
    epochs = 30

    def data(self, source: str) -> Data:
        """Pixels in reading order (rows, steps, 1), labels 0 to 9; split by class at random.

        Standardised with one mean and one spread, those of all training pixels.
        """
        load, origin, licence = SOURCES[source]
        train, val, test = standardised(*load())
        return Data(
            train,
            val,
            test,
            trivial=np.bincount(train.y, minlength=10) / len(train),
            trivial_name="most frequent digit of the training images",
            name="long sequence",
            source=origin,
            licence=licence,
        )

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """`depth` recurrent layers of `units`; the last one's last state decides.

        `cell` is "simple_rnn", "gru" or "lstm". Initializer and penalty apply to what leads from
        step to step as well. The activation is that of a simple cell; gates keep theirs, without
        which they are none.
        """
        use = Techniques(hp)
        cell = hp.Choice("cell", ["simple_rnn", "gru", "lstm"], default="gru")
        depth = hp.Int("depth", 1, 3, default=2)
        units = hp.Int("units", 8, 32, step=8, default=16)
        layers = [keras.Input(self.input_shape)]
        for number in range(depth):
            layers += [
                recurrent(use, cell, units, return_sequences=number < depth - 1),
                *([keras.layers.BatchNormalization()] if use.values["batch_norm"] else []),
                use.dropout(),
            ]
        model = keras.Sequential([*layers, *use.dense(units), use.output(10, "softmax")])
        metrics = ["accuracy", "sparse_categorical_crossentropy"]
        model.compile(use.optimizer(), "sparse_categorical_crossentropy", metrics=metrics)
        return model


def recurrent(
    use: Techniques, cell: str, units: int, *, return_sequences: bool
) -> keras.layers.Layer:
    """One recurrent layer; both its kernels start, and are penalised, as the factors say."""
    kernel = use.kernel()
    options = {
        **kernel,
        "recurrent_initializer": kernel["kernel_initializer"],
        "recurrent_regularizer": kernel["kernel_regularizer"],
        "return_sequences": return_sequences,
    }
    if cell in GATED:
        return GATED[cell](units, **options)
    return keras.layers.SimpleRNN(units, activation=str(use.values["activation"]), **options)
