"""Scores of model outputs: equal to scikit-learn's own, and divergence by its name."""

from __future__ import annotations

import functools
import warnings

import numpy as np
import pytest
from sklearn import metrics
from sklearn.linear_model import LinearRegression
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.naive_bayes import GaussianNB

from suite.data import Data, Split
from suite.errors import PluginError
from suite.scoring import Judge, failure
from suite.task import Task
from suite.trial import Outcome, Status, Trial

TRIAL = Trial("mine", "embedded", {"dropout": 0.5}, 3, 4)
PROBABILITY = np.array([[0.1], [0.9], [0.6], [0.4], [0.8], [0.3]], dtype="float32")
BINARY = np.array([0, 1, 0, 1, 1, 0])
SHARES = np.array(
    [[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.3, 0.3, 0.4], [0.5, 0.4, 0.1], [0.2, 0.2, 0.6]],
    dtype="float32",
)
CLASSES = np.array([0, 1, 2, 1, 2])
GUESSES = np.array([[1.0], [2.5], [-1.0], [0.0], [4.0]], dtype="float32")
VALUES = np.array([1.5, 2.0, -1.0, 1.0, 3.0])


def judge(metric: object, y: np.ndarray, trivial: object = (0.5,), val: object = None) -> Judge:
    """The judge of a task with these targets in every split."""

    class Mine(Task):
        objective = "val_loss"

    Mine.metric = metric if isinstance(metric, str) else staticmethod(metric)
    split = Split(np.zeros((len(y), 1), "float32"), y)
    other = split if val is None else Split(np.zeros((len(val), 1)), val)
    names = ("half", "n", "s", "l")
    data = Data(split, other, split, np.asarray(trivial), *names, repeats=True)
    task = Mine()
    task.name = "mine"
    return Judge(task, data)


# The same as scikit-learn.


@pytest.mark.parametrize(
    ("metric", "y", "outputs", "expected"),
    [
        ("accuracy", BINARY, PROBABILITY, 4 / 6),
        ("roc_auc", BINARY, PROBABILITY, metrics.roc_auc_score(BINARY, PROBABILITY[:, 0])),
        ("f1", BINARY, PROBABILITY, metrics.f1_score(BINARY, PROBABILITY[:, 0] > 0.5)),
        (
            "neg_log_loss",
            BINARY,
            PROBABILITY,
            np.log(np.where(BINARY == 1, PROBABILITY[:, 0], 1 - PROBABILITY[:, 0])).mean(),
        ),
        (
            "neg_brier_score",
            BINARY,
            PROBABILITY,
            -np.square(BINARY - PROBABILITY[:, 0]).mean(),
        ),
        ("accuracy", CLASSES, SHARES, 4 / 5),
        ("balanced_accuracy", CLASSES, SHARES, (1 + 1 / 2 + 1) / 3),
        ("neg_log_loss", CLASSES, SHARES, np.log([0.7, 0.6, 0.4, 0.4, 0.6]).mean()),
        ("neg_mean_absolute_error", VALUES, GUESSES, -(0.5 + 0.5 + 0 + 1 + 1) / 5),
        ("neg_mean_squared_error", VALUES, GUESSES, -(0.25 + 0.25 + 0 + 1 + 1) / 5),
        ("r2", VALUES, GUESSES, metrics.r2_score(VALUES, GUESSES[:, 0])),
    ],
)
@pytest.mark.parametrize("shape", ["flat", "column"])
def test_scores_are_known(metric, y, outputs, expected, shape):
    """Targets of shape (rows,) or (rows, 1): the score that the definition gives."""
    found = judge(metric, y if shape == "flat" else y[:, None]).score("test", outputs)
    assert found == pytest.approx(expected, abs=1e-6)
    assert isinstance(found, float)


def scikit_says(model: object, x: np.ndarray, y: np.ndarray) -> dict[str, float]:
    """The score of a fitted model by every scorer of scikit-learn that knows what to do with it."""
    scores = {}
    for name in get_scorer_names():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                scores[name] = get_scorer(name)(model, x, y)
            except (ValueError, TypeError, AttributeError, Warning):
                continue
    return scores


