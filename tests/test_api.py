"""What a notebook has of a results folder; a verdict worked out again from `trials.csv`."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from example import matrix, results_folder
from planted import planted
from recorded import planted_folder
from scipy import stats

import suite
from suite.compare import Change
from suite.errors import RecordError
from suite.publication import write_trials


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Ten seeds of a matrix in which batch normalization helps."""
    path = planted_folder(tmp_path_factory.mktemp("run"), planted({"batch_norm": 0.02}, seeds=10))
    write_trials(suite.load_results(path).dataframe(), path)
    return path


@pytest.fixture(scope="module")
def results(folder):
    """The same, loaded."""
    return suite.load_results(folder)


def test_a_tuned_verdict_can_be_worked_out_by_hand(folder, results):
    """Ten lines of pandas and SciPy on `trials.csv` give every figure of it."""
    trials, n = pd.read_csv(folder / "trials.csv"), 10
    draws = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), 2000)

    def tuned(on):
        arm = trials[trials["hp.batch_norm"] == on].pivot(
            index=["hp.l2", "hp.lr"], columns="seed", values=["val.loss", "test.auc"]
        )
        cells = (arm["val.loss"].to_numpy() @ draws.T).argmin(axis=0)
        return (arm["test.auc"].to_numpy()[cells] * draws).sum(axis=1) / n

    repeats = tuned(True) - tuned(False)
    slopes = (draws - 1).T @ (repeats - repeats.mean()) / 2000
    error = np.sqrt(((slopes**2).sum() - n / 2000 * repeats.var()) * n / (n - 1))
    low, high = stats.t.interval(0.95, n - 1, repeats.mean(), error)
    p = 2 * stats.t.sf(abs(repeats.mean()) / error, n - 1)

    said = results.verdicts().query("view == 'tuned' and factor == 'batch_norm'").iloc[0]
    assert said[["effect", "low", "high", "p"]].tolist() == pytest.approx(
        [repeats.mean(), low, high, p]
    )
    assert (said["verdict"], said["p_holm"]) == ("helps", pytest.approx(2 * p))  # 2 comparisons


def test_a_verdict_over_the_matrix_can_be_worked_out_by_hand(folder, results):
    """SciPy's own tests and bootstrap on `trials.csv` give every figure of it."""
    trials = pd.read_csv(folder / "trials.csv")
    means = trials.groupby(["hp.batch_norm", "seed"])["test.auc"].mean()
    gains = (means[True] - means[False]).to_numpy()
    level = 1 - 2 * stats.norm.cdf(-stats.t.ppf(0.975, 9) * np.sqrt(10 / 9))
    interval = stats.bootstrap(
        (gains,), np.mean, confidence_level=level, n_resamples=4999, rng=np.random.default_rng(0)
    ).confidence_interval
    flips = stats.permutation_test(
        (gains,), np.mean, permutation_type="samples", n_resamples=np.inf
    ).pvalue

    said = results.verdicts().query("view == 'matrix' and factor == 'batch_norm'").iloc[0]
    assert said[["effect", "low", "high"]].tolist() == pytest.approx([gains.mean(), *interval])
    assert said["p"] == pytest.approx(flips)
    assert said["p_wilcoxon"] == pytest.approx(stats.wilcoxon(gains, method="exact").pvalue)
    assert said["superiority"] == (gains > 0).mean()
    assert said["pairs"] == 10


def test_the_data_frame_is_that_of_trials_csv(folder, results):
    """One row a trial; changing it changes nothing of the results."""
    frame = results.dataframe()
    assert len(frame) == len(results) == 120
    read = pd.read_csv(folder / "trials.csv", keep_default_na=False)
    pd.testing.assert_frame_equal(frame, read, check_dtype=False)
    frame["seed"] = -1
    assert (results.dataframe()["seed"] >= 0).all()


def test_curves_are_long(results):
    """A row an epoch and log; planted outcomes have no curves, and that is no error."""
    curves = results.curves()
    assert list(curves.columns) == ["task", "trial", "seed", "epoch", "log", "value"]
    assert curves.empty


def test_results_compare(folder, results):
    """With loaded results, or a path."""
    for other in (results, str(folder)):
        found = results.compare(other)
        assert set(found.tasks["change"]) == {Change.IDENTICAL}


def test_results_say_what_they_are(results):
    """Folder, study, tasks, trials."""
    assert repr(results).endswith("example on churn, 120 trials>")
    assert [table.name for table in results.tables()][-1] == "verdicts"


def test_verdicts_of_few_seeds_are_open(tmp_path):
    """The hand-worked matrix of two seeds: nothing is claimed."""
    found = suite.load_results(results_folder(tmp_path, matrix())).verdicts()
    assert set(found["verdict"]) == {"underpowered"}


def test_no_results_are_a_record_error(tmp_path):
    """With the folder in the message."""
    with pytest.raises(RecordError, match="Expected a results folder"):
        suite.load_results(tmp_path / "none")
