"""A run: plan, train, store, summarise."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from rich.console import Console

from suite.engines.choice import engine_named
from suite.engines.engine import Engine
from suite.environment import spare_tensorflow
from suite.errors import SuiteError, UsageError
from suite.frame import frame_of
from suite.jobs import Job, prepare
from suite.progress import Best, Display, Tally, display_for
from suite.provenance import provenance
from suite.registry import Plugin
from suite.request import Request, plugins_of
from suite.store import Store, write_whole
from suite.summary import judged_of, of_task, ranking
from suite.tables import Table, tables_of, winners_table
from suite.trial import Outcome, Status, canonical
from suite.winner import Request as WinnerRequest
from suite.winner import WinnerProcess

INTERRUPTED = 130


@dataclass
class Report:
    """What has happened so far, for `run.json` and the exit code."""

    tasks: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    winners: list[dict[str, Any]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def exit_code(self) -> int:
        """0 if all went well, 1 if trials or plugins failed, 130 if interrupted."""
        if self.interrupted:
            return INTERRUPTED
        return 1 if self.problems or self.counts.get(Status.FAILED.value) else 0


def run(request: Request, console: Console) -> int:
    """Carry out a request; return the exit code."""
    started = time.perf_counter()
    plugins = plugins_of(request)
    spare_tensorflow()
    engine, cost = engine_named(request.engine)
    report = Report()
    with Store(request.out) as store:
        _check_same_study(request)
        display = display_for(console)
        if cost:
            display.say(cost)
        try:
            Runner(request, store, engine, display, report).all(plugins)
        except KeyboardInterrupt:
            report.interrupted = True
        finally:
            display.close()
        report.seconds |= engine.clock
        report.seconds["total"] = time.perf_counter() - started
        tables = _summarise(request, store, report)
    for table in tables:
        console.print()
        console.print(table.rich())
    _say_end(console, request, report, store)
    return report.exit_code


class Runner:
    """Trains the tasks of one run, one after the other."""

    def __init__(
        self, request: Request, store: Store, engine: Engine, display: Display, report: Report
    ) -> None:
        self.request = request
        self.store = store
        self.engine = engine
        self.display = display
        self.report = report
        self.done = store.outcomes()
        self._winners: WinnerProcess | None = None
        self._submitted: list[dict[str, Any]] = []

    def all(self, plugins: Sequence[Plugin]) -> None:
        """Train every plugin's trials, then collect the winners; a broken plugin is reported."""
        if self.done:
            self.display.say(
                f"resuming: {len(self.done)} trials are recorded in {self.store.folder}"
            )
        try:
            for plugin in plugins:
                try:
                    self.one(plugin)
                except SuiteError as error:
                    self._problem(f"{plugin.name}: {error}")
            self._collect()
        finally:
            if self._winners:
                self._winners.stop()

    def one(self, plugin: Plugin) -> None:
        """Train what is not recorded yet of one task, and send off its winner."""
        started = time.perf_counter()
        self.display.say(f"{plugin.name}: loading data")
        job = prepare(plugin, self.request.study, self.request.source)
        self.report.tasks[plugin.name] = job.description()
        waiting = [trial for trial in job.trials if trial.key not in self.done]
        best = Best(job.judge.name)
        mine = [self.done[t.key] for t in job.trials if t.key in self.done]
        for outcome in mine:
            best.add(outcome)
        self.display.begin(Tally(plugin.name, len(job.trials), len(mine), best))
        for outcomes in self.engine.train(job.task, waiting, self.display):
            self.store.append(outcomes)
            self.done |= {outcome.trial.key: outcome for outcome in outcomes}
            self.display.add(outcomes)
            self._failures(plugin.name, outcomes)
        self.report.seconds[plugin.name] = time.perf_counter() - started
        self._send_winner(job)

    def _failures(self, task: str, outcomes: Sequence[Outcome]) -> None:
        messages = {o.message for o in outcomes if o.status is Status.FAILED}
        for message in sorted(messages):
            count = sum(o.message == message for o in outcomes)
            self._problem(f"{task}: {count} trials failed: {message}")

    def _problem(self, text: str) -> None:
        self.report.problems.append(text)
        self.display.say(text)

    def _send_winner(self, job: Job) -> None:
        judged = job.judged()
        outcomes = [self.done[trial.key] for trial in job.trials if trial.key in self.done]
        ranked = ranking(of_task(frame_of(outcomes, self.request.study.name), judged), judged)
        if ranked.empty or ranked["diverged"].iloc[0] == ranked["seeds"].iloc[0]:
            return
        best = ranked.iloc[0]
        recipes = {trial.recipe: trial for trial in job.trials}
        trial = recipes[canonical({k: _plain(best[f"hp.{k}"]) for k in job.trials[0].hp})]
        self._winners = self._winners or WinnerProcess(self.request.out / "winners.log")
        self._winners.submit(
            WinnerRequest(
                job.plugin.name,
                str(job.plugin.path),
                job.plugin.class_name,
                self.request.source,
                dict(trial.hp),
                trial.epochs,
                str(self.request.out / "models" / f"{job.plugin.name}.keras"),
            )
        )
        self._submitted.append(
            {
                "task": job.plugin.name,
                "metric": judged.metric,
                "recipe": dict(trial.hp),
                "epochs": trial.epochs,
                "fleet_val": float(best["val"]),
                "fleet_test": float(best["test"]),
                "trivial_test": judged.trivial["test"],
            }
        )

    def _collect(self) -> None:
        if self._winners is None:
            return
        started = time.perf_counter()
        self.display.say("training the winners again with model.fit on TensorFlow")
        answers = {answer["task"]: answer for answer in self._winners.finish()}
        for sent in self._submitted:
            answer = answers.get(sent["task"], {"error": "no answer; see winners.log"})
            if "error" in answer:
                self._problem(f"{sent['task']}: winner on TensorFlow: {answer['error']}")
            else:
                self.report.winners.append({**sent, **answer})
        self.report.seconds["winners"] = time.perf_counter() - started


