"""The command `reproduce`: a trial of a results folder to its script and its data file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from suite.blueprint import draw_up
from suite.errors import UsageError, unknown
from suite.files import write_whole
from suite.frame import described
from suite.jobs import opened
from suite.registry import discover
from suite.reproduce.arrays import file_name, save
from suite.reproduce.recorded import check_data, find
from suite.reproduce.script import script_of
from suite.reproduce.source import text

DATA = "data"


@dataclass(frozen=True)
class Asked:
    """What a user asks to be reproduced.

    Attributes:
        trial: a trial's key, or its beginning.
        results: the results folder.
        out: the folder for the script and the data file; None for a script that is only printed,
            with the data file in the results folder's `data`.
        folders: folders of the user's own task files.
    """

    trial: str
    results: Path
    out: Path | None = None
    folders: Sequence[Path] = ()


@dataclass(frozen=True)
class Reproduction:
    """The script's text, and where it was written (None: nowhere yet)."""

    text: str
    path: Path | None


def reproduce(asked: Asked) -> Reproduction:
    """Write a trial's data file, and its script where a folder was asked for.

    Raises:
        UsageError: there is no such trial, it failed, or its model is not Keras' own alone.
        RecordError: there are no results, or nothing can be written.
        PluginError: the task cannot be loaded; a DataError where its data has changed.
    """
    run = described(asked.results)
    outcome = find(asked.results, asked.trial)
    trial = outcome.trial
    plugins = discover(asked.folders)
    if trial.task not in plugins:
        raise UsageError(f"{unknown('task', trial.task, plugins)} Name its folder by --tasks-dir.")
    job, blueprint = opened(
        plugins[trial.task],
        trial.source,
        lambda task: draw_up(task, trial.hp, task.dataset, trial.epochs),
    )
    data = job.task.dataset
    check_data(run, asked.results, trial.task, data.fingerprint)
    path = (asked.out or asked.results / DATA) / file_name(trial.task, data)
    place = f"Path(__file__).with_name({text(path.name)})" if asked.out else text(path.as_posix())
    script = script_of(outcome, blueprint, job.judge, place)
    save(data, path)
    return Reproduction(script, _written(script, asked.out, f"{trial.task}-{trial.key}.py"))


def _written(script: str, out: Path | None, name: str) -> Path | None:
    if out is None:
        return None
    write_whole(out / name, script)
    return out / name
