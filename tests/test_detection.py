"""The task detection: boxes known by construction, overlap and average precision by hand."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from test_tasks import load, task_class

from suite.errors import SourceError

MODULE = load("detection")


@pytest.fixture(scope="module")
def task():
    return task_class(MODULE)()


def outputs_for(y: np.ndarray, sure: np.ndarray) -> np.ndarray:
    """Outputs that say `y`, its classes with probability `sure` (pictures, cells)."""
    outputs = (y[..., None] == np.arange(16)).astype(float)
    outputs[..., 0, :] *= sure[..., None]
    return outputs


def one_scene(*objects: tuple[float, ...]) -> np.ndarray:
    """The targets of one picture of 24x24 with these objects."""
    return MODULE.encoded([np.array(objects, float)], 24)


def test_an_object_is_told_by_the_cell_its_middle_lies_in():
    """A 7 of 8x12 pixels at (10, 3): middle (14, 9), so column 1, row 1, cell 4 of nine."""
    y = one_scene((7, 10, 3, 18, 15))
    np.testing.assert_array_equal(y[0, 4], [7, 12, 2, 3, 5])
    others = np.delete(y[0], 4, axis=0)
    assert (others[:, 0] == MODULE.NOTHING).all()
    assert (others[:, 1:] == MODULE.IGNORED).all()
    np.testing.assert_array_equal(MODULE.boxes_of(y[..., 1:])[0, 4], [10, 3, 18, 15])


def test_embedded_boxes_survive_their_encoding():
    """Every box of every made scene, to the pixel."""
    for pictures, objects in MODULE.embedded():
        y = MODULE.encoded(objects, pictures.shape[1])
        boxes = MODULE.boxes_of(y[..., 1:])
        for own, cells, there in zip(objects, boxes, y[..., 0] != MODULE.NOTHING, strict=True):
            assert sorted(map(tuple, cells[there])) == sorted(map(tuple, own[:, 1:]))


def test_scenes_show_their_digits_where_the_boxes_are():
    """Outside the boxes a scene is its dimmed photograph; inside, ink makes it brighter."""
    (pictures, objects), *_ = MODULE.embedded()
    for picture, own in zip(pictures[:200], objects[:200], strict=True):
        inside = np.zeros(picture.shape, bool)
        for _, left, top, right, bottom in own.astype(int):
            assert picture[top:bottom, left:right].max() > 0.75
            assert not inside[top:bottom, left:right].any()  # none touches another
            inside[top:bottom, left:right] = True
        assert picture[~inside].max() <= MODULE.DIMMED


def test_splits_share_no_digit_and_no_part_of_a_photograph(monkeypatch):
    """What `scene` is given for one split is given for no other."""
    given = []
    monkeypatch.setattr(MODULE, "SCENES", (1, 1, 1))
    original = MODULE.scene
    monkeypatch.setattr(MODULE, "scene", lambda *a: given.append(a[1:]) or original(*a))
    MODULE.embedded()
    tiles = [{tile.tobytes() for tile in own} for own, _, _ in given]
    assert sum(map(len, tiles)) == len(set.union(*tiles)) == 1797
    widths = [[strip.shape[1] for strip in strips] for _, _, strips in given]
    assert np.sum(widths, axis=0).tolist() == [640, 640]


def test_overlap_of_boxes():
    """The same box, half of it, a quarter in common, side by side."""
    box = np.array([0.0, 0, 4, 4])
    others = np.array([[0.0, 0, 4, 4], [0, 0, 2, 4], [2, 2, 6, 6], [4, 0, 8, 4]])
    np.testing.assert_allclose(MODULE.overlap(box, others), [1, 1 / 2, 4 / 28, 0])


@pytest.mark.parametrize(
    ("hits", "objects", "expected"),
    [
        ([1, 1, 1], 3, 1.0),
        ([0, 0], 2, 0.0),
        ([1, 0, 1, 0], 2, (1 + 2 / 3) / 2),
        ([0, 1, 1], 2, 2 / 3),  # precision 1/2 at the first, but 2/3 at a higher recall
        ([1, 0, 0], 4, 1 / 4),
    ],
)
def test_average_precision_by_hand(hits, objects, expected):
    """Detections in falling confidence, given in another order."""
    confidence = np.linspace(0.9, 0.1, len(hits))
    order = np.random.default_rng(0).permutation(len(hits))
    found = MODULE.average_precision(confidence[order], np.array(hits, bool)[order], objects)
    assert found == pytest.approx(expected)


def test_average_precision_is_scikit_learns_where_precision_falls():
    """An independent implementation, on a ranking whose precision never rises again."""
    from sklearn.metrics import average_precision_score

    hits = np.array([1, 1, 1, 0, 0, 0], bool)
    confidence = np.linspace(1, 0, 6)
    ours = MODULE.average_precision(confidence, hits, 3)
    assert ours == pytest.approx(average_precision_score(hits, confidence))


def test_of_two_detections_of_one_object_the_surer_one_counts():
    overlaps = np.array([[[0.6], [0.9], [0.4]]])
    np.testing.assert_array_equal(
        MODULE.matched(np.array([[0.8, 0.7, 0.99]]), overlaps), [[True, False, False]]
    )


def test_perfect_outputs_score_one_and_the_ranking_matters():
    y = np.concatenate([one_scene((3, 0, 0, 8, 8)), one_scene((3, 8, 8, 16, 16))])
    sure = np.full(y.shape[:2], 0.1)
    sure[y[..., 0] == 3] = 0.9
    outputs = outputs_for(y, sure)
    assert MODULE.mean_average_precision(y, outputs) == 1
    assert MODULE.mean_overlap(y, outputs) == 1
    outputs[0, 5, 0] = outputs[0, 0, 0] * 0.5 / 0.9  # a false 3 between the two in confidence
    outputs[0, 5, 1:, 8] = 1
    outputs[1, 4, 0] *= 0.3 / 0.9
    expected = (1 + 2 / 3) / 2
    assert MODULE.mean_average_precision(y, outputs) == pytest.approx(expected)
    assert MODULE.mean_overlap(y, outputs) == 1


def test_a_box_of_the_wrong_class_or_place_is_no_hit():
    y = one_scene((3, 0, 0, 8, 8))
    for part, bin_ in ((0, 4), (1, 15), (3, 9)):  # class, middle, width
        outputs = outputs_for(y, np.ones(y.shape[:2]))
        outputs[0, 0, part] = np.arange(16) == bin_
        assert MODULE.mean_average_precision(y, outputs) == 0


def own_pictures(folder, columns=tuple(MODULE.COLUMNS)):
    """A folder as the user's own: a picture a split, 96x48, a box in each."""
    place = folder / "detection"
    place.mkdir()
    lines = [",".join(columns)]
    for number, split in enumerate(("train", "val", "test")):
        pixels = np.random.default_rng(number).integers(0, 256, (48, 96, 3), "uint8")
        Image.fromarray(pixels).save(place / f"{split}.png")
        row = dict(zip(MODULE.COLUMNS, (f"{split}.png", split, number, 0, 0, 32, 16), strict=True))
        lines.append(",".join(str(row[column]) for column in columns))
    (place / "boxes.csv").write_text("\n".join(lines), encoding="utf-8")
    return place