def _plain(value: Any) -> Any:
    """A Python value out of a data frame's cell."""
    return value.item() if hasattr(value, "item") else value


def _check_same_study(request: Request) -> None:
    """Refuse a folder that was begun with another study; more seeds are no other study."""
    description = request.out / "run.json"
    if not description.is_file():
        return
    begun = json.loads(description.read_text(encoding="utf-8"))["study"]
    if begun["fingerprint"] != request.study.fingerprint:
        raise UsageError(
            f"Expected the study that {request.out} was begun with, {begun['name']!r} "
            f"({begun['fingerprint']}). Received: {request.study.name!r} "
            f"({request.study.fingerprint}). Choose another --out."
        )


def _summarise(request: Request, store: Store, report: Report) -> list[Table]:
    """Write every derived file; return the tables to show."""
    outcomes = store.outcomes()
    frame = frame_of(outcomes.values(), request.study.name)
    counts = frame["status"].value_counts().to_dict() if len(frame) else {}
    report.counts = {str(status): int(count) for status, count in counts.items()}
    if len(frame):
        write_whole(request.out / "trials.csv", frame.to_csv(index=False))
        frame.to_parquet(request.out / "trials.parquet", index=False)
    tasks = {name: judged_of(name, task) for name, task in report.tasks.items()}
    tables = list(tables_of(frame, tasks, list(request.study.factors)))
    if report.winners:
        tables.append(winners_table(report.winners))
    for table in tables:
        table.write(request.out / "tables")
    content = {
        "study": {
            "fingerprint": request.study.fingerprint,
            **request.study.model_dump(mode="json", exclude={"presets"}),
        },
        "tasks": report.tasks,
        "counts": report.counts,
        "winners": report.winners,
        "problems": report.problems,
        "damaged_lines": [
            asdict(damage) | {"segment": damage.segment.name} for damage in store.damage
        ],
        "seconds": {name: round(value, 3) for name, value in report.seconds.items()},
        "interrupted": report.interrupted,
        **provenance(),
    }
    write_whole(request.out / "run.json", json.dumps(content, indent=2, allow_nan=False) + "\n")
    return tables


def _say_end(console: Console, request: Request, report: Report, store: Store) -> None:
    counts = ", ".join(f"{count} {status}" for status, count in report.counts.items())
    console.print()
    for problem in report.problems:
        console.print(f"problem: {problem}", style="red", markup=False, soft_wrap=True)
    if store.damage:
        console.print(f"{len(store.damage)} damaged lines of the record were left out")
    if report.interrupted:
        console.print("interrupted; the same command goes on from here")
    total = report.seconds["total"]
    console.print(
        f"{counts or 'no trials'} in {total:.0f} s; results in {request.out}", soft_wrap=True
    )
