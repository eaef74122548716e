"""Two engines that must agree: the fleet against `model.fit`, on JAX and on TensorFlow."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest
from support import curves_of, gap, small_task, train, trial
from taskfiles import SHIPPED

from suite.environment import environment_for
from suite.factors import ACTIVATIONS, INITIALIZERS, OPTIMIZERS, SCHEDULES
from suite.trial import Level, Status, Trial

WHOLE = ("digits", "churn", "stock", "text")
"""A task of each kind, on which every level is held against `fit`; others have those of QUICK."""
SWIFT = ("churn",)
"""Of them, those whose cases of QUICK are not slow."""
TOLERANCE = 1e-3
BASE: dict[str, Level] = {"learning_rate": 0.01}
LEVELS: dict[str, tuple[Level, ...]] = {
    "initializer": INITIALIZERS,
    "optimizer": OPTIMIZERS,
    "learning_rate": (0.0003, 0.03),
    "batch_size": (0, 16, 48),
    "dropout": (0.0, 0.2, 0.5),
    "batch_norm": (False, True),
    "l1": (0.0, 1e-3),
    "l2": (0.0, 1e-2),
    "activation": ACTIVATIONS,
    "clipnorm": (0.0, 0.1),
    "clipvalue": (0.0, 0.01),
    "schedule": SCHEDULES,
    "input_dropout": (0.0, 0.2),
}
QUICK: dict[str, tuple[Level, ...]] = {
    "initializer": ("he_normal", "orthogonal"),
    "optimizer": ("momentum", "nesterov", "nadam", "lion"),
    "batch_size": (0, 48),
    "dropout": (0.5,),
    "batch_norm": (True,),
    "l1": (1e-3,),
    "l2": (1e-2,),
    "activation": ("tanh",),
    "clipnorm": (0.1,),
    "clipvalue": (0.01,),
    "schedule": ("step", "cosine", "warmup"),
    "input_dropout": (0.2,),
}
TOGETHER: dict[str, Level] = {
    "initializer": "he_uniform",
    "optimizer": "rmsprop",
    "dropout": 0.3,
    "batch_norm": True,
    "l1": 1e-4,
    "l2": 1e-3,
    "learning_rate": 0.003,
}


def cases() -> list[object]:
    """(task, factor, level): all levels on WHOLE, those of QUICK on the others."""
    made = []
    for task in SHIPPED:
        group = pytest.mark.xdist_group(task)
        for factor, levels in (LEVELS if task in WHOLE else QUICK).items():
            for level in levels:
                marks = [group, *marks_of(task, factor, level)]
                made.append(pytest.param(task, factor, level, marks=marks))
        marks = [group] if task in SWIFT else [group, pytest.mark.slow]
        made.append(pytest.param(task, "together", "all", marks=marks))
    return made


def marks_of(task: str, factor: str, level: Level) -> list[pytest.MarkDecorator]:
    """None for QUICK on SWIFT; slow for QUICK on WHOLE, and for a level a factor elsewhere."""
    quick = QUICK.get(factor, ())
    if level not in (quick if task in WHOLE else quick[:1]):
        return [pytest.mark.thorough]
    return [] if task in SWIFT else [pytest.mark.slow]


CAREFUL: dict[tuple[str, Level], float] = {
    ("optimizer", "lion"): 1e-4,
    ("batch_norm", True): 1e-3,
}
"""Smaller learning rates, where rounding would grow from step to step until it is seen.