def assert_all_equal(scores: dict[str, float], y: np.ndarray, outputs: np.ndarray) -> None:
    wrong = {}
    for name, expected in scores.items():
        try:
            found = judge(name, y).score("test", outputs)
        except Exception as error:  # which of many scorers failed is what the message must say
            found = repr(error)
        if found != pytest.approx(expected, abs=1e-6):
            wrong[name] = (found, expected)
    assert wrong == {}


@pytest.mark.parametrize("classes", [2, 3])
def test_every_scorer_of_classes_equals_scikit_learns(classes):
    """The probabilities of naive Bayes score as naive Bayes itself, by all scorers."""
    random = np.random.default_rng(0)
    x = random.normal(size=(80, 3))
    y = (x[:, 0] + random.normal(size=80) > 0).astype(int) + (classes == 3) * (x[:, 1] > 0.5)
    model = GaussianNB().fit(x, y)
    outputs = model.predict_proba(x)[:, 1:] if classes == 2 else model.predict_proba(x)
    scores = {n: s for n, s in scikit_says(model, x, y).items() if not n.startswith(REGRESSION)}
    assert len(scores) > 15
    assert_all_equal(scores, y, outputs)


REGRESSION = ("r2", "explained_variance", "neg_mean", "neg_root", "neg_median", "neg_max", "d2_abs")
"""Scorers of values: they take class numbers for values, which is not what is meant here."""


def test_every_scorer_of_values_equals_scikit_learns():
    """A linear regression's predictions score as the regression itself, by all scorers."""
    random = np.random.default_rng(0)
    x = random.uniform(1, 2, size=(60, 3))
    y = x @ [1.0, 2.0, 3.0] + random.uniform(size=60)
    model = LinearRegression().fit(x, y)
    scores = scikit_says(model, x, y)
    assert {"r2", "neg_mean_absolute_error", "explained_variance"} <= set(scores)
    assert_all_equal(scores, y, model.predict(x)[:, None])


def test_several_values_a_row():
    """Two targets a row are averaged as scikit-learn does."""
    y, outputs = np.random.default_rng(0).normal(size=(2, 5, 2))
    found = judge("neg_mean_absolute_error", y).score("test", outputs)
    assert found == pytest.approx(-np.abs(y - outputs).mean())


def test_classes_are_those_of_the_training_split():
    """A class that validation lacks keeps its column; class numbers need not begin at 0."""
    numbered = judge("accuracy", np.array([3, 5, 9]), val=np.array([9, 9]))
    assert numbered.score("val", np.array([[0.1, 0.2, 0.7], [0.6, 0.3, 0.1]])) == 0.5


# Functions as metrics.


def half(targets, outputs):
    """Half the largest output."""
    return outputs.max() / 2 + 0 * targets.sum()


def test_a_function_gets_targets_and_outputs_as_they_are():
    """Its name is the metric's; its score is its own."""
    own = judge(half, BINARY)
    assert own.name == "half"
    assert own.score("test", PROBABILITY) == pytest.approx(0.45)


@pytest.mark.parametrize("metric", [functools.partial(half), metrics.make_scorer])
def test_any_callable_has_a_name(metric):
    """A partial function, which has no `__name__`, is a metric, too."""
    assert judge(metric, BINARY).name


def test_an_unknown_metric_names_the_task_and_the_nearest():
    """It is said before anything trains."""
    with pytest.raises(PluginError, match=r"metric='acuracy'\. Did you mean 'accuracy'\?.*'mine'"):
        judge("acuracy", BINARY)


# The trivial predictor.


@pytest.mark.parametrize(
    ("metric", "y", "trivial", "expected"),
    [
        ("accuracy", np.array([0, 0, 0, 1]), [0.25], 0.75),
        ("accuracy", np.array([0, 2, 2, 1]), [0.25, 0.25, 0.5], 0.5),
        ("roc_auc", BINARY, [0.5], 0.5),
        ("neg_mean_absolute_error", np.array([1.0, 2.0, 6.0]), [2.0], -5 / 3),
    ],
)
def test_a_constant_predictor_has_its_score_on_val_and_test(metric, y, trivial, expected):
    """The majority's share; one half; the mean distance to the constant."""
    assert judge(metric, y, trivial).trivial() == pytest.approx({"val": expected, "test": expected})


