"""Going on: a training that was interrupted by rungs is the training that was not."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from support import Silent, gap, train, trial

from suite.blueprint import draw_up
from suite.engines.fit import FitEngine
from suite.engines.fleet import FleetEngine
from suite.engines.patience import Patience, Wait
from suite.engines.program import Program
from suite.engines.states import MemberState, StateFolder, load, save
from suite.engines.training import Best, Carry, State

OBJECTIVE = "val_binary_crossentropy"
LAST = 8


def trained(port, trials):
    """Outcomes by trial key."""
    return {o.trial.key: o for chunk in port.train(trials, Silent()) for o in chunk}


@pytest.fixture
def ports(churn, tmp_path):
    """Opens ports one after the other; all of them keep their states in one folder."""

    def opened(**options):
        return FleetEngine().port(churn, states=StateFolder(tmp_path, LAST), **options)

    return opened


def straight_through(port, trials):
    """What `trials` give in the port's own programs where nothing is known of them."""
    port.states = None
    return trained(port, trials)


def same(found, straight, trials, close=1e-5) -> None:
    """Both give every trial the same curves and the same selected epoch."""
    for one in trials:
        assert found[one.key].status == straight[one.key].status, found[one.key].message
        assert gap(found[one.key].curves, straight[one.key].curves) < close
        assert found[one.key].epoch == straight[one.key].epoch


@pytest.mark.parametrize(
    ("mine", "neighbour"),
    [
        ({"optimizer": "sgd"}, {"optimizer": "momentum"}),
        ({"dropout": 0.0}, {"dropout": 0.3}),
        pytest.param(
            {"units": 32, "dropout": 0.2},
            {"units": 48, "dropout": 0.2},
            marks=pytest.mark.slow,
        ),
    ],
    ids=["momentum", "dropout", "units"],
)
def test_a_state_of_other_company_is_used_where_it_fits_and_passed_over_elsewhere(
    ports, mine, neighbour
):
    """First beside a neighbour whose program has more variables, then alone: as straight through.

    A neighbour brings velocities, random numbers or padding along, for one structure.
    """
    trained(ports(), [trial("churn", epochs=1, **own) for own in (mine, neighbour)])
    later, alone = [trial("churn", epochs=3, **mine)], ports()
    same(trained(alone, later), straight_through(alone, later), later)


def test_a_hulls_members_go_on_where_they_stood(ports, monkeypatch):
    """Adam, dropout, batch normalization and padding: no epoch is trained twice."""
    numbers = []
    original = Program.epoch

    def epoch(self, carry, knobs, crew, number):
        numbers.append(number)
        return original(self, carry, knobs, crew, number)

    monkeypatch.setattr(Program, "epoch", epoch)
    recipes = [{"units": 16, "depth": 1}, {"units": 48, "depth": 2, "batch_norm": True}]
    short, full = (
        [trial("churn", epochs=epochs, dropout=0.2, **recipe) for recipe in recipes]
        for epochs in (2, 4)
    )
    port = ports(expected=4)
    trained(port, short)
    continued = trained(port, full)
    assert numbers == [1, 2, 3, 4]
    same(continued, straight_through(port, full), full)


def getting_worse(epochs: int, count: int = 6):
    """Trials that stop improving sooner or later."""
    rates = np.geomspace(3e-4, 0.3, count)
    return [trial("churn", epochs=epochs, learning_rate=float(rate)) for rate in rates]


def test_who_stopped_early_does_not_go_on(ports, tmp_path):
    """A rung of five epochs, then eight: every member ends where it ends in eight at once.

    What a member has waited in the first rung counts in the second. One that stopped has no state:
    after its end it was carried along, by neighbours that decide for how long.
    """
    patience = Patience(OBJECTIVE, "min", 2)
    first, full = getting_worse(5), getting_worse(LAST)
    port = ports(patience=patience, expected=len(first))
    rung = trained(port, first)
    curves = [rung[one.key].curves[OBJECTIVE] for one in first]
    ended = [over(curve, patience) is not None for curve in curves]
    assert len(set(ended)) == 2, "all alike: the test shows nothing"
    assert len(list(tmp_path.glob("*.npz"))) == ended.count(False)
    going_on = trained(port, full)
    same(going_on, straight_through(port, full), full, close=1e-4)


