"""FleetTuner as its users meet it: search, best models, executions, resuming, what is refused."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import keras_tuner
import numpy as np
import pytest
from keras_tuner.oracles import BayesianOptimizationOracle, HyperbandOracle, RandomSearchOracle
from searching import KERAS_TUNERS_OWN

from suite.engines.fleet import FleetEngine
from suite.errors import PluginError, RecordError, UsageError
from suite.search.sampled import OptunaOracle
from suite.search.tuner import FleetTuner
from suite.store import Store

pytestmark = pytest.mark.filterwarnings(*KERAS_TUNERS_OWN)
ROOT = Path(__file__).parents[1]
RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(96, 4)).astype("float32")
Y = (X.sum(axis=1, keepdims=True) > 0).astype("float32")
TRAIN, HELD = (X[:64], Y[:64]), (X[64:], Y[64:])
FIT = {"validation_data": HELD, "epochs": 3, "batch_size": 16, "verbose": 0}
SAME = ["trial_id", "execution", "seed", "status", "score", "epoch", "epochs", "key"]


def dense(hp, units=8, layers=1):
    """A compiled network of so many equal layers, with a learning rate to choose."""
    hidden = [keras.layers.Dense(units, activation="relu") for _ in range(layers)]
    model = keras.Sequential(
        [keras.Input((4,)), *hidden, keras.layers.Dense(1, activation="sigmoid")]
    )
    rate = hp.Float("rate", 1e-3, 1.0, sampling="log")
    model.compile(keras.optimizers.SGD(rate), "binary_crossentropy", metrics=["accuracy"])
    return model


def looped(hp):
    """Hyperparameters that are declared in a loop, and behind a Python `if`."""
    hidden = [
        keras.layers.Dense(hp.Choice(f"units_{i}", [4, 8])) for i in range(hp.Int("layers", 1, 3))
    ]
    if hp.Boolean("dropout"):
        hidden.append(keras.layers.Dropout(hp.Choice("share", [0.1, 0.2])))
    model = keras.Sequential([keras.Input((4,)), *hidden, keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    return model


class Batched(keras_tuner.HyperModel):
    """Chooses its batch size in `fit`, as KerasTuner's guide shows."""

    def build(self, hp):
        return dense(hp)

    def fit(self, hp, model, *args, **kwargs):
        return model.fit(*args, **{**kwargs, "batch_size": hp.Choice("batch_size", [8, 32])})


def random(trials=4, **own):
    """KerasTuner's random search."""
    return RandomSearchOracle(**{"objective": "val_loss", "max_trials": trials, "seed": 3, **own})


def bayesian(**own):
    """KerasTuner's Gaussian process, with two random trials before it."""
    return BayesianOptimizationOracle(
        objective="val_loss", max_trials=6, num_initial_points=2, seed=3, **own
    )


def hyperband(**own):
    """Brackets of 2 and 4 epochs."""
    return HyperbandOracle(objective="val_loss", max_epochs=4, factor=2, seed=3, **own)


def tpe(**own):
    """Optuna's."""
    return OptunaOracle(objective="val_loss", max_trials=6, seed=3, **own)


ORACLES = {"random": random, "tpe": tpe, "bayesian": bayesian, "hyperband": hyperband}


def tuner(folder, hypermodel=dense, oracle=None, **own):
    """A tuner in `folder`; random search of four trials on one program, if nothing else is said."""
    own = {"engine": FleetEngine(width=8), **own}
    return FleetTuner(
        hypermodel, oracle or random(), directory=folder, project_name="project", **own
    )


def searched(folder, hypermodel=dense, oracle=None, fit=FIT, **own):
    """A tuner that has searched."""
    made = tuner(folder, hypermodel, oracle, **own)
    made.search(*TRAIN, **fit)
    return made


def keys(folder):
    """The key of every line of the record, in the order of writing."""
    lines = [
        line
        for segment in sorted((folder / "project" / "record").glob("*.jsonl"))
        for line in segment.read_text().splitlines()
    ]
    return [json.loads(line.partition(" ")[2])["key"] for line in lines]


def trials(made):
    """Values and score of every trial of the oracle, by its id."""
    return {
        name: (trial.hyperparameters.values, trial.score)
        for name, trial in made.oracle.trials.items()
    }


@contextlib.contextmanager
def no_training(monkeypatch):
    """Whoever writes to a record fails."""
    with monkeypatch.context() as patch:
        patch.setattr(Store, "append", lambda *_: pytest.fail("trained again"))
        yield


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """A finished search of two executions a trial, and its folder."""
    folder = tmp_path_factory.mktemp("finished")
    return searched(folder, executions_per_trial=2, seed=5), folder