def test_a_predictor_of_test_rows_has_a_score_on_test():
    """The last price, say: an output for every row of test."""
    found = judge("neg_mean_absolute_error", VALUES, np.zeros((5, 1)), val=VALUES[:2]).trivial()
    assert found == pytest.approx({"test": -8.5 / 5})


def test_a_predictor_of_neither_shape_is_a_plugin_error():
    """Three outputs for five rows are a mistake, not a task without a trivial score."""
    with pytest.raises(PluginError, match="trivial"):
        judge("accuracy", CLASSES, np.zeros((3, 3))).trivial()


def test_a_predictor_whose_score_is_no_number_is_a_plugin_error():
    """R2 of a single row is undefined: that is said before anything trains."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with pytest.raises(PluginError, match="r2"):
            judge("r2", np.array([1.0])).trivial()


# Outcomes.

GOOD = {"loss": [0.9, 0.7, 0.6, 0.5], "val_loss": [1.0, 0.8, 0.75, 0.9]}


def outcome(curves: dict[str, list[float]], own: Judge | None = None, epoch: int = 3) -> Outcome:
    """The outcome of a training with these curves."""
    arrays = {name: np.array(curve) for name, curve in curves.items()}
    outputs = {"val": PROBABILITY, "test": PROBABILITY}
    return (own or judge("roc_auc", BINARY)).outcome(TRIAL, "fleet", 1.5, arrays, epoch, outputs)


def test_a_training_that_ended_well_is_completed():
    """Curves whole, metric on val and test, the objective at the selected epoch."""
    found = outcome(GOOD)
    auc = pytest.approx(metrics.roc_auc_score(BINARY, PROBABILITY[:, 0]))
    assert (found.status, found.epoch, found.message) == (Status.COMPLETED, 3, "")
    assert found.metrics == {"val.roc_auc": auc, "test.roc_auc": auc, "val.loss": 0.75}
    assert {name: [*curve] for name, curve in found.curves.items()} == GOOD
    assert (found.trial, found.engine, found.seconds) == (TRIAL, "fleet", 1.5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("log", ["loss", "val_loss"])
@pytest.mark.parametrize("place", [0, 2, 3])
def test_a_curve_that_stops_being_finite_is_divergence(value, log, place):
    """The log and the epoch are named; every curve is cut to what was finite in all of them."""
    curves = {name: list(curve) for name, curve in GOOD.items()}
    curves[log][place] = value
    found = outcome(curves)
    assert found.status is Status.DIVERGED
    assert found.message == f"{log} not finite in epoch {place + 1}"
    cut = {name: curve[:place] for name, curve in GOOD.items()}
    assert {name: [*curve] for name, curve in found.curves.items()} == cut
    assert (found.metrics, found.epoch) == ({}, None)


def test_divergence_names_every_log_of_its_first_epoch():
    """What broke later is not what broke."""
    curves = {"loss": [0.9, np.nan, np.inf], "val_loss": [1.0, np.inf, 1.0], "acc": [0, 0, np.nan]}
    assert outcome(curves).message == "loss, val_loss not finite in epoch 2"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_metric_that_is_no_number_is_not_completed(value):
    """A score that the record cannot hold ends the trial, with the metric named, and no other."""
    found = outcome(GOOD, judge(lambda _, outputs: value + 0 * outputs.sum(), BINARY))
    assert found.status in (Status.DIVERGED, Status.FAILED)
    assert found.message
    assert all(np.isfinite(list(found.metrics.values())))


def test_outputs_that_are_no_numbers_are_divergence():
    """Finite curves and an output that is NaN: the trial diverged; it does not stop the others."""
    own = judge("roc_auc", BINARY)
    outputs = {"val": PROBABILITY, "test": np.full_like(PROBABILITY, np.nan)}
    curves = {name: np.array(curve) for name, curve in GOOD.items()}
    found = own.outcome(TRIAL, "fleet", 1.5, curves, 3, outputs)
    assert found.status is Status.DIVERGED
    assert "test" in found.message


def test_a_failure_keeps_the_first_line_of_its_reason():
    """Type and message; no message is said to be none."""
    task = Task()
    found = failure(TRIAL, "fit", ValueError("bad\nvery bad"), task, 2.0)
    assert (found.status, found.message, found.seconds) == (Status.FAILED, "ValueError: bad", 2.0)
    assert failure(TRIAL, "fit", KeyError(), task).message == "KeyError: no message"