def over(curve, patience) -> int | None:
    """The epoch after which a training with this curve stops early."""
    wait = Wait(patience)
    return next((n for n, value in enumerate(curve, 1) if wait.over(n, value)), None)


def test_early_stopping_ends_where_fit_would(churn):
    """The stop and the selected epoch follow from the curves of `model.fit`, by Keras' rule."""
    patience = Patience(OBJECTIVE, "min", 2)
    trials = getting_worse(LAST, count=3)
    port = FleetEngine().port(churn, patience=patience)
    found = {o.trial.key: o for chunk in port.train(trials, Silent()) for o in chunk}
    reference = train(FitEngine(), churn, trials)
    for one in trials:
        whole = reference[one.key].curves
        end = over(whole[OBJECTIVE], patience) or LAST
        assert gap(found[one.key].curves, {name: v[:end] for name, v in whole.items()}) < 1e-3
        assert found[one.key].epoch == int(np.argmin(whole[OBJECTIVE][:end])) + 1


def test_the_weights_of_who_stopped_are_those_of_the_selected_epoch(churn):
    """Though it was carried along until its neighbours ended."""
    trials = getting_worse(LAST, count=3)
    weights: dict[str, list] = {}
    patience = Patience(OBJECTIVE, "min", 1)
    port = FleetEngine().port(churn, patience=patience, weights=weights)
    found = {o.trial.key: o for chunk in port.train(trials, Silent()) for o in chunk}
    assert len({len(found[one.key].curves[OBJECTIVE]) for one in trials}) > 1
    for one in trials:
        model = draw_up(churn, one.hp, churn.dataset).model
        model.set_weights(weights[one.key])
        val = churn.dataset.val
        logs = model.evaluate(val.x, val.y, batch_size=1024, verbose=0, return_dict=True)
        recorded = found[one.key].metrics["val.binary_crossentropy"]
        assert logs["binary_crossentropy"] == pytest.approx(recorded, rel=1e-4)


def test_a_diverging_member_changes_no_bit_of_its_neighbours(churn):
    """In a hull, beside a narrower member: whoever sits in the other place."""
    calm = trial("churn", units=48, learning_rate=0.03)
    tame, wild = (
        trial("churn", units=16, learning_rate=rate, optimizer="adam") for rate in (0.02, 1e30)
    )
    port = FleetEngine().port(churn, expected=4)
    first, second = (trained(port, [calm, other]) for other in (tame, wild))
    assert second[wild.key].status == "diverged"
    assert first[calm.key].curves == second[calm.key].curves


def state_of(count: int) -> MemberState:
    """A state of `count` variables a kind, all of them different."""

    def arrays(first: int) -> list:
        return [np.full((2, i + 1), first + i, np.float32) for i in range(count)]

    state = State(arrays(0), arrays(100), [np.array([1, 2], np.uint32)], arrays(200))
    best = Best(np.int32(1), np.float32(0.5), arrays(300), arrays(400))
    return MemberState("program", 1, {"loss": np.array([0.1])}, Carry(state, best))


def test_a_state_is_read_back_as_it_was_written(tmp_path):
    """Bit for bit, in the order of more than ten variables."""
    state = state_of(12)
    save(tmp_path / "state.npz", state)
    again = load(tmp_path / "state.npz")
    assert (again.program, again.epochs) == (state.program, state.epochs)
    assert list(again.curves["loss"]) == [0.1]
    assert jax.tree.structure(again.carry) == jax.tree.structure(state.carry)
    for one, other in zip(*map(jax.tree.leaves, (state.carry, again.carry)), strict=True):
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype


def cut(path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def flipped(path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))


def an_array(path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def other_arrays(path) -> None:
    with path.open("wb") as file:
        np.savez(file, head=np.zeros(3))


@pytest.mark.parametrize("damage", [cut, flipped, an_array, other_arrays])
def test_a_damaged_or_foreign_file_is_no_state(tmp_path, damage):
    """Cut off, one byte changed, or something else altogether: `find` passes it over."""
    folder, later = StateFolder(tmp_path, LAST), trial("churn", epochs=2)
    folder.keep(trial("churn", epochs=1), state_of(3))
    (path,) = tmp_path.glob("*.npz")
    assert folder.find(later, "program") is not None
    assert folder.find(later, "another program") is None
    damage(path)
    assert folder.find(later, "program") is None
