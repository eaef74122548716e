"""What was damaged in a record: named, and put aside where nobody takes it for a trial."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.errors import RecordError
from suite.files import replacing
from suite.line import decode, key_in, pieces

QUARANTINE = "quarantine.jsonl"


@dataclass(frozen=True)
class Damage:
    """A line of the record, or the end of one, that could not be read.

    Attributes:
        segment, line: where it was; lines count from 1.
        reason: what is wrong with it.
        raw: its bytes.
    """

    segment: Path
    line: int
    reason: str
    raw: bytes

    def described(self) -> dict[str, Any]:
        """For `run.json`: where, why, and the trial that it was about, where that can be read."""
        return {
            "segment": self.segment.name,
            "line": self.line,
            "reason": self.reason,
            "trial": key_in(self.raw),
        }


def put_aside(folder: Path, damage: Sequence[Damage]) -> None:
    """Move damage from its segments into the folder's quarantine file.

    First it is written there, to the disk; then each segment is replaced by one without it. A kill
    in between leaves both, and the next time puts it aside once all the same. Nobody may be
    writing to these segments.
    """
    known = {(entry["segment"], entry["bytes"]) for entry in quarantined(folder)}
    lines = []
    for one in damage:
        entry = {**one.described(), "bytes": base64.b64encode(one.raw).decode()}
        if (entry["segment"], entry["bytes"]) not in known:
            lines.append(json.dumps(entry) + "\n")
    path = folder / QUARANTINE
    torn = path.is_file() and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="ascii") as file:
        file.write("\n" * torn + "".join(lines))
        file.flush()
        os.fsync(file.fileno())
    for segment in sorted({one.segment for one in damage}):
        _clean(segment)


def _clean(segment: Path) -> None:
    """Replace a segment by one with its sound lines alone."""
    with replacing(segment) as beside, beside.open("wb") as clean, segment.open("rb") as lines:
        for line in lines:
            for piece in pieces(line.removesuffix(b"\n")):
                if _sound(piece):
                    clean.write(piece + b"\n")
        clean.flush()
        os.fsync(clean.fileno())


def _sound(piece: bytes) -> bool:
    try:
        decode(piece)
    except RecordError:
        return False
    return True


def quarantined(folder: Path) -> list[dict[str, Any]]:
    """What was put aside so far; an entry that is damaged itself says so."""
    path = folder / QUARANTINE
    if not path.is_file():
        return []
    found = []
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        try:
            entry = json.loads(line)
            found.append({key: entry[key] for key in ("segment", "line", "reason", "trial")})
            found[-1]["bytes"] = entry["bytes"]
        except (ValueError, KeyError, TypeError):
            reason = "the entry itself is damaged"
            found.append(
                {"segment": QUARANTINE, "line": number, "reason": reason, "trial": "", "bytes": ""}
            )
    return found
