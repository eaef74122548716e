"""A run: plan, train, store, summarise."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from functools import partial
from typing import Any

from rich.console import Console

from suite.cluster.choice import engine_for
from suite.engines.choice import cost_of
from suite.environment import spare_tensorflow
from suite.interrupt import draining
from suite.matrix import MatrixWork
from suite.progress import display_for
from suite.request import Request, plugins_of
from suite.results import Report, begun, describe, published, say_end, study_changes
from suite.search.live import SearchWork
from suite.secondlook import SECOND_LOOK
from suite.store import Store
from suite.study import Study
from suite.supervision.relay import work_apart
from suite.supervision.server import ForkServer, available, quiet
from suite.supervision.supervisor import Supervisor
from suite.work import POLL_SECONDS, Work


def run(request: Request, console: Console, store: Store | None = None) -> int:
    """Carry out a request; return the exit code. `store`: the folder's, entered already."""
    return carry_out(request, console, lambda *common: _work_for(request, *common), store)


def carry_out(
    request: Request, console: Console, work_for: Callable[..., Work], opened: Store | None = None
) -> int:
    """Do some work in a results folder, write all that follows from it, return the exit code.

    `work_for` is given what `Work` is made of, but for the request; it may add to the report. Each
    task is done in a process of its own, where the system allows it (`suite.supervision`). A run
    that has joined another one leaves everything but the record to that one, unless it ends first.
    """
    started = time.perf_counter()
    plugins = plugins_of(request)
    spare_tensorflow()
    cost = cost_of(request.engine)
    made = partial(work_for, partial(engine_for, request))
    with ExitStack() as stack:
        stack.enter_context(draining())
        server = None if request.cluster else _forked(made, stack)  # before there are threads
        store = stack.enter_context(opened or Store(request.out, request.join))
        before = _beginnings(request, store)
        report = Report(
            dict(before.get("tasks", {})),
            winners=list(before.get("winners", ())),
            second_look=before.get(SECOND_LOOK),
            changed=study_changes(request, before),
        )
        display = display_for(console)
        if cost:
            display.say(cost)
        work = made(store, display, report, before)
        one = Supervisor(server, request.limits, before).one if server else None
        if store.writers.holds:
            describe(request, report, store)
        try:
            work.all(plugins, one)
            if not store.writers.holds and store.writers.hold():
                work.all(plugins, one)  # the holder is gone: what it would have done is left to us
        except KeyboardInterrupt:
            report.interrupted = True
        finally:
            work.close()
            display.close()
        report.seconds |= work.clock
        report.workers = list(work.workers)
        report.seconds["total"] = time.perf_counter() - started
        if not store.writers.holds:
            console.print(f"the run that this one joined goes on in {request.out}", soft_wrap=True)
            return report.exit_code
        work.write_log()
        work.done = {}  # what is published is read from the record; memory need not hold it twice
        tables = published(request, report, store)
    for table in (table for table in tables if not table.detail):
        console.print()
        console.print(table.rich())
    say_end(console, request, report, store)
    return report.exit_code


def _forked(made: Callable[..., Work], stack: ExitStack) -> ForkServer | None:
    """The server that tasks' processes are forked from; None where there can be none."""
    if not available() or not quiet():
        return None
    return stack.enter_context(closing(ForkServer(partial(work_apart, work_for=made))))


def _beginnings(request: Request, store: Store) -> Mapping[str, Any]:
    """The `run.json` of a folder; one that joined waits until the holder has written it."""
    while not (before := begun(request.out)) and not store.writers.hold():
        time.sleep(POLL_SECONDS)
    return before


def _work_for(request: Request, *common: Any) -> Work:
    study = request.study
    if isinstance(study, Study):
        return MatrixWork(study, request, *common)
    return SearchWork(study, request, *common)
