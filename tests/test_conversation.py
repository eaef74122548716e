"""Conversations with every oracle: batches, distinct points, divergence, locks, determinism."""

from __future__ import annotations

import gc
import json
import threading
import weakref

import keras_tuner
import pytest
from keras_tuner.oracles import BayesianOptimizationOracle, HyperbandOracle, RandomSearchOracle
from keras_tuner.src.engine.oracle import LOCKS
from searching import (
    CONDITIONAL_CELLS,
    KERAS_TUNERS_OWN,
    LOSS,
    conditional_space,
    continuous_space,
    first,
    fresh_points,
    in_folder,
    loss_of,
    points,
    rounds,
    space_of_12,
    space_of_96,
    usual,
    whole_search,
)

from suite.errors import UsageError
from suite.search.cells import point
from suite.search.conversation import DIVERGED, Conversation
from suite.search.grid import GridOracle
from suite.search.sampled import OptunaOracle

NAN, INF = float("nan"), float("inf")
MANY = 10**6
ORACLES = {
    "random": lambda **own: RandomSearchOracle(max_trials=MANY, **own),
    "grid": lambda **own: GridOracle(shuffle=True, **own),
    "tpe": lambda **own: OptunaOracle(max_trials=MANY, **own),
    "hyperband": lambda **own: HyperbandOracle(max_epochs=20, hyperband_iterations=MANY, **own),
}
BAYESIAN = {
    "bayesian": lambda **own: BayesianOptimizationOracle(
        max_trials=MANY, num_initial_points=3, **own
    )
}
EVERY = ORACLES | BAYESIAN


def space_of_8() -> keras_tuner.HyperParameters:
    """One hyperparameter: the Bayesian oracle takes seconds an ask where there are more."""
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 8, 64, step=8)
    return hp


PLAYS = dict.fromkeys(ORACLES, (continuous_space, 5)) | dict.fromkeys(BAYESIAN, (space_of_8, 2))
"""Space and rounds for each oracle in which it comes to do more than draw at random."""


def talk_with(name, space, seed=1, **own):
    """A conversation with a new oracle."""
    return Conversation(EVERY[name](**usual(space, seed)), seed=0, **own)


@pytest.mark.parametrize("name", ORACLES)
def test_every_oracle_searches_a_space_to_its_last_cell(name):
    """All 96 cells in batches of 8, none twice, where KerasTuner would give up before."""
    found = whole_search(talk_with(name, space_of_96()))
    fresh = [(point(one.values), one.epochs) for one in found if one.parent is None]
    assert len(set(fresh_points(found))) == 96
    assert len(set(fresh_points(found)[:74])) == 74
    assert len(fresh) == len(set(fresh))
    assert name == "hyperband" or len(found) == 96


def test_the_bayesian_oracle_repeats_nothing():
    """It has no look at what was tried; beyond its random trials it would offer some cells again.

    All cells of a small space here: 96 of them take it a minute and a half.
    """
    found = whole_search(talk_with("bayesian", space_of_8()), batch=4)
    assert len(set(fresh_points(found))) == len(found) == 8


@pytest.mark.slow
def test_the_bayesian_oracle_gives_74_distinct_trials_of_96():
    """In batches of 8."""
    found = first(talk_with("bayesian", space_of_96()), 74)
    assert len(set(fresh_points(found))) == len(found) == 74


@pytest.mark.parametrize("name", ORACLES)
def test_namesakes_are_recorded_with_their_own_values(name):
    """KerasTuner would draw them anew, without a seed, and take other points for tried."""
    talk = talk_with(name, conditional_space())
    oracle = talk.oracle
    for wanted in rounds(talk, loss_of):
        tried = {
            oracle._compute_values_hash(trial.hyperparameters.values)
            for trial in oracle.trials.values()
        }
        assert oracle._tried_so_far == tried
        for one in wanted:
            assert point(oracle.trials[one.trial_id].hyperparameters.values) == point(one.values)
        if len(oracle.trials) > 60:
            break


@pytest.mark.parametrize("name", ["random", "grid", "tpe"])
def test_conditional_spaces_are_searched_to_the_end(name):
    """Also by KerasTuner's own random oracle, which loses values of a name declared twice."""
    found = whole_search(talk_with(name, conditional_space()))
    assert len(set(fresh_points(found))) == len(found) == CONDITIONAL_CELLS
    for one in found:
        rates = {"sgd": {0.1, 1.0}, "adam": {0.001, 0.01, 0.1}}
        assert one.values["rate"] in rates[one.values["optimizer"]]
        assert one.values == one.hp.values


@pytest.mark.parametrize("name", EVERY)
def test_a_batch_is_as_large_as_asked(name):
    """From the first one on, with trial ids of their own."""
    talk = talk_with(name, continuous_space())
    for wanted in [talk.ask(8), talk.ask(3)]:
        ids = {one.trial_id for one in wanted}
        assert len(ids) == len(wanted)
    assert len(wanted) == 3
    assert not talk.finished
    assert talk.ask(0) == []


