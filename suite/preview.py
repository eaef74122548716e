"""A run that is only looked at: the matrix, the trials, the families, the time."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from suite.cluster.preview import preview_cluster
from suite.engines.choice import cost_of, engine_named
from suite.environment import spare_tensorflow
from suite.errors import SuiteError, UsageError
from suite.jobs import prepare
from suite.request import Request, plugins_of
from suite.search.preview import preview_search
from suite.study import Dependent, Study
from suite.tables.text import level_text


class Status:
    """A watcher that shows the stage in one line of a terminal, or as lines."""

    def __init__(self, console: Console, task: str) -> None:
        self.console = console
        self.task = task

    def stage(self, text: str) -> None:
        """Show what has just begun."""
        self.console.print(f"{self.task}: {text}", style="dim", markup=False)


def matrix_table(study: Study) -> Table:
    """The factors of a study with their levels."""
    table = Table(title=escape(f"study {study.name}"), title_justify="left", box=SIMPLE_HEAD)
    table.add_column("factor")
    table.add_column("levels")
    for name, levels in study.factors.items():
        table.add_row(name, escape(", ".join(map(level_text, levels))))
    for name, nuisance in study.nuisance.items():
        if isinstance(nuisance, Dependent):
            for level, own in nuisance.levels.items():
                if level in map(str, study.factors.get(nuisance.by, [])):
                    table.add_row(f"{name} ({level})", escape(", ".join(map(level_text, own))))
        else:
            table.add_row(f"{name} (nuisance)", escape(", ".join(map(level_text, nuisance))))
    for name, value in study.fixed.items():
        table.add_row(f"{name} (fixed)", level_text(value))
    table.add_row("seeds", str(study.seeds))
    return table


def preview(request: Request, console: Console) -> int:
    """Print what a run would do; nothing is trained for the record. Returns the exit code."""
    spare_tensorflow()
    if request.cluster is not None:
        return preview_cluster(request, lambda task: Status(console, task), console)
    engine = engine_named(request.engine, request.probed)
    if cost := cost_of(request.engine):
        console.print(cost)
    study = request.study
    if not isinstance(study, Study):
        watched = [(p, Status(console, p.name)) for p in plugins_of(request)]
        seconds = preview_search(request, study, engine, watched, console)
        console.print(f"all: {seconds:.0f} s")
        return 0
    console.print(matrix_table(study))
    table = Table(title="tasks", title_justify="left", box=SIMPLE_HEAD)
    for name in ("task", "recipes", "seeds", "epochs", "trials", "families", "estimated"):
        table.add_column(name, justify="left" if name == "task" else "right")
    problems, refused = [], []
    trials, seconds = 0, 0.0
    for plugin in plugins_of(request):
        try:
            job = prepare(plugin, study, request.source)
        except SuiteError as error:
            problems.append(f"{plugin.name}: {error}")
            refused.append(error)
            continue
        estimate = engine.estimate(job.task, job.trials, Status(console, plugin.name))
        trials += len(job.trials)
        seconds += estimate.seconds
        seeds = study.seeds
        recipes, epochs = len(job.trials) // seeds, job.trials[0].epochs
        figures = (recipes, seeds, epochs, len(job.trials), estimate.programs)
        table.add_row(plugin.name, *map(str, figures), f"{estimate.seconds:.0f} s")
    if refused and not trials and all(isinstance(error, UsageError) for error in refused):
        raise refused[0]
    table.add_row("all", "", "", "", str(trials), "", f"{seconds:.0f} s")
    console.print(table)
    for problem in problems:
        console.print(f"problem: {problem}", style="red", markup=False, soft_wrap=True)
    return 1 if problems else 0
