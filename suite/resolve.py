"""A second look carried out: the further seeds are trained into the same folder."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console

from suite.interrupt import check
from suite.jobs import opened
from suite.progress import Best, Tally
from suite.reading import Reading
from suite.registry import Plugin
from suite.request import Request
from suite.resolution import Resolution, Wish
from suite.runner import carry_out
from suite.supervision.limits import Limits
from suite.tables.table import Table
from suite.tables.text import level_text
from suite.work import Work


class ResolveWork(Work):
    """Trains the trials of a second look."""

    def __init__(self, resolution: Resolution, *common: Any) -> None:
        super().__init__(*common)
        self.resolution = resolution
        self.report.second_look = resolution.look.content()

    def one(self, plugin: Plugin) -> None:
        """Train what is not recorded yet of one task."""
        started = time.perf_counter()
        mine = [t for t in self.resolution.trials if t.task == plugin.name]
        self.display.say(f"{plugin.name}: loading data")
        job, _ = opened(plugin, self.request.source, lambda task: task)
        self.begin(job)
        done = sum(trial.key in self.done for trial in mine)
        self.display.begin(Tally(plugin.name, len(mine), done, Best(job.judge.name)))
        check()
        claim = self.store.claim
        self.train(
            plugin.name, mine, lambda free: self.engine.train(job.task, free, self.display, claim)
        )
        self.report.seconds[plugin.name] = time.perf_counter() - started


def resolve(
    reading: Reading,
    resolution: Resolution,
    folders: Sequence[Path],
    console: Console,
    limits: Limits,
    allow_mixed: bool = False,
) -> int:
    """Train what a second look asks for, with the verdicts anew; return the exit code."""
    tasks = sorted({trial.task for trial in resolution.trials})
    source = next(trial.source for trial in resolution.trials)
    request = Request(
        study=reading.study,
        out=reading.folder,
        tasks=tasks,
        folders=folders,
        source=source,
        limits=limits,
        allow_mixed=allow_mixed,
    )
    return carry_out(request, console, lambda *own: ResolveWork(resolution, request, *own))


def resolution_table(reading: Reading, resolution: Resolution) -> Table:
    """What a second look would train, and what stays open."""
    recorded = sum(trial.key in reading.outcomes for trial in resolution.trials)
    shown = [_wish_cells(wish, "") for wish in resolution.granted]
    shown += [_wish_cells(wish, "beyond the budget") for wish in resolution.refused]
    count = len(resolution.trials)
    note = f"{count} trials in all, {recorded} of them recorded; cells that two comparisons share "
    note += "are trained once. Both looks are judged at 2.94% each, so that together they keep 5%."
    if resolution.hopeless:
        note += f" {resolution.hopeless} more comparisons: 1000 more seeds would not settle them."
    return Table(
        "resolve",
        "seeds that underpowered verdicts ask for",
        pd.DataFrame([wish.__dict__ for wish in (*resolution.granted, *resolution.refused)]),
        ["task", "technique", "more seeds", ""],
        shown,
        note,
    )


def _wish_cells(wish: Wish, remark: str) -> list[str]:
    level, reference = map(level_text, wish.arms)
    return [wish.task, f"{wish.factor} {level} to {reference}", str(wish.seeds), remark]