# What a search leaves behind.


def test_executions_have_seeds_of_their_own_and_all_scores_are_kept(found):
    """Seeds 5 and 6; the score of a trial is the mean of its executions'."""
    made, folder = found
    table = made.executions()
    assert len(table) == len(set(table["key"])) == 8
    assert set(table["key"]) == set(keys(folder))
    for name, own in table.groupby("trial_id"):
        assert list(own["execution"]) == [0, 1]
        assert list(own["seed"]) == [5, 6]
        assert own["score"].nunique() == 2
        assert made.oracle.trials[name].score == own["score"].mean()
    assert (table["epochs"] == 3).all()
    assert table["epoch"].between(1, 3).all()


def test_the_best_hyperparameters_are_those_of_the_best_mean(found):
    """`get_best_hyperparameters` as of KerasTuner."""
    made, _ = found
    means = made.executions().groupby("trial_id")["score"].mean()
    (best,) = made.get_best_hyperparameters()
    assert best.values == made.oracle.trials[means.idxmin()].hyperparameters.values


def test_the_best_models_score_what_the_record_says(found):
    """`evaluate` gives the score of the trial's best execution, at its selected epoch."""
    made, _ = found
    table = made.executions()
    ranking = table.groupby("trial_id")["score"].mean().sort_values().index
    models = made.get_best_models(3)
    assert len(models) == 3
    for name, model in zip(ranking, models, strict=False):
        loss, accuracy = model.evaluate(*HELD, verbose=0)
        best = table[table["trial_id"] == name]["score"].min()
        assert loss == pytest.approx(best, rel=1e-5)
        assert 0 <= accuracy <= 1


def test_the_summary_is_kerastuners(found, capsys):
    """Ids, values and scores are printed."""
    made, _ = found
    made.results_summary(1)
    printed = capsys.readouterr().out
    assert "Results summary" in printed
    assert f"Score: {min(t.score for t in made.oracle.trials.values())}" in printed


def test_the_trials_know_the_other_logs_too(found):
    """`val_accuracy` beside the objective, as KerasTuner reports it."""
    made, _ = found
    best = made.oracle.get_best_trials()[0]
    assert best.metrics.exists("val_accuracy")
    assert 0 <= best.metrics.get_best_value("val_accuracy") <= 1


def test_progress_is_a_line_a_batch(tmp_path, capsys):
    """With `verbose=1`; silence with 0."""
    made = searched(tmp_path, oracle=tpe(), fit={**FIT, "verbose": 1}, batch=3)
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == 2
    assert printed[1].startswith("6 trials, best val_loss 0.")
    searched(tmp_path / "silent")
    assert capsys.readouterr().out == ""
    assert len(made.executions()) == 6


# Hypermodels of all kinds.


def test_what_a_loop_declares_is_known_before_the_first_trial(tmp_path):
    """And what stands behind a Python `if`: the first trial already has values of its own."""
    made = searched(tmp_path, looped, random(12))
    names = {"layers", "units_0", "units_1", "units_2", "dropout", "share"}
    values = [t.hyperparameters.values for t in made.oracle.trials.values()]
    assert all(set(own) == names for own in values)
    assert {own["units_2"] for own in values} == {4, 8}
    assert {own["share"] for own in values} == {0.1, 0.2}
    assert set(made.executions()["status"]) == {"completed"}
    (model,) = made.get_best_models()
    best = made.get_best_hyperparameters()[0].values
    assert sum(isinstance(own, keras.layers.Dense) for own in model.layers) == best["layers"] + 1


def test_a_batch_size_chosen_in_fit_is_honoured(tmp_path):
    """More steps with the smaller one: the curves are those of the batch sizes asked for."""
    hp = keras_tuner.HyperParameters()
    hp.Fixed("rate", 0.1)
    made = searched(
        tmp_path,
        Batched(),
        RandomSearchOracle(objective="val_loss", max_trials=2, seed=1, hyperparameters=hp),
    )
    sizes = {t.hyperparameters.get("batch_size"): t.score for t in made.oracle.trials.values()}
    assert set(sizes) == {8, 32}
    for size, score in sizes.items():
        alone = searched(
            tmp_path / str(size),
            oracle=RandomSearchOracle(
                objective="val_loss", max_trials=1, seed=1, hyperparameters=hp.copy()
            ),
            fit={**FIT, "batch_size": size},
        )
        assert alone.oracle.get_best_trials()[0].score == pytest.approx(score, rel=1e-4)


