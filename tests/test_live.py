"""A search study run live: its files, its log, and what an interrupt leaves of it."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from suite import studyfiles
from suite.errors import UsageError
from suite.request import Request
from suite.runner import run
from suite.search.live import FRESH
from suite.search.log import read_log
from suite.store import Store

ROOT = Path(__file__).parents[1]
PLUGINS = Path(__file__).parent / "plugins"
TUNERS = ["grid", "random", "bayesian", "hyperband", "tpe"]
STUDY = f"""
kind = "search"
question = "Which tuner finds a good wine soonest?"
tuners = {json.dumps(TUNERS)}
trials = 4
batch = 2
epochs = 3
repeats = 2
fresh = 2
own = false
[space]
learning_rate = {{ low = 1e-3, high = 1.0, sampling = "log" }}
dropout = [0.0, 0.3]
"""
BUDGET = 4
SECONDS = ["oracle_seconds", "train_seconds"]
SEARCHES = (len(TUNERS) + 1) * 2


def request(folder, text=STUDY, **own):
    """A request for the study on wine, with its results in `folder`."""
    folder.mkdir(exist_ok=True)
    path = folder / "wine.toml"
    path.write_text(text)
    own = {"tasks": ["wine"], "folders": [PLUGINS], **own}
    return Request(studyfiles.read(path), folder / "out", **own)


def carried_out(folder, text=STUDY, **own):
    """Exit code, and what was said."""
    said = io.StringIO()
    return run(request(folder, text, **own), Console(file=said, width=120)), said.getvalue()


def keys(folder):
    """The key of every line of the record."""
    lines = [
        line
        for segment in sorted((folder / "out" / "record").glob("*.jsonl"))
        for line in segment.read_text().splitlines()
    ]
    return [json.loads(line.partition(" ")[2])["key"] for line in lines]


def log(folder):
    """Asks without their seconds, choices, and every table but for the oracles' seconds."""
    asks, choices = read_log(folder / "out")
    tables = {path.name: pd.read_csv(path) for path in (folder / "out" / "tables").glob("*.csv")}
    bare = {n: t.drop(columns=[c for c in t if "seconds" in c]) for n, t in tables.items()}
    return asks.drop(columns=SECONDS), choices, bare


def assert_same(one, other):
    """Two logs, to the last digit."""
    for left, right in zip(one[:2], other[:2], strict=True):
        pd.testing.assert_frame_equal(left, right, check_exact=True)
    assert set(one[2]) == set(other[2])
    for name, table in one[2].items():
        pd.testing.assert_frame_equal(table, other[2][name], check_exact=True)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run: its folder, exit code and words."""
    folder = tmp_path_factory.mktemp("searches") / "run"
    return folder, *carried_out(folder)


# What a run leaves behind.


def test_every_file_is_there(finished):
    """The log, the record as a table, the tables, the description."""
    folder, code, said = finished
    assert code == 0, said
    names = ["asks.csv", "asks.parquet", "choices.csv", "curves.csv", "trials.csv", "run.json"]
    names += [f"tables/{t}-wine.{ending}" for t in ("search", "choice") for ending in ("csv", "md")]
    for name in names:
        assert (folder / "out" / name).is_file(), name
    assert "wine: best sparse_categorical_crossentropy" in said
    assert str(folder / "out") in said


def test_every_search_spends_its_budget_and_no_more(finished):
    """Six entrants, two repeats; the yardstick twice as much; batches of two."""
    asks, _ = read_log(finished[0] / "out")
    assert set(asks["tuner"]) == {*TUNERS, "random x2"}
    for (tuner, _), own in asks.groupby(["tuner", "repeat"]):
        budget = BUDGET * (2 if tuner == "random x2" else 1)
        assert list(own["number"]) == list(range(1, len(own) + 1))
        assert own["cost"].is_monotonic_increasing
        assert own["epochs"].sum() == pytest.approx(3 * own["cost"].iloc[-1])
        assert budget - 1 < own["cost"].iloc[-1] <= budget
        assert own.groupby("round").size().max() <= 2
        if tuner != "hyperband":
            assert not own["recipe"].duplicated().any()
    assert asks.groupby(["tuner", "repeat"]).ngroups == SEARCHES


def test_every_ask_is_in_the_record_with_its_score(finished):
    """All of a repeat on one seed; whoever asks for the same trial is told the same."""
    folder = finished[0]
    asks, _ = read_log(folder / "out")
    record = Store(folder / "out").outcomes()
    for ask in asks.itertuples():
        outcome = record[ask.trial]
        assert outcome.trial.seed == ask.repeat
        assert outcome.trial.recipe == ask.recipe
        assert outcome.status.value == ask.status
        if ask.status == "completed":
            assert outcome.metrics["val.sparse_categorical_crossentropy"] == ask.score
            assert outcome.metrics["val.accuracy"] == ask.val
    assert len(keys(folder)) == len(set(keys(folder))) == len(record)


def test_repeats_and_tuners_search_independently(finished):
    """No two repeats of a tuner, and no tuner and the yardstick, ask the same."""
    asks, _ = read_log(finished[0] / "out")
    random = {name: tuple(own["recipe"]) for name, own in asks.groupby(["tuner", "repeat"])}
    assert len(set(random.values())) == SEARCHES


def test_the_choice_is_the_best_ask_trained_afresh(finished):
    """On seeds that chose nothing; the means of the record."""
    folder = finished[0]
    asks, choices = read_log(folder / "out")
    record = Store(folder / "out").outcomes().values()
    assert len(choices) == SEARCHES
    for choice in choices.itertuples():
        own = asks[(asks["tuner"] == choice.tuner) & (asks["repeat"] == choice.repeat)]
        assert choice.score == own["score"].min()
        afresh = [
            outcome
            for outcome in record
            if outcome.trial.recipe == choice.recipe and outcome.trial.seed >= FRESH
        ]
        assert {o.trial.seed for o in afresh} == {FRESH, FRESH + 1}
        assert {o.trial.epochs for o in afresh} == {3}
        assert choice.fresh_seeds == 2
        mean = np.mean([outcome.metrics["test.accuracy"] for outcome in afresh])
        assert choice.fresh_test == pytest.approx(mean)


def test_the_description_says_what_ran_and_how_long(finished):
    """`run.json`: the study, the task's data, the counts, the time of oracles and training."""
    content = json.loads((finished[0] / "out" / "run.json").read_text())
    assert content["study"]["kind"] == "search"
    assert content["study"]["tuners"] == TUNERS
    assert sum(content["counts"].values()) == len(keys(finished[0]))
    assert content["tasks"]["wine"]["data"]["rows"]["train"] == 64
    assert {"oracles", "training", "compiling", "total"} <= set(content["seconds"])
    assert content["interrupted"] is False
    assert content["problems"] == []


