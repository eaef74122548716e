"""Cats and dogs: a cat or a dog? Silhouettes of animals, white on black, not photographs.

embedded: 1,989 silhouettes in the package animal-mnist, reduced from 28x28 to 14x14 pixels; 11 of
its 2,000 stand there twice and are dropped. Logistic regression on the pixels is right in 86
percent of the test rows, a support vector machine (SVC) in 94.
full: 12,000 colour photographs of 32x32 pixels, the cats and dogs of CIFAR-10, its own test split
included; a much harder task.
"""

from __future__ import annotations

import keras
import keras_tuner
import numpy as np

from suite import Data, Split, Task, Techniques
from suite.packaged import packaged, unpickled
from suite.splits import beside, fresh, reaching, standardised, three_way

FOLDER = "animal_mnist/data/Animal_MNIST"


def embedded() -> tuple[Split, Split, Split]:
    """Train, val and test of the silhouettes, none of them twice; x (rows, 14, 14, 1)."""
    images, animals = (
        unpickled(packaged("animal-mnist", f"{FOLDER}/animal_{part}_version_3.gz"))
        for part in ("data", "label")
    )
    halved = images.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))
    whole = pets(halved[..., None], animals, cat=2, dog=4)
    whole = whole.take(fresh(whole.x, seen=whole.x[:0]))
    train, val, test = three_way(whole.y[:, 0])
    return whole.take(train), whole.take(val), whole.take(test)


def full() -> tuple[Split, Split, Split]:
    """Train, val and test of the photographs; x (rows, 32, 32, 3)."""
    with reaching("CIFAR-10 with keras.datasets.cifar10"):
        known, unseen = keras.datasets.cifar10.load_data()
    rest, test = (pets(x, y[:, 0], cat=3, dog=5) for x, y in (known, unseen))
    return beside(test, rest)


def pets(images: np.ndarray, animals: np.ndarray, cat: int, dog: int) -> Split:
    """The rows of the two animals; pixels from 0 to 1, y (rows, 1), 1 = dog."""
    rows = np.isin(animals, (cat, dog))
    y = (animals[rows] == dog).astype("int32")
    return Split(images[rows].astype("float32") / 255.0, y[:, None])


SOURCES = {
    "embedded": (embedded, "package animal-mnist, classes 2 and 4", "MIT"),
    "full": (full, "CIFAR-10 (Krizhevsky, 2009), by way of keras.datasets", "not stated"),
}


class CatsDogs(Task):
    """A cat or a dog? 1,989 silhouettes, not photographs."""

    objective = "val_binary_crossentropy"
    metric = "accuracy"
    epochs = 10

    def data(self, source: str) -> Data:
        """Images (rows, height, width, channels), standardised with one mean and one spread.

        Both are those of all training pixels. No pixel is exactly 0 then, where backends differ on
        the slope of some activations.
        """
        load, origin, licence = SOURCES[source]
        train, val, test = standardised(*load())
        return Data(
            train,
            val,
            test,
            trivial=np.array([train.y.mean()]),
            trivial_name="share of the training images that are dogs",
            name="cats and dogs",
            source=origin,
            licence=licence,
        )

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Two convolutions, the second with twice the `filters`, 16 units; the probability of dog.

        Without the units in between, the one output would make XLA's compiler take minutes.
        """
        use = Techniques(hp)
        filters = hp.Int("filters", 4, 16, step=4, default=8)
        model = keras.Sequential(
            [
                keras.Input(self.input_shape),
                *use.conv(filters),
                *use.conv(2 * filters),
                keras.layers.Flatten(),
                *use.dense(16),
                use.output(1, "sigmoid"),
            ]
        )
        metrics = ["accuracy", "binary_crossentropy"]
        model.compile(use.optimizer(), "binary_crossentropy", metrics=metrics)
        return model