def other_fit(change):
    """A hypermodel whose `fit` is `change`, which is given the model and the arguments."""

    def fit(self, hp, model, *args, **kwargs):  # noqa: ARG001  # KerasTuner's names
        return change(model, *args, **kwargs)

    return type("Odd", (keras_tuner.HyperModel,), {"build": lambda _, hp: dense(hp), "fit": fit})


ODD = {
    "looks at the model": (lambda model, *_, **__: model.summary(), "AttributeError"),
    "fits twice": (lambda model, *a, **k: (model.fit(*a, **k), model.fit(*a, **k))[1], "2 calls"),
    "fits not at all": (lambda *_, **__: {"val_loss": 1.0}, "0 calls"),
    "changes the rows": (lambda model, x, y, **k: model.fit(x * 2, y, **k), "others"),
    "adds a weight": (lambda model, *a, **k: model.fit(*a, class_weight={}, **k), "class_weight"),
}


@pytest.mark.parametrize("what", ODD)
def test_a_fit_that_does_something_else_is_refused(tmp_path, what):
    """UsageError, before anything is trained."""
    fit, message = ODD[what]
    with pytest.raises(UsageError, match=message):
        searched(tmp_path, other_fit(fit)())
    assert not keys(tmp_path)


def test_early_stopping_shortens_curves(tmp_path):
    """A step of 1.0 that no loss improves on: three epochs without one, and training ends."""
    stopping = keras.callbacks.EarlyStopping("val_loss", patience=2, min_delta=1.0)
    made = searched(tmp_path, fit={**FIT, "epochs": 9, "callbacks": [stopping]})
    table = made.executions()
    assert set(table["status"]) == {"completed"}
    assert set(table["epochs"]) == {3}


def test_hyperband_trains_the_right_epochs_and_goes_on_from_states(tmp_path):
    """Brackets of 1, 2 and 4 epochs; a promoted trial repeats no epoch of its parent."""
    made = searched(tmp_path, oracle=hyperband())
    outcomes = Store(tmp_path / "project").outcomes()
    promoted = 0
    for name, own in made.executions().set_index("trial_id").iterrows():
        values = made.oracle.trials[name].hyperparameters.values
        assert own["epochs"] == values["tuner/epochs"]
        if parent := values.get("tuner/trial_id"):
            promoted += 1
            before = made.executions().set_index("trial_id").loc[parent]
            curve = outcomes[own["key"]].curves["val_loss"]
            assert len(curve) > before["epochs"] == values["tuner/initial_epoch"]
            assert curve[: before["epochs"]] == outcomes[before["key"]].curves["val_loss"]
    assert promoted


def test_a_diverged_execution_does_not_end_the_search(tmp_path):
    """It has no score, is never the best, and the oracle goes on."""

    def build(hp):
        if not hp.Boolean("bad"):
            return dense(hp)
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(1e30), "mse")
        return model

    made = searched(tmp_path, build, random(8))
    table = made.executions()
    diverged = table[table["status"] == "diverged"]
    assert len(table) == 8
    assert 0 < len(diverged) < 8
    assert diverged["score"].isna().all()
    assert not made.get_best_hyperparameters()[0].get("bad")
    assert len(made.get_best_models(1)) == 1


def untwelve(hp):
    """A model that cannot be built with twelve units."""
    units = hp.Int("units", 4, 16, step=4)
    if units == 12:
        raise ValueError("no twelve")
    return dense(hp, units)


def test_a_build_that_raises_at_times_fails_those_trials_alone(tmp_path, monkeypatch):
    """With the reason; taken up again, the search still knows them, and tries none again."""
    made = searched(tmp_path, untwelve, random(8))
    table = made.executions()
    failed = table["status"] == "failed"
    assert 0 < failed.sum() < 8
    assert set(table[failed]["message"]) == {"ValueError: no twelve"}
    with no_training(monkeypatch):
        again = searched(tmp_path, untwelve, random(8))
    assert again.executions().equals(table)


def test_a_late_failure_does_not_end_a_search(tmp_path):
    """A batch of one that fails, after others that did not."""
    made = searched(tmp_path, untwelve, tpe(), batch=1)
    assert "failed" in set(made.executions()["status"])
    assert len(made.executions()) == 6


