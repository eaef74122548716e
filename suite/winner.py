"""The winner of a task, trained again by plain `model.fit` on TensorFlow, in a process of its own.

The suite's own process holds JAX; TensorFlow gets another one. `WinnerProcess` is the parent's end;
`python -m suite.winner` is the child: requests come in, answers go out, one JSON object a line.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean
from typing import IO, Any

import psutil

from suite import interrupt
from suite.environment import environment_for
from suite.files import replacing
from suite.stats.intervals import spread
from suite.supervision.limits import Limits, Meter
from suite.supervision.server import adopt, die_with_parent, end_descendants
from suite.trial import Level

FRESH_SEEDS = (1_000_001, 1_000_002, 1_000_003)
"""Seeds of the retraining; a study counts its own from 0 to at most 9,999."""

MOST_WORDS = 1000
"""Characters of an error."""
MOST_BYTES = 1 << 20
"""Of all answers; one takes a few hundred."""
LOOK = 0.25
"""Seconds between two looks at what the child takes."""


@dataclass(frozen=True)
class Request:
    """What to train again: a task by its file and, if installed, module; a recipe; a place."""

    task: str
    path: str
    attribute: str
    module: str
    source: str
    hp: Mapping[str, Level]
    epochs: int
    export: str


class WinnerProcess:
    """A child process with TensorFlow that trains winners while the fleet goes on.

    Args:
        log: file that takes what the child prints besides its answers.
        limits: what it may take, its deadline for each answer.
    """

    def __init__(self, log: Path, limits: Limits) -> None:
        self._limits = limits
        self._log: IO[str] = log.open("w", encoding="utf-8")
        self._child = subprocess.Popen(
            [sys.executable, "-m", "suite.winner"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env=environment_for("tensorflow"),
            start_new_session=True,
        )

    def submit(self, request: Request) -> None:
        """Ask for one winner; returns at once. A child that has died gives no answer later."""
        assert self._child.stdin is not None
        with suppress(BrokenPipeError):
            self._child.stdin.write(json.dumps(asdict(request)).encode() + b"\n")
            self._child.stdin.flush()

    def finish(self) -> tuple[list[dict[str, Any]], str]:
        """All answers, in the order of the requests; why there are no more, if there is a reason.

        Raises KeyboardInterrupt where the run is to stop.
        """
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        with suppress(BrokenPipeError):
            self._child.stdin.close()
        output, breach = b"", ""
        meter = Meter(self._child.pid, self._limits)
        while not breach and len(output) <= MOST_BYTES:
            interrupt.check()
            if select.select([self._child.stdout], [], [], LOOK)[0]:
                part = os.read(self._child.stdout.fileno(), 1 << 16)
                if not part:
                    break
                output += part
                meter.alive()
            breach = meter.breach()
        self.stop()
        return answers_in(output), breach

    def stop(self) -> None:
        """End the child and all it started, without waiting for answers."""
        family: list[psutil.Process] = []
        with suppress(psutil.NoSuchProcess):
            family = psutil.Process(self._child.pid).children(recursive=True)
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self._child.wait()
        for file in (self._child.stdin, self._child.stdout, self._log):
            if file:
                with suppress(BrokenPipeError):
                    file.close()


def answers_in(output: bytes) -> list[dict[str, Any]]:
    """The answers among the lines of an output; a plugin may have printed others."""
    found = []
    for line in output.splitlines():
        with suppress(ValueError):
            content = json.loads(line)
            if isinstance(content, dict) and "task" in content:
                found.append(content)
    return found


def retrain(request: Request, seeds: Sequence[int] = FRESH_SEEDS) -> dict[str, Any]:
    """Train the request's recipe on each seed; export the model with the middle objective.

    Returns the metric on val and test by seed, their means and spread, and the exported seed.
    """
    from suite.engines.fit import Fitting  # noqa: PLC0415  # Keras, in the child alone
    from suite.registry import Plugin, load  # noqa: PLC0415
    from suite.scoring import Judge  # noqa: PLC0415
    from suite.trial import Status, Trial  # noqa: PLC0415

    place = Path(request.path)
    plugin = Plugin(request.task, place, "", request.attribute, module=request.module)
    task = load(plugin, request.source)
    judge = Judge(task, task.dataset)
    trials = [Trial(request.task, request.source, request.hp, s, request.epochs) for s in seeds]
    fitting = Fitting(task, trials[0], task.dataset)
    runs = []
    for trial in trials:
        curves, epoch, outputs = fitting.run(trial, judge)
        outcome = judge.outcome(trial, "fit-tensorflow", 0.0, curves, epoch, outputs)
        if outcome.status is not Status.COMPLETED:
            return {"task": request.task, "error": f"seed {trial.seed}: {outcome.message}"}
        objective = curves[judge.objective[0]][epoch - 1]
        runs.append((objective, trial.seed, outcome.metrics, fitting.model.get_weights()))
    middle = sorted(runs, key=lambda run: run[0])[len(runs) // 2]
    fitting.model.set_weights(middle[3])
    export = Path(request.export)
    with replacing(export) as beside:
        fitting.model.save(beside)
    tests = [run[2][f"test.{judge.name}"] for run in runs]
    vals = [run[2][f"val.{judge.name}"] for run in runs]
    return {
        "task": request.task,
        "seeds": list(seeds),
        "fresh_val": fmean(vals),
        "fresh_test": fmean(tests),
        "fresh_test_sd": spread(tests),
        "exported_seed": middle[1],
        "exported_test": middle[2][f"test.{judge.name}"],
        "model": export.name,
    }


def main() -> None:
    """Answer requests until there are no more; a recipe that fails is an answer, too."""
    from suite.registry import where  # noqa: PLC0415  # as in `retrain`

    die_with_parent()
    adopt()
    for line in sys.stdin:
        request = Request(**json.loads(line))
        try:
            answer = retrain(request)
        except (Exception, SystemExit) as error:  # a plugin may raise anything; it is reported
            text = f"{where(error, Path(request.path))}: {type(error).__name__}: {error}"
            answer = {"task": request.task, "error": text[:MOST_WORDS]}
        print(json.dumps(answer), flush=True)
    end_descendants()


if __name__ == "__main__":
    main()
