"""A results folder as it is read: the record, `run.json`, and all that follows from them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from suite.claim import Claim
from suite.claims import Floats, arms_of, claims_frame, tested
from suite.errors import RecordError, StudyError
from suite.evidence import Evidence, evidence_of
from suite.frame import described, frame_of
from suite.search.claims import Duel, duels, search_claims
from suite.search.log import read_log
from suite.search.study import SearchStudy
from suite.search.tables import curves_frame, search_tables, searches_of
from suite.store import Store
from suite.study import Study
from suite.studyfiles import KINDS, fault_of
from suite.summary import Judged, judged_of
from suite.tables.claims import claims_table
from suite.tables.matrix import matrix_tables
from suite.tables.table import Table
from suite.trial import Outcome
from suite.uncollected import uncollected


@dataclass(frozen=True)
class Reading:
    """What a results folder holds.

    Attributes:
        folder: where it is.
        run: its `run.json`.
        study: the study that was run, in the size in which it was run.
        outcomes: the record, by trial key.
    """

    folder: Path
    run: Mapping[str, Any]
    study: Study | SearchStudy
    outcomes: Mapping[str, Outcome]

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row a trial: `suite.frame.frame_of`."""
        return frame_of(self.outcomes.values(), self.study.name)

    @cached_property
    def judged(self) -> dict[str, Judged]:
        """How each task is judged."""
        return {name: judged_of(name, task) for name, task in self.run["tasks"].items()}

    @cached_property
    def evidence(self) -> Evidence:
        """What the trials of a matrix say; nothing for a search, whose trials are no matrix."""
        if isinstance(self.study, SearchStudy):
            return Evidence(self.frame, {})
        return evidence_of(self.frame, self.study, self.run, self.outcomes)

    @cached_property
    def claims(self) -> pd.DataFrame:
        """What the trials say of the study's claims, as `suite.claims.claims_frame` has it."""
        if isinstance(self.study, SearchStudy):
            return search_claims(self.duels)
        return claims_frame(self.declared, self.evidence)

    @property
    def arms(self) -> Iterator[tuple[Floats, Floats]]:
        """What each row of `claims` holds against each other, pair by pair."""
        if isinstance(self.study, SearchStudy):
            yield from ((duel.level, duel.reference) for duel in self.duels)
        else:
            yield from (arms_of(*one) for one in tested(self.declared, self.evidence))

    @cached_property
    def duels(self) -> list[Duel]:
        """The claims of a search with their pairs."""
        assert isinstance(self.study, SearchStudy)
        found = [searches_of(*self.log, own, self.budgets) for own in self.judged.values()]
        return list(duels(self.study.claims, [own for own in found if own is not None]))

    @property
    def metrics(self) -> dict[str, str]:
        """The metric of each task."""
        return {name: own.metric for name, own in self.judged.items()}

    @property
    def declared(self) -> Sequence[Claim]:
        """The claims of the study; a search has none."""
        return self.study.claims if isinstance(self.study, Study) else ()

    @cached_property
    def log(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """The asks and the choices of a search; RecordError where there are none."""
        return read_log(self.folder)

    @property
    def budgets(self) -> dict[str, float]:
        """Full trainings of each tuner of a search."""
        assert isinstance(self.study, SearchStudy)
        return {entrant.name: float(entrant.trials) for entrant in self.study.entrants()}

    @cached_property
    def regrets(self) -> pd.DataFrame:
        """The curves of a search's tuners: `suite.search.tables.curves_frame`."""
        return curves_frame(*self.log, self.judged, self.budgets)

    def tables(self) -> Iterator[Table]:
        """All tables of the run."""
        if isinstance(self.study, SearchStudy):
            yield from search_tables(*self.log, self.judged, self.budgets)
            if len(self.claims):
                yield claims_table(self.claims, self.metrics)
        else:
            yield from matrix_tables(self.evidence, self.claims)


@uncollected()
def read(folder: Path) -> Reading:
    """Read a results folder; RecordError where it is none."""
    run = described(folder)
    return Reading(folder, run, study_of(run, folder), Store(folder).outcomes())


def study_of(run: Mapping[str, Any], folder: Path) -> Study | SearchStudy:
    """The study that a `run.json` holds; RecordError where it is none."""
    content = {key: value for key, value in run["study"].items() if key != "fingerprint"}
    kind = KINDS["search" if content.get("kind") == "search" else "matrix"]
    try:
        return kind.model_validate(content)
    except (ValidationError, StudyError) as error:
        raise RecordError(
            f"Expected a study in {folder / 'run.json'}. Received: {fault_of(error)}."
        ) from error
