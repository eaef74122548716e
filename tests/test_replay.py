"""Tuners replayed on a recorded matrix: outcomes are the recorded ones, refusals are clear."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import keras_tuner
import pandas as pd
import pytest
from example import matrix, results_folder
from rich.console import Console
from tabulated import BEST, EPOCHS, JUDGED, STUDY, curve, finished, outcomes

from suite.errors import RecordError, UsageError
from suite.plan import recipes, trials
from suite.search.log import read_log
from suite.search.recorded import Benchmark, cut, read_benchmarks
from suite.search.replay import Portion, Replay, Shared, known_by, replay, searched
from suite.search.study import Entrant
from suite.study import Study
from suite.tables.table import Table
from suite.trial import Status, Trial, canonical

QUICK = ("grid", "hyperband", "tpe")
EVERY = ["random", "grid", "hyperband", "tpe", "random x2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The finished matrix."""
    return finished(tmp_path_factory.mktemp("matrix"))


@pytest.fixture(scope="module")
def benchmark(folder) -> Benchmark:
    return read_benchmarks(folder)["churn"]


def run(asked: Replay) -> tuple[list[Table], str]:
    """The tables of a replay, and what it said."""
    console = Console(file=io.StringIO(), width=80)
    return replay(asked, console), console.file.getvalue()


@pytest.fixture(scope="module")
def log(folder, tmp_path_factory) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Asks and choices of six searches of every quick tuner."""
    out = tmp_path_factory.mktemp("out")
    run(Replay(folder, QUICK, repeats=6, trials=8, batch=4, out=out, jobs=1))
    return read_log(out)


def trial(**change: object) -> Trial:
    return Trial("churn", "embedded", {**BEST, **change}, 0, EPOCHS)


# The recorded outcomes.


def test_every_cell_on_every_seed_is_there(benchmark):
    """24 recipes on three seeds, under the study's own recipes."""
    assert benchmark.cells == 24
    assert benchmark.epochs == EPOCHS
    cells = {canonical(cell) for cell in recipes(STUDY)}
    assert set(benchmark.outcomes) == {(cell, seed) for cell in cells for seed in range(3)}


def test_a_whole_training_is_the_recorded_one(benchmark):
    """Status, epoch and metrics."""
    want = next(o for o in outcomes() if o.trial == trial())
    found = benchmark.after(trial().recipe, 0, EPOCHS)
    assert replace(found, curves={}) == replace(want, curves={})


def test_a_part_of_a_training_is_read_off_its_curve(benchmark):
    """The best epoch so far; the metric only where that is the recorded one."""
    early = benchmark.after(trial().recipe, 0, 3)
    assert (early.status, early.epoch) == (Status.COMPLETED, 3)
    assert early.metrics == {"val.loss": curve(trial())[2]}
    late = benchmark.after(trial().recipe, 0, 7)
    assert late.epoch == 6
    assert set(late.metrics) == {"val.loss", "val.auc", "test.auc"}


def test_the_seconds_are_those_of_the_further_epochs(benchmark):
    """From epoch 3 to epoch 9: two thirds."""
    assert benchmark.after(trial().recipe, 0, EPOCHS, 3).seconds == pytest.approx(0.6)


def test_a_training_that_diverges_later_has_completed_until_then(benchmark):
    """It diverges in epoch 3: two epochs are a training like any other, three are not."""
    recipe = trial(optimizer="sgd", learning_rate=0.3, dropout=0.6).recipe
    assert benchmark.after(recipe, 0, 2).status is Status.COMPLETED
    for epochs in (3, EPOCHS):
        assert benchmark.after(recipe, 0, epochs).status is Status.DIVERGED


def test_the_best_of_a_rising_curve_is_its_highest_point():
    """An objective of direction "max"."""
    judged = replace(JUDGED, objective="auc", direction="max")
    whole = outcomes()[0]
    rising = replace(whole, curves={"val_auc": [0.5, 0.7, 0.6, 0.8, 0.9, 0.9, 0.9, 0.9, 0.9]})
    assert cut(rising, 3, judged).metrics["val.auc"] == 0.7


def test_the_best_known_is_that_of_the_repeat_s_own_seed(benchmark):
    """Repeats go through the seeds in turn; each seed adds a thousandth to every loss."""
    known = known_by(benchmark, range(4))
    best = curve(trial())[5]
    assert known == pytest.approx({0: best, 1: best + 0.001, 2: best + 0.002, 3: best})


def test_other_seeds_are_fresh(benchmark):
    """All but the one that a choice was made on."""
    assert {o.trial.seed for o in benchmark.afresh(trial().recipe, 1)} == {0, 2}


# The searches.


def test_every_ask_is_a_recorded_trial(log):
    """Key, score and metric are those of the matrix, on the seed of the repeat."""
    by_key = {outcome.trial.key: outcome for outcome in outcomes()}
    asks, _ = log
    assert list(asks["tuner"].unique()) == EVERY
    for row in asks.itertuples():
        whole = by_key[row.trial]
        assert whole.trial.seed == row.repeat % 3
        assert whole.trial.recipe == row.recipe
        if row.tuner != "hyperband":
            assert row.status == whole.status.value
            assert row.epochs == EPOCHS
            if whole.metrics:
                assert (row.score, row.test) == (
                    whole.metrics["val.loss"],
                    whole.metrics["test.auc"],
                )


