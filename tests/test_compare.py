"""Two results folders side by side: what both hold, what changed, and folders that hold nothing."""

from __future__ import annotations

import pytest
from example import matrix, outcome, results_folder

from suite.compare import compare_folders
from suite.errors import RecordError
from suite.trial import Outcome, Status


def better(by: float) -> list[Outcome]:
    """The matrix, its completed trials better by so much on test."""
    changed = []
    for old in matrix():
        metrics = dict(old.metrics)
        if metrics:
            metrics["test.auc"] += by
        changed.append(Outcome(old.trial, old.status, "fit", 1.0, old.epoch, metrics))
    return changed


@pytest.fixture
def old(tmp_path):
    """A folder with the hand-worked matrix."""
    return results_folder(tmp_path / "old", matrix())


def test_a_folder_compared_with_itself_does_not_differ(old):
    """No effect, no doubt, the same best recipe."""
    tasks, levels = compare_folders(old, old)
    (row,) = tasks.full.to_dict("records")
    assert (row["effect"], row["low"], row["high"]) == (0, 0, 0)
    assert row["trials_old"] == row["trials_new"] == row["trials_shared"] == 8
    assert row["best_test_old"] == row["best_test_new"] == pytest.approx(0.85)
    assert (levels.full["difference"] == 0).all()
    assert "studies differ" not in tasks.note


def test_the_difference_is_taken_trial_by_trial(old, tmp_path):
    """Seven of eight trials better by 0.08, the diverged one as before: 0.07 on average."""
    new = results_folder(tmp_path / "new", better(0.08))
    tasks, levels = compare_folders(old, new)
    (row,) = tasks.full.to_dict("records")
    assert row["effect"] == pytest.approx(0.07)
    assert row["low"] < 0.07 <= row["high"] <= 0.08 + 1e-9
    assert (row["best_test_old"], row["best_test_new"]) == pytest.approx((0.85, 0.93))
    found = levels.full.set_index(["factor", "level"])
    assert found.loc[("optimizer", "adam"), "old"] == pytest.approx(0.77)
    assert found.loc[("optimizer", "adam"), "difference"] == pytest.approx(0.06)
    assert found.loc[("optimizer", "sgd"), "difference"] == pytest.approx(0.08)


def test_only_shared_trials_are_paired(old, tmp_path):
    """A folder of one seed is compared on that seed, and says how many trials each side has."""
    new = results_folder(tmp_path / "new", better(0.08)[:4])
    tasks, _ = compare_folders(old, new)
    (row,) = tasks.full.to_dict("records")
    assert (row["trials_old"], row["trials_new"], row["trials_shared"]) == (8, 4, 4)
    assert row["effect"] == pytest.approx(0.08)


def test_other_studies_are_named(old, tmp_path):
    """Two declarations are compared as far as they go, with a word on it."""
    new = results_folder(tmp_path / "new", matrix(), fingerprint="f" * 16)
    tasks, *_ = compare_folders(old, new)
    assert f"The studies differ: {'0' * 16} and {'f' * 16}." in tasks.note


def test_nothing_in_common_is_shown_as_such(old, tmp_path):
    """Trials that the other folder does not hold have no effect, and nothing fails."""
    stranger = outcome({"optimizer": "nadam", "dropout": 0.1}, 5, (0.4, 0.9, 0.9))
    tasks, _ = compare_folders(old, results_folder(tmp_path / "new", [stranger]))
    (row,) = tasks.full.to_dict("records")
    assert row["trials_shared"] == 0
    assert row["effect"] != row["effect"]


def test_another_factor_is_no_obstacle(old, tmp_path):
    """Levels are compared of the factors that both folders hold."""
    other = [outcome({"units": u}, 0, (0.4, 0.9, 0.9)) for u in (8, 16)]
    _, levels = compare_folders(old, results_folder(tmp_path / "new", other))
    assert "units" not in levels.full.get("factor", [])


@pytest.mark.parametrize("empty", [[], [outcome({"dropout": 0.5}, status=Status.FAILED)]])
@pytest.mark.parametrize("turned", [False, True])
def test_a_folder_without_a_trial_that_ended_is_compared_all_the_same(old, tmp_path, empty, turned):
    """A run that was stopped early, or whose trials all failed: its counts are 0, nothing fails."""
    folders = [old, results_folder(tmp_path / "new", empty)]
    tasks, *_ = compare_folders(*folders[:: -1 if turned else 1])
    (row,) = tasks.full.to_dict("records")
    assert sorted([row["trials_old"], row["trials_new"]]) == [0, 8]


def test_a_folder_without_results_is_a_record_error(old, tmp_path):
    """Either side; the message names the folder."""
    for pair in ((old, tmp_path / "none"), (tmp_path / "none", old)):
        with pytest.raises(RecordError, match=r"^Expected a results folder.*Received: .*none\.$"):
            list(compare_folders(*pair))
