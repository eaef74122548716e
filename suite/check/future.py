"""Future: a model that forecasts has not been trained on what comes after its val and test rows.

Arrays do not say when a row was. Two things do: a task may declare `Data.times`, and of sliding
windows that overlap one can tell which begins later.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from suite.check.codes import PAIRS, Codes
from suite.check.note import Finding, Note, Remark, counted
from suite.check.subject import Subject
from suite.check.windows import Windows, windows_of
from suite.data import Array

SPLITS = ("train", "val", "test")
REMEDY = (
    "Split in the order of time and leave a gap as long as a window: "
    "suite.splits.chronological(rows, gap=WINDOW)."
)


def examine(subject: Subject) -> Iterator[Note]:
    """See `suite.check.examine`."""
    data = subject.data
    if data.times is not None:
        yield from _declared(data.times)
    windows = windows_of(data)
    if windows is None:
        return
    codes = windows.pieces()
    if codes is None:
        yield Remark(
            "The inputs are sliding windows whose values repeat too often to tell which comes "
            "first. Declare Data.times to have their order examined."
        )
        return
    for one, other in PAIRS:
        yield from _compared(windows, codes, one, other)
    if data.times is None:
        yield Remark(
            "The inputs are sliding windows. Splits with a gap between them hold no sign of their "
            "order; declare Data.times to have it examined, too."
        )


def _declared(times: Mapping[str, Array]) -> Iterator[Note]:
    for one, other in PAIRS:
        late = int((times[one] >= times[other].min()).sum())
        if late:
            yield Finding(
                f"{counted(late, 'row')} of {one} ({late / len(times[one]):.1%}) come no earlier "
                f"than the first of {other}, by the declared times.",
                "The score tells how well the past is filled in, not how well the future is "
                "forecast.",
                REMEDY,
            )


def _compared(windows: Windows, codes: Codes, one: str, other: str) -> Iterator[Note]:
    """What windows of two splits have in common, and which of them begin later."""
    rows = {name: windows.split == SPLITS.index(name) for name in (one, other)}
    known, held = codes[rows[one]], codes[rows[other]]
    earliest = _earliest(known)
    places = np.searchsorted(earliest[0], held)
    places = np.minimum(places, len(earliest[0]) - 1)
    shared = earliest[0][places] == held
    later = shared & (earliest[1][places] < np.arange(held.shape[1]))
    sharing, preceding = int(shared.any(axis=1).sum()), int(later.any(axis=1).sum())
    if preceding:
        yield Finding(
            f"{counted(preceding, 'window')} of {other} ({preceding / len(held):.1%}) overlap with "
            f"a window of {one} that begins later: the splits are mixed in time.",
            "The model has seen what happened after the moment at which it is asked, the answer "
            "included.",
            REMEDY,
        )
    elif sharing:
        yield Finding(
            f"{counted(sharing, 'window')} at the beginning of {other} share steps with windows of "
            f"{one}.",
            f"Targets of {one} are inputs of {other}: the splits are not disjoint in time.",
            REMEDY,
        )


def _earliest(codes: Codes) -> tuple[Codes, Array]:
    """The pieces of some windows, sorted, and the earliest place in a window where each stands."""
    places = np.broadcast_to(np.arange(codes.shape[1]), codes.shape).ravel()
    flat = codes.ravel()
    order = np.lexsort((places, flat))
    pieces, first = np.unique(flat[order], return_index=True)
    return pieces, places[order][first]
