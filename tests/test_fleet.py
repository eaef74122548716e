"""The fleet engine: outcomes in chunks, within its budget, each trial for itself."""

from __future__ import annotations

import numpy as np
import pytest
from support import Silent, gap, train, trial

from suite.engines.fit import FitEngine
from suite.engines.fleet import FleetEngine
from suite.trial import Status


def test_a_diverging_member_is_an_outcome_and_touches_no_neighbour(churn):
    """A learning rate of 10 with an L2 of 1 blows up; its neighbours train as if it were not."""
    calm = [trial("churn", learning_rate=0.1, optimizer="sgd", seed=s) for s in (0, 1)]
    wild = [trial("churn", learning_rate=10.0, optimizer="sgd", l2=1.0, seed=s) for s in (0, 1)]
    alone = train(FleetEngine(), churn, calm)
    mixed = train(FleetEngine(), churn, [*calm, *wild])
    for t in wild:
        outcome = mixed[t.key]
        assert outcome.status is Status.DIVERGED
        assert "not finite in epoch" in outcome.message
        assert all(np.isfinite(curve).all() for curve in outcome.curves.values())
    for t in calm:
        assert mixed[t.key].status is Status.COMPLETED
        assert gap(mixed[t.key].curves, alone[t.key].curves) < 1e-4


def test_the_selected_epoch_is_the_best_and_judged_with_its_own_weights(churn):
    """`epoch` is the first minimum of the objective, and fit agrees on that model's test score."""
    t = trial("churn", learning_rate=0.05, epochs=6)
    ours = train(FleetEngine(), churn, [t])[t.key]
    theirs = train(FitEngine(), churn, [t])[t.key]
    curve = ours.curves["val_binary_crossentropy"]
    assert ours.epoch == int(np.argmin(curve)) + 1
    assert ours.epoch == theirs.epoch < 6
    assert ours.metrics["test.roc_auc"] == pytest.approx(theirs.metrics["test.roc_auc"], abs=2e-3)


def test_outcomes_stream_in_chunks_of_the_given_width(churn):
    """With width 2 on two devices, ten trials come in chunks of at most four."""
    trials = [trial("churn", seed=0, l2=i / 100, epochs=1) for i in range(10)]
    chunks = list(FleetEngine(width=2).train(churn, trials, Silent()))
    assert sum(len(chunk) for chunk in chunks) == 10
    assert max(len(chunk) for chunk in chunks) <= 4


def test_a_small_budget_makes_narrow_programs(churn):
    """No program above the budget runs; all trials train all the same."""
    trials = [trial("churn", seed=0, l2=i / 100, epochs=1) for i in range(16)]
    engine = FleetEngine(budget_bytes=2**20)
    chunks = list(engine.train(churn, trials, Silent()))
    assert sum(len(chunk) for chunk in chunks) == 16
    assert max(len(chunk) for chunk in chunks) < 16


def test_a_family_compiles_one_program_also_where_its_last_crew_is_short(churn, monkeypatch):
    """Ten members at width 2 on two devices: three crews, the last one half empty, one program."""
    from suite.engines import port

    shapes = []

    class Counted(port.Program):
        def __init__(self, template, deck, shape, **options) -> None:
            shapes.append(shape)
            super().__init__(template, deck, shape, **options)

    monkeypatch.setattr(port, "Program", Counted)
    trials = [trial("churn", seed=0, l2=i / 100, epochs=1) for i in range(10)]
    train(FleetEngine(width=2), churn, trials)
    assert len(shapes) == 1


def test_many_seeds_of_one_recipe_share_a_program(churn):
    """Twelve seeds of one recipe train at once, each on its own order and weights, as fit does."""
    trials = [trial("churn", seed=s, dropout=0.3, epochs=2) for s in range(12)]
    chunks = list(FleetEngine().train(churn, trials, Silent()))
    assert [len(chunk) for chunk in chunks] == [12]
    outcomes = {o.trial.key: o for o in chunks[0]}
    assert len({tuple(o.curves["loss"]) for o in outcomes.values()}) == 12
    reference = train(FitEngine(), churn, [trials[7]])[trials[7].key]
    assert gap(outcomes[trials[7].key].curves, reference.curves) < 1e-3


def test_the_clock_tells_building_compiling_training_and_scoring(churn):
    """Every share of the time is counted."""
    engine = FleetEngine()
    train(engine, churn, [trial("churn", epochs=1)])
    assert set(engine.clock) == {"building", "compiling", "training", "scoring"}
    assert all(seconds > 0 for seconds in engine.clock.values())
