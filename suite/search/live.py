"""A search study carried out: all searches of a task in lockstep, their batches as one fleet."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import keras_tuner

from suite.csvtext import csv_text
from suite.engines.engine import Trainer
from suite.files import write_whole
from suite.interrupt import check
from suite.jobs import Job, opened
from suite.progress import Best, Tally
from suite.registry import Plugin
from suite.search.conversation import Conversation
from suite.search.log import Ask, Choice, asks_frame, choices_frame, write_log
from suite.search.loop import Search, Wanted, seed_of
from suite.search.spaces import space_of
from suite.search.study import Entrant, SearchStudy
from suite.search.tables import curves_frame
from suite.search.tuners import oracle_for
from suite.summary import judged_of
from suite.trial import Outcome, Trial
from suite.work import One, Work

FRESH = 1000
"""The first of the seeds on which a search's choice is trained again; searches use 0, 1, ..."""

STATES = "states"


@dataclass
class Field:
    """The searches of one task, side by side.

    Attributes:
        epochs: of a full training.
        searches: every entrant's repeats.
    """

    job: Job
    study: SearchStudy
    epochs: int
    searches: list[Search] = field(default_factory=list)

    @classmethod
    def of(cls, job: Job, study: SearchStudy, space: keras_tuner.HyperParameters) -> Field:
        """All searches of a study on one task, none of which has asked anything yet."""
        made = cls(job, study, study.epochs_for(job.plugin.name, job.task.epochs))
        for entrant in study.entrants():
            made.searches += [made._search(entrant, n, space) for n in range(study.repeats)]
        return made

    def _search(self, entrant: Entrant, repeat: int, space: keras_tuner.HyperParameters) -> Search:
        seed = seed_of(entrant.name, repeat)
        objective, direction = self.job.judge.objective
        oracle = oracle_for(
            entrant.tuner,
            keras_tuner.Objective(objective, direction),
            space,
            trials=entrant.trials,
            epochs=self.epochs,
            seed=seed,
        )
        return Search(
            Conversation(oracle, seed=seed),
            self.job.judged(),
            tuner=entrant.name,
            repeat=repeat,
            budget_epochs=entrant.trials * self.epochs,
            batch=self.study.batch,
            epochs=self.epochs,
        )

    @property
    def trainings(self) -> int:
        """Full trainings that all searches may spend, and those of their choices."""
        budget = sum(search.budget_epochs for search in self.searches) // self.epochs
        return budget + self.study.fresh * len(self.searches)

    @property
    def spent(self) -> int:
        """Full trainings spent so far."""
        return sum(search.spent for search in self.searches) // self.epochs

    def trial(self, search: Search, wanted: Wanted) -> Trial:
        """What a search wants, as a trial: all of a repeat share one seed, whatever the tuner."""
        name, source = self.job.plugin.name, self.job.task.source
        return Trial(name, source, dict(wanted.values), search.repeat, wanted.epochs)

    def fresh(self, search: Search) -> list[Trial]:
        """The trainings of a search's choice on seeds that chose nothing."""
        if search.best is None:
            return []
        recipe = json.loads(search.best.recipe)
        name, source = self.job.plugin.name, self.job.task.source
        seeds = range(FRESH, FRESH + self.study.fresh)
        return [Trial(name, source, recipe, seed, self.epochs) for seed in seeds]


