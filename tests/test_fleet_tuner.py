"""FleetTuner as its users meet it: search, best models, executions, hypermodels of all kinds."""

from __future__ import annotations

import keras
import keras_tuner
import pytest
from keras_tuner.oracles import RandomSearchOracle
from projects import FIT, HELD, dense, hyperband, keys, no_training, random, searched, tpe
from searching import KERAS_TUNERS_OWN

from suite.store import Store

pytestmark = pytest.mark.filterwarnings(*KERAS_TUNERS_OWN)


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
