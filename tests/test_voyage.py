"""Voyages: members stop early, survivors move closer, and trainings go on where they stood."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support import Silent, gap, train, trial

from suite.engines.fleet import FleetEngine
from suite.engines.patience import Patience, Wait
from suite.engines.states import StateFolder

OBJECTIVE = "val_binary_crossentropy"
PATIENCE = Patience(OBJECTIVE, "min", 2)
EPOCHS = 10


def matrix(count: int, epochs: int = EPOCHS):
    """Trials that get worse sooner or later, dropout and batch normalization on."""
    rates = np.geomspace(1e-3, 0.3, count)
    common = {"dropout": 0.2, "batch_norm": True, "optimizer": "adam"}
    return [trial("churn", epochs=epochs, learning_rate=float(r), **common) for r in rates]


def outcomes_of(port, trials):
    """Outcomes by trial key."""
    return {o.trial.key: o for chunk in port.train(trials, Silent()) for o in chunk}


def test_a_stopped_member_has_the_curves_of_its_training_alone_up_to_where_it_stops(churn):
    """Epoch, selected epoch and figures follow from the uninterrupted curve by Keras' rule."""
    trials = matrix(8)
    stopped = outcomes_of(FleetEngine().port(churn, patience=PATIENCE), trials)
    whole = train(FleetEngine(), churn, trials)
    lengths = set()
    for one in trials:
        wait, curve = Wait(PATIENCE), whole[one.key].curves[OBJECTIVE]
        ends = next((n for n, v in enumerate(curve, 1) if wait.over(n, v)), EPOCHS)
        lengths.add(ends)
        ours = stopped[one.key]
        expected = {name: values[:ends] for name, values in whole[one.key].curves.items()}
        assert gap(ours.curves, expected) < 1e-3
        assert ours.epoch == int(np.argmin(curve[:ends])) + 1
    assert len(lengths) > 1, "all stop together: the test shows nothing"


def test_survivors_are_compacted_into_narrower_programs(churn, monkeypatch):
    """Fewer places are trained than if stopped members were carried along to the end."""
    from suite.engines import port as ports

    monkeypatch.setattr(ports.Port, "_worth", lambda *_: 1.0)  # compiling is free
    trained = []
    original = ports.Program.epoch

    def epoch(self, *arguments):
        trained.append(self.shape.members)
        return original(self, *arguments)

    monkeypatch.setattr(ports.Program, "epoch", epoch)
    trials = matrix(16)
    found = outcomes_of(FleetEngine(width=8).port(churn, patience=PATIENCE), trials)
    ran = [len(found[one.key].curves[OBJECTIVE]) for one in trials]
    assert min(trained) < max(trained), "nobody was moved"
    assert sum(trained) < 16 * max(ran)
    whole = train(FleetEngine(), churn, trials)
    for one, count in zip(trials, ran, strict=True):
        expected = {name: values[:count] for name, values in whole[one.key].curves.items()}
        assert gap(found[one.key].curves, expected) < 1e-3


def test_a_training_goes_on_where_it_stood(churn, tmp_path):
    """Three epochs and, from the files of another process's making, three more: as six at once."""
    short, full = matrix(4, epochs=3), matrix(4, epochs=6)
    states = StateFolder(tmp_path, last=6)
    engine = FleetEngine()
    outcomes_of(engine.port(churn, states=states, expected=8), short)
    assert len(list(tmp_path.glob("*.npz"))) == 4
    continued = outcomes_of(
        FleetEngine().port(churn, states=StateFolder(tmp_path, last=6), expected=8), full
    )
    straight = train(FleetEngine(), churn, full)
    for one in full:
        assert gap(continued[one.key].curves, straight[one.key].curves) < 1e-5
        assert continued[one.key].epoch == straight[one.key].epoch
        assert continued[one.key].metrics == pytest.approx(straight[one.key].metrics, abs=1e-5)
    assert len(list(tmp_path.glob("*.npz"))) == 4, "nothing goes on after the last epoch"


def test_a_state_that_cannot_be_used_is_passed_over(churn, tmp_path):
    """The training begins anew; `tests/test_states.py` damages files in other ways."""
    (short,), (full,) = matrix(1, epochs=2), matrix(1, epochs=4)
    outcomes_of(FleetEngine().port(churn, states=StateFolder(tmp_path, 4), expected=2), [short])
    (path,) = tmp_path.glob("*.npz")
    path.write_bytes(b"")
    found = outcomes_of(
        FleetEngine().port(churn, states=StateFolder(tmp_path, 4), expected=2), [full]
    )
    straight = train(FleetEngine(), churn, [full])
    assert gap(found[full.key].curves, straight[full.key].curves) < 1e-5


def test_a_lasting_port_compiles_nothing_for_a_second_batch(churn):
    """Other units, other rates, fewer members: the hull and the program are there."""
    engine = FleetEngine()
    port = engine.port(churn, expected=16)
    first = [
        trial("churn", units=units, depth=depth, learning_rate=rate)
        for units, depth, rate in ((64, 3, 0.01), (16, 1, 0.001), (48, 2, 0.1), (32, 2, 0.03))
    ]
    outcomes_of(port, first)
    compiled = engine.clock["compiling"]
    second = [trial("churn", units=u, depth=2, learning_rate=0.02) for u in (16, 48, 64)]
    found = outcomes_of(port, second)
    assert engine.clock["compiling"] == compiled
    for one in second[:1]:
        alone = train(FleetEngine(), churn, [one])[one.key]
        assert gap(found[one.key].curves, alone.curves) < 1e-3


def test_members_of_different_length_share_a_program(churn):
    """A program trains an epoch; how many there are is nobody's structure."""
    engine = FleetEngine()
    port = engine.port(churn, expected=4)
    short, long = trial("churn", epochs=1), trial("churn", epochs=3, learning_rate=0.01)
    found = outcomes_of(port, [short, long])
    assert len(port.berths.all) == 1
    assert [len(found[t.key].curves[OBJECTIVE]) for t in (short, long)] == [1, 3]
    straight = train(FleetEngine(), churn, [replace(short, epochs=3)])
    longer = next(iter(straight.values())).curves[OBJECTIVE]
    assert found[short.key].curves[OBJECTIVE][0] == pytest.approx(longer[0], rel=1e-5)
