"""The record as a frame: one row a trial, the same columns always, and folders that are none."""

from __future__ import annotations

import math

import pytest
from example import matrix, outcome, results_folder

from suite.errors import RecordError
from suite.frame import factor_columns, frame_of, read_results, recipe_columns
from suite.trial import Status

HEAD = ["task", "study", "trial", "seed", "status", "engine"]


def test_one_row_a_trial():
    """Identity, hyperparameters, epochs, metrics, seconds and message, each in its column."""
    given = outcome({"dropout": 0.5}, 7, (0.4, 0.8, 0.7))
    (row,) = frame_of([given], "mine").to_dict("records")
    assert row == {
        "task": "churn",
        "study": "mine",
        "trial": given.trial.key,
        "seed": 7,
        "status": "completed",
        "engine": "fleet",
        "hp.dropout": 0.5,
        "epoch": 3,
        "epochs": 4,
        "val.loss": 0.4,
        "val.auc": 0.8,
        "test.auc": 0.7,
        "seconds": 0.5,
        "message": "",
    }


def test_columns_have_one_order_whatever_comes_first():
    """Identity, then factors, then measurements, also where a first trial measured nothing."""
    diverged = outcome({"dropout": 0.5}, status=Status.DIVERGED)
    other = outcome({"units": 8, "dropout": 0.5}, 1, (0.4, 0.8, 0.7), task="text")
    frame = frame_of([diverged, other], "mine")
    hp, metrics = ["hp.dropout", "hp.units"], ["val.loss", "val.auc", "test.auc"]
    assert list(frame.columns) == [*HEAD, *hp, "epoch", "epochs", *metrics, "seconds", "message"]
    assert math.isnan(frame["val.auc"][0])
    assert math.isnan(frame["hp.units"][0])


def test_no_trial_is_dropped():
    """Diverged and failed trials have their rows, with the reason."""
    failed = outcome({"dropout": 0.5}, 9, status=Status.FAILED)
    frame = frame_of([*matrix(), failed], "mine")
    assert frame["status"].value_counts().to_dict() == {"completed": 7, "diverged": 1, "failed": 1}
    assert frame["message"].iloc[-1] == "loss not finite in epoch 2"


def test_no_trials_are_an_empty_frame():
    """A run that was stopped before its first trial has a frame, too."""
    assert len(frame_of([], "mine")) == 0


def test_factors_are_what_varies_and_recipes_what_applies():
    """A hyperparameter of one level is no factor; one of another task is not in the recipe."""
    fixed = outcome({"dropout": 0.5, "l2": 0.1}, 0, (0.4, 0.8, 0.7))
    varied = outcome({"dropout": 0.0, "l2": 0.1}, 0, (0.4, 0.8, 0.7))
    other = outcome({"units": 8}, 0, (0.4, 0.8, 0.7), task="text")
    frame = frame_of([fixed, varied, other], "mine")
    churn = frame[frame["task"] == "churn"]
    assert factor_columns(churn) == ["hp.dropout"]
    assert recipe_columns(churn) == ["hp.dropout", "hp.l2"]
    assert recipe_columns(frame[frame["task"] == "text"]) == ["hp.units"]


def test_a_results_folder_reads_back(tmp_path):
    """The frame of the record under the study's name, and `run.json`."""
    frame, run = read_results(results_folder(tmp_path, matrix()))
    assert len(frame) == 8
    assert set(frame["study"]) == {"example"}
    assert run["tasks"]["churn"]["metric"] == "auc"


@pytest.mark.parametrize("missing", ["run.json", "record", ""])
def test_a_folder_without_results_is_a_record_error(tmp_path, missing):
    """No folder, no record or no description: what was expected, and which folder was given."""
    folder = tmp_path / "out"
    if missing:
        results_folder(folder, matrix())
        (folder / missing).rename(tmp_path / "elsewhere")
    with pytest.raises(RecordError, match=r"^Expected a results folder, .* Received: .*out\.$"):
        read_results(folder)


@pytest.mark.parametrize(
    "text", ["", "not json", "\xff", "{}", "[]", "3", '{"study": {}}', '{"study": {"name": "x"}}']
)
def test_a_broken_description_is_a_record_error(tmp_path, text):
    """Whatever stands in `run.json`: one sentence that names the file, never a KeyError."""
    folder = results_folder(tmp_path, matrix())
    (folder / "run.json").write_text(text, encoding="latin-1")
    with pytest.raises(RecordError, match=r"^Expected .*run\.json.* Received: "):
        read_results(folder)
