"""The winners of a run: chosen by their objective on validation, trained again on TensorFlow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from suite.frame import frame_of
from suite.registry import Plugin
from suite.request import Request as RunRequest
from suite.summary import judged_of, of_task, ranking
from suite.trial import Outcome
from suite.winner import Request, WinnerProcess


class Winners:
    """Sends each task's winner off as soon as it is known, and collects the answers at the end.

    Args:
        request: of the run; its results folder takes the models and the child's log.
        before: the `run.json` of an earlier run in that folder; a winner that is in it and has not
            changed is not trained again.
    """

    def __init__(self, request: RunRequest, before: Mapping[str, Any]) -> None:
        self._request = request
        self._out = request.out
        self._before = {row["task"]: row for row in before.get("winners", ())}
        self._child: WinnerProcess | None = None
        self._sent: list[dict[str, Any]] = []
        self._kept: list[dict[str, Any]] = []

    def send(self, plugin: Plugin, task: Mapping[str, Any], outcomes: Sequence[Outcome]) -> None:
        """Choose the best recipe of a task and have it trained again; none where all diverged.

        `task` is the task's part of `run.json`.
        """
        judged = judged_of(plugin.name, task)
        ranked = ranking(of_task(frame_of(outcomes, ""), judged), judged)
        if ranked.empty or ranked["diverged"].iloc[0] == ranked["seeds"].iloc[0]:
            return
        best = ranked.iloc[0]
        trial = next(o.trial for o in outcomes if o.trial.key == best["trial"])
        row = {
            "task": plugin.name,
            "metric": judged.metric,
            "recipe": dict(trial.hp),
            "epochs": trial.epochs,
            "fingerprint": task["data"]["fingerprint"],
            "fleet_val": float(best["val"]),
            "fleet_test": float(best["test"]),
            "trivial_test": judged.trivial["test"],
        }
        model = self._out / "models" / f"{plugin.name}.keras"
        earlier = self._before.get(plugin.name, {})
        same = all(earlier.get(key) == row[key] for key in ("recipe", "epochs", "fingerprint"))
        if same and model.is_file():
            self._kept.append({**earlier, **row})
            return
        self._child = self._child or WinnerProcess(self._out / "winners.log", self._request.limits)
        self._child.submit(
            Request(
                task=plugin.name,
                path=str(plugin.path),
                attribute=plugin.attribute,
                module=plugin.module,
                source=self._request.source,
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
        given, reason = self._child.finish() if self._child else ([], "")
        answers = {row["task"]: row for row in given}
        lost = {"error": f"no answer; see winners.log. {reason}".strip()}
        rows, problems = list(self._kept), []
        for row in self._sent:
            answer = answers.get(row["task"], lost)
            if "error" in answer:
                problems.append(f"{row['task']}: winner on TensorFlow: {answer['error']}")
            else:
                rows.append({**row, **answer})
        return rows, problems

    def stop(self) -> None:
        """End the child, whatever it is doing."""
        if self._child:
            self._child.stop()
