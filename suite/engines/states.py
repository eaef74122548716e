"""Where a member's training stands, so that it can go on later: in memory, or in a file."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from suite.engines.training import Best, Carry, State
from suite.files import replacing
from suite.trial import Trial, canonical

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class MemberState:
    """A member after some epochs.

    Attributes:
        program: names what it was trained by (`Template.program`); nothing else can go on with it.
        epochs: how many it has been trained.
        curves: log name -> one figure an epoch.
        carry: variables, optimizer and selected epoch, without leading axes.
    """

    program: str
    epochs: int
    curves: Mapping[str, Array]
    carry: Carry


UNREADABLE = (OSError, EOFError, ValueError, TypeError, LookupError, zipfile.BadZipFile)
"""What `load` raises where a file is not whole, or not one of a state."""


class States(Protocol):
    """Keeps the states of trials that may go on, and gives them back."""

    def find(self, trial: Trial, program: str) -> MemberState | None:
        """The latest state of `trial`'s recipe and seed before its last epoch, for `program`."""

    def wanted(self, trial: Trial) -> bool:
        """Whether `trial` may go on after its epochs."""

    def keep(self, trial: Trial, state: MemberState) -> None:
        """Keep the state that `trial` has ended in."""


def save(path: Path, state: MemberState) -> None:
    """Write `state` whole, as NumPy arrays without pickles, and rename it into place."""
    arrays = {f"curve {name}": np.asarray(curve) for name, curve in state.curves.items()}
    for part, value in _parts(state.carry).items():
        for i, array in enumerate(value):
            arrays[f"{part} {i:05d}"] = np.asarray(array)
    head = canonical({"program": state.program, "epochs": state.epochs})
    arrays["head"] = np.frombuffer(head.encode(), np.uint8)
    with replacing(path) as beside, beside.open("wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]  # the stubs take the names for options
        file.flush()
        os.fsync(file.fileno())


def _parts(carry: Carry) -> dict[str, list[Any]]:
    state, best = carry
    return {
        "trainable": list(state.trainable),
        "weights": list(state.weights),
        "seeds": list(state.seeds),
        "optimizer": list(state.optimizer),
        "epoch": [best.epoch],
        "objective": [best.objective],
        "best": list(best.trainable),
        "bestweights": list(best.weights),
    }


def load(path: Path) -> MemberState:
    """Read what `save` wrote; one of `UNREADABLE` where it is something else."""
    with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
        arrays = {name: stored[name] for name in stored.files}
    head = json.loads(arrays.pop("head").tobytes())
    curves = {
        name.removeprefix("curve "): array
        for name, array in arrays.items()
        if name.startswith("curve ")
    }
    parts: dict[str, list[Array]] = {}
    for name in sorted(arrays):
        parts.setdefault(name.split(" ")[0], []).append(arrays[name])

    def part(name: str) -> list[Any]:
        return parts.get(name, [])

    state = State(part("trainable"), part("weights"), part("seeds"), part("optimizer"))
    best = Best(part("epoch")[0], part("objective")[0], part("best"), part("bestweights"))
    return MemberState(head["program"], head["epochs"], curves, Carry(state, best))


class StateFolder:
    """Keeps states in files of one folder, one a recipe, seed and number of epochs.

    Args:
        folder: made when the first state is kept.
        last: the number of epochs after which no trial goes on.
    """

    def __init__(self, folder: Path, last: int) -> None:
        self.folder = folder
        self.last = last

    def wanted(self, trial: Trial) -> bool:
        """Whether `trial` may go on after its epochs."""
        return trial.epochs < self.last

    def keep(self, trial: Trial, state: MemberState) -> None:
        """Write the state; once this returns, it is on the disk."""
        save(self._path(trial, trial.epochs), state)

    def find(self, trial: Trial, program: str) -> MemberState | None:
        """The state after the most epochs before `trial`'s last; None where there is none.

        A file that is damaged, or of another program, is passed over: the trial begins anew.
        """
        for epochs in range(trial.epochs - 1, 0, -1):
            path = self._path(trial, epochs)
            if not path.is_file():
                continue
            try:
                state = load(path)
            except UNREADABLE:
                continue
            if state.program == program and state.epochs == epochs:
                return state
        return None

    def _path(self, trial: Trial, epochs: int) -> Path:
        return self.folder / f"{replace(trial, epochs=epochs).key}.npz"
