"""What a user asks of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from suite.errors import unknown
from suite.registry import Plugin, discover, select
from suite.search.study import SearchStudy
from suite.study import Study
from suite.supervision.limits import Limits

ENGINES = ("fleet", "fit")


@dataclass(frozen=True)
class Request:
    """What a user asks of a run; UsageError for an engine that there is none of.

    Attributes:
        study: the declared study, in the size asked for.
        out: the results folder.
        tasks: names of tasks; empty for the study's own, or for all.
        folders: folders of the user's own task files.
        source: "embedded" or "full" data.
        engine: "fleet" or "fit"; None for the faster one that the backend allows.
        cluster: a scheduler's address, or a number of worker processes; None for neither.
        limits: what the process of one task may take.
        join: share the work of a run that is under way in `out`, if there is one.
        allow_mixed: go on in a folder that was begun with other code, data or another study.
    """

    study: Study | SearchStudy
    out: Path
    tasks: Sequence[str] = ()
    folders: Sequence[Path] = ()
    source: str = "embedded"
    engine: str | None = None
    cluster: str | None = None
    limits: Limits = field(default_factory=Limits)
    join: bool = False
    allow_mixed: bool = False

    def __post_init__(self) -> None:
        if self.engine not in (None, *ENGINES):
            raise unknown("engine", self.engine, ENGINES)

    @property
    def probed(self) -> bool:
        """Whether trainings are looked into: those of a matrix are, unless its study says no."""
        return isinstance(self.study, Study) and self.study.diagnostics


def plugins_of(request: Request) -> list[Plugin]:
    """The plugins that a request names."""
    return select(discover(request.folders), request.tasks or request.study.tasks)
