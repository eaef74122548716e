"""Tuners replayed on a finished matrix: hundreds of searches in seconds, and nothing is trained."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from copy import copy
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import keras_tuner
import pandas as pd
from rich.console import Console

from suite.csvtext import csv_text
from suite.environment import available_cores, spare_tensorflow
from suite.errors import UsageError, unknown
from suite.files import write_whole
from suite.search.conversation import Conversation
from suite.search.log import Ask, Choice, asks_frame, choices_frame, write_log
from suite.search.loop import Search, Wanted, seed_of
from suite.search.recorded import Benchmark, read_benchmarks
from suite.search.spaces import matrix_values, space_of_matrix
from suite.search.study import TUNERS, Entrant
from suite.search.tables import REFERENCE, curves_frame, search_tables
from suite.search.tuners import oracle_for
from suite.tables.table import Table
from suite.trial import Outcome, canonical

SLOW = ("bayesian",)
"""Tuners whose oracle needs seconds to minutes a search; they replay only where they are named."""
TRIALS = 64
PORTION = 4
"""A budget is at most the cells divided by this, where none is given: more would find them all."""
CHUNK = 25
"""Most searches that a worker process is given at once."""
YARDSTICK = 2


@dataclass(frozen=True)
class Replay:
    """What a user asks of a replay.

    Attributes:
        folder: the results of a finished matrix.
        tuners: names out of `TUNERS`; empty for all that are quick. Random search and random
            search with twice the budget run beside whatever is named.
        tasks: names of tasks; empty for all in the folder.
        repeats: searches of each tuner on each task.
        trials: the budget of a search in full trainings; None for 64, or a quarter of the cells.
        batch: trials that a search asks for at once.
        seed: that the seeds of all searches follow from.
        out: where the log and the tables go; None for nowhere.
        jobs: processes; None for one a core.
    """

    folder: Path
    tuners: Sequence[str] = ()
    tasks: Sequence[str] = ()
    repeats: int = 200
    trials: int | None = None
    batch: int = 8
    seed: int = 0
    out: Path | None = None
    jobs: int | None = None

    def entrants(self, cells: int) -> list[Entrant]:
        """The tuners with their budgets, random search first, its yardstick last."""
        for tuner in self.tuners:
            if tuner not in TUNERS:
                raise unknown("tuner", tuner, TUNERS)
        if self.trials is not None and self.trials > cells:
            raise UsageError(
                f"Expected a budget of at most the {cells} recipes of the matrix. "
                f"Received: trials={self.trials}."
            )
        trials = self.trials or min(TRIALS, max(1, cells // PORTION))
        asked = self.tuners or [tuner for tuner in TUNERS if tuner not in SLOW]
        names = dict.fromkeys([REFERENCE, *asked])
        plain = [Entrant(name, name, trials) for name in names]
        more = Entrant(f"random x{YARDSTICK}", "random", YARDSTICK * trials, yardstick=True)
        return [*plain, more]


@dataclass(frozen=True)
class Portion:
    """Some repeats of one tuner on one task: what a worker process does in one go."""

    benchmark: Benchmark
    entrant: Entrant
    repeats: Sequence[int]
    batch: int
    seed: int

    @property
    def title(self) -> str:
        """`churn: tpe`."""
        return f"{self.benchmark.judged.task}: {self.entrant.name}"


Found = tuple[list[Ask], Choice]


class Shared(keras_tuner.HyperParameters):  # type: ignore[misc]  # keras_tuner ships no types
    """A space whose copies share its declarations.

    KerasTuner copies the space at every ask, by way of JSON, which is half the time of a replay.
    Here no model is built on a copy, so that nothing is ever declared on one.
    """

    def copy(self) -> Shared:
        """The same declarations with values of its own."""
        twin = copy(self)
        twin.values = dict(self.values)
        return twin


@dataclass
class Replayed:
    """What the searches of a replay found, for the log and the tables."""

    benchmarks: Mapping[str, Benchmark]
    entrants: Sequence[Entrant]
    asks: list[Ask] = field(default_factory=list)
    choices: list[Choice] = field(default_factory=list)

    def add(self, found: Sequence[Found]) -> None:
        """Take in the logs of some searches."""
        for asks, choice in found:
            self.asks += asks
            self.choices.append(choice)

    @property
    def about(self) -> dict[str, Any]:
        """What the tables are made from, beside the log: tasks, budgets, best scores known."""
        repeats = sorted({choice.repeat for choice in self.choices})
        return {
            "tasks": {name: own.judged for name, own in self.benchmarks.items()},
            "budgets": {entrant.name: entrant.trials for entrant in self.entrants},
            "known": {name: known_by(own, repeats) for name, own in self.benchmarks.items()},
        }


def known_by(benchmark: Benchmark, repeats: Sequence[int]) -> dict[int, float]:
    """The best score that each repeat could have found: that of the best cell on its seed."""
    best = {seed: benchmark.best(seed) for seed in range(benchmark.study.seeds)}
    return {repeat: best[seed_for(benchmark, repeat)] for repeat in repeats}


def seed_for(benchmark: Benchmark, repeat: int) -> int:
    """The seed whose outcomes a repeat sees."""
    return repeat % benchmark.study.seeds


def replay(asked: Replay, console: Console) -> list[Table]:
    """Run the searches, say how long each tuner took, write the log; return the tables."""
    benchmarks = read_benchmarks(asked.folder, asked.tasks)
    entrants = asked.entrants(min(own.cells for own in benchmarks.values()))
    found = Replayed(benchmarks, entrants)
    jobs = asked.jobs or available_cores()
    for benchmark in benchmarks.values():
        _say_seeds(benchmark, console)
    console.print("intervals speak of these recorded outcomes, not of seeds to come")
    for done in _run(list(_portions(asked, benchmarks, entrants, jobs)), jobs, console):
        found.add(done)
    asks, choices = asks_frame(found.asks), choices_frame(found.choices)
    tables = list(search_tables(asks, choices, **found.about))
    if asked.out:
        _write(asked.out, asks, choices, tables, found)
    return tables


def _say_seeds(benchmark: Benchmark, console: Console) -> None:
    seeds = benchmark.study.seeds
    alone = " There is no other seed to judge a choice on." if seeds == 1 else ""
    text = f"{benchmark.judged.task}: {benchmark.cells} recipes on {seeds} seeds."
    console.print(f"{text}{alone}", markup=False, soft_wrap=True)


def _portions(
    asked: Replay, benchmarks: Mapping[str, Benchmark], entrants: Sequence[Entrant], jobs: int
) -> Iterator[Portion]:
    """All searches, task by task and tuner by tuner, in portions for `jobs` processes."""
    size = min(CHUNK, -(-asked.repeats // jobs))
    for benchmark in benchmarks.values():
        for entrant in entrants:
            for first in range(0, asked.repeats, size):
                repeats = range(first, min(first + size, asked.repeats))
                yield Portion(benchmark, entrant, repeats, asked.batch, asked.seed)


def _run(portions: Sequence[Portion], jobs: int, console: Console) -> Iterator[list[Found]]:
    """The findings of all portions in their order; says when a tuner is through with a task."""
    started = time.perf_counter()
    following = [*portions[1:], None]
    for portion, after, found in zip(portions, following, _results(portions, jobs), strict=True):
        yield found
        if after is None or after.title != portion.title:
            seconds, started = time.perf_counter() - started, time.perf_counter()
            text = f"{portion.title}: {portion.repeats[-1] + 1} searches in {seconds:.1f} s"
            console.print(text, markup=False, soft_wrap=True)


def _results(portions: Sequence[Portion], jobs: int) -> Iterator[list[Found]]:
    if jobs == 1 or len(portions) == 1:
        yield from map(searched, portions)
        return
    with ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=_begin_worker
    ) as pool:
        waiting: list[Future[list[Found]]] = [pool.submit(searched, one) for one in portions]
        try:
            for future in waiting:
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def _begin_worker() -> None:
    """Ctrl-C ends a worker at once and without a word; the command itself says that it stopped."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    spare_tensorflow()