def test_full_is_the_users_folder_scaled(tmp_path, monkeypatch):
    """A box of 32x16 of 96x48 pixels becomes one of 16x16 of 48x48."""
    own_pictures(tmp_path)
    monkeypatch.chdir(tmp_path)
    data = task_class(MODULE)("full").dataset
    assert data.test.x.shape == (1, 48, 48, 1)
    np.testing.assert_array_equal(data.test.y[0, 7], [2, 0, 0, 7, 7])


def test_full_names_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = own_pictures(tmp_path, MODULE.COLUMNS[:-1])
    with pytest.raises(SourceError, match=r"Received: no bottom\."):
        MODULE.full()
    (place / "boxes.csv").write_text(",".join(MODULE.COLUMNS), encoding="utf-8")
    with pytest.raises(SourceError, match=r"Received: no row of split train\."):
        MODULE.full()
    for row, found in (
        ("gone.png,train,1,0,0,9,9", r"gone\.png.*Received: no such file"),
        ("train.png,train,cat,0,0,9,9", r"labels from 0 to 9.*Received: cat\."),
    ):
        (place / "boxes.csv").write_text(f"{','.join(MODULE.COLUMNS)}\n{row}", encoding="utf-8")
        with pytest.raises(SourceError, match=found):
            MODULE.full()
