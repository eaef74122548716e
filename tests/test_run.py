"""Whole runs through the command line, on a task that a stranger wrote."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from suite.store import Store

ROOT = Path(__file__).parents[1]
PLUGINS = Path(__file__).parent / "plugins"
STUDY = """
question = "Does dropout help wine?"
seeds = 2
[factors]
dropout = [0.0, 0.5]
optimizer = ["sgd", "adam"]
units = [8, 16]
[nuisance]
learning_rate = [0.003, 0.03]
"""
TRIALS = 2 * 2 * 2 * 2 * 2


def command(folder: Path, *more: str, tasks: tuple[str, ...] = ("wine",)) -> list[str]:
    """The command line of a run in `folder`, with its study written there."""
    study = folder / "wine study.toml"
    study.write_text(STUDY)
    chosen = [word for task in tasks for word in ("-t", task)]
    options = ["--tasks-dir", PLUGINS, "--study", study, "--out", folder / "out", *chosen]
    return [sys.executable, str(ROOT / "run_suite.py"), *map(str, options), *more]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run to the end; standard output and error as text."""
    return subprocess.run(arguments, capture_output=True, text=True, check=False, cwd=ROOT)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run of wine and of a broken task: its folder, and what it said."""
    folder = tmp_path_factory.mktemp("a run")
    done = run(*command(folder, tasks=("broken", "wine")))
    return folder / "out", done


def test_a_strangers_task_runs_and_a_broken_one_does_not_stop_it(finished):
    """Every file is there; the broken plugin is named with file and line; the exit code is 1."""
    out, done = finished
    assert done.returncode == 1, done.stderr
    assert "broken.py:11: ZeroDivisionError" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    frame = pd.read_csv(out / "trials.csv")
    assert len(frame) == TRIALS
    assert (frame["status"] == "completed").all()
    assert frame["trial"].is_unique
    columns = ["task", "study", "trial", "seed", "status", "engine", "hp.dropout", "epoch"]
    metrics = ["val.accuracy", "test.accuracy", "val.sparse_categorical_crossentropy", "seconds"]
    assert {*columns, *metrics} <= set(frame.columns)
    parquet = pd.read_parquet(out / "trials.parquet")
    assert list(parquet.columns) == list(frame.columns)
    assert len(parquet) == TRIALS
    for name in ("best-wine", "levels-wine", "winners"):
        assert (out / "tables" / f"{name}.csv").is_file()
        assert (out / "tables" / f"{name}.md").is_file()


def test_the_description_of_the_run_is_complete(finished):
    """`run.json` says what, with what, on what, and how it went."""
    out, _ = finished
    content = json.loads((out / "run.json").read_text())
    assert content["counts"] == {"completed": TRIALS}
    assert content["study"]["factors"]["dropout"] == [0.0, 0.5]
    assert len(content["study"]["fingerprint"]) == 16
    assert content["versions"]["keras"]
    assert content["hardware"]["cores"] >= 1
    assert content["tasks"]["wine"]["data"]["rows"]["train"] == 64
    assert content["tasks"]["wine"]["trivial"]["test"] < 0.5
    assert {"building", "compiling", "training", "total"} <= set(content["seconds"])
    assert any("broken.py:11" in problem for problem in content["problems"])


def test_the_winner_is_an_ordinary_keras_model(finished):
    """The exported model, loaded by plain Keras, scores what the table says."""
    import keras
    import numpy as np

    from suite.registry import inspect, load

    out, _ = finished
    (winner,) = json.loads((out / "run.json").read_text())["winners"]
    model = keras.models.load_model(out / "models" / "wine.keras")
    data = load(inspect(PLUGINS / "wine.py"), "embedded").dataset
    guesses = np.asarray(model.predict(data.test.x, verbose=0)).argmax(axis=1)
    assert (guesses == data.test.y).mean() == pytest.approx(winner["exported_test"])
    assert winner["fresh_test"] > winner["trivial_test"]
    assert len(winner["seeds"]) == 3


def test_the_same_command_trains_nothing_again(finished):
    """A second run on the folder leaves the record as it is."""
    out, _ = finished
    before = {path: path.read_bytes() for path in (out / "record").iterdir()}
    done = run(*command(out.parent))
    assert done.returncode == 0, done.stderr
    assert f"resuming: {TRIALS} trials" in done.stdout
    assert {path: path.read_bytes() for path in (out / "record").iterdir()} == before


def test_another_study_on_the_folder_is_refused(finished):
    """Two studies never mix in one folder."""
    out, _ = finished
    done = run(*command(out.parent, "--epochs", "3"))
    assert done.returncode == 2
    assert "Choose another --out" in done.stderr


def test_compare_puts_two_folders_side_by_side(finished):
    """A folder compared with itself shows no difference."""
    out, _ = finished
    done = run(sys.executable, "run_suite.py", "compare", str(out), str(out))
    assert done.returncode == 0, done.stderr
    assert "+0.000 [0.000, 0.000]" in done.stdout


def test_a_kill_loses_nothing_and_nothing_is_trained_twice(tmp_path):
    """`kill -9` in the middle; the same command finishes the rest and doubles nothing."""
    arguments = command(tmp_path)
    record = tmp_path / "out" / "record"
    child = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True)
    while child.poll() is None and not any(p.stat().st_size for p in record.glob("*.jsonl")):
        time.sleep(0.02)
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()
    survived = Store(tmp_path / "out").outcomes()
    assert 0 < len(survived) < TRIALS, "the kill came too late to prove anything"
    done = run(*arguments)
    assert done.returncode == 0, done.stdout
    assert f"resuming: {len(survived)} trials" in done.stdout
    lines = [line for path in record.glob("*.jsonl") for line in path.read_text().splitlines()]
    keys = [json.loads(line.partition(" ")[2])["key"] for line in lines]
    assert len(keys) == len(set(keys)) == TRIALS
    assert Store(tmp_path / "out").outcomes().items() >= survived.items()


def test_ctrl_c_leaves_tables_and_a_folder_that_goes_on(tmp_path):
    """An interrupt ends with exit code 130, its tables written, and says how to go on."""
    child = subprocess.Popen(
        command(tmp_path, "--epochs", "100"), cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    record = tmp_path / "out" / "record"
    while child.poll() is None and not any(p.stat().st_size for p in record.glob("*.jsonl")):
        time.sleep(0.02)
    child.send_signal(signal.SIGINT)
    output, _ = child.communicate()
    assert child.returncode == 130
    assert "the same command goes on from here" in output
    assert (tmp_path / "out" / "trials.csv").is_file()


@pytest.mark.filterwarnings("ignore:currentThread|getName:DeprecationWarning")  # KerasTuner's own
def test_stock_keras_tuner_searches_the_strangers_task(tmp_path):
    """The same file works under `keras_tuner.RandomSearch` as it is."""
    import keras_tuner

    from suite.registry import inspect, load

    task = load(inspect(PLUGINS / "wine.py"), "embedded")
    tuner = keras_tuner.RandomSearch(
        task, objective=task.objective, max_trials=2, seed=1, directory=tmp_path
    )
    data = task.dataset
    tuner.search(
        data.train.x, data.train.y, validation_data=(data.val.x, data.val.y), epochs=1, verbose=0
    )
    (best,) = tuner.get_best_hyperparameters()
    assert {"units", "batch_size", "learning_rate", "dropout"} <= set(best.values)
