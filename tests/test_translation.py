"""The task translation: phrases, groups that keep variations together, masks, exact matches."""

from __future__ import annotations

from types import SimpleNamespace

import keras_tuner
import numpy as np
import pytest
from test_tasks import load, task_class

MODULE = load("translation")
PAD, UNKNOWN, START, END = range(4)


@pytest.fixture(scope="module")
def task():
    return task_class(MODULE)()


def row(*numbers: int) -> np.ndarray:
    """One phrase of eight places."""
    return MODULE.padded([numbers])[0]


def certain(said: np.ndarray) -> np.ndarray:
    """Outputs that say these words."""
    return np.eye(10)[said]


def test_embedded_pairs_are_phrases_in_lower_case():
    pairs = dict(MODULE.embedded())
    assert len(pairs) > 3500
    assert pairs["pizza"] == "pizza"
    assert pairs["woman's boot"] == "botte de femme"
    assert pairs["singer"] == "chanteur"  # "(tous genres)" is no part of the name
    assert pairs["foot medium skin tone"] == "pied peau légèrement mate"
    assert not any("_" in phrase or ":" in phrase for pair in pairs.items() for phrase in pair)


def test_variations_of_a_phrase_are_one_group():
    """By skin tone, by man and woman, and where either language says the same."""
    pairs = [
        ("man golfing", "golfeur"),
        ("woman golfing dark skin tone", "golfeuse peau foncée"),
        ("foot", "pied"),
        ("foot medium-light skin tone", "pied peau moyennement claire"),
        ("base of a leg", "pied"),
        ("man", "homme"),
        ("woman", "femme"),
        ("fire", "feu"),
    ]
    groups = MODULE.groups_of(pairs)
    assert groups[0] == groups[1]
    assert groups[2] == groups[3] == groups[4]
    assert len(set(groups.tolist())) == 5
    assert MODULE.base("woman golfing dark skin tone") == "golfing"
    assert MODULE.base("woman") == "woman"


def test_no_phrase_of_a_held_split_stands_in_training():
    """Neither language, skin tone and sex aside; and the largest groups are trained on."""
    pairs = MODULE.embedded()
    parts = [[pairs[i] for i in rows] for rows in MODULE.split(pairs)]
    assert sum(map(len, parts)) == len(pairs)
    for side in (0, 1):
        bases = [{MODULE.base(pair[side]) for pair in part} for part in parts]
        assert not bases[0] & bases[1]
        assert not bases[0] & bases[2]
        assert not bases[1] & bases[2]
    sizes = np.bincount(MODULE.groups_of(parts[2]))
    assert sizes.max() <= MODULE.LARGEST


def test_words_outside_the_training_vocabulary_are_unknown(task):
    """Numbers are learned on train: those of the other splits occur in it; rows are padded."""
    data = task.dataset
    for of in (lambda split: split.x["source"], lambda split: split.y):
        known = set(np.unique(of(data.train)))
        assert set(np.unique(of(data.test))) <= known
        assert UNKNOWN in known
        assert max(known) < MODULE.VOCABULARY["embedded"]
    assert MODULE.vocabulary([["a", "b"], ["a", "c", "b"], ["a"]], 10) == {"a": 4, "b": 5}
    assert MODULE.vocabulary([["a", "b"], ["a", "c", "b"], ["a"]], 5) == {"a": 4}
    np.testing.assert_array_equal(row(7, 8), [7, 8, 0, 0, 0, 0, 0, 0])


def test_the_previous_word_is_the_target_one_step_late(task):
    for split in task.dataset.splits.values():
        previous = split.x["previous"]
        assert (previous[:, 0] == START).all()
        late = np.where(split.y == END, PAD, split.y)[:, :-1]
        np.testing.assert_array_equal(previous[:, 1:], late)
        words = (split.y != PAD).sum(axis=1)
        ends = (split.y == END).sum(axis=1)
        assert (ends[words < 8] == 1).all()
        assert (ends <= 1).all()


