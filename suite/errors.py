"""The exceptions of the suite.

SuiteError
├── UsageError      the user asked for something that does not exist or cannot be (exit code 2)
│   └── StudyError  a study file does not say what a study must say
├── PluginError     a task file cannot be imported, or does not keep the contract
│   └── DataError   a task's data is broken: NaN, overlapping splits, unequal lengths
├── SourceError     a data source cannot be reached (`--data full` without a network, say)
├── ClusterError    a cluster cannot be reached, or has no worker that can be used
└── RecordError     a results folder cannot be used
    ├── InUseError      another run is writing to it (exit code 3)
    └── StorageError    it cannot be written to: full, read-only, broken (exit code 5)

Every message says what was expected, then what was received, then the nearest valid choice.
"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import ClassVar

MOST_SHOWN = 200
"""Characters of what was received that a message shows."""
MOST_CHOICES = 200


class SuiteError(Exception):
    """Base of everything the suite raises on purpose; its text is one message for the user."""

    exit_code: ClassVar[int] = 1


class UsageError(SuiteError):
    """The request cannot be carried out as it was written."""

    exit_code = 2


class StudyError(UsageError):
    """A study file is not a valid declaration."""


class PluginError(SuiteError):
    """A task plugin is broken. It never stops the other tasks."""


class DataError(PluginError):
    """The data that a task brings cannot be trained on."""


class SourceError(SuiteError):
    """A data source cannot be reached from here."""


class ClusterError(SuiteError):
    """A cluster cannot be reached, or has no worker that trains what this machine would."""


class RecordError(SuiteError):
    """A results folder cannot be read or written."""


class InUseError(RecordError):
    """Another run is writing to the results folder."""

    exit_code = 3


class StorageError(RecordError):
    """The system will not write to the results folder; what it acknowledged before stays."""

    exit_code = 5


def unknown(kind: str, received: object, valid: Iterable[object]) -> UsageError:
    """The error for a name that is not one of `valid`, with the nearest one.

    >>> str(unknown("task", "chrun", ["churn", "digits"]))
    "Expected a task out of 'churn', 'digits'. Received: task='chrun'. Did you mean 'churn'?"
    """
    names = [str(name)[:MOST_SHOWN] for name in valid]
    near = get_close_matches(str(received)[:MOST_SHOWN], names[:MOST_CHOICES], n=1, cutoff=0.4)
    choices = ", ".join(repr(name) for name in names[:MOST_CHOICES]) or "none at all"
    hint = f" Did you mean {near[0]!r}?" if near else ""
    article = "an" if kind[0] in "aeiou" else "a"
    text = str(received)[:MOST_SHOWN]
    return UsageError(
        f"Expected {article} {kind} out of {choices}. Received: {kind}={text!r}.{hint}"
    )
