"""The recorded trial that is to be reproduced: found by its key, held against its task's data."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from suite.errors import DataError, RecordError, UsageError
from suite.store import Store
from suite.trial import Outcome, Status

SHORTEST = 4
"""Digits that are at least needed to name a trial by the beginning of its key."""


def find(folder: Path, asked: str) -> Outcome:
    """The outcome of the trial whose key is, or begins with, `asked`.

    Raises:
        UsageError: there is none, there are several, or the trial failed.
        RecordError: the record cannot be read.
    """
    outcomes = Store(folder).outcomes()
    outcome = outcomes[_key(folder, asked, outcomes)]
    if outcome.status is Status.FAILED:
        raise UsageError(
            f"Expected a trial that was trained. Received: trial={outcome.trial.key!r}, which "
            f"failed and has no figure to reproduce: {outcome.message}."
        )
    return outcome


def _key(folder: Path, asked: str, keys: Iterable[str]) -> str:
    keys = sorted(keys)
    if asked in keys:
        return asked
    begun = [key for key in keys if key.startswith(asked.lower())]
    if len(asked) >= SHORTEST and len(begun) == 1:
        return begun[0]
    expected = (
        f"Expected the key of one of the {len(keys):,} trials in {folder}, or its first digits, "
        f"{SHORTEST} or more, as far as they name one. Received: trial={asked!r}"
    )
    if begun:
        more = ", ..." if len(begun) > 3 else ""
        raise UsageError(
            f"{expected}, with which {len(begun)} keys begin: {_quoted(begun[:3])}{more}."
        )
    near = _nearest(asked, keys)
    raise UsageError(f"{expected}.{f' Nearest: {_quoted(near)}.' if near else ''}")


def _nearest(asked: str, keys: Sequence[str]) -> list[str]:
    """Up to three keys that begin most like `asked`."""
    beginnings: dict[str, str] = {}
    for key in keys:
        beginnings.setdefault(key[: len(asked)], key)
    return [beginnings[near] for near in get_close_matches(asked, beginnings, n=3, cutoff=0.4)]


def _quoted(keys: Iterable[str]) -> str:
    return ", ".join(map(repr, keys))


def check_data(run: Mapping[str, Any], folder: Path, task: str, fingerprint: str) -> None:
    """DataError where a task's data are not those that the run was on."""
    try:
        recorded = run["tasks"][task]["data"]["fingerprint"]
    except (KeyError, TypeError) as error:
        raise RecordError(
            f"Expected the data of task {task!r} in {folder / 'run.json'}. Received: none."
        ) from error
    if recorded != fingerprint:
        raise DataError(
            f"Expected the data that task {task!r} was recorded on, of fingerprint {recorded}. "
            f"Received: data of fingerprint {fingerprint}; the task file, its source or a package "
            f"has changed since."
        )


def backend_of(outcome: Outcome) -> str:
    """The Keras backend that an outcome was computed on."""
    backend = re.fullmatch(r"fit-(\w+)", outcome.engine)
    return backend[1] if backend else "jax"
