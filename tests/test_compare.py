"""Two results folders: what changed beyond noise, what else changed, and folders of nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from example import JUDGED, matrix, outcome, results_folder
from planted import planted
from recorded import planted_folder

from suite.compare import Change, cause_of, compare
from suite.errors import RecordError
from suite.reading import read
from suite.tables.compared import comparison_tables
from suite.trial import Outcome, Status


def shifted(outcomes: list[Outcome], by: float, only: bool | None = None) -> list[Outcome]:
    """The outcomes with another test metric, of all or of one level of batch normalization."""
    changed = []
    for i, old in enumerate(outcomes):
        metrics = dict(old.metrics)
        if metrics and only in (None, old.trial.hp.get("batch_norm")):
            metrics["test.auc"] += by * (1 + 0.1 * (i % 3))
        changed.append(replace(old, metrics=metrics))
    return changed


def folder(path, outcomes, **own):
    """A results folder of planted outcomes, read."""
    return read(planted_folder(path, outcomes, **own))


@pytest.fixture
def old(tmp_path):
    """Eight seeds of the planted matrix."""
    return folder(tmp_path / "old", planted({}, seeds=8))


def levels_of(found) -> dict[tuple[str, object], dict[str, object]]:
    """The rows of the levels."""
    return {(row["factor"], row["level"]): row for row in found.levels.to_dict("records")}


def test_a_run_compared_with_itself_is_identical(old):
    """Every figure is the very same; there is nothing to test, and no regression."""
    found = compare(old, old)
    (row,) = found.tasks.to_dict("records")
    assert (row["change"], row["identical"], row["trials_shared"]) == (Change.IDENTICAL, 96, 96)
    assert {row["change"] for row in levels_of(found).values()} == {Change.IDENTICAL}
    assert not found.regressed
    assert not found.warnings
    assert found.cause == "Both runs have the same code and the same environment."


@pytest.mark.parametrize(("by", "change"), [(0.03, Change.BETTER), (-0.03, Change.WORSE)])
def test_a_change_beyond_noise_is_named(old, tmp_path, by, change):
    """Every trial better (worse) by about 0.03: the task and every level are, by that much."""
    found = compare(old, folder(tmp_path / "new", shifted(planted({}, seeds=8), by)))
    (row,) = found.tasks.to_dict("records")
    assert row["change"] == change
    assert row["effect"] == pytest.approx(1.1 * by, rel=0.05)
    assert {row["change"] for row in levels_of(found).values()} == {change}
    assert found.regressed == (change is Change.WORSE)


def test_a_change_of_one_level_is_found_there_alone(old, tmp_path):
    """Batch normalization became worse; without it nothing did. Its verdict turned."""
    new = folder(tmp_path / "new", shifted(planted({}, seeds=8), -0.03, only=True))
    rows = levels_of(compare(old, new))
    assert rows["batch_norm", True]["change"] == Change.WORSE
    assert rows["batch_norm", False]["change"] == Change.IDENTICAL
    assert rows["batch_norm", True]["verdict_new"] == "hurts"
    assert rows["batch_norm", True]["verdict_old"] != "hurts"


def test_noise_is_no_change(old, tmp_path):
    """Other rounding, hardly visible: the same, though no figure is identical."""
    found = compare(old, folder(tmp_path / "new", shifted(planted({}, seeds=8), 1e-5)))
    assert set(found.tasks["change"]) == {Change.SAME}
    assert not found.regressed


def test_few_seeds_decide_nothing(tmp_path):
    """Two seeds cannot tell a change from noise, however large it is."""
    old = folder(tmp_path / "old", planted({}, seeds=2))
    found = compare(old, folder(tmp_path / "new", shifted(planted({}, seeds=2), -0.1)))
    assert set(found.tasks["change"]) == {Change.UNDECIDED}
    assert not found.regressed


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"commit": "def"}, "Between the runs the code changed (abc to def), and nothing else"),
        ({"versions": {"jax": "2"}}, "the environment changed (jax 1 to 2), and nothing else"),
        ({"hardware": {"cores": 4}}, "the environment changed (cores 2 to 4)"),
        ({"commit": "def", "versions": {"jax": "2"}}, "which of them did it cannot be told"),
        ({"commit": "abc+"}, "the code was changed and not committed (abc, abc+)"),
        ({"commit": ""}, "the code is of unknown commit"),
    ],
)
def test_the_cause_is_told_from_the_provenance(change, said):
    """Code, environment, or both."""
    before = {"commit": "abc", "versions": {"jax": "1"}, "hardware": {"cores": 2}}
    assert said in cause_of(before, {**before, **change})


def test_other_studies_and_data_are_warned_of(old, tmp_path):
    """They are compared as far as they go."""
    new = folder(tmp_path / "new", planted({}, seeds=8))
    run = json.loads((new.folder / "run.json").read_text())
    run["study"]["fingerprint"] = "f" * 16
    run["tasks"]["churn"]["data"] = {"fingerprint": "other"}
    (new.folder / "run.json").write_text(json.dumps(run))
    found = compare(old, read(new.folder))
    assert len(found.warnings) == 2
    assert "studies differ" in found.warnings[0]
    assert "data of churn differ" in found.warnings[1]
    assert set(found.tasks["change"]) == {Change.IDENTICAL}


def test_only_shared_trials_are_paired(old, tmp_path):
    """A folder of three seeds is compared on those, and says how many trials each side has."""
    found = compare(old, folder(tmp_path / "new", planted({}, seeds=3)))
    (row,) = found.tasks.to_dict("records")
    assert (row["trials_old"], row["trials_new"], row["trials_shared"]) == (96, 36, 36)


def test_nothing_in_common_is_shown_as_such(tmp_path):
    """Trials that the other folder does not hold have no effect, and nothing fails."""
    old = read(results_folder(tmp_path / "old", matrix()))
    stranger = outcome({"optimizer": "nadam", "dropout": 0.1}, 5, (0.4, 0.9, 0.9))
    found = compare(old, read(results_folder(tmp_path / "new", [stranger])))
    (row,) = found.tasks.to_dict("records")
    assert (row["trials_shared"], row["change"]) == (0, Change.UNDECIDED)
    assert [table.name for table in comparison_tables(found)] == ["compare"]


@pytest.mark.parametrize("empty", [[], [outcome({"dropout": 0.5}, status=Status.FAILED)]])
@pytest.mark.parametrize("turned", [False, True])
def test_a_folder_without_a_trial_that_ended_is_compared_all_the_same(tmp_path, empty, turned):
    """A run that was stopped early, or whose trials all failed: its counts are 0, nothing fails."""
    sides = [results_folder(tmp_path / "old", matrix()), results_folder(tmp_path / "new", empty)]
    found = compare(*map(read, sides[:: -1 if turned else 1]))
    (row,) = found.tasks.to_dict("records")
    assert sorted([row["trials_old"], row["trials_new"]]) == [0, 8]


def test_a_folder_without_results_is_a_record_error(tmp_path):
    """The message names the folder."""
    with pytest.raises(RecordError, match=r"^Expected a results folder.*Received: .*none\.$"):
        read(tmp_path / "none")


def test_the_tables_say_it_all(old, tmp_path):
    """A row a task with its change; a row a level; the cause below."""
    new = folder(tmp_path / "new", shifted(planted({}, seeds=8), -0.03, only=True), commit="def")
    tasks, levels = comparison_tables(compare(old, new))
    assert tasks.shown[0][0] == JUDGED.task
    assert "the code changed (abc to def)" in tasks.note
    turned = [row for row in levels.shown if row[-1].endswith("to hurts")]
    assert [row[0].strip() for row in turned] == ["on"]
