"""Claims: parsed with care, tested on the cells they name, answered only where the trials say."""

from __future__ import annotations

import numpy as np
import pytest
from tabulated import EPOCHS, JUDGED, STUDY, finished, outcome
from test_study import fault, read

from suite import plan
from suite.claim import MEANINGS, MEASURES, Claim
from suite.claims import Answer, claims_frame
from suite.measures import epochs_to, measured, objective_of, target
from suite.reading import read as read_results
from suite.study import Paced, Study
from suite.tables.claims import claim_sentence, claims_table
from suite.trial import Outcome, Status, Trial

MATRIX = """question = "Which?"
[factors]
dropout = [0.0, 0.5]
optimizer = ["sgd", "adam"]
"""
CLAIM = """[[claims]]
claim = "It helps"
factor = "dropout"
level = 0.5
reference = 0.0
direction = "higher"
"""


def test_a_claim_is_read_with_its_defaults(tmp_path):
    """A score, averaged over the matrix, on every task."""
    (claim,) = read(tmp_path, MATRIX + CLAIM).claims
    assert (claim.measure, claim.tuned, claim.tasks, claim.where) == ("score", False, [], {})
    assert set(MEANINGS) == {*MEASURES, "regret"}  # of searches, which have claims of their own


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (CLAIM.replace("higher", "better"), "direction='better'"),
        (CLAIM.replace('factor = "dropout"', 'factor = "dropuot"'), "Did you mean 'dropout'?"),
        (CLAIM.replace("reference = 0.0\n", ""), "factor, level and reference, or than"),
        (CLAIM.replace("reference = 0.0", "reference = 0.5"), "level=0.5 twice"),
        (CLAIM + "than = 1.0\n", "or to hold a measure against a number"),
        (CLAIM + 'measure = "scores"\n', "measure='scores'"),
        (CLAIM + "smallest = -1.0\n", "at least 0"),
        (CLAIM + 'where = { optimiser = "sgd" }\n', "Did you mean 'optimizer'?"),
        (CLAIM + 'over = "seed"\n', "'seed'"),
        (CLAIM + "claimed = 1\n", "Did you mean 'claim'?"),
        ('[paced]\nby = "batch"\nlevels = { 1 = 2 }\n', "'batch'"),
        ("[paced]\nby = 'dropout'\nlevels = { 1 = 0 }\n", "at least 1"),
        ("[[exclude]]\ndropuot = 0.5\n", "Did you mean 'dropout'?"),
    ],
)
def test_a_faulty_claim_is_told_in_a_sentence(tmp_path, text, said):
    """Expected and received, with the nearest valid choice."""
    assert said in fault(tmp_path, MATRIX + text)


def test_claims_change_neither_trials_nor_fingerprint(tmp_path):
    """They are read off what was trained anyway."""
    assert read(tmp_path, MATRIX + CLAIM).fingerprint == read(tmp_path, MATRIX).fingerprint


def test_excluded_cells_are_not_planned_and_paced_levels_train_as_long_as_they_say(tmp_path):
    """Both clippings at once are left out; one batch size has epochs of its own."""
    text = MATRIX + '[[exclude]]\ndropout = 0.5\noptimizer = "adam"\n'
    text += '[paced]\nby = "optimizer"\nlevels = { sgd = 7 }\n'
    study = read(tmp_path, text)
    planned = plan.trials(study, "churn", "embedded", 20)
    cells = {(t.hp["dropout"], t.hp["optimizer"], t.epochs) for t in planned}
    assert cells == {(0.0, "sgd", 7), (0.5, "sgd", 7), (0.0, "adam", 20)}
    assert study.fingerprint != read(tmp_path, MATRIX).fingerprint


def test_a_matrix_without_cells_is_refused():
    """Exclusion of everything is a mistake."""
    from suite.errors import StudyError

    study = Study(name="a", question="?", factors={"dropout": [0.5]}, exclude=[{"dropout": 0.5}])
    with pytest.raises(StudyError, match="leaves none"):
        plan.trials(study, "churn", "embedded", 1)
    assert Paced(by="dropout", levels={"0.5": 3}).levels == {"0.5": 3}


# Answers, on the tabulated matrix: batch normalization lowers the loss by 0.02 in every cell.


def answers(folder, seeds: int, *claims: Claim):
    """The frame of some claims on the tabulated matrix with so many seeds."""
    study = STUDY.model_copy(update={"seeds": seeds, "claims": list(claims)})
    trials = plan.trials(study, "churn", "embedded", EPOCHS)
    reading = read_results(finished(folder, study, map(outcome, trials)))
    return reading, claims_frame(claims, reading.evidence)


def normed(direction: str, **own) -> Claim:
    """A claim about batch normalization, on Adam's cells."""
    content = {"factor": "batch_norm", "level": True, "reference": False, "direction": direction}
    content |= {"where": {"optimizer": "adam"}}
    return Claim(claim="Batch normalization helps", **content | own)


