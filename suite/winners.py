"""The winners of a run: chosen by their objective on validation, trained again on TensorFlow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from suite.frame import frame_of
from suite.jobs import Job
from suite.summary import of_task, ranking
from suite.trial import Outcome
from suite.winner import Request, WinnerProcess


class Winners:
    """Sends each task's winner off as soon as it is known, and collects the answers at the end.

    Args:
        out: the results folder, which takes the models and the child's log.
        before: the `run.json` of an earlier run in that folder; a winner that is in it and has not
            changed is not trained again.
    """

    def __init__(self, out: Path, before: Mapping[str, Any]) -> None:
        self._out = out
        self._before = {row["task"]: row for row in before.get("winners", ())}
        self._child: WinnerProcess | None = None
        self._sent: list[dict[str, Any]] = []
        self._kept: list[dict[str, Any]] = []

    def send(self, job: Job, outcomes: Iterable[Outcome]) -> None:
        """Choose the best recipe of a task and have it trained again; none where all diverged."""
        judged = job.judged()
        ranked = ranking(of_task(frame_of(outcomes, ""), judged), judged)
        if ranked.empty or ranked["diverged"].iloc[0] == ranked["seeds"].iloc[0]:
            return
        best = ranked.iloc[0]
        trial = next(trial for trial in job.trials if trial.key == best["trial"])
        row = {
            "task": job.plugin.name,
            "metric": judged.metric,
            "recipe": dict(trial.hp),
            "epochs": trial.epochs,
            "fingerprint": job.task.dataset.fingerprint,
            "fleet_val": float(best["val"]),
            "fleet_test": float(best["test"]),
            "trivial_test": judged.trivial["test"],
        }
        model = self._out / "models" / f"{job.plugin.name}.keras"
        earlier = self._before.get(job.plugin.name, {})
        same = all(earlier.get(key) == row[key] for key in ("recipe", "epochs", "fingerprint"))
        if same and model.is_file():
            self._kept.append({**earlier, **row})
            return
        self._child = self._child or WinnerProcess(self._out / "winners.log")
        self._child.submit(
            Request(
                task=job.plugin.name,
                path=str(job.plugin.path),
                attribute=job.plugin.attribute,
                module=job.plugin.module,
                source=job.task.source,
                hp=dict(trial.hp),
                epochs=trial.epochs,
                export=str(model),
            )
        )
        self._sent.append(row)

    @property
    def waiting(self) -> bool:
        """Whether answers are still to come."""
        return self._child is not None

    def collect(self) -> tuple[list[dict[str, Any]], list[str]]:
        """Wait for all answers; the winners' rows, and the problems that came up."""
        answers = {row["task"]: row for row in self._child.finish()} if self._child else {}
        rows, problems = list(self._kept), []
        for row in self._sent:
            answer = answers.get(row["task"], {"error": "no answer; see winners.log"})
            if "error" in answer:
                problems.append(f"{row['task']}: winner on TensorFlow: {answer['error']}")
            else:
                rows.append({**row, **answer})
        return rows, problems

    def stop(self) -> None:
        """End the child, whatever it is doing."""
        if self._child:
            self._child.stop()