def test_every_search_spends_its_budget_and_no_more(log):
    """Eight full trainings, sixteen for the yardstick; Hyperband in more and shorter ones."""
    asks, _ = log
    spent = asks.groupby(["tuner", "repeat"])["cost"].max()
    assert (spent["random x2"] == 16).all()
    for tuner in ("random", "grid", "tpe"):
        assert (spent[tuner] == 8).all()
    assert spent["hyperband"].between(7, 8).all()
    assert (asks[asks["tuner"] == "hyperband"].groupby("repeat").size() > 8).all()


def test_no_search_trains_a_recipe_twice(log):
    """But Hyperband, which goes on with it."""
    asks, _ = log
    plain = asks[asks["tuner"] != "hyperband"]
    assert not plain.duplicated(["tuner", "repeat", "recipe"]).any()


def test_a_choice_is_the_best_ask_judged_on_the_other_seeds(log):
    """Its fresh score is a mean over two seeds, known from the level of the cell."""
    asks, choices = log
    by_key = {(o.trial.recipe, o.trial.seed): o for o in outcomes()}
    assert len(choices) == len(EVERY) * 6
    for row in choices.itertuples():
        own = asks[(asks["tuner"] == row.tuner) & (asks["repeat"] == row.repeat)]
        assert row.score == own["score"].min()
        others = [seed for seed in range(3) if seed != row.repeat % 3]
        fresh = [by_key[row.recipe, seed].metrics["test.auc"] for seed in others]
        assert row.fresh_seeds == 2
        assert row.fresh_test == pytest.approx(sum(fresh) / 2)


@pytest.mark.parametrize("tuner", ["grid", "random", "tpe"])
def test_a_budget_of_every_cell_finds_the_best_one(folder, tmp_path, tuner):
    """No cell is left out."""
    run(Replay(folder, (tuner,), repeats=1, trials=24, out=tmp_path, jobs=1))
    asks, choices = read_log(tmp_path)
    own = asks[asks["tuner"] == tuner]
    assert own["recipe"].nunique() == len(own) == 24
    assert set(choices[choices["tuner"] == tuner]["recipe"]) == {canonical(BEST)}


@pytest.mark.parametrize("tuner", ["random", "grid", "hyperband", "tpe"])
def test_a_replayed_oracle_asks_what_a_live_one_would(benchmark, monkeypatch, tuner):
    """Copies that share their declarations are quicker, and no different."""
    entrant = Entrant(tuner, tuner, 8)
    portion = Portion(benchmark, entrant, range(2), 4, 0)
    quick = [[ask.trial for ask in asks] for asks, _ in searched(portion)]
    monkeypatch.setattr(Shared, "copy", keras_tuner.HyperParameters.copy)
    assert [[ask.trial for ask in asks] for asks, _ in searched(portion)] == quick


def test_processes_change_nothing_but_the_time(folder, tmp_path, log):
    """Two processes give the log that one gives."""
    run(Replay(folder, QUICK, repeats=6, trials=8, batch=4, out=tmp_path, jobs=2))
    for found, want in zip(read_log(tmp_path), log, strict=True):
        timeless = [c for c in want.columns if not c.endswith("seconds")]
        pd.testing.assert_frame_equal(found[timeless], want[timeless])


def test_another_seed_gives_other_searches(folder, tmp_path, log):
    """`--seed` moves all of them."""
    run(Replay(folder, (), repeats=6, trials=8, batch=4, seed=1, out=tmp_path, jobs=1))
    asks, _ = read_log(tmp_path)
    for tuner in EVERY:
        mine, theirs = (frame[frame["tuner"] == tuner]["recipe"] for frame in (asks, log[0]))
        assert list(mine) != list(theirs)


ENDINGS = ("csv", "md", "tex", "parquet")


def test_a_replay_leaves_the_log_the_curves_and_the_tables(folder, tmp_path):
    """And nothing without --out."""
    before = sorted(folder.rglob("*"))
    tables, said = run(Replay(folder, ("tpe",), repeats=2, trials=4, out=tmp_path, jobs=1))
    names = [table.name for table in tables]
    assert names == ["search-churn", "choice-churn"]
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()}
    assert written == {
        "asks.csv",
        "asks.parquet",
        "choices.csv",
        "curves.csv",
        *(f"tables/{name}.{ending}" for name in names for ending in ENDINGS),
    }
    assert "churn: 24 recipes on 3 seeds.\nintervals speak of these recorded outcomes" in said
    assert "churn: random x2: 2 searches in" in said
    run(Replay(folder, (), repeats=1, trials=1, jobs=1))
    assert sorted(folder.rglob("*")) == before