class SearchWork(Work):
    """Runs the searches of a study on each task.

    The record is the truth: on resume every search begins anew with its own seed, asks the same
    trials, and is told what the record holds of them; nothing that is recorded is trained again.
    """

    def __init__(self, study: SearchStudy, *common: Any) -> None:
        super().__init__(*common)
        self.study = study
        self.asks: list[Ask] = []
        self.choices: list[Choice] = []
        self._seen: set[str] = set()  # trials of the rounds so far, of the task under way

    def all(self, plugins: Sequence[Plugin], one: One | None = None) -> None:
        """Run the searches of every plugin's task."""
        self.asks.clear()
        self.choices.clear()
        super().all(plugins, one)

    def one(self, plugin: Plugin) -> None:
        """Run all searches of one task, then train their choices on fresh seeds."""
        started = time.perf_counter()
        self.display.say(f"{plugin.name}: loading data")
        job, space = opened(plugin, self.request.source, lambda task: space_of(task, self.study))
        self.begin(job)
        arena = Field.of(job, self.study, space)
        self._seen = set()
        tally = Tally(plugin.name, arena.trainings, 0, Best(job.judge.name))
        self.display.begin(tally)
        check()
        trainer = self.engine.trainer(
            job.task,
            expected=arena.trainings,
            states=self.request.out / STATES / plugin.name,
            last=arena.epochs,
        )
        try:
            self._search(arena, trainer, tally)
            self._train(plugin.name, [t for s in arena.searches for t in arena.fresh(s)], trainer)
        finally:
            self._log(arena)
            self.report.seconds[plugin.name] = time.perf_counter() - started
            oracles = sum(search.conversation.seconds for search in arena.searches)
            self.report.seconds["oracles"] = self.report.seconds.get("oracles", 0.0) + oracles

    def _search(self, arena: Field, trainer: Trainer, tally: Tally) -> None:
        """Rounds of asking, training what is asked, and telling, until every search is through."""
        while not all(search.finished for search in arena.searches):
            self.display.stage("asking the tuners")
            batches = {id(search): search.ask() for search in arena.searches}
            check()
            wanted = [(s, w) for s in arena.searches for w in batches[id(s)]]
            self._train(arena.job.plugin.name, [arena.trial(s, w) for s, w in wanted], trainer)
            for search in arena.searches:
                batch = batches[id(search)]
                outcomes = {w.trial_id: self._outcome(arena.trial(search, w)) for w in batch}
                search.tell(outcomes)
            tally.done = arena.spent

    def _train(self, task: str, trials: Sequence[Trial], trainer: Trainer) -> None:
        """Train what is not recorded yet, each trial once, however many searches want it.

        What an earlier process has recorded of this round keeps its place beside what it has not,
        and the first round is laid out in any case: then all else comes out as in one go.
        """
        unique = {trial.key: trial for trial in trials if trial.key not in self._seen}
        whole = list(unique.values())
        first = not self._seen
        self._seen |= unique.keys()
        if first and unique.keys() <= self.done.keys():
            for outcomes in self._layout(trainer, whole):
                self.record(task, outcomes)
        self.train(task, whole, lambda _: self._layout(trainer, whole))

    def _layout(self, trainer: Trainer, whole: list[Trial]) -> Iterator[Sequence[Outcome]]:
        """Train what is missing of a round, laid out as the whole of it."""
        skip = self.done.keys() & {trial.key for trial in whole}
        yield from trainer.train(whole, self.display, skip, self.store.claim)

    def _outcome(self, trial: Trial) -> Outcome:
        return self.done[trial.key]

    def _log(self, arena: Field) -> None:
        for search in arena.searches:
            self.asks += search.asks
            outcomes = [self.done[t.key] for t in arena.fresh(search) if t.key in self.done]
            self.choices.append(search.choice(outcomes))

    def found(self) -> Mapping[str, Sequence[Ask | Choice]]:
        """The asks and the choices."""
        return {"asks": self.asks, "choices": self.choices}

    def take(self, found: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        """Take asks and choices of another process."""
        self.asks += [Ask(**row) for row in found.get("asks", ())]
        self.choices += [Choice(**row) for row in found.get("choices", ())]

    def write_log(self) -> None:
        """One row an ask, one a choice, and the tuners' curves."""
        asks, choices = asks_frame(self.asks), choices_frame(self.choices)
        budgets = {entrant.name: float(entrant.trials) for entrant in self.study.entrants()}
        write_log(self.request.out, asks, choices)
        tasks = {name: judged_of(name, task) for name, task in self.report.tasks.items()}
        curves = curves_frame(asks, choices, tasks, budgets)
        write_whole(self.request.out / "curves.csv", csv_text(curves))
