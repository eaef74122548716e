"""From a study to its trials: how many, under which keys, with whose learning rates."""

from __future__ import annotations

import hashlib
from collections import Counter
from itertools import product

import pytest

from suite import plan, studyfiles
from suite.errors import StudyError
from suite.registry import discover
from suite.study import Dependent, Study
from suite.trial import Trial

GOLDEN = Trial("churn", "embedded", {"optimizer": "adam", "dropout": 0.3}, 7, 20)
RATES = Dependent(by="optimizer", levels={"sgd": [0.1, 1.0, 3.0], "adam": [0.01], "nadam": [5.0]})


def made(**fields: object) -> Study:
    """A small study."""
    base = {"factors": {"optimizer": ["sgd", "adam"], "dropout": [0.0, 0.5]}, "seeds": 2}
    return Study(name="s", question="?", **{**base, **fields})


def all_trials(preset: str) -> list[Trial]:
    """The trials of the shipped study over its tasks."""
    sized = studyfiles.load_matrix("techniques").at(preset)
    assert {*sized.tasks} <= {*discover()}
    return [trial for task in sized.tasks for trial in plan.trials(sized, task, "embedded", 20)]


# How many.


@pytest.mark.parametrize(
    ("preset", "least", "most"),
    [("quick", 500, 2_000), ("standard", 2_000, 12_000), ("full", 20_000, 100_000)],
)
def test_presets_are_as_large_as_they_say(preset, least, most):
    """Over four tasks: quick some hundred trials, standard 2,000 and more, full 20,000 and more."""
    found = all_trials(preset)
    assert len({trial.task for trial in found}) >= 4
    assert least <= len(found) <= most
    assert len({trial.key for trial in found}) == len(found)


def test_the_matrix_is_the_full_product():
    """2 optimizers x 2 dropouts x 2 seeds: every combination once, seed by seed."""
    found = plan.trials(made(), "churn", "embedded", 20)
    cells = [(t.seed, t.hp["optimizer"], t.hp["dropout"]) for t in found]
    assert cells == list(product([0, 1], ["sgd", "adam"], [0.0, 0.5]))
    assert {(t.task, t.source, t.epochs) for t in found} == {("churn", "embedded", 20)}


def test_fixed_values_stand_in_every_trial():
    """A fixed hyperparameter multiplies nothing."""
    found = plan.trials(made(fixed={"l2": 0.1}), "a", "b", 1)
    assert len(found) == 8
    assert {trial.hp["l2"] for trial in found} == {0.1}


def test_a_study_without_factors_trains_the_defaults():
    """One recipe, on every seed."""
    assert [t.hp for t in plan.trials(made(factors={}), "a", "b", 1)] == [{}, {}]


# Nuisance factors.


def test_nuisance_levels_multiply_the_matrix():
    """Every cell is trained at every level of a nuisance factor."""
    found = plan.trials(made(nuisance={"learning_rate": [0.1, 0.2]}), "a", "b", 1)
    assert len(found) == 16
    assert Counter(trial.hp["learning_rate"] for trial in found) == {0.1: 8, 0.2: 8}


def test_each_optimizer_has_its_own_learning_rates():
    """Every cell of an optimizer is trained at its levels, and at no other optimizer's."""
    found = plan.trials(made(nuisance={"learning_rate": RATES}), "a", "b", 1)
    pairs = Counter((t.hp["optimizer"], t.hp["learning_rate"]) for t in found)
    assert pairs == {("sgd", 0.1): 4, ("sgd", 1.0): 4, ("sgd", 3.0): 4, ("adam", 0.01): 4}


def test_levels_may_depend_on_a_nuisance_or_a_fixed_factor():
    """What a factor depends on need not be scientific."""
    for part in ({"nuisance": {"optimizer": ["sgd"]}}, {"fixed": {"optimizer": "sgd"}}):
        nuisance = {**part.get("nuisance", {}), "learning_rate": RATES}
        found = plan.trials(
            made(factors={"l2": [0.0]}, fixed=part.get("fixed", {}), nuisance=nuisance), "a", "b", 1
        )
        assert {trial.hp["learning_rate"] for trial in found} == {0.1, 1.0, 3.0}