def test_curves_come_to_the_figures_of_the_table(folder, tmp_path):
    """The last point is the whole budget, and the mean regret is the area."""
    tables, _ = run(Replay(folder, ("tpe",), repeats=4, trials=8, out=tmp_path, jobs=1))
    curves = pd.read_csv(tmp_path / "curves.csv")
    for row in tables[0].full.itertuples():
        own = curves[curves["tuner"] == row.tuner]
        assert list(own["trainings"]) == list(range(1, 9))
        assert own["best"].iloc[-1] == pytest.approx(row.whole)
        assert own["regret"].mean() == pytest.approx(row.regret)
        assert (own["regret"] >= -1e-12).all()
        assert own["draws"].notna().all() == (row.tuner == "random")


def test_the_default_budget_is_a_quarter_of_the_cells_at_most(folder):
    """Six of 24: with more of them every tuner finds everything."""
    assert {e.trials for e in Replay(folder).entrants(24)} == {6, 12}
    assert {e.trials for e in Replay(folder).entrants(10_000)} == {64, 128}


def test_slow_tuners_are_replayed_only_where_they_are_named(folder):
    """KerasTuner's Bayesian oracle takes a minute a search."""
    assert "bayesian" not in [e.name for e in Replay(folder).entrants(24)]
    named = [e.name for e in Replay(folder, ("bayesian",)).entrants(24)]
    assert named == ["random", "bayesian", "random x2"]


def test_one_seed_leaves_none_to_judge_on(tmp_path):
    """It says so, in words and in the table."""
    alone = STUDY.model_copy(update={"seeds": 1})
    tables, said = run(Replay(finished(tmp_path, alone), repeats=2, trials=4, jobs=1))
    assert "There is no other seed to judge a choice on." in said
    assert tables[1].full["fresh_test"].isna().all()
    assert "for want of seeds" in tables[1].note


# Refusals.


def test_an_incomplete_matrix_is_refused_with_what_is_missing(tmp_path):
    """How many trials, and what to do about it."""
    finished(tmp_path, recorded=outcomes()[:-5])
    with pytest.raises(RecordError, match=r"all 72 .*with 67; 5 are missing\. Run the command"):
        read_benchmarks(tmp_path)


def test_trials_of_other_recipes_do_not_count(tmp_path):
    """More seeds and foreign recipes in the record complete nothing."""
    declared = trials(STUDY.model_copy(update={"seeds": 4}), "churn", "embedded", EPOCHS)
    others = [replace(outcomes()[0], trial=one) for one in declared if one.seed == 3]
    finished(tmp_path, recorded=[*outcomes()[:-5], *others])
    with pytest.raises(RecordError, match="5 are missing"):
        read_benchmarks(tmp_path)


def test_the_results_of_a_search_are_refused(tmp_path):
    """They hold the trials that were asked, not those that could be."""
    finished(tmp_path)
    path = tmp_path / "run.json"
    content = json.loads(path.read_text())
    content["study"]["kind"] = "search"
    path.write_text(json.dumps(content))
    with pytest.raises(UsageError, match=r"Expected the results of a matrix.*search 'small'"):
        read_benchmarks(tmp_path)


def test_a_run_without_its_study_is_refused(tmp_path):
    """An old or foreign run.json."""
    folder = results_folder(tmp_path, matrix())
    run = json.loads((folder / "run.json").read_text())
    del run["study"]["factors"]
    (folder / "run.json").write_text(json.dumps(run))
    with pytest.raises(RecordError, match=r"Expected the study that was run in .*run\.json"):
        read_benchmarks(folder)


def test_a_folder_without_results_is_refused(tmp_path):
    """As by every command."""
    with pytest.raises(RecordError, match="Expected a results folder"):
        read_benchmarks(tmp_path)


def test_unknown_names_are_refused_with_the_nearest(folder):
    """Tasks and tuners."""
    with pytest.raises(UsageError, match=r"task='chrun'. Did you mean 'churn'"):
        read_benchmarks(folder, ["chrun"])
    with pytest.raises(UsageError, match=r"tuner='tpee'. Did you mean 'tpe'"):
        run(Replay(folder, ("tpee",), jobs=1))


def test_a_budget_beyond_the_matrix_is_refused(folder):
    """There is nothing to find out."""
    with pytest.raises(UsageError, match=r"at most the 24 recipes.*trials=25"):
        run(Replay(folder, trials=25, jobs=1))


def test_levels_of_every_type_come_back_as_they_were(tmp_path):
    """Texts, whole numbers, fractions and truth values find their cell's key."""
    study = Study(
        name="types",
        question="?",
        factors={"optimizer": ["adam"], "batch_norm": [True, False], "batch_size": [16, 32]},
        nuisance={"learning_rate": [1.0, 0.001], "dropout": [0.0]},
        seeds=1,
        epochs=EPOCHS,
    )
    given = [replace(outcomes()[0], trial=one) for one in trials(study, "churn", "embedded", 9)]
    finished(tmp_path, study, given)
    _, said = run(Replay(tmp_path, QUICK, repeats=1, trials=8, jobs=1))
    assert "8 recipes" in said
