"""A search study that is only looked at: the space, the searches, the time that training takes."""

from __future__ import annotations

from collections.abc import Sequence

import keras_tuner
import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from suite.engines.engine import Engine, Watcher
from suite.jobs import opened
from suite.registry import Plugin
from suite.request import Request
from suite.search.distinct import fresh
from suite.search.spaces import space_of
from suite.search.study import SearchStudy
from suite.tables.text import level_text
from suite.trial import Trial

SAMPLE = 48
"""Recipes drawn from a space to see what its models cost."""


def space_table(task: str, space: keras_tuner.HyperParameters) -> Table:
    """What a tuner may choose for a task."""
    table = Table(title=escape(f"{task}: space"), title_justify="left", box=SIMPLE_HEAD)
    table.add_column("hyperparameter")
    table.add_column("values")
    for own in space.space:
        config = own.get_config()
        if "min_value" in config:
            ends = f"{level_text(config['min_value'])} to {level_text(config['max_value'])}"
            step = f", step {level_text(config['step'])}" if config.get("step") else ""
            values = f"{ends}{step} ({config['sampling']})"
        else:
            values = ", ".join(map(level_text, own.values))
        table.add_row(escape(own.name), escape(values))
    return table


def searches_table(study: SearchStudy) -> Table:
    """The tuners with their budgets."""
    table = Table(title=escape(f"study {study.name}"), title_justify="left", box=SIMPLE_HEAD)
    for name in ("tuner", "searches", "trainings each", "asked at once"):
        table.add_column(name, justify="left" if name == "tuner" else "right")
    for entrant in study.entrants():
        table.add_row(entrant.name, str(study.repeats), str(entrant.trials), str(study.batch))
    return table


def sample_of(
    plugin: Plugin, space: keras_tuner.HyperParameters, source: str, epochs: int, count: int
) -> list[Trial]:
    """`count` trials of recipes drawn from a space."""
    random = np.random.default_rng(0)
    drawn = [fresh(space.space, set(), random) for _ in range(min(SAMPLE, count))]
    recipes = [dict(values) for values in drawn if values is not None]
    return [
        Trial(plugin.name, source, recipes[i % len(recipes)], i // len(recipes), epochs)
        for i in range(count)
    ]


def preview_search(
    request: Request,
    study: SearchStudy,
    engine: Engine,
    plugins: Sequence[tuple[Plugin, Watcher]],
    console: Console,
) -> float:
    """Print what the searches would do; the seconds that training takes, oracles not counted.

    Raises SuiteError where a task cannot be searched.
    """
    console.print(searches_table(study))
    total = 0.0
    per_search = sum(entrant.trials for entrant in study.entrants())
    for plugin, watcher in plugins:
        job, space = opened(plugin, request.source, lambda task: space_of(task, study))
        console.print(space_table(plugin.name, space))
        epochs = study.epochs_for(plugin.name, job.task.epochs)
        count = study.repeats * (per_search + study.fresh * len(study.entrants()))
        trials = sample_of(plugin, space, request.source, epochs, count)
        estimate = engine.estimate(job.task, trials, watcher)
        total += estimate.seconds
        console.print(
            f"{plugin.name}: {count} full trainings of {epochs} epochs, "
            f"{estimate.seconds:.0f} s and the time of the tuners",
            markup=False,
        )
    return total