def test_levels_may_depend_on_a_switch():
    """A study file writes its levels `true` and `false`."""
    rates = Dependent(by="batch_norm", levels={"true": [0.1], "false": [0.2]})
    sized = made(factors={"batch_norm": [True, False]}, nuisance={"learning_rate": rates})
    found = plan.trials(sized, "a", "b", 1)
    assert {(t.hp["batch_norm"], t.hp["learning_rate"]) for t in found} == {
        (True, 0.1),
        (False, 0.2),
    }


@pytest.mark.parametrize(
    ("rates", "clue"),
    [
        (Dependent(by="optimizr", levels={"sgd": [0.1]}), "by='optimizr'"),
        (Dependent(by="optimizer", levels={"sgd": [0.1]}), "optimizer='adam'"),
    ],
)
def test_a_dependence_that_leads_nowhere_is_a_study_error(rates, clue):
    """A missing factor, or a level without levels of its own, is said before anything trains."""
    with pytest.raises(StudyError, match=r"^Expected .*Received: .*") as caught:
        plan.trials(made(nuisance={"learning_rate": rates}), "a", "b", 1)
    assert clue in str(caught.value)


# Size.


def test_the_size_is_an_upper_bound():
    """Exact without dependent levels; never too small with them."""
    assert plan.size(made(nuisance={"l2": [0.1, 0.2]})) == 16
    dependent = made(nuisance={"learning_rate": RATES})
    assert plan.size(dependent) >= len(plan.trials(dependent, "a", "b", 1)) == 16


def test_a_billion_trials_are_refused_at_once():
    """The matrix is counted before it is built."""
    with pytest.raises(StudyError, match=r"at most 1,000,000 .* Received: .*1,000,000,000"):
        made(factors={f"f{i}": list(range(10)) for i in range(9)}, seeds=1)


# Keys.


def test_a_key_is_the_same_on_every_machine_and_in_every_version():
    """Records of earlier runs stay valid: the key is SHA-256 over this text, and this value."""
    text = '["churn","embedded",{"dropout":0.3,"optimizer":"adam"},7,20]'
    assert GOLDEN.key == hashlib.sha256(text.encode()).hexdigest()[:16] == "d4f61ce1697b3b24"
    assert GOLDEN.recipe == '{"dropout":0.3,"optimizer":"adam"}'


def test_a_key_does_not_depend_on_the_order_of_factors():
    """Two studies that name the same recipe share its trials."""
    turned = Trial("churn", "embedded", {"dropout": 0.3, "optimizer": "adam"}, 7, 20)
    assert turned.key == GOLDEN.key
    assert turned.recipe == GOLDEN.recipe


@pytest.mark.parametrize(
    "change",
    [
        {"task": "text"},
        {"source": "full"},
        {"seed": 8},
        {"epochs": 21},
        {"hp": {"optimizer": "adam"}},
        {"hp": {"optimizer": "adam", "dropout": 0.30000000000000004}},
        {"hp": {"optimizer": "adam", "dropout": "0.3"}},
        {"hp": {"optimizer": "0.3", "dropout": "adam"}},
    ],
)
def test_a_key_changes_with_everything_that_a_trial_is(change):
    """Another task, source, seed, length or level is another trial."""
    base = {"task": "churn", "source": "embedded", "hp": GOLDEN.hp, "seed": 7, "epochs": 20}
    assert Trial(**base).key == GOLDEN.key
    assert Trial(**{**base, **change}).key != GOLDEN.key


def test_more_seeds_keep_the_trials_there_are():
    """A study that is run again with more seeds trains the new seeds only."""
    few, many = (
        [t.key for t in plan.trials(made(seeds=n), "churn", "embedded", 20)] for n in (2, 3)
    )
    assert many[: len(few)] == few
