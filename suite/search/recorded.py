"""A finished matrix as a tabulated benchmark: every outcome a search could ask for is recorded."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ValidationError

from suite import plan
from suite.errors import RecordError, UsageError, unknown
from suite.frame import described
from suite.search.loop import score_of
from suite.search.merit import best_score
from suite.store import Store
from suite.study import Study
from suite.summary import Judged, judged_of
from suite.trial import Outcome, Status, canonical


@dataclass(frozen=True)
class Benchmark:
    """The recorded outcomes of one task.

    Attributes:
        study: whose cells they are.
        epochs: epochs of a full training.
        outcomes: of every cell on every seed, by the cell's recipe and the seed.
    """

    judged: Judged
    study: Study
    epochs: int
    outcomes: Mapping[tuple[str, int], Outcome]

    @property
    def cells(self) -> int:
        """How many recipes there are."""
        return len(self.outcomes) // self.study.seeds

    def after(self, recipe: str, seed: int, epochs: int, initial_epoch: int = 0) -> Outcome:
        """What training a recipe up to `epochs` gave, from its recorded curve.

        Its seconds are those of the epochs from `initial_epoch` on.
        """
        whole = self.outcomes[recipe, seed]
        share = (epochs - initial_epoch) / self.epochs
        return replace(cut(whole, epochs, self.judged), seconds=whole.seconds * share)

    def afresh(self, recipe: str, seed: int) -> list[Outcome]:
        """The outcomes of a recipe on every other seed than the given one."""
        seeds = [other for other in range(self.study.seeds) if other != seed]
        return [self.outcomes[recipe, other] for other in seeds]

    def best(self, seed: int) -> float:
        """The best score of all cells on a seed; NaN where all diverged."""
        own = [outcome for (_, other), outcome in self.outcomes.items() if other == seed]
        return best_score([_score(outcome, self.judged) for outcome in own], self.judged.direction)


def _score(outcome: Outcome, judged: Judged) -> float:
    score = score_of(outcome, judged)
    return float("nan") if score is None else score


def cut(outcome: Outcome, epochs: int, judged: Judged) -> Outcome:
    """The outcome as it would be had the training ended after `epochs`.

    The objective is read off the recorded curve, up to that epoch. The metric is recorded at the
    selected epoch of the whole training alone; where that one comes later, the metric is unknown.
    A training that diverged later than that had completed until then.
    """
    curve = _curve(outcome, judged)
    if epochs >= outcome.trial.epochs or epochs > len(curve):
        return outcome
    seen = np.asarray(curve[:epochs])
    at = int(seen.argmin() if judged.direction == "min" else seen.argmax())
    known = dict(outcome.metrics) if outcome.epoch == at + 1 else {}
    return replace(
        outcome,
        status=Status.COMPLETED,
        epoch=at + 1,
        metrics=known | {f"val.{judged.objective}": float(curve[at])},
        message="",
    )


def _curve(outcome: Outcome, judged: Judged) -> Sequence[float]:
    name = f"val_{judged.objective}"
    return outcome.curves.get(name, outcome.curves.get(judged.objective, ()))


def read_benchmarks(folder: Path, tasks: Iterable[str] = ()) -> dict[str, Benchmark]:
    """The benchmarks of a results folder by task; all of its tasks where none is named.

    Raises:
        RecordError: there are no results, or cells of the matrix are missing.
        UsageError: the folder is that of a search, or it has no such task.
    """
    run = described(folder)
    study = _study(folder, run)
    names = list(dict.fromkeys(tasks)) or list(run["tasks"])
    for name in names:
        if name not in run["tasks"]:
            raise unknown("task", name, run["tasks"])
    if not names:
        raise RecordError(f"Expected a finished matrix. Received: {folder}, which has no task.")
    outcomes = list(Store(folder).outcomes().values())
    return {
        name: _benchmark(folder, study, judged_of(name, run["tasks"][name]), outcomes)
        for name in names
    }


def _study(folder: Path, run: Mapping[str, Any]) -> Study:
    content = {key: value for key, value in run["study"].items() if key != "fingerprint"}
    if content.pop("kind", "matrix") != "matrix":
        raise UsageError(
            f"Expected the results of a matrix, in which every recipe is recorded. "
            f"Received: {folder}, the results of the search {content['name']!r}."
        )
    try:
        return Study.model_validate_json(json.dumps(content))
    except (ValidationError, UsageError) as error:
        reason = str(error).partition("\n")[0]
        raise RecordError(
            f"Expected the study that was run in {folder / 'run.json'}. Received: {reason}."
        ) from error


def _benchmark(
    folder: Path, study: Study, judged: Judged, outcomes: Sequence[Outcome]
) -> Benchmark:
    own = [outcome for outcome in outcomes if outcome.trial.task == judged.task]
    recipes = {canonical(cell) for cell in plan.recipes(study)}
    found = {
        (outcome.trial.recipe, outcome.trial.seed): replace(
            outcome, curves={f"val_{judged.objective}": _curve(outcome, judged)}
        )
        for outcome in own
        if outcome.trial.recipe in recipes and outcome.trial.seed < study.seeds
    }
    wanted = len(recipes) * study.seeds
    if len(found) < wanted:
        raise RecordError(
            f"Expected all {wanted} trials of the matrix of task {judged.task!r}. Received: "
            f"{folder} with {len(found)}; {wanted - len(found)} are missing. Run the command that "
            f"began it, with --out {folder}, to its end."
        )
    return Benchmark(judged, study, max(outcome.trial.epochs for outcome in own), found)