def test_token_accuracy_by_hand():
    """Padding is not asked for; an unknown word is never right."""
    y = np.array([row(5, 6, END), row(UNKNOWN, END)])
    assert MODULE.token_accuracy(y, certain(y)) == 4 / 5
    said = np.array([row(5, 7, END, 9), row(UNKNOWN, 4)])
    assert MODULE.token_accuracy(y, certain(said)) == 2 / 5
    unsure = 0.6 * certain(np.full_like(y, UNKNOWN)) + 0.4 * certain(y)  # a word all the same
    assert MODULE.token_accuracy(y, unsure) == 4 / 5


def test_exact_match_by_hand():
    """What is said behind the end does not count; all before it does, and the end itself."""
    y = np.array([row(5, 6, END), row(5, END), row(UNKNOWN, END), row(8, END)])
    said = np.array([row(5, 6, END, 9), row(5, 6, END), row(UNKNOWN, END), row(8, END)])
    assert MODULE.exact_match(y, said) == 2 / 4


def test_greedy_feeds_each_word_back():
    """A model that says one more than the word before it counts up from the start."""

    def predict(x, **_):
        return certain(np.minimum(x["previous"] + 1, 9))

    said = MODULE.greedy(SimpleNamespace(predict=predict), np.zeros((2, 8), "int32"))
    np.testing.assert_array_equal(said, [[3, 4, 5, 6, 7, 8, 9, 9]] * 2)


def test_no_output_depends_on_a_later_word_or_on_padding(task):
    """So nothing of a word is known when it is asked for."""
    model = task.build(keras_tuner.HyperParameters())
    x = {name: array[:8].copy() for name, array in task.dataset.test.x.items()}
    before = model.predict(x, verbose=0)
    x["previous"][:, 2:] = 9
    after = model.predict(x, verbose=0)
    np.testing.assert_allclose(before[:, :2], after[:, :2], atol=1e-6)
    assert np.abs(before[:, 2] - after[:, 2]).max() > 1e-6


def test_loss_and_metric_leave_padding_out(task):
    """The loss is per word, the metric per place: figures of Keras by hand."""
    model = task.build(keras_tuner.HyperParameters())
    test = task.dataset.test
    logs = model.evaluate(test.x, test.y, verbose=0, return_dict=True, batch_size=len(test))
    outputs = model.predict(test.x, verbose=0)
    chances = np.take_along_axis(outputs, test.y[..., None], axis=-1)[..., 0]
    total = -np.log(chances[test.y != PAD]).sum()
    assert logs["loss"] == pytest.approx(total / (test.y != PAD).sum(), rel=1e-4)
    assert logs["sparse_categorical_crossentropy"] == pytest.approx(total / test.y.size, rel=1e-4)


def test_full_reads_the_sentences_of_the_archive(tmp_path, monkeypatch):
    import zipfile

    lines = [f"word{i} a.\tmot{i} un.\tCC-BY" for i in range(300)]
    lines += ["so many words that it is left out now\ttrop\tCC-BY"]
    with zipfile.ZipFile(tmp_path / "fra-eng.zip", "w") as archive:
        archive.writestr("fra.txt", "\n".join([*lines, lines[0]]))
    monkeypatch.setattr(MODULE.keras.utils, "get_file", lambda **_: tmp_path / "fra-eng.zip")
    assert len(MODULE.full()) == 300
    assert MODULE.full()[0] == ("word0 a.", "mot0 un.")


@pytest.mark.slow
def test_the_baseline_of_the_docstring_is_what_it_scores(task):
    """The French of the training phrase that shares most words with the English one."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.neighbors import NearestNeighbors

    data = task.dataset
    texts = {
        name: [" ".join(map(str, numbers[numbers > 0])) for numbers in split.x["source"]]
        for name, split in data.splits.items()
    }
    words = TfidfVectorizer(token_pattern=r"\S+").fit(texts["train"])
    nearest = NearestNeighbors(n_neighbors=1).fit(words.transform(texts["train"]))
    said = data.train.y[nearest.kneighbors(words.transform(texts["test"]))[1][:, 0]]
    y = data.test.y
    words_right = ((said == y) & (y != UNKNOWN))[y != PAD].mean()
    for score in (words_right, MODULE.exact_match(y, said)):
        assert f"{score:.3f}" in MODULE.__doc__