Lion steps by signs: where a gradient is 0 but for rounding, two backends step to opposite sides.
Normalized batches grow rounding tenfold an epoch at a rate of .01.
"""


def planned(task: str, factor: str, level: Level) -> Trial:
    """The trial of one case."""
    if factor == "together":
        return trial(task, **TOGETHER)
    rate = CAREFUL.get((factor, level), BASE["learning_rate"])
    return trial(task, **{**BASE, "learning_rate": rate, factor: level})


def without_dropout(factor: str, level: Level) -> bool:
    """Whether the case can be repeated with other random numbers."""
    return factor != "together" and (not factor.endswith("dropout") or level == 0.0)


@pytest.fixture(scope="session")
def wanted(request):
    """The cases that this session runs, so that each fleet trains them all at once."""
    found = set()
    for item in request.session.items:
        if item.originalname == "test_fleet_and_fit_give_the_same_curves":
            found.add(tuple(item.callspec.params[name] for name in ("task", "factor", "level")))
    return sorted(found, key=repr)


@lru_cache
def _fleet(task: str, trials: tuple[Trial, ...]):
    from suite.engines.fleet import FleetEngine

    return train(FleetEngine(), small_task(task), trials)


@lru_cache
def _tensorflow(task: str, trials: tuple[Trial, ...]):
    content = json.dumps([[t.task, dict(t.hp), t.seed, t.epochs] for t in trials])
    done = subprocess.run(
        [sys.executable, __file__, task],
        input=content,
        env=environment_for("tensorflow"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


class Hashable(Trial):
    """A trial that a cache can take as an argument."""

    def __hash__(self) -> int:
        return hash(self.key)


def hashable(trials: list[Trial]) -> tuple[Trial, ...]:
    """The same trials, fit for a cache."""
    return tuple(Hashable(t.task, t.source, t.hp, t.seed, t.epochs) for t in trials)


@pytest.mark.parametrize(("task", "factor", "level"), cases())
def test_fleet_and_fit_give_the_same_curves(task, factor, level, wanted):
    """Same seed, same curves: fleet, `fit` on JAX, and without dropout `fit` on TensorFlow."""
    from suite.engines.fit import FitEngine

    mine = [case for case in wanted if case[0] == task]
    fleet = _fleet(task, hashable([planned(*case) for case in mine]))
    here = planned(task, factor, level)
    outcome = fleet[here.key]
    assert outcome.status is Status.COMPLETED, outcome.message
    reference = train(FitEngine(), small_task(task), [here])[here.key]
    assert gap(outcome.curves, reference.curves) < TOLERANCE
    assert outcome.epoch == reference.epoch
    if without_dropout(factor, level):
        repeatable = [planned(*case) for case in mine if without_dropout(*case[1:])]
        other = _tensorflow(task, hashable(repeatable))
        assert gap(outcome.curves, other[here.key]) < TOLERANCE


def test_dropout_of_a_recurrent_state_is_the_same_in_both_engines():
    """Keras' cells draw masks while they evaluate, too: the next epoch's follow from them."""
    from suite.engines.fit import FitEngine
    from suite.engines.fleet import FleetEngine

    asked = [
        trial("text", seed, 3, reader="gru", recurrent_dropout=0.3, learning_rate=0.01)
        for seed in (0, 1)
    ]
    fleet, fit = (train(e, small_task("text"), asked) for e in (FleetEngine(), FitEngine()))
    for own in asked:
        assert gap(fleet[own.key].curves, fit[own.key].curves) < TOLERANCE


@pytest.mark.parametrize("task", ["churn", pytest.param("digits", marks=pytest.mark.slow)])
def test_a_trial_does_not_depend_on_its_fleet(task):
    """A trial's numbers are the same alone, in a fleet of 2 and of 200, on one device and two."""
    from suite.engines.fleet import FleetEngine

    levels = {"dropout": 0.3, "batch_norm": True, "l2": 1e-3}
    crowd = [
        trial(task, seed=seed, learning_rate=0.001 * (1 + i / 10), **levels)
        for seed in (0, 1)
        for i in range(100)
    ]
    probe = crowd[7]
    runs = [
        train(FleetEngine(devices=devices), small_task(task), members)[probe.key]
        for devices, members in ((1, [probe]), (2, [probe]), (2, [probe, crowd[150]]), (2, crowd))
    ]
    for other in runs[1:]:
        assert gap(runs[0].curves, other.curves) < TOLERANCE / 10


def main() -> None:
    """In a process with another backend: fit the trials on standard input, print their curves."""
    from suite.engines.fit import FitEngine

    task = sys.argv[1]
    trials = [Trial(t, "embedded", hp, s, e) for t, hp, s, e in json.load(sys.stdin)]
    engine = FitEngine()
    print(json.dumps(curves_of(train(engine, small_task(task), trials))))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
