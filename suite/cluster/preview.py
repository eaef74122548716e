"""A run on a cluster that is only looked at: what it would take on one worker, ten, n."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import psutil
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from suite.cluster.choice import cluster_engine
from suite.cluster.plan import PUBLISHING, RECORDING, Costs, costs_of, seconds_on
from suite.cluster.scheduler import parsed
from suite.engines.choice import engine_named
from suite.engines.engine import Engine, Watcher
from suite.environment import available_cores
from suite.errors import SuiteError, UsageError
from suite.jobs import prepare
from suite.request import Request, plugins_of
from suite.study import Study

MOST_WORKERS = 1_000_000


def preview_cluster(request: Request, watching: Callable[[str], Watcher], console: Console) -> int:
    """Print what a matrix would take on more and more workers; returns the exit code.

    A number of workers is planned for on one core of this machine, without any cluster; at an
    address a worker of that cluster is measured, and as many as there are count.

    Raises:
        UsageError: the study is a search, whose rounds wait for each other.
        ClusterError: no scheduler answers.
    """
    study = request.study
    if not isinstance(study, Study):
        raise UsageError(
            f"Expected a matrix study to plan for a cluster. Received: {study.name!r}, a search: "
            f"its rounds wait for each other. Leave out --cluster, or --dry-run."
        )
    assert request.cluster is not None
    address, count = parsed(request.cluster, MOST_WORKERS)
    if address:
        engine: Engine = cluster_engine(request)
    else:
        engine = engine_named(request.engine, request.probed, devices=1)
    start = time.time() - psutil.Process().create_time()
    try:
        costs, problems = _costs(request, study, engine, watching)
        workers = count or max(1, len(engine.workers))
    finally:
        engine.close()
    if costs:
        console.print(_tasks_table(costs))
        console.print(_workers_table(list(costs.values()), workers, start))
        place = f"a worker of {address}" if address else "one core of this machine"
        console.print(_fine_print(list(costs.values()), place, start), soft_wrap=True)
    for problem in problems:
        console.print(f"problem: {problem}", style="red", markup=False, soft_wrap=True)
    return 1 if problems else 0


def _costs(
    request: Request, study: Study, engine: Engine, watching: Callable[[str], Watcher]
) -> tuple[dict[str, Costs], list[str]]:
    """What each task costs, and what is wrong with those that cannot be trained."""
    costs, problems = {}, []
    refused: list[UsageError] = []
    for plugin in plugins_of(request):
        try:
            job = prepare(plugin, study, request.source)
            costs[plugin.name] = costs_of(engine, job.task, job.trials, watching(plugin.name))
        except SuiteError as error:
            problems.append(f"{plugin.name}: {error}")
            refused += [error] if isinstance(error, UsageError) else []
    if refused and len(refused) == len(problems) and not costs:
        raise refused[0]
    return costs, problems


def _tasks_table(costs: dict[str, Costs]) -> Table:
    table = Table(title="one worker", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("task")
    for name in ("trials", "recipes", "programs", "ms to build", "s to compile", "ms to train"):
        table.add_column(name, justify="right")
    for name, own in costs.items():
        counts = (f"{own.trials:,}", f"{own.recipes:,}", f"{own.programs:,}")
        times = (f"{own.building * 1e3:.0f}", f"{own.compiling:.1f}", f"{own.training * 1e3:.1f}")
        table.add_row(name, *counts, *times)
    return table


def _workers_table(costs: Sequence[Costs], workers: int, start: float) -> Table:
    table = Table(title="all tasks", title_justify="left", box=SIMPLE_HEAD)
    for name in ("workers", "machines like this one", "time", "workers' hours", "speed-up"):
        table.add_column(name, justify="right")
    alone = seconds_on(costs, 1, start)
    for count in sorted({workers, *(10**i for i in range(7) if 10**i < workers)}):
        seconds = seconds_on(costs, count, start)
        machines = -(-count // available_cores())
        hours, speed = f"{count * seconds / 3600:,.1f}", f"{alone / seconds:,.1f} x"
        table.add_row(f"{count:,}", f"{machines:,}", _time(seconds), hours, speed)
    return table


def _time(seconds: float) -> str:
    """`45 s`, `12 min`, `3.4 h`"""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _fine_print(costs: Sequence[Costs], place: str, start: float) -> str:
    sampled, programs = (sum(getattr(c, n) for c in costs) for n in ("sampled", "programs"))
    return (
        f"Extrapolated, not measured: {sampled} of {programs} programs were compiled and trained "
        f"for two epochs on {place}; that n workers do n times as much is assumed. Counted in: "
        f"{start:.0f} s to start a worker, {RECORDING * 1e3:.1f} ms a trial to record and "
        f"{PUBLISHING * 1e3:.1f} ms for tables and report, on the driver alone."
    )
