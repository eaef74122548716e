"""The exit codes of the command line, in one place: what `--help` and the docs show."""

from __future__ import annotations

import enum


class Exit(enum.IntEnum):
    """How a command ended."""

    OK = 0
    FAILED = 1
    USAGE = 2
    IN_USE = 3
    DISK = 5
    INTERRUPTED = 130


MEANING = {
    Exit.OK: "all went well",
    Exit.FAILED: "some trials or plugins failed, the others are there; or a folder cannot be read; "
    "or a check or `--fail-on` found what it was to find",
    Exit.USAGE: "usage: an unknown name, a study that cannot be; nothing was trained",
    Exit.IN_USE: "another run is using the results folder; nothing was trained",
    Exit.DISK: "the results folder cannot be written to, or its disk is full; resumable",
    Exit.INTERRUPTED: "interrupted by Ctrl-C or SIGTERM; resumable",
}