def test_promoted_trials_go_on_from_their_states(finished):
    """Hyperband's asks train the further epochs only, on the curves of the epochs before."""
    folder = finished[0]
    asks, _ = read_log(folder / "out")
    record = Store(folder / "out").outcomes()
    promoted = 0
    for ask in asks[asks["tuner"] == "hyperband"].itertuples():
        trial = record[ask.trial].trial
        for shorter in record.values():
            same = (shorter.trial.recipe, shorter.trial.seed) == (trial.recipe, trial.seed)
            if same and shorter.trial.epochs == trial.epochs - ask.epochs and shorter.curves:
                promoted += 1
                curve = record[ask.trial].curves["val_loss"]
                assert list(curve[: shorter.trial.epochs]) == list(shorter.curves["val_loss"])
    assert promoted


# Going on.


def test_the_same_command_trains_nothing_again(finished):
    """The log is that of before."""
    folder, _, _ = finished
    before, lines = log(folder), keys(folder)
    code, said = carried_out(folder)
    assert code == 0
    assert f"resuming: {len(lines)} trials" in said
    assert keys(folder) == lines
    assert_same(before, log(folder))


@pytest.mark.parametrize(
    "chunks", [1, *(pytest.param(own, marks=pytest.mark.slow) for own in (0, 3, 6))]
)
def test_an_interrupted_study_goes_on_as_if_it_had_not_been(finished, tmp_path, chunks):
    """The same asks, choices and tables; no finished trial is trained twice or lost."""
    folder = tmp_path / "broken"
    append, left = Store.append, [chunks]

    def short(self, outcomes):
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        append(self, outcomes)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Store, "append", short)
        code, said = carried_out(folder)
    assert code == 130
    assert "the same command goes on from here" in said
    survived = keys(folder)
    assert bool(survived) == bool(chunks)
    assert json.loads((folder / "out" / "run.json").read_text())["interrupted"] is True
    code, _ = carried_out(folder)
    assert code == 0
    assert keys(folder)[: len(survived)] == survived
    assert len(keys(folder)) == len(set(keys(folder)))
    assert set(keys(folder)) == set(keys(finished[0]))
    assert_same(log(folder), log(finished[0]))


