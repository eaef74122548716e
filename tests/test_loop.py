"""One search: its budget to the epoch, its log, its choice; and no two searches seeded alike."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace

import keras_tuner
import pytest
from tabulated import EPOCHS, JUDGED, STUDY, outcome

from suite.search.conversation import Conversation, Suggestion
from suite.search.loop import Search, Wanted, score_of, seed_of
from suite.search.spaces import matrix_values, space_of_matrix
from suite.search.tuners import oracle_for
from suite.trial import Level, Outcome, Status, Trial

HP: Mapping[str, Level] = {
    "dropout": 0.0,
    "batch_norm": True,
    "optimizer": "adam",
    "learning_rate": 0.01,
    "l2": 0.0,
}


class Scripted:
    """In the place of a conversation: offers what it was given, and remembers what it was told."""

    def __init__(self, offers: Iterator[Suggestion] | list[Suggestion]) -> None:
        self.offers = iter(offers)
        self.seconds = 0.0
        self.finished = False
        self.counts: list[int] = []
        self.told: list[tuple[Mapping[str, float | None], Mapping[str, int] | None]] = []

    def ask(self, count: int) -> list[Suggestion]:
        self.seconds += 1.0
        self.counts.append(count)
        found = [one for _, one in zip(range(count), self.offers, strict=False)]
        self.finished = len(found) < count
        return found

    def tell(
        self, scores: Mapping[str, float | None], steps: Mapping[str, int] | None = None
    ) -> None:
        self.seconds += 1.0
        self.told.append((scores, steps))


def suggested(number: int, epochs: int | None = None, initial: int = 0) -> Suggestion:
    """The suggestion of that number."""
    parent = str(number - 1) if initial else None
    return Suggestion(str(number), None, {}, epochs, initial, parent)


def full(count: int) -> list[Suggestion]:
    """Suggestions that leave the epochs to the search."""
    return [suggested(number) for number in range(count)]


def search(offers: list[Suggestion], trials: int, batch: int = 4, judged=JUDGED) -> Search:
    """A search with a budget of `trials` full trainings."""
    return Search(
        Scripted(offers),
        judged,
        tuner="tpe",
        repeat=2,
        budget_epochs=trials * EPOCHS,
        batch=batch,
        epochs=EPOCHS,
    )


def trained(seed: int, loss: float | None = None, ended: Status = Status.DIVERGED) -> Outcome:
    """An outcome on a seed; without a loss it ended as it is said."""
    trial = Trial("churn", "embedded", HP, seed, EPOCHS)
    if loss is None:
        return Outcome(trial, ended, "fleet", 0.5)
    metrics = {"val.loss": loss, "val.auc": 1 - loss, "test.auc": 0.9 - loss}
    return Outcome(trial, Status.COMPLETED, "fleet", 0.5, epoch=3, metrics=metrics)


def through(run: Search, losses: list[float | None] | None = None) -> Search:
    """Run a search to its end; trial i has loss i + 1, or the i-th of `losses`."""
    while not run.finished:
        numbers = [int(one.trial_id) for one in run.ask()]
        run.tell({str(i): trained(i, losses[i] if losses else i + 1.0) for i in numbers})
    return run


# The budget.


@pytest.mark.parametrize(("trials", "counts"), [(10, [4, 4, 2]), (8, [4, 4]), (1, [1]), (3, [3])])
def test_a_search_asks_in_batches_for_exactly_its_budget(trials, counts):
    """The last batch is what is left; the oracle is not asked for more than can be paid."""
    run = through(search(full(99), trials))
    assert run.conversation.counts == counts
    assert len(run.asks) == trials
    assert run.spent == trials * EPOCHS
    assert [ask.cost for ask in run.asks] == list(range(1, trials + 1))


def test_a_search_ends_when_its_tuner_has_nothing_left():
    """Six cells, a budget of ten."""
    run = through(search(full(6), 10))
    assert len(run.asks) == 6
    assert run.finished
    assert run.ask() == []


def test_a_tuner_with_nothing_at_all_ends_the_search():
    """No batch, no row, no division by it."""
    run = search([], 10)
    assert run.ask() == []
    assert run.finished
    assert run.tell({}) == []
    assert run.asks == []


def test_short_trainings_cost_their_epochs():
    """Three rungs of one trial, 1, 3 and 9 epochs, cost one full training, not 13 epochs."""
    rungs = [suggested(0, 1), suggested(1, 3, initial=1), suggested(2, 9, initial=3)]
    run = through(search(rungs, 5, batch=1))
    assert [ask.epochs for ask in run.asks] == [1, 2, 6]
    assert [ask.cost for ask in run.asks] == pytest.approx([1 / 9, 3 / 9, 1.0])


def test_more_short_trainings_are_asked_than_full_ones_would_fit():
    """Once a training of 3 epochs was seen, 9 epochs are three of them."""
    run = through(search([suggested(i, 3) for i in range(99)], 2))
    assert run.conversation.counts == [2, 4]
    assert len(run.asks) == 6
    assert run.spent == 2 * EPOCHS


def test_a_training_beyond_the_budget_is_not_begun_and_ends_the_search():
    """What was offered before it is trained, what was offered after it is not."""
    offers = [suggested(0, 3), suggested(1, 3), suggested(2, 9), suggested(3, 3)]
    run = search(offers, 1, batch=9)
    run.tell({one.trial_id: trained(0, 1.0) for one in run.ask()})
    assert not run.finished
    assert [one.trial_id for one in run.ask()] == ["1"]
    assert run.finished
    run.tell({"1": trained(1, 1.0)})
    assert run.ask() == []
    assert run.spent == 6


def test_no_budget_is_no_search():
    """Finished before it begins."""
    assert search(full(3), 0).finished


def test_asking_twice_without_telling_is_a_mistake():
    """The outcomes of the first batch would be lost."""
    run = search(full(9), 9)
    run.ask()
    with pytest.raises(RuntimeError, match="Expected the outcomes of the last batch"):
        run.ask()


# The log.


def test_every_ask_is_a_row():
    """Numbered from 1 in the order of asking, whatever the order of outcomes; rounds likewise."""
    run = search(full(6), 6)
    wanted = run.ask()
    found = run.tell({one.trial_id: trained(0, 0.4) for one in reversed(wanted)})
    assert found == run.asks
    run.tell({one.trial_id: trained(1, 0.3) for one in run.ask()})
    assert [ask.number for ask in run.asks] == [1, 2, 3, 4, 5, 6]
    assert [ask.round for ask in run.asks] == [1, 1, 1, 1, 2, 2]
    last = run.asks[-1]
    trial = Trial("churn", "embedded", HP, 1, EPOCHS)
    assert (last.task, last.tuner, last.repeat) == ("churn", "tpe", 2)
    assert (last.trial, last.recipe) == (trial.key, trial.recipe)
    assert (last.score, last.val, last.test) == (0.3, 0.7, pytest.approx(0.6))
    assert (last.status, last.train_seconds) == ("completed", 0.5)


def test_the_oracle_s_time_is_shared_by_its_batch():
    """Nothing of it is lost: two seconds a round, over four asks and over two."""
    run = through(search(full(6), 6))
    assert [ask.oracle_seconds for ask in run.asks] == [0.5] * 4 + [1.0] * 2


@pytest.mark.parametrize("status", [Status.DIVERGED, Status.FAILED])
def test_a_trial_without_a_score_is_told_as_such(status):
    """And logged with its status and without figures; it costs what it costs."""
    run = search(full(2), 2)
    run.ask()
    run.tell({"0": trained(0, 0.4), "1": trained(1, None, status)})
    scores, steps = run.conversation.told[0]
    assert scores == {"0": 0.4, "1": None}
    assert steps == {"0": 3, "1": EPOCHS}
    row = run.asks[1]
    assert (row.status, row.cost) == (status.value, 2.0)
    assert all(math.isnan(figure) for figure in (row.score, row.val, row.test))


# The choice.


@pytest.mark.parametrize(("direction", "loss"), [("min", 0.2), ("max", 0.6)])
def test_the_choice_is_the_trial_of_best_score(direction, loss):
    """By the direction of the objective, diverged ones aside."""
    judged = replace(JUDGED, direction=direction)
    run = through(search(full(4), 4, judged=judged), [0.4, None, 0.2, 0.6])
    choice = run.choice()
    assert (choice.score, choice.val) == (loss, pytest.approx(1 - loss))
    assert choice.trial == run.best.trial
    assert math.isnan(choice.fresh_test)
    assert choice.fresh_seeds == 0


def test_fresh_seeds_are_averaged_and_a_diverged_one_counts_as_the_trivial_predictor():
    """A failed one says nothing."""
    run = through(search(full(1), 1))
    fresh = [trained(5, 0.2), trained(6, None, Status.DIVERGED), trained(7, None, Status.FAILED)]
    choice = run.choice(iter(fresh))
    assert choice.fresh_seeds == 2
    assert choice.fresh_val == pytest.approx((0.8 + 0.5) / 2)
    assert choice.fresh_test == pytest.approx((0.7 + 0.5) / 2)


def test_a_search_without_a_finite_score_hands_over_the_trivial_predictor():
    """It is not dropped, and it ranks last."""
    choice = through(search(full(2), 2), [None, None]).choice([trained(5, 0.2)])
    assert (choice.trial, choice.recipe) == ("", "")
    assert (choice.val, choice.fresh_val, choice.fresh_test) == (0.5, 0.5, 0.5)
    assert choice.fresh_seeds == 0


def test_only_a_completed_trial_has_a_score():
    """The objective at the selected epoch."""
    assert score_of(trained(0, 0.3), JUDGED) == 0.3
    assert score_of(trained(0), JUDGED) is None


# Seeds, and real tuners.


def test_no_two_searches_are_seeded_alike():
    """Tuners, repeats and the base seed all tell; KerasTuner takes them all."""
    names = ("random", "random x2", "tpe")
    seeds = {seed_of(t, r, s) for t in names for r in range(200) for s in (0, 1)}
    assert len(seeds) == 3 * 200 * 2
    assert min(seeds) >= 0
    assert max(seeds) < 2**30


def table_search(tuner: str, seed: int) -> Search:
    """A search of a real tuner on the tabulated matrix, run to its end."""
    oracle = oracle_for(
        tuner,
        keras_tuner.Objective("val_loss", "min"),
        space_of_matrix(STUDY),
        trials=6,
        epochs=EPOCHS,
        seed=seed,
    )
    conversation = Conversation(oracle, seed=seed)
    options = {"tuner": tuner, "repeat": 0, "budget_epochs": 6 * EPOCHS, "batch": 4}
    run = Search(conversation, JUDGED, epochs=EPOCHS, **options)
    while not run.finished:
        run.tell({one.trial_id: looked_up(one) for one in run.ask()})
    return run


def looked_up(one: Wanted) -> Outcome:
    return outcome(Trial("churn", "embedded", matrix_values(STUDY, one.values), 0, EPOCHS))


@pytest.mark.parametrize("tuner", ["grid", "random", "hyperband", "tpe", "bayesian"])
def test_every_tuner_stays_within_its_budget_and_repeats_itself(tuner):
    """The same seed asks the same; another seed asks something else."""
    first, again, other = (table_search(tuner, seed) for seed in (1, 1, 2))
    assert 5 * EPOCHS < first.spent <= 6 * EPOCHS
    assert [ask.recipe for ask in first.asks] == [ask.recipe for ask in again.asks]
    assert [ask.recipe for ask in first.asks] != [ask.recipe for ask in other.asks]
    assert sum(ask.oracle_seconds for ask in first.asks) <= first.conversation.seconds
