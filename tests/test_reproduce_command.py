"""The command `reproduce`: what it prints and writes, and what it refuses in one sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scripted import run_here
from support import train, trial

from suite.errors import DataError, RecordError, UsageError
from suite.registry import inspect, load
from suite.reproduce.command import Asked, reproduce
from suite.reproduce.recorded import find
from suite.store import Store
from suite.trial import Outcome, Status

PLUGINS = Path(__file__).parent / "plugins"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A results folder with two seeds of wine, and one trial that failed."""
    from suite.engines.fit import FitEngine

    folder = tmp_path_factory.mktemp("é and spaces") / "res"
    task = load(inspect(PLUGINS / "wine.py"), "embedded")
    trials = [trial("wine", seed=seed, epochs=2, units=8) for seed in (0, 1)]
    outcomes = list(train(FitEngine(), task, trials).values())
    failed = Outcome(trial("wine", seed=2), Status.FAILED, "fleet", 0.0, message="ValueError: no")
    with Store(folder) as store:
        store.append([*outcomes, failed])
    data = {"fingerprint": task.dataset.fingerprint}
    judged = {"metric": "auc", "objective": "loss", "direction": "min"}
    judged |= {"trivial": {"val": 0.5, "test": 0.5}, "trivial_name": "a constant"}
    run = {"study": {"name": "w"}, "tasks": {"wine": {"data": data, **judged}}}
    (folder / "run.json").write_text(json.dumps(run))
    return folder


def keys(results: Path, status: Status = Status.COMPLETED) -> list[str]:
    """The keys of the trials that ended so."""
    return [key for key, outcome in Store(results).outcomes().items() if outcome.status is status]


def test_a_folder_takes_the_script_and_its_data(results, tmp_path):
    """Moved together they run anywhere, and get what was recorded."""
    key = keys(results)[0]
    done = reproduce(Asked(key[:5], results, tmp_path / "out", [PLUGINS]))
    assert done.path == tmp_path / "out" / f"wine-{key}.py"
    assert done.path.read_text() == done.text
    moved = (tmp_path / "out").rename(tmp_path / "moved")
    assert len(list(moved.iterdir())) == 2
    code, output = run_here(moved / done.path.name)
    assert code == 0, output
    assert "val_sparse_categorical_crossentropy: got" in output
    assert "test accuracy: got" in output


def test_without_a_folder_the_script_names_its_data(results):
    """The data file goes into the results folder, once for all trials of a task."""
    before = [reproduce(Asked(key, results, None, [PLUGINS])) for key in keys(results)]
    assert [done.path for done in before] == [None, None]
    (data,) = (results / "data").iterdir()
    assert all(f'"{data.as_posix()}"' in done.text for done in before)
    arrays = np.load(data)
    assert set(arrays) == {f"{part}_{split}" for part in "xy" for split in ("train", "val", "test")}


def test_the_command_prints_the_script(results, monkeypatch, capsys):
    """And nothing else; with --out, the script's path."""
    import sys

    from suite import cli

    for more in ([], ["--out", str(results / "out")]):
        key = keys(results)[0]
        asked = ["reproduce", key, "--results", str(results), "--tasks-dir", str(PLUGINS), *more]
        monkeypatch.setattr(sys, "argv", ["run_suite.py", *asked])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        assert not stop.value.code
        out, err = capsys.readouterr()
        assert err == ""
        if more:
            assert out.strip() == str(results / "out" / f"wine-{key}.py")
        else:
            compile(out, "printed", "exec")


def test_the_command_has_help_that_fits_80_columns():
    """With its options, and where script and data go."""
    from typer.testing import CliRunner

    from suite import cli

    done = CliRunner().invoke(cli.app, ["reproduce", "--help"], env={"COLUMNS": "80"})
    assert done.exit_code == 0
    for word in ("--results", "--out", "--tasks-dir", "data/"):
        assert word in done.output
    assert max(map(len, done.output.splitlines())) <= 80


def test_an_unknown_key_is_answered_with_the_nearest(results):
    """Three at most."""
    key = keys(results)[0]
    wrong = key[:-1] + ("0" if key[-1] != "0" else "1")
    with pytest.raises(UsageError, match=f"Received: trial='{wrong}'. Nearest: '{key}'"):
        find(results, wrong)


@pytest.mark.parametrize("short", ["", "a", "abc"])
def test_a_beginning_needs_four_digits(results, short):
    """Fewer name a trial by chance alone."""
    with pytest.raises(UsageError, match="or its first digits, 4 or more"):
        find(results, short)


def test_a_beginning_of_several_keys_is_ambiguous(results, monkeypatch):
    """One sentence with some of them."""
    outcome = next(iter(Store(results).outcomes().values()))
    several = {f"abcd{i}": outcome for i in range(5)}
    monkeypatch.setattr(Store, "outcomes", lambda _: several)
    with pytest.raises(UsageError, match=r"5 keys begin: 'abcd0', 'abcd1', 'abcd2', \.\.\."):
        find(results, "ABCD")
    assert find(results, "abcd3") is outcome


def test_a_failed_trial_has_no_figure(results):
    """The message says why it failed."""
    (key,) = keys(results, Status.FAILED)
    with pytest.raises(UsageError, match="no figure to reproduce: ValueError: no"):
        find(results, key)


def test_data_that_changed_is_refused(results, tmp_path):
    """Both fingerprints are named; nothing is written."""
    run = json.loads((results / "run.json").read_text())
    run["tasks"]["wine"]["data"]["fingerprint"] = "f" * 16
    copy = tmp_path / "copy"
    with Store(copy) as store:
        store.append(Store(results).outcomes().values())
    (copy / "run.json").write_text(json.dumps(run))
    with pytest.raises(DataError, match=f"fingerprint {'f' * 16}. Received: data of fingerprint"):
        reproduce(Asked(keys(results)[0], copy, tmp_path / "out", [PLUGINS]))
    assert not (tmp_path / "out").exists()
    run["tasks"] = {}
    (copy / "run.json").write_text(json.dumps(run))
    with pytest.raises(RecordError, match="Expected the data of task 'wine'"):
        reproduce(Asked(keys(results)[0], copy, tmp_path / "out", [PLUGINS]))


def test_a_task_that_is_not_there_is_a_hint_to_its_folder(results):
    """A stranger's task needs --tasks-dir."""
    with pytest.raises(UsageError, match=r"task='wine'.* Name its folder by --tasks-dir"):
        reproduce(Asked(keys(results)[0], results))


def test_a_folder_that_cannot_be_written_is_one_sentence(results, tmp_path):
    """It is a file."""
    (tmp_path / "out").write_text("mine")
    with pytest.raises(RecordError, match="can be written to"):
        reproduce(Asked(keys(results)[0], results, tmp_path / "out", [PLUGINS]))


def test_a_folder_without_results_is_refused(tmp_path):
    """Before anything is loaded."""
    with pytest.raises(RecordError, match="Expected a results folder"):
        reproduce(Asked("abcd", tmp_path))


def test_the_backend_of_a_record_is_known():
    """The fleet runs on JAX; `fit` says where it ran."""
    from suite.reproduce.recorded import backend_of

    outcome = Outcome(trial("wine"), Status.COMPLETED, "fleet", 1.0)
    assert backend_of(outcome) == "jax"
    assert backend_of(replace(outcome, engine="fit-tensorflow")) == "tensorflow"