def searched(portion: Portion) -> list[Found]:
    """The logs and the choices of a portion's searches."""
    return [search_once(portion, repeat) for repeat in portion.repeats]


def search_once(portion: Portion, repeat: int) -> Found:
    """One search of one tuner against the recorded outcomes of one seed."""
    benchmark = portion.benchmark
    seed = seed_for(benchmark, repeat)
    search = search_of(portion, repeat)
    while not search.finished:
        wanted = search.ask()
        search.tell({one.trial_id: recorded(benchmark, one, seed) for one in wanted})
    best = search.best
    fresh = benchmark.afresh(best.recipe, seed) if best else []
    return search.asks, search.choice(fresh)


def search_of(portion: Portion, repeat: int) -> Search:
    """A search with the oracle that a live search would have."""
    benchmark, entrant = portion.benchmark, portion.entrant
    judged = benchmark.judged
    seed = seed_of(entrant.name, repeat, portion.seed)
    space = Shared()
    space.merge(space_of_matrix(benchmark.study))
    oracle = oracle_for(
        entrant.tuner,
        keras_tuner.Objective(f"val_{judged.objective}", judged.direction),
        space,
        trials=entrant.trials,
        epochs=benchmark.epochs,
        seed=seed,
    )
    return Search(
        Conversation(oracle, seed=seed),
        judged,
        tuner=entrant.name,
        repeat=repeat,
        budget_epochs=entrant.trials * benchmark.epochs,
        batch=portion.batch,
        epochs=benchmark.epochs,
    )


def recorded(benchmark: Benchmark, wanted: Wanted, seed: int) -> Outcome:
    """What the matrix holds of a training that a search wants."""
    recipe = canonical(matrix_values(benchmark.study, wanted.values))
    return benchmark.after(recipe, seed, wanted.epochs, wanted.initial_epoch)


def _write(
    folder: Path,
    asks: pd.DataFrame,
    choices: pd.DataFrame,
    tables: Sequence[Table],
    found: Replayed,
) -> None:
    """Write `asks`, `choices`, `curves.csv` and the tables."""
    write_log(folder, asks, choices)
    curves = curves_frame(asks, choices, **found.about)
    write_whole(folder / "curves.csv", csv_text(curves))
    for table in tables:
        table.write(folder / "tables")
