"""Detection: which digits are in this picture, and where? Boxes and classes, by a small CNN.

embedded: scenes made at load time. One or two real handwritten digits (8x8, scikit-learn),
stretched to 8 to 12 pixels a side, lie as bright ink on a dimmed grey crop (24x24) of a photograph,
one of the two in scikit-learn. So the boxes are known by construction: they are the frames of the
digits' images. Nobody photographed these scenes; they tell recipes apart, not detectors for street
scenes. No digit, and no part of a photograph, that one split shows is in another one.
There is no simple baseline for boxes. The default recipe has a mean average precision of 0.09 (with
a learning rate of 0.01 instead of 0.001 0.32), what is frequent at each place 0.002; the boxes it
says where an object is overlap it by 0.74 (0.83) on the average, the mean training box by 0.56.
full: your own pictures in the folder `detection` of the current folder. `detection/boxes.csv` has a
row a box: image (a file in that folder that Pillow reads), split (train, val or test), label (0 to
9), left, top, right, bottom (pixels of that image). Pictures are made grey and 48x48, on which a
box may have up to 32 pixels a side.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import keras
import keras_tuner
import numpy as np
import pandas as pd
from PIL import Image
from sklearn.datasets import load_digits, load_sample_images

from suite import Data, Split, Task, Techniques
from suite.errors import SourceError
from suite.splits import three_way

CELL = 8  # pixels a side of a cell; an object belongs to the cell that its middle lies in
PARTS = 5  # of a cell: class, middle from its left and from its top, width, height
BINS = 16  # of each part: half pixels of the middle, two pixels of the size
NOTHING = 10  # the class of a cell without an object
IGNORED = -1  # the box of such a cell

SIDE = 24  # pixels of a made scene
SIZES = (8, 10, 12)  # sides of a digit in it
SCENES = (1024, 320, 320)
STRIPS = ((0.0, 0.6), (0.6, 0.8), (0.8, 1.0))  # of the width of both photographs, by split
DIMMED = 0.6  # share of its light that a photograph keeps, so that ink shows on its sky, too
INK = 0.95  # grey of the brightest stroke
TRIES = 8  # to find the digits of a scene a place where they do not touch
HALF = 0.5  # intersection over union from which a box has found its object

FOLDER = Path("detection")
FULL_SIDE = 48
COLUMNS = ["image", "split", "label", "left", "top", "right", "bottom"]


def embedded() -> list[tuple[np.ndarray, list[np.ndarray]]]:
    """Scenes (scenes, 24, 24) from 0 to 1 and their objects, for train, val and test."""
    images, labels = load_digits(return_X_y=True)
    tiles = images.reshape(-1, 8, 8) / 16.0
    photographs = [photo.mean(axis=2) / 255.0 for photo in load_sample_images().images]
    made = []
    for number, (digits, scenes) in enumerate(zip(three_way(labels), SCENES, strict=True)):
        rng = np.random.default_rng([0, number])
        low, high = STRIPS[number]
        strips = [p[:, int(low * p.shape[1]) : int(high * p.shape[1])] for p in photographs]
        drawn = [scene(rng, tiles[digits], labels[digits], strips) for _ in range(scenes)]
        made.append((np.array([picture for picture, _ in drawn]), [boxes for _, boxes in drawn]))
    return made


def scene(
    rng: np.random.Generator, tiles: np.ndarray, labels: np.ndarray, strips: list[np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """A picture (24, 24) and its objects (objects, 5): label, left, top, right, bottom."""
    strip = strips[rng.integers(len(strips))]
    top, left = (rng.integers(size - SIDE + 1) for size in strip.shape)
    picture = strip[top : top + SIDE, left : left + SIDE] * DIMMED
    objects: list[tuple[int, ...]] = []
    wanted = rng.integers(1, 3)
    for _ in range(TRIES):
        if len(objects) == wanted:
            break
        width, height = rng.choice(SIZES, 2)
        x, y = rng.integers(SIDE - width + 1), rng.integers(SIDE - height + 1)
        box = (int(x), int(y), int(x + width), int(y + height))
        chosen = rng.integers(len(tiles))
        if any(touching(box, other[1:]) for other in objects):
            continue
        ink = np.asarray(
            Image.fromarray(tiles[chosen].astype("float32")).resize((width, height), Image.BILINEAR)
        )
        place = picture[y : y + height, x : x + width]
        place += ink * (INK - place)
        objects.append((int(labels[chosen]), *box))
    return picture, np.array(objects, "float64")


def touching(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Whether two boxes have a pixel in common."""
    return all(one[axis] < other[axis + 2] and other[axis] < one[axis + 2] for axis in range(2))


