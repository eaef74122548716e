"""The suite's fleet engine, as a run of the suite uses it: plan, train, store."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks.record import SOURCE, Clock, Request, Trained
from suite.engines.choice import engine_named
from suite.errors import SuiteError
from suite.jobs import Job, prepare
from suite.registry import Plugin
from suite.store import Store
from suite.studyfiles import load_matrix
from suite.trial import Outcome, Status, Trial, canonical


class Silent:
    """A watcher that tells nobody."""

    def stage(self, text: str) -> None:
        """Nothing to do."""


def train(request: Request, plugin: Plugin, clock: Clock) -> Trained:
    """Train the drawn recipes on the study's seeds, every outcome stored before the next chunk."""
    with clock("data"):
        study = load_matrix(request.study).at("standard")
        change = {"epochs": request.epochs} if request.epochs else {}
        job = prepare(plugin, study.model_copy(update=change), SOURCE)
    trials = planned(job, request)
    engine = engine_named("fleet")
    with Store(Path(request.folder)) as store:
        for outcomes in engine.train(job.task, trials, Silent()):
            with clock("storing"):
                store.append(outcomes)
        with clock("storing"):
            stored = store.outcomes()
    for kind, seconds in engine.clock.items():
        clock.add(kind, seconds)
    return judged(stored, trials)


def planned(job: Job, request: Request) -> list[Trial]:
    """The job's trials whose recipe was drawn, seed by seed."""
    wanted = {canonical(dict(recipe)) for recipe in request.recipes}
    return [trial for trial in job.trials if trial.recipe in wanted][: request.trials]


def judged(stored: Mapping[str, Outcome], trials: list[Trial]) -> Trained:
    """How many of `trials` were stored as trained to the end; SuiteError where one failed.

    A fleet trains a diverged member to its last epoch like any other, so it counts.
    """
    outcomes = [stored[trial.key] for trial in trials]
    failed = [outcome for outcome in outcomes if outcome.status is Status.FAILED]
    if failed:
        raise SuiteError(f"{len(failed)} of {len(trials)} trials failed: {failed[0].message}")
    diverged = sum(outcome.status is Status.DIVERGED for outcome in outcomes)
    note = f"{diverged} diverged" if diverged else ""
    return Trained(len(outcomes), trials[0].epochs, note)
