"""The folder of a FleetTuner's search: its record, what it was begun with, selected weights."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras_tuner
import numpy as np

from suite.data import Data, Split, leaves
from suite.errors import RecordError
from suite.files import replacing, write_whole
from suite.store import Store
from suite.trial import Outcome, Status, Trial
from suite.weights import Weights

DESCRIPTION = "search.json"


class Project:
    """What the folder of a search holds.

    Attributes:
        begun: what the search was begun with; empty for a new folder.
        done: outcomes by trial key. Failed ones are not tried again, since the oracle went on from
            them, unless nothing but failures is recorded.
        weights: selected weights by trial key, of trainings that are not on the disk yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.begun: dict[str, Any] = {}
        self.done: dict[str, Outcome] = {}
        self.weights: dict[str, list[Weights]] = {}
        self._by_recipe: dict[tuple[str, int], Outcome] = {}
        path = folder / DESCRIPTION
        if path.is_file():
            try:
                self.begun = json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                raise RecordError(f"Expected JSON in {path}. Received: {error}.") from error
            self.learn(list(Store(folder).outcomes().values()))
            if self.nothing_but_failures:
                self.done.clear()
                self._by_recipe.clear()

    @property
    def nothing_but_failures(self) -> bool:
        """Whether no training has ended otherwise than by failing."""
        return all(outcome.status is Status.FAILED for outcome in self.done.values())

    def begin(self, description: Mapping[str, Any]) -> None:
        """Write what the search begins with; RecordError where it was begun with something else."""
        if self.begun:
            same = ("data", "batch_size", "early_stopping", "epochs", "source")
            self.check_same(
                {key: self.begun[key] for key in same}, {key: description[key] for key in same}
            )
            return
        text = json.dumps(description, indent=2, default=_plain)
        write_whole(self.folder / DESCRIPTION, text + "\n")
        self.begun = json.loads(text)

    def check_same(self, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
        """Raise RecordError, naming it, for what differs from what the search was begun with."""
        for key, value in before.items():
            if now[key] != value:
                raise RecordError(
                    f"Expected {key}={value!r}, with which the search in {self.folder} was begun. "
                    f"Received: {key}={now[key]!r}. Pass overwrite=True to begin anew, or another "
                    f"project_name."
                )

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Take note of outcomes that are recorded."""
        for outcome in outcomes:
            self.done[outcome.trial.key] = outcome
            self._by_recipe[outcome.trial.recipe, outcome.trial.seed] = outcome

    def find(self, trial: Trial, *, exact: bool) -> Outcome | None:
        """The outcome of a trial; unless `exact`, of its recipe and seed at whatever epochs."""
        if exact:
            return self.done.get(trial.key)
        return self._by_recipe.get((trial.recipe, trial.seed))

    def keep(self, outcomes: Sequence[Outcome]) -> None:
        """Write the selected weights of trainings that ended."""
        folder = self.folder / "weights"
        folder.mkdir(exist_ok=True)
        for outcome in outcomes:
            weights = self.weights.pop(outcome.trial.key, [])
            named = {f"{i:05d}": np.asarray(weight) for i, weight in enumerate(weights)}
            with replacing(folder / f"{outcome.trial.key}.npz") as beside:
                np.savez(beside, **named)  # type: ignore[arg-type]  # `allow_pickle` is a bool

    def weights_of(self, key: str) -> list[Weights]:
        """The selected weights of a training, in the order of its model's weights."""
        path = self.folder / "weights" / f"{key}.npz"
        try:
            with np.load(path, allow_pickle=False) as stored:
                return [stored[name] for name in sorted(stored.files)]
        except OSError as error:
            raise RecordError(f"Expected weights in {path}. Received: {error}.") from error


def declarations(space: keras_tuner.HyperParameters) -> dict[str, list[Any]]:
    """Every declaration of each name, fit for JSON and as it comes back from there."""
    found: dict[str, list[Any]] = {}
    for own in space.get_config()["space"]:
        found.setdefault(own["config"]["name"], []).append(own)
    restored: dict[str, list[Any]] = json.loads(json.dumps(found, default=_plain))
    return restored


def _plain(value: Any) -> Any:
    """NumPy's numbers as Python's, for JSON."""
    return value.item()


def forms_of(data: Data) -> dict[str, Any]:
    """Shapes and types of one row of `x` and `y`, fit for JSON."""
    return {
        part: {name: [list(a.shape[1:]), a.dtype.str] for name, a in leaves(arrays).items()}
        for part, arrays in (("x", data.train.x), ("y", data.train.y))
    }


def empty(forms: Mapping[str, Any]) -> Split:
    """One row of zeros in these forms: what an unbuilt model is built with."""
    made = {
        part: {name: np.zeros((1, *shape), dtype) for name, (shape, dtype) in own.items()}
        for part, own in forms.items()
    }
    x, y = (own[""] if set(own) == {""} else own for own in (made["x"], made["y"]))
    return Split(x, y)


def report_logs(trial: Any, outcomes: Sequence[Outcome], objective: keras_tuner.Objective) -> None:
    """Tell a trial of KerasTuner the mean of every log but the objective, at the selected epoch."""
    ended = [o for o in outcomes if o.status is Status.COMPLETED and o.epoch]
    for name in ended[0].curves if ended else ():
        if name != objective.name:
            mean = float(np.mean([o.curves[name][(o.epoch or 1) - 1] for o in ended]))
            if not trial.metrics.exists(name):
                trial.metrics.register(name, direction="min" if "loss" in name else None)
            trial.metrics.update(name, mean, step=ended[0].epoch)


class Progress:
    """Says, a line a batch, how far a search is."""

    def __init__(self, oracle: keras_tuner.Oracle, verbose: int) -> None:
        self.oracle = oracle
        self.verbose = verbose
        self._started = time.perf_counter()
        self._trained = 0

    def batch(self, outcomes: Sequence[Outcome], oracle_seconds: float) -> None:
        """A batch was told."""
        if not self.verbose:
            return
        self._trained += len(outcomes)
        seconds = time.perf_counter() - self._started
        best = self.oracle.get_best_trials()
        score = f"{best[0].score:.4f}" if best and best[0].score is not None else "-"
        ended = len(self.oracle.end_order)
        bad = [o for o in outcomes if o.status is not Status.COMPLETED]
        troubles = f", {len(bad)} of the last batch {bad[0].status}" if bad else ""
        print(
            f"{ended} trials, best {self.oracle.objective.name} {score}, "
            f"{self._trained / seconds:.1f} trainings/s, "
            f"oracle {oracle_seconds:.1f} s of {seconds:.1f} s{troubles}",
            flush=True,
        )
