"""Settings of every test: JAX on two host devices, as the suite itself runs; no TensorFlow."""

from __future__ import annotations

import pytest

from suite.environment import settle, spare_tensorflow

settle(cores=2)
spare_tensorflow()


@pytest.fixture(scope="session")
def churn():
    """The task churn on few rows."""
    from support import small_task

    return small_task("churn")


@pytest.fixture(scope="session")
def found(tmp_path_factory):
    """A FleetTuner that has searched, two executions a trial, and its folder."""
    from projects import searched

    folder = tmp_path_factory.mktemp("finished")
    return searched(folder, executions_per_trial=2, seed=5), folder
