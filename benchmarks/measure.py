"""Measuring one contender: a fresh process, timed from its start to its end."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict
from tempfile import TemporaryDirectory

import psutil

from benchmarks.record import CONTENDERS, SHARES, Measurement, Request, Trained
from benchmarks.sample import Recipe
from suite.environment import environment_for
from suite.errors import SuiteError


def measured(
    contender: str,
    task: str,
    study: str,
    recipes: list[Recipe],
    trials: int,
    epochs: int | None,
) -> Measurement:
    """Run a contender in a process of its own; SuiteError where it does not come to its end."""
    with TemporaryDirectory(prefix="throughput-") as folder:
        request = Request(contender, task, study, recipes, trials, epochs, folder)
        before, started = busy(), time.perf_counter()
        child = subprocess.run(
            [sys.executable, "-m", "benchmarks.child"],
            input=json.dumps(asdict(request)),
            env=environment(contender),
            capture_output=True,
            text=True,
            check=False,
        )
        seconds, after = time.perf_counter() - started, busy()
    answers = [line for line in child.stdout.splitlines() if line.startswith('{"trained"')]
    if child.returncode or len(answers) != 1:
        tail = "\n".join(child.stderr.strip().splitlines()[-15:])
        raise SuiteError(
            f"Expected {contender} to train {trials} trials of {task}. "
            f"Received: exit code {child.returncode}.\n{tail}"
        )
    answer = json.loads(answers[0])
    shares = {kind: answer["seconds"].pop(kind, 0.0) for kind in SHARES[:-1]} | answer["seconds"]
    shares["other"] = seconds - sum(shares.values())
    total, ours, all_of_us = (after[i] - before[i] for i in range(3))
    disturbance = max(0.0, (all_of_us - ours) / total)
    return Measurement(
        task, contender, Trained(**answer["trained"]), seconds, shares, round(disturbance, 3)
    )


def environment(contender: str) -> dict[str, str]:
    """The contender's environment: its backend, no XLA flags, nothing compiled beforehand."""
    child = environment_for(CONTENDERS[contender].backend)
    child.pop("JAX_COMPILATION_CACHE_DIR", None)
    return {
        **child,
        "JAX_ENABLE_COMPILATION_CACHE": "false",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }


def busy() -> tuple[float, float, float]:
    """Seconds of all cores so far: passed, used by our finished children, used by anyone."""
    times = psutil.cpu_times()._asdict()
    times = {kind: value for kind, value in times.items() if not kind.startswith("guest")}
    idle = times["idle"] + times.get("iowait", 0.0)
    own = os.times()
    total = sum(times.values())
    return total, own.children_user + own.children_system, total - idle