def test_a_build_that_always_raises_is_one_clear_error(tmp_path):
    """PluginError with the reason."""

    def build(hp):
        hp.Boolean("any")
        raise ZeroDivisionError("nothing works")

    with pytest.raises(PluginError, match=r"built\. Received: ZeroDivisionError: nothing works"):
        tuner(tmp_path, build)


def test_a_model_for_other_rows_is_one_clear_error(tmp_path):
    """PluginError with the shapes, before anything is trained."""

    def build(hp):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2 + hp.Int("more", 0, 9))])
        model.compile("sgd", "categorical_crossentropy")
        return model

    with pytest.raises(PluginError, match=r"fits the arrays.*\(16, 1\), output.shape=\(16, 2\)"):
        searched(tmp_path, build)


@pytest.mark.parametrize("made", [None, "a model", keras.Sequential([keras.layers.Dense(1)])])
def test_a_build_of_no_compiled_model_is_a_plugin_error(tmp_path, made):
    """Whatever it returns instead."""
    with pytest.raises(PluginError, match=r"Expected the hypermodel to build a compiled keras"):
        searched(tmp_path, lambda hp: (hp.Boolean("any"), made)[1])


def test_a_wrong_objective_is_a_usage_error(tmp_path):
    """With the nearest log of `fit`, before anything is trained."""
    objective = keras_tuner.Objective("val_acuracy", "max")
    with pytest.raises(UsageError, match=r"objective='val_acuracy'. Did you mean 'val_accuracy'"):
        searched(tmp_path, oracle=random(objective=objective))
    assert not keys(tmp_path)


def test_a_wrong_monitor_is_a_usage_error(tmp_path):
    """With the nearest log of `fit`."""
    stopping = keras.callbacks.EarlyStopping("val_los", mode="min")
    with pytest.raises(UsageError, match=r"monitor='val_los'. Did you mean 'val_loss'"):
        searched(tmp_path, fit={**FIT, "callbacks": [stopping]})


def test_a_model_that_is_too_large_fails(tmp_path):
    """`max_model_size` of KerasTuner: the trial is recorded with its size."""

    def build(hp):
        return dense(hp, hp.Choice("units", [4, 400]))

    table = searched(tmp_path, build, random(6), max_model_size=100).executions()
    assert set(table["status"]) == {"completed", "failed"}
    assert table["message"].str.contains("max_model_size=100").sum() == sum(
        table["status"] == "failed"
    )


@pytest.mark.parametrize("name", ["distribution_strategy", "tuner_id", "logger"])
def test_what_a_fleet_has_no_use_for_is_refused(tmp_path, name):
    """UsageError naming it."""
    with pytest.raises(UsageError, match=f"Expected no {name}"):
        tuner(tmp_path, **{name: "something"})


def test_a_hypermodel_is_needed(tmp_path):
    """There is nothing to search without one."""
    with pytest.raises(UsageError, match="Received: hypermodel=None"):
        FleetTuner(None, random(), directory=tmp_path)


def test_another_backend_is_refused():
    """A process with Keras on NumPy is told how to have it on JAX."""
    code = "from suite.search.tuner import FleetTuner; FleetTuner(print)"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "KERAS_BACKEND": "numpy"},
    )
    assert "UsageError: Expected Keras on JAX" in done.stderr
    assert "Received: KERAS_BACKEND=numpy" in done.stderr


# Resuming.


def test_a_second_tuner_recalls_everything(found, monkeypatch):
    """Without a search, and without training: the same trials, best model and executions."""
    made, folder = found
    with no_training(monkeypatch):
        again = tuner(folder, executions_per_trial=2, seed=5)
        assert again.executions().equals(made.executions())
        again.search(*TRAIN, **FIT)
    assert again.executions().equals(made.executions())
    assert trials(again) == trials(made)
    one, two = (own.get_best_models()[0].get_weights() for own in (made, again))
    for left, right in zip(one, two, strict=True):
        np.testing.assert_array_equal(left, right)


def test_a_seed_by_chance_is_kept_too(tmp_path, monkeypatch):
    """An oracle without a seed draws one, which the project remembers."""
    made = searched(tmp_path, oracle=random(seed=None))
    with no_training(monkeypatch):
        assert trials(tuner(tmp_path, oracle=random(seed=None))) == trials(made)


def test_more_trials_go_on_after_those_there_are(tmp_path):
    """A larger `max_trials` adds trials and repeats none."""
    made = searched(tmp_path)
    more = searched(tmp_path, oracle=random(7))
    assert len(keys(tmp_path)) == len(set(keys(tmp_path))) == 7
    assert more.executions()[SAME].head(4).equals(made.executions()[SAME])