def test_more_repeats_add_searches_and_change_none(tmp_path):
    """What was searched stays as it was; only what is new is trained."""
    one = STUDY.replace("repeats = 2", "repeats = 1")
    assert carried_out(tmp_path / "run", one)[0] == 0
    asks, lines = log(tmp_path / "run")[0], keys(tmp_path / "run")
    assert carried_out(tmp_path / "run", STUDY)[0] == 0
    more = log(tmp_path / "run")[0]
    kept = more[more["repeat"] == 0].reset_index(drop=True)
    pd.testing.assert_frame_equal(kept, asks, check_exact=True)
    assert set(more["repeat"]) == {0, 1}
    assert keys(tmp_path / "run")[: len(lines)] == lines
    assert len(keys(tmp_path / "run")) == len(set(keys(tmp_path / "run")))


def test_another_study_on_the_folder_is_refused(finished):
    """A larger budget is another study: its searches would not be those of before."""
    with pytest.raises(UsageError, match="Choose another --out"):
        carried_out(finished[0], STUDY.replace("trials = 4", "trials = 5"))


def test_a_space_that_diverges_everywhere_is_reported_and_ends(tmp_path):
    """Searches without a choice count as the trivial predictor; nothing is trained afresh."""
    wine = (PLUGINS / "wine.py").read_text()
    nan = 'def nan(_, p):\n    return keras.ops.mean(p) * float("nan")\n\n\nclass Wine'
    wine = wine.replace("class Wine", nan).replace("optimizer(), loss,", "optimizer(), nan,")
    (tmp_path / "wine.py").write_text(wine)
    code, said = carried_out(tmp_path / "run", folders=[tmp_path])
    assert code == 0, said
    asks, choices = read_log(tmp_path / "run" / "out")
    assert set(asks["status"]) == {"diverged"}
    assert (choices["recipe"] == "").all()
    assert (choices["fresh_seeds"] == 0).all()
    assert choices["fresh_test"].nunique() == 1


def test_a_failure_is_reported_once_with_its_count(tmp_path):
    """However many batches it comes in."""
    wine = (PLUGINS / "wine.py").read_text()
    broken = 'def broken(_, p):\n    raise OSError("no loss")\n\n\nclass Wine'
    wine = wine.replace("class Wine", broken).replace("optimizer(), loss,", "optimizer(), broken,")
    (tmp_path / "wine.py").write_text(wine)
    code, said = carried_out(tmp_path / "run", folders=[tmp_path])
    assert code == 1
    count = len(keys(tmp_path / "run"))
    content = json.loads((tmp_path / "run" / "out" / "run.json").read_text())
    assert content["counts"] == {"failed": count}
    place = f"{tmp_path / 'wine.py'}:{wine[: wine.index('raise OSError')].count(chr(10)) + 1}"
    assert content["problems"] == [f"wine: {count} trials failed: {place}: OSError: no loss"]
    assert said.count("problem: ") == 1


# The command line.


def command_line(folder, text, *more):
    """The words of a run in `folder`, with its study written there."""
    folder.mkdir(exist_ok=True)
    (folder / "wine.toml").write_text(text)
    options = ["--tasks-dir", PLUGINS, "--study", folder / "wine.toml", "--out", folder / "out"]
    words = [sys.executable, ROOT / "run_suite.py", *options, "-t", "wine", *more]
    return [str(word) for word in words]


def command(folder, *more):
    """A run through the command line, to its end."""
    line = command_line(folder, STUDY, *more)
    return subprocess.run(line, capture_output=True, text=True, check=False, cwd=ROOT)


def test_a_dry_run_shows_the_space_and_writes_nothing(tmp_path):
    """The searches with their budgets, the space, the trainings, the time."""
    done = command(tmp_path, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "wine: space" in done.stdout
    assert "0.001 to 1 (log)" in done.stdout
    for name in (*TUNERS, "random x2"):
        assert name in done.stdout
    trainings = 2 * (len(TUNERS) * BUDGET + 2 * BUDGET) + SEARCHES * 2
    assert f"wine: {trainings} full trainings of 3 epochs" in done.stdout
    assert not (tmp_path / "out").exists()


def test_seeds_are_the_repeats_of_a_search(tmp_path):
    """`--seeds 1` on a study of two repeats; the command line gives what the library gives."""
    done = command(tmp_path, "--seeds", "1")
    assert done.returncode == 0, done.stderr
    asks, choices = read_log(tmp_path / "out")
    assert set(asks["repeat"]) == {0}
    assert len(choices) == len(TUNERS) + 1
    content = json.loads((tmp_path / "out" / "run.json").read_text())
    assert content["study"]["repeats"] == 1