def test_a_claim_that_holds_is_confirmed_and_its_opposite_is_not(tmp_path):
    """The effect is 0.02 to the last digit, in either view."""
    claims = [normed("higher"), normed("lower"), normed("higher", tuned=True)]
    reading, found = answers(tmp_path, 8, *claims)
    assert list(found["answer"]) == ["confirmed", "not confirmed", "confirmed"]
    assert found["effect"].to_numpy() == pytest.approx(0.02)
    assert list(found["pairs"]) == [8] * 3
    table = claims_table(found, reading.evidence.metrics)
    assert [row[2] for row in table.shown] == ["✓ confirmed", "✗ not confirmed", "✓ confirmed"]
    sentence = claim_sentence(found.iloc[0].to_dict(), reading.evidence.metrics)
    assert sentence.startswith("confirmed on churn: batch_norm on against off, auc: ")
    assert "where optimizer adam" in sentence


def test_fewer_than_six_pairs_decide_nothing(tmp_path):
    """However clear the difference looks."""
    _, found = answers(tmp_path, 5, normed("higher"))
    assert list(found["answer"]) == [Answer.UNDECIDED]


def test_what_is_too_small_to_be_worth_knowing_is_not_confirmed(tmp_path):
    """A difference of 0.02 where 0.05 is the smallest of interest."""
    _, found = answers(tmp_path, 8, normed("higher", smallest=0.05))
    assert list(found["answer"]) == [Answer.NOT_CONFIRMED]


def test_a_claim_about_levels_that_were_not_trained_is_undecided(tmp_path):
    """It says so, and does not fail."""
    reading, found = answers(
        tmp_path, 8, normed("higher", level=False, reference=True, where={"dropout": 0.9})
    )
    assert list(found["answer"]) == [Answer.UNDECIDED]
    assert "no trials" in claim_sentence(found.iloc[0].to_dict(), reading.evidence.metrics)


def test_a_measure_can_be_held_against_a_number_and_over_a_factor(tmp_path):
    """The range over dropout rates is 0.03 for Adam with and without batch normalization."""
    over = normed("lower", over="dropout")
    number = Claim(
        claim="All score above .6", than=0.6, direction="higher", where={"optimizer": "adam"}
    )
    _, found = answers(tmp_path, 8, over, number)
    assert found["value"].iloc[0] == pytest.approx(0.03 - (0.2 / 6 - 0.2 / 9), abs=1e-6)
    assert found["effect"].iloc[0] == pytest.approx(0.0, abs=1e-9)
    assert list(found["answer"]) == ["not confirmed", "confirmed"]


# Measures.


def test_epochs_are_counted_to_the_target():
    """The first epoch at or below it; one more than all where there is none."""
    own = outcome(
        Trial(
            "churn",
            "embedded",
            dict(STUDY.fixed)
            | {"dropout": 0.0, "batch_norm": True, "optimizer": "adam", "learning_rate": 0.01},
            0,
            EPOCHS,
        )
    )
    curve = objective_of(own, JUDGED)
    assert epochs_to(own, JUDGED, curve[3], EPOCHS) == 4
    assert epochs_to(own, JUDGED, 0.0, EPOCHS) == EPOCHS + 1
    goal = target([own], JUDGED, np.array([True]))
    assert goal == pytest.approx(curve[0] + 0.9 * (curve.min() - curve[0]))


def test_the_measures_of_curves_are_as_worked_out_by_hand(tmp_path):
    """Gap, rises, jitter, seconds, sparsity and divergence of one trial."""
    trial = Trial("churn", "embedded", {"dropout": 0.0}, 0, 4)
    curves = {"loss": [1.0, 1.5, 0.5, 0.4], "val_loss": [1.0, 1.2, 0.6, 0.9]}
    metrics = {"val.loss": 0.6, "val.auc": 0.8, "test.auc": 0.8, "sparsity": 0.25}
    own = Outcome(trial, Status.COMPLETED, "fleet", 2.0, 3, metrics, curves)
    reading = read_results(finished(tmp_path, STUDY, [own]))
    rows = reading.evidence.tasks["churn"].rows
    figures = {
        name: measured(name, rows, JUDGED, {trial.key: own}, np.array([True])).iloc[0]
        for name in MEASURES
    }
    wanted = {"score": 0.8, "gap": 0.5, "rises": 1 / 3, "jitter": 0.5, "seconds": 0.5}
    wanted |= {"sparsity": 0.25, "diverged": 0.0, "epochs": 3.0}
    assert {name: figures[name] for name in wanted} == pytest.approx(wanted)
    assert np.isnan([figures[name] for name in ("decay", "gradient", "update")]).all()
