"""A FleetTuner that was stopped, killed or begun with something else."""

from __future__ import annotations

import keras
import keras_tuner
import numpy as np
import pytest
from projects import (
    FIT,
    ORACLES,
    TRAIN,
    X,
    Y,
    dense,
    keys,
    no_training,
    random,
    searched,
    tpe,
    trials,
    tuner,
)
from searching import KERAS_TUNERS_OWN

from suite.engines.fleet import FleetEngine
from suite.errors import RecordError
from suite.store import Store

pytestmark = pytest.mark.filterwarnings(*KERAS_TUNERS_OWN)
SAME = ["trial_id", "execution", "seed", "status", "score", "epoch", "epochs", "key"]


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