@pytest.mark.parametrize("name", EVERY)
def test_equal_tells_give_equal_asks(name):
    """Seed and tells decide, in whatever order results arrive."""

    space, count = PLAYS[name]

    def play(turn, seed=1):
        talk, found = talk_with(name, space(), seed), []
        for _ in range(count):
            wanted = talk.ask(3)
            found += wanted
            scores = {one.trial_id: loss_of(one) for one in wanted}
            talk.tell(dict(turn(list(scores.items()))))
        return points(found)

    assert play(list) == play(lambda items: items[::-1])
    assert play(list) != play(list, seed=2)


@pytest.mark.parametrize("name", EVERY)
def test_a_search_told_from_a_table_goes_on_as_it_was(name):
    """Resuming: earlier results by value instead of training, then new ones."""
    space, count = PLAYS[name]
    talk, asked, table = talk_with(name, space()), [], {}
    for _ in range(count):
        wanted = talk.ask(3)
        table |= {one.trial_id: loss_of(one) for one in wanted}
        for one in wanted[::-1]:  # as they come, one by one
            talk.tell({one.trial_id: table[one.trial_id]})
        asked.append(points(wanted))
    again = talk_with(name, space())
    for expected in asked:
        wanted = again.ask(3)
        assert points(wanted) == expected
        again.tell({one.trial_id: table[one.trial_id] for one in wanted})


def test_the_bayesian_oracle_stays_within_ranges():
    """Python's numbers, where its own optimum at an upper end is one more than a whole number's."""
    hp = keras_tuner.HyperParameters()
    hp.Int("units", 2, 40, sampling="log")
    talk = Conversation(BAYESIAN["bayesian"](**usual(hp)), seed=0)
    found = []
    for wanted in rounds(talk, lambda one: -float(one.values["units"]), batch=2):
        found += [one.values["units"] for one in wanted]
        if len(found) >= 10:
            break
    assert max(found) == 40
    assert {type(units) for units in found} == {int}


@pytest.mark.parametrize("bad", [None, NAN, INF, -INF])
@pytest.mark.parametrize("name", ORACLES)
def test_divergence_ends_no_search(name, bad):
    """Not even where nothing else happens: KerasTuner stops at three failures in a row."""
    found = whole_search(talk_with(name, space_of_12()), lambda _: bad, 4)
    assert len(set(fresh_points(found))) == 12


def test_divergence_does_not_end_a_bayesian_search():
    """Every second trial diverges, the first ones all; its model is fitted none the less."""

    def bad(one):
        return None if one.values["units"] < 24 else loss_of(one)

    found = first(talk_with("bayesian", space_of_8()), 6, batch=2, score=bad)
    assert len(set(fresh_points(found))) == 6


@pytest.mark.parametrize(("direction", "sign"), [("min", 1), ("max", -1)])
def test_a_diverged_trial_stands_beyond_the_worst(direction, sign):
    """And moves with it: what is told later, and is worse still, is nevertheless better."""
    objective = keras_tuner.Objective("val_loss", direction)
    oracle = RandomSearchOracle(max_trials=MANY, **{**usual(space_of_96()), "objective": objective})
    talk = Conversation(oracle, seed=0)
    told: dict[str, float] = {}
    for scores in [[None, NAN], [3.0, INF], [5.0, None], [4.0, 1.0]]:
        wanted = talk.ask(2)
        given = {o.trial_id: s and sign * s for o, s in zip(wanted, scores, strict=True)}
        told |= {name: s for name, s in given.items() if s in {sign * n for n in (1, 3, 4, 5)}}
        talk.tell(given)
    trials = oracle.trials.values()
    diverged = [sign * trial.score for trial in trials if trial.message == DIVERGED]
    assert len(diverged) == 4
    assert all(5 < score < 5.001 for score in diverged)
    assert {t.trial_id: t.score for t in trials if t.message is None} == told
    assert {trial.status for trial in trials} == {"COMPLETED"}


def test_models_learn_to_stay_away_from_divergence():
    """TPE, told that one optimizer always diverges, asks for it less and less."""

    def score(one):
        return None if one.values["optimizer"] == "sgd" else loss_of(one)

    found = first(talk_with("tpe", continuous_space()), 80, score=score)
    sgd = [one.values["optimizer"] == "sgd" for one in found]
    assert sum(sgd[:16]) >= 5
    assert sum(sgd[-40:]) <= 8