def break_after(monkeypatch, chunks):
    """The record takes so many chunks, then Ctrl-C is pressed."""
    append, left = Store.append, [chunks]

    def short(self, outcomes):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        append(self, outcomes)

    monkeypatch.setattr(Store, "append", short)


@pytest.mark.parametrize("chunks", [0, 1, 2])
@pytest.mark.parametrize("name", ORACLES)
def test_a_broken_search_goes_on_as_if_unbroken(tmp_path, name, chunks):
    """Trains no recorded trial again; the same trials, scores and best weights in the end."""
    own = {"batch": 2, "engine": FleetEngine(width=1, devices=1)}
    whole = searched(tmp_path / "whole", oracle=ORACLES[name](), **own)
    with pytest.MonkeyPatch.context() as patch:
        break_after(patch, chunks)
        with pytest.raises(KeyboardInterrupt):
            searched(tmp_path / "broken", oracle=ORACLES[name](), **own)
    assert len(keys(tmp_path / "broken")) < len(keys(tmp_path / "whole"))
    again = searched(tmp_path / "broken", oracle=ORACLES[name](), **own)
    written = keys(tmp_path / "broken")
    assert len(written) == len(set(written))
    assert set(written) == set(keys(tmp_path / "whole"))
    assert trials(again) == trials(whole)
    assert again.executions()[SAME].equals(whole.executions()[SAME])
    one, two = (own.get_best_models()[0].get_weights() for own in (whole, again))
    for left, right in zip(one, two, strict=True):
        np.testing.assert_array_equal(left, right)


def wider(hp):
    """As `dense`, with another range."""
    hp.Float("rate", 1e-4, 1.0, sampling="log")
    return dense(hp)


def larger(hp):
    """As `dense`, with a hyperparameter more."""
    return dense(hp, hp.Int("units", 4, 8))


def poorer(hp):
    """As `dense`, without anything to choose but this."""
    hp.Boolean("other")
    return dense(keras_tuner.HyperParameters())


CHANGED = {
    "data": {"rows": (X[1:65], Y[1:65])},
    "epochs": {"fit": {**FIT, "epochs": 4}},
    "batch_size": {"fit": {**FIT, "batch_size": 8}},
    "early_stopping": {"fit": {**FIT, "callbacks": [keras.callbacks.EarlyStopping()]}},
    "hyperparameter 'rate'": {"hypermodel": wider},
    "hyperparameter 'units'": {"hypermodel": larger},
    "hyperparameter 'other'": {"hypermodel": poorer},
    "executions": {"executions_per_trial": 1},
    "seed": {"seed": 6},
    "oracle": {"oracle": tpe},
    "objective": {"oracle": lambda: random(objective="val_accuracy")},
}


@pytest.mark.parametrize("what", CHANGED)
def test_a_project_begun_with_something_else_is_refused(found, what):
    """RecordError naming what changed, and how to begin anew; the record stays as it is."""
    _, folder = found
    own = {"executions_per_trial": 2, "seed": 5, **CHANGED[what]}
    fit, rows = own.pop("fit", FIT), own.pop("rows", TRAIN)
    oracle = own.pop("oracle", random)()
    before = keys(folder)
    with pytest.raises(RecordError, match=rf"Expected {what}=.*overwrite=True"):
        tuner(folder, oracle=oracle, **own).search(*rows, **fit)
    assert keys(folder) == before


def test_overwrite_begins_anew(tmp_path):
    """With other data, on the same folder; nothing of before is left."""
    before = searched(tmp_path).executions()
    made = tuner(tmp_path, overwrite=True)
    assert made.executions().empty
    made.search(X[1:65], Y[1:65], **FIT)
    assert set(made.executions()["key"]).isdisjoint(before["key"])
    assert set(keys(tmp_path)) == set(made.executions()["key"])


def test_a_torn_description_is_a_record_error(tmp_path):
    """The file is named."""
    searched(tmp_path)
    (tmp_path / "project" / "search.json").write_text('{"source": ')
    with pytest.raises(RecordError, match=r"Expected JSON in .*search\.json"):
        tuner(tmp_path)


def test_lost_weights_are_a_record_error(tmp_path):
    """The scores are still there; the model cannot be."""
    made = searched(tmp_path)
    for path in (tmp_path / "project" / "weights").iterdir():
        path.unlink()
    assert made.get_best_hyperparameters()
    with pytest.raises(RecordError, match=r"Expected weights in .*\.npz"):
        made.get_best_models()
