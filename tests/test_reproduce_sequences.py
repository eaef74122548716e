"""Scripts of tasks with recurrent cells, two inputs, and losses that leave targets out."""

from __future__ import annotations

import pytest
from scripted import run_alone, written
from support import small_task, train, trial

from suite.trial import Level, Outcome, Status

RECIPES: dict[str, dict[str, Level]] = {
    "long_sequence": {"cell": "lstm", "initializer": "orthogonal", "l2": 1e-3, "clipnorm": 0.5},
    "translation": {"initializer": "he_normal", "optimizer": "nadam", "batch_norm": True},
    "detection": {"optimizer": "momentum", "batch_norm": True, "l1": 1e-4, "learning_rate": 0.01},
}


def recorded(name: str) -> Outcome:
    """What the fleet recorded of a task's recipe, on few rows, in two epochs."""
    from suite.engines.fleet import FleetEngine

    asked = trial(name, seed=3, epochs=2, **RECIPES[name])
    outcome = train(FleetEngine(), small_task(name), [asked])[asked.key]
    assert outcome.status is Status.COMPLETED, outcome.message
    return outcome


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_scripts_get_what_the_fleet_recorded_on_both_backends(name, tmp_path):
    """The objective to a thousandth; the metric is the task's own, so it is only quoted."""
    path = written(small_task(name), recorded(name), tmp_path)
    for backend in ("jax", "tensorflow"):
        ((code, output),) = run_alone([path], backend)
        assert code == 0, output