@pytest.mark.parametrize("told", [{"nobody": 1.0}, {"again": 1.0}])
def test_a_trial_that_is_not_waiting_is_a_usage_error(told):
    """Unknown, or told before; nothing of that batch is told."""
    talk = talk_with("random", space_of_96())
    one, two = (wanted.trial_id for wanted in talk.ask(2))
    talk.tell({one: 1.0})
    scores = {two: 2.0} | {one if name == "again" else name: s for name, s in told.items()}
    with pytest.raises(UsageError, match=r"Expected a running trial out of '.*Received:"):
        talk.tell(scores)
    assert talk.oracle.trials[two].status == "RUNNING"
    talk.tell({two: 2.0})


def test_an_oracle_of_two_objectives_is_a_usage_error():
    """One score cannot be two."""
    own = {**usual(space_of_12()), "objective": [LOSS, keras_tuner.Objective("auc", "max")]}
    with pytest.raises(UsageError, match=r"one objective\. Received: objective=\['val_loss'"):
        Conversation(RandomSearchOracle(**own), seed=0)


def test_no_files_are_written_unless_they_are_kept(tmp_path):
    """The suite's record is the truth; KerasTuner's files are for its own users."""
    for keep in (False, True):
        folder = tmp_path / str(keep)
        folder.mkdir()
        oracle = in_folder(ORACLES["random"](**usual(space_of_96())), folder)
        talk = Conversation(oracle, seed=0, keep_files=keep)
        wanted = talk.ask(3)
        talk.tell({one.trial_id: 1.0 for one in wanted[:2]})
        assert bool(list(folder.rglob("*.json"))) == keep


def test_a_kill_after_tell_repeats_nothing(tmp_path):
    """What was told is on the disk as ended; what was running is asked again, first of all."""

    def make():
        return in_folder(ORACLES["random"](**usual(space_of_96())), tmp_path)

    talk = Conversation(make(), seed=0, keep_files=True)
    wanted = talk.ask(3)
    talk.tell({wanted[0].trial_id: 1.0, wanted[1].trial_id: None})
    (state,) = tmp_path.rglob("oracle.json")
    assert list(json.loads(state.read_text())["ongoing_trials"].values()) == [wanted[2].trial_id]
    oracle = make()
    oracle.reload()
    again = Conversation(oracle, seed=0, keep_files=True)
    assert points(again.ask(1)) == points(wanted[2:])
    more = again.ask(4)
    assert len(set(fresh_points(wanted + more))) == 7
    again.tell({wanted[2].trial_id: 2.0})
    assert 2.0 < oracle.trials[wanted[1].trial_id].score < 2.001


def test_a_score_has_its_epoch():
    """In KerasTuner's own records."""
    talk = talk_with("random", space_of_96())
    one, two = talk.ask(2)
    talk.tell({one.trial_id: 1.0, two.trial_id: 2.0}, steps={two.trial_id: 7})
    assert [talk.oracle.trials[own.trial_id].best_step for own in (one, two)] == [0, 7]


@pytest.mark.parametrize("name", EVERY)
def test_the_time_is_the_oracles_and_it_prints_nothing(name, capfd):
    """Asks and tells count; what happens between does not."""
    talk = talk_with(name, space_of_12())
    assert talk.seconds == 0.0
    wanted = talk.ask(2)
    asked = talk.seconds
    talk.tell({one.trial_id: loss_of(one) for one in wanted})
    assert 0 < asked < talk.seconds < 5
    assert capfd.readouterr() == ("", "")


@pytest.mark.filterwarnings(*KERAS_TUNERS_OWN)
def test_it_prints_when_asked_to(capsys, tmp_path):
    """KerasTuner's own display."""
    oracle = in_folder(ORACLES["random"](**usual(space_of_12())), tmp_path)
    oracle.verbose = 1
    Conversation(oracle, seed=0, quiet=False).ask(1)
    assert "Running Trial #1" in capsys.readouterr().out


def test_an_exception_of_the_oracle_leaves_no_lock():
    """It is passed on, and the next call, from any thread, goes through."""

    class Moody(RandomSearchOracle):
        calls = 0

        def populate_space(self, trial_id):
            Moody.calls += 1
            if Moody.calls == 2:
                raise OSError("not now")
            return super().populate_space(trial_id)

    talk = Conversation(Moody(max_trials=MANY, **usual(space_of_96())), seed=0)
    with pytest.raises(OSError, match="not now"):
        talk.ask(3)
    assert not LOCKS[talk.oracle].locked()
    found: list[object] = []
    other = threading.Thread(target=lambda: found.extend(talk.ask(3)), daemon=True)
    other.start()
    other.join(timeout=20)
    assert len(found) == 3


def test_an_oracle_is_let_go_with_its_conversation():
    """KerasTuner's table of locks would keep every oracle of thousands of searches."""
    talk = talk_with("random", space_of_12())
    talk.ask(2)
    oracle = weakref.ref(talk.oracle)
    del talk
    gc.collect()
    assert oracle() is None
