"""A job: one task of a run, loaded and checked, with its trials."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeVar

from suite import plan
from suite.errors import PluginError, SuiteError
from suite.origin import origin_of
from suite.registry import Plugin, defined, load, where
from suite.scoring import Judge
from suite.space import check_factors
from suite.study import Study
from suite.summary import Judged
from suite.task import Task
from suite.trial import Trial


@dataclass(frozen=True)
class Job:
    """A task that is ready to be trained."""

    plugin: Plugin
    task: Task
    judge: Judge
    trials: list[Trial]

    def judged(self) -> Judged:
        """How this task is judged, for the tables."""
        objective, direction = self.judge.objective
        return Judged(
            task=self.plugin.name,
            metric=self.judge.name,
            objective=objective.removeprefix("val_"),
            direction=direction,
            trivial=self.judge.trivial(),
            trivial_name=self.task.dataset.trivial_name,
        )

    @cached_property
    def origin(self) -> dict[str, str]:
        """What its results rest on: `suite.origin`."""
        return origin_of(self.plugin.path, self.task.dataset.fingerprint)

    def description(self) -> dict[str, Any]:
        """The task and its data, for `run.json`."""
        data = self.task.dataset
        judged = self.judged()
        return {
            "epochs": self.task.epochs,
            "metric": judged.metric,
            "objective": judged.objective,
            "direction": judged.direction,
            "trivial": dict(judged.trivial),
            "trivial_name": judged.trivial_name,
            "origin": self.origin,
            "data": {
                "name": data.name,
                "source": data.source,
                "licence": data.licence,
                "fingerprint": data.fingerprint,
                "rows": {name: len(split) for name, split in data.splits.items()},
            },
        }


def prepare(plugin: Plugin, study: Study, source: str) -> Job:
    """Load a plugin and its data, hold the study against it, plan its trials.

    Raises SuiteError; whatever else the plugin's own code raises becomes a PluginError with the
    file and the line.
    """
    job, _ = opened(plugin, source, lambda task: check_factors(task, study))
    return replace(job, trials=plan.trials(study, plugin.name, source, job.task.epochs))


Found = TypeVar("Found")


def opened(plugin: Plugin, source: str, look: Callable[[Task], Found]) -> tuple[Job, Found]:
    """A job without trials yet, and what `look` finds in its task; raises as `prepare` does."""
    task = load(plugin, source)
    try:
        judge = Judge(task, task.dataset)
        found = look(task)
        judge.trivial()
    except PluginError as error:
        if str(plugin.path) in str(error):
            raise
        place = where(error, plugin.path)
        known = place != str(plugin.path)
        at = place if known else defined(type(task).data, plugin.path)
        raise type(error)(f"{at}: {error}") from error
    except SuiteError:
        raise
    except (Exception, SystemExit) as error:
        place = where(error, plugin.path)
        raise PluginError(f"{place}: {type(error).__name__}: {error}") from error
    return Job(plugin, task, judge, []), found
