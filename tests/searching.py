"""What the tests of searches need: small spaces, a score, searches run to the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras_tuner

from suite.search.cells import Point, point
from suite.search.conversation import Conversation, Suggestion

LOSS = keras_tuner.Objective("val_loss", "min")
KERAS_TUNERS_OWN = (  # its `synchronized` uses two deprecated names of `threading`
    "ignore:currentThread:DeprecationWarning",
    "ignore:getName:DeprecationWarning",
)
Score = Callable[[Suggestion], float | None]


def space_of_96() -> keras_tuner.HyperParameters:
    """3 x 2 x 4 x 4 cells."""
    hp = keras_tuner.HyperParameters()
    hp.Choice("optimizer", ["sgd", "momentum", "adam"])
    hp.Boolean("batch_norm")
    hp.Choice("l2", [0.0, 1e-3, 1e-2, 1e-1])
    hp.Int("units", 8, 32, step=8)
    return hp


def space_of_12() -> keras_tuner.HyperParameters:
    """3 x 4 cells."""
    hp = keras_tuner.HyperParameters()
    hp.Choice("optimizer", ["sgd", "momentum", "adam"])
    hp.Int("units", 8, 32, step=8)
    return hp


def conditional_space() -> keras_tuner.HyperParameters:
    """21 cells, with two declarations of `rate`, each under a condition of its own.

    sgd: momentum (2) x rate (2); adam: rate (3); each shallow, or deep of two widths.
    """
    hp = keras_tuner.HyperParameters()
    hp.Choice("optimizer", ["sgd", "adam"])
    with hp.conditional_scope("optimizer", ["sgd"]):
        hp.Choice("momentum", [0.0, 0.9])
        hp.Choice("rate", [0.1, 1.0])
    with hp.conditional_scope("optimizer", ["adam"]):
        hp.Choice("rate", [0.001, 0.01, 0.1])
    hp.Boolean("deep")
    with hp.conditional_scope("deep", [True]):
        hp.Int("width", 8, 16, step=8)
    return hp


CONDITIONAL_CELLS = (2 * 2 + 3) * (1 + 2)


def continuous_space() -> keras_tuner.HyperParameters:
    """Two continuous hyperparameters, a whole number and a category."""
    hp = keras_tuner.HyperParameters()
    hp.Float("rate", 1e-4, 1.0, sampling="log")
    hp.Float("dropout", 0.0, 0.6)
    hp.Int("units", 16, 256, sampling="log")
    hp.Choice("optimizer", ["sgd", "adam"])
    return hp


def usual(space: keras_tuner.HyperParameters, seed: int = 1) -> dict[str, Any]:
    """The arguments that every oracle of KerasTuner takes, with the space declared beforehand."""
    return {
        "objective": LOSS,
        "hyperparameters": space,
        "allow_new_entries": False,
        "tune_new_entries": False,
        "seed": seed,
    }


def loss_of(wanted: Suggestion) -> float:
    """A loss that any of the spaces has: every value pulls towards its own best."""
    best = {"optimizer": "adam", "batch_norm": True, "units": 24, "l2": 1e-3, "rate": 0.01}
    away = 0.0
    for name in sorted(best.keys() & wanted.values.keys()):  # floats are summed in one order
        value, own = wanted.values[name], best[name]
        away += float(value != own) if isinstance(own, str | bool) else abs(value / own - 1)
    return away + 1 / (wanted.epochs or 20)


def rounds(talk: Conversation, score: Score, batch: int = 8) -> Iterator[list[Suggestion]]:
    """Batches until the conversation is finished, each told once the caller has seen it."""
    while not talk.finished:
        wanted = talk.ask(batch)
        yield wanted
        talk.tell({one.trial_id: score(one) for one in wanted})


def whole_search(talk: Conversation, score: Score = loss_of, batch: int = 8) -> list[Suggestion]:
    """All that an oracle asks for until it is finished."""
    return [one for wanted in rounds(talk, score, batch) for one in wanted]


def first(
    talk: Conversation, count: int, batch: int = 8, score: Score = loss_of
) -> list[Suggestion]:
    """The first `count` suggestions, all told but the last batch."""
    found: list[Suggestion] = []
    for wanted in rounds(talk, score, batch):
        found += wanted
        if len(found) >= count:
            break
    return found[:count]


def told(oracle: Any, trial: Any, score: float, status: str = "COMPLETED") -> None:
    """End one trial of an oracle as KerasTuner's tuners do."""
    oracle.update_trial(trial.trial_id, {LOSS.name: score})
    trial.status = status
    oracle.end_trial(trial)


def in_folder(oracle: Any, folder: Any) -> Any:
    """An oracle with a project folder, as a tuner gives it one."""
    oracle.verbose = 0
    oracle._set_project_dir(str(folder), "search")
    return oracle


def points(found: Sequence[Suggestion]) -> list[tuple[object, ...]]:
    """Values and epochs, in the order of asking."""
    return [(*sorted(one.values.items()), one.initial_epoch, one.epochs) for one in found]


def fresh_points(found: Sequence[Suggestion]) -> list[Point]:
    """The values of all that were started from nothing, as points."""
    return [point(one.values) for one in found if one.parent is None]