def full() -> list[tuple[np.ndarray, list[np.ndarray]]]:
    """The user's own pictures (pictures, 48, 48) from 0 to 1 and their objects, by split."""
    path = FOLDER / "boxes.csv"
    expected = f"Expected a file {path} in the current folder with columns {', '.join(COLUMNS)}"
    if not path.is_file():
        raise SourceError(f"{expected}. Received: no such file. Use --data embedded.")
    table = pd.read_csv(path)
    missing = [column for column in COLUMNS if column not in table.columns]
    if missing:
        raise SourceError(f"{expected}. Received: no {', '.join(missing)}. Use --data embedded.")
    odd = table.loc[~table["label"].isin(range(NOTHING)), "label"]
    if len(odd):
        raise SourceError(
            f"Expected labels from 0 to 9 in {path}. Received: {odd.iloc[0]}. Use --data embedded."
        )
    made = []
    for split in ("train", "val", "test"):
        own = table[table["split"] == split]
        if own.empty:
            raise SourceError(
                f"{expected}. Received: no row of split {split}. Use --data embedded."
            )
        read = [picture(FOLDER / str(name), rows) for name, rows in own.groupby("image")]
        made.append((np.array([pixels for pixels, _ in read]), [boxes for _, boxes in read]))
    return made


def picture(path: Path, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """An image file as grey pixels (48, 48) and its objects (objects, 5) on them."""
    if not path.is_file():
        raise SourceError(
            f"Expected an image {path}, which {FOLDER / 'boxes.csv'} names. "
            "Received: no such file. Use --data embedded."
        )
    with Image.open(path) as image:
        scale = np.array([1, *(FULL_SIDE / size for size in image.size * 2)])
        pixels = np.asarray(image.convert("L").resize((FULL_SIDE, FULL_SIDE)), "float64") / 255.0
    return pixels, rows[COLUMNS[2:]].to_numpy("float64") * scale


def encoded(objects: Sequence[np.ndarray], side: int) -> np.ndarray:
    """What each cell is to say; (pictures, cells, 5), the last object where a cell has several.

    Args:
        objects: for each picture, (objects, 5): label, left, top, right, bottom.
        side: of the pictures, in pixels.
    """
    grid = side // CELL
    cells = np.full((len(objects), grid * grid, PARTS), IGNORED, "int32")
    cells[..., 0] = NOTHING
    for row, own in zip(cells, objects, strict=True):
        middle, size = (own[:, 1:3] + own[:, 3:]) / 2, own[:, 3:] - own[:, 1:3]
        place = np.clip(middle // CELL, 0, grid - 1)
        where = (place @ [1, grid]).astype(int)
        bins = np.concatenate([(middle - place * CELL) * 2, size / 2 - 1], axis=1)
        row[where, 0] = own[:, 0]
        row[where, 1:] = np.clip(np.round(bins), 0, BINS - 1)
    return cells


def boxes_of(bins: np.ndarray) -> np.ndarray:
    """Boxes in pixels, (..., cells, 4): left, top, right, bottom; from (..., cells, 4) bins."""
    grid = math.isqrt(bins.shape[-2])
    corner = np.stack(np.divmod(np.arange(grid * grid), grid)[::-1], axis=-1) * CELL
    middle, half = corner + bins[..., :2] / 2, bins[..., 2:] + 1
    return np.concatenate([middle - half, middle + half], axis=-1)


def boxes_said(outputs: np.ndarray) -> np.ndarray:
    """The mean box of each cell, (pictures, cells, 4); `outputs` (pictures, cells, 5, 16)."""
    return boxes_of(outputs[..., 1:, :] @ np.arange(BINS))


def overlap(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Intersection over union of boxes (..., 4), which broadcast; (...).

    >>> float(overlap(np.array([0, 0, 2, 2]), np.array([1, 0, 3, 2])))
    0.3333333333333333
    """
    low, high = np.maximum(one[..., :2], other[..., :2]), np.minimum(one[..., 2:], other[..., 2:])
    shared = np.prod(np.maximum(high - low, 0), axis=-1)
    areas = [np.prod(box[..., 2:] - box[..., :2], axis=-1) for box in (one, other)]
    return shared / (areas[0] + areas[1] - shared)


def average_precision(confidence: np.ndarray, hits: np.ndarray, objects: int) -> float:
    """Area under precision over recall, precision made to fall (Everingham et al., 2010 on).

    Args:
        confidence: of each detection (detections,).
        hits: whether it found an object that no more confident one had found (detections,).
        objects: how many there are to be found.
    """
    found = hits[np.argsort(-confidence, kind="stable")]
    precision = np.cumsum(found) / np.arange(1, len(found) + 1)
    best = np.maximum.accumulate(precision[::-1])[::-1]  # at this recall or a higher one
    return float(best[found].sum() / objects)


def matched(confidence: np.ndarray, overlaps: np.ndarray) -> np.ndarray:
    """Which detections are hits: those that overlap an object by half, each object found once.

    A detection stands for the object that it overlaps most; of several the most confident counts.

    Args:
        confidence: (pictures, cells) of each detection.
        overlaps: (pictures, cells, objects) with each object of its picture; 0 where there is none.
    """
    target, near = overlaps.argmax(axis=-1), overlaps.max(axis=-1) >= HALF
    number = target + np.arange(len(target))[:, None] * overlaps.shape[-1]
    order = np.argsort(-confidence, axis=None, kind="stable")
    order = order[near.ravel()[order]]
    first = order[np.unique(number.ravel()[order], return_index=True)[1]]
    hits = np.zeros(near.size, bool)
    hits[first] = True
    return hits.reshape(near.shape)


def mean_average_precision(y: np.ndarray, outputs: np.ndarray) -> float:
    """Mean over the classes of the average precision at an intersection over union of one half.

    Each cell makes one detection, of its likeliest class, as confident as that class is likely.

    Args:
        y: as `encoded` gives it (pictures, cells, 5).
        outputs: a probability a bin (pictures, cells, 5, 16).
    """
    said, confidence = outputs[..., 0, :NOTHING].argmax(-1), outputs[..., 0, :NOTHING].max(-1)
    overlaps = overlap(boxes_said(outputs)[:, :, None], boxes_of(y[..., 1:])[:, None])
    found = []
    for label in np.unique(y[..., 0][y[..., 0] != NOTHING]):
        own, objects = said == label, y[..., 0] == label
        sure = np.where(own, confidence, -1.0)
        hits = matched(sure, overlaps * (own[:, :, None] & objects[:, None]))
        found.append(average_precision(sure[own], hits[own], int(objects.sum())))
    return float(np.mean(found))


def mean_overlap(y: np.ndarray, outputs: np.ndarray) -> float:
    """Mean intersection over union of each object's box and the one its cell says, unranked.

    Shapes as in `mean_average_precision`.
    """
    there = y[..., 0] != NOTHING
    return float(overlap(boxes_said(outputs)[there], boxes_of(y[..., 1:])[there]).mean())


def shares(y: np.ndarray) -> np.ndarray:
    """How often each bin is right in each cell and part of `y`; (cells, 5, 16)."""
    counts = (y[..., None] == np.arange(BINS)).sum(axis=0)
    return counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1)


SOURCES = {
    "embedded": (
        embedded,
        "UCI digits and two Flickr photographs, by way of scikit-learn",
        "CC BY 4.0 (digits), CC BY 2.0 (photographs)",
    ),
    "full": (full, "folder detection", "your own"),
}


class Detection(Task):
    """Which digits are in this picture, and where? Boxes and classes on scenes made of real images.

    The metric is the mean average precision at an intersection over union of one half.
    """

    objective = "val_sparse_categorical_crossentropy"
    metric = mean_average_precision
    epochs = 20

    def data(self, source: str) -> Data:
        """Pictures (rows, side, side, 1), standardised by train's pixels; y (rows, cells, 5).

        What a cell is to say are five whole numbers: its class (10: no object), then the bins of
        its object's middle and size, or -1 where it has none.
        """
        load, origin, licence = SOURCES[source]
        made = load()
        mean, spread = made[0][0].mean(), made[0][0].std()
        train, val, test = (
            Split(
                ((pictures - mean) / spread)[..., None].astype("float32"),
                encoded(objects, pictures.shape[1]),
            )
            for pictures, objects in made
        )
        return Data(
            train,
            val,
            test,
            trivial=shares(train.y),
            trivial_name="how often each class and box stands at each place of a training picture",
            name="detection",
            source=origin,
            licence=licence,
        )

    def build(self, hp: keras_tuner.HyperParameters) -> keras.Model:
        """Three convolutions, each of which halves the sides; one dense layer reads every cell.

        Outputs, for each cell and part, a probability a bin (rows, cells, 5, 16). One crossentropy
        trains them all; the boxes of cells without an object are left out of it. `filters` is the
        width of the first convolution; each of the others has twice as many as the one before.
        """
        use = Techniques(hp)
        filters = hp.Int("filters", 4, 16, step=4, default=8)
        side = self.input_shape[0]
        model = keras.Sequential(
            [
                keras.Input(self.input_shape),
                *use.conv(filters),
                *use.conv(2 * filters),
                *use.conv(4 * filters),
                use.output(PARTS * BINS),
                keras.layers.Reshape(((side // CELL) ** 2, PARTS, BINS)),
                keras.layers.Activation("softmax"),
            ]
        )
        known = {"ignore_class": IGNORED}
        model.compile(
            use.optimizer(),
            keras.losses.SparseCategoricalCrossentropy(**known),
            metrics=[keras.metrics.SparseCategoricalCrossentropy(**known)],
        )
        return model
